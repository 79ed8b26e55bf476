// Voice agents: who talks.
import { html, useState } from "../lib/h.js";
import { patch, post } from "../lib/api.js";
import { useList } from "../lib/data.js";
import { may } from "../lib/session.js";
import { TextField } from "../parts/form.js";
import { FormDialog } from "../parts/form_dialog.js";
import { JsonField, jsonText, readJson } from "../parts/json_field.js";
import { RemoveButton } from "../parts/remove_button.js";
import { ListTable } from "../parts/table.js";
import { tell } from "../parts/toast.js";
import { Button, Code, Empty, Page, Panel, Time } from "../parts/ui.js";

const fields = (f) => html`<${TextField} form=${f} name="name" label="Name" />
  <${JsonField} form=${f} name="endpoint" label="Endpoint" hint=${html`Where it is reached: <code>{"sip_uri": "sip:agent@example.com;transport=tls"}</code>`} />
  <${JsonField} form=${f} name="variables" label="Variables" hint="Given to the agent with each call; a campaign's and a target's own go over them." />`;

export default function Agents() {
  const list = useList("/v1/agents");
  const [form, setForm] = useState(null);
  const send = (v) => {
    const body = { name: v.name.trim(), endpoint: readJson(v.endpoint, "endpoint"), variables: readJson(v.variables, "variables") };
    return form.agent ? patch(`/v1/agents/${form.agent.id}`, body) : post("/v1/agents", body);
  };
  const columns = [
    { key: "name", name: "Agent", cell: (a) => html`<strong>${a.name}</strong><small><${Code}>${a.id}<//></small>` },
    { key: "endpoint", name: "Endpoint", cell: (a) => html`<code>${a.endpoint.sip_uri || JSON.stringify(a.endpoint)}</code>` },
    { key: "changed", name: "Changed", kind: "wide", cell: (a) => html`<${Time} at=${a.updated_at} />` },
    { key: "do", name: "Actions", kind: "acts", cell: (a) => may("write") && html`<${Button} kind="small" onClick=${() => setForm({ agent: a })}>Change<//>
      <${RemoveButton} path=${`/v1/agents/${a.id}`} name=${a.name} what="No unfinished campaign may use it." onDone=${list.reload} />` },
  ];
  const add = may("write") && html`<${Button} kind="primary" onClick=${() => setForm({ agent: null })}>Add agent<//>`;
  const initial = form && { name: form.agent ? form.agent.name : "", endpoint: jsonText(form.agent && form.agent.endpoint),
    variables: jsonText(form.agent && form.agent.variables) };
  return html`<${Page} title="Agents" lead="The voice agents that talk with those who answer." actions=${add}><${Panel} label="Agents">
    <${ListTable} list=${list} columns=${columns} caption="Agents" what="agents"
      empty=${html`<${Empty} title="No agents yet."><p>An agent is a SIP address that takes the other side of a call.</p>${add}<//>`} /><//>
    ${form && html`<${FormDialog} title=${form.agent ? `Change ${form.agent.name}` : "Add an agent"} initial=${initial} fields=${fields} send=${send}
      onClose=${() => setForm(null)} onDone=${(a) => { tell(`${a.name} is saved.`); list.reload(); }} />`}<//>`;
}
