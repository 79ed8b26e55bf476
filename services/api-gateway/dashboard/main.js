// Begins: the sign-in, or the frame with the page that the address names. Pages are loaded when they are
// first looked at.
import { html, render, useEffect, useErrorBoundary, useState } from "./lib/h.js";
import { startKeys } from "./lib/keys.js";
import { go, useRoute } from "./lib/router.js";
import { resume, useSession } from "./lib/session.js";
import { Shell } from "./parts/shell.js";
import { KeysDialog } from "./parts/keys_dialog.js";
import { Toasts } from "./parts/toast.js";
import { Button, Loading, Notice } from "./parts/ui.js";

const PAGES = {
  campaigns: () => import("./pages/campaigns.js"),
  campaign: () => import("./pages/campaign.js"),
  new: () => import("./pages/campaign_new.js"),
  calls: () => import("./pages/calls.js"),
  conversations: () => import("./pages/conversations.js"),
  webhooks: () => import("./pages/webhooks.js"),
  webhook: () => import("./pages/webhook.js"),
  numbers: () => import("./pages/numbers.js"),
  trunks: () => import("./pages/trunks.js"),
  agents: () => import("./pages/agents.js"),
  suppressions: () => import("./pages/suppressions.js"),
  workspace: () => import("./pages/workspace.js"),
  keys: () => import("./pages/keys.js"),
  audit: () => import("./pages/audit.js"),
  system: () => import("./pages/system.js"),
};

// The page of an address, and the place in the menu that it belongs to.
function find(parts) {
  const [place = "campaigns", id, rest] = parts;
  if (place === "campaigns" && id === "new") return { page: "new", place, id: rest };
  if (place === "campaigns" && id) return { page: "campaign", place, id };
  if (place === "webhooks" && id) return { page: "webhook", place, id };
  return { page: PAGES[place] ? place : null, place, id };
}

function usePage(name) {
  const [state, setState] = useState({ name: null, view: null, failed: false });
  useEffect(() => {
    let live = true;
    if (!name) return undefined;
    PAGES[name]().then(
      (module) => live && setState({ name, view: module.default, failed: false }),
      () => live && setState({ name, view: null, failed: true }));
    return () => { live = false; };
  }, [name]);
  return state;
}

const reload = html`<${Button} kind="small" onClick=${() => location.reload()}>Reload<//>`;

function Current({ route }) {
  const found = find(route.parts);
  const { name, view: View, failed } = usePage(found.page);
  const [fault] = useErrorBoundary();
  const key = `${found.page}/${found.id || ""}`;
  useEffect(() => {
    // Where a reader of the page begins, also one who hears it.
    if (View) document.getElementById("page-title")?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [key, View]);
  if (!found.page)
    return html`<${Notice} tone="warn" title="There is no such page.">
      <a href="#/campaigns">To the campaigns</a><//>`;
  if (fault || failed)
    return html`<${Notice} tone="bad" title=${failed ? "This page could not be loaded." : "Something in this page went wrong."}
      action=${reload}>${failed ? "Belfry cannot be reached, or it was updated meanwhile." : String(fault)}<//>`;
  if (!View || name !== found.page) return html`<${Loading} />`;
  return html`<${View} key=${key} id=${found.id} route=${route} />`;
}

function SignIn({ note }) {
  const [state, setState] = useState({ view: null });
  useEffect(() => {
    import("./pages/signin.js").then((m) => setState({ view: m.default }));
  }, []);
  return state.view && html`<${state.view} note=${note} />`;
}

function App() {
  const session = useSession();
  const route = useRoute();
  const [isShowingKeys, showKeys] = useState(false);
  useEffect(() => {
    startKeys(() => showKeys(true));
    resume();
  }, []);
  if (session.state === "out") return html`<${SignIn} />`;
  if (session.state === "asking")
    return session.problem
      ? html`<div class="alone"><${Notice} tone="bad" action=${reload}>${session.problem.message}<//></div>`
      : html`<div class="alone"><${Loading} what="Signing in" /></div>`;
  const found = find(route.parts);
  return html`<${Shell} place=${found.place}>
      <${Current} key=${`${found.page}/${found.id || ""}`} route=${route} /><//>
    ${session.state === "ended" && html`<${SignIn} note=${session.problem.message} />`}
    ${isShowingKeys && html`<${KeysDialog} onClose=${() => showKeys(false)} />`}
    <${Toasts} />`;
}

if (!location.hash) go("#/campaigns", { replace: true });
render(html`<${App} />`, document.getElementById("app"));
