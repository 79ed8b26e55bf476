// API keys: who may ask for what.
import { html, useMemo, useState } from "../lib/h.js";
import { onceKey, post } from "../lib/api.js";
import { useList } from "../lib/data.js";
import { number } from "../lib/format.js";
import { useParam } from "../lib/router.js";
import { may, useSession } from "../lib/session.js";
import { ChecksField, NumberField, TextField, numberOrNull, textOrNull } from "../parts/form.js";
import { FormDialog } from "../parts/form_dialog.js";
import { RemoveButton } from "../parts/remove_button.js";
import { SecretDialog } from "../parts/secret.js";
import { ListTable } from "../parts/table.js";
import { Button, Chip, Choices, Empty, Notice, Page, Panel, Time } from "../parts/ui.js";

const SCOPES = [["read", "read: look at everything"], ["write", "write: campaigns, targets, agents, suppressions"],
  ["control", "control: start, pause, cancel, skip, make calls"], ["admin", "admin: numbers, trunks, webhooks, keys"], ["operator", "operator: limits, credit, the system"]];

const fields = (f) => html`<${TextField} form=${f} name="name" label="Name" hint="Who or what will use it." />
  <${ChecksField} form=${f} name="scopes" label="Scopes" of=${SCOPES} />
  <div class="pair"><${NumberField} form=${f} name="rate_per_minute" label="Requests a minute" hint="Empty: no limit." min="1" />
  <${TextField} form=${f} name="expires_at" label="Expires at" placeholder="2027-12-31T00:00:00Z" hint="Empty: never." /></div>`;

export default function Keys({ route }) {
  const { who } = useSession();
  const [status, setStatus] = useParam(route, "status");
  const list = useList(may("admin") ? "/v1/api-keys" : null, { status });
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState(null);
  const once = useMemo(onceKey, []);
  if (!may("admin"))
    return html`<${Page} title="API keys"><${Notice}>To see the keys, sign in with one that has the scope admin.<//><//>`;
  const send = (v) => {
    const body = { name: v.name.trim(), scopes: v.scopes, rate_per_minute: numberOrNull(v.rate_per_minute), expires_at: textOrNull(v.expires_at) };
    return post("/v1/api-keys", body, once(body));
  };
  const columns = [
    { key: "name", name: "Key", cell: (k) => html`<strong>${k.name}</strong>${k.id === who.key.id && html` <span class="chip done">yours</span>`}<small><code>${k.prefix}…${k.last_four}</code></small>` },
    { key: "status", name: "Status", cell: (k) => html`<${Chip} status=${k.status} />` },
    { key: "scopes", name: "Scopes", kind: "wide", cell: (k) => k.scopes.join(", ") },
    { key: "rate", name: "A minute", kind: "num wide", cell: (k) => (k.rate_per_minute === null ? "no limit" : number(k.rate_per_minute)) },
    { key: "expires", name: "Expires", kind: "wide", cell: (k) => html`<${Time} at=${k.expires_at} missing="never" />` },
    { key: "do", name: "Actions", kind: "acts", cell: (k) => k.status === "active" && html`<${RemoveButton} path=${`/v1/api-keys/${k.id}`} name=${k.name} text="Revoke" said="revoked"
      what=${`It is refused everywhere within 5 seconds, and its sessions end.${k.id === who.key.id ? " It is the key that you signed in with." : ""}`} onDone=${list.reload} />` },
  ];
  return html`<${Page} title="API keys" actions=${html`<${Button} kind="primary" onClick=${() => setMaking(true)}>New key<//>`}><${Panel} label="API keys">
    <div class="toolbar"><${Choices} label="Status" value=${status} onChange=${setStatus}
      of=${[["", "All"], ["active", "Active"], ["expired", "Expired"], ["revoked", "Revoked"]]} /></div>
    <${ListTable} list=${list} columns=${columns} caption="API keys" what="keys" empty=${html`<${Empty} title="No key fits.">Choose another status.<//>`} /><//>
    ${making && html`<${FormDialog} title="New API key" initial=${{ name: "", scopes: ["read"], rate_per_minute: "600", expires_at: "" }} fields=${fields} send=${send}
      submit="Make the key" onClose=${() => setMaking(false)} onDone=${(k) => { setMade(k); list.reload(); }} />`}
    ${made && html`<${SecretDialog} title=${`The key ${made.name}`} secret=${made.key} onClose=${() => setMade(null)} />`}<//>`;
}
