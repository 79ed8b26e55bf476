// One campaign: what it is, how far it is, what can be done about it.
import { html, useEffect } from "../lib/h.js";
import { useGet } from "../lib/data.js";
import { href } from "../lib/router.js";
import { isOver, useProgress } from "../lib/stream.js";
import { Actions } from "../parts/campaign_actions.js";
import { CampaignCalls } from "../parts/campaign_calls.js";
import { Overview } from "../parts/campaign_overview.js";
import { Settings } from "../parts/campaign_settings.js";
import { Targets } from "../parts/campaign_targets.js";
import { Chip, Failure, Loading, Notice, Page, Tabs } from "../parts/ui.js";

const BACK = { href: "#/campaigns", text: "Campaigns" };
const STATES = {
  connecting: ["", "connecting"], live: ["on", "live"], lost: ["lost", "connection lost, coming back"], over: ["", "final"],
};
const REASONS = {
  config_error: "The engine paused it: the trunk, the number or the agent is not set up right. Mend that, then resume.",
  insufficient_credit: "The engine paused it: the workspace's credit is used up. Add credit, then resume.",
};

function Live({ state }) {
  const [tone, text] = STATES[state];
  return html`<span class="live ${tone}" role="status"><i></i>${text}</span>`;
}

const VIEWS = { "": Overview, targets: Targets, calls: CampaignCalls, settings: Settings };

export default function Campaign({ id, route }) {
  const { data, error, reload, put } = useGet(`/v1/campaigns/${id}`);
  const live = useProgress(id, { until: isOver });
  const campaign = data && live.snapshot && live.snapshot.updated_at >= data.updated_at
    ? { ...data, ...live.snapshot } : data;
  const status = live.snapshot && live.snapshot.status;
  useEffect(() => { if (status) reload(); }, [status]);
  if (error && !data)
    return html`<${Page} title="Campaign" back=${BACK}><${Failure} error=${error} retry=${reload} /><//>`;
  if (!campaign) return html`<${Loading} />`;
  const tab = route.parts[2] || "";
  const View = VIEWS[tab] || Overview;
  const link = (name, params) => href(["campaigns", id, ...(name ? [name] : [])], params);
  const tabs = [["", "Progress", link("")], campaign.kind === "bulk" && ["targets", "Targets", link("targets")],
    ["calls", "Calls", link("calls")], ["settings", "Settings", link("settings")]].filter(Boolean);
  const title = campaign.name;
  const reason = campaign.status === "paused" && REASONS[campaign.status_reason];
  return html`<${Page} title=${title} back=${BACK} lead=${campaign.description}
      actions=${html`<${Actions} campaign=${campaign} onChange=${put} />`}>
    <div class="toolbar"><${Chip} status=${campaign.status} /><span class="dim">${campaign.kind}</span>
      <${Live} state=${live.state} /></div>
    ${reason && html`<${Notice} tone="warn">${reason}<//>`}
    <${Failure} error=${error} retry=${reload} />
    <${Tabs} label="Views of the campaign" of=${tabs} current=${tab} />
    <${View} campaign=${campaign} route=${route} link=${link} reload=${reload} put=${put} /><//>`;
}
