// All calls of the workspace, and calls without a campaign.
import { html, useMemo, useState } from "../lib/h.js";
import { onceKey, post } from "../lib/api.js";
import { useList } from "../lib/data.js";
import { useParam } from "../lib/router.js";
import { may } from "../lib/session.js";
import { CallDialog } from "../parts/call_dialog.js";
import { CALL_STATUSES, callColumns } from "../parts/calls_table.js";
import { PartyFields, useParties } from "../parts/common_fields.js";
import { Dialog } from "../parts/dialog.js";
import { Filter, Search } from "../parts/filters.js";
import { Form, NumberField, TextField, numberOrNull, textOrNull, useForm } from "../parts/form.js";
import { JsonField, readJson } from "../parts/json_field.js";
import { ListTable } from "../parts/table.js";
import { tell } from "../parts/toast.js";
import { Button, Empty, Page, Panel } from "../parts/ui.js";

const EVERY_MS = 4000;

function NewCall({ onClose, onDone }) {
  const form = useForm({ to_number: "", from_number: "", agent_id: "", scheduled_at: "", max_attempts: "1", external_id: "", variables: "" });
  const parties = useParties(form);
  const once = useMemo(onceKey, []);
  const save = async () => {
    const v = form.values;
    const made = await form.send(() => {
      const body = { to_number: v.to_number.trim(), from_number: v.from_number, agent_id: v.agent_id, scheduled_at: textOrNull(v.scheduled_at),
        max_attempts: numberOrNull(v.max_attempts), external_id: textOrNull(v.external_id), variables: readJson(v.variables, "variables") };
      return post("/v1/scheduled-calls", body, once(body));
    });
    if (!made) return;
    tell(v.scheduled_at.trim() ? "The call is scheduled." : "The call goes out now.");
    onDone();
    onClose();
  };
  return html`<${Dialog} title="New call" onClose=${onClose}><div class="dialog-body">
    <${Form} form=${form} onSubmit=${save} waiting=${parties.loading} onCancel=${onClose} submit="Make the call">
      <${TextField} form=${form} name="to_number" label="To number" placeholder="+14155550123" inputmode="tel" />
      <${PartyFields} form=${form} parties=${parties} />
      <${TextField} form=${form} name="scheduled_at" label="At" placeholder="2026-12-01T09:00:00Z" hint="In UTC, or with an offset. Empty: now." />
      <div class="pair"><${NumberField} form=${form} name="max_attempts" label="Max attempts" min="1" max="10" />
      <${TextField} form=${form} name="external_id" label="External id" /></div>
      <${JsonField} form=${form} name="variables" label="Variables" hint="A JSON object that the agent is given. Empty: none." />
    <//></div><//>`;
}

export default function Calls({ route }) {
  const [status, setStatus] = useParam(route, "status");
  const [to, setTo] = useParam(route, "to");
  const [open, setOpen] = useState(null);
  const [making, setMaking] = useState(false);
  const list = useList("/v1/scheduled-calls", { status, to_number: to }, { every: EVERY_MS });
  const make = may("control") && html`<${Button} kind="primary" onClick=${() => setMaking(true)}>New call<//>`;
  const empty = html`<${Empty} title=${status || to ? "No call fits." : "No calls yet."}>
    ${status || to ? "A number is looked for whole, as +14155550123." : html`<p>Campaigns plan them, and you can make one by hand.</p>${make}`}<//>`;
  return html`<${Page} title="Scheduled calls" actions=${make}><${Panel} label="Calls">
    <div class="toolbar">
      <${Search} label="Called number" placeholder="Called number, whole  ( / )" value=${to} least=${8} onChange=${setTo} />
      <${Filter} label="Status" value=${status} onChange=${setStatus} all="All statuses" of=${CALL_STATUSES.map((s) => [s, s])} />
    </div>
    <${ListTable} list=${list} columns=${callColumns(setOpen, { withCampaign: true })} caption="Calls" what="calls" empty=${empty} /><//>
    ${open && html`<${CallDialog} id=${open.id} to=${open.to_number} onClose=${() => setOpen(null)} onChange=${list.reload} />`}
    ${making && html`<${NewCall} onClose=${() => setMaking(false)} onDone=${list.reload} />`}<//>`;
}
