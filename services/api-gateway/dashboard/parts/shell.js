// The frame around every page: where one can go, who is signed in, light or dark.
import { html, useEffect, useState } from "../lib/h.js";
import { PLACES } from "../lib/places.js";
import { signOut, useSession } from "../lib/session.js";

const THEMES = [["", "Auto"], ["light", "Light"], ["dark", "Dark"]];

function useTheme() {
  const [theme, setTheme] = useState(localStorage.getItem("belfry.theme") || "");
  useEffect(() => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    localStorage.setItem("belfry.theme", theme);
    window.dispatchEvent(new Event("belfry-theme"));
  }, [theme]);
  return [theme, setTheme];
}

function Foot({ who }) {
  const [theme, setTheme] = useTheme();
  const [fault, setFault] = useState("");
  const leave = () => signOut().catch((error) => setFault(error.message));
  return html`<div class="side-foot">
    <p class="who"><strong>${who.workspace.name}</strong><br />
      <span title=${`The key ${who.key.prefix}…${who.key.last_four}`}>${who.key.name}</span></p>
    <label class="theme"><span>Colours</span>
      <select value=${theme} onChange=${(e) => setTheme(e.target.value)}>
        ${THEMES.map(([value, text]) => html`<option key=${value} value=${value} selected=${value === theme}>${text}</option>`)}
      </select></label>
    <button type="button" class="button small" onClick=${leave}>Sign out</button>
    ${fault && html`<p class="fault" role="alert">${fault}</p>`}
  </div>`;
}

export function Shell({ place, children }) {
  const { who } = useSession();
  const [open, setOpen] = useState(false);
  useEffect(() => setOpen(false), [place]);
  return html`<a class="skip" href="#main" onClick=${(e) => {
      e.preventDefault();
      document.getElementById("main").focus();
    }}>To the content</a>
    <div class="shell ${open ? "open" : ""}">
    <header class="side">
      <div class="brand"><a href="#/campaigns">Belfry</a>
        <button type="button" class="button small menu" aria-expanded=${open} aria-controls="places"
          onClick=${() => setOpen(!open)}>Menu</button></div>
      <div class="side-body" id="places">
        <nav aria-label="Places">${PLACES.map(([group, places]) => html`<div class="group" key=${group}>
          <p>${group}</p><ul>${places.map(([key, text]) => html`<li key=${key}>
            <a href="#/${key}" aria-current=${key === place ? "page" : undefined}
              onClick=${() => setOpen(false)}>${text}</a></li>`)}</ul></div>`)}</nav>
        <${Foot} who=${who} />
      </div>
    </header>
    <main id="main" tabindex="-1">${children}</main>
  </div>`;
}
