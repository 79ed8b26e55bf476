// The calls of a campaign.
import { html, useState } from "../lib/h.js";
import { useList } from "../lib/data.js";
import { words } from "../lib/format.js";
import { useParam } from "../lib/router.js";
import { CallDialog } from "./call_dialog.js";
import { CALL_STATUSES, callColumns } from "./calls_table.js";
import { Filter, OUTCOMES } from "./filters.js";
import { ListTable } from "./table.js";
import { Empty, Panel } from "./ui.js";

const EVERY_MS = 4000;

export function CampaignCalls({ campaign, route }) {
  const [status, setStatus] = useParam(route, "status");
  const [outcome, setOutcome] = useParam(route, "outcome");
  const [open, setOpen] = useState(null);
  const every = campaign.status === "active" ? EVERY_MS : 0;
  const list = useList(`/v1/campaigns/${campaign.id}/calls`, { status, outcome }, { every });
  const empty = html`<${Empty} title=${status || outcome ? "No call fits." : "No calls yet."}>
    ${status || outcome ? "Choose another status or outcome." : "They are planned once the campaign has been started, at most an hour ahead."}<//>`;
  return html`<${Panel} label="Calls">
    <div class="toolbar">
      <${Filter} label="Status" value=${status} onChange=${setStatus} all="All statuses" of=${CALL_STATUSES.map((s) => [s, s])} />
      <${Filter} label="Outcome" value=${outcome} onChange=${setOutcome} all="All outcomes" of=${OUTCOMES.map((o) => [o, words(o)])} />
    </div>
    <${ListTable} list=${list} columns=${callColumns(setOpen)} caption="Calls" what="calls" empty=${empty} /><//>
    ${open && html`<${CallDialog} id=${open.id} to=${open.to_number} onClose=${() => setOpen(null)} onChange=${list.reload} />`}`;
}
