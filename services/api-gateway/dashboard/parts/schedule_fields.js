// When a recurring campaign calls: a preset or an expression, in a time zone, with the next five instants
// as the scheduler will plan them.
import { html, useEffect, useState } from "../lib/h.js";
import { post } from "../lib/api.js";
import { useSettled } from "../lib/data.js";
import { browserZone, longTime, zones } from "../lib/format.js";
import { TextField } from "./form.js";
import { Notice } from "./ui.js";

const PRESETS = [
  ["Weekdays at 9 AM", "0 9 * * 1-5"], ["Every day at 9 AM", "0 9 * * *"], ["Mondays at 9 AM", "0 9 * * 1"],
  ["First of the month at 9 AM", "0 9 1 * *"], ["Every hour", "0 * * * *"], ["Every 15 minutes, weekdays 9 to 5", "*/15 9-16 * * 1-5"],
];
const COUNT = 5;

function usePreview(cron, timezone) {
  const wanted = useSettled(`${cron}\n${timezone}`);
  const [state, setState] = useState({ data: null, faults: {} });
  useEffect(() => {
    const [expression, zone] = wanted.split("\n");
    if (!expression.trim()) {
      setState({ data: null, faults: {} });
      return undefined;
    }
    const abort = new AbortController();
    post("/v1/schedules/preview", { cron: expression, timezone: zone, count: COUNT }, { signal: abort.signal }).then(
      (data) => setState({ data, faults: {} }),
      (error) => {
        if (abort.signal.aborted) return;
        const faults = {};
        for (const f of error.errors || []) faults[(f.pointer || "").slice(1)] = f.detail || error.message;
        setState({ data: null, faults: Object.keys(faults).length ? faults : { cron: error.message } });
      });
    return () => abort.abort();
  }, [wanted]);
  return state;
}

function Instants({ data, timezone }) {
  const here = browserZone();
  const other = here === data.timezone ? "UTC" : here;
  if (!data.occurrences.length) return html`<${Notice} tone="warn">It never fires.<//>`;
  return html`<div><h3 id="instants">The next ${data.occurrences.length} calls</h3>
    <ul class="instants" aria-labelledby="instants"><li class="head"><span>${timezone}</span><span>${other}</span></li>
    ${data.occurrences.map((o) => html`<li key=${o.at}><time datetime=${o.at}>${longTime(o.at, data.timezone)}</time>
      <span>${longTime(o.at, other)}</span></li>`)}</ul></div>`;
}

export function ScheduleFields({ form }) {
  const { cron, timezone } = form.values;
  const preview = usePreview(cron, timezone);
  return html`
    <div class="field"><span id="presets-label">Schedule</span>
      <div class="presets" role="group" aria-labelledby="presets-label">${PRESETS.map(([text, expression]) => html`
        <button type="button" key=${expression} class="button small" aria-pressed=${cron === expression}
          onClick=${() => form.set("cron", expression)}>${text}</button>`)}</div></div>
    <div class="pair">
      <${TextField} form=${form} name="cron" label="Cron expression" class="mono" spellcheck="false" fault=${!form.faults.cron && preview.faults.cron}
        hint="minute hour day month weekday" />
      <${TextField} form=${form} name="timezone" label="Time zone" list="zones" fault=${!form.faults.timezone && preview.faults.timezone} />
      <datalist id="zones">${zones().map((z) => html`<option key=${z} value=${z}></option>`)}</datalist>
    </div>
    ${preview.data && preview.data.warnings.map((w) => html`<${Notice} tone="warn">${w.message}<//>`)}
    ${preview.data && html`<${Instants} data=${preview.data} timezone=${preview.data.timezone} />`}`;
}
