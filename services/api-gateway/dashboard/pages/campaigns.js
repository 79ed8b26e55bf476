// The list of campaigns: what an operator looks at first.
import { html } from "../lib/h.js";
import { useList } from "../lib/data.js";
import { number } from "../lib/format.js";
import { useParam } from "../lib/router.js";
import { may } from "../lib/session.js";
import { Progress } from "../parts/bar.js";
import { Filter, Search } from "../parts/filters.js";
import { ListTable } from "../parts/table.js";
import { Chip, Empty, Page, Panel, Time } from "../parts/ui.js";

const EVERY_MS = 3000;
const STATUSES = ["draft", "active", "paused", "completed", "cancelled"];

const columns = [
  { key: "name", name: "Campaign", cell: (c) => html`<a class="name" href="#/campaigns/${c.id}">${c.name}</a>
    ${c.description && html`<small>${c.description}</small>`}` },
  { key: "kind", name: "Kind", kind: "wide", cell: (c) => c.kind },
  { key: "status", name: "Status", cell: (c) => html`<${Chip} status=${c.status} />
    ${c.status_reason && html`<small>${c.status_reason.replaceAll("_", " ")}</small>`}` },
  { key: "progress", name: "Progress", cell: (c) => html`<${Progress} campaign=${c} />` },
  { key: "rate", name: "Rate", kind: "wide", cell: (c) => (c.kind === "bulk"
    ? `${number(c.rate_limit_per_minute)} a minute` : html`<code>${c.cron}</code>`) },
  { key: "next", name: "Next occurrence", kind: "wide", cell: (c) => html`<${Time} at=${c.next_occurrence_at} />` },
  { key: "created", name: "Created", kind: "wide", cell: (c) => html`<${Time} at=${c.created_at} />` },
];

export default function Campaigns({ route }) {
  const [kind, setKind] = useParam(route, "kind");
  const [status, setStatus] = useParam(route, "status");
  const [q, setQ] = useParam(route, "q");
  const list = useList("/v1/campaigns", { kind, status, q }, { every: EVERY_MS });
  const isFiltered = kind || status || q;
  const create = may("write") && html`<a class="button primary" href="#/campaigns/new">New campaign</a>`;
  const empty = isFiltered
    ? html`<${Empty} title="No campaign fits."><a href="#/campaigns">Show all campaigns</a><//>`
    : html`<${Empty} title="No campaigns yet.">
        <p>A campaign says what to call, when and how fast.</p>${create}<//>`;
  return html`<${Page} title="Campaigns" actions=${create}>
    <${Panel} label="Campaigns">
      <div class="toolbar">
        <${Search} label="Search campaigns by name" placeholder="Search by name  ( / )" value=${q} onChange=${setQ} />
        <${Filter} label="Kind" value=${kind} onChange=${setKind} all="All kinds" of=${[["bulk", "Bulk"], ["recurring", "Recurring"]]} />
        <${Filter} label="Status" value=${status} onChange=${setStatus} all="All statuses" of=${STATUSES.map((s) => [s, s])} />
      </div>
      <${ListTable} list=${list} columns=${columns} caption="Campaigns" what="campaigns" empty=${empty} />
    <//><//>`;
}
