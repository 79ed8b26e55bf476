// New campaign: which kind, then the form of that kind. Both make a draft; nothing is called before Start.
import { html, useMemo, useRef, useState } from "../lib/h.js";
import { onceKey, post } from "../lib/api.js";
import { about, number, plural } from "../lib/format.js";
import { go } from "../lib/router.js";
import { workspaceZone } from "../lib/session.js";
import { ROWS_MAX, sendTargets } from "../lib/targets.js";
import { AttemptsField, CommonFields, useParties } from "../parts/common_fields.js";
import { Form, NumberField, TextField, numberOrNull, textOrNull, useForm } from "../parts/form.js";
import { NumbersInput } from "../parts/numbers_input.js";
import { ScheduleFields } from "../parts/schedule_fields.js";
import { tell } from "../parts/toast.js";
import { Page, Panel } from "../parts/ui.js";

const BACK = { href: "#/campaigns/new", text: "New campaign" };
const common = (v) => ({ name: v.name.trim(), description: textOrNull(v.description), agent_id: v.agent_id,
  from_number: v.from_number, max_attempts: numberOrNull(v.max_attempts) });
const EMPTY = { name: "", description: "", agent_id: "", from_number: "", max_attempts: "1" };

function Kinds() {
  return html`<${Page} title="New campaign" back=${{ href: "#/campaigns", text: "Campaigns" }}>
    <div class="pick">
      <a href="#/campaigns/new/bulk"><strong>Bulk</strong><span>A list of numbers, each called once, at a steady rate.</span></a>
      <a href="#/campaigns/new/recurring"><strong>Recurring</strong><span>One number, called again and again on a schedule.</span></a>
    </div><//>`;
}

function Recurring() {
  const form = useForm({ ...EMPTY, to_number: "", cron: "0 9 * * 1-5", timezone: workspaceZone() });
  const parties = useParties(form);
  const once = useMemo(onceKey, []);
  const save = async () => {
    const v = form.values;
    const body = { kind: "recurring", ...common(v), to_number: v.to_number.trim(), cron: v.cron.trim(), timezone: textOrNull(v.timezone) };
    const made = await form.send(() => post("/v1/campaigns", body, once(body)));
    if (!made) return;
    tell("The draft is there. Start it when it is right.");
    go(`#/campaigns/${made.id}`);
  };
  return html`<${Page} title="New recurring campaign" back=${BACK}><div class="steps"><${Panel} label="New recurring campaign">
    <${Form} form=${form} onSubmit=${save} waiting=${parties.loading} submit="Create draft" onCancel=${() => go("#/campaigns")}>
      <${CommonFields} form=${form} parties=${parties} />
      <${TextField} form=${form} name="to_number" label="To number" inputmode="tel" placeholder="+14155550123" />
      <${ScheduleFields} form=${form} />
      <${AttemptsField} form=${form} />
    <//><//></div><//>`;
}

// "1,000 targets at 30 a minute: about 33 minutes"
function Duration({ judged, rate }) {
  const perMinute = Number(rate);
  if (!judged || !judged.valid || !(perMinute > 0)) return null;
  const text = `${plural(judged.valid, "target")} at ${number(perMinute)} a minute: ${about((60 * judged.valid) / perMinute)}`;
  return html`<p id="duration"><strong>${text}</strong><span class="dim">, retries apart.</span></p>`;
}

function Bulk() {
  const form = useForm({ ...EMPTY, rate_limit_per_minute: "30", max_concurrent: "" });
  const parties = useParties(form);
  const [judged, setJudged] = useState(null);
  const once = useMemo(onceKey, []);
  const made = useRef(null); // the draft, once it is there: only its targets are sent again
  const send = async (body) => {
    const fits = judged && judged.rows.length <= ROWS_MAX;
    if (!made.current) {
      const whole = fits ? { ...body, targets: judged.rows } : body;
      made.current = await post("/v1/campaigns", whole, once(whole));
    }
    if (judged && !fits) await sendTargets(made.current.id, judged);
    return made.current;
  };
  const save = async () => {
    const v = form.values;
    const body = { kind: "bulk", ...common(v), rate_limit_per_minute: numberOrNull(v.rate_limit_per_minute),
      max_concurrent: numberOrNull(v.max_concurrent) };
    const campaign = await form.send(() => send(body));
    if (!campaign) return;
    tell("The draft is there. Start it when it is right.");
    go(judged && judged.rows.length > ROWS_MAX ? `#/campaigns/${campaign.id}/targets` : `#/campaigns/${campaign.id}`);
  };
  return html`<${Page} title="New bulk campaign" back=${BACK}><div class="steps"><${Panel} label="New bulk campaign">
    <${Form} form=${form} onSubmit=${save} waiting=${parties.loading} submit="Create draft" onCancel=${() => go("#/campaigns")}>
      <${CommonFields} form=${form} parties=${parties} />
      <${NumbersInput} onJudged=${setJudged} />
      <div class="pair">
        <${NumberField} form=${form} name="rate_limit_per_minute" label="Rate limit" unit="calls a minute" min="1" max="600000" />
        <${NumberField} form=${form} name="max_concurrent" label="Calls at once" hint="Empty: as many as there come." min="1" />
      </div>
      <${Duration} judged=${judged} rate=${form.values.rate_limit_per_minute} />
      <${AttemptsField} form=${form} />
    <//><//></div><//>`;
}

export default function NewCampaign({ id: kind }) {
  if (kind === "bulk") return html`<${Bulk} />`;
  if (kind === "recurring") return html`<${Recurring} />`;
  return html`<${Kinds} />`;
}
