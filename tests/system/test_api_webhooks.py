"""What an integrator does with webhooks, over HTTP, against a real sender and a real receiver: the life
of an endpoint, rotation, tests, the delivery log, replays, the pull log, retention."""
import collections
import json
import threading
import time
import unittest

import belfry
from api_case import ApiCase, Tenant, to_uuid, type_id

BATCH = 2000  # of a bulk replay, services/api-gateway/delivery_replay.c
SCAN = 10000  # of a page of the pull log, services/api-gateway/events.c
DELIVERY = ["id", "endpoint_id", "event_id", "event_type", "sequence", "status", "reason",
            "generation", "replayed_as", "attempts", "next_attempt_at", "last_attempt_at",
            "last_result", "last_status_code", "last_duration_ms", "last_excerpt", "created_at",
            "ended_at"]


class Webhooks(ApiCase):
    frozen = False
    options = {"dispatchers": 1, "schedulers": 1, "settings": {
        "WEBHOOK_SCHEDULE": "0,0.2,0.2,0.2,0.2,0.2", "EVENT_RETENTION_S": 3600}}

    def setUp(self):
        self.tenant = Tenant(self, self.fresh_number())
        self.api = self.tenant.api
        self.ws = to_uuid(self.tenant.workspace)
        self.status = 200
        self.receiver = belfry.Receiver(lambda hook: self.status)
        self.addCleanup(self.receiver.close)

    # --- what a test says

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

    # --- the endpoint --------------------------------------------------------------------------

    def test_patch_holds_for_what_is_sent_after_it(self):
        self.status = 500
        end = self.endpoint("/old")
        self.publish()
        self.wait_hooks(1)
        self.receiver.secrets["/new"] = end["secret"]
        patched = self.api.patch(self.path(end), {"url": self.receiver.url("/new")})
        self.status = 200
        self.assertEqual(patched["url"], self.receiver.url("/new"))
        self.assertEqual(patched["events"], ["*"])
        self.assertGreater(patched["updated_at"], patched["created_at"])
        self.assertEqual(self.api.get(self.path(end)), patched)
        self.wait_log(end, "delivered", 1)
        self.assertEqual(self.receiver.hooks[-1].path, "/new")
        self.assertEqual(self.receiver.unsigned(), [])
        patched = self.api.patch(self.path(end), {"events": ["campaign.paused"], "description": "d"})
        self.assertEqual((patched["events"], patched["description"]), (["campaign.paused"], "d"))
        seen = len(self.receiver.hooks)
        self.publish(3)
        self.publish(1, "campaign.paused")
        self.wait_hooks(seen + 1)
        self.assertEqual([h.json["type"] for h in self.receiver.hooks[seen:]], ["campaign.paused"])
        self.assertIsNone(self.api.patch(self.path(end), {"description": None})["description"])
        before = self.api.get(self.path(end))
        self.assertEqual(self.api.patch(self.path(end), {}), before)

    def test_a_bad_patch_names_its_faults(self):
        end = self.endpoint()
        for body, code, pointers in (
                ({"url": "https://10.0.0.1/"}, "validation_error", ["/url"]),
                ({"url": None, "events": "*"}, "validation_error", ["/url", "/events"]),
                ({"events": ["*", "x"]}, "unknown_event_type", ["/events/1"]),
                ({"events": []}, "validation_error", ["/events"]),
                ({"secret": "mine", "status": "enabled"}, "validation_error",
                 ["/secret", "/status"])):
            answer = self.api.request("PATCH", self.path(end), body)
            self.problem(answer, 422, code, *pointers)
        self.assertEqual(self.api.get(self.path(end))["url"], end["url"])

    def test_patches_beside_each_other_lose_nothing(self):
        end = self.endpoint()
        fields = [{"description": "d"}, {"events": ["campaign.completed"]},
                  {"url": self.receiver.url("/else")}]
        clients = [self.client(self.api.key) for _ in fields]
        for _ in range(5):
            self.api.patch(self.path(end), {"description": None, "events": ["*"],
                                            "url": self.receiver.url()})
            threads = [threading.Thread(target=c.patch, args=(self.path(end), f))
                       for c, f in zip(clients, fields)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            now = self.api.get(self.path(end))
            for field in fields:
                self.assertLessEqual(field.items(), now.items())

    def test_disable_stops_at_once_and_enable_begins_anew(self):
        self.status = 500
        end = self.endpoint()
        self.publish(3)
        self.wait_hooks(1)
        answer = self.same(self.path(end, "disable"))
        self.assertEqual((answer.status, answer.json["status"], answer.json["disabled_reason"]),
                         (200, "disabled", "requested"))
        log = self.wait_log(end, "dead_letter", 3)
        self.assertEqual({d["reason"] for d in log}, {"endpoint_disabled"})
        self.assertEqual(self.api.post(self.path(end, "disable")), answer.json)
        self.status, seen = 200, len(self.receiver.hooks)
        self.publish(2)
        self.it.psql(f"UPDATE webhook_endpoint SET failing_since = now() - interval '80 hours', "
                     f"consecutive_failures = 7 WHERE id = '{to_uuid(end['id'])}'")
        enabled = self.same(self.path(end, "enable")).json
        self.assertEqual((enabled["status"], enabled["disabled_reason"]), ("enabled", None))
        self.assertEqual(self.api.post(self.path(end, "enable")), enabled)
        self.assertEqual(self.it.psql("SELECT consecutive_failures, failing_since FROM "
                                      f"webhook_endpoint WHERE id = '{to_uuid(end['id'])}'"),
                         [["0", ""]])
        self.publish()
        self.wait_hooks(seen + 1)
        self.assertEqual([h.json["sequence"] for h in self.receiver.hooks[seen:]], [6])

    def test_delete_buries_what_waits(self):
        self.status = 500
        end = self.endpoint()
        self.publish(4)
        self.wait_hooks(1)
        self.assertEqual(self.api.request("DELETE", self.path(end)).status, 204)
        belfry.wait_until(lambda: self.it.psql(
            "SELECT status, reason, count(*) FROM delivery_done WHERE endpoint_id = "
            f"'{to_uuid(end['id'])}' GROUP BY 1, 2") == [["dead_letter", "endpoint_deleted", "4"]],
            20, "dead letters")
        for method, parts in (("PATCH", ()), ("POST", ("enable",)), ("POST", ("disable",)),
                              ("POST", ("rotate-secret",)), ("POST", ("test",)),
                              ("GET", ("deliveries",))):
            body = {} if method == "PATCH" else None
            self.problem(self.api.request(method, self.path(end, *parts), body), 404, "not_found")
        delivery = type_id("dlv", self.it.value("SELECT id FROM delivery_done WHERE endpoint_id = "
                                                f"'{to_uuid(end['id'])}' LIMIT 1"))
        self.problem(self.api.request("POST", f"/v1/deliveries/{delivery}/replay"), 404, "not_found")

    # --- secrets -------------------------------------------------------------------------------

    def test_both_secrets_sign_until_the_overlap_ends(self):
        end = self.endpoint()
        answer = self.same(self.path(end, "rotate-secret"), {"overlap_s": 4})
        rotated_at = time.monotonic()
        self.assertEqual(answer.status, 200)
        rotated = answer.json
        self.assertRegex(rotated["secret"], r"^whsec_[A-Za-z0-9+/]{43}=$")
        self.assertNotEqual(rotated["secret"], end["secret"])
        shown = self.api.get(self.path(end))
        self.assertEqual(shown, {k: v for k, v in rotated.items() if k != "secret"})
        left_us = belfry.parse_time_us(shown["previous_secret_until"]) - belfry.now_us()
        self.assertLess(left_us, 4100000)
        self.assertGreater(left_us, 2000000)
        self.publish()
        self.wait_hooks(1)
        hook = self.receiver.hooks[0]
        self.assertLess(time.monotonic() - rotated_at, 4)
        self.assertTrue(hook.is_signed(end["secret"]) and hook.is_signed(rotated["secret"]))
        self.assertEqual(len(hook.headers["webhook-signature"].split()), 2)
        self.problem(self.api.request("POST", self.path(end, "rotate-secret")), 409,
                     "invalid_state_transition")
        belfry.wait_until(lambda: self.api.get(self.path(end))["previous_secret_until"] is None, 10,
                          "the end of the overlap")
        self.publish()
        self.wait_hooks(2)
        hook = self.receiver.hooks[1]
        self.assertFalse(hook.is_signed(end["secret"]))
        self.assertTrue(hook.is_signed(rotated["secret"]))
        self.assertEqual(len(hook.headers["webhook-signature"].split()), 1)

    def test_rotations_by_force_and_without_overlap(self):
        end, path = self.endpoint(), None
        path = self.path(end, "rotate-secret")
        first = self.api.post(path)
        left_us = belfry.parse_time_us(first["previous_secret_until"]) - belfry.now_us()
        self.assertAlmostEqual(left_us / 1e6, 86400, delta=60)
        second = self.api.post(path, {"force": True, "overlap_s": 600})
        self.publish()
        self.wait_hooks(1)
        signed = [self.receiver.hooks[0].is_signed(s["secret"]) for s in (end, first, second)]
        self.assertEqual(signed, [False, True, True])
        third = self.api.post(path, {"force": True, "overlap_s": 0})
        self.assertIsNone(third["previous_secret_until"])
        belfry.wait_until(lambda: self.api.post(self.path(end, "test"))["status"] == "delivered", 10,
                          "a test")
        signed = [self.receiver.hooks[-1].is_signed(s["secret"]) for s in (second, third)]
        self.assertEqual(signed, [False, True])
        for body, pointer in (({"overlap_s": -1}, "/overlap_s"), ({"overlap_s": 604801}, "/overlap_s"),
                              ({"overlap_s": 1.5}, "/overlap_s"), ({"force": "yes"}, "/force"),
                              ({"secret": "x"}, "/secret")):
            self.problem(self.api.request("POST", path, body), 422, "validation_error", pointer)

    def test_rotation_under_load_is_seen_by_no_receiver(self):
        end = self.endpoint()
        stop = threading.Event()

        def load():
            while not stop.is_set():
                self.publish(100)

        thread = threading.Thread(target=load)
        thread.start()
        try:
            self.wait_hooks(200)
            rotated = self.api.post(self.path(end, "rotate-secret"), {"overlap_s": 60})
            seen = len(self.receiver.hooks)
            self.wait_hooks(seen + 1000, 30)
        finally:
            stop.set()
            thread.join()
        # Who knows only the old secret, during the overlap, accepts every one.
        hooks = list(self.receiver.hooks)
        self.assertEqual([h for h in hooks if not h.is_signed(end["secret"])], [])
        # Who has switched over does so soon: what was signed before the answer is on its way.
        late = [i for i, h in enumerate(hooks) if not h.is_signed(rotated["secret"])]
        self.assertLess(max(late), seen + 800)
        self.assertTrue(hooks[-1].is_signed(rotated["secret"]))

    def test_no_secret_stands_anywhere_in_clear(self):
        end = self.endpoint()
        secrets = [end["secret"], self.same(self.path(end, "rotate-secret")).json["secret"]]
        dump = self.it.psql("SELECT encode(secret, 'escape'), encode(secret_old, 'escape') FROM "
                            "webhook_endpoint UNION ALL SELECT encode(body, 'escape'), '' FROM "
                            "idempotency")
        self.assertGreater(len(dump), 1)
        for secret in secrets:
            self.assertNotIn(secret[6:], json.dumps(dump))
            self.assertNotIn(secret[6:], self.it.log("api-gateway.0"))
        self.assertNotIn("whsec_", json.dumps(dump))

    # --- tests of an endpoint ------------------------------------------------------------------

    def test_a_test_answers_with_what_the_receiver_said(self):
        end = self.endpoint("/a", events=["campaign.paused"])
        self.endpoint("/b")
        done = self.api.post(self.path(end, "test"))
        self.assertEqual(list(done), DELIVERY)
        self.assertEqual((done["status"], done["attempts"], done["last_result"],
                          done["last_status_code"], done["event_type"]),
                         ("delivered", 1, "delivered", 200, "webhook_endpoint.test"))
        self.assertIsInstance(done["last_duration_ms"], int)
        hook, = self.receiver.hooks
        self.assertEqual((hook.path, hook.id, hook.attempt), ("/a", done["event_id"], 1))
        self.assertEqual((hook.json["test"], hook.json["type"]), (True, "webhook_endpoint.test"))
        self.assertEqual(hook.json["data"], {"webhook_endpoint": {"id": end["id"]}})
        self.assertEqual(self.receiver.unsigned(), [])
        self.assertEqual(self.api.get("/v1/events")["data"], [hook.json])

    def test_a_test_that_fails_is_one_request(self):
        self.status = 418
        end = self.endpoint()
        done = self.api.post(self.path(end, "test"))
        self.assertEqual((done["status"], done["reason"], done["attempts"], done["last_result"],
                          done["last_status_code"]),
                         ("dead_letter", "test_failed", 1, "http_error", 418))
        log = self.api.get("/v1/deliveries/" + done["id"])["attempt_log"]
        self.assertEqual([(a["number"], a["status_code"]) for a in log], [(1, 418)])
        self.publish()  # six requests of its own: none is the test's
        self.wait_log(end, "dead_letter", 2)
        self.assertEqual(collections.Counter(h.id for h in self.receiver.hooks)[done["event_id"]], 1)
        closed = self.endpoint("/x", url="http://127.0.0.1:1/")
        done = self.api.post(self.path(closed, "test"))
        self.assertEqual((done["status"], done["last_result"], done["last_status_code"]),
                         ("dead_letter", "connect_error", None))

    def test_a_repeated_test_under_one_key_is_one_request(self):
        end = self.endpoint()
        done = self.same(self.path(end, "test")).json
        self.assertEqual([h.id for h in self.receiver.hooks], [done["event_id"]])
        self.api.post(self.path(end, "disable"))
        body = self.problem(self.api.request("POST", self.path(end, "test")), 409,
                            "invalid_state_transition")
        self.assertEqual((body["current_status"], body["allowed"]), ("disabled", ["enable"]))

    def test_tests_that_hang_or_have_to_wait_are_answered_in_time(self):
        self.receiver.respond = lambda hook: (429, {"Retry-After": "600"}) \
            if hook.path == "/gated" else None
        ends = [self.endpoint("/hangs"), self.endpoint("/gated", events=["campaign.paused"])]
        self.api.patch(self.path(ends[0]), {"events": ["campaign.paused"]})
        self.assertEqual(self.api.post(self.path(ends[1], "test"))["last_status_code"], 429)
        answers = {}

        def ask(end, client):
            answers[end["id"]] = client.post(self.path(end, "test"))

        threads = [threading.Thread(target=ask, args=(end, self.client(self.api.key)))
                   for end in ends]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertLess(time.monotonic() - began, 25)
        hung, gated = (answers[end["id"]] for end in ends)
        self.assertEqual((hung["status"], hung["last_result"]), ("dead_letter", "timeout"))
        self.assertEqual((gated["status"], gated["attempts"]), ("pending", 0))
        self.assertEqual([h.path for h in self.receiver.hooks], ["/gated", "/hangs"])

    # --- the log -------------------------------------------------------------------------------

    def test_the_log_has_every_attempt(self):
        answers = [500, (429, {"Retry-After": "1"}), 200]
        self.receiver.respond = lambda hook: answers[hook.attempt - 1]
        end = self.endpoint()
        self.publish()
        row, = self.wait_log(end, "delivered", 1)
        self.assertEqual(list(row), DELIVERY)
        self.assertEqual((row["attempts"], row["last_status_code"], row["generation"],
                          row["replayed_as"]), (3, 200, 1, None))
        one = self.api.get("/v1/deliveries/" + row["id"])
        log = one.pop("attempt_log")
        self.assertEqual(one, row)
        self.assertEqual([(a["number"], a["result"], a["status_code"]) for a in log],
                         [(1, "http_error", 500), (2, "http_error", 429), (3, "delivered", 200)])
        self.assertEqual([list(a) for a in log], [["number", "started_at", "result", "status_code",
                                                   "duration_ms", "excerpt"]] * 3)
        self.assertEqual(sorted(a["started_at"] for a in log), [a["started_at"] for a in log])
        for method, path in (("GET", ""), ("POST", "/replay")):
            for other in (type_id("dlv"), "dlv_x"):
                answer = self.api.request(method, f"/v1/deliveries/{other}{path}")
                self.problem(answer, 404, "not_found")
            answer = self.two.api.request(method, f"/v1/deliveries/{row['id']}{path}")
            self.problem(answer, 404, "not_found")

    def gated(self, *events):
        """An endpoint that nothing is sent to."""
        end = self.endpoint(events=events or ("*",))
        self.it.psql("UPDATE webhook_endpoint SET gate_until = now() + interval '1 hour' WHERE id = "
                     f"'{to_uuid(end['id'])}'")
        return end

    def test_a_backlog_is_listed_page_by_page_and_found_one_by_one(self):
        end = self.gated("campaign.paused", "campaign.completed")
        other = self.gated()
        for n in range(30):
            self.publish(n % 3 * 100 + 1, ("campaign.completed", "campaign.paused")[n % 2])
            self.publish(1, "webhook_endpoint.disabled")  # for the other one only
        owed = [int(row[0]) for row in self.it.psql(
            f"SELECT sequence FROM event WHERE workspace_id = '{self.ws}' AND type <> "
            "'webhook_endpoint.disabled' ORDER BY sequence DESC")]
        # Some were tried, and some ended, here and there.
        tried, ended = set(owed[5:3000:7]), set(owed[2:3000:11])
        tried -= ended
        of_it = f"FROM delivery_owed WHERE endpoint_id = '{to_uuid(end['id'])}' AND sequence IN "
        self.it.psql(f"""
            INSERT INTO delivery SELECT workspace_id, endpoint_id, id, sequence, event_type, 1,
                created_at, now() + interval '1 hour', 1 {of_it} ({','.join(map(str, tried))});
            INSERT INTO delivery_done SELECT workspace_id, endpoint_id, id, sequence, event_type, 1,
                created_at, now(), 'delivered', NULL, 1 {of_it} ({','.join(map(str, ended))})""")
        path = self.path(end, "deliveries")
        for limit in (7, 100):
            listed = list(self.api.pages(path, limit=limit))
            self.assertEqual([d["sequence"] for d in listed], owed)
            self.assertEqual(sorted((d["id"] for d in listed), reverse=True), [d["id"] for d in listed])
            self.assertEqual({d["sequence"] for d in listed if d["status"] == "delivered"}, ended)
            self.assertEqual({d["sequence"] for d in listed if d["attempts"] == 0}, set(owed) - tried - ended)
        pending = list(self.api.pages(path + "?status=pending", limit=100))
        self.assertEqual(pending, [d for d in listed if d["status"] == "pending"])
        self.assertEqual(len(list(self.api.pages(self.path(other, "deliveries"), limit=100))),
                         len(owed) + 30)
        for row in listed[::211] + listed[-1:]:
            one = self.api.get("/v1/deliveries/" + row["id"])
            one.pop("attempt_log")
            self.assertEqual(one, row)
            self.assertEqual(self.two.api.request("GET", f"/v1/deliveries/{row['id']}").status, 404)
            if row["status"] == "pending":
                body = self.problem(self.api.request("POST", f"/v1/deliveries/{row['id']}/replay"), 409,
                                    "invalid_state_transition")
                self.assertEqual(body["current_status"], "pending")

    def test_a_delivery_is_replayed_right_after_it_was_delivered(self):
        end = self.endpoint()
        self.publish(50)
        hooks = self.wait_hooks(50) or self.receiver.hooks
        rows = self.wait_log(end, "delivered", 50)
        self.assertEqual({h.headers["belfry-delivery"] for h in hooks}, {d["id"] for d in rows})
        for row in rows[::10]:
            again = self.api.post(f"/v1/deliveries/{row['id']}/replay")
            self.assertEqual((again["generation"], again["sequence"]), (2, row["sequence"]))
        self.publish(50)
        self.wait_log(end, "delivered", 105)
        times = collections.Counter(h.id for h in self.receiver.hooks)
        self.assertEqual(collections.Counter(times.values()), {1: 95, 2: 5})
        self.assertEqual({n for n, count in times.items() if count == 2},
                         {row["event_id"] for row in rows[::10]})

    # --- replays -------------------------------------------------------------------------------

    def test_a_replay_is_a_new_generation_of_the_same_bytes(self):
        self.status = 500
        end = self.endpoint()
        self.publish()
        dead, = self.wait_log(end, "dead_letter", 1)
        self.assertEqual((dead["attempts"], len(self.receiver.hooks)), (6, 6))
        path = f"/v1/deliveries/{dead['id']}/replay"
        second = self.api.request("POST", path)
        self.assertEqual(second.status, 202)
        self.assertEqual(list(second.json), DELIVERY)
        self.assertEqual((second.json["status"], second.json["generation"], second.json["attempts"],
                          second.json["event_id"], second.json["sequence"]),
                         ("pending", 2, 0, dead["event_id"], dead["sequence"]))
        body = self.problem(self.api.request("POST", path), 409, "invalid_state_transition")
        self.assertEqual(body["current_status"], "pending")
        self.wait_log(end, "dead_letter", 2)
        self.assertEqual(len(self.receiver.hooks), 12)
        self.status = 200
        third = self.same(path).json  # of the newest, whichever is named
        self.assertEqual(third["generation"], 3)
        done, = self.wait_log(end, "delivered", 1)
        self.assertEqual((done["id"], done["attempts"]), (third["id"], 1))
        log = {d["id"]: d["replayed_as"] for d in self.api.get(self.path(end, "deliveries"))["data"]}
        self.assertEqual(log, {dead["id"]: second.json["id"], second.json["id"]: third["id"],
                               third["id"]: None})
        hooks = self.receiver.hooks
        self.assertEqual([h.attempt for h in hooks], [1, 2, 3, 4, 5, 6] * 2 + [1])
        self.assertEqual({h.id for h in hooks}, {dead["event_id"]})
        self.assertEqual(len({h.body for h in hooks}), 1)
        self.assertEqual(len({h.headers["belfry-delivery"] for h in hooks}), 3)
        self.assertEqual(self.receiver.unsigned(), [])

    def test_what_cannot_be_replayed(self):
        end = self.endpoint()
        self.dead(2)
        first, second = self.api.get(self.path(end, "deliveries"))["data"]
        self.it.psql(f"DELETE FROM event WHERE workspace_id = '{self.ws}' AND sequence = "
                     f"{first['sequence']}")
        answer = self.api.request("POST", f"/v1/deliveries/{first['id']}/replay")
        self.problem(answer, 409, "invalid_state_transition")
        self.assertEqual(self.api.post(self.path(end, "replay"), {"since": first["created_at"]}),
                         {"replayed": 1})
        self.wait_hooks(1)
        self.api.post(self.path(end, "disable"))
        for path, body in ((f"/v1/deliveries/{second['id']}/replay", None),
                           (self.path(end, "replay"), {"since": first["created_at"]})):
            self.problem(self.api.request("POST", path, body), 409, "invalid_state_transition")
        for body, pointers in (({}, ["/since"]), ({"since": "yesterday"}, ["/since"]),
                               ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-02T00:00:00Z"},
                                ["/until"]),
                               ({"since": "2026-01-02T00:00:00Z", "status": "pending", "x": 1},
                                ["/status", "/x"])):
            self.problem(self.api.request("POST", self.path(end, "replay"), body), 422,
                         "validation_error", *pointers)
        answer = self.api.request("POST", self.path(end, "replay"),
                                  {"since": "2026-01-02T00:00:00Z", "types": ["*"]})
        self.problem(answer, 422, "unknown_event_type", "/types/0")

    def test_a_replay_of_three_batches_sends_each_once(self):
        end = self.endpoint()
        count = 3 * BATCH + 7
        self.dead(count)
        span = {"since": "2026-01-01T00:00:00Z", "status": "dead_letter"}
        # Two at once, and a third when both are done.
        clients, answers = [self.client(self.api.key) for _ in range(2)], []
        threads = [threading.Thread(target=lambda c: answers.append(
            c.post(self.path(end, "replay"), span)["replayed"]), args=(c,)) for c in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sum(answers), count)
        self.wait_hooks(count, 60)
        belfry.wait_until(lambda: self.it.value("SELECT count(*) FROM delivery WHERE workspace_id = "
                                                f"'{self.ws}'") == "0", 30, "their records")
        self.assertEqual(self.api.post(self.path(end, "replay"), span), {"replayed": 0})
        hooks = list(self.receiver.hooks)
        self.assertEqual(sorted(h.json["sequence"] for h in hooks), list(range(1, count + 1)))
        self.assertEqual(len({h.id for h in hooks}), count)
        self.assertEqual(self.receiver.unsigned(), [])
        self.assertEqual(self.it.psql(
            "SELECT generation, status, replayed_as IS NULL, count(*) FROM delivery_done WHERE "
            f"workspace_id = '{self.ws}' GROUP BY 1, 2, 3 ORDER BY 1"),
            [["1", "dead_letter", "f", str(count)], ["2", "delivered", "t", str(count)]])

    def test_a_replay_picks_by_time_type_and_status(self):
        end = self.endpoint()
        self.dead(2)
        self.dead(3, "campaign.paused")
        self.publish()
        self.wait_log(end, "delivered", 1)
        self.it.psql("UPDATE delivery_done SET created_at = created_at - interval '1 hour', "
                     "id = uuid7(created_at - interval '1 hour', sequence) WHERE "
                     f"workspace_id = '{self.ws}' AND sequence = 1")
        middle, path = "2000-01-01T00:00:00Z", self.path(end, "replay")
        created = [d["created_at"] for d in self.api.get(self.path(end, "deliveries"))["data"]]
        oldest, newer = min(created), sorted(created)[1]
        for body, count in (({"since": middle, "until": oldest}, 0),
                            ({"since": middle, "types": ["scheduled_call.failed"]}, 0),
                            ({"since": newer, "types": ["campaign.completed"],
                              "status": "dead_letter"}, 1),
                            ({"since": middle, "until": newer}, 1),
                            ({"since": middle, "status": "dead_letter"}, 3)):
            self.assertEqual(self.same(path, body).json, {"replayed": count}, body)
        self.wait_hooks(6)
        times = collections.Counter(h.json["sequence"] for h in self.receiver.hooks)
        self.assertEqual(times, {n: 1 for n in range(1, 7)})
        # All that is delivered, once more: the newest generation of each.
        belfry.wait_until(lambda: self.api.post(path, {"since": middle})["replayed"] == 6, 10,
                          "all six")

    # --- the pull log --------------------------------------------------------------------------

    def test_the_pull_log_has_the_bytes_that_were_sent(self):
        self.endpoint()
        self.publish(3)
        self.publish(2, "campaign.paused")
        self.wait_hooks(5)
        sent = {h.json["sequence"]: h.body for h in self.receiver.hooks}
        text = self.api.request("GET", "/v1/events").body
        self.assertEqual([e["sequence"] for e in json.loads(text)["data"]], [1, 2, 3, 4, 5])
        self.assertEqual(text, b'{"data":[' + b",".join(sent[n] for n in sorted(sent)) +
                         b'],"next_cursor":null,"has_more":false}')
        for query, expected in (("after=3", [4, 5]), ("after=5", []), ("after=0&limit=2", [1, 2]),
                                ("types=campaign.paused", [4, 5]),
                                ("types=campaign.paused,campaign.completed&after=2", [3, 4, 5]),
                                ("types=conversation.completed", [])):
            page = self.api.get("/v1/events?" + query)
            self.assertEqual([e["sequence"] for e in page["data"]], expected, query)
        self.assertEqual(self.two.api.get("/v1/events")["data"], [])

    def test_the_pull_logs_cursors(self):
        self.publish(7)
        self.assertEqual([e["sequence"] for e in self.api.pages("/v1/events?after=1", limit=2)],
                         [2, 3, 4, 5, 6, 7])
        page = self.api.get("/v1/events?after=1&limit=6")
        self.assertEqual((page["has_more"], page["next_cursor"]), (False, None))
        cursor = self.api.get("/v1/events?after=1&limit=2")["next_cursor"]
        for query in ("", "after=2&", "after=1&types=campaign.paused&"):
            answer = self.api.request("GET", f"/v1/events?{query}cursor={cursor}")
            self.problem(answer, 400, "cursor_mismatch")
        many = ",".join(["campaign.paused"] * 33)
        for query, name in (("after=-1", "after"), ("after=x", "after"), (f"types={many}", "types"),
                            ("limit=0", "limit"), ("type=x", "type")):
            self.problem(self.api.request("GET", "/v1/events?" + query), 422, "validation_error",
                         name)
        for types in ("x", "", "campaign.paused,", "campaign.paused,*"):
            self.problem(self.api.request("GET", "/v1/events?types=" + types), 422,
                         "unknown_event_type", "types")
        answer = self.api.request("GET", "/v1/events?types=x&after=-1")
        self.problem(answer, 422, "validation_error", "types", "after")

    def test_a_rare_type_far_away_is_found_page_by_page(self):
        self.publish(SCAN + 5)
        self.publish(1, "campaign.paused")
        page = self.api.get("/v1/events?types=campaign.paused")
        self.assertEqual((page["data"], page["has_more"]), ([], True))
        found = list(self.api.pages("/v1/events?types=campaign.paused"))
        self.assertEqual([e["sequence"] for e in found], [SCAN + 6])

    # --- retention -----------------------------------------------------------------------------

    def test_what_is_old_goes_and_what_is_not_stays(self):
        self.status = 500
        end = self.endpoint()
        self.publish(2, kind="campaign.paused")
        self.wait_log(end, "dead_letter", 2)
        self.dead(1500)
        self.same(self.path(end, "disable"))
        ago = "interval '3601 seconds'"
        self.it.psql(f"""
            UPDATE event SET at = at - {ago} WHERE workspace_id = '{self.ws}' AND sequence > 1;
            UPDATE idempotency SET created_at = now() - interval '24 hours 1 second'
                WHERE workspace_id = '{self.ws}';
            WITH old AS (DELETE FROM delivery_done WHERE workspace_id = '{self.ws}' AND sequence > 1
                RETURNING *), moved AS (SELECT old.*, uuid7(now() - {ago}, sequence) AS new_id FROM old),
            attempts AS (UPDATE delivery_attempt a SET delivery_id = m.new_id FROM moved m
                WHERE a.workspace_id = m.workspace_id AND a.delivery_id = m.id)
            INSERT INTO delivery_done (workspace_id, endpoint_id, id, sequence, event_type, generation,
                created_at, ended_at, status, reason, attempts)
            SELECT workspace_id, endpoint_id, new_id, sequence, event_type, generation,
                created_at - {ago}, ended_at - {ago}, status, reason, attempts FROM moved""")

        def left():
            return self.it.psql(
                f"SELECT (SELECT count(*) FROM event WHERE workspace_id = '{self.ws}'), "
                f"(SELECT count(*) FROM delivery_done WHERE workspace_id = '{self.ws}'), "
                f"(SELECT count(*) FROM delivery_attempt WHERE workspace_id = '{self.ws}'), "
                f"(SELECT count(*) FROM idempotency WHERE workspace_id = '{self.ws}')")

        belfry.wait_until(lambda: left() == [["1", "1", "5", "0"]], 20, lambda: f"rows go: {left()}")
        self.assertEqual([e["sequence"] for e in self.api.get("/v1/events")["data"]], [1])
        row, = self.api.get(self.path(end, "deliveries"))["data"]
        self.assertEqual(row["sequence"], 1)

    def test_what_is_owed_stays_however_old(self):
        """Events that a range owes, and the records of those it does not owe any more: who reads the
        range again tells by them what was sent."""
        self.publish(2)
        end = self.gated()
        self.publish(5)
        ended = f"""INSERT INTO delivery_done SELECT workspace_id, endpoint_id, id, sequence, event_type, 1,
            created_at, now() - interval '2 hours', 'delivered', NULL, 1 FROM delivery_owed
            WHERE endpoint_id = '{to_uuid(end['id'])}' AND sequence IN (4, 5)"""
        self.it.psql(f"""
            UPDATE event SET at = at - interval '2 hours' WHERE workspace_id = '{self.ws}';
            UPDATE delivery_range SET created_at = created_at - interval '2 hours'
                WHERE workspace_id = '{self.ws}'; {ended}""")

        def left():
            return [[row[0] for row in self.it.psql(
                f"SELECT sequence FROM {table} WHERE workspace_id = '{self.ws}' ORDER BY 1")]
                    for table in ("event", "delivery_done")]

        belfry.wait_until(lambda: left()[0] == list("34567"), 20, lambda: f"old rows go: {left()}")
        # Another whole round of it, which ends with the stored answers.
        self.it.psql("INSERT INTO idempotency (workspace_id, key, request_hash, status, body, created_at) "
                     f"VALUES ('{self.ws}', 'old', '', 200, '', now() - interval '25 hours')")
        belfry.wait_until(lambda: self.it.value("SELECT count(*) FROM idempotency WHERE workspace_id = "
                                                f"'{self.ws}' AND key = 'old'") == "0", 20, "a round")
        self.assertEqual(left(), [list("34567"), list("45")])
        self.assertEqual([d["sequence"] for d in self.api.pages(self.path(end, "deliveries"))],
                         [7, 6, 5, 4, 3])
        self.it.psql(f"DELETE FROM delivery_range WHERE workspace_id = '{self.ws}'")
        belfry.wait_until(lambda: left() == [[], []], 20, lambda: f"all goes: {left()}")


if __name__ == "__main__":
    unittest.main()
