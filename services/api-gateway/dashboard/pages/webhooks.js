// Webhook endpoints.
import { html, useMemo, useState } from "../lib/h.js";
import { onceKey, post } from "../lib/api.js";
import { useList } from "../lib/data.js";
import { words } from "../lib/format.js";
import { go } from "../lib/router.js";
import { may } from "../lib/session.js";
import { endpointBody, endpointFields, endpointValues } from "../parts/endpoint_form.js";
import { FormDialog } from "../parts/form_dialog.js";
import { SecretDialog } from "../parts/secret.js";
import { ListTable } from "../parts/table.js";
import { Button, Chip, Empty, Page, Panel, Time } from "../parts/ui.js";

const columns = [
  { key: "url", name: "Endpoint", cell: (e) => html`<a class="name" href="#/webhooks/${e.id}">${e.url}</a>${e.description && html`<small>${e.description}</small>`}` },
  { key: "status", name: "Status", cell: (e) => html`<${Chip} status=${e.status} />${e.disabled_reason && html`<small>${words(e.disabled_reason)}</small>`}` },
  { key: "events", name: "Events", kind: "wide", cell: (e) => (e.events.includes("*") ? "all" : e.events.join(", ")) },
  { key: "created", name: "Created", kind: "wide", cell: (e) => html`<${Time} at=${e.created_at} />` },
];

export default function Webhooks() {
  const list = useList("/v1/webhook-endpoints");
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState(null);
  const once = useMemo(onceKey, []);
  const create = may("admin") && html`<${Button} kind="primary" onClick=${() => setMaking(true)}>New endpoint<//>`;
  const send = (values) => {
    const body = endpointBody(values);
    return post("/v1/webhook-endpoints", body, once(body));
  };
  const empty = html`<${Empty} title="No webhook endpoints yet."><p>Belfry tells an endpoint of each call, conversation and campaign, signed and at least once.</p>${create}<//>`;
  return html`<${Page} title="Webhooks" actions=${create}>
    <${Panel} label="Webhook endpoints"><${ListTable} list=${list} columns=${columns} caption="Webhook endpoints" what="endpoints" empty=${empty} /><//>
    ${making && html`<${FormDialog} title="New webhook endpoint" initial=${endpointValues(null)} fields=${endpointFields} send=${send} submit="Create endpoint"
      onClose=${() => setMaking(false)} onDone=${(e) => { setMade(e); list.reload(); }} />`}
    ${made && html`<${SecretDialog} title="The endpoint's secret" secret=${made.secret} onClose=${() => { setMade(null); go(`#/webhooks/${made.id}`); }}>
      <p>With it your receiver verifies the signature of each request.</p><//>`}<//>`;
}
