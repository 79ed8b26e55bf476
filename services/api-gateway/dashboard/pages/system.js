// How the installation is: who leads, what lives, what waits, which versions run.
import { html } from "../lib/h.js";
import { useGet } from "../lib/data.js";
import { ago, number, plural } from "../lib/format.js";
import { may } from "../lib/session.js";
import { Table } from "../parts/table.js";
import { Chip, Code, Empty, Facts, Failure, Loading, Notice, Page, Panel, Time } from "../parts/ui.js";

const EVERY_MS = 2000;
const LONG_WAIT_MS = 30000; // below, calls wait for a rate and nothing is wrong

const isLive = (part, at) => part.lease_until >= at;
const columns = (at) => [
  { key: "id", name: "Incarnation", cell: (p) => html`<${Code}>${p.id}<//>${p.host && html`<small>${p.host}, slot ${p.slot}</small>`}` },
  { key: "state", name: "State", cell: (p) => html`<${Chip} status=${isLive(p, at) ? "up" : "down"} />` },
  { key: "dialers", name: "Dialers up", cell: (p) => p.dialers.join(", ") || html`<strong>none</strong>` },
  { key: "hand", name: "In hand", kind: "num", cell: (p) => number(p.in_hand) },
  { key: "since", name: "Since", kind: "wide", cell: (p) => html`<${Time} at=${p.started_at} />` },
];

function troubles(s) {
  const live = s.dispatchers.filter((d) => isLive(d, s.at));
  return [
    s.leader.is_alive === false && "No scheduler leads: nothing new is planned until one takes over, within some seconds.",
    !live.length && "No dispatcher is up: nothing is dialed.",
    live.length > 0 && !live.some((d) => d.dialers.length) && "No dialer is up: nothing is dialed.",
    !s.senders.some((w) => isLive(w, s.at)) && "No webhook-sender is up: deliveries wait.",
    !s.redis_is_up && "Redis is away: nothing is dialed before it is back.",
  ].filter(Boolean);
}

function Health({ s }) {
  const { queue, leader, versions } = s;
  const found = troubles(s);
  const first = queue.oldest_overdue_at && Date.parse(s.at) - Date.parse(queue.oldest_overdue_at);
  return html`${first > LONG_WAIT_MS && html`<${Notice} tone="warn">${plural(queue.overdue_calls, "call")} wait past their instant, the longest
      since ${ago(queue.oldest_overdue_at, Date.parse(s.at))}: for a limit of calls a minute or at once, or for a dialer.<//>`}
    ${found.length ? found.map((text) => html`<${Notice} key=${text} tone="bad">${text}<//>`)
      : html`<${Notice} tone="good">Every part is up.<//>`}
    <div class="columns">
      <${Panel} title="Scheduler"><${Facts} of=${[["Leader", html`<${Chip} status=${{ true: "leading", false: "down" }[leader.is_alive] || "unknown"} />`],
        ["Since", html`<${Time} at=${leader.since} />`], ["Epoch", number(leader.epoch)], ["Live campaigns", number(queue.live_campaigns)]]} /><//>
      <${Panel} title="Queue"><${Facts} of=${[["Calls being dialed", number(queue.open_attempts)], ["Calls overdue", number(queue.overdue_calls)],
        ["Lag", queue.oldest_overdue_at ? ago(queue.oldest_overdue_at, Date.parse(s.at)).replace(" ago", "") : "none"],
        ["Webhooks waiting", number(queue.deliveries)], ["Imports running", number(queue.imports)]]} /><//>
    </div>
    <${Panel} title="Dispatchers">${s.dispatchers.length ? html`<${Table} caption="Dispatchers" columns=${columns(s.at)} rows=${s.dispatchers} />`
      : html`<${Empty} title="No dispatcher has ever registered.">Start one: it does the dialing.<//>`}<//>
    <${Panel} title="Webhook-senders">${s.senders.length ? html`<${Table} caption="Webhook-senders" rows=${s.senders}
      columns=${columns(s.at).filter((c) => c.key !== "dialers")} />` : html`<${Empty} title="No webhook-sender is up.">Start one: it sends webhooks.<//>`}<//>
    <${Panel} title="Versions"><${Facts} of=${[["Belfry", versions.belfry], ["Dashboard", html`<${Code}>${versions.dashboard}<//>`], ["Schema", versions.schema],
      ["Postgres", versions.postgres], ["Redis", html`<${Chip} status=${s.redis_is_up ? "up" : "down"} />`], ["Time zones", versions.tzdata]]} /><//>`;
}

export default function System() {
  const { data, error, reload } = useGet(may("operator") ? "/v1/system" : null, { every: EVERY_MS });
  return html`<${Page} title="System" lead="The installation as a whole, of all workspaces.">
    ${!may("operator") && html`<${Notice}>To see it, sign in with a key that has the scope operator.<//>`}
    <${Failure} error=${error} retry=${reload} />
    ${data ? html`<${Health} s=${data} />` : may("operator") && !error && html`<${Loading} />`}<//>`;
}
