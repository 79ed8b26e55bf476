// One webhook endpoint: test it, change it, rotate its secret, see what was sent.
import { html, useState } from "../lib/h.js";
import { del, patch, post } from "../lib/api.js";
import { useGet } from "../lib/data.js";
import { millis, words } from "../lib/format.js";
import { go } from "../lib/router.js";
import { may } from "../lib/session.js";
import { Deliveries } from "../parts/deliveries.js";
import { AskButton } from "../parts/dialog.js";
import { endpointBody, endpointFields, endpointValues } from "../parts/endpoint_form.js";
import { FormDialog } from "../parts/form_dialog.js";
import { SecretDialog } from "../parts/secret.js";
import { tell } from "../parts/toast.js";
import { Button, Chip, Code, Facts, Failure, Loading, Notice, Page, Panel, Time } from "../parts/ui.js";

const BACK = { href: "#/webhooks", text: "Webhooks" };
const DAY_S = 86400;

function TestResult({ of: d }) {
  if (!d) return null;
  if (d.status === "delivered")
    return html`<${Notice} tone="good" title="The test arrived.">It answered ${d.last_status_code} after ${millis(d.last_duration_ms)}.<//>`;
  if (d.status === "pending") return html`<${Notice} tone="warn" title="No answer yet.">The test still waits; see the deliveries.<//>`;
  return html`<${Notice} tone="bad" title="The test did not arrive.">${words(d.last_result)}${d.last_status_code ? ` ${d.last_status_code}` : ""}
    ${d.last_excerpt && html`: <code>${d.last_excerpt.slice(0, 200)}</code>`}<//>`;
}

function Actions({ endpoint, put, onSecret, onEdit, onTest }) {
  const path = `/v1/webhook-endpoints/${endpoint.id}`;
  const isOn = endpoint.status === "enabled";
  const toggle = async (verb) => {
    put(await post(`${path}/${verb}`));
    tell(verb === "enable" ? "It is enabled." : "It is disabled.");
  };
  const rotate = async () => {
    const now = await post(`${path}/rotate-secret`, { overlap_s: DAY_S });
    put(now);
    onSecret(now.secret);
  };
  const remove = async () => {
    await del(path);
    tell("The endpoint is deleted.");
    go("#/webhooks");
  };
  return html`${isOn && html`<${Button} kind="primary" onClick=${onTest.run} busy=${onTest.busy}>${onTest.busy ? "Sending …" : "Send a test"}<//>`}
    <${Button} onClick=${onEdit}>Change<//>
    <${AskButton} text="Rotate secret" title="Make a new secret?" what=${html`<p>For a day each request is signed by both, the new one and the one before.
      It is shown once.</p>`} onConfirm=${rotate} />
    ${isOn ? html`<${AskButton} text="Disable" title="Disable this endpoint?" what=${html`<p>Nothing more is sent to it. What waits becomes dead letters,
        which can be replayed once it is enabled.</p>`} onConfirm=${() => toggle("disable")} />`
      : html`<${AskButton} text="Enable" kind="primary" title="Enable this endpoint?" what=${html`<p>Its failures of before are forgotten.
        Events of the time in between were not queued for it.</p>`} onConfirm=${() => toggle("enable")} />`}
    <${AskButton} text="Delete" kind="danger" tone="danger" title="Delete this endpoint?" what=${html`<p>What waits for it becomes dead letters.</p>`} onConfirm=${remove} />`;
}

export default function Webhook({ id, route }) {
  const path = `/v1/webhook-endpoints/${id}`;
  const { data: endpoint, error, reload, put } = useGet(path);
  const [secret, setSecret] = useState(null);
  const [editing, setEditing] = useState(false);
  const [test, setTest] = useState({ busy: false, result: null, error: null });
  if (error && !endpoint) return html`<${Page} title="Webhook endpoint" back=${BACK}><${Failure} error=${error} retry=${reload} /><//>`;
  if (!endpoint) return html`<${Loading} />`;
  const run = async () => {
    setTest({ busy: true, result: null, error: null });
    try {
      setTest({ busy: false, result: await post(`${path}/test`), error: null });
    } catch (problem) {
      setTest({ busy: false, result: null, error: problem });
    }
  };
  const actions = may("admin") && html`<${Actions} endpoint=${endpoint} put=${put} onSecret=${setSecret} onEdit=${() => setEditing(true)}
    onTest=${{ run, busy: test.busy }} />`;
  return html`<${Page} title=${endpoint.url} lead=${endpoint.description} back=${BACK} actions=${actions}>
    <${Failure} error=${test.error} /><${TestResult} of=${test.result} />
    <${Panel} label="Endpoint"><${Facts} of=${[["Status", html`<${Chip} status=${endpoint.status} /> ${endpoint.disabled_reason ? words(endpoint.disabled_reason) : ""}`],
      ["Events", endpoint.events.includes("*") ? "all" : endpoint.events.join(", ")],
      endpoint.previous_secret_until && ["The former secret signs until", html`<${Time} at=${endpoint.previous_secret_until} />`],
      ["Created", html`<${Time} at=${endpoint.created_at} />`], ["Id", html`<${Code}>${endpoint.id}<//>`]]} /><//>
    <${Deliveries} endpoint=${endpoint} route=${route} />
    ${editing && html`<${FormDialog} title="Change the endpoint" initial=${endpointValues(endpoint)} fields=${endpointFields}
      send=${(v) => patch(path, endpointBody(v))} onClose=${() => setEditing(false)} onDone=${put} />`}
    ${secret && html`<${SecretDialog} title="The new secret" secret=${secret} onClose=${() => setSecret(null)} />`}<//>`;
}
