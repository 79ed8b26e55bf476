"""The life of a webhook endpoint over HTTP, against a real sender and a real receiver: changes,
rotation of its secret, tests."""
import collections
import json
import threading
import unittest

import belfry
from api_case import to_uuid, type_id
from api_webhook_case import DELIVERY, WebhookCase

LATER = (503, {"Retry-After": "3"})  # and there is time to change something before the last attempt

class Endpoints(WebhookCase):
    # --- the endpoint --------------------------------------------------------------------------

    def test_patch_holds_for_what_is_sent_after_it(self):
        self.status = LATER
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
        self.status = LATER
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
        self.status = LATER
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
        overlap_s = 12
        answer = self.same(self.path(end, "rotate-secret"), {"overlap_s": overlap_s})
        answered_us = belfry.now_us()
        self.assertEqual(answer.status, 200)
        rotated = answer.json
        self.assertRegex(rotated["secret"], r"^whsec_[A-Za-z0-9+/]{43}=$")
        self.assertNotEqual(rotated["secret"], end["secret"])
        shown = self.api.get(self.path(end))
        self.assertEqual(shown, {k: v for k, v in rotated.items() if k != "secret"})
        until_us = belfry.parse_time_us(shown["previous_secret_until"])
        self.assertLess(abs(until_us - overlap_s * 1000000 - answered_us), 5000000)
        self.publish()
        self.wait_hooks(1)
        hook = self.receiver.hooks[0]
        self.assertLess(hook.at_us, until_us, "the machine is too slow for this test")
        self.assertTrue(hook.is_signed(end["secret"]) and hook.is_signed(rotated["secret"]))
        self.assertEqual(len(hook.headers["webhook-signature"].split()), 2)
        self.problem(self.api.request("POST", self.path(end, "rotate-secret")), 409,
                     "invalid_state_transition")
        belfry.wait_until(lambda: self.api.get(self.path(end))["previous_secret_until"] is None, 20,
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
        watch = belfry.Stopwatch()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertLess(watch.s(), 25)
        hung, gated = (answers[end["id"]] for end in ends)
        self.assertEqual((hung["status"], hung["last_result"]), ("dead_letter", "timeout"))
        self.assertEqual((gated["status"], gated["attempts"]), ("pending", 0))
        self.assertEqual([h.path for h in self.receiver.hooks], ["/gated", "/hangs"])


if __name__ == "__main__":
    unittest.main()
