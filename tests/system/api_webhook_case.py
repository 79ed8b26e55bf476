"""What the tests of webhooks over HTTP share: a tenant with a receiver, and events without calls."""
import time

import belfry
from api_case import ApiCase, Tenant, to_uuid

DELIVERY = ["id", "endpoint_id", "event_id", "event_type", "sequence", "status", "reason",
            "generation", "replayed_as", "attempts", "next_attempt_at", "last_attempt_at",
            "last_result", "last_status_code", "last_duration_ms", "last_excerpt", "created_at",
            "ended_at"]


class WebhookCase(ApiCase):
    frozen = False
    options = {"dispatchers": 1, "schedulers": 1, "settings": {
        "WEBHOOK_SCHEDULE": "0,0.2,0.2,0.2,0.2,0.2", "EVENT_RETENTION_S": 3600, "PARTITION_S": 600}}

    def setUp(self):
        self.tenant = Tenant(self, self.fresh_number())
        self.api = self.tenant.api
        self.ws = to_uuid(self.tenant.workspace)
        self.status = 200
        self.receiver = belfry.Receiver(lambda hook: self.status)
        self.addCleanup(self.receiver.close)

    def endpoint(self, path="/hook", events=("*",), url=None):
        made = self.api.post("/v1/webhook-endpoints", {"url": url or self.receiver.url(path),
                                                       "events": list(events)})
        self.receiver.secrets[path] = made["secret"]
        return made

    @staticmethod
    def path(endpoint, *parts):
        return "/".join(["/v1/webhook-endpoints/" + endpoint["id"], *parts])

    def publish(self, count=1, kind="campaign.completed", then=""):
        """Events in one transaction with whatever `then` does to them."""
        self.it.psql(
            f"SELECT publish(array_agg(ROW('{kind}', '{self.ws}', now(), 'bulk', NULL, NULL, NULL, "
            "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{\"n\":' || i || '}')::publishable "
            f"ORDER BY i)) FROM generate_series(1, {count}) i; {then}")

    def dead(self, count=1, kind="campaign.completed"):
        """Events whose deliveries are dead letters before any sender sees them."""
        self.publish(count, kind, f"""
            INSERT INTO delivery_done (workspace_id, endpoint_id, id, sequence, event_type,
                generation, created_at, ended_at, status, reason, attempts, result)
            SELECT workspace_id, endpoint_id, id, sequence, event_type, 1, created_at, now(),
                'dead_letter', 'attempts_exhausted', 6, 'http_error' FROM delivery_owed
            WHERE workspace_id = '{self.ws}';
            DELETE FROM delivery_range WHERE workspace_id = '{self.ws}'""")

    def wait_hooks(self, count, deadline_s=20):
        belfry.wait_until(lambda: len(self.receiver.hooks) >= count, deadline_s,
                          lambda: f"{count} requests; there were {len(self.receiver.hooks)}")

    def wait_log(self, endpoint, status, count, deadline_s=20):
        path = self.path(endpoint, "deliveries") + "?status=" + status
        return belfry.wait_until(lambda: (lambda d: d if len(d) >= count else None)(
            list(self.api.pages(path))), deadline_s, f"{count} deliveries {status}")

    def same(self, path, body=None):
        """A POST sent twice under one key has one answer."""
        headers = {"Idempotency-Key": f"k-{path}-{time.monotonic_ns()}"}
        first = self.api.request("POST", path, body, headers)
        second = self.api.request("POST", path, body, headers)
        self.assertNotIn("Idempotent-Replayed", first.headers)
        self.assertEqual(second.headers["Idempotent-Replayed"], "true")
        self.assertEqual((second.status, second.json), (first.status, first.json))
        return first

    def gated(self, *events):
        """An endpoint that nothing is sent to."""
        end = self.endpoint(events=events or ("*",))
        self.it.psql("UPDATE webhook_endpoint SET gate_until = now() + interval '1 hour' WHERE id = "
                     f"'{to_uuid(end['id'])}'")
        return end
