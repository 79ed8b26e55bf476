// Data of the API in a component: what was read stays on the page while it is read anew, and when that
// fails. Nothing is asked for while the page is hidden.
import { get, query } from "./api.js";
import { useCallback, useEffect, useRef, useState } from "./h.js";
import { useSession } from "./session.js";

// Reads a path, again every so many milliseconds, later where the answer takes long.
export function useGet(path, { every = 0 } = {}) {
  const [state, setState] = useState({ path: null, data: null, error: null, loading: true });
  const [turn, setTurn] = useState(0);
  const session = useSession();
  const isIn = session.state === "in";
  const reload = useCallback(() => setTurn((n) => n + 1), []);
  useEffect(() => {
    if (!path || !isIn) return undefined;
    const abort = new AbortController();
    let timer = 0;
    const read = async () => {
      if (document.hidden && every) {
        timer = setTimeout(read, every);
        return;
      }
      const began = performance.now();
      try {
        const data = await get(path, { signal: abort.signal });
        setState({ path, data, error: null, loading: false });
      } catch (error) {
        if (abort.signal.aborted) return;
        setState((s) => ({ path, data: s.path === path ? s.data : null, error, loading: false }));
      }
      if (every && !abort.signal.aborted)
        timer = setTimeout(read, Math.max(every, 10 * (performance.now() - began)));
    };
    setState((s) => (s.path === path ? s : { path, data: null, error: null, loading: true }));
    read();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [path, every, turn, isIn]);
  const fits = state.path === path;
  const put = useCallback((data) => setState((s) => ({ ...s, data })), []);
  return { data: fits ? state.data : null, error: fits ? state.error : null,
    loading: fits ? state.loading : true, reload, put };
}

// A list with its further pages. Reading it anew keeps as many rows as there were.
export function useList(path, params = {}, { limit = 50, every = 0 } = {}) {
  const first = query(path, { ...params, limit });
  const top = useGet(path ? first : null, { every });
  const [tail, setTail] = useState({ first, rows: [], cursor: null, more: false, busy: false, error: null });
  const latest = useRef(first);
  latest.current = first;
  const own = tail.first === first;
  const rest = own ? tail : { rows: [], cursor: null, more: false, busy: false, error: null };
  const began = own && tail.cursor !== null;
  const more = async () => {
    const cursor = began ? tail.cursor : top.data.next_cursor;
    setTail({ ...rest, first, cursor: began ? tail.cursor : null, busy: true, error: null });
    try {
      const page = await get(query(path, { ...params, limit, cursor }));
      if (latest.current !== first) return;
      setTail({ first, rows: [...rest.rows, ...page.data], cursor: page.next_cursor || "",
        more: page.has_more, busy: false, error: null });
    } catch (error) {
      setTail({ ...rest, first, cursor: began ? tail.cursor : null, busy: false, error });
    }
  };
  const seen = new Set();
  const rows = [...(top.data ? top.data.data : []), ...rest.rows]
    .filter((row) => !seen.has(row.id) && seen.add(row.id));
  const reload = () => {
    setTail({ first, rows: [], cursor: null, more: false, busy: false, error: null });
    top.reload();
  };
  return { rows, loading: top.loading, error: top.error || rest.error, busy: rest.busy,
    hasMore: began ? rest.more : Boolean(top.data && top.data.has_more), more, reload };
}

// Every row of a short list, such as agents, for pickers: at most 1,000. rows is null until they came.
export function useAll(path) {
  const [state, setState] = useState({ rows: null, error: null });
  const [turn, setTurn] = useState(0);
  const reload = useCallback(() => setTurn((n) => n + 1), []);
  const session = useSession();
  useEffect(() => {
    if (session.state !== "in") return undefined;
    let live = true;
    (async () => {
      const rows = [];
      try {
        for (let cursor = null, pages = 0; pages < 5; pages++) {
          const page = await get(query(path, { limit: 200, cursor }));
          rows.push(...page.data);
          if (!page.has_more) break;
          cursor = page.next_cursor;
        }
        if (live) setState({ rows, error: null });
      } catch (error) {
        if (live) setState((s) => ({ ...s, error }));
      }
    })();
    return () => { live = false; };
  }, [path, turn, session.state]);
  return { ...state, loading: !state.rows && !state.error, reload };
}

// A text that follows another one after a pause in typing.
export function useSettled(value, ms = 250) {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return settled;
}
