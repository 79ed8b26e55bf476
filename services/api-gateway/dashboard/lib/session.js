// Who is signed in. The key itself is shown to the API once and kept nowhere; the cookie is out of reach
// for scripts. What is kept is a hint that there may be a session, so that the first visit asks nothing.
import { del, get, request, setToken, whenEnded } from "./api.js";
import { useEffect, useState } from "./h.js";

const HINT = "belfry.session";
const listeners = new Set();
// state: "out" (never was), "asking", "in", "ended" (was in: the page stays below the sign-in)
let current = { state: localStorage.getItem(HINT) ? "asking" : "out", who: null, problem: null };

function set(next) {
  current = { ...current, ...next };
  if (current.state === "in") localStorage.setItem(HINT, "1");
  if (current.state === "out" || current.state === "ended") localStorage.removeItem(HINT);
  for (const fn of listeners) fn(current);
}

function enter(who) {
  setToken(who.token);
  set({ state: "in", who, problem: null });
}

whenEnded((problem) => {
  if (current.state === "in") set({ state: "ended", problem });
});

export async function resume() {
  if (current.state !== "asking") return;
  try {
    enter(await get("/v1/session"));
  } catch (problem) {
    if (problem.status === 401) set({ state: "out", problem: null });
    else set({ problem });
  }
}

export async function signIn(key) {
  const before = current.who;
  const who = await request("POST", "/v1/session", { headers: { Authorization: `Bearer ${key.trim()}` } });
  if (before && before.workspace.id !== who.workspace.id) {
    // What is on the page below is another workspace's.
    localStorage.setItem(HINT, "1");
    location.reload();
    return;
  }
  enter(who);
}

export async function signOut() {
  await del("/v1/session");
  setToken(null);
  localStorage.removeItem(HINT);
  location.hash = "";
  location.reload();
}

export function useSession() {
  const [state, setState] = useState(current);
  useEffect(() => {
    listeners.add(setState);
    setState(current);
    return () => listeners.delete(setState);
  }, []);
  return state;
}

export const may = (scope) => Boolean(current.who && current.who.key.scopes.includes(scope));
export const workspaceZone = () => (current.who ? current.who.workspace.timezone : "UTC");
