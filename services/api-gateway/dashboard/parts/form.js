// Forms. What the API refuses stands beside the field that it names; what it names no field for, above
// the buttons. Nothing that was entered is lost when a request fails.
import { createContext, html, useContext, useEffect, useId, useState } from "../lib/h.js";
import { Button, Failure } from "./ui.js";

const FormContext = createContext({ faults: {} });

// By the first part of the pointer: /retry_policy/rules/0/delay_s belongs to retry_policy.
function faultsOf(error) {
  const faults = {};
  for (const fault of error.errors) {
    const name = (fault.pointer || "").split("/")[1];
    if (name) (faults[name] ||= []).push(fault.detail || fault.code.replaceAll("_", " "));
  }
  return faults;
}

// values and how to set one; send(fn) runs a request and keeps what it says.
export function useForm(initial) {
  const [values, setValues] = useState(initial);
  const [state, setState] = useState({ busy: false, error: null, faults: {}, shown: [] });
  const set = (name, value) => {
    setValues((v) => ({ ...v, [name]: typeof value === "function" ? value(v[name]) : value }));
    setState((s) => (s.faults[name] ? { ...s, faults: { ...s.faults, [name]: null } } : s));
  };
  const send = async (fn) => {
    setState((s) => ({ ...s, busy: true, error: null, faults: {} }));
    try {
      const answer = await fn();
      setState((s) => ({ ...s, busy: false }));
      return answer;
    } catch (error) {
      setState((s) => ({ ...s, busy: false, error, faults: faultsOf(error) }));
      requestAnimationFrame(() => document.querySelector("[aria-invalid=true]")?.focus());
      return undefined;
    }
  };
  return { values, set, send, ...state, reset: () => setValues(initial) };
}

// The fields inside tell the form which faults they show, so that the rest can be shown together. What is
// submitted while the form is waiting for what its fields offer goes once that is there.
export function Form({ form, onSubmit, children, submit = "Save", onCancel, extra, waiting = false }) {
  const [asked, setAsked] = useState(false);
  const busy = form.busy || asked;
  useEffect(() => {
    if (!asked || waiting) return;
    setAsked(false);
    onSubmit();
  }, [asked, waiting]);
  const shown = new Set();
  const send = (event) => {
    event.preventDefault();
    if (busy) return;
    if (waiting) setAsked(true);
    else onSubmit();
  };
  const fit = form.error && Object.values(form.faults).some(Boolean);
  return html`<${FormContext.Provider} value=${{ faults: form.faults, shown }}>
    <form class="form" onSubmit=${send} noValidate>
      ${children}
      <${Rest} form=${form} shown=${shown} fit=${fit} />
      <div class="form-foot">
        ${onCancel && html`<${Button} onClick=${onCancel}>Cancel<//>`}
        ${extra}
        <button type="submit" class="button primary" aria-busy=${busy}>${busy ? "One moment …" : submit}</button>
      </div>
    </form><//>`;
}

// Drawn after the fields: faults that none of them showed.
function Rest({ form, shown, fit }) {
  const left = Object.entries(form.faults).filter(([name, list]) => list && !shown.has(name));
  if (left.length)
    return html`<div class="notice bad" role="alert"><div>${left.map(([name, list]) => html`
      <div key=${name}><strong>${name}</strong> ${list.join(", ")}</div>`)}</div></div>`;
  return fit ? null : html`<${Failure} error=${form.error} />`;
}

// A label, what goes below it, and what is wrong with it. `children` is a function of the attributes that
// tie the three together.
export function Field({ name, label, hint, fault, children }) {
  const id = useId();
  const form = useContext(FormContext);
  if (name) form.shown?.add(name);
  const faults = [...(fault ? [fault] : []), ...((name && form.faults[name]) || [])];
  const tied = {
    id,
    "aria-invalid": faults.length ? "true" : undefined,
    "aria-describedby": [hint && `${id}-hint`, faults.length && `${id}-fault`].filter(Boolean).join(" ") || undefined,
  };
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${children(tied)}
    ${hint && html`<p class="hint" id="${id}-hint">${hint}</p>`}
    ${faults.length > 0 && html`<p class="fault" id="${id}-fault" role="alert">${faults.join(" · ")}</p>`}
  </div>`;
}

export function TextField({ form, name, label, hint, fault, lines = 0, ...rest }) {
  const props = { name, value: form.values[name], onInput: (e) => form.set(name, e.target.value), ...rest };
  return html`<${Field} name=${name} label=${label} hint=${hint} fault=${fault}>${(tied) => (lines
    ? html`<textarea rows=${lines} ...${tied} ...${props}></textarea>`
    : html`<input type="text" ...${tied} ...${props} autocomplete="off" />`)}<//>`;
}

export function NumberField({ form, name, label, hint, unit, ...rest }) {
  return html`<${Field} name=${name} label=${label} hint=${hint}>${(tied) => html`<div class="with-unit">
    <input type="number" name=${name} inputmode="numeric" ...${tied} value=${form.values[name]}
      onInput=${(e) => form.set(name, e.target.value)} ...${rest} />${unit && html`<span>${unit}</span>`}</div>`}<//>`;
}

// What a select offers of a list that useAll reads.
export const choices = (list, value, text, none) => [["", list.loading ? "Loading …" : none],
  ...(list.rows || []).map((row) => [row[value], row[text]])];

// of: [[value, text], …]
export function SelectField({ form, name, label, hint, fault, of, ...rest }) {
  return html`<${Field} name=${name} label=${label} hint=${hint} fault=${fault}>${(tied) => html`
    <select name=${name} ...${tied} value=${form.values[name]} onChange=${(e) => form.set(name, e.target.value)} ...${rest}>
      ${of.map(([value, text]) => html`<option key=${value} value=${value} selected=${value === form.values[name]}>${text}</option>`)}
    </select>`}<//>`;
}

// Several of a few: values is a list.
export function ChecksField({ form, name, label, hint, of }) {
  const has = form.values[name];
  const toggle = (value) => form.set(name, has.includes(value) ? has.filter((v) => v !== value) : [...has, value]);
  const context = useContext(FormContext);
  context.shown?.add(name);
  const faults = context.faults[name] || [];
  return html`<fieldset class="field checks"><legend>${label}</legend>
    ${of.map(([value, text]) => html`<label key=${value}><input type="checkbox" name=${name} value=${value}
      checked=${has.includes(value)} onChange=${() => toggle(value)} /> <span>${text}</span></label>`)}
    ${hint && html`<p class="hint">${hint}</p>`}
    ${faults.length > 0 && html`<p class="fault" role="alert">${faults.join(" · ")}</p>`}</fieldset>`;
}

// "" is null; a text that is no number stays a text, for the API to refuse in its own words.
export const numberOrNull = (text) => {
  const trimmed = String(text).trim();
  if (trimmed === "") return null;
  return Number.isFinite(Number(trimmed)) ? Number(trimmed) : trimmed;
};
export const textOrNull = (text) => (text.trim() === "" ? null : text.trim());
