// Calls with their attempts, in lists and one by one.
import { html } from "../lib/h.js";
import { duration, number, words } from "../lib/format.js";
import { Chip, Code, Facts, Json, Time } from "./ui.js";

export const CALL_STATUSES = ["scheduled", "dialing", "dispatched", "failed", "cancelled"];

export function Attempts({ of }) {
  if (!of || !of.length) return html`<p class="dim">No attempt yet.</p>`;
  return html`<div class="table-box" tabindex="0" role="region" aria-label="Attempts"><table>
    <caption class="hidden">Attempts</caption>
    <thead><tr><th scope="col" class="num">No.</th><th scope="col">Dialed</th><th scope="col">Answered</th>
      <th scope="col">Ended</th><th scope="col">Outcome</th><th scope="col" class="num">SIP</th><th scope="col" class="num">Q.850</th></tr></thead>
    <tbody>${of.map((a) => html`<tr key=${a.number}>
      <td class="num">${a.number}</td><td><${Time} at=${a.dialed_at} /></td><td><${Time} at=${a.answered_at} /></td>
      <td><${Time} at=${a.ended_at} missing="open" /></td><td>${words(a.outcome)}</td>
      <td class="num">${a.sip_code ?? "–"}</td><td class="num">${a.cause ?? "–"}</td></tr>`)}</tbody></table></div>`;
}

// columns for a list of calls; open(call) shows one.
export const callColumns = (open, { withCampaign = false } = {}) => [
  { key: "to", name: "To", cell: (c) => html`<button type="button" class="button plain small" onClick=${() => open(c)}>${c.to_number}</button>` },
  { key: "status", name: "Status", cell: (c) => html`<${Chip} status=${c.status} />` },
  { key: "outcome", name: "Outcome", cell: (c) => words(c.outcome) },
  { key: "at", name: "Planned", cell: (c) => html`<${Time} at=${c.scheduled_at} />` },
  { key: "next", name: "Next attempt", kind: "wide", cell: (c) => html`<${Time} at=${c.next_attempt_at} />` },
  { key: "n", name: "Attempts", kind: "num wide", cell: (c) => number(c.attempts.length) },
  { key: "sip", name: "SIP", kind: "num wide", cell: (c) => (c.attempts.length ? c.attempts[c.attempts.length - 1].sip_code ?? "–" : "–") },
  withCampaign && { key: "campaign", name: "Campaign", kind: "wide", cell: (c) => (c.campaign_id
    ? html`<a href="#/campaigns/${c.campaign_id}">open</a>` : html`<span class="dim">ad hoc</span>`) },
].filter(Boolean);

export function CallFacts({ call }) {
  const talk = call.conversation;
  return html`<${Facts} of=${[
      ["Status", html`<${Chip} status=${call.status} /> ${words(call.outcome)}`],
      ["Planned", html`<${Time} at=${call.scheduled_at} />`],
      ["Next attempt", html`<${Time} at=${call.next_attempt_at} />`],
      ["From", call.from_number],
      call.external_id && ["External id", call.external_id],
      talk && ["Conversation", html`<${Chip} status=${talk.status} /> ${duration(talk.duration_s)} ${words(talk.end_reason)}`],
      talk && ["Billed", duration(talk.billed_s)],
    ]} />
    <h3>Attempts</h3><${Attempts} of=${call.attempts} />
    ${Object.keys(call.variables || {}).length > 0 && html`<h3>Variables</h3><${Json} value=${call.variables} />`}
    <p><${Code}>${call.id}<//></p>`;
}
