// Something that is shown once: it stays until it is said to have been kept.
import { html } from "../lib/h.js";
import { Dialog } from "./dialog.js";
import { Button, Copy, Notice } from "./ui.js";

export function SecretDialog({ title, secret, children, onClose }) {
  return html`<${Dialog} title=${title} locked onClose=${onClose}><div class="dialog-body">
      <${Notice} tone="warn">It is shown this once. Keep it where it belongs before you close this.<//>
      <div class="secret"><code id="secret">${secret}</code><${Copy} text=${secret} /></div>${children}</div>
    <div class="dialog-foot"><${Button} kind="primary" onClick=${onClose}>I have kept it<//></div><//>`;
}
