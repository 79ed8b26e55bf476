"""Sessions of the dashboard and the files it is made of, over plain HTTP: what a browser is told, and what
is refused to whoever is not its own page."""
import gzip
import re

import belfry
from api_case import ApiCase

COOKIE = re.compile(r"(belfry_session=[0-9a-f]{64}); Path=/; Max-Age=43200; HttpOnly; SameSite=Strict$")
HOST_COOKIE = re.compile(r"(__Host-belfry_session=[0-9a-f]{64}); Path=/; Max-Age=43200; HttpOnly; "
                         r"SameSite=Strict; Secure$")
REVOKED_WITHIN_S = 12


class SessionCase(ApiCase):
    def plain(self, method, path, headers=None, body=None):
        client = self.client("")
        return client.request(method, path, body, headers)

    def origin(self):
        return self.it.env["BELFRY_URL"]

    def sign_in(self, key, headers=None):
        return self.plain("POST", "/v1/session", {
            "Authorization": f"Bearer {key}", "Origin": self.origin(), **(headers or {})})

    def enter(self, key=None):
        """The headers that a signed-in page sends with what changes something."""
        answer = self.sign_in(key or self.one.api.key)
        self.assertEqual(answer.status, 201, answer)
        return {"Cookie": COOKIE.match(answer.headers["Set-Cookie"]).group(1),
                "Origin": self.origin(), "X-Belfry-Token": answer.json["token"]}


class SessionTest(SessionCase):
    def test_a_session_is_who_its_key_is(self):
        answer = self.sign_in(self.one.api.key)
        self.assertEqual(answer.status, 201, answer)
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertRegex(answer.headers["Set-Cookie"], COOKIE)
        made = answer.json
        self.assertEqual(made["workspace"]["id"], self.one.workspace)
        self.assertRegex(made["id"], r"^ses_[0-9a-z]{26}$")
        cookie = {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}
        self.assertEqual(self.plain("GET", "/v1/session", cookie).json, made)
        self.assertEqual(self.plain("GET", "/v1/workspace", cookie).json["id"], self.one.workspace)
        other = self.two.campaign(targets=["+15550000001"])["id"]
        self.problem(self.plain("GET", f"/v1/campaigns/{other}", cookie), 404, "not_found")

    def test_the_cookie_and_its_hash_are_not_the_same(self):
        cookie = self.enter()["Cookie"].split("=")[1]
        self.assertEqual(self.it.value("SELECT count(*) FROM session s WHERE encode(s.hash, 'hex') = "
                                       f"'{cookie}'"), "0")

    def test_over_https_the_cookie_is_bound_to_the_host(self):
        host = {"Host": "belfry.example", "Origin": "https://belfry.example"}
        answer = self.sign_in(self.one.api.key, host)
        cookie = HOST_COOKIE.match(answer.headers["Set-Cookie"]).group(1)
        self.assertEqual(self.plain("GET", "/v1/session", {**host, "Cookie": cookie}).status, 200)
        # The same value under the plain name is no session, and elsewhere the plain name never is.
        plain = cookie.removeprefix("__Host-")
        self.problem(self.plain("GET", "/v1/session", {"Cookie": plain}), 401, "unauthorized")
        mine = self.enter()["Cookie"]
        self.problem(self.plain("GET", "/v1/session", {"Host": "belfry.example", "Cookie": mine}),
                     401, "unauthorized")

    def test_a_key_signs_in_from_the_own_page_only(self):
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"},
                        {"Origin": self.origin(), "Sec-Fetch-Site": "cross-site"},
                        {"Host": "belfry.example", "Origin": "http://belfry.example"}):
            answer = self.plain("POST", "/v1/session",
                                {"Authorization": f"Bearer {self.one.api.key}", **headers})
            self.problem(answer, 403, "cross_site")
            self.assertIsNone(answer.headers["Set-Cookie"])
        answer = self.plain("POST", "/v1/session", {"Authorization": f"Bearer {self.one.api.key}"})
        self.problem(answer, 403, "cross_site")

    def test_wrong_keys_and_cookies_are_401(self):
        self.problem(self.sign_in("bf_live_" + "x" * 36), 401, "unauthorized")
        for cookie in ("belfry_session=", "belfry_session=" + "0" * 64, "belfry_session=" + "Z" * 64,
                       "other=1; belfry_session=" + "a" * 63):
            self.problem(self.plain("GET", "/v1/session", {"Cookie": cookie}), 401, "unauthorized")

    def test_what_changes_something_needs_origin_and_token(self):
        mine = self.enter()
        body = {"name": "made by a session"}
        self.assertEqual(self.plain("POST", "/v1/agents", mine, body).status, 201)
        for change in ({"Origin": "https://evil.example"}, {"X-Belfry-Token": "0" * 64},
                       {"X-Belfry-Token": ""}, {"Sec-Fetch-Site": "same-site"},
                       {"X-Belfry-Token": self.enter()["X-Belfry-Token"]}):
            self.problem(self.plain("POST", "/v1/agents", {**mine, **change}, body), 403, "cross_site")
        for name in ("Origin", "X-Belfry-Token"):
            less = {key: value for key, value in mine.items() if key != name}
            self.problem(self.plain("POST", "/v1/agents", less, body), 403, "cross_site")
        # Looking takes neither.
        self.assertEqual(self.plain("GET", "/v1/agents", {"Cookie": mine["Cookie"]}).status, 200)

    def test_a_session_may_what_its_key_may(self):
        reader = self.enter(self.key(self.one.workspace, "read"))
        self.assertEqual(self.plain("GET", "/v1/agents", reader).status, 200)
        self.assertEqual(self.problem(self.plain("POST", "/v1/agents", reader, {"name": "x"}),
                                      403, "missing_scope")["scope"], "write")
        blind = self.sign_in(self.key(self.one.workspace, "write"))
        self.problem(blind, 403, "missing_scope")

    def test_a_session_makes_no_session(self):
        mine = self.enter()
        self.problem(self.plain("POST", "/v1/session", mine), 401, "unauthorized")

    def test_keys_made_by_a_session_are_of_the_kind_of_its_key(self):
        made = self.plain("POST", "/v1/api-keys", self.enter(), {"name": "x", "scopes": ["read"]})
        self.assertTrue(made.json["key"].startswith("bf_live_"), made)

    def test_signing_out_ends_it(self):
        mine = self.enter()
        answer = self.plain("DELETE", "/v1/session", mine)
        self.assertEqual(answer.status, 204)
        self.assertIn("belfry_session=; Path=/; Max-Age=0", answer.headers["Set-Cookie"])
        self.problem(self.plain("GET", "/v1/session", mine), 401, "unauthorized")
        self.problem(self.one.api.request("DELETE", "/v1/session"), 404, "not_found")

    def test_a_revoked_key_ends_its_sessions(self):
        key = self.key(self.one.workspace, "read")
        mine = self.enter(key)
        row = self.it.value("SELECT k.id FROM api_key k JOIN session s ON s.key_id = k.id "
                            "ORDER BY s.created_at DESC LIMIT 1")
        self.assertEqual(self.plain("GET", "/v1/session", mine).status, 200)
        self.it.psql(f"UPDATE api_key SET revoked_at = now() WHERE id = '{row}'")
        belfry.wait_until(lambda: self.plain("GET", "/v1/session", mine).status == 401,
                          REVOKED_WITHIN_S, "the session has ended")

    def test_an_expired_session_is_401(self):
        mine = self.enter()
        self.it.psql("UPDATE session SET expires_at = now()")
        belfry.wait_until(lambda: self.plain("GET", "/v1/session", mine).status == 401,
                          REVOKED_WITHIN_S, "the session has ended")
        # The next sign-in takes away what is over.
        self.enter()
        self.assertEqual(self.it.value("SELECT count(*) FROM session WHERE expires_at <= now()"), "0")

    def test_the_audit_trail_knows_sessions(self):
        mine = self.enter()
        session = self.plain("GET", "/v1/session", mine).json["id"]
        self.plain("DELETE", "/v1/session", mine)
        lines = self.one.api.get(f"/v1/audit?subject={session}")["data"]
        self.assertEqual([line["action"] for line in lines], ["session.end", "session.create"])

    def test_who_asks_with_a_key_is_told_too(self):
        me = self.one.api.get("/v1/session")
        self.assertEqual((me["id"], me["token"]), (None, None))
        self.assertEqual(me["workspace"]["id"], self.one.workspace)


