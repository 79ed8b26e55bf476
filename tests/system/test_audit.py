"""The audit trail: one line for each request that changed something, none for any other."""
import unittest

from api_case import ApiCase, Tenant, to_uuid, type_id


class Audit(ApiCase):
    def setUp(self):
        self.tenant = Tenant(self, self.fresh_number())
        self.api = self.tenant.api
        self.own_key = self.api.get("/v1/api-keys")["data"][0]["id"]
        self.seen = {line["id"] for line in self.api.pages("/v1/audit")}
        self.n_requests = 0

    def new(self):
        """The lines written since the last look, oldest first."""
        lines = [x for x in self.api.pages("/v1/audit") if x["id"] not in self.seen]
        self.seen |= {line["id"] for line in lines}
        return lines[::-1]

    def ask(self, method, path, body=None, headers=None):
        """Sends a request under a name of its own."""
        self.n_requests += 1
        name = f"audit.{self.n_requests}"
        return name, self.api.request(method, path, body, {"X-Request-Id": name, **(headers or {})})

    def leaves(self, action, subject, method, path, body=None, headers=None):
        """The request succeeds and leaves this one line; None: about what it made."""
        name, answer = self.ask(method, path, body, headers)
        self.assertLess(answer.status, 300, answer)
        lines = self.new()
        self.assertEqual(len(lines), 1, f"{method} {path}: {lines}")
        line = lines[0]
        self.assertEqual(list(line), ["id", "at", "action", "subject", "key_id", "request_id"])
        self.assertEqual((line["action"], line["subject"]), (action, subject or answer.json["id"]))
        self.assertEqual((line["key_id"], line["request_id"]), (self.own_key, name))
        return answer.json if answer.body else None

    def leaves_none(self, status, method, path, body=None, headers=None):
        _, answer = self.ask(method, path, body, headers)
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(self.new(), [], f"{method} {path}")

    # --- what leaves a line --------------------------------------------------------------------

    def test_campaigns_and_targets(self):
        draft = self.tenant.draft(targets=["+12015550101", "+12015550102", "+12015550103"])
        campaign = self.leaves("campaign.create", None, "POST", "/v1/campaigns", draft)["id"]
        path = "/v1/campaigns/" + campaign
        self.leaves("target.append", campaign, "POST", path + "/targets",
                    {"targets": ["+12015550104"]})
        target = self.api.get(path + "/targets")["data"][0]["id"]
        self.leaves("target.skip", target, "DELETE", f"{path}/targets/{target}")
        self.leaves("campaign.start", campaign, "POST", path + "/start")
        self.leaves_none(200, "POST", path + "/start")
        self.leaves("campaign.pause", campaign, "POST", path + "/pause")
        self.leaves_none(200, "POST", path + "/pause")
        self.leaves("campaign.resume", campaign, "POST", path + "/resume",
                    headers={"Idempotency-Key": "audit-resume"})
        self.leaves("target.skip", campaign, "POST", path + "/targets/skip", {"filter": {}})
        self.leaves("campaign.cancel", campaign, "POST", path + "/cancel")
        self.leaves_none(409, "POST", path + "/resume")
        self.leaves_none(409, "POST", path + "/targets", {"targets": ["+12015550105"]})
        self.leaves_none(409, "DELETE", path)
        gone = self.tenant.campaign()["id"]
        self.new()
        self.leaves_none(409, "POST", f"/v1/campaigns/{gone}/start")
        self.leaves("campaign.delete", gone, "DELETE", "/v1/campaigns/" + gone)
        self.leaves_none(404, "DELETE", "/v1/campaigns/" + gone)
        recurring = {k: v for k, v in self.tenant.draft().items() if k != "rate_limit_per_minute"}
        recurring.update(kind="recurring", to_number="+12015550106", cron="0 0 1 1 *")
        campaign = self.leaves("campaign.create", None, "POST", "/v1/campaigns", recurring)["id"]
        self.leaves("campaign.update", campaign, "PATCH", "/v1/campaigns/" + campaign, {"name": "n"})
        self.leaves_none(412, "PATCH", "/v1/campaigns/" + campaign, {"name": "m"},
                         {"If-Match": '"old"'})

    def test_calls(self):
        body = {"to_number": "+12015550110", "from_number": self.tenant.e164,
                "agent_id": self.tenant.agent, "scheduled_at": "2027-01-01T00:00:00Z"}
        headers = {"Idempotency-Key": "audit-call"}
        body["scheduled_at"] = self.it.value("SELECT to_char(now() AT TIME ZONE 'UTC' + interval "
                                             "'1 day', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")
        call = self.leaves("call.create", None, "POST", "/v1/scheduled-calls", body, headers)["id"]
        self.leaves_none(201, "POST", "/v1/scheduled-calls", body, headers)
        self.leaves("call.cancel", call, "POST", f"/v1/scheduled-calls/{call}/cancel")
        self.leaves_none(200, "POST", f"/v1/scheduled-calls/{call}/cancel")

    def test_agents_numbers_trunks(self):
        e164 = self.fresh_number()
        trunk = self.leaves("trunk.create", None, "POST", "/v1/trunks",
                            {"name": "t", "dialer": "sim"})["id"]
        number = self.leaves("number.create", None, "POST", "/v1/numbers",
                             {"e164": e164, "trunk_id": trunk})["id"]
        agent = self.leaves("agent.create", None, "POST", "/v1/agents", {"name": "a"})["id"]
        self.leaves_none(409, "POST", "/v1/numbers", {"e164": e164, "trunk_id": trunk})
        self.leaves_none(409, "DELETE", "/v1/trunks/" + trunk)
        for kind, id_, body in (("number", number, {"calls_per_minute": 5}),
                                ("trunk", trunk, {"name": "u"}), ("agent", agent, {"name": "b"})):
            path = f"/v1/{kind}s/{id_}"
            self.leaves(kind + ".update", id_, "PATCH", path, body)
            self.leaves(kind + ".delete", id_, "DELETE", path)
            self.leaves_none(404, "DELETE", path)
            self.leaves_none(404, "PATCH", path, body)

    def test_webhook_endpoints_and_deliveries(self):
        new = {"url": "https://example.com/", "events": ["*"]}
        endpoint = self.leaves("endpoint.create", None, "POST", "/v1/webhook-endpoints", new)["id"]
        path = "/v1/webhook-endpoints/" + endpoint
        self.leaves("endpoint.update", endpoint, "PATCH", path, {"description": "d"})
        self.leaves_none(200, "POST", path + "/enable", headers={"Idempotency-Key": "audit-enable"})
        self.leaves("endpoint.disable", endpoint, "POST", path + "/disable")
        self.leaves_none(409, "POST", path + "/test")
        self.leaves("endpoint.enable", endpoint, "POST", path + "/enable")
        self.leaves("endpoint.rotate_secret", endpoint, "POST", path + "/rotate-secret")
        delivery = self.it.value(
            "INSERT INTO delivery_done (workspace_id, endpoint_id, id, sequence, event_type, "
            f"generation, created_at, ended_at, status, attempts) SELECT '{to_uuid(self.tenant.workspace)}', "
            f"'{to_uuid(endpoint)}', uuid7(now(), 1), 1, 'campaign.completed', 1, now(), now(), "
            "'delivered', 1 RETURNING id")
        self.it.psql("INSERT INTO event (workspace_id, sequence, id, type, at) VALUES "
                     f"('{to_uuid(self.tenant.workspace)}', 1, uuid7(now(), 1), 'campaign.completed', "
                     "now())")
        replayed = type_id("dlv", delivery)
        self.leaves("delivery.replay", replayed, "POST", f"/v1/deliveries/{replayed}/replay")
        self.leaves_none(404, "POST", f"/v1/deliveries/{type_id('dlv')}/replay")
        self.leaves("endpoint.delete", endpoint, "DELETE", path)
        self.leaves_none(404, "DELETE", path)

    def test_workspace_and_keys(self):
        workspace = self.tenant.workspace
        self.leaves("workspace.update", workspace, "PATCH", "/v1/workspace", {"name": "n"})
        self.leaves("workspace.credit", workspace, "POST", "/v1/workspace/credit", {"add_s": 60})
        key = self.leaves("key.create", None, "POST", "/v1/api-keys",
                          {"name": "k", "scopes": ["read"]})
        self.leaves("key.revoke", key["id"], "DELETE", "/v1/api-keys/" + key["id"])
        self.leaves_none(204, "DELETE", "/v1/api-keys/" + key["id"])
        self.leaves_none(409, "DELETE", "/v1/api-keys/" + self.own_key)
        self.leaves_none(200, "POST", "/v1/schedules/preview", {"cron": "0 9 * * *"},
                         {"Idempotency-Key": "audit-preview"})

    def test_an_operators_commands_are_lines_without_a_key(self):
        self.admin("workspace", "credit", "--workspace", self.tenant.workspace, "--add-s", "5")
        line, = self.new()
        self.assertEqual((line["action"], line["key_id"], line["request_id"]),
                         ("workspace.credit", None, None))

    # --- reading it ----------------------------------------------------------------------------

    def test_filters_and_pages(self):
        other = self.api.post("/v1/api-keys", {"name": "k", "scopes": ["write", "read"]})
        client = self.client(other["key"])
        made = [client.post("/v1/agents", {"name": "a"})["id"] for _ in range(3)]
        client.patch("/v1/agents/" + made[0], {"name": "b"})

        def subjects(query):
            return [x["subject"] for x in self.api.pages("/v1/audit?" + query, limit=2)]
        self.assertEqual(subjects("key_id=" + other["id"]), made[:1] + made[::-1])
        self.assertEqual(subjects("action=agent.create&key_id=" + other["id"]), made[::-1])
        actions = [x["action"] for x in self.api.get("/v1/audit?subject=" + made[0])["data"]]
        self.assertEqual(actions, ["agent.update", "agent.create"])
        self.assertEqual(subjects("action=none"), [])
        for query, parameter in (("key_id=x", "key_id"), ("action=", "action"), ("x=1", "x")):
            self.problem(self.api.request("GET", "/v1/audit?" + query), 422, "validation_error",
                         parameter)
        cursor = self.api.get("/v1/audit?limit=1&action=agent.create")["next_cursor"]
        self.problem(self.api.request("GET", f"/v1/audit?limit=1&cursor={cursor}"), 400,
                     "cursor_mismatch")
        self.problem(client.request("GET", "/v1/audit"), 403, "missing_scope")

    def test_a_workspace_sees_its_own_lines_only(self):
        self.two.api.post("/v1/agents", {"name": "theirs"})
        own = Tenant(self, self.fresh_number())
        self.assertEqual({x["action"] for x in own.api.pages("/v1/audit")},
                         {"workspace.create", "agent.create", "trunk.create", "number.create",
                          "key.create"})
        theirs = self.two.api.get("/v1/audit?limit=1")["data"][0]
        self.assertEqual(own.api.get("/v1/audit?subject=" + theirs["subject"])["data"], [])
        self.assertEqual(own.api.get("/v1/audit?key_id=" + theirs["key_id"])["data"], [])


if __name__ == "__main__":
    unittest.main()
