// What was sent to an endpoint and what came back; dead letters can be sent once more.
import { html, useState } from "../lib/h.js";
import { post } from "../lib/api.js";
import { useGet, useList } from "../lib/data.js";
import { millis, number, plural, words } from "../lib/format.js";
import { useParam } from "../lib/router.js";
import { may } from "../lib/session.js";
import { AskButton, Dialog } from "./dialog.js";
import { ListTable, Table } from "./table.js";
import { tell } from "./toast.js";
import { Button, Chip, Choices, Code, Empty, Facts, Failure, Loading, Panel, Time } from "./ui.js";

const EVERY_MS = 3000;
const LONG_AGO = "2000-01-01T00:00:00Z";

const tries = [
  { key: "n", name: "No.", kind: "num", cell: (a) => a.number },
  { key: "at", name: "Sent", cell: (a) => html`<${Time} at=${a.started_at} />` },
  { key: "result", name: "Result", cell: (a) => words(a.result) },
  { key: "code", name: "Answer", kind: "num", cell: (a) => a.status_code ?? "–" },
  { key: "ms", name: "Took", kind: "num", cell: (a) => millis(a.duration_ms) },
  { key: "text", name: "Said", kind: "wide", cell: (a) => (a.excerpt ? html`<code>${a.excerpt.slice(0, 300)}</code>` : "–") },
];

function DeliveryDialog({ id, onClose, onChange }) {
  const { data: d, error, reload } = useGet(`/v1/deliveries/${id}`, { every: EVERY_MS });
  const replay = async () => {
    await post(`/v1/deliveries/${id}/replay`);
    tell("It is sent once more.");
    reload();
    onChange();
  };
  return html`<${Dialog} title="Delivery" onClose=${onClose} wide><div class="dialog-body">
      ${!d && !error && html`<${Loading} />`}<${Failure} error=${error} retry=${reload} />
      ${d && html`<${Facts} of=${[["Status", html`<${Chip} status=${d.status} /> ${d.reason ? words(d.reason) : ""}`], ["Event", d.event_type],
          ["Sequence", number(d.sequence)], ["Generation", number(d.generation)], ["Created", html`<${Time} at=${d.created_at} />`],
          ["Next attempt", html`<${Time} at=${d.next_attempt_at} />`], d.replayed_as && ["Sent once more as", html`<${Code}>${d.replayed_as}<//>`]]} />
        <h3>Attempts</h3>${d.attempt_log.length ? html`<${Table} caption="Attempts" columns=${tries} rows=${d.attempt_log.map((a) => ({ ...a, id: a.number }))} />`
          : html`<p class="dim">No attempt has ended yet.</p>`}
        <p><${Code}>${d.event_id || d.id}<//></p>`}</div>
    ${d && may("admin") && d.status !== "pending" && !d.replayed_as && html`<div class="dialog-foot"><${AskButton} text="Send once more" title="Send it once more?"
      what=${html`<p>The same event with the same body, in up to six fresh attempts.</p>`} onConfirm=${replay} /></div>`}<//>`;
}

export function Deliveries({ endpoint, route }) {
  const [status, setStatus] = useParam(route, "status");
  const [open, setOpen] = useState(null);
  const list = useList(`/v1/webhook-endpoints/${endpoint.id}/deliveries`, { status }, { every: EVERY_MS });
  const replayAll = async () => {
    const { replayed } = await post(`/v1/webhook-endpoints/${endpoint.id}/replay`, { since: LONG_AGO, status: "dead_letter" });
    tell(`${plural(replayed, "dead letter")} sent once more.`);
    list.reload();
  };
  const columns = [
    { key: "event", name: "Event", cell: (d) => html`<${Button} kind="plain small" onClick=${() => setOpen(d.id)}>${d.event_type}<//>` },
    { key: "status", name: "Status", cell: (d) => html`<${Chip} status=${d.status} />${d.reason && html`<small>${words(d.reason)}</small>`}` },
    { key: "created", name: "Created", cell: (d) => html`<${Time} at=${d.created_at} />` },
    { key: "tries", name: "Attempts", kind: "num wide", cell: (d) => number(d.attempts) },
    { key: "result", name: "Last result", kind: "wide", cell: (d) => `${words(d.last_result)}${d.last_status_code ? ` ${d.last_status_code}` : ""}` },
    { key: "next", name: "Next attempt", kind: "wide", cell: (d) => html`<${Time} at=${d.next_attempt_at} />` },
    { key: "again", name: "Again", kind: "wide", cell: (d) => (d.replayed_as ? "sent once more" : d.generation > 1 ? `generation ${d.generation}` : "–") },
  ];
  const empty = html`<${Empty} title=${status === "dead_letter" ? "No dead letters." : "Nothing here."}>
    ${status ? "" : "What is sent to this endpoint is listed here. Send a test to see one."}<//>`;
  return html`<${Panel} title="Deliveries" actions=${may("admin") && endpoint.status === "enabled" && html`<${AskButton} text="Replay dead letters" kind="small"
      title="Send all dead letters once more?" verb="Replay them" what=${html`<p>Each that was not sent once more before, with six fresh attempts and the same body.</p>`}
      onConfirm=${replayAll} />`}>
    <div class="toolbar"><${Choices} label="Status" value=${status} onChange=${setStatus}
      of=${[["", "All"], ["pending", "Pending"], ["delivered", "Delivered"], ["dead_letter", "Dead letters"]]} /></div>
    <${ListTable} list=${list} columns=${columns} caption="Deliveries" what="deliveries" empty=${empty} /><//>
    ${open && html`<${DeliveryDialog} id=${open} onClose=${() => setOpen(null)} onChange=${list.reload} />`}`;
}
