"""The way into the API: paths, methods, bodies, framing, pages and their cursors, and what it says while
Postgres or Redis is away."""
import binascii
import gzip
import http.client
import socket
import string
import unittest

import belfry
import contract
from api_case import ApiCase, Tenant, type_id
from api_routes import CSV, PREFIXES, ROUTES, fill


class Edges(ApiCase):
    def setUp(self):
        self.api = self.one.api

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

    def test_a_fault_that_nobody_foresaw_is_told_to_the_log_only(self):
        self.it.psql("""CREATE FUNCTION torn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'page-7 of base/5/1234 is torn'
            USING ERRCODE = 'XX001', DETAIL = 'detail-1', HINT = 'hint-1', CONSTRAINT = 'constraint-1'; END $$""")
        self.it.psql("CREATE TRIGGER torn BEFORE INSERT ON agent FOR EACH ROW WHEN (NEW.name = 'torn') "
                     "EXECUTE FUNCTION torn()")
        headers = {"Idempotency-Key": "torn-1", "X-Request-Id": "request-torn-1"}
        try:
            for _ in range(2):  # the failure is not what is kept under the key
                answer = self.api.request("POST", "/v1/agents", {"name": "torn"}, headers)
                problem = self.problem(answer, 500, "internal")
                self.assertEqual((problem["request_id"], problem["instance"]),
                                 ("request-torn-1", "/v1/agents"))
                self.assertIn("Nothing was changed", problem["detail"])
                for inner in (b"torn()", b"page-7", b"XX001", b"detail-1", b"hint-1", b"constraint-1",
                              b"agent_", b"INSERT"):
                    self.assertNotIn(inner, answer.body)
            self.assertEqual(self.it.value("SELECT count(*) FROM agent WHERE name = 'torn'"), "0")
            # Nobody else notices.
            self.assertEqual(self.api.post("/v1/agents", {"name": "whole"})["name"], "whole")
        finally:
            self.it.psql("DROP TRIGGER torn ON agent")
            self.it.psql("DROP FUNCTION torn")
        lines = [line for line in self.it.log("api-gateway.0").splitlines() if "request-torn-1" in line]
        failed = [line for line in lines if " unit_failed " in line]
        self.assertEqual(len(failed), 2, lines)
        for line in failed:
            self.assertIn("sqlstate=XX001", line)
            self.assertIn("page-7 of base/5/1234 is torn", line)
        made = self.api.request("POST", "/v1/agents", {"name": "torn"}, headers)
        self.assertEqual(made.status, 201, made)

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
        packed = gzip.compress(b'{"name":"a"}')
        self.problem(self.api.request("POST", "/v1/agents", packed, {
            **json_type, "Content-Encoding": "gzip"}), 415, "unsupported_media_type")
        self.problem(self.api.request("POST", f"/v1/campaigns/{self.one.campaign()['id']}/imports",
                                      gzip.compress(b"to_number\n"), {**CSV, "Content-Encoding": "br"}),
                     415, "unsupported_media_type")
        answer = self.api.request("POST", "/v1/agents", b'{"name":"a"}', {
            **json_type, "Content-Encoding": "identity"})
        self.assertEqual(answer.status, 201)
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
            stranger = self.client(key)
            # 429 for some tenths of a second where another test has failed from this address just now.
            answer = belfry.wait_until(
                lambda stranger=stranger: (a := stranger.request("GET", "/v1/workspace")).status != 429 and a,
                10, "an answer to a stranger")
            self.assertEqual(answer.status, status)
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
        watch = belfry.Stopwatch()
        self.assertEqual(self.one.api.post(f"/v1/campaigns/{campaign}/start")["status"], "active")
        self.assertEqual(self.one.api.post(f"/v1/campaigns/{campaign}/cancel")["status"],
                         "cancelled")
        self.assertLess(watch.s(), 5)
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
        # One is let in each 100 ms; a bucket of its own would let in all.
        self.assertIn(429, self.failed("127.0.0.5", "203.0.113.4", 50))
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
