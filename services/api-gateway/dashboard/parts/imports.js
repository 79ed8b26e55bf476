// What large files have become: shown while one is at work, and afterwards when rows of it were refused.
import { html, useEffect } from "../lib/h.js";
import { useGet } from "../lib/data.js";
import { number, plural } from "../lib/format.js";
import { Notice, Time } from "./ui.js";

const BUSY_MS = 1000;

function Import({ of }) {
  const errors = of.rejected > 0 && html`<a href="/v1/imports/${of.id}/errors.csv" download>Which were refused, and why</a>`;
  const counts = `${number(of.inserted)} added, ${number(of.deduped)} there already, ${number(of.rejected)} refused`;
  if (of.status === "failed") return html`<${Notice} tone="bad" title="An import failed.">${(of.reason || "").replaceAll("_", " ")} ${errors}<//>`;
  if (of.status === "running") return html`<${Notice} title="Importing.">${plural(of.received, "row")} so far: ${counts}.<//>`;
  return html`<${Notice} tone="good" title="Imported."><${Time} at=${of.completed_at || of.updated_at} />: ${counts}. ${errors}<//>`;
}

export function Imports({ campaign, onDone }) {
  const { data, reload } = useGet(`/v1/campaigns/${campaign.id}/imports?limit=3`);
  const newest = data && data.data[0];
  const isRunning = Boolean(newest && newest.status === "running");
  useEffect(() => {
    if (!isRunning) return undefined;
    const timer = setInterval(reload, BUSY_MS);
    return () => {
      clearInterval(timer);
      onDone();
    };
  }, [isRunning]);
  useEffect(() => reload(), [campaign.counts.total]);
  return newest ? html`<${Import} of=${newest} />` : null;
}
