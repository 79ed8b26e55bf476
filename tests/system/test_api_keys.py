"""API keys over HTTP: what a key may give, how long it holds, and what stays of it."""
import datetime
import os
import threading
import time
import unittest

import belfry
from api_case import ApiCase, Tenant, type_id

FIELDS = ["id", "name", "prefix", "last_four", "scopes", "rate_per_minute", "status", "expires_at",
          "revoked_at", "created_at"]
SCOPES = ["read", "write", "control", "admin", "operator"]


def shifted(at, seconds):
    """A time of the API, so much later."""
    at = datetime.datetime.fromisoformat(at) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def in_seconds(seconds):
    return shifted(datetime.datetime.now(datetime.timezone.utc).isoformat(), seconds)


class Keys(ApiCase):
    def setUp(self):
        self.tenant = Tenant(self, self.fresh_number())
        self.api = self.tenant.api

    def make(self, api=None, headers=None, **fields):
        return (api or self.api).post("/v1/api-keys", {"name": "k", "scopes": ["read"], **fields},
                                      headers)

    # --- making --------------------------------------------------------------------------------

    def test_a_key_is_shown_once_and_stored_as_a_hash(self):
        answer = self.api.request("POST", "/v1/api-keys", {"name": "ci", "scopes": ["write", "read"]})
        self.assertEqual(answer.status, 201, answer)
        made = answer.json
        self.assertEqual(answer.headers["Location"], "/v1/api-keys/" + made["id"])
        self.assertEqual(list(made), FIELDS + ["key"])
        self.assertRegex(made["key"], r"\Abf_live_[0-9A-Za-z]{36}\Z")
        self.assertEqual((made["prefix"], made["last_four"]), (made["key"][:8], made["key"][-4:]))
        self.assertEqual((made["scopes"], made["rate_per_minute"], made["status"]),
                         (["read", "write"], 600, "active"))
        self.assertEqual((made["expires_at"], made["revoked_at"]), (None, None))
        shown = {name: made[name] for name in FIELDS}
        self.assertEqual(self.api.get("/v1/api-keys/" + made["id"]), shown)
        self.assertIn(shown, self.api.get("/v1/api-keys")["data"])
        stored = self.it.psql("SELECT * FROM api_key")
        self.assertNotIn(made["key"], str(stored))
        for name in os.listdir(os.path.join(self.it.home, "log")):
            self.assertNotIn(made["key"], self.it.log(name[:-len(".log")]), name)

        client = self.client(made["key"])
        self.assertEqual(client.get("/v1/workspace")["id"], self.tenant.workspace)
        self.assertEqual(client.request("POST", "/v1/agents", {"name": "a"}).status, 201)
        self.problem(client.request("GET", "/v1/api-keys"), 403, "missing_scope")

    def test_a_repeated_request_shows_the_same_key_which_is_kept_sealed(self):
        headers = {"Idempotency-Key": "key-1"}
        first, second = self.make(headers=headers), self.make(headers=headers)
        self.assertEqual(first, second)
        self.assertEqual(len(self.api.get("/v1/api-keys")["data"]), 2)
        found = self.it.value(f"SELECT position(convert_to('{first['key']}', 'UTF8') IN body) "
                              "FROM idempotency WHERE key = 'key-1'")
        self.assertEqual(found, "0")

    def test_a_key_gives_no_scope_that_it_lacks(self):
        for scope in SCOPES:
            own = [s for s in SCOPES if s != scope or s == "admin"]
            asker = self.client(self.key(self.tenant.workspace, ",".join(own)))
            answer = asker.request("POST", "/v1/api-keys", {"name": "k", "scopes": SCOPES})
            if scope == "admin":
                self.assertEqual(answer.status, 201)
            else:
                self.assertEqual(self.problem(answer, 403, "missing_scope")["scope"], scope)
            self.assertEqual(self.make(asker, scopes=own)["scopes"], own)

    def test_a_key_gives_no_rate_beyond_its_own(self):
        asker = self.client(self.key(self.tenant.workspace, "admin,read", rate=90))
        self.assertEqual(self.make(asker)["rate_per_minute"], 90)
        self.assertEqual(self.make(asker, rate_per_minute=90)["rate_per_minute"], 90)
        for rate in (91, None):
            answer = asker.request("POST", "/v1/api-keys",
                                   {"name": "k", "scopes": ["read"], "rate_per_minute": rate})
            self.problem(answer, 422, "validation_error", "/rate_per_minute")
        self.assertEqual(self.make(rate_per_minute=5000)["rate_per_minute"], 5000)
        self.assertIsNone(self.make(rate_per_minute=None)["rate_per_minute"])

    def test_test_keys_make_test_keys(self):
        asker = self.client(self.admin("key", "create", "--workspace", self.tenant.workspace,
                                       "--name", "t", "--scopes", "read,admin", "--test"))
        self.assertEqual(self.make(asker)["key"][:8], "bf_test_")

    def test_faults_are_named(self):
        good = {"name": "k", "scopes": ["read"]}
        for fields, pointers in (
                ({"name": ""}, ["/name"]), ({"name": None}, ["/name"]), ({"scopes": []}, ["/scopes"]),
                ({"scopes": "read"}, ["/scopes"]), ({"scopes": ["read", "root"]}, ["/scopes/1"]),
                ({"scopes": ["read", 7]}, ["/scopes/1"]), ({"scopes": ["none"]}, ["/scopes/0"]),
                ({"scopes": ["read", "read"]}, ["/scopes/1"]),
                ({"scopes": SCOPES + ["read"]}, ["/scopes"]),
                ({"rate_per_minute": 0}, ["/rate_per_minute"]),
                ({"rate_per_minute": 1000001}, ["/rate_per_minute"]),
                ({"expires_at": in_seconds(-1)}, ["/expires_at"]),
                ({"expires_at": "soon", "x": 1}, ["/expires_at", "/x"])):
            answer = self.api.request("POST", "/v1/api-keys", {**good, **fields})
            self.problem(answer, 422, "validation_error", *pointers)
        self.problem(self.api.request("POST", "/v1/api-keys", {}), 422, "validation_error", "/name",
                     "/scopes")

    # --- the end of one ------------------------------------------------------------------------

    def test_an_expired_key_is_refused_at_its_instant(self):
        last_good = None
        for lives_s in (1.5, 6, 24):  # longer if the machine stood still for all of its life
            made = self.make(expires_at=in_seconds(lives_s), rate_per_minute=None)
            client, deadline = self.client(made["key"]), time.monotonic() + lives_s + 10
            while True:
                asked_at = in_seconds(0)
                answer = client.request("GET", "/v1/workspace")
                if answer.status != 200:
                    break
                last_good = asked_at
                self.assertLess(time.monotonic(), deadline)
            if last_good:
                break
        self.problem(answer, 401, "unauthorized")
        # By Postgres' clock, which the gateway knows to some milliseconds.
        self.assertLessEqual(last_good, shifted(made["expires_at"], 0.1))
        self.assertGreaterEqual(in_seconds(0), shifted(made["expires_at"], -0.1))
        path = "/v1/api-keys/" + made["id"]
        belfry.wait_until(lambda: self.api.get(path)["status"] == "expired", 10, "it says so")

    def test_a_revoked_key_is_refused_at_once(self):
        made = self.make()
        client = self.client(made["key"])
        self.assertEqual(client.request("GET", "/v1/workspace").status, 200)
        for _ in range(2):
            answer = self.api.request("DELETE", "/v1/api-keys/" + made["id"])
            self.assertEqual((answer.status, answer.body), (204, b""))
            self.problem(client.request("GET", "/v1/workspace"), 401, "unauthorized")
        shown = self.api.get("/v1/api-keys/" + made["id"])
        self.assertEqual(shown["status"], "revoked")
        self.assertIsNotNone(shown["revoked_at"])
        self.problem(self.api.request("DELETE", "/v1/api-keys/" + type_id("key")), 404, "not_found")

    def test_lists_by_status(self):
        own = self.api.get("/v1/api-keys")["data"][0]["id"]
        old, good, gone = self.make(expires_at=in_seconds(0.2)), self.make(), self.make()
        self.api.delete("/v1/api-keys/" + gone["id"])

        def ids(query):
            return [k["id"] for k in self.api.get("/v1/api-keys" + query)["data"]]

        def newest_first(*keys):  # by id: two processes made them, each by its own millisecond
            return sorted(keys, reverse=True)
        belfry.wait_until(lambda: ids("?status=expired") == [old["id"]], 5, "it expires")
        self.assertEqual(ids("?status=revoked"), [gone["id"]])
        self.assertEqual(ids("?status=active"), newest_first(good["id"], own))
        self.assertEqual(ids(""), newest_first(gone["id"], good["id"], old["id"], own))
        self.problem(self.api.request("GET", "/v1/api-keys?status=x"), 422, "validation_error",
                     "status")

    def test_the_last_admin_key_stays(self):
        own = self.api.get("/v1/api-keys")["data"][0]["id"]
        self.make(scopes=["read", "write"])  # no admin
        self.make(scopes=["admin"], expires_at=in_seconds(0.1))
        gone = self.make(scopes=["admin"])["id"]
        self.api.delete("/v1/api-keys/" + gone)
        belfry.wait_until(lambda: self.api.get("/v1/api-keys?status=expired")["data"], 5, "expired")
        answer = self.api.request("DELETE", "/v1/api-keys/" + own)
        self.problem(answer, 409, "invalid_state_transition")
        heir = self.client(self.make(scopes=["read", "admin"])["key"])
        # The key that asks may be the one that ends.
        self.assertEqual(self.api.request("DELETE", "/v1/api-keys/" + own).status, 204)
        self.problem(self.api.request("GET", "/v1/api-keys"), 401, "unauthorized")
        self.assertEqual(heir.get("/v1/api-keys/" + own)["status"], "revoked")

    def test_two_that_revoke_each_other_do_not_both_succeed(self):
        for _ in range(5):
            tenant = Tenant(self, self.fresh_number())
            first = tenant.api.get("/v1/api-keys")["data"][0]["id"]
            second = self.make(tenant.api, scopes=["admin"])
            answers, gate = [], threading.Barrier(2)

            def revoke(key, victim):
                client = self.client(key)
                client.request("GET", "/v1/api-keys")
                gate.wait(10)
                answers.append(client.request("DELETE", "/v1/api-keys/" + victim).status)
            threads = [threading.Thread(target=revoke, args=pair) for pair in
                       ((tenant.api.key, second["id"]), (second["key"], first))]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
            self.assertEqual(answers.count(204), 1, answers)
            self.assertTrue(set(answers) <= {204, 401, 409}, answers)

    # --- rates ---------------------------------------------------------------------------------

    def test_every_answer_to_a_limited_key_says_what_is_left(self):
        client = self.client(self.make(rate_per_minute=8)["key"])
        asked = (("GET", "/v1/workspace", None, 200),
                 ("GET", "/v1/campaigns/" + type_id("cmp"), None, 404),
                 ("POST", "/v1/agents", {"name": "a"}, 403),
                 ("GET", "/v1/campaigns?x=1", None, 422),
                 ("POST", "/v1/schedules/preview", b"{", 415), ("GET", "/v1/campaigns/cmp_x", None, 404),
                 ("HEAD", "/v1/workspace", None, 200))
        for left, (method, path, body, status) in zip(range(7, -1, -1), asked):
            answer = client.request(method, path, body)
            self.assertEqual(answer.status, status, answer)
            self.assertEqual((answer.headers["RateLimit-Limit"], answer.headers["RateLimit-Remaining"]),
                             ("8", str(left)))
            self.assertTrue(0 < int(answer.headers["RateLimit-Reset"]) <= 60)


