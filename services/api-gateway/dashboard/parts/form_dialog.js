// A form in a dialog: make one, change one.
import { html } from "../lib/h.js";
import { Dialog } from "./dialog.js";
import { Form, useForm } from "./form.js";

// fields(form) draws them; send(values) is the request; onDone(answer) once it has succeeded.
export function FormDialog({ title, initial, fields, send, onDone, onClose, submit = "Save", wide = false }) {
  const form = useForm(initial);
  const save = async () => {
    const answer = await form.send(async () => (await send(form.values)) || {});
    if (!answer) return;
    onClose();
    onDone(answer);
  };
  return html`<${Dialog} title=${title} onClose=${onClose} wide=${wide}><div class="dialog-body">
    <${Form} form=${form} onSubmit=${save} onCancel=${onClose} submit=${submit}>${fields(form)}<//></div><//>`;
}
