// Calls a minute over time, with what came of them. The drawing library is fetched when there is
// something to draw.
import { html, useEffect, useRef, useState } from "../lib/h.js";
import { clock, number, time } from "../lib/format.js";

const HEIGHT = 240;
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// One more point at the place of each interval; the one that still runs would always look like a fall.
function series(pace, limit) {
  const now = Date.parse(pace.at);
  const span = pace.interval_s;
  const whole = pace.intervals.filter((i) => Date.parse(i.at) + span * 1000 <= now);
  const shown = whole.length > 1 ? whole : pace.intervals;
  const by = new Map(shown.map((i) => [Date.parse(i.at) / 1000, i]));
  const first = Date.parse(shown[0].at) / 1000;
  const last = Date.parse(shown[shown.length - 1].at) / 1000;
  const xs = [];
  const rows = [[], [], []];
  for (let at = first; at <= last; at += span) {
    const i = by.get(at) || { dials: 0, answered: 0, failed: 0 };
    xs.push(at);
    [i.dials, i.answered, i.failed].forEach((n, k) => rows[k].push((n * 60) / span));
  }
  return [xs, ...rows, ...(limit ? [xs.map(() => limit)] : [])];
}

function options(width, limit) {
  const line = (label, name, extra) => ({ label, stroke: color(name), width: 2, points: { show: false },
    value: (_, v) => (v === null || v === undefined ? "–" : number(Math.round(v))), ...extra });
  const axis = { stroke: color("--soft"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line"), width: 1 },
    font: "12px system-ui, sans-serif" };
  return {
    width, height: HEIGHT, cursor: { y: false, drag: { setScale: false } },
    scales: { x: { time: false }, y: { range: (_, low, high) => [0, Math.max(limit || 0, high, 1) * 1.08] } },
    axes: [{ ...axis, space: 110, values: (_, at) => at.map((t) => clock(new Date(t * 1000).toISOString())) }, { ...axis, size: 60 }],
    series: [
      { label: "At", value: (_, t) => (t ? time(new Date(t * 1000).toISOString()) : "–") },
      line("dialed", "--bar-scheduled", { fill: `${color("--bar-scheduled")}22` }),
      line("answered", "--bar-dispatched"), line("not answered", "--bar-failed"),
      ...(limit ? [line("limit", "--soft", { width: 1, dash: [5, 5] })] : []),
    ],
  };
}

export function Plot({ pace, limit }) {
  const box = useRef(null);
  const plot = useRef(null);
  const [library, setLibrary] = useState(null);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    import("../vendor/uplot.js").then((m) => setLibrary(() => m.default));
    const again = () => setTurn((n) => n + 1);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", again);
    window.addEventListener("belfry-theme", again);
    window.addEventListener("resize", again);
    return () => {
      dark.removeEventListener("change", again);
      window.removeEventListener("belfry-theme", again);
      window.removeEventListener("resize", again);
    };
  }, []);
  useEffect(() => {
    if (!library) return undefined;
    plot.current = new library(options(box.current.clientWidth, limit), series(pace, limit), box.current);
    return () => plot.current.destroy();
  }, [library, turn, limit]);
  useEffect(() => {
    if (plot.current) plot.current.setData(series(pace, limit));
  }, [pace]);
  const peak = Math.max(...pace.intervals.map((i) => (i.dials * 60) / pace.interval_s));
  return html`<div class="plot" ref=${box} role="img"
    aria-label=${`Calls a minute over time: at most ${number(Math.round(peak))}, ${number(pace.calls_last_minute)} in the last minute`}></div>`;
}