class Gateways(ApiCase):
    options = {"dispatchers": 1, "schedulers": 1, "gateways": 2}

    def other(self, key):
        """A client of the second gateway."""
        with open(os.path.join(self.it.home, "run", "api-gateway.1.port"), encoding="utf-8") as file:
            client = belfry.Api("http://127.0.0.1:" + file.read().strip(), key)
        self.addCleanup(client.close)
        return client

    def test_a_rate_holds_for_all_gateways_together(self):
        rate, begun = 40, time.monotonic()
        key = self.key(self.one.workspace, rate=rate)
        clients = [self.client(key), self.other(key)]
        passed, refused = 0, set()
        while len(refused) < 2:
            for n, client in enumerate(clients):
                answer = client.request("GET", "/v1/workspace")
                if answer.status == 200:
                    passed += 1
                else:
                    self.problem(answer, 429, "rate_limited")
                    refused.add(n)
        refilled = (time.monotonic() - begun) * rate / 60
        self.assertGreaterEqual(passed, rate)
        # Each of them may be one round trip behind the other.
        self.assertLessEqual(passed, rate + refilled + 4)
        self.assertEqual(len(self.it.redis("KEYS", "bf:rate:*").split()), 1)

    def test_without_redis_each_gateway_counts_alone(self):
        self.it.kill("KILL", "redis")
        key = self.key(self.one.workspace, rate=5)
        for client in (self.client(key), self.other(key)):
            statuses = [client.request("GET", "/v1/workspace").status for _ in range(8)]
            self.assertEqual(statuses[:5], [200] * 5)
            self.assertIn(429, statuses[5:])
        self.it.start("redis")

    def test_a_revoked_key_is_refused_by_every_gateway_within_five_seconds(self):
        made = self.one.api.post("/v1/api-keys", {"name": "k", "scopes": ["read"]})
        other = self.other(made["key"])
        self.assertEqual(other.request("GET", "/v1/workspace").status, 200)
        self.one.api.delete("/v1/api-keys/" + made["id"])
        belfry.wait_until(lambda: other.request("GET", "/v1/workspace").status == 401, 5.0, "401")


if __name__ == "__main__":
    unittest.main()
