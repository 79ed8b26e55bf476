// One call, as it is now, and what can be done about it.
import { html } from "../lib/h.js";
import { post } from "../lib/api.js";
import { useGet } from "../lib/data.js";
import { may } from "../lib/session.js";
import { CallFacts } from "./calls_table.js";
import { AskButton, Dialog } from "./dialog.js";
import { tell } from "./toast.js";
import { Failure, Loading } from "./ui.js";

const OPEN_MS = 2000;

export function CallDialog({ id, to, onClose, onChange }) {
  const { data: call, error, reload, put } = useGet(`/v1/scheduled-calls/${id}`, { every: OPEN_MS });
  const cancel = async () => {
    put(await post(`/v1/scheduled-calls/${id}/cancel`));
    tell("The call is cancelled.");
    onChange();
  };
  const hangUp = async () => {
    await post(`/v1/conversations/${call.conversation_id}/hangup`);
    tell("It is being hung up.");
    reload();
  };
  const talks = call && call.conversation && call.conversation.status === "in_progress";
  return html`<${Dialog} title=${`Call to ${to}`} onClose=${onClose} wide>
    <div class="dialog-body">${!call && !error && html`<${Loading} />`}<${Failure} error=${error} retry=${reload} />
      ${call && html`<${CallFacts} call=${call} />`}</div>
    ${call && may("control") && (call.status === "scheduled" || talks) && html`<div class="dialog-foot">
      ${call.status === "scheduled" && html`<${AskButton} text="Cancel call" kind="danger" tone="danger" title=${`Cancel the call to ${to}?`}
        what=${html`<p>It will not be dialed.${call.target_id && " Its target becomes skipped."}</p>`} onConfirm=${cancel} />`}
      ${talks && html`<${AskButton} text="Hang up" kind="danger" tone="danger" title="Hang up?"
        what=${html`<p>Both sides are hung up within about a second.</p>`} onConfirm=${hangUp} />`}</div>`}<//>`;
}
