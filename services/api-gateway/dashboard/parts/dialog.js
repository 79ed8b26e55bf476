// A dialog is the browser's own: it keeps the focus inside, and Escape closes it.
import { html, useEffect, useId, useRef, useState } from "../lib/h.js";
import { Button, Failure } from "./ui.js";

export function Dialog({ title, onClose, children, wide = false, locked = false }) {
  const ref = useRef(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    dialog.showModal();
    return () => {
      if (dialog.open) dialog.close();
      // By then the dialog may be out of the page, and the browser gives nothing back.
      requestAnimationFrame(() => before && before.isConnected && before.focus());
    };
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    if (!locked) onClose();
  };
  return html`<dialog ref=${ref} class=${wide ? "wide" : ""} aria-labelledby=${id} onCancel=${cancel}>
    <div class="dialog-head"><h2 id=${id}>${title}</h2>
      ${!locked && html`<button type="button" class="close" aria-label="Close" onClick=${onClose}>×</button>`}</div>
    ${children}</dialog>`;
}

// Asks before something is done, says what it will do, and stays open when it fails.
function Confirm({ title, verb, kind = "primary", children, onConfirm, onClose }) {
  const [state, setState] = useState({ busy: false, error: null });
  const act = async () => {
    setState({ busy: true, error: null });
    try {
      await onConfirm();
      onClose();
    } catch (error) {
      setState({ busy: false, error });
    }
  };
  return html`<${Dialog} title=${title} onClose=${onClose}>
    <div class="dialog-body">${children}<${Failure} error=${state.error} /></div>
    <div class="dialog-foot"><${Button} onClick=${onClose}>Leave it<//>
      <${Button} kind=${kind} busy=${state.busy} onClick=${act}>${verb}<//></div><//>`;
}

// A button that asks first.
export function AskButton({ text, kind = "", title, verb, tone = "primary", what, onConfirm, ...rest }) {
  const [open, setOpen] = useState(false);
  return html`<${Button} kind=${kind} onClick=${() => setOpen(true)} ...${rest}>${text}<//>
    ${open && html`<${Confirm} title=${title} verb=${verb || text} kind=${tone} onConfirm=${onConfirm}
      onClose=${() => setOpen(false)}>${what}<//>`}`;
}
