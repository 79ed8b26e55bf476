// Numbers that are never dialed.
import { html, useState } from "../lib/h.js";
import { post, request } from "../lib/api.js";
import { toCsv } from "../lib/csv.js";
import { useList } from "../lib/data.js";
import { number, plural } from "../lib/format.js";
import { useParam } from "../lib/router.js";
import { may } from "../lib/session.js";
import { Dialog } from "../parts/dialog.js";
import { Search } from "../parts/filters.js";
import { Form, TextField, textOrNull, useForm } from "../parts/form.js";
import { FormDialog } from "../parts/form_dialog.js";
import { NumbersInput } from "../parts/numbers_input.js";
import { RemoveButton } from "../parts/remove_button.js";
import { ListTable } from "../parts/table.js";
import { tell } from "../parts/toast.js";
import { Button, Empty, Page, Panel, Time } from "../parts/ui.js";

const fields = (f) => html`<${TextField} form=${f} name="to_number" label="Number" placeholder="+14155550123" inputmode="tel" />
  <${TextField} form=${f} name="reason" label="Reason" />`;

function Many({ onClose, onDone }) {
  const form = useForm({});
  const [judged, setJudged] = useState(null);
  const [fault, setFault] = useState(null);
  const save = async () => {
    if (!judged || !judged.valid) {
      setFault("There is no valid number to add.");
      return;
    }
    const sent = await form.send(() => request("POST", "/v1/suppressions/import", { body: toCsv(judged.rows.map((r) => ({
      to_number: r.to_number, variables: r.variables && r.variables.reason ? { reason: r.variables.reason } : {} }))), type: "text/csv" }));
    if (!sent) return;
    tell(`${plural(sent.inserted, "number")} added, ${number(sent.deduped)} there already, ${number(sent.rejected)} refused.`);
    onDone();
    onClose();
  };
  return html`<${Dialog} title="Add many numbers" onClose=${onClose} wide><div class="dialog-body">
    <${Form} form=${form} onSubmit=${save} onCancel=${onClose} submit=${judged && judged.valid ? `Add ${plural(judged.valid, "number")}` : "Add numbers"}>
      <${NumbersInput} onJudged=${(found) => { setJudged(found); setFault(null); }} fault=${fault} /><//></div><//>`;
}

export default function Suppressions({ route }) {
  const [to, setTo] = useParam(route, "to");
  const list = useList("/v1/suppressions", { to_number: to });
  const [open, setOpen] = useState("");
  const columns = [
    { key: "to", name: "Number", cell: (s) => html`<strong>${s.to_number}</strong>` },
    { key: "reason", name: "Reason", cell: (s) => s.reason || html`<span class="dim">–</span>` },
    { key: "since", name: "Since", cell: (s) => html`<${Time} at=${s.created_at} />` },
    { key: "do", name: "Actions", kind: "acts", cell: (s) => may("write") && html`<${RemoveButton} path=${`/v1/suppressions/${s.id}`} name=${s.to_number}
      text="Take off" said="off the list" what="It can be dialed again. Calls that have failed stay failed." onDone=${list.reload} />` },
  ];
  const add = may("write") && html`<${Button} onClick=${() => setOpen("many")}>Add many<//> <${Button} kind="primary" onClick=${() => setOpen("one")}>Add number<//>`;
  return html`<${Page} title="Suppressions" lead="Numbers that are never dialed, whatever a campaign says." actions=${add}><${Panel} label="Suppressions">
    <div class="toolbar"><${Search} label="Suppressed number" placeholder="Number, whole  ( / )" value=${to} least=${8} onChange=${setTo} /></div>
    <${ListTable} list=${list} columns=${columns} caption="Suppressed numbers" what="numbers"
      empty=${html`<${Empty} title=${to ? "This number is not on the list." : "No number is suppressed."}>${add}<//>`} /><//>
    ${open === "one" && html`<${FormDialog} title="Never dial a number again" initial=${{ to_number: "", reason: "" }} fields=${fields} submit="Add number"
      send=${(v) => post("/v1/suppressions", { to_number: v.to_number.trim(), reason: textOrNull(v.reason) })} onClose=${() => setOpen("")}
      onDone=${(s) => { tell(`${s.to_number} is not dialed any more.`); list.reload(); }} />`}
    ${open === "many" && html`<${Many} onClose=${() => setOpen("")} onDone=${list.reload} />`}<//>`;
}
