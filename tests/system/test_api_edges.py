"""The way into the API: keys, scopes, rates, bodies, methods, ids of others, idempotency, cursors,
and what it says while Postgres is away."""
import binascii
import http.client
import socket
import string
import threading
import time
import unittest

import belfry
import contract
from api_case import ApiCase, Session, Tenant, to_uuid, type_id

# Every route with a key: method, path, scope. {x} are ids, filled in by the tests.
ROUTES = [
    ("POST", "/v1/campaigns", "write"), ("GET", "/v1/campaigns", "read"),
    ("GET", "/v1/campaigns/{cmp}", "read"), ("PATCH", "/v1/campaigns/{cmp}", "write"),
    ("DELETE", "/v1/campaigns/{cmp}", "write"), ("POST", "/v1/campaigns/{cmp}/start", "control"),
    ("POST", "/v1/campaigns/{cmp}/pause", "control"),
    ("POST", "/v1/campaigns/{cmp}/resume", "control"),
    ("POST", "/v1/campaigns/{cmp}/cancel", "control"), ("GET", "/v1/campaigns/{cmp}/stats", "read"),
    ("GET", "/v1/campaigns/{cmp}/calls", "read"), ("POST", "/v1/schedules/preview", "read"),
    ("POST", "/v1/campaigns/{cmp}/targets", "write"),
    ("GET", "/v1/campaigns/{cmp}/targets", "read"),
    ("POST", "/v1/campaigns/{cmp}/targets/skip", "control"),
    ("GET", "/v1/campaigns/{cmp}/targets/{tgt}", "read"),
    ("DELETE", "/v1/campaigns/{cmp}/targets/{tgt}", "control"),
    ("GET", "/v1/campaigns/{cmp}/stream", "read"), ("GET", "/v1/campaigns/{cmp}/pace", "read"),
    ("GET", "/v1/campaigns/{cmp}/export.csv", "read"),
    ("POST", "/v1/campaigns/{cmp}/imports", "write"),
    ("GET", "/v1/campaigns/{cmp}/imports", "read"), ("GET", "/v1/imports/{imp}", "read"),
    ("GET", "/v1/imports/{imp}/errors.csv", "read"),
    ("GET", "/v1/scheduled-calls", "read"), ("GET", "/v1/scheduled-calls/{call}", "read"),
    ("POST", "/v1/scheduled-calls", "control"),
    ("POST", "/v1/scheduled-calls/{call}/cancel", "control"),
    ("POST", "/v1/webhook-endpoints", "admin"), ("GET", "/v1/webhook-endpoints", "read"),
    ("GET", "/v1/webhook-endpoints/{whk}", "read"),
    ("DELETE", "/v1/webhook-endpoints/{whk}", "admin"),
    ("PATCH", "/v1/webhook-endpoints/{whk}", "admin"),
    ("POST", "/v1/webhook-endpoints/{whk}/enable", "admin"),
    ("POST", "/v1/webhook-endpoints/{whk}/disable", "admin"),
    ("POST", "/v1/webhook-endpoints/{whk}/rotate-secret", "admin"),
    ("POST", "/v1/webhook-endpoints/{whk}/test", "admin"),
    ("POST", "/v1/webhook-endpoints/{whk}/replay", "admin"),
    ("GET", "/v1/webhook-endpoints/{whk}/deliveries", "read"),
    ("GET", "/v1/deliveries/{dlv}", "read"), ("POST", "/v1/deliveries/{dlv}/replay", "admin"),
    ("GET", "/v1/events", "read"),
    ("POST", "/v1/agents", "write"), ("GET", "/v1/agents", "read"),
    ("GET", "/v1/agents/{agt}", "read"), ("PATCH", "/v1/agents/{agt}", "write"),
    ("DELETE", "/v1/agents/{agt}", "write"),
    ("POST", "/v1/numbers", "admin"), ("GET", "/v1/numbers", "read"),
    ("GET", "/v1/numbers/{num}", "read"), ("PATCH", "/v1/numbers/{num}", "admin"),
    ("DELETE", "/v1/numbers/{num}", "admin"),
    ("POST", "/v1/trunks", "admin"), ("GET", "/v1/trunks", "read"),
    ("GET", "/v1/trunks/{trk}", "read"), ("PATCH", "/v1/trunks/{trk}", "admin"),
    ("DELETE", "/v1/trunks/{trk}", "admin"), ("POST", "/v1/trunks/{trk}/test", "admin"),
    ("GET", "/v1/workspace", "read"), ("PATCH", "/v1/workspace", "admin"),
    ("POST", "/v1/workspace/credit", "operator"),
    ("POST", "/v1/api-keys", "admin"), ("GET", "/v1/api-keys", "admin"),
    ("GET", "/v1/api-keys/{key}", "admin"), ("DELETE", "/v1/api-keys/{key}", "admin"),
    ("GET", "/v1/audit", "admin"), ("GET", "/v1/system", "operator"),
    ("POST", "/v1/session", "read"), ("GET", "/v1/session", "read"), ("DELETE", "/v1/session", "read"),
    ("GET", "/v1/conversations", "read"), ("GET", "/v1/conversations/{cnv}", "read"),
    ("POST", "/v1/conversations/{cnv}/hangup", "control"),
    ("POST", "/v1/suppressions", "write"), ("GET", "/v1/suppressions", "read"),
    ("POST", "/v1/suppressions/import", "write"), ("GET", "/v1/suppressions/check", "read"),
    ("GET", "/v1/suppressions/{sup}", "read"), ("DELETE", "/v1/suppressions/{sup}", "write"),
]
PREFIXES = ("cmp", "tgt", "call", "whk", "dlv", "agt", "num", "trk", "key", "cnv", "sup",
            "imp")
