// The targets of a bulk campaign: search, filter, add, skip, export.
import { html, useState } from "../lib/h.js";
import { post, query } from "../lib/api.js";
import { useList } from "../lib/data.js";
import { number, plural, words } from "../lib/format.js";
import { go } from "../lib/router.js";
import { may } from "../lib/session.js";
import { AddTargets } from "./add_targets.js";
import { AskButton } from "./dialog.js";
import { Filter, OUTCOMES, Search } from "./filters.js";
import { Imports } from "./imports.js";
import { ListTable } from "./table.js";
import { TargetDialog } from "./target_dialog.js";
import { tell } from "./toast.js";
import { Button, Chip, Empty, Panel, Time } from "./ui.js";

const EVERY_MS = 4000;
const STATUSES = ["pending", "scheduled", "dispatched", "failed", "skipped"];
const canSkip = (t) => t.status === "pending" || t.status === "scheduled";

function columns(open, picked, pick) {
  const box = may("control") && { key: "pick", name: "Chosen", kind: "pick", cell: (t) => canSkip(t) && html`<input type="checkbox"
    aria-label=${`Choose ${t.to_number}`} checked=${picked.has(t.id)} onChange=${() => pick(t.id)} />` };
  return [box,
    { key: "to", name: "Number", cell: (t) => html`<button type="button" class="button plain small" onClick=${() => open(t)}>${t.to_number}</button>
      ${t.name && html`<small>${t.name}</small>`}` },
    { key: "status", name: "Status", cell: (t) => html`<${Chip} status=${t.status} />` },
    { key: "outcome", name: "Last outcome", cell: (t) => words(t.outcome) },
    { key: "attempts", name: "Attempts", kind: "num wide", cell: (t) => number(t.attempts) },
    { key: "next", name: "Next attempt", kind: "wide", cell: (t) => html`<${Time} at=${t.next_attempt_at} />` },
    { key: "ext", name: "External id", kind: "wide", cell: (t) => t.external_id || html`<span class="dim">–</span>` },
  ].filter(Boolean);
}

function Skips({ campaign, filter, isFiltered, picked, onDone }) {
  const skip = async (body) => {
    const { skipped } = await post(`/v1/campaigns/${campaign.id}/targets/skip`, body);
    tell(`${plural(skipped, "target")} skipped.`);
    onDone();
  };
  const left = campaign.counts.pending + campaign.counts.scheduled;
  const which = isFiltered ? "Every target that the search and the filters find, and that is not yet called," : `${plural(left, "target")}, all that are not yet called,`;
  if (!may("control") || !left) return null;
  return html`${picked.size > 0 && html`<${AskButton} text=${`Skip ${plural(picked.size, "chosen target")}`} title="Skip the chosen targets?"
      verb="Skip them" what=${html`<p>They will not be called. One that is being dialed at this moment stays.</p>`}
      onConfirm=${() => skip({ ids: [...picked] })} />`}
    <${AskButton} text=${isFiltered ? "Skip all that fit" : "Skip all"} title=${isFiltered ? "Skip all that fit the filter?" : "Skip all that are left?"}
      verb="Skip them" tone="danger" what=${html`<p>${which} will be left out. Those being dialed at this moment stay.</p>`} onConfirm=${() => skip({ filter })} />`;
}

export function Targets({ campaign, route, link, reload }) {
  const { status = "", outcome = "", q = "" } = route.params;
  const set = (change) => go(link("targets", { status, outcome, q, ...change }), { replace: true });
  const [open, setOpen] = useState(null);
  const [adding, setAdding] = useState(false);
  const [picked, setPicked] = useState(new Set());
  const list = useList(`/v1/campaigns/${campaign.id}/targets`, { status, outcome, q },
    { every: campaign.status === "active" ? EVERY_MS : 0 });
  const pick = (id) => setPicked((before) => {
    const now = new Set(before);
    if (!now.delete(id)) now.add(id);
    return now;
  });
  const refresh = () => {
    setPicked(new Set());
    list.reload();
    reload();
  };
  const isOpen = ["draft", "active", "paused"].includes(campaign.status);
  const isFiltered = Boolean(status || outcome || q);
  const filter = Object.fromEntries(Object.entries({ status, outcome, q }).filter(([, v]) => v));
  const empty = html`<${Empty} title=${isFiltered ? "No target fits." : "No targets yet."}>
    ${isFiltered ? html`<a href=${link("targets")}>Show all targets</a>`
    : may("write") && isOpen && html`<${Button} kind="primary" onClick=${() => setAdding(true)}>Add targets<//>`}<//>`;
  return html`<${Imports} campaign=${campaign} onDone=${refresh} />
    <${Panel} label="Targets">
    <div class="toolbar">
      <${Search} label="Search targets" placeholder="Number or name  ( / )" value=${q} least=${3} onChange=${(v) => set({ q: v })} />
      <${Filter} label="Status" value=${status} onChange=${(v) => set({ status: v })} all="All statuses" of=${STATUSES.map((s) => [s, s])} />
      <${Filter} label="Last outcome" value=${outcome} onChange=${(v) => set({ outcome: v })} all="All outcomes" of=${OUTCOMES.map((o) => [o, words(o)])} />
      <span class="grow"></span>
      <${Skips} campaign=${campaign} filter=${filter} isFiltered=${isFiltered} picked=${picked} onDone=${refresh} />
      <a class="button" download href=${query(`/v1/campaigns/${campaign.id}/export.csv`, { status, outcome })}>Export CSV</a>
      ${may("write") && isOpen && html`<${Button} onClick=${() => setAdding(true)}>Add targets<//>`}
    </div>
    <${ListTable} list=${list} columns=${columns(setOpen, picked, pick)} caption="Targets" what="targets" empty=${empty} /><//>
    ${open && html`<${TargetDialog} campaignId=${campaign.id} target=${open} onClose=${() => setOpen(null)} onChange=${refresh} />`}
    ${adding && html`<${AddTargets} campaign=${campaign} onClose=${() => setAdding(false)} onDone=${refresh} />`}`;
}
