"""Suppressions: the list over the API, and that nothing on it is dialed, at first or once more."""
import collections
import json
import threading
import unittest
import uuid

import belfry
from api_case import ApiCase, Session, to_uuid, type_id

DEADLINE_S = 300
PATH = "/v1/suppressions"
CSV = {"Content-Type": "text/csv"}


def key():
    return {"Idempotency-Key": str(uuid.uuid4())}


class Beside:
    """Runs something beside the block; its answer is in the list afterwards."""

    def __init__(self, run):
        self.answers = []
        self.thread = threading.Thread(target=lambda: self.answers.append(run()))

    def __enter__(self):
        self.thread.start()
        return self.answers

    def __exit__(self, *_):
        self.thread.join(timeout=20)


class ListTest(ApiCase):
    def setUp(self):
        self.api = self.one.api
        self.numbers = [self.fresh_number() for _ in range(6)]

    def stored(self, number):
        return self.it.psql("SELECT coalesce(reason, '-') FROM suppression WHERE workspace_id = "
                            f"'{to_uuid(self.one.workspace)}' AND to_number = '{number}'")

    def imported(self, body, headers=None):
        answer = self.api.request("POST", PATH + "/import", body, headers)
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    # --- one

    def test_a_number_is_put_on_the_list_found_and_taken_off(self):
        number = self.numbers[0]
        body = {"to_number": number, "reason": "asked for it"}
        answer = self.api.request("POST", PATH, body)
        self.assertEqual(answer.status, 201, answer)
        made = answer.json
        self.assertEqual(set(made), {"id", "to_number", "reason", "created_at"})
        self.assertEqual({k: made[k] for k in body}, body)
        self.assertEqual(answer.headers["Location"], f"{PATH}/{made['id']}")
        self.assertEqual(self.api.get(answer.headers["Location"]), made)
        found = self.api.get(f"{PATH}/check?to_number=%2B{number[1:]}")
        self.assertEqual(found, {"to_number": number, "suppressed": True, "suppression": made})
        self.assertEqual(self.api.get(f"{PATH}?to_number=%2B{number[1:]}")["data"], [made])
        self.assertEqual(self.api.request("DELETE", f"{PATH}/{made['id']}").status, 204)
        for method in ("DELETE", "GET"):
            self.problem(self.api.request(method, f"{PATH}/{made['id']}"), 404, "not_found")
        found = self.api.get(f"{PATH}/check?to_number=%2B{number[1:]}")
        self.assertEqual(found, {"to_number": number, "suppressed": False, "suppression": None})
        lines = [(line["action"], line["subject"]) for line in self.api.get("/v1/audit")["data"]
                 if line["subject"] == made["id"]]
        self.assertEqual(lines, [("suppression.delete", made["id"]),
                                 ("suppression.create", made["id"])])

    def test_what_is_on_the_list_already_is_answered_as_it_stands(self):
        made = self.api.post(PATH, {"to_number": self.numbers[0]})
        self.assertIsNone(made["reason"])
        again = self.api.request("POST", PATH, {"to_number": self.numbers[0], "reason": "new"}, key())
        self.assertEqual((again.status, again.json), (200, made))
        self.assertEqual(self.stored(self.numbers[0]), [["-"]])

    def test_under_a_key_the_answer_is_given_again(self):
        headers, body = key(), {"to_number": self.numbers[0], "reason": None}
        first = self.api.request("POST", PATH, body, headers)
        self.api.delete(f"{PATH}/{first.json['id']}")
        again = self.api.request("POST", PATH, body, headers)
        self.assertEqual((first.status, again.status, again.body), (201, 201, first.body))
        self.assertEqual(again.headers["Location"], first.headers["Location"])
        self.assertEqual(self.stored(self.numbers[0]), [])

    def test_faults(self):
        for body, code, pointers in (
                ({}, "validation_error", ["/to_number"]),
                ({"to_number": "0049301234"}, "invalid_e164", ["/to_number"]),
                ({"to_number": "+14155550123", "reason": "x" * 201}, "validation_error", ["/reason"]),
                ({"to_number": "+14155550123", "why": 1}, "validation_error", ["/why"])):
            self.problem(self.api.request("POST", PATH, body), 422, code, *pointers)
        for query, code in (("", "validation_error"), ("?to_number=1", "invalid_e164")):
            self.problem(self.api.request("GET", PATH + "/check" + query), 422, code, "to_number")
        self.problem(self.api.request("GET", PATH + "?to_number=x"), 422, "invalid_e164", "to_number")

    def test_each_workspace_has_its_own_list(self):
        made = self.api.post(PATH, {"to_number": self.numbers[0]})
        other = self.two.api.post(PATH, {"to_number": self.numbers[0]})
        self.assertNotEqual(made["id"], other["id"])
        for method in ("GET", "DELETE"):
            self.problem(self.two.api.request(method, f"{PATH}/{made['id']}"), 404, "not_found")
        self.two.api.delete(f"{PATH}/{other['id']}")
        self.assertTrue(self.api.get(f"{PATH}/check?to_number=%2B{self.numbers[0][1:]}")["suppressed"])

    def test_pages(self):
        made = [self.api.post(PATH, {"to_number": number})["id"] for number in self.numbers]
        listed = [one["id"] for one in self.api.pages(PATH, limit=2)]
        self.assertEqual(listed[:len(made)], made[::-1])
        cursor = self.api.get(PATH + "?limit=1")["next_cursor"]
        self.problem(self.api.request("GET", f"{PATH}?to_number=%2B14155550123&cursor={cursor}"), 400,
                     "cursor_mismatch")

    # --- many

    def test_json(self):
        a, b, c = self.numbers[:3]
        self.api.post(PATH, {"to_number": c, "reason": "was first"})
        answer = self.imported([a, {"to_number": b, "reason": "complaint"}, a, c, "123", 7,
                                {"to_number": "+1", "x": 1}])
        errors = answer.pop("errors")
        self.assertEqual(answer, {"received": 7, "inserted": 2, "deduped": 2, "rejected": 3})
        self.assertEqual([(e["index"], e["pointer"], e["code"]) for e in errors],
                         [(4, "/4", "invalid_e164"), (5, "/5", "validation_error"),
                          (6, "/6/to_number", "invalid_e164"), (6, "/6/x", "validation_error")])
        self.assertEqual([self.stored(n) for n in (a, b, c)], [[["-"]], [["complaint"]],
                                                               [["was first"]]])

    def test_csv(self):
        a, b, c, d = self.numbers[:4]
        answer = self.imported(f"\ufeff{a}\r\n{b},\"said \"\"no\"\", twice\"\r\n".encode(), CSV)
        self.assertEqual((answer["received"], answer["inserted"]), (2, 2))
        self.assertEqual(self.stored(b), [['said "no", twice']])
        answer = self.imported(f"note,Reason,PHONE\n1,done,{c}\n2,,{d}\n\n3,x,abc\n".encode(),
                               {"Content-Type": "text/csv; charset=utf-8"})
        self.assertEqual((answer["received"], answer["inserted"], answer["rejected"]), (3, 2, 1))
        self.assertEqual([(e["index"], e["pointer"], e["code"]) for e in answer["errors"]],
                         [(2, "/2/to_number", "invalid_e164")])
        self.assertEqual((self.stored(c), self.stored(d)), ([["done"]], [["-"]]))
        answer = self.imported(b"who\nAda\n", CSV)
        self.assertEqual((answer["received"], answer["rejected"]), (2, 2))
        self.assertEqual(self.imported(b"", CSV)["received"], 0)

    def test_an_import_under_a_key_is_made_once(self):
        headers = key()
        first = self.api.request("POST", PATH + "/import", [self.numbers[0]], headers)
        again = self.api.request("POST", PATH + "/import", [self.numbers[0]], headers)
        self.assertEqual((again.status, again.body), (200, first.body))
        self.assertEqual(again.headers["Idempotent-Replayed"], "true")
        self.problem(self.api.request("POST", PATH + "/import", [self.numbers[1]], headers), 422,
                     "idempotency_key_reused")

    def test_bodies_that_are_no_list(self):
        path = PATH + "/import"
        self.problem(self.api.request("POST", path, {"to_number": self.numbers[0]}), 422,
                     "validation_error")
        self.problem(self.api.request("POST", path, b"[", {"Content-Type": "application/json"}), 400,
                     "malformed_json")
        self.problem(self.api.request("POST", path, b"x", {"Content-Type": "text/plain"}), 415,
                     "unsupported_media_type")
        rows = b"".join(b"+1%010d\n" % n for n in range(2000000000, 2000100001))
        self.problem(self.api.request("POST", path, rows, CSV), 422, "validation_error")
        rows = json.dumps([1] * 100001).encode()
        self.problem(self.api.request("POST", path, rows, {"Content-Type": "application/json"}), 422,
                     "validation_error")

    def test_the_greatest_list(self):
        rows = b"".join(b"+1%010d\n" % n for n in range(3000000000, 3000100000))
        answer = self.imported(rows, CSV)
        self.assertEqual((answer["received"], answer["inserted"]), (100000, 100000))
        answer = self.imported(rows, CSV)
        self.assertEqual((answer["inserted"], answer["deduped"]), (0, 100000))

    def test_two_imports_at_once_do_not_wait_for_each_other_for_ever(self):
        """The second waits for the first one's number, while it has a greater one of its own."""
        low, high = sorted(self.numbers[:2])
        session = Session(self.it)
        ws = to_uuid(self.one.workspace)
        insert = ("INSERT INTO suppression (workspace_id, id, to_number) VALUES "
                  f"('{ws}', gen_random_uuid(), '%s')")
        try:
            session.run("BEGIN")
            session.run(insert % low)
            api = self.client(self.key(self.one.workspace))
            with Beside(lambda: api.post(PATH + "/import", [high, low])) as answers:
                belfry.wait_until(lambda: self.it.value(
                    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == "1",
                    10, "the import waits")
                session.run(insert % high)
                session.run("COMMIT")
        finally:
            session.close()
        self.assertEqual((answers[0]["inserted"], answers[0]["deduped"]), (0, 2))

    def test_an_unknown_suppression(self):
        for method in ("GET", "DELETE"):
            for one in (type_id("sup"), "sup_x"):
                self.problem(self.api.request(method, f"{PATH}/{one}"), 404, "not_found")


class SuppressedCallsTest(belfry.TestCase):
    def setUp(self):
        self.shared = self.stack(dispatchers=2, settings={"SIM_RING_MS": 20, "SIM_TALK_MS": 50})

    def events(self, number, *types):
        return self.shared.psql(
            "SELECT type, outcome, attempt_number FROM event WHERE to_number = "
            f"'{number}' AND type IN ({', '.join(repr(t) for t in types)})")

    def check_refused(self, number, call):
        self.assertEqual((call["status"], call["outcome"], call["next_attempt_at"]),
                         ("failed", "suppressed", None), call)
        self.assertEqual(self.events(number, "scheduled_call.failed"),
                         [["scheduled_call.failed", "suppressed", ""]])

    def call_of(self, number):
        calls = self.shared.api.get(f"/v1/scheduled-calls?to_number=%2B{number[1:]}")["data"]
        self.assertEqual(len(calls), 1)
        return calls[0]

    def test_what_is_on_the_list_is_not_dialed(self):
        with self.subTest("bulk"):
            self.check_bulk()
        with self.subTest("between attempts"):
            self.check_between_attempts()
        with self.subTest("ad hoc"):
            self.check_ad_hoc()
        with self.subTest("taken off again"):
            self.check_taken_off()

    def check_bulk(self):
        stack = self.shared
        numbers = belfry.numbers(60)
        before, during = numbers[3::10], numbers[39::10]
        stack.api.post(PATH + "/import", before)
        campaign = stack.campaign(numbers, rate=600)
        stack.start_campaign(campaign)
        belfry.wait_until(lambda: stack.counts(campaign)["dispatched"] > 2, 20, "calls are made")
        stack.api.post(PATH + "/import", during)
        done = stack.wait_status(campaign, "completed", 30)
        refused = set(before) | set(during)
        self.assertEqual((done["counts"]["dispatched"], done["counts"]["failed"],
                          done["counts"]["scheduled"]), (60 - len(refused), len(refused), 0))
        dials = collections.Counter(dial["to"] for dial in stack.ledger().dials(campaign))
        self.assertEqual(dials, {number: 1 for number in numbers if number not in refused})
        for target in stack.targets(campaign):
            wanted = ("failed", "suppressed", 0) if target["to_number"] in refused else (
                "dispatched", "answered", 1)
            self.assertEqual((target["status"], target["outcome"], target["attempts"]), wanted)
        for number in refused:
            call = self.call_of(number)
            self.assertEqual(call["attempts"], [])
            self.check_refused(number, call)

    def check_between_attempts(self):
        """Busy once; the next attempt would be answered."""
        stack = self.shared
        number = belfry.numbers(1, "0007", block=1)[0]
        campaign = stack.campaign([number], max_attempts=3, retry_policy={
            "rules": [{"on": ["busy"], "delay_s": 8}], "jitter_pct": 0})
        stack.start_campaign(campaign)
        belfry.wait_until(lambda: stack.targets(campaign)[0]["outcome"] == "busy", 20, "it is busy")
        stack.api.post(PATH, {"to_number": number})
        done = stack.wait_status(campaign, "completed", 30)
        self.assertEqual(done["counts"]["failed"], 1)
        call = self.call_of(number)
        self.check_refused(number, call)
        self.assertEqual([attempt["outcome"] for attempt in call["attempts"]], ["busy"])
        self.assertEqual(len(stack.ledger().dials(campaign)), 1)
        self.assertEqual(stack.targets(campaign)[0]["outcome"], "suppressed")

    def ad_hoc(self, number):
        stack = self.shared
        return stack.api.post("/v1/scheduled-calls", {
            "to_number": number, "from_number": belfry.FROM_NUMBER, "agent_id": stack.agent_id},
            key())["id"]

    def wait_ended(self, call):
        seen = {}

        def ended():
            seen.update(self.shared.api.get(f"/v1/scheduled-calls/{call}"))
            return seen["status"] in ("dispatched", "failed")

        belfry.wait_until(ended, 20, lambda: f"the end of {seen}")
        return seen

    def check_ad_hoc(self):
        number = belfry.numbers(1, block=2)[0]
        self.shared.api.post(PATH, {"to_number": number})
        call = self.wait_ended(self.ad_hoc(number))
        self.check_refused(number, call)
        self.assertEqual(call["attempts"], [])

    def check_taken_off(self):
        number = belfry.numbers(1, block=3)[0]
        made = self.shared.api.post(PATH, {"to_number": number})
        self.shared.api.delete(f"{PATH}/{made['id']}")
        self.assertEqual(self.wait_ended(self.ad_hoc(number))["outcome"], "answered")


if __name__ == "__main__":
    unittest.main()