# A body that passes the form of each route that takes one.
BODIES = {
    "/v1/campaigns/{cmp}": {"name": "x"}, "/v1/campaigns/{cmp}/targets": {"targets": []},
    "/v1/campaigns/{cmp}/targets/skip": {"ids": []}, "/v1/agents/{agt}": {"name": "x"},
    "/v1/numbers/{num}": {"calls_per_minute": 5}, "/v1/trunks/{trk}": {"name": "x"},
    "/v1/webhook-endpoints/{whk}": {"description": "x"},
    "/v1/webhook-endpoints/{whk}/replay": {"since": "2026-01-01T00:00:00Z"},
}


CSV = {"Content-Type": "text/csv"}
BODIES["/v1/campaigns/{cmp}/imports"] = b"to_number\n"


def fill(path, ids):
    for prefix in PREFIXES:
        path = path.replace("{%s}" % prefix, ids[prefix])
    return path


class Edges(ApiCase):
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
            belfry.wait_until(lambda c=client: c.request("GET", "/v1/workspace").status == 401,
                              5.0, column)

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

    # --- methods, paths, bodies ----------------------------------------------------------------

    def test_unknown_paths_and_methods(self):
        for path in ("/index.html", "/v1", "/v1/", "/v1/campaign", "/v1/campaigns/", "/v2/campaigns",
                     "/v1/campaigns/" + type_id("cmp") + "/nothing"):
            self.problem(self.api.request("GET", path), 404, "not_found")
        by_path = {}
        ids = {prefix: type_id(prefix) for prefix in PREFIXES}
        for method, path, _ in ROUTES:
            by_path.setdefault(path, set()).add(method)
        for path, methods in by_path.items():
            allowed = methods | ({"HEAD"} if "GET" in methods else set())
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} - allowed:
                answer = self.api.request(method, fill(path, ids))
                self.problem(answer, 405, "method_not_allowed")
                self.assertEqual(set(answer.headers["Allow"].split(", ")), allowed)

    def test_head_answers_like_get_without_a_body(self):
        answer = self.api.request("HEAD", "/v1/workspace")
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(answer.headers["Content-Length"],
                         self.api.request("GET", "/v1/workspace").headers["Content-Length"])

    def test_bodies_that_are_no_good_json(self):
        json_type = {"Content-Type": "application/json"}
        cases = [
            (b"", 400, "malformed_json"), (b"{", 400, "malformed_json"),
            (b'{"name":"a"} x', 400, "malformed_json"), (b"{'name':'a'}", 400, "malformed_json"),
            (b'{"name":"a","name":"b"}', 400, "malformed_json"),
            (b'{"name":"\xff"}', 400, "malformed_json"), (b'{"name":01}', 400, "malformed_json"),
            (b'{"name":NaN}', 400, "malformed_json"),
            (b'{"variables":' + b"[" * 40 + b"]" * 40 + b"}", 400, "malformed_json"),
            (b'{"name":"a\\u0000b"}', 422, "validation_error"),
            (b"[]", 422, "validation_error"), (b'"x"', 422, "validation_error"),
            (b"null", 422, "validation_error"), (b'{"nme":"a"}', 422, "validation_error"),
            (b'{"name":7}', 422, "validation_error"), (b'{"name":""}', 422, "validation_error"),
            (b'{"name":null}', 422, "validation_error"),
        ]
        for body, status, code in cases:
            answer = self.api.request("POST", "/v1/agents", body, json_type)
            self.problem(answer, status, code)
        for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx",
                             "text/json"):
            answer = self.api.request("POST", "/v1/agents", b'{"name":"a"}',
                                      {"Content-Type": content_type})
            self.problem(answer, 415, "unsupported_media_type")
        self.problem(self.api.request("POST", "/v1/agents", b'{"name":"a"}'), 415,
                     "unsupported_media_type")
        for content_type in ("application/json; charset=utf-8", "Application/JSON"):
            answer = self.api.request("POST", "/v1/agents", b'{"name":"a"}',
                                      {"Content-Type": content_type})
            self.assertEqual(answer.status, 201)

    def test_actions_take_no_body_or_an_empty_object(self):
        campaign = self.one.campaign(targets=["+12015550112"])["id"]
        answer = self.api.request("POST", f"/v1/campaigns/{campaign}/start", {"now": True})
        self.problem(answer, 422, "validation_error", "/now")
        self.assertEqual(self.api.post(f"/v1/campaigns/{campaign}/start", {})["status"], "active")

    def test_a_body_over_eight_mebibytes_is_413(self):
        host, port = self.api.host, self.api.port
        json_type = {"Content-Type": "application/json"}
        for headers, body in (({"Content-Length": str(8 * 1024 * 1024 + 1)}, b""),
                              ({"Transfer-Encoding": "chunked"}, None)):
            connection = http.client.HTTPConnection(host, port, timeout=30)
            connection.putrequest("POST", "/v1/agents")
            connection.putheader("Authorization", "Bearer " + self.api.key)
            connection.putheader("Content-Type", "application/json")
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            try:
                for _ in range(0 if body is not None else 140):
                    connection.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            except OSError:
                pass  # it has answered and closed
            answer = connection.getresponse()
            answer = self.api.check("POST", "/v1/agents", b"{}", json_type, belfry.Answer(
                answer.status, answer.headers, answer.read()))
            self.problem(answer, 413, "payload_too_large")
            connection.close()

    def test_every_answer_carries_a_request_id(self):
        answer = self.api.request("GET", "/v1/workspace", headers={"X-Request-Id": "my.id-1"})
        self.assertEqual(answer.headers["X-Request-Id"], "my.id-1")
        self.assertIn("request_id=my.id-1", self.it.log("api-gateway.0"))
        for bad in ("", "with blank", "quote\"", "x" * 65):
            answer = self.api.request("GET", "/v1/workspace", headers={"X-Request-Id": bad})
            self.assertRegex(answer.headers["X-Request-Id"], r"^[0-9a-f-]{36}$")

    def raw(self, *parts):
        """What comes back for bytes on a connection of their own, until its end: an Answer."""
        with socket.create_connection((self.api.host, self.api.port), timeout=30) as connection:
            for part in parts:
                connection.sendall(part)
            got = b""
            while (more := connection.recv(65536)):
                got += more
        return contract.raw(parts[0], got, belfry.Answer)

    def test_violations_of_framing_and_limits_are_problems_with_a_request_id(self):
        head = b"GET /v1/workspace HTTP/1.1\r\nHost: x\r\n"
        post = b"POST /v1/agents HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine-1\r\n"
        for status, code, sent in (
                (400, "malformed_request", b"GET /v1/workspace\r\n\r\n"),
                (400, "malformed_request", b"GET /v1/workspace HTTP/1.1\r\n\r\n"),
                (400, "malformed_request", head + b"Host: y\r\n\r\n"),
                (400, "malformed_request", head + b"X y: z\r\n\r\n"),
                (400, "malformed_request", head + b"X-Request-Id: a\nb\r\n\r\n"),
                (400, "malformed_request", post + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
                (400, "malformed_request",
                 post + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
                (400, "malformed_request", post + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n"),
                (400, "malformed_request", b"GET /v1/../x HTTP/1.1\r\nHost: x\r\n\r\n"),
                (413, "payload_too_large", post + b"Content-Length: 999999999999\r\n\r\n"),
                (431, "headers_too_large", head + b"X: " + b"x" * 20000 + b"\r\n\r\n"),
                (408, "request_timeout", head),  # and no more, for ten seconds
                (501, "not_implemented", b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n")):
            answer = self.raw(sent)
            problem = self.problem(answer, status, code)
            self.assertRegex(problem["request_id"], r"\A(mine-1|[0-9a-f-]{36})\Z")
            self.assertEqual(answer.headers["Connection"], "close")
        # Where the header was read, the caller's own name for it holds.
        answer = self.raw(post + b"Content-Length: 999999999999\r\n\r\n")
        self.assertEqual(answer.headers["X-Request-Id"], "mine-1")
        log = self.it.log("api-gateway.0")
        self.assertRegex(log, r"http_refused .*request_id=(mine-1|[0-9a-f-]{36})")

    def test_open_routes(self):
        client = self.client("")
        self.assertEqual(client.request("GET", "/healthz").body, b"ok\n")
        self.assertRegex(client.request("GET", "/readyz").body, rb"\Aready\ntzdata \S+\n\Z")
        metrics = client.request("GET", "/metrics").body.decode()
        self.assertRegex(metrics, r'belfry_http_requests_total\{class="2xx"\} \d+\n')
        self.assertRegex(metrics, r'belfry_pg_connections_up\{pool="api"\} [1-9]')
        self.assertRegex(metrics, r'\nbelfry_tzdata_info\{version="[^"]+"\} 1\n')
        answer = client.request("GET", "/openapi.yaml")
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.body.startswith(b"openapi: 3.1"))

    def test_openapi_has_every_route_and_no_other(self):
        found, path = set(), None
        for line in self.client("").request("GET", "/openapi.yaml").body.decode().splitlines():
            if line.startswith("  /"):
                path = line.strip().rstrip(":")
            elif line.startswith("    ") and not line.startswith("     ") and path:
                word = line.strip().rstrip(":")
                if word in ("get", "post", "patch", "delete", "put"):
                    found.add((word.upper(), path))
            elif line and not line.startswith(" "):
                path = None
        names = {"cmp": "campaign_id", "tgt": "target_id", "call": "call_id", "whk": "endpoint_id",
                 "dlv": "delivery_id",
                 "agt": "agent_id", "num": "number_id", "trk": "trunk_id", "key": "key_id",
                 "cnv": "conversation_id", "sup": "suppression_id", "imp": "import_id"}
        served = {(m, fill(p, {k: "{%s}" % v for k, v in names.items()})) for m, p, _ in ROUTES}
        served |= {("GET", p) for p in ("/healthz", "/readyz", "/metrics", "/openapi.yaml")}
        self.assertEqual(found, served)

    # --- lists ---------------------------------------------------------------------------------

    def test_pages_follow_each_other_without_gap_or_repetition(self):
        three = Tenant(self, self.fresh_number())
        made = [three.campaign(name=f"n{i}")["id"] for i in range(7)]
        listed = [c["id"] for c in three.api.pages("/v1/campaigns", limit=3)]
        self.assertEqual(listed, made[::-1])
        page = three.api.get("/v1/campaigns?limit=7")
        self.assertEqual((page["has_more"], page["next_cursor"]), (False, None))

    def test_cursors_are_bound_to_their_filters(self):
        for name in ("a", "b"):
            self.one.campaign(name=name)
        cursor = self.api.get("/v1/campaigns?limit=1&kind=bulk")["next_cursor"]
        self.assertEqual(len(self.api.get(f"/v1/campaigns?limit=1&kind=bulk&cursor={cursor}")["data"]),
                         1)
        for path in (f"/v1/campaigns?cursor={cursor}", f"/v1/campaigns?kind=recurring&cursor={cursor}",
                     f"/v1/agents?cursor={cursor}"):
            self.problem(self.api.request("GET", path), 400, "cursor_mismatch")
        for bad in ("", "x", cursor[:-1], cursor + "0", cursor.upper()):
            self.problem(self.api.request("GET", f"/v1/campaigns?kind=bulk&cursor={bad}"), 400,
                         "malformed_request")

    def test_bad_query_parameters_are_named(self):
        for query, parameter in (("limit=0", "limit"), ("limit=201", "limit"), ("limit=x", "limit"),
                                 ("limit=", "limit"), ("status=running", "status"),
                                 ("kind=x", "kind"), ("stauts=draft", "stauts"),
                                 ("q=", "q"), ("q=" + "x" * 201, "q")):
            answer = self.api.request("GET", "/v1/campaigns?" + query)
            self.problem(answer, 422, "validation_error", parameter)
        answer = self.api.request("GET", "/v1/campaigns?limit=0&status=x&y=1")
        self.problem(answer, 422, "validation_error", "limit", "status", "y")
        answer = self.api.request("GET", "/v1/campaigns?limit=1&kind=bulk&limit=2")
        self.problem(answer, 422, "validation_error", "limit")

    def test_an_unknown_query_parameter_is_refused_everywhere(self):
        campaign = self.one.campaign(targets=["+12015550161"])["id"]
        target = self.api.get(f"/v1/campaigns/{campaign}/targets")["data"][0]["id"]
        ids = {prefix: type_id(prefix) for prefix in PREFIXES}
        ids.update(cmp=campaign, tgt=target, agt=self.one.agent, num=self.one.number,
                   trk=self.one.trunk)
        for method, path, _ in ROUTES:
            answer = self.api.request(method, fill(path, ids) + "?no=1",
                                      {} if method in ("POST", "PATCH") else None)
            self.problem(answer, 422, "validation_error", "no")

    # --- idempotency ---------------------------------------------------------------------------

    def same(self, path, body, key, status=200):
        """Sends a POST twice under one key: the same answer, the second one replayed."""
        headers = {"Idempotency-Key": key}
        first = self.api.request("POST", path, body, headers)
        second = self.api.request("POST", path, body, headers)
        self.assertEqual(first.status, status, first)
        self.assertNotIn("Idempotent-Replayed", first.headers)
        self.assertEqual(second.headers["Idempotent-Replayed"], "true")
        self.assertEqual((second.status, second.json), (first.status, first.json))
        self.assertEqual(second.headers["Location"], first.headers["Location"])
        return first.json

    def test_a_repeated_post_has_one_effect_and_one_answer(self):
        made = self.same("/v1/campaigns", self.one.draft(targets=["+12015550120", "no"]), "k-create",
                         201)
        path = "/v1/campaigns/" + made["id"]
        rows = {"targets": ["+12015550121", "+12015550120", {"to_number": "1"}]}
        answer = self.same(path + "/targets", rows, "k-append")
        self.assertEqual((answer["inserted"], answer["deduped"], answer["rejected"]), (1, 1, 1))
        self.assertEqual(self.api.get(path)["counts"]["total"], 2)
        self.same(path + "/start", None, "k-start")
        self.same(path + "/pause", None, "k-pause")
        self.same(path + "/resume", None, "k-resume")
        self.assertEqual(self.same(path + "/targets/skip", {"filter": {}}, "k-skip"), {"skipped": 2})
        self.same(path + "/cancel", None, "k-cancel")
        endpoint = self.same("/v1/webhook-endpoints",
                             {"url": "https://example.com/", "events": ["*"]}, "k-endpoint", 201)
        self.assertTrue(endpoint["secret"].startswith("whsec_"))
        sealed = self.it.value("SELECT position(convert_to('whsec_', 'UTF8') IN body) FROM idempotency "
                               "WHERE key = 'k-endpoint'")
        self.assertEqual(sealed, "0")
        self.same("/v1/agents", {"name": "a"}, "k-agent", 201)
        self.same("/v1/trunks", {"name": "t", "dialer": "sim"}, "k-trunk", 201)
        self.same("/v1/numbers", {"e164": self.fresh_number(), "trunk_id": self.one.trunk},
                  "k-number", 201)

    def test_a_stored_answer_stays_although_the_world_moved_on(self):
        path = "/v1/campaigns/" + self.one.campaign(targets=["+12015550122"])["id"]
        key = {"Idempotency-Key": "k-moved"}
        first = self.api.post(path + "/start", headers=key)
        self.api.post(path + "/pause")
        replayed = self.api.request("POST", path + "/start", headers=key)
        self.assertEqual(replayed.json, first)
        self.assertEqual(self.api.get(path)["status"], "paused")

    def test_another_request_under_the_same_key_is_422(self):
        headers = {"Idempotency-Key": "k-other"}
        self.assertEqual(self.api.request("POST", "/v1/agents", {"name": "a"}, headers).status, 201)
        for path, body in (("/v1/agents", {"name": "b"}), ("/v1/trunks", {"name": "a"})):
            answer = self.api.request("POST", path, body, headers)
            self.problem(answer, 422, "idempotency_key_reused")
        # Another workspace's keys are its own.
        answer = self.two.api.request("POST", "/v1/agents", {"name": "b"}, headers)
        self.assertEqual(answer.status, 201)

    def test_failures_are_not_stored(self):
        headers = {"Idempotency-Key": "k-fail"}
        path = "/v1/campaigns/" + self.one.campaign()["id"]
        self.problem(self.api.request("POST", path + "/start", headers=headers), 409, "no_targets")
        self.api.post(path + "/targets", {"targets": ["+12015550123"]})
        answer = self.api.request("POST", path + "/start", headers=headers)
        self.assertEqual((answer.status, answer.json["status"]), (200, "active"))
        self.assertNotIn("Idempotent-Replayed", answer.headers)

    def test_bad_keys_are_refused_and_old_ones_forgotten(self):
        for bad in ("", "x" * 256, "\u00e9"):
            answer = self.api.request("POST", "/v1/agents", {"name": "a"}, {"Idempotency-Key": bad})
            self.problem(answer, 400, "malformed_request")
        headers = {"Idempotency-Key": "k" * 255}
        self.api.post("/v1/agents", {"name": "a"}, headers)
        self.it.psql("UPDATE idempotency SET created_at = now() - interval '25 hours'")
        answer = self.api.request("POST", "/v1/agents", {"name": "b"}, headers)
        self.assertEqual((answer.status, answer.json["name"]), (201, "b"))

    def test_a_request_still_in_flight_is_409(self):
        campaign = self.one.campaign(targets=["+12015550124"])["id"]
        headers = {"Idempotency-Key": "k-flight"}
        session = Session(self.it)
        self.addCleanup(session.close)
        session.run(f"BEGIN; SELECT 1 FROM campaign WHERE id = '{to_uuid(campaign)}' FOR UPDATE")
        answers = []
        client = self.client(self.one.api.key)
        thread = threading.Thread(target=lambda: answers.append(
            client.request("POST", f"/v1/campaigns/{campaign}/start", headers=headers)))
        thread.start()
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        belfry.wait_until(lambda: self.it.value(waiting) == "1", 10, "the first request waits")
        answer = self.api.request("POST", f"/v1/campaigns/{campaign}/start", headers=headers)
        self.problem(answer, 409, "idempotency_in_progress")
        session.run("COMMIT")
        thread.join(30)
        self.assertEqual((answers[0].status, answers[0].json["status"]), (200, "active"))

    def test_many_at_once_have_one_effect(self):
        headers, answers = {"Idempotency-Key": "k-many"}, []

        def send():
            client = self.client(self.one.api.key)
            answers.append(client.request("POST", "/v1/agents", {"name": "once"}, headers))

        threads = [threading.Thread(target=send) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        self.assertEqual(self.it.value("SELECT count(*) FROM agent WHERE name = 'once'"), "1")
        made = {a.json["id"] for a in answers if a.status == 201}
        self.assertEqual(len(made), 1)
        self.assertEqual(len(answers), 50)
        self.assertLessEqual({a.status for a in answers}, {201, 409})
        self.assertEqual(sum("Idempotent-Replayed" not in a.headers for a in answers
                             if a.status == 201), 1)
        for answer in answers:
            if answer.status == 409:
                self.problem(answer, 409, "idempotency_in_progress")
        again = self.api.request("POST", "/v1/agents", {"name": "once"}, headers)
        self.assertEqual((again.status, {again.json["id"]}), (201, made))
        self.assertEqual(again.headers["Idempotent-Replayed"], "true")


class Away(ApiCase):
    def test_an_address_that_fails_too_often_is_slowed_down(self):
        stranger = self.client("")
        self.assertEqual(self.one.api.request("GET", "/v1/workspace").status, 200)
        for n in range(5000):
            answer = stranger.request("GET", "/v1/workspace")
            if answer.status != 401:
                break
        self.problem(answer, 429, "rate_limited")
        self.assertGreaterEqual(n, 500)
        self.assertEqual(answer.headers["Retry-After"], "1")
        # Whoever had signed in before from there stays signed in.
        self.assertEqual(self.one.api.request("GET", "/v1/workspace").status, 200)

    def test_without_postgres_it_answers_503_and_comes_back(self):
        api = self.one.api
        self.assertEqual(api.request("GET", "/v1/workspace").status, 200)
        self.it.kill("KILL", "postgres")
        answer = belfry.wait_until(
            lambda: (a := api.request("GET", "/v1/workspace")).status == 503 and a, 20, "503")
        self.problem(answer, 503, "unavailable")
        self.assertEqual(answer.headers["Retry-After"], "1")
        client = self.client("")
        self.assertEqual(client.request("GET", "/healthz").status, 200)
        # the first 503 may be of one connection that broke; the others break by themselves
        belfry.wait_until(lambda: client.request("GET", "/readyz").status == 503, 20, "not ready")
        # A mistyped key needs no look into the database, one of good form does.
        for key, status in (("bf_live_" + "a" * 36, 401), (self.good_form(api.key), 503)):
            self.assertEqual(self.client(key).request("GET", "/v1/workspace").status, status)
        self.it.start("postgres")
        belfry.wait_until(lambda: api.request("GET", "/v1/workspace").status == 200, 30, "200")
        self.assertEqual(client.request("GET", "/readyz").status, 200)

    @staticmethod
    def good_form(key):
        """A key that nobody has, with the checksum of its own."""
        digits, body = string.digits + string.ascii_uppercase + string.ascii_lowercase, key[8:38][::-1]
        crc, text = binascii.crc32((key[:8] + body).encode()), ""
        for _ in range(6):
            crc, digit = divmod(crc, 62)
            text = digits[digit] + text
        return key[:8] + body + text

    def test_without_redis_it_still_works(self):
        self.it.kill("TERM", "redis")
        campaign = self.one.campaign(targets=["+12015550130"])["id"]
        begun = time.monotonic()
        self.assertEqual(self.one.api.post(f"/v1/campaigns/{campaign}/start")["status"], "active")
        self.assertEqual(self.one.api.post(f"/v1/campaigns/{campaign}/cancel")["status"],
                         "cancelled")
        self.assertLess(time.monotonic() - begun, 5)
        self.it.start("redis")


class Forwarded(ApiCase):
    """Failed sign-ins count for the address that a trusted proxy names, and for no other's word."""

    options = {"dispatchers": 1, "schedulers": 1, "settings": {"TRUSTED_PROXIES": "127.0.0.4/32"}}

    def failed(self, source, of, count=1):
        """The statuses of failed sign-ins over one connection, with an X-Forwarded-For."""
        connection = http.client.HTTPConnection(self.one.api.host, self.one.api.port, timeout=30,
                                                source_address=(source, 0))
        self.addCleanup(connection.close)
        seen = set()
        for _ in range(count):
            connection.request("GET", "/v1/workspace", headers={"X-Forwarded-For": of})
            response = connection.getresponse()
            response.read()
            seen.add(response.status)
        return seen

    def test_a_client_is_known_behind_a_proxy_that_is_trusted(self):
        self.assertEqual(self.failed("127.0.0.4", "203.0.113.1", 1500), {401, 429})
        self.assertEqual(self.failed("127.0.0.4", "203.0.113.2, 127.0.0.4"), {401})
        # Whoever is no proxy speaks for himself only: neither blamed on another, nor hidden.
        self.assertEqual(self.failed("127.0.0.5", "203.0.113.1"), {401})
        self.assertEqual(self.failed("127.0.0.5", "203.0.113.3", 1500), {401, 429})
        self.assertEqual(self.failed("127.0.0.5", "203.0.113.4"), {429})
        self.assertEqual(self.failed("127.0.0.4", "203.0.113.3"), {401})


class Logs(ApiCase):
    """What a campaign leaves in the logs of all services, at their most talkative."""

    options = {"dispatchers": 1, "schedulers": 1,
               "settings": {"LOG_LEVEL": "debug", "SIM_RING_MS": 20, "SIM_TALK_MS": 50}}
    frozen = False

    def test_logs_have_no_secret_and_no_number(self):
        receiver = belfry.Receiver(respond=lambda hook: 500)
        self.addCleanup(receiver.close)
        endpoint = self.one.api.post("/v1/webhook-endpoints", {
            "url": receiver.url("/hook"), "events": ["*"], "description": "described-1"})
        self.one.api.post("/v1/trunks", {"name": "t", "dialer": "sip", "settings": {
            "host": "127.0.0.1", "username": "user-1", "password": "password-1"}})
        session = self.one.api.request("POST", "/v1/session", headers={
            "Origin": self.it.env["BELFRY_URL"]})
        campaign = self.one.campaign(rate_limit_per_minute=6000, variables={"v": "variable-1"}, targets=[
            {"to_number": number, "name": "name-1", "variables": {"v": "variable-2"}}
            for number in ("+12015551234", "+12015550001", "+12015550003")])["id"]
        self.one.api.post(f"/v1/campaigns/{campaign}/start")
        belfry.wait_until(lambda: self.one.api.get(f"/v1/campaigns/{campaign}")["status"]
                          == "completed", 30, "completed")
        belfry.wait_until(lambda: receiver.hooks, 30, "a webhook failed")
        self.problem(self.client("").request("GET", f"/v1/campaigns?q={campaign}&to=%2B12015551234"),
                     401, "unauthorized")
        text = "".join(self.it.log(name) for name in self.it.instances())
        self.assertIn("api-gateway", " ".join(self.it.instances()))
        self.assertIn("request_id=", text)
        cookie = session.headers["Set-Cookie"].split("=", 1)[1].split(";")[0]
        for secret in (self.one.api.key, self.it.env["BELFRY_API_KEY"], endpoint["secret"], cookie,
                       session.json["token"], "password-1", "variable-1", "variable-2", "name-1",
                       "described-1", "2015551234", "2015550001", self.one.e164[1:],
                       receiver.hooks[0].body.decode()):
            self.assertNotIn(secret, text)


if __name__ == "__main__":
    unittest.main()
