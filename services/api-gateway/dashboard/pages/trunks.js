// Trunks: the carriers that calls go through.
import { html, useState } from "../lib/h.js";
import { patch, post } from "../lib/api.js";
import { useList } from "../lib/data.js";
import { millis } from "../lib/format.js";
import { may } from "../lib/session.js";
import { SelectField, TextField } from "../parts/form.js";
import { FormDialog } from "../parts/form_dialog.js";
import { JsonField, jsonText, readJson } from "../parts/json_field.js";
import { RemoveButton } from "../parts/remove_button.js";
import { ListTable } from "../parts/table.js";
import { tell } from "../parts/toast.js";
import { Button, Chip, Empty, Failure, Notice, Page, Panel, Time } from "../parts/ui.js";

const DIALERS = [["sip", "SIP"], ["sim", "simulated carrier"], ["twilio", "Twilio"]];
const HINT = "For SIP: host, transport, username, password, and more; see the README. Secrets are stored encrypted and never shown again.";

function TestResult({ trunk, result, error }) {
  if (error) return html`<${Failure} error=${error} />`;
  const said = [result.reason, result.status && `SIP ${result.status}`,
    result.latency_ms !== undefined && `after ${millis(result.latency_ms)}`].filter(Boolean).join(", ");
  return html`<${Notice} tone=${result.ok ? "good" : "bad"}
    title=${result.ok ? `${trunk.name} answers.` : `${trunk.name} does not answer as it should.`}>${said}<//>`;
}

function State({ of: t }) {
  if (!t.state) return html`<span class="dim">not heard of: test it</span>`;
  return html`<${Chip} status=${t.state} /><small>${t.state === "throttled" && t.state_until
    ? html`until <${Time} at=${t.state_until} />` : t.state_since && html`since <${Time} at=${t.state_since} />`}</small>`;
}

export default function Trunks() {
  const list = useList("/v1/trunks");
  const [form, setForm] = useState(null);
  const [test, setTest] = useState(null); // {trunk, busy, result, error}
  const run = async (trunk) => {
    setTest({ trunk, busy: true });
    try {
      setTest({ trunk, result: await post(`/v1/trunks/${trunk.id}/test`) });
      list.reload();
    } catch (error) {
      setTest({ trunk, error });
    }
  };
  const isNew = form && !form.trunk;
  const fields = (f) => html`<${TextField} form=${f} name="name" label="Name" />
    ${isNew && html`<${SelectField} form=${f} name="dialer" label="Carried by" of=${DIALERS} />`}
    <${JsonField} form=${f} name="settings" label="Settings" hint=${HINT} />
    ${!isNew && form.trunk.has_secrets && html`<p class="dim">It has secrets. They stay unless you give new ones.</p>`}`;
  const send = (v) => {
    const settings = readJson(v.settings, "settings");
    return isNew ? post("/v1/trunks", { name: v.name.trim(), dialer: v.dialer, settings })
      : patch(`/v1/trunks/${form.trunk.id}`, { name: v.name.trim(), settings });
  };
  const columns = [
    { key: "name", name: "Trunk", cell: (t) => html`<strong>${t.name}</strong><small>${t.settings.host || ""}</small>` },
    { key: "dialer", name: "Carried by", cell: (t) => (DIALERS.find(([k]) => k === t.dialer) || [0, t.dialer])[1] },
    { key: "state", name: "State", cell: (t) => html`<${State} of=${t} />` },
    { key: "secrets", name: "Secrets", kind: "wide", cell: (t) => (t.has_secrets ? "stored" : "none") },
    { key: "changed", name: "Changed", kind: "wide", cell: (t) => html`<${Time} at=${t.updated_at} />` },
    { key: "do", name: "Actions", kind: "acts", cell: (t) => may("admin") && html`
      <${Button} kind="small" busy=${Boolean(test && test.busy && test.trunk.id === t.id)} onClick=${() => run(t)}>Test<//>
      <${Button} kind="small" onClick=${() => setForm({ trunk: t })}>Change<//>
      <${RemoveButton} path=${`/v1/trunks/${t.id}`} name=${t.name} what="No number may stand on it." onDone=${list.reload} />` },
  ];
  const add = may("admin") && html`<${Button} kind="primary" onClick=${() => setForm({ trunk: null })}>Add trunk<//>`;
  const initial = form && { name: form.trunk ? form.trunk.name : "", dialer: "sip",
    settings: form.trunk ? jsonText(form.trunk.settings) : jsonText({ host: "", username: "", password: "" }) };
  return html`<${Page} title="Trunks" lead="The carriers that calls go through." actions=${add}>
    ${test && !test.busy && html`<${TestResult} ...${test} />`}
    <${Panel} label="Trunks"><${ListTable} list=${list} columns=${columns} caption="Trunks" what="trunks"
      empty=${html`<${Empty} title="No trunks yet."><p>A trunk is the account at a carrier that numbers stand on.</p>${add}<//>`} /><//>
    ${form && html`<${FormDialog} title=${isNew ? "Add a trunk" : `Change ${form.trunk.name}`} initial=${initial} fields=${fields} send=${send}
      onClose=${() => setForm(null)} onDone=${(t) => { tell(`${t.name} is saved.`); list.reload(); }} />`}<//>`;
}
