// One target with its attempts.
import { html } from "../lib/h.js";
import { del } from "../lib/api.js";
import { useGet } from "../lib/data.js";
import { words } from "../lib/format.js";
import { may } from "../lib/session.js";
import { Attempts } from "./calls_table.js";
import { AskButton, Dialog } from "./dialog.js";
import { tell } from "./toast.js";
import { Chip, Code, Facts, Failure, Json, Loading, Time } from "./ui.js";

const EVERY_MS = 2000;

export function TargetDialog({ campaignId, target, onClose, onChange }) {
  const path = `/v1/campaigns/${campaignId}/targets/${target.id}`;
  const { data: t, error, reload } = useGet(path, { every: EVERY_MS });
  const skip = async () => {
    await del(path);
    tell(`${target.to_number} is skipped.`);
    reload();
    onChange();
  };
  return html`<${Dialog} title=${target.name ? `${target.name}, ${target.to_number}` : target.to_number} onClose=${onClose} wide>
    <div class="dialog-body">${!t && !error && html`<${Loading} />`}<${Failure} error=${error} retry=${reload} />
    ${t && html`<${Facts} of=${[
        ["Status", html`<${Chip} status=${t.status} />`], ["Last outcome", words(t.outcome)],
        ["Next attempt", html`<${Time} at=${t.next_attempt_at} />`], ["Time zone", t.timezone], ["External id", t.external_id],
        ["Added", html`<${Time} at=${t.created_at} />`]]} />
      <h3>Attempts</h3><${Attempts} of=${t.attempt_log} />
      ${Object.keys(t.variables || {}).length > 0 && html`<h3>Variables</h3><${Json} value=${t.variables} />`}
      <p><${Code}>${t.id}<//></p>`}</div>
    ${t && may("control") && ["pending", "scheduled"].includes(t.status) && html`<div class="dialog-foot">
      <${AskButton} text="Skip" title=${`Skip ${t.to_number}?`} what=${html`<p>It will not be called. Its row stays.</p>`} onConfirm=${skip} /></div>`}<//>`;
}
