// Numbers, times and words as people read them. Times are shown in the workspace's zone, and the title of
// each says it in UTC.
import { workspaceZone } from "./session.js";

const cache = new Map();

function formatter(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!cache.has(key)) {
    let made;
    try {
      made = new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options });
    } catch { // a zone that this browser does not know
      made = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options });
    }
    cache.set(key, made);
  }
  return cache.get(key);
}

const DAY = { day: "numeric", month: "short" };
const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };

export function time(iso, zone = workspaceZone()) {
  if (!iso) return "–";
  const at = new Date(iso);
  const year = at.getUTCFullYear() === new Date().getUTCFullYear() ? {} : { year: "numeric" };
  return formatter(zone, { ...DAY, ...year, ...CLOCK }).format(at).replace(",", "");
}

export function clock(iso, zone = workspaceZone()) {
  return iso ? formatter(zone, CLOCK).format(new Date(iso)) : "–";
}

export function longTime(iso, zone = workspaceZone()) {
  return formatter(zone, { weekday: "short", ...DAY, year: "numeric", hour: "2-digit", minute: "2-digit",
    hourCycle: "h23", timeZoneName: "short" }).format(new Date(iso));
}

export const utc = (iso) => (iso ? iso.replace("T", " ").replace(/\.\d+Z$/, " UTC") : "");

export function number(n) {
  return n === null || n === undefined ? "–" : n.toLocaleString("en-GB");
}

export const plural = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;

// 95 → "1 min 35 s": two units at most.
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  const s = Math.round(seconds);
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const found = [];
  let left = s;
  for (const [size, unit] of parts) {
    const n = Math.floor(left / size);
    left -= n * size;
    if (n > 0) found.push(`${n} ${unit}`);
    if (found.length === 2) break;
  }
  return found.join(" ");
}

export function millis(ms) {
  if (ms === null || ms === undefined) return "–";
  return ms < 1000 ? `${Math.round(ms)} ms` : duration(ms / 1000);
}

// How long it will take, in words that promise no more than is known.
export function about(seconds) {
  if (seconds < 90) return "about a minute";
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} minutes`;
  if (seconds < 129600) return `about ${Math.round(seconds / 360) / 10} hours`;
  return `about ${Math.round(seconds / 8640) / 10} days`;
}

export function ago(iso, now = Date.now()) {
  if (!iso) return "–";
  const s = (now - Date.parse(iso)) / 1000;
  return s >= 0 ? `${duration(Math.max(1, Math.floor(s)))} ago` : `in ${duration(Math.ceil(-s))}`;
}

export const percent = (part, whole) => (whole ? `${Math.floor((100 * part) / whole)} %` : "0 %");

// "no_answer" → "no answer"
export const words = (code) => (code ? code.replaceAll("_", " ") : "–");

export const browserZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

export function zones() {
  return typeof Intl.supportedValuesOf === "function" ? ["UTC", ...Intl.supportedValuesOf("timeZone")] : ["UTC"];
}
