// Short news at the lower edge, read out by screen readers; it goes by itself.
import { html, useEffect, useState } from "../lib/h.js";

const SHOWN_MS = 5000;
const listeners = new Set();
let items = [];
let next = 1;

function set(now) {
  items = now;
  for (const fn of listeners) fn(items);
}

export function tell(text, tone = "good") {
  const id = next++;
  set([...items.slice(-3), { id, text, tone }]);
  setTimeout(() => set(items.filter((item) => item.id !== id)), SHOWN_MS);
}

export function Toasts() {
  const [shown, setShown] = useState(items);
  useEffect(() => {
    listeners.add(setShown);
    return () => listeners.delete(setShown);
  }, []);
  return html`<div class="toasts" role="status" aria-live="polite">
    ${shown.map((item) => html`<div class="toast ${item.tone}" key=${item.id}>${item.text}</div>`)}</div>`;
}
