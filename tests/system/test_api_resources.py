"""Agents, numbers, trunks, the workspace, webhook endpoints and their deliveries over HTTP."""
import hashlib
import unittest

import belfry
from api_case import ApiCase, Tenant, to_uuid, type_id

DELIVERY = ["id", "endpoint_id", "event_id", "event_type", "sequence", "status", "reason",
            "generation", "replayed_as", "attempts", "next_attempt_at", "last_attempt_at",
            "last_result", "last_status_code", "last_duration_ms", "last_excerpt", "created_at",
            "ended_at"]


class Resources(ApiCase):
    def setUp(self):
        self.api = self.one.api

    def create(self, path, body):
        answer = self.api.request("POST", path, body)
        self.assertEqual(answer.status, 201, answer)
        made = answer.json
        self.assertEqual(answer.headers["Location"], f"{path}/{made['id']}")
        self.assertEqual(self.api.get(f"{path}/{made['id']}"),
                         {k: v for k, v in made.items() if k != "secret"})
        return made

    def delete(self, path):
        answer = self.api.request("DELETE", path)
        self.assertEqual((answer.status, answer.body), (204, b""))
        for method in ("GET", "DELETE"):
            self.problem(self.api.request(method, path), 404, "not_found")

    # --- agents --------------------------------------------------------------------------------

    def test_an_agents_life(self):
        agent = self.create("/v1/agents", {"name": "a", "endpoint": {"sip": "sip:a@b"},
                                           "variables": {"x": [1]}})
        path = "/v1/agents/" + agent["id"]
        self.assertEqual(list(agent), ["id", "name", "endpoint", "variables", "created_at",
                                       "updated_at"])
        patched = self.api.patch(path, {"name": "b"})
        self.assertEqual((patched["name"], patched["endpoint"]), ("b", {"sip": "sip:a@b"}))
        patched = self.api.patch(path, {"endpoint": {}, "variables": None})
        self.assertEqual((patched["name"], patched["endpoint"], patched["variables"]), ("b", {}, {}))
        self.assertEqual(self.api.patch(path, {})["name"], "b")
        for body, pointers in (({"name": ""}, ["/name"]), ({"endpoint": None}, ["/endpoint"]),
                               ({"x": 1, "name": 5}, ["/x", "/name"])):
            self.problem(self.api.request("PATCH", path, body), 422, "validation_error", *pointers)
        self.problem(self.api.request("POST", "/v1/agents", {}), 422, "validation_error", "/name")
        self.delete(path)
        self.problem(self.api.request("PATCH", path, {"name": "b"}), 404, "not_found")

    def test_what_a_campaign_uses_is_not_deleted(self):
        three = Tenant(self, self.fresh_number())
        campaign = three.campaign()["id"]
        used = (f"/v1/agents/{three.agent}", f"/v1/numbers/{three.number}",
                f"/v1/trunks/{three.trunk}")
        for path in used:
            self.problem(three.api.request("DELETE", path), 409, "invalid_state_transition")
        three.api.post(f"/v1/campaigns/{campaign}/cancel")
        for path in used:
            self.assertEqual(three.api.request("DELETE", path).status, 204, path)
        # The finished campaign still shows whence it called; a new one cannot.
        self.assertEqual(three.api.get(f"/v1/campaigns/{campaign}")["from_number"], three.e164)
        answer = three.api.request("POST", "/v1/campaigns", three.draft())
        self.problem(answer, 404, "not_found", "/agent_id")

    # --- numbers -------------------------------------------------------------------------------

    def test_a_numbers_life(self):
        e164 = self.fresh_number()
        number = self.create("/v1/numbers", {"e164": e164, "trunk_id": self.one.trunk,
                                             "calls_per_minute": 5})
        path = "/v1/numbers/" + number["id"]
        self.assertEqual(list(number), ["id", "e164", "trunk_id", "calls_per_minute",
                                        "max_concurrent", "created_at", "updated_at"])
        self.assertEqual((number["calls_per_minute"], number["max_concurrent"]), (5, None))
        trunk = self.create("/v1/trunks", {"name": "other", "dialer": "sim"})["id"]
        patched = self.api.patch(path, {"calls_per_minute": None, "max_concurrent": 3,
                                        "trunk_id": trunk})
        self.assertEqual((patched["calls_per_minute"], patched["max_concurrent"],
                          patched["trunk_id"]), (None, 3, trunk))
        self.assertEqual(self.api.patch(path, {})["max_concurrent"], 3)
        answer = self.api.request("POST", "/v1/numbers", {"e164": e164, "trunk_id": trunk})
        self.problem(answer, 409, "number_taken", "/e164")
        answer = self.two.api.request("POST", "/v1/numbers",
                                      {"e164": e164, "trunk_id": self.two.trunk})
        self.problem(answer, 409, "number_taken", "/e164")
        self.problem(self.api.request("DELETE", "/v1/trunks/" + trunk), 409,
                     "invalid_state_transition")
        self.delete(path)
        self.two.api.post("/v1/numbers", {"e164": e164, "trunk_id": self.two.trunk})

    def test_bad_numbers(self):
        good = {"e164": self.fresh_number(), "trunk_id": self.one.trunk}
        for fields, code, pointer in (
                ({"e164": "5"}, "invalid_e164", "/e164"),
                ({"trunk_id": self.one.agent}, "validation_error", "/trunk_id"),
                ({"calls_per_minute": 0}, "validation_error", "/calls_per_minute"),
                ({"max_concurrent": 1000001}, "validation_error", "/max_concurrent")):
            answer = self.api.request("POST", "/v1/numbers", {**good, **fields})
            self.problem(answer, 422, code, pointer)
        self.problem(self.api.request("POST", "/v1/numbers", {}), 422, "validation_error", "/e164",
                     "/trunk_id")
        answer = self.api.request("POST", "/v1/numbers", {**good, "trunk_id": type_id("trk")})
        self.problem(answer, 404, "not_found", "/trunk_id")
        answer = self.api.request("PATCH", "/v1/numbers/" + self.one.number,
                                  {"e164": self.fresh_number()})
        self.problem(answer, 422, "validation_error", "/e164")

    # --- what the SIP dialer needs -------------------------------------------------------------

    def test_sip_settings_are_checked(self):
        good = {"host": "sip.example.com:5061", "transport": "tls", "username": "u",
                "password": "hunter3", "flow": "late_offer", "agent_start": "ringing",
                "advertise_ip": "192.0.2.1", "verify_host": "sip.example.com",
                "max_concurrent": 10, "calls_per_second": 0.5,
                "outcomes": {"480": "busy", "q850:34": "rate_limited"}}
        trunk = self.create("/v1/trunks", {"name": "t", "dialer": "sip", "settings": good})
        shown = {k: v for k, v in good.items() if k != "password"}
        self.assertEqual((trunk["settings"], trunk["has_secrets"]), (shown, True))
        for settings, pointer in (
                ({}, "/settings/host"), ({"host": "a b"}, "/settings/host"),
                ({"host": "h", "transport": "sctp"}, "/settings/transport"),
                ({"host": "h", "flow": "x"}, "/settings/flow"),
                ({"host": "h", "agent_start": "x"}, "/settings/agent_start"),
                ({"host": "h", "max_concurrent": 0}, "/settings/max_concurrent"),
                ({"host": "h", "calls_per_second": 0}, "/settings/calls_per_second"),
                ({"host": "h", "outcomes": {"200": "busy"}}, "/settings/outcomes"),
                ({"host": "h", "outcomes": {"480": "answered"}}, "/settings/outcomes"),
                ({"host": "h", "password": 'a"b'}, "/settings/password"),
                ({"host": "h", "port": 5060}, "/settings/port")):
            answer = self.api.request("POST", "/v1/trunks", {"name": "t", "dialer": "sip",
                                                             "settings": settings})
            self.problem(answer, 422, "validation_error", pointer)
        self.problem(self.api.request("POST", "/v1/trunks", {"name": "t", "dialer": "sip"}), 422,
                     "validation_error", "/settings")
        answer = self.api.request("PATCH", "/v1/trunks/" + trunk["id"],
                                  {"settings": {"host": "h", "flow": "x"}})
        self.problem(answer, 422, "validation_error", "/settings/flow")

    def test_an_agents_sip_address_is_checked(self):
        agent = self.create("/v1/agents", {"name": "a", "endpoint": {
            "sip_uri": "sip:demo@agents.example.com;transport=tls"}})
        self.assertEqual(agent["endpoint"]["sip_uri"],
                         "sip:demo@agents.example.com;transport=tls")
        for uri in ("tel:+15550100000", "sip:", "sip:a b@c", "sip:a@c\r\nX: y", 7):
            answer = self.api.request("POST", "/v1/agents", {"name": "a",
                                                             "endpoint": {"sip_uri": uri}})
            self.problem(answer, 422, "validation_error", "/endpoint/sip_uri")

    # --- trunks --------------------------------------------------------------------------------

    def test_a_trunks_secrets_are_never_shown(self):
        trunk = self.create("/v1/trunks", {"name": "t", "dialer": "twilio", "settings": {
            "host": "sip.example.com", "auth_password": "hunter2", "api_key": "k3y"}})
        path = "/v1/trunks/" + trunk["id"]
        self.assertEqual(list(trunk), ["id", "name", "dialer", "settings", "has_secrets",
                                       "state", "state_since", "state_until", "created_at", "updated_at"])
        self.assertEqual((trunk["settings"], trunk["has_secrets"]),
                         ({"host": "sip.example.com"}, True))

        def secret():
            return self.it.psql("SELECT md5(secret), position('hunter2'::bytea IN secret) "
                                f"FROM trunk WHERE id = '{to_uuid(trunk['id'])}'")[0]

        first = secret()
        self.assertEqual(first[1], "0")
        patched = self.api.patch(path, {"settings": {"port": 5060}})
        self.assertEqual((patched["settings"], patched["has_secrets"]), ({"port": 5060}, True))
        self.assertEqual(secret(), first)
        self.api.patch(path, {"settings": {"auth_password": "other"}})
        self.assertNotEqual(secret(), first)
        self.assertEqual(self.api.patch(path, {"name": "u"})["name"], "u")
        for body, pointer in (({"dialer": "sim"}, "/dialer"), ({"settings": []}, "/settings"),
                              ({"settings": {"x": "y" * 7000}}, "/settings")):
            self.problem(self.api.request("PATCH", path, body), 422, "validation_error", pointer)
        for body, pointers in (({}, ["/name", "/dialer"]),
                               ({"name": "t", "dialer": "pigeon"}, ["/dialer"])):
            self.problem(self.api.request("POST", "/v1/trunks", body), 422, "validation_error",
                         *pointers)
        self.delete(path)
        self.assertNotIn("hunter2", self.it.log("api-gateway.0"))

    # --- the workspace -------------------------------------------------------------------------

    def test_the_workspace_of_the_key(self):
        three = Tenant(self, self.fresh_number())
        workspace = three.api.get("/v1/workspace")
        self.assertEqual(list(workspace), ["id", "name", "timezone", "calls_per_minute",
                                           "max_concurrent", "requests_per_minute",
                                           "billing_increment_s", "credit_s", "created_at",
                                           "updated_at"])
        self.assertEqual(workspace["id"], three.workspace)
        patched = three.api.patch("/v1/workspace", {"name": "new", "timezone": "Europe/Berlin"})
        self.assertEqual((patched["name"], patched["timezone"]), ("new", "Europe/Berlin"))
        self.assertEqual(three.campaign()["timezone"], "Europe/Berlin")
        patched = three.api.patch("/v1/workspace", {"calls_per_minute": 10, "max_concurrent": 2,
                                                    "billing_increment_s": 60})
        self.assertEqual((patched["calls_per_minute"], patched["max_concurrent"],
                          patched["billing_increment_s"], patched["name"]), (10, 2, 60, "new"))
        self.assertIsNone(three.api.patch("/v1/workspace", {"calls_per_minute": None})
                          ["calls_per_minute"])
        self.assertEqual(three.api.get("/v1/workspace")["max_concurrent"], 2)
        for body, code, pointer in (
                ({"timezone": "Berlin"}, "invalid_timezone", "/timezone"),
                ({"timezone": None}, "validation_error", "/timezone"),
                ({"calls_per_minute": 6000001}, "validation_error", "/calls_per_minute"),
                ({"billing_increment_s": 0}, "validation_error", "/billing_increment_s"),
                ({"credit_s": 5}, "validation_error", "/credit_s")):
            self.problem(three.api.request("PATCH", "/v1/workspace", body), 422, code, pointer)
        admin = self.client(self.key(three.workspace, "read,admin"))
        self.assertEqual(admin.patch("/v1/workspace", {"name": "n"})["name"], "n")

    def test_credit_is_added_by_operators(self):
        three = Tenant(self, self.fresh_number())
        path = "/v1/workspace/credit"
        self.assertIsNone(three.api.get("/v1/workspace")["credit_s"])
        self.assertEqual(three.api.post(path, {"add_s": 90}), {"added_s": 90, "credit_s": 90})
        headers = {"Idempotency-Key": "credit"}
        first = three.api.request("POST", path, {"add_s": 10}, headers)
        again = three.api.request("POST", path, {"add_s": 10}, headers)
        self.assertEqual(first.json, {"added_s": 10, "credit_s": 100})
        self.assertEqual((again.status, again.json), (200, first.json))
        self.assertEqual(again.headers["Idempotent-Replayed"], "true")
        self.assertEqual(three.api.post(path, {"add_s": -30})["credit_s"], 70)
        self.assertEqual(three.api.get("/v1/workspace")["credit_s"], 70)
        for body, pointer in (({}, "/add_s"), ({"add_s": "5"}, "/add_s"), ({"add_s": None}, "/add_s"),
                              ({"add_s": 10 ** 12 + 1}, "/add_s"), ({"add_s": 1, "x": 1}, "/x")):
            self.problem(three.api.request("POST", path, body), 422, "validation_error", pointer)
        admin = self.client(self.key(three.workspace, "read,write,control,admin"))
        answer = admin.request("POST", path, {"add_s": 5})
        self.assertEqual(self.problem(answer, 403, "missing_scope")["scope"], "operator")

    def test_without_credit_nothing_is_started(self):
        three = Tenant(self, self.fresh_number())
        path = "/v1/campaigns/" + three.campaign(targets=["+12015550190"])["id"]
        paused = "/v1/campaigns/" + three.campaign(targets=["+12015550191"])["id"]
        three.api.post(paused + "/start")
        three.api.post(paused + "/pause")
        call = {"to_number": "+12015550192", "from_number": three.e164, "agent_id": three.agent}
        asked = (path + "/start", None), (paused + "/resume", None), ("/v1/scheduled-calls", call)
        for credit_s in (0, -5):
            now = three.api.get("/v1/workspace")["credit_s"] or 0
            three.api.post("/v1/workspace/credit", {"add_s": credit_s - now})
            for n, (where, body) in enumerate(asked):
                answer = three.api.request("POST", where, body, {"Idempotency-Key": f"credit-{n}"})
                self.problem(answer, 402, "insufficient_credit")
        self.assertEqual(three.api.get(path)["status"], "draft")
        self.assertEqual(three.api.get(paused)["status"], "paused")
        self.assertEqual(three.api.get("/v1/scheduled-calls")["data"], [])
        self.assertEqual(three.api.post(paused + "/pause")["status"], "paused")
        # Failures are not stored: the same requests, once there is credit.
        three.api.post("/v1/workspace/credit", {"add_s": 6})
        for n, (where, body) in enumerate(asked):
            answer = three.api.request("POST", where, body, {"Idempotency-Key": f"credit-{n}"})
            self.assertIn(answer.status, (200, 201), answer)
        self.assertEqual(three.api.get(path)["status"], "active")

    def test_changed_limits_are_told_on_the_control_stream(self):
        streams = self.it.redis("KEYS", "*control*").split()
        self.assertEqual(len(streams), 1, streams)

        def last():
            return self.it.redis("XREVRANGE", streams[0], "+", "-", "COUNT", "1")

        before = last()
        self.api.patch("/v1/numbers/" + self.one.number, {"calls_per_minute": 77})
        belfry.wait_until(lambda: last() != before, 5, "a message about the number")
        before = last()
        self.api.patch("/v1/workspace", {"calls_per_minute": 88})
        belfry.wait_until(lambda: last() != before, 5, "a message about the workspace")
        self.api.patch("/v1/workspace", {"calls_per_minute": None})

    # --- webhook endpoints ---------------------------------------------------------------------

    def test_a_webhook_endpoints_life(self):
        made = self.create("/v1/webhook-endpoints", {
            "url": "https://example.com/hook?x=1", "events": ["scheduled_call.failed",
                                                               "campaign.completed"],
            "description": "d"})
        self.assertEqual(list(made), ["id", "url", "description", "events", "status",
                                      "disabled_reason", "previous_secret_until", "created_at",
                                      "updated_at", "secret"])
        self.assertRegex(made["secret"], r"^whsec_[A-Za-z0-9+/]{43}=$")
        self.assertEqual(made["status"], "enabled")
        listed = self.api.get("/v1/webhook-endpoints")["data"]
        self.assertIn(made["id"], [e["id"] for e in listed])
        self.assertFalse([e for e in listed if "secret" in e])
        stored = self.it.value("SELECT position(convert_to('whsec_', 'UTF8') IN secret) "
                               f"FROM webhook_endpoint WHERE id = '{to_uuid(made['id'])}'")
        self.assertEqual(stored, "0")
        self.assertNotIn(made["secret"], self.it.log("api-gateway.0"))
        self.delete("/v1/webhook-endpoints/" + made["id"])
        answer = self.api.request("GET", f"/v1/webhook-endpoints/{made['id']}/deliveries")
        self.problem(answer, 404, "not_found")

    def test_bad_webhook_endpoints(self):
        good = {"url": "https://example.com/", "events": ["*"]}
        for url in ("", "example.com", "ftp://example.com/", "https://user:pw@example.com/",
                    "https://example.com/#x", "https://", "https://example.com:0/",
                    "https://example.com/" + "x" * 2048, "https://10.0.0.1/", "https://[::]/",
                    "https://169.254.169.254/latest", "https://[fe80::1]/", "https://0.0.0.0/"):
            answer = self.api.request("POST", "/v1/webhook-endpoints", {**good, "url": url})
            self.problem(answer, 422, "validation_error", "/url")
        for events, code, pointers in (
                (["call.made"], "unknown_event_type", ["/events/0"]),
                (["*", "x", 7], "unknown_event_type", ["/events/1", "/events/2"]),
                ([], "validation_error", ["/events"]), ("*", "validation_error", ["/events"]),
                (["*"] * 33, "validation_error", ["/events"])):
            answer = self.api.request("POST", "/v1/webhook-endpoints", {**good, "events": events})
            self.problem(answer, 422, code, *pointers)
        answer = self.api.request("POST", "/v1/webhook-endpoints", {"secret": "mine"})
        self.problem(answer, 422, "validation_error", "/url", "/events", "/secret")

    def test_deliveries_waiting_and_done(self):
        three = Tenant(self, self.fresh_number())
        endpoint = three.api.post("/v1/webhook-endpoints",
                                  {"url": "https://example.com/", "events": ["*"]})["id"]
        path = f"/v1/webhook-endpoints/{endpoint}/deliveries"
        self.assertEqual(three.api.get(path)["data"], [])
        ws = to_uuid(three.workspace)
        self.it.psql(
            "SELECT publish(array_agg(ROW('campaign.completed', "
            f"'{ws}', now(), 'bulk', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "
            "NULL, '{}')::publishable)) FROM generate_series(1, 5)")
        waiting = three.api.get(path)["data"]
        self.assertEqual([list(d) for d in waiting], [DELIVERY] * 5)
        self.assertEqual([d["sequence"] for d in waiting], [5, 4, 3, 2, 1])
        self.assertEqual({(d["status"], d["attempts"], d["last_result"]) for d in waiting},
                         {("pending", 0, None)})
        self.assertTrue(all(d["event_id"].startswith("evt_") for d in waiting))
        self.it.psql(
            "INSERT INTO delivery_done SELECT workspace_id, endpoint_id, id, sequence, event_type, 1, "
            "created_at, now(), CASE sequence WHEN 1 THEN 'delivered' ELSE 'dead_letter' END, "
            "CASE sequence WHEN 2 THEN 'exhausted' END, 3, now(), 'http_error', 500, 12, 'oops' "
            f"FROM delivery_owed WHERE workspace_id = '{ws}' AND sequence <= 2; "
            "INSERT INTO delivery SELECT workspace_id, endpoint_id, id, sequence, event_type, 1, "
            f"created_at, now(), 1 FROM delivery_owed WHERE workspace_id = '{ws}' AND sequence = 3; "
            "INSERT INTO delivery_attempt SELECT workspace_id, id, 1, now(), 'timeout', NULL, 15000, "
            f"NULL FROM delivery WHERE workspace_id = '{ws}'")
        all_of_them = list(three.api.pages(path, limit=2))
        self.assertEqual([d["status"] for d in all_of_them],
                         ["pending", "pending", "pending", "dead_letter", "delivered"])
        self.assertEqual([d["id"] for d in all_of_them], [d["id"] for d in waiting])
        self.assertEqual((all_of_them[2]["last_result"], all_of_them[2]["last_duration_ms"]),
                         ("timeout", 15000))
        dead = all_of_them[3]
        self.assertEqual((dead["reason"], dead["attempts"], dead["last_status_code"],
                          dead["last_duration_ms"], dead["last_excerpt"]),
                         ("exhausted", 3, 500, 12, "oops"))
        for status, count in (("pending", 3), ("delivered", 1), ("dead_letter", 1)):
            self.assertEqual(len(three.api.get(f"{path}?status={status}")["data"]), count)
        self.problem(three.api.request("GET", path + "?status=lost"), 422, "validation_error",
                     "status")

    # --- what is kept --------------------------------------------------------------------------

    def test_no_key_stands_anywhere_in_clear(self):
        key = self.one.api.key
        self.assertNotIn(key, self.it.log("api-gateway.0"))
        self.assertEqual(self.it.value("SELECT count(*) FROM api_key k WHERE k::text LIKE "
                                       f"'%{key[8:38]}%'"), "0")
        self.assertEqual(self.it.value(
            "SELECT count(*) FROM api_key WHERE hash = '\\x"
            f"{hashlib.sha256(key.encode()).hexdigest()}'"), "0")


if __name__ == "__main__":
    unittest.main()
