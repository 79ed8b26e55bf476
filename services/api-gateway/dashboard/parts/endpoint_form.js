// Where webhooks go and which events.
import { html } from "../lib/h.js";
import { ChecksField, TextField, textOrNull } from "./form.js";

const EVENT_TYPES = ["scheduled_call.created", "scheduled_call.dispatched", "scheduled_call.failed", "scheduled_call.cancelled",
  "conversation.completed", "campaign.completed", "campaign.paused", "webhook_endpoint.disabled"];

export const endpointValues = (e) => ({ url: e ? e.url : "", description: (e && e.description) || "", events: e ? e.events : ["*"] });
export const endpointBody = (v) => ({ url: v.url.trim(), description: textOrNull(v.description), events: v.events });

export const endpointFields = (form) => html`
  <${TextField} form=${form} name="url" label="URL" placeholder="https://example.com/hooks/belfry" inputmode="url" />
  <${TextField} form=${form} name="description" label="Description" />
  <${ChecksField} form=${form} name="events" label="Events" of=${[["*", "All of them, also those to come"], ...EVENT_TYPES.map((t) => [t, t])]} />`;
