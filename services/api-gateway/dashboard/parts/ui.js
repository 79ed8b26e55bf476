// The small things that every page is made of.
import { html, useEffect, useState } from "../lib/h.js";
import { ago, time, utc, words } from "../lib/format.js";

const TONES = {
  active: "good", enabled: "good", dispatched: "good", delivered: "good", completed: "done", answered: "good",
  in_progress: "good", up: "good", leading: "good", running: "info", scheduled: "info", dialing: "info", pending: "quiet",
  draft: "quiet", paused: "warn", throttled: "warn", skipped: "warn", expired: "quiet", cancelled: "quiet", failed: "bad",
  dead_letter: "bad", revoked: "bad", disabled: "bad", down: "bad",
};

export function Chip({ status, title }) {
  return html`<span class="chip ${TONES[status] || "quiet"}" title=${title}>${words(status)}</span>`;
}

export function Time({ at, missing = "–" }) {
  if (!at) return html`<span class="dim">${missing}</span>`;
  return html`<time datetime=${at} title=${utc(at)}>${time(at)}</time>`;
}

// "3 min ago", kept true.
export function Ago({ at }) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 5000);
    return () => clearInterval(timer);
  }, []);
  return at ? html`<time datetime=${at} title=${utc(at)}>${ago(at)}</time>` : html`<span class="dim">–</span>`;
}

export function Button({ kind = "", busy = false, children, ...rest }) {
  return html`<button type="button" class="button ${kind}" disabled=${busy} aria-busy=${busy} ...${rest}>
    ${children}</button>`;
}

export function Notice({ tone = "info", title, children, action }) {
  return html`<div class="notice ${tone}" role=${tone === "bad" ? "alert" : "note"}>
    <div>${title && html`<strong>${title}</strong>`} ${children}</div>${action}</div>`;
}

// What a request said when it failed, in the API's words.
export function Failure({ error, retry }) {
  if (!error || error.status === 401) return null; // the sign-in that comes up says it
  const again = retry && html`<${Button} kind="small" onClick=${retry}>Try again<//>`;
  return html`<${Notice} tone="bad" action=${again}>${error.message}
    ${error.status === 403 && error.code === "missing_scope" && " Sign in with a key that has it."}<//>`;
}

export function Empty({ title, children }) {
  return html`<div class="empty"><p class="empty-title">${title}</p><div>${children}</div></div>`;
}

export function Loading({ what = "Loading" }) {
  return html`<p class="loading" role="status">${what} …</p>`;
}

export function Page({ title, lead, actions, back, children }) {
  useEffect(() => {
    document.title = typeof title === "string" ? `${title} · Belfry` : "Belfry";
  }, [title]);
  return html`<div class="page">
    ${back && html`<a class="back" href=${back.href}>← ${back.text}</a>`}
    <header class="page-head">
      <div><h1 tabindex="-1" id="page-title">${title}</h1>${lead && html`<p class="lead">${lead}</p>`}</div>
      ${actions && html`<div class="actions">${actions}</div>`}
    </header>
    ${children}
  </div>`;
}

export function Panel({ title, actions, children, label }) {
  return html`<section class="panel" aria-label=${label || (typeof title === "string" ? title : undefined)}>
    ${(title || actions) && html`<div class="panel-head"><h2>${title}</h2>
      ${actions && html`<div class="actions">${actions}</div>`}</div>`}
    ${children}</section>`;
}

// Facts as name and value: [[name, value], …].
export function Facts({ of }) {
  return html`<dl class="facts">${of.filter(Boolean).map(([name, value]) => html`
    <div key=${name}><dt>${name}</dt><dd>${value === null || value === undefined || value === ""
      ? html`<span class="dim">–</span>` : value}</dd></div>`)}</dl>`;
}

export function Tabs({ label, of, current }) {
  return html`<nav class="tabs" aria-label=${label}>${of.map(([key, text, href]) => html`
    <a key=${key} href=${href} aria-current=${key === current ? "page" : undefined}>${text}</a>`)}</nav>`;
}

// A row of choices, one of which holds.
export function Choices({ label, of, value, onChange }) {
  return html`<div class="choices" role="group" aria-label=${label}>${of.map(([key, text]) => html`
    <button type="button" key=${key} aria-pressed=${key === value} onClick=${() => onChange(key)}>${text}</button>`)}
  </div>`;
}

export function Copy({ text, label = "Copy" }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setDone(true);
      setTimeout(() => setDone(false), 2000);
    } catch { // not allowed here: the text can be selected
      setDone(false);
    }
  };
  return html`<${Button} kind="small" onClick=${copy}>${done ? "Copied" : label}<//>`;
}

export function Code({ children }) {
  return html`<code class="id">${children}</code>`;
}

export function Json({ value }) {
  return html`<pre class="json">${JSON.stringify(value, null, 2)}</pre>`;
}
