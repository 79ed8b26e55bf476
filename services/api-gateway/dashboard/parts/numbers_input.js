// A field for many numbers: paste them, or drop a file; what they are is counted while one looks.
import { html, useEffect, useRef, useState } from "../lib/h.js";
import { judge } from "../lib/csv.js";
import { useSettled } from "../lib/data.js";
import { number, plural } from "../lib/format.js";
import { Field } from "./form.js";

const FILE_MAX = 256 * 1024 * 1024;
const SHOWN_FAULTS = 100;

function Tally({ judged }) {
  const { received, valid, duplicates, bad, faults, header } = judged;
  return html`<div role="status" id="tally">
    <div class="tally"><span><b>${number(valid)}</b> valid</span><span><b>${number(duplicates)}</b> duplicate</span>
      <span class=${bad ? "bad" : ""}><b>${number(bad)}</b> bad</span>
      <span class="dim">of ${plural(received, "row")}${header && `, columns: ${header.names.join(", ")}`}</span></div>
    ${faults.length > 0 && html`<details><summary>Which are left out, and why</summary>
      <ul class="faults">${faults.slice(0, SHOWN_FAULTS).map((f) => html`<li>line ${f.line}: <code>${f.value || "(empty)"}</code> ${f.reason}</li>`)}
      ${faults.length > SHOWN_FAULTS && html`<li class="dim">and ${number(duplicates + bad - SHOWN_FAULTS)} more</li>`}</ul></details>`}
  </div>`;
}

// onJudged(null) while it is being counted, then with what lib/csv.js found.
export function NumbersInput({ onJudged, fault }) {
  const [text, setText] = useState("");
  const [file, setFile] = useState(null);
  const [state, setState] = useState({ judged: null, busy: false, fault: null });
  const [isOver, setOver] = useState(false);
  const settled = useSettled(text, 200);
  const turn = useRef(0);
  useEffect(() => {
    const mine = ++turn.current;
    const isStale = () => turn.current !== mine;
    if (!file && settled.trim() === "") {
      setState({ judged: null, busy: false, fault: null });
      onJudged(null);
      return;
    }
    setState((s) => ({ ...s, busy: true, fault: null }));
    onJudged(null);
    (async () => {
      const judged = await judge(file ? await file.text() : settled, isStale);
      if (!judged) return;
      setState({ judged, busy: false, fault: null });
      onJudged(judged);
    })().catch(() => !isStale() && setState({ judged: null, busy: false, fault: "The file cannot be read." }));
  }, [file, settled]);
  const take = (picked) => {
    if (picked && picked.size > FILE_MAX) setState({ judged: null, busy: false, fault: "The file is larger than 256 MiB." });
    else setFile(picked || null);
  };
  const drop = (event) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files[0]);
  };
  return html`<div class=${`field drop-area`} onDragOver=${(e) => { e.preventDefault(); setOver(true); }}
      onDragLeave=${() => setOver(false)} onDrop=${drop}>
    ${!file && html`<${Field} name="targets" label="Numbers" fault=${fault || state.fault}
      hint="One per line or separated by commas, as +14155550123; or CSV with a header row: to_number, name, external_id, timezone, and any others as variables.">
      ${(tied) => html`<textarea class="mono" rows="7" name="targets" ...${tied} spellcheck="false"
        placeholder="+14155550123" value=${text} onInput=${(e) => setText(e.target.value)}></textarea>`}<//>`}
    <div class="drop ${isOver ? "over" : ""}">
      ${file ? html`<span><strong>${file.name}</strong> <span class="dim">${number(Math.ceil(file.size / 1024))} KiB</span></span>
        <button type="button" class="button small" onClick=${() => setFile(null)}>Take it out</button>`
      : html`<label for="numbers-file">Or drop a CSV file here</label>
        <input type="file" id="numbers-file" accept=".csv,.txt,text/csv,text/plain" onChange=${(e) => take(e.target.files[0])} />`}
    </div>
    ${file && state.fault && html`<p class="fault" role="alert">${state.fault}</p>`}
    ${state.busy && html`<p class="dim" role="status">Counting …</p>`}
    ${state.judged && !state.busy && html`<${Tally} judged=${state.judged} />`}
  </div>`;
}
