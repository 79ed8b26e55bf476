"""Who may do what: keys, scopes, rates of keys; ids of other workspaces in paths, filters and bodies."""
import time
import unittest

import belfry
from api_case import ApiCase, Tenant, to_uuid, type_id
from api_routes import BODIES, CSV, PREFIXES, ROUTES, fill


class Access(ApiCase):
    def setUp(self):
        self.api = self.one.api

    # --- keys ----------------------------------------------------------------------------------

    def test_without_a_valid_key_every_route_is_401(self):
        ids = {prefix: type_id(prefix) for prefix in PREFIXES}
        for method, path, _ in ROUTES:
            answer = self.client("").request(method, fill(path, ids))
            self.problem(answer, 401, "unauthorized")
            self.assertEqual(answer.headers["WWW-Authenticate"], "Bearer")

    def test_keys_of_bad_form_or_unknown_are_refused(self):
        good = self.one.api.key
        other = good[:10] + ("a" if good[10] != "a" else "b") + good[11:]
        for header in ("", "Bearer", "Bearer ", "Basic " + good, good, "Bearer x", "Bearer " + other,
                       "Bearer " + good + "x", "Bearer " + good[:-1], "Bearer bf_live_" + "a" * 36):
            answer = self.client("").request("GET", "/v1/workspace",
                                             headers={"Authorization": header})
            self.problem(answer, 401, "unauthorized")
        answer = self.client("").request("GET", "/v1/workspace",
                                         headers={"Authorization": "bearer " + good})
        self.assertEqual(answer.status, 200)

    def test_revoked_and_expired_keys_stop_within_five_seconds(self):
        for column in ("revoked_at", "expires_at"):
            key = self.key(self.one.workspace)
            client = self.client(key)
            self.assertEqual(client.get("/v1/workspace")["id"], self.one.workspace)
            self.it.psql(f"UPDATE api_key SET {column} = now() WHERE last_four = '{key[-4:]}'")
            changed = asked = time.monotonic()
            while client.request("GET", "/v1/workspace").status != 401:
                self.assertLess(asked - changed, 5, column)
                asked = time.monotonic()

    def test_each_route_asks_for_its_scope_and_names_it(self):
        scopes = ("read", "write", "control", "admin", "operator")
        lacking = {s: self.client(self.key(self.one.workspace,
                                           ",".join(t for t in scopes if t != s))) for s in scopes}
        having = {s: self.client(self.key(self.one.workspace, s)) for s in scopes}
        ids = {prefix: type_id(prefix) for prefix in PREFIXES}
        for method, path, scope in ROUTES:
            body = {} if method in ("POST", "PATCH") else None
            answer = lacking[scope].request(method, fill(path, ids), body)
            self.assertEqual(self.problem(answer, 403, "missing_scope")["scope"], scope)
            answer = having[scope].request(method, fill(path, ids), body,
                                           {"Origin": self.it.env["BELFRY_URL"]})
            self.assertNotIn(answer.status, (401, 403), f"{method} {path}")
        answer = lacking["operator"].request("PATCH", "/v1/workspace", {"calls_per_minute": 5})
        self.assertEqual(self.problem(answer, 403, "missing_scope")["scope"], "operator")

    def test_a_key_over_its_rate_gets_429_and_when_to_come_back(self):
        client = self.client(self.key(self.one.workspace, rate=3))
        for left in (2, 1, 0):
            answer = client.request("GET", "/v1/workspace")
            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.headers["RateLimit-Limit"], "3")
            self.assertEqual(answer.headers["RateLimit-Remaining"], str(left))
        answer = client.request("GET", "/v1/workspace")
        self.problem(answer, 429, "rate_limited")
        self.assertEqual(answer.headers["RateLimit-Remaining"], "0")
        self.assertTrue(0 < int(answer.headers["Retry-After"]) <= 20)
        self.assertNotIn("RateLimit-Limit", self.api.request("GET", "/v1/workspace").headers)

    # --- tenants -------------------------------------------------------------------------------

    def rows_of(self, tenant):
        """A digest of all rows of a workspace, by table."""
        tables = self.it.psql("SELECT table_name FROM information_schema.columns WHERE "
                              "table_schema = 'public' AND column_name = 'workspace_id' "
                              "AND table_name IN (SELECT relname FROM pg_class WHERE relkind IN "
                              "('r', 'p')) ORDER BY 1")
        self.assertGreater(len(tables), 15)
        one = ("SELECT '{0}', count(*), md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) "
               "FROM {0} t WHERE workspace_id = '{1}'")
        return self.it.psql(" UNION ALL ".join(one.format(name, to_uuid(tenant.workspace))
                                               for name, in tables))

    def test_ids_of_another_workspace_answer_like_ids_that_do_not_exist(self):
        two = self.two
        campaign = two.campaign(targets=["+12015550111"])["id"]
        target = two.api.get(f"/v1/campaigns/{campaign}/targets")["data"][0]["id"]
        ws, tgt = to_uuid(two.workspace), to_uuid(target)
        call = self.it.value(
            "INSERT INTO scheduled_call (workspace_id, id, campaign_id, target_id, number_id, "
            "agent_id, to_number, from_number, created_at, scheduled_at, updated_at, status) "
            f"SELECT '{ws}', gen_random_uuid(), c.id, '{tgt}', c.number_id, c.agent_id, "
            "'+12015550111', '+15557000002', now(), now(), now(), 'failed' FROM campaign c "
            f"WHERE c.id = '{to_uuid(campaign)}' RETURNING id")
        endpoint = two.api.post("/v1/webhook-endpoints",
                                {"url": "https://example.com/", "events": ["*"]})["id"]
        delivery = self.it.value(
            "INSERT INTO delivery_done (workspace_id, endpoint_id, id, sequence, event_type, "
            "generation, created_at, ended_at, status, attempts) SELECT "
            f"'{ws}', '{to_uuid(endpoint)}', gen_random_uuid(), 1, 'campaign.completed', 1, now(), "
            "now(), 'delivered', 1 RETURNING id")
        theirs = {"cmp": campaign, "tgt": target, "call": type_id("call", call), "whk": endpoint,
                  "dlv": type_id("dlv", delivery),
                  "agt": two.agent, "num": two.number, "trk": two.trunk,
                  "key": two.api.get("/v1/api-keys")["data"][0]["id"],
                  "cnv": type_id("cnv", self.it.value(
                      "INSERT INTO conversation (workspace_id, id, call_id, attempt_id, status, "
                      f"started_at) VALUES ('{ws}', gen_random_uuid(), '{call}', "
                      "gen_random_uuid(), 'completed', now()) RETURNING id")),
                  "sup": two.api.post("/v1/suppressions", {"to_number": "+12015550112"})["id"]}
        theirs["imp"] = two.api.post(f"/v1/campaigns/{campaign}/imports", b"to_number\n", CSV)["id"]
        belfry.wait_until(lambda: two.api.get("/v1/imports/" + theirs["imp"])["status"]
                          == "completed", 30, "the import is over")
        unknown = {prefix: type_id(prefix) for prefix in PREFIXES}
        malformed = {prefix: prefix + "_no-id" for prefix in PREFIXES}
        before = self.rows_of(two)
        seen = 0
        for method, path, _ in ROUTES:
            if "{" not in path:
                continue
            body = BODIES.get(path) if method in ("POST", "PATCH") else None
            answers = []
            for ids in (theirs, unknown, malformed):
                answer = self.api.request(method, fill(path, ids), body,
                                          CSV if isinstance(body, bytes) else None)
                problem = self.problem(answer, 404, "not_found")
                answers.append({k: v for k, v in problem.items()
                                if k not in ("instance", "request_id")})
            self.assertEqual(answers[0], answers[1], path)
            self.assertEqual(answers[0], answers[2], path)
            seen += 1
        self.assertGreater(seen, 25)
        self.assertEqual(self.rows_of(two), before)
        # The owner finds all of them.
        for method, path, _ in ROUTES:
            if method == "GET" and "{" in path and not path.endswith("/stream"):  # it has no end
                self.assertEqual(two.api.request("GET", fill(path, theirs)).status, 200, path)

    def test_lists_show_the_own_workspace_only(self):
        three = Tenant(self, self.fresh_number())
        self.two.campaign()
        self.two.api.post("/v1/webhook-endpoints", {"url": "https://example.com/", "events": ["*"]})
        self.assertEqual(three.api.get("/v1/events?after=0")["data"], [])
        for path in ("campaigns", "scheduled-calls", "webhook-endpoints"):
            self.assertEqual(three.api.get(f"/v1/{path}"),
                             {"data": [], "next_cursor": None, "has_more": False})
        for path, own in (("agents", three.agent), ("numbers", three.number),
                          ("trunks", three.trunk)):
            self.assertEqual([x["id"] for x in three.api.get(f"/v1/{path}")["data"]], [own])
        self.assertEqual([x["last_four"] for x in three.api.get("/v1/api-keys")["data"]],
                         [three.api.key[-4:]])

    def test_filters_and_lists_of_ids_reach_no_other_workspace(self):
        theirs = self.two.campaign(targets=["+12015550151"])["id"]
        target = self.two.api.get(f"/v1/campaigns/{theirs}/targets")["data"][0]["id"]
        own = self.one.campaign(targets=["+12015550151"])["id"]
        before = self.rows_of(self.two)
        self.assertEqual(self.api.post(f"/v1/campaigns/{own}/targets/skip", {"ids": [target]}),
                         {"skipped": 0})
        self.assertEqual(self.api.get("/v1/scheduled-calls?campaign_id=" + theirs)["data"], [])
        self.problem(self.api.request("GET", f"/v1/campaigns/{own}/targets/{target}"), 404,
                     "not_found")
        self.problem(self.api.request("DELETE", f"/v1/campaigns/{own}/targets/{target}"), 404,
                     "not_found")
        self.assertEqual(self.rows_of(self.two), before)

    def test_references_to_another_workspace_in_a_body_are_refused(self):
        draft = self.one.draft()
        answer = self.api.request("POST", "/v1/campaigns", {**draft, "agent_id": self.two.agent})
        self.problem(answer, 404, "not_found", "/agent_id")
        answer = self.api.request("POST", "/v1/campaigns", {**draft, "from_number": self.two.e164})
        self.problem(answer, 403, "number_not_owned", "/from_number")
        answer = self.api.request("POST", "/v1/numbers",
                                  {"e164": self.fresh_number(), "trunk_id": self.two.trunk})
        self.problem(answer, 404, "not_found", "/trunk_id")
        answer = self.api.request("PATCH", f"/v1/numbers/{self.one.number}",
                                  {"trunk_id": self.two.trunk})
        self.problem(answer, 404, "not_found", "/trunk_id")


if __name__ == "__main__":
    unittest.main()
