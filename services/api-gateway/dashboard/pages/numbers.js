// Numbers to call from, with limits of their own.
import { html, useState } from "../lib/h.js";
import { patch, post } from "../lib/api.js";
import { useAll, useList } from "../lib/data.js";
import { number } from "../lib/format.js";
import { may } from "../lib/session.js";
import { NumberField, SelectField, TextField, choices, numberOrNull } from "../parts/form.js";
import { FormDialog } from "../parts/form_dialog.js";
import { RemoveButton } from "../parts/remove_button.js";
import { ListTable } from "../parts/table.js";
import { tell } from "../parts/toast.js";
import { Button, Empty, Failure, Notice, Page, Panel, Time } from "../parts/ui.js";

const limit = (n) => (n === null ? html`<span class="dim">no limit of its own</span>` : number(n));
const values = (n) => ({ e164: n ? n.e164 : "", trunk_id: n ? n.trunk_id : "", calls_per_minute: n?.calls_per_minute ?? "", max_concurrent: n?.max_concurrent ?? "" });
const limitsOf = (v) => ({ trunk_id: v.trunk_id, calls_per_minute: numberOrNull(v.calls_per_minute), max_concurrent: numberOrNull(v.max_concurrent) });

export default function Numbers() {
  const list = useList("/v1/numbers");
  const trunks = useAll("/v1/trunks");
  const [form, setForm] = useState(null); // {number} of the dialog, number null for a new one
  const nameOf = (id) => (trunks.rows || []).find((t) => t.id === id)?.name || id;
  const fields = (f) => html`
    ${!form.number && html`<${TextField} form=${f} name="e164" label="Number" placeholder="+14155550100" inputmode="tel" />`}
    ${trunks.rows && !trunks.rows.length && html`<${Notice} tone="warn">There is no trunk yet: <a href="#/trunks">add one</a> first.<//>`}
    <${Failure} error=${trunks.error} retry=${trunks.reload} />
    <${SelectField} form=${f} name="trunk_id" label="Trunk" of=${choices(trunks, "id", "name", "Choose a trunk")} />
    <div class="pair"><${NumberField} form=${f} name="calls_per_minute" label="Calls a minute" hint="Empty: no limit of its own." min="1" />
    <${NumberField} form=${f} name="max_concurrent" label="Calls at once" hint="Empty: no limit of its own." min="1" /></div>`;
  const send = (v) => (form.number ? patch(`/v1/numbers/${form.number.id}`, limitsOf(v)) : post("/v1/numbers", { e164: v.e164.trim(), ...limitsOf(v) }));
  const columns = [
    { key: "e164", name: "Number", cell: (n) => html`<strong>${n.e164}</strong>` },
    { key: "trunk", name: "Trunk", cell: (n) => nameOf(n.trunk_id) },
    { key: "rate", name: "Calls a minute", kind: "num", cell: (n) => limit(n.calls_per_minute) },
    { key: "most", name: "Calls at once", kind: "num wide", cell: (n) => limit(n.max_concurrent) },
    { key: "created", name: "Created", kind: "wide", cell: (n) => html`<${Time} at=${n.created_at} />` },
    { key: "do", name: "Actions", kind: "acts", cell: (n) => may("admin") && html`<${Button} kind="small" onClick=${() => setForm({ number: n })}>Change<//>
      <${RemoveButton} path=${`/v1/numbers/${n.id}`} name=${n.e164} what="No unfinished campaign may call from it." onDone=${list.reload} />` },
  ];
  const add = may("admin") && html`<${Button} kind="primary" onClick=${() => setForm({ number: null })}>Add number<//>`;
  return html`<${Page} title="Numbers" lead="The numbers that calls are made from." actions=${add}><${Panel} label="Numbers">
    <${ListTable} list=${list} columns=${columns} caption="Numbers" what="numbers"
      empty=${html`<${Empty} title="No numbers yet."><p>A campaign calls from one of your carrier's numbers.</p>${add}<//>`} /><//>
    ${form && html`<${FormDialog} title=${form.number ? `Limits of ${form.number.e164}` : "Add a number"} initial=${values(form.number)} fields=${fields}
      send=${send} onClose=${() => setForm(null)} onDone=${(n) => { tell(`${n.e164} is saved. Limits hold within 5 seconds.`); list.reload(); }} />`}<//>`;
}
