// What a campaign was told to do; a recurring one that is not over can be told something else.
import { html } from "../lib/h.js";
import { patch } from "../lib/api.js";
import { duration, number } from "../lib/format.js";
import { may } from "../lib/session.js";
import { AttemptsField } from "./common_fields.js";
import { Form, TextField, numberOrNull, textOrNull, useForm } from "./form.js";
import { ScheduleFields } from "./schedule_fields.js";
import { tell } from "./toast.js";
import { Code, Facts, Json, Notice, Panel, Time } from "./ui.js";

function Edit({ campaign, put }) {
  const form = useForm({ name: campaign.name, description: campaign.description || "", cron: campaign.cron,
    timezone: campaign.timezone, max_attempts: String(campaign.max_attempts), end_at: campaign.end_at || "" });
  const save = async () => {
    const v = form.values;
    const now = await form.send(() => patch(`/v1/campaigns/${campaign.id}`, { name: v.name.trim(), description: textOrNull(v.description),
      cron: v.cron.trim(), timezone: v.timezone.trim(), max_attempts: numberOrNull(v.max_attempts), end_at: textOrNull(v.end_at) }));
    if (!now) return;
    put(now);
    tell("Saved. Calls ahead follow the new schedule; none fires twice.");
  };
  return html`<${Panel} title="Change it"><${Form} form=${form} onSubmit=${save}>
    <${TextField} form=${form} name="name" label="Name" />
    <${TextField} form=${form} name="description" label="Description" />
    <${ScheduleFields} form=${form} />
    <div class="pair"><${AttemptsField} form=${form} />
    <${TextField} form=${form} name="end_at" label="Ends at" placeholder="2026-12-31T23:59:00Z" hint="In UTC, or with an offset. Empty: never." /></div>
  <//><//>`;
}

export function Settings({ campaign: c, put }) {
  const isBulk = c.kind === "bulk";
  const isOpen = ["draft", "active", "paused"].includes(c.status);
  return html`<${Panel} title="Set up"><${Facts} of=${[
      ["From", c.from_number], !isBulk && ["To", c.to_number], !isBulk && ["Schedule", html`<code>${c.cron}</code>`],
      ["Time zone", c.timezone], isBulk && ["Rate limit", `${number(c.rate_limit_per_minute)} calls a minute`],
      ["Calls at once", c.max_concurrent === null ? "no limit of its own" : number(c.max_concurrent)],
      ["Max attempts", number(c.max_attempts)], ["Rings for", duration(c.ring_timeout_s)], ["Talks at most", duration(c.max_duration_s)],
      ["Created", html`<${Time} at=${c.created_at} />`], ["Started", html`<${Time} at=${c.started_at} />`],
      ["Completed", html`<${Time} at=${c.completed_at} />`], !isBulk && ["Ends at", html`<${Time} at=${c.end_at} missing="never" />`],
      ["Agent", html`<${Code}>${c.agent_id}<//>`], ["Id", html`<${Code}>${c.id}<//>`]]} /><//>
    <div class="columns">
      <${Panel} title="Retries"><${Json} value=${c.retry_policy} /><//>
      ${c.calling_windows && html`<${Panel} title="Calling windows"><${Json} value=${c.calling_windows} /><//>`}
      ${Object.keys(c.variables || {}).length > 0 && html`<${Panel} title="Variables"><${Json} value=${c.variables} /><//>`}
    </div>
    ${!isBulk && isOpen && may("write") && html`<${Edit} campaign=${c} put=${put} />`}
    ${isBulk && isOpen && html`<${Notice}>A bulk campaign stays as it was created: make another one for other settings.<//>`}`;
}
