// Who changed what.
import { html } from "../lib/h.js";
import { useAll, useList } from "../lib/data.js";
import { useParam } from "../lib/router.js";
import { may } from "../lib/session.js";
import { Filter, Search } from "../parts/filters.js";
import { ListTable } from "../parts/table.js";
import { Code, Empty, Notice, Page, Panel, Time } from "../parts/ui.js";

const LINKS = { cmp: "campaigns", whk: "webhooks" };
const linkTo = (id) => LINKS[id.split("_")[0]];

function Subject({ id }) {
  const place = linkTo(id);
  return place ? html`<a href="#/${place}/${id}"><${Code}>${id}<//></a>` : html`<${Code}>${id}<//>`;
}

function Lines({ route }) {
  const [action, setAction] = useParam(route, "action");
  const [key, setKey] = useParam(route, "key");
  const [subject, setSubject] = useParam(route, "subject");
  const keys = useAll("/v1/api-keys");
  const list = useList("/v1/audit", { action, key_id: key, subject });
  const nameOf = (id) => (keys.rows || []).find((k) => k.id === id)?.name || id;
  const columns = [
    { key: "at", name: "When", cell: (l) => html`<${Time} at=${l.at} />` },
    { key: "action", name: "What", cell: (l) => html`<strong>${l.action}</strong>` },
    { key: "subject", name: "On what", cell: (l) => html`<${Subject} id=${l.subject} />` },
    { key: "key", name: "With which key", cell: (l) => (l.key_id ? nameOf(l.key_id) : html`<span class="dim">belfry-admin</span>`) },
    { key: "request", name: "Request", kind: "wide", cell: (l) => html`<${Code}>${l.request_id || "–"}<//>` },
  ];
  return html`<${Panel} label="Audit log"><div class="toolbar">
      <${Search} label="Action" placeholder="Action, as campaign.start  ( / )" value=${action} onChange=${setAction} />
      <${Search} label="Id of what was changed" placeholder="Id of what was changed" value=${subject} onChange=${setSubject} />
      <${Filter} label="Key" value=${key} onChange=${setKey} all="All keys" of=${(keys.rows || []).map((k) => [k.id, k.name])} /></div>
    <${ListTable} list=${list} columns=${columns} caption="Audit log" what="lines"
      empty=${html`<${Empty} title="No line fits.">An action is looked for whole, as campaign.start.<//>`} /><//>`;
}

export default function Audit({ route }) {
  return html`<${Page} title="Audit log" lead="Every change of this workspace, under the request that made it.">
    ${may("admin") ? html`<${Lines} route=${route} />` : html`<${Notice}>To see it, sign in with a key that has the scope admin.<//>`}<//>`;
}
