// How far a campaign is, how fast, how late, and what holds it back.
import { html } from "../lib/h.js";
import { useGet } from "../lib/data.js";
import { about, millis, number, percent, plural, words } from "../lib/format.js";
import { Bar, Legend, done } from "./bar.js";
import { Plot } from "./plot.js";
import { Empty, Failure, Panel, Time } from "./ui.js";

const FAST_MS = 3000;
const SLOW_MS = 20000;
const GOOD = new Set(["answered", "answered_machine"]);

function Figure({ value, what, more }) {
  return html`<div class="figure"><div class="value">${value}</div><div class="what">${what}</div>
    ${more && html`<div class="more">${more}</div>`}</div>`;
}

const named = (limit) => `${{ campaign: "the campaign's", number: "the number's", trunk: "the trunk's",
  workspace: "the workspace's" }[limit.scope]} limit of calls ${limit.kind === "max_concurrent" ? "at once" : "a minute"}`;

// In words: what the next call waits for.
function bindingText(campaign, pace) {
  const { counts } = campaign;
  if (campaign.status === "draft") return "It has not been started.";
  if (campaign.status === "paused") return "It is paused.";
  if (campaign.status !== "active") return "It is over.";
  if (pace.binding) return `Calls wait for ${named(pace.binding)}.`;
  if (campaign.kind === "recurring") return "Nothing: the next occurrence is not due.";
  if (!counts.pending && !counts.scheduled) return "Nothing is left to call.";
  if (!counts.pending) return "Nothing: what is left is in flight, waits for a retry or for its calling window.";
  return "Nothing at this moment.";
}

function Limits({ pace }) {
  return html`<dl class="facts">${pace.limits.map((limit) => {
    const binds = pace.binding && pace.binding.scope === limit.scope && pace.binding.kind === limit.kind;
    return html`<div key=${limit.scope + limit.kind}>
      <dt>${limit.scope}, ${limit.kind === "max_concurrent" ? "calls at once" : "calls a minute"}</dt>
      <dd>${limit.in_use !== undefined && `${number(limit.in_use)} of `}${number(limit.limit)}
        ${binds && html` <span class="chip warn">binds now</span>`}</dd></div>`;
  })}</dl>`;
}

function Outcomes({ stats }) {
  const entries = Object.entries(stats.outcomes).sort((a, b) => b[1] - a[1]);
  const most = Math.max(1, ...entries.map(([, n]) => n));
  if (!entries.length) return html`<${Empty} title="No outcome yet.">The first ones come with the first calls.<//>`;
  return html`<div class="meter">${entries.map(([name, n]) => html`
    <span>${words(name)}</span>
    <div class="track" aria-hidden="true"><div class="fill ${GOOD.has(name) ? "good" : "bad"}" style=${{ width: `${(100 * n) / most}%` }}></div></div>
    <span class="value">${number(n)}</span>`)}</div>`;
}

function Figures({ campaign, pace, stats }) {
  const { counts, rate_limit_per_minute: limit } = campaign;
  const left = counts.pending + counts.scheduled;
  const { lateness } = pace;
  const isBulk = campaign.kind === "bulk";
  return html`<div class="figures">
    <${Figure} value=${percent(done(counts), counts.total)} what="done"
      more=${`${number(done(counts))} of ${plural(counts.total, isBulk ? "target" : "call")}`} />
    <${Figure} value=${number(pace.calls_last_minute)} what="calls in the last minute"
      more=${limit ? `the limit is ${number(limit)}` : ""} />
    <${Figure} value=${number(pace.in_flight)} what="in flight" more=${stats ? `${plural(stats.attempts, "attempt")} in all` : ""} />
    <${Figure} value=${millis(lateness.p50_ms)} what="median lateness"
      more=${lateness.calls ? `99 % within ${millis(lateness.p99_ms)}` : "no call yet"} />
    ${isBulk && html`<${Figure} value=${left && campaign.status === "active" ? about((60 * left) / limit).replace("about ", "~ ") : "–"}
      what="to go at this rate" more=${left ? `${plural(left, "target")} left` : ""} />`}
    ${!isBulk && html`<${Figure} value=${html`<${Time} at=${campaign.next_occurrence_at} />`} what="next occurrence" />`}
  </div>`;
}

export function Overview({ campaign, link }) {
  const isActive = campaign.status === "active";
  const path = `/v1/campaigns/${campaign.id}`;
  const pace = useGet(`${path}/pace`, { every: isActive ? FAST_MS : SLOW_MS });
  const stats = useGet(`${path}/stats`, { every: isActive ? 2 * FAST_MS : SLOW_MS });
  const isBulk = campaign.kind === "bulk";
  const state = (s) => link(isBulk ? "targets" : "calls", isBulk ? { status: s } : {});
  return html`<${Panel} title=${isBulk ? "Targets" : "Calls"}>
      <${Bar} counts=${campaign.counts} tall /><${Legend} counts=${campaign.counts} link=${state} />
      ${pace.data && html`<${Figures} campaign=${campaign} pace=${pace.data} stats=${stats.data} />`}
      <${Failure} error=${pace.error || stats.error} /><//>
    <${Panel} title="Calls a minute">
      ${pace.data && (pace.data.intervals.length > 1
        ? html`<${Plot} pace=${pace.data} limit=${campaign.rate_limit_per_minute} />`
        : html`<${Empty} title="Nothing to draw yet.">The plot begins with the first calls.<//>`)}<//>
    <div class="columns">
      <${Panel} title="Outcomes">${stats.data && html`<${Outcomes} stats=${stats.data} />`}<//>
      <${Panel} title="What binds now">
        ${pace.data && html`<p id="binding">${bindingText(campaign, pace.data)}</p><${Limits} pace=${pace.data} />`}<//>
    </div>`;
}
