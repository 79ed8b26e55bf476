// The workspace: its name and zone, its limits, its credit.
import { html, useState } from "../lib/h.js";
import { patch, post } from "../lib/api.js";
import { useGet } from "../lib/data.js";
import { duration, number, zones } from "../lib/format.js";
import { may } from "../lib/session.js";
import { Form, NumberField, TextField, numberOrNull, useForm } from "../parts/form.js";
import { FormDialog } from "../parts/form_dialog.js";
import { tell } from "../parts/toast.js";
import { Button, Code, Facts, Failure, Loading, Notice, Page, Panel, Time } from "../parts/ui.js";

function General({ workspace, put }) {
  const form = useForm({ name: workspace.name, timezone: workspace.timezone });
  const save = async () => {
    const now = await form.send(() => patch("/v1/workspace", { name: form.values.name.trim(), timezone: form.values.timezone.trim() }));
    if (!now) return;
    put(now);
    tell("Saved. Times are shown in the new zone after the next sign-in.");
  };
  return html`<${Panel} title="General"><${Form} form=${form} onSubmit=${save}>
    <${TextField} form=${form} name="name" label="Name" />
    <${TextField} form=${form} name="timezone" label="Time zone" list="zones" hint="For campaigns that name none, and for the times shown here." />
    <datalist id="zones">${zones().map((z) => html`<option key=${z} value=${z}></option>`)}</datalist><//><//>`;
}

function Limits({ workspace, put }) {
  const form = useForm({ calls_per_minute: workspace.calls_per_minute ?? "", max_concurrent: workspace.max_concurrent ?? "",
    requests_per_minute: workspace.requests_per_minute ?? "", billing_increment_s: workspace.billing_increment_s });
  const save = async () => {
    const v = form.values;
    const now = await form.send(() => patch("/v1/workspace", { calls_per_minute: numberOrNull(v.calls_per_minute),
      max_concurrent: numberOrNull(v.max_concurrent), requests_per_minute: numberOrNull(v.requests_per_minute),
      billing_increment_s: numberOrNull(v.billing_increment_s) }));
    if (!now) return;
    put(now);
    tell("Saved. Limits hold within 5 seconds.");
  };
  return html`<${Panel} title="Limits"><${Form} form=${form} onSubmit=${save}>
    <${NumberField} form=${form} name="calls_per_minute" label="Calls a minute" hint="Over all campaigns. Empty: no limit." min="1" />
    <${NumberField} form=${form} name="max_concurrent" label="Calls at once" hint="Empty: no limit." min="1" />
    <${NumberField} form=${form} name="requests_per_minute" label="API requests a minute" hint="Of all keys and sign-ins together. Empty: what this installation gives everybody." min="1" />
    <${NumberField} form=${form} name="billing_increment_s" label="Billed in steps of" unit="seconds" min="1" /><//><//>`;
}

const creditFields = (f) => html`<${NumberField} form=${f} name="add_s" label="Seconds to add" hint="Less than nothing takes some away." />`;

function Credit({ workspace: w, onAdd }) {
  const limit = (n) => (n === null ? "no limit" : number(n));
  return html`<${Panel} title="Credit" actions=${may("operator") && html`<${Button} kind="small" onClick=${onAdd}>Add credit<//>`}>
    <${Facts} of=${[["Conversation left", w.credit_s === null ? "not limited" : duration(Math.max(0, w.credit_s))],
      !may("operator") && ["Calls a minute", limit(w.calls_per_minute)], !may("operator") && ["Calls at once", limit(w.max_concurrent)],
      !may("operator") && ["API requests a minute", w.requests_per_minute === null ? "no limit of its own" : number(w.requests_per_minute)],
      !may("operator") && ["Billed in steps of", duration(w.billing_increment_s)],
      ["Created", html`<${Time} at=${w.created_at} />`], ["Id", html`<${Code}>${w.id}<//>`]]} />
    ${w.credit_s !== null && w.credit_s <= 0 && html`<${Notice} tone="bad">It is used up: no campaign starts and no call is made.<//>`}<//>`;
}

export default function Workspace() {
  const { data: workspace, error, reload, put } = useGet("/v1/workspace");
  const [adding, setAdding] = useState(false);
  if (!workspace && !error) return html`<${Loading} />`;
  return html`<${Page} title="Workspace"><${Failure} error=${error} retry=${reload} />
    ${workspace && html`<${Credit} workspace=${workspace} onAdd=${() => setAdding(true)} />
      <div class="columns">${may("admin") && html`<${General} workspace=${workspace} put=${put} />`}
      ${may("admin") && may("operator") && html`<${Limits} workspace=${workspace} put=${put} />`}</div>
      ${!may("admin") && html`<${Notice}>To change something here, sign in with a key that has the scope admin.<//>`}`}
    ${adding && html`<${FormDialog} title="Add credit" initial=${{ add_s: "3600" }} fields=${creditFields} submit="Add credit"
      send=${(v) => post("/v1/workspace/credit", { add_s: numberOrNull(v.add_s) })} onClose=${() => setAdding(false)}
      onDone=${(c) => { tell(`There are ${duration(Math.max(0, c.credit_s))} now.`); reload(); }} />`}<//>`;
}
