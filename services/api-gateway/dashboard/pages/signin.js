// The sign-in: alone at first, above the page when a session has ended, so that nothing on it is lost.
import { html, useEffect, useRef, useState } from "../lib/h.js";
import { signIn, useSession } from "../lib/session.js";
import { Field } from "../parts/form.js";
import { Dialog } from "../parts/dialog.js";

function KeyForm() {
  const [key, setKey] = useState("");
  const [state, setState] = useState({ busy: false, fault: null });
  const form = useRef(null);
  useEffect(() => {
    form.current.querySelector("input").focus();
  }, []);
  const send = async (event) => {
    event.preventDefault();
    if (!key.trim()) {
      setState({ busy: false, fault: "Enter an API key." });
      return;
    }
    setState({ busy: true, fault: null });
    try {
      await signIn(key);
    } catch (problem) {
      setState({ busy: false, fault: problem.message });
    }
  };
  return html`<form class="form" onSubmit=${send} ref=${form}>
    <${Field} label="API key" fault=${state.fault}
      hint="It is shown to Belfry once and not kept in this browser; a cookie that scripts cannot read takes its place.">
      ${(tied) => html`<input type="password" ...${tied} name="key" autocomplete="current-password" spellcheck="false"
        placeholder="bf_live_…" value=${key} onInput=${(e) => setKey(e.target.value)} />`}
    <//>
    <div class="form-foot"><button type="submit" class="button primary" aria-busy=${state.busy}>
      ${state.busy ? "Signing in …" : "Sign in"}</button></div>
  </form>`;
}

export default function SignIn({ note }) {
  const { state } = useSession();
  if (state === "ended")
    return html`<${Dialog} title="Sign in again" locked onClose=${() => {}}>
      <div class="dialog-body"><p>${note} What is on the page stays.</p><${KeyForm} /></div><//>`;
  return html`<main class="alone"><div class="card">
    <h1>Belfry</h1><p class="lead">Sign in with an API key of your workspace.</p><${KeyForm} /></div></main>`;
}
