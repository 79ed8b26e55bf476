// A campaign's progress as it happens. The browser comes back by itself after a lost connection; where
// it gives up (an answer that is no stream, as while a gateway restarts behind a proxy) we do. A page that
// nobody looks at has no stream: a browser opens only six connections to a gateway, whatever the tabs.
import { useEffect, useState } from "./h.js";
import { useSession } from "./session.js";

const AGAIN_MS = 2000;

// state: "connecting", "live", "lost", "over"; snapshot is the newest, history what came so far.
export function useProgress(campaignId, { until } = {}) {
  const [view, setView] = useState({ state: "connecting", snapshot: null });
  const session = useSession();
  const isIn = session.state === "in";
  useEffect(() => {
    if (!isIn) return undefined;
    let source = null;
    let timer = 0;
    let last = null;
    const take = (event) => {
      last = JSON.parse(event.data);
      setView({ state: "live", snapshot: last });
    };
    const close = () => {
      clearTimeout(timer);
      if (source) source.close();
      source = null;
    };
    const open = () => {
      source = new EventSource(`/v1/campaigns/${campaignId}/stream`);
      source.addEventListener("state", take);
      source.addEventListener("progress", take);
      source.addEventListener("open", () => setView((v) => ({ ...v, state: "live" })));
      source.addEventListener("error", () => {
        const isOver = last && until && until(last);
        setView((v) => ({ ...v, state: isOver ? "over" : "lost" }));
        if (isOver) close();
        else if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, AGAIN_MS);
      });
    };
    const follow = () => {
      if (document.hidden) close();
      else if (!source && !(last && until && until(last))) open();
    };
    follow();
    document.addEventListener("visibilitychange", follow);
    return () => {
      document.removeEventListener("visibilitychange", follow);
      close();
    };
  }, [campaignId, isIn]);
  return view;
}

export const isOver = (campaign) => ["completed", "cancelled"].includes(campaign.status)
  && campaign.counts.pending === 0 && campaign.counts.scheduled === 0;
