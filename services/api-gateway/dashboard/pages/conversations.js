// Conversations: who talks at this moment, and who has.
import { html, useState } from "../lib/h.js";
import { post } from "../lib/api.js";
import { useList } from "../lib/data.js";
import { duration, words } from "../lib/format.js";
import { useParam } from "../lib/router.js";
import { may } from "../lib/session.js";
import { CallDialog } from "../parts/call_dialog.js";
import { AskButton } from "../parts/dialog.js";
import { ListTable } from "../parts/table.js";
import { tell } from "../parts/toast.js";
import { Ago, Chip, Choices, Empty, Page, Panel, Time } from "../parts/ui.js";

const EVERY_MS = 3000;

export default function Conversations({ route }) {
  const [status, setStatus] = useParam(route, "status");
  const [open, setOpen] = useState(null);
  const list = useList("/v1/conversations", { status }, { every: EVERY_MS });
  const hangUp = async (c) => {
    await post(`/v1/conversations/${c.id}/hangup`);
    tell("It is being hung up.");
    list.reload();
  };
  const columns = [
    { key: "to", name: "With", cell: (c) => html`<button type="button" class="button plain small" onClick=${() => setOpen(c)}>${c.to_number}</button>` },
    { key: "status", name: "Status", cell: (c) => html`<${Chip} status=${c.status} />` },
    { key: "began", name: "Began", cell: (c) => html`<${Time} at=${c.started_at} />` },
    { key: "length", name: "Length", kind: "num", cell: (c) => (c.ended_at ? duration(c.duration_s) : html`<${Ago} at=${c.started_at} />`) },
    { key: "billed", name: "Billed", kind: "num wide", cell: (c) => duration(c.billed_s) },
    { key: "reason", name: "Ended by", kind: "wide", cell: (c) => words(c.end_reason) },
    { key: "from", name: "From", kind: "wide", cell: (c) => c.from_number },
    { key: "do", name: "Actions", kind: "acts", cell: (c) => c.status === "in_progress" && may("control") && html`<${AskButton} text="Hang up"
      kind="danger small" tone="danger" title=${`Hang up with ${c.to_number}?`} what=${html`<p>Both sides are hung up within about a second.</p>`}
      onConfirm=${() => hangUp(c)} />` },
  ];
  const empty = html`<${Empty} title=${status === "in_progress" ? "Nobody is talking at this moment." : "No conversations yet."}>
    A conversation begins when a called person and the agent are connected.<//>`;
  return html`<${Page} title="Conversations"><${Panel} label="Conversations">
    <div class="toolbar"><${Choices} label="Status" value=${status} onChange=${setStatus}
      of=${[["", "All"], ["in_progress", "In progress"], ["completed", "Completed"]]} /></div>
    <${ListTable} list=${list} columns=${columns} caption="Conversations" what="conversations" empty=${empty} /><//>
    ${open && html`<${CallDialog} id=${open.scheduled_call_id} to=${open.to_number} onClose=${() => setOpen(null)} onChange=${list.reload} />`}<//>`;
}
