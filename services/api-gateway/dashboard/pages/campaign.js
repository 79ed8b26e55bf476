// One campaign: what it is, how far it is, what can be done about it.
import { html, useEffect } from "../lib/h.js";
import { useGet } from "../lib/data.js";
import { number, percent } from "../lib/format.js";
import { isOver, useProgress } from "../lib/stream.js";
import { Bar, Legend, done } from "../parts/bar.js";
import { Chip, Failure, Loading, Page, Panel } from "../parts/ui.js";

export default function Campaign({ id }) {
  const { data, error, reload } = useGet(`/v1/campaigns/${id}`);
  const live = useProgress(id, { until: isOver });
  const now = data && live.snapshot ? { ...data, ...live.snapshot } : data;
  useEffect(() => { if (live.snapshot) reload(); }, [live.snapshot && live.snapshot.status]);
  if (error && !data) return html`<${Page} title="Campaign"><${Failure} error=${error} retry=${reload} /><//>`;
  if (!now) return html`<${Loading} />`;
  return html`<${Page} title=${now.name}>
    <${Panel} title="Progress"><${Bar} counts=${now.counts} tall /><${Legend} counts=${now.counts} />
    <p>${percent(done(now.counts), now.counts.total)} of ${number(now.counts.total)} <${Chip} status=${now.status} /> ${live.state}</p><//><//>`;
}
