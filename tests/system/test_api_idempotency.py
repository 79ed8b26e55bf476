"""An Idempotency-Key: one effect and one answer, however often and however close together it is asked."""
import threading
import unittest

import belfry
from api_case import ApiCase, Session, to_uuid


class Idempotency(ApiCase):
    def setUp(self):
        self.api = self.one.api

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


if __name__ == "__main__":
    unittest.main()
