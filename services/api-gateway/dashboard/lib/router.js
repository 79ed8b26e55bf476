// Where we are stands behind the #: one page file, any depth of links, the back button works.
import { useEffect, useState } from "./h.js";

function parse(hash) {
  const [path, search] = hash.replace(/^#\/?/, "").split("?");
  return {
    parts: path.split("/").filter(Boolean).map(decodeURIComponent),
    params: Object.fromEntries(new URLSearchParams(search || "")),
  };
}

export function href(parts, params = {}) {
  const path = parts.map(encodeURIComponent).join("/");
  const kept = Object.entries(params).filter(([, v]) => v !== "" && v !== null && v !== undefined);
  return `#/${path}${kept.length ? `?${new URLSearchParams(kept)}` : ""}`;
}

export function go(target, { replace = false } = {}) {
  if (replace) {
    history.replaceState(null, "", target);
    window.dispatchEvent(new HashChangeEvent("hashchange"));
  } else {
    location.hash = target;
  }
}

export function useRoute() {
  const [route, setRoute] = useState(() => parse(location.hash));
  useEffect(() => {
    const follow = () => setRoute(parse(location.hash));
    window.addEventListener("hashchange", follow);
    return () => window.removeEventListener("hashchange", follow);
  }, []);
  return route;
}

// A parameter of the address, and how to change it without a step in the history.
export function useParam(route, name) {
  const set = (value) => go(href(route.parts, { ...route.params, [name]: value }), { replace: true });
  return [route.params[name] || "", set];
}
