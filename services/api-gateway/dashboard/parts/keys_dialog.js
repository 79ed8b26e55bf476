// The keys that do something.
import { html } from "../lib/h.js";
import { PLACES } from "../lib/places.js";
import { Dialog } from "./dialog.js";

const KEYS = [["/", "to the search"], ["n", "a new campaign, from the campaigns"], ["?", "these keys"]];

export function KeysDialog({ onClose }) {
  const places = PLACES.flatMap(([, list]) => list).map(([, name, letter]) => [`g ${letter}`, name]);
  return html`<${Dialog} title="Keys" onClose=${onClose}><div class="dialog-body"><dl class="keys">
    ${[...KEYS, ...places].map(([key, text]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${text}</dd></div>`)}</dl></div><//>`;
}