class FilesTest(SessionCase):
    def page(self):
        answer = self.plain("GET", "/")
        self.assertEqual(answer.status, 200)
        return answer

    def test_the_page_keeps_to_itself(self):
        answer = self.page()
        self.assertEqual(answer.headers["Content-Type"], "text/html; charset=utf-8")
        self.assertEqual(answer.headers["Cache-Control"], "no-cache")
        self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(answer.headers["Referrer-Policy"], "no-referrer")
        self.assertEqual(answer.headers["Content-Security-Policy"],
                         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
                         "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")

    def test_each_file_is_kept_for_ever_and_packed(self):
        paths = re.findall(r'(?:href|src)="(/dashboard/[^"]+)"', self.page().body.decode())
        self.assertGreater(len(paths), 10)
        for path in paths:
            plain = self.plain("GET", path)
            packed = self.plain("GET", path, {"Accept-Encoding": "br, gzip"})
            self.assertEqual((plain.status, packed.status), (200, 200), path)
            self.assertIn("immutable", plain.headers["Cache-Control"])
            self.assertIsNone(plain.headers["Content-Encoding"])
            self.assertEqual(packed.headers["Vary"], "Accept-Encoding")
            self.assertNotEqual(packed.headers["ETag"], plain.headers["ETag"])
            if packed.headers["Content-Encoding"]:
                self.assertLess(len(packed.body), len(plain.body))
                self.assertEqual(gzip.decompress(packed.body), plain.body)
            again = self.plain("GET", path, {"If-None-Match": plain.headers["ETag"]})
            self.assertEqual((again.status, again.body), (304, b""))

    def test_other_paths_are_no_files(self):
        base = re.search(r"/dashboard/[0-9a-f]+", self.page().body.decode()).group(0)
        for path in ("/dashboard/0123456789abcdef/main.js", base, base + "/", base + "/vendor/README.md",
                     base + "/index.htm", base + "/main.jsx", "/dashboard", "/index.html"):
            self.problem(self.plain("GET", path), 404, "not_found")
        refused = self.plain("POST", "/", {"Origin": self.origin()})
        self.problem(refused, 405, "method_not_allowed")
        self.assertEqual(refused.headers["Allow"], "GET, HEAD")

    def test_who_wants_it_unpacked_gets_it_so(self):
        for wish in ("identity", "gzip;q=0", "deflate, gzip;q=0"):
            answer = self.plain("GET", "/", {"Accept-Encoding": wish})
            self.assertIsNone(answer.headers["Content-Encoding"], wish)
        self.assertEqual(self.plain("GET", "/", {"Accept-Encoding": "gzip;q=0.5"})
                         .headers["Content-Encoding"], "gzip")
