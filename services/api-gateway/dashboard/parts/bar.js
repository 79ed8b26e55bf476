// A campaign's targets (of a recurring one: its calls) by state.
import { html } from "../lib/h.js";
import { number, percent, plural, words } from "../lib/format.js";

const STATES = ["dispatched", "failed", "skipped", "scheduled", "pending"];
const TELLS = {
  dispatched: "answered, a conversation began", failed: "every attempt was used up or a retry makes no sense",
  skipped: "left out", scheduled: "planned, being dialed, or waiting for a retry", pending: "not planned yet",
};

export const done = (counts) => counts.dispatched + counts.failed + counts.skipped;

export function Bar({ counts, tall = false }) {
  const text = STATES.filter((s) => counts[s] > 0).map((s) => `${number(counts[s])} ${s}`).join(", ");
  return html`<div class="bar ${tall ? "tall" : ""}" role="img" aria-label=${text || "no targets"}>
    ${STATES.filter((s) => counts[s] > 0).map((s) => html`<div key=${s} class="segment ${s}"
      style=${{ flexBasis: `${(100 * counts[s]) / Math.max(1, counts.total)}%` }}></div>`)}</div>`;
}

// link(state) is where the ones in that state are listed; without it they are only counted.
export function Legend({ counts, link }) {
  return html`<div class="legend">${STATES.map((s) => {
    const inside = html`<i class="dot ${s}"></i>${words(s)} <b>${number(counts[s])}</b>`;
    return link ? html`<a key=${s} href=${link(s)} title=${TELLS[s]}>${inside}</a>`
      : html`<span key=${s} title=${TELLS[s]}>${inside}</span>`;
  })}</div>`;
}

export function Progress({ campaign }) {
  const { counts } = campaign;
  if (!counts.total) return html`<span class="dim">${campaign.kind === "bulk" ? "no targets" : "no calls yet"}</span>`;
  return html`<span title=${plural(counts.total, campaign.kind === "bulk" ? "target" : "call")}>
    ${percent(done(counts), counts.total)} <span class="dim">of ${number(counts.total)}</span></span>
    <${Bar} counts=${counts} />`;
}
