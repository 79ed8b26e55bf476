// Deletes a row after asking; what stands in the way is told in the dialog, in the API's words.
import { html } from "../lib/h.js";
import { del } from "../lib/api.js";
import { AskButton } from "./dialog.js";
import { tell } from "./toast.js";

export function RemoveButton({ path, name, what, text = "Delete", said = "deleted", onDone }) {
  const remove = async () => {
    await del(path);
    tell(`${name} is ${said}.`);
    onDone();
  };
  return html`<${AskButton} text=${text} kind="small" tone="danger" title=${`${text} ${name}?`} what=${html`<p>${what}</p>`} onConfirm=${remove} />`;
}
