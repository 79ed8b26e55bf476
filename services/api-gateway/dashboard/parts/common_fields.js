// What both kinds of campaign are asked for, and who calls from where: a single call is asked for that too.
import { html } from "../lib/h.js";
import { useAll } from "../lib/data.js";
import { NumberField, SelectField, TextField, choices } from "./form.js";
import { Failure, Notice } from "./ui.js";

export function useParties(form) {
  const agents = useAll("/v1/agents");
  const numbers = useAll("/v1/numbers");
  // With one of a kind there is nothing to choose.
  const one = (list, key) => (list.rows && list.rows.length === 1 ? list.rows[0][key] : "");
  if (!form.values.agent_id && one(agents, "id")) form.values.agent_id = one(agents, "id");
  if (!form.values.from_number && one(numbers, "e164")) form.values.from_number = one(numbers, "e164");
  return { agents, numbers, loading: agents.loading || numbers.loading };
}

export function PartyFields({ form, parties }) {
  const { agents, numbers } = parties;
  const lacks = (list) => list.rows && !list.rows.length;
  return html`
    <${Failure} error=${agents.error} retry=${agents.reload} />
    <${Failure} error=${numbers.error} retry=${numbers.reload} />
    ${lacks(agents) && html`<${Notice} tone="warn">There is no agent yet: <a href="#/agents">add one</a> first.<//>`}
    ${lacks(numbers) && html`<${Notice} tone="warn">There is no number to call from yet: <a href="#/numbers">add one</a> first.<//>`}
    <div class="pair">
      <${SelectField} form=${form} name="agent_id" label="Agent" of=${choices(agents, "id", "name", "Choose an agent")} />
      <${SelectField} form=${form} name="from_number" label="From number" of=${choices(numbers, "e164", "e164", "Choose a number")} />
    </div>`;
}

export function CommonFields({ form, parties }) {
  return html`
    <${TextField} form=${form} name="name" label="Name" maxlength="200" />
    <${TextField} form=${form} name="description" label="Description" hint="Optional: for those who look at it next year." />
    <${PartyFields} form=${form} parties=${parties} />`;
}

export function AttemptsField({ form }) {
  return html`<${NumberField} form=${form} name="max_attempts" label="Max attempts" min="1" max="10"
    hint="How often one number is tried: after busy in 15 minutes, after no answer in an hour." />`;
}
