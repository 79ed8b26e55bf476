// What narrows a list down: a search that waits for a pause in typing, a choice of one.
import { html, useEffect, useState } from "../lib/h.js";
import { useSettled } from "../lib/data.js";

export function Filter({ label, value, onChange, all, of }) {
  return html`<select aria-label=${label} value=${value} onChange=${(e) => onChange(e.target.value)}>
    <option value="" selected=${!value}>${all}</option>
    ${of.map(([key, text]) => html`<option key=${key} value=${key} selected=${key === value}>${text}</option>`)}
  </select>`;
}

// Fewer characters than `least` search for nothing, and say so.
export function Search({ value, onChange, label, placeholder, least = 1 }) {
  const [text, setText] = useState(value);
  const settled = useSettled(text);
  useEffect(() => {
    const wanted = settled.trim().length >= least ? settled.trim() : "";
    if (wanted !== value) onChange(wanted);
  }, [settled]);
  const isShort = text.trim().length > 0 && text.trim().length < least;
  return html`<input type="search" aria-label=${label} placeholder=${placeholder} value=${text}
    onInput=${(e) => setText(e.target.value)} />${isShort && html`<span class="dim">${least} characters or more</span>`}`;
}

export const OUTCOMES = ["answered", "answered_machine", "busy", "no_answer", "rejected", "invalid_number",
  "carrier_error", "rate_limited", "agent_unavailable", "config_error", "expired", "suppressed", "cancelled", "uncertain"];
