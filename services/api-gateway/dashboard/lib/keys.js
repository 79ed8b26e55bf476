// Keys for those who work with them: g and a letter goes to a place, / to the search, ? shows them.
import { PLACES } from "./places.js";
import { go } from "./router.js";

const CHORD_MS = 1200;

function isTyping(event) {
  const { target } = event;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

// show() is called for the key ?.
export function startKeys(show) {
  let chordAt = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    if (document.querySelector("dialog[open]")) return;
    if (performance.now() - chordAt < CHORD_MS) {
      chordAt = 0;
      for (const [, places] of PLACES)
        for (const [key, , letter] of places) if (letter === event.key) go(`#/${key}`);
      return;
    }
    if (event.key === "g") chordAt = performance.now();
    if (event.key === "?") show();
    if (event.key === "/") {
      const search = document.querySelector("input[type=search]");
      if (search) {
        event.preventDefault();
        search.focus();
      }
    }
    if (event.key === "n" && location.hash.startsWith("#/campaigns")) go("#/campaigns/new");
  });
}
