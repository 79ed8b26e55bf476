// A JSON object as text, judged before it is sent.
import { html } from "../lib/h.js";
import { Problem } from "../lib/api.js";
import { TextField } from "./form.js";

export function JsonField({ form, name, label, hint }) {
  return html`<${TextField} form=${form} name=${name} label=${label} hint=${hint} lines=${5} class="mono" spellcheck="false" />`;
}

export const jsonText = (value) => JSON.stringify(value || {}, null, 2);

// The object, or a Problem that names the field.
export function readJson(text, name) {
  try {
    const value = JSON.parse(text.trim() === "" ? "{}" : text);
    if (value !== null && typeof value === "object" && !Array.isArray(value)) return value;
  } catch { // said below
  }
  const detail = "must be a JSON object, such as {\"key\": \"value\"}";
  throw new Problem(422, { detail, errors: [{ pointer: `/${name}`, code: "malformed_json", detail }] });
}
