// Start, pause, resume, cancel, delete: each says before what it will do, for this campaign as it is now.
import { html } from "../lib/h.js";
import { del, post } from "../lib/api.js";
import { about, number, plural } from "../lib/format.js";
import { go } from "../lib/router.js";
import { may } from "../lib/session.js";
import { AskButton } from "./dialog.js";
import { tell } from "./toast.js";

const left = (c) => c.counts.pending + c.counts.scheduled;

function startText(c) {
  if (c.kind === "recurring")
    return "Its occurrences are planned from now on, at most an hour ahead.";
  return `${plural(c.counts.pending, "target")} will be called at ${number(c.rate_limit_per_minute)} a minute: `
    + `${about((60 * c.counts.pending) / c.rate_limit_per_minute)}, retries apart. The first call goes out within a few seconds.`;
}

const pauseText = (c) => (c.kind === "recurring"
  ? "Nothing more is planned. Calls that are planned already, at most the next hour's, still go out."
  : "No new call starts, at once. Calls in flight finish. The others keep their place, their attempts and their retry times.");

const resumeText = (c) => (c.kind === "recurring"
  ? "Occurrences are planned from now on. Those missed while it was paused are not made up."
  : `The line moves on from now at the same rate: ${plural(left(c), "target")} to go.`);

const cancelText = (c) => (c.kind === "recurring"
  ? "Calls that are planned and not claimed are cancelled. It cannot be started again."
  : `No new call starts, at once. ${plural(left(c), "target")} not yet reached will be skipped. It cannot be started again.`);

const ACTIONS = [
  { verb: "start", text: "Start", from: ["draft"], kind: "primary", what: startText, said: "started" },
  { verb: "resume", text: "Resume", from: ["paused"], kind: "primary", what: resumeText, said: "resumed" },
  { verb: "pause", text: "Pause", from: ["active"], kind: "", what: pauseText, said: "paused" },
  { verb: "cancel", text: "Cancel campaign", from: ["draft", "active", "paused"], kind: "danger", what: cancelText, said: "cancelled" },
];

export function Actions({ campaign, onChange }) {
  const act = async (action) => {
    onChange(await post(`/v1/campaigns/${campaign.id}/${action.verb}`));
    tell(`${campaign.name} is ${action.said}.`);
  };
  const remove = async () => {
    await del(`/v1/campaigns/${campaign.id}`);
    tell(`${campaign.name} is deleted.`);
    go("#/campaigns");
  };
  return html`${may("control") && ACTIONS.filter((a) => a.from.includes(campaign.status)).map((a) => html`
      <${AskButton} key=${a.verb} text=${a.text} kind=${a.kind} tone=${a.kind || "primary"}
        title=${`${a.text === "Cancel campaign" ? "Cancel" : a.text} “${campaign.name}”?`} what=${html`<p>${a.what(campaign)}</p>`}
        onConfirm=${() => act(a)} />`)}
    ${may("write") && campaign.status === "draft" && html`<${AskButton} text="Delete" kind="danger" tone="danger"
      title=${`Delete “${campaign.name}”?`} what=${html`<p>The draft goes, with its targets.</p>`} onConfirm=${remove} />`}`;
}
