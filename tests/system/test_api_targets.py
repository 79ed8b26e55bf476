"""Targets and calls over HTTP: append, list, search, get, skip, and what a cancel does to them. The
scheduler runs, so that targets become calls; the campaigns are so slow that few are dialed."""
import threading
import unittest

import belfry
from api_case import ApiCase, Tenant, to_uuid, type_id

TARGET = ["id", "campaign_id", "to_number", "name", "external_id", "timezone", "variables", "status",
          "outcome", "attempts", "next_attempt_at", "scheduled_call_id", "created_at", "updated_at"]
CALL = ["id", "campaign_id", "target_id", "to_number", "from_number", "agent_id", "scheduled_at",
        "next_attempt_at", "status", "outcome", "attempts", "conversation_id", "external_id",
        "variables", "created_at", "updated_at"]
ATTEMPT = ["number", "dialed_at", "answered_at", "ended_at", "outcome", "sip_code", "cause",
           "provider_call_id"]


class Targets(ApiCase):
    frozen = False

    def setUp(self):
        self.api = self.one.api

    def draft(self, targets=(), **fields):
        return "/v1/campaigns/" + self.one.campaign(targets=list(targets), **fields)["id"]

    def append(self, path, rows):
        return self.api.post(path + "/targets", {"targets": rows})

    def wait_counts(self, path, **want):
        def reached():
            counts = self.api.get(path)["counts"]
            return {k: counts[k] for k in want} == want
        belfry.wait_until(reached, 20, lambda: f"{want}; it is {self.api.get(path)['counts']}")

    def check_counts(self, path):
        """The counters agree with the rows."""
        rows = self.it.psql("SELECT status, count(*) FROM target WHERE campaign_id = "
                            f"'{to_uuid(path.rpartition('/')[2])}' GROUP BY 1")
        counts = self.api.get(path)["counts"]
        self.assertEqual({k: v for k, v in counts.items() if v and k != "total"},
                         {status: int(n) for status, n in rows})
        self.assertEqual(counts["total"], sum(int(n) for _, n in rows))

    # --- append --------------------------------------------------------------------------------

    def test_rows_are_taken_or_refused_one_by_one(self):
        path = self.draft(["+12015550001"])
        answer = self.append(path, [
            "+12015550001", "+12015550002",
            {"to_number": "+12015550003", "name": "Ada", "external_id": "crm-7",
             "timezone": "America/New_York", "variables": {"k": {"n": 1}}},
            {"to_number": "+12015550003"}, {"to_number": "2015550004"}, {"name": "x"}, 7, None, [],
            {"to_number": "+12015550005", "timezone": "Nowhere"},
            {"to_number": "+12015550006", "name": 5, "phone": "+1"},
            {"to_number": "+12015550007", "name": None, "external_id": None, "timezone": None,
             "variables": None},
            {"to_number": "+12015550008", "variables": {"x": "y" * 17000}}])
        self.assertEqual({k: v for k, v in answer.items() if k != "errors"},
                         {"received": 13, "inserted": 3, "deduped": 2, "rejected": 8})
        self.assertEqual(
            sorted((e["index"], e["pointer"], e["code"]) for e in answer["errors"]),
            [(4, "/targets/4/to_number", "invalid_e164"),
             (5, "/targets/5/to_number", "validation_error"), (6, "/targets/6", "validation_error"),
             (7, "/targets/7", "validation_error"), (8, "/targets/8", "validation_error"),
             (9, "/targets/9/timezone", "invalid_timezone"),
             (10, "/targets/10/name", "validation_error"),
             (10, "/targets/10/phone", "validation_error"),
             (12, "/targets/12/variables", "validation_error")])
        ada = [t for t in self.api.get(path + "/targets")["data"]
               if t["to_number"] == "+12015550003"][0]
        self.assertEqual(list(ada), TARGET)
        self.assertEqual((ada["name"], ada["external_id"], ada["timezone"], ada["variables"]),
                         ("Ada", "crm-7", "America/New_York", {"k": {"n": 1}}))
        self.assertEqual((ada["status"], ada["outcome"], ada["attempts"], ada["next_attempt_at"],
                          ada["scheduled_call_id"]), ("pending", None, 0, None, None))
        self.check_counts(path)

    def test_ten_thousand_rows_in_one_request(self):
        path = self.draft()
        rows = belfry.numbers(10000)
        watch = belfry.Stopwatch()
        answer = self.append(path, [{"to_number": n, "name": f"Name {i}", "variables": {"i": i}}
                                    for i, n in enumerate(rows)])
        took = watch.s()
        self.assertEqual((answer["inserted"], answer["rejected"]), (10000, 0))
        self.assertLess(took, 10)  # a second or less when the machine is idle
        again = self.append(path, rows)
        self.assertEqual((again["inserted"], again["deduped"]), (0, 10000))
        self.check_counts(path)

    def test_too_many_rows_and_no_rows(self):
        path = self.draft()
        answer = self.api.request("POST", path + "/targets", {"targets": ["+12015550001"] * 10001})
        self.problem(answer, 422, "validation_error", "/targets")
        self.problem(self.api.request("POST", path + "/targets", {}), 422, "validation_error",
                     "/targets")
        self.problem(self.api.request("POST", path + "/targets", {"targets": {}}), 422,
                     "validation_error", "/targets")
        self.assertEqual(self.append(path, []), {"received": 0, "inserted": 0, "deduped": 0,
                                                 "rejected": 0, "errors": []})

    def test_a_thousand_faults_are_listed(self):
        answer = self.append(self.draft(), ["x"] * 1500)
        self.assertEqual((answer["rejected"], len(answer["errors"])), (1500, 1000))

    def test_a_finished_campaign_takes_no_more(self):
        path = self.draft(["+12015550001"])
        self.api.post(path + "/cancel")
        answer = self.api.request("POST", path + "/targets", {"targets": ["+12015550002"]})
        problem = self.problem(answer, 409, "invalid_state_transition")
        self.assertEqual((problem["current_status"], problem["allowed"]), ("cancelled", []))

    def test_appends_at_once_lose_nothing_and_repeat_no_position(self):
        path = self.draft()
        numbers = belfry.numbers(3000)
        threads = []
        for n in range(6):
            client = self.client(self.api.key)
            rows = numbers[n * 400:n * 400 + 1000]
            threads.append(threading.Thread(
                target=lambda c=client, r=rows: c.post(path + "/targets", {"targets": r})))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(self.api.get(path)["counts"]["total"], 3000)
        self.check_counts(path)

    # --- lists ---------------------------------------------------------------------------------

    def test_lists_filter_and_search(self):
        path = self.draft([
            {"to_number": "+12025550001", "name": "Grace Hopper"},
            {"to_number": "+12025550002", "name": "grace kelly"},
            {"to_number": "+12025559993", "name": "100% _sure_"},
            {"to_number": "+12025550004"}])

        def found(query):
            return [t["to_number"][-4:] for t in self.api.get(f"{path}/targets?{query}")["data"]]

        self.assertEqual(found(""), ["0004", "9993", "0002", "0001"])
        self.assertEqual(found("q=GRACE"), ["0002", "0001"])
        self.assertEqual(found("q=5999"), ["9993"])
        self.assertEqual(found("q=%2B1202"), ["0004", "9993", "0002", "0001"])
        self.assertEqual(found("q=0%25+"), ["9993"])
        self.assertEqual(found("q=_sure"), ["9993"])
        self.assertEqual(found("q=%25%25%25"), [])
        self.assertEqual(found("status=pending&q=hopper"), ["0001"])
        self.assertEqual(found("status=failed"), [])
        self.assertEqual(found("outcome=busy"), [])
        for query, parameter in (("q=ab", "q"), ("q=%C3%A4%C3%A4", "q"), ("status=done", "status"),
                                 ("outcome=none", "outcome"), ("outcome=not_sent", "outcome")):
            answer = self.api.request("GET", f"{path}/targets?{query}")
            self.problem(answer, 422, "validation_error", parameter)

    def test_pages_of_targets_and_of_a_search(self):
        numbers = belfry.numbers(450)
        path = self.draft(numbers)
        listed = [t["to_number"] for t in self.api.pages(path + "/targets", limit=100)]
        self.assertEqual(listed, numbers[::-1])
        listed = [t["to_number"] for t in self.api.pages(path + "/targets?q=5000", limit=7)]
        self.assertEqual(listed, [n for n in numbers if "5000" in n][::-1])

    def test_a_search_reaches_beyond_the_last_rows(self):
        path = self.draft([{"to_number": "+13035550001", "name": "Needle in hay"}])
        self.append(path, belfry.numbers(9000))
        found = self.api.get(path + "/targets?q=needle")["data"]
        self.assertEqual([t["name"] for t in found], ["Needle in hay"])
        found = self.api.get(path + "/targets?q=035550")["data"]
        self.assertEqual([t["name"] for t in found], ["Needle in hay"])

    # --- the engine's rows ---------------------------------------------------------------------

    def test_a_thousand_calls_stand_two_seconds_apart(self):
        three = Tenant(self, self.fresh_number())
        numbers = belfry.numbers(1000)
        path = "/v1/campaigns/" + three.campaign(targets=numbers, rate_limit_per_minute=30)["id"]
        three.api.post(path + "/start")
        belfry.wait_until(lambda: three.api.get(path)["counts"]["pending"] == 0, 20, "materialized")
        calls = []

        def gaps():
            calls[:] = three.api.pages(path + "/calls")
            times = {c["to_number"]: belfry.parse_time_us(c["scheduled_at"]) for c in calls}
            line = [times[n] for n in numbers[30:]]
            return {b - a for a, b in zip(line, line[1:])}

        # The line moves when the scheduler stalls, perhaps between two pages: then read again.
        belfry.wait_until(lambda: gaps() == {2000000}, 20, gaps)
        self.assertEqual(len(calls), 1000)
        self.assertEqual(list(calls[0]), CALL)
        target = three.api.get(path + "/targets?limit=1")["data"][0]
        last = three.api.get("/v1/scheduled-calls/" + target["scheduled_call_id"])
        self.assertEqual(last["target_id"], target["id"])
        self.assertEqual((target["status"], target["scheduled_call_id"]), ("scheduled", last["id"]))
        self.assertEqual(target["next_attempt_at"], last["next_attempt_at"])
        self.assertEqual(last["next_attempt_at"], last["scheduled_at"])
        three.api.post(path + "/cancel")
        belfry.wait_until(lambda: three.api.get(path)["counts"]["scheduled"] == 0, 20, "cancelled")

    def test_an_answered_call_shows_its_attempt_and_conversation(self):
        path = self.draft([{"to_number": "+12025551234", "external_id": "x-1",
                            "variables": {"b": 2}}], rate_limit_per_minute=6000,
                          variables={"a": 1, "b": 1})
        watch = belfry.Stopwatch()
        self.api.post(path + "/start")
        self.wait_counts(path, dispatched=1)
        belfry.wait_until(lambda: self.api.get(path)["status"] == "completed", 20, "completed")
        target = self.api.get(path + "/targets")["data"][0]
        self.assertEqual((target["status"], target["outcome"], target["attempts"],
                          target["next_attempt_at"]), ("dispatched", "answered", 1, None))
        call = self.api.get("/v1/scheduled-calls/" + target["scheduled_call_id"])
        self.assertEqual(list(call), CALL + ["conversation"])
        self.assertEqual((call["status"], call["outcome"], call["external_id"], call["variables"]),
                         ("dispatched", "answered", "x-1", {"a": 1, "b": 2}))
        belfry.wait_until(
            lambda: self.api.get("/v1/scheduled-calls/" + call["id"])["conversation"]["status"]
            == "completed", 20, "the conversation's end")
        call = self.api.get("/v1/scheduled-calls/" + call["id"])
        self.assertEqual([list(a) for a in call["attempts"]], [ATTEMPT])
        attempt, talk = call["attempts"][0], call["conversation"]
        self.assertEqual((attempt["number"], attempt["outcome"], attempt["sip_code"]),
                         (1, "answered", 200))
        self.assertEqual(talk["id"], call["conversation_id"])
        self.assertTrue(0.99 <= talk["duration_s"] < 1.5 + watch.slack_s(), talk)
        single = self.api.get(f"{path}/targets/{target['id']}")
        self.assertEqual(single.pop("attempt_log"), call["attempts"])
        self.assertEqual(single, target)
        listed = self.api.get(path + "/calls?status=dispatched&outcome=answered")["data"]
        self.assertEqual(listed, [{k: v for k, v in call.items() if k != "conversation"}])
        self.assertEqual(self.api.get(path + "/calls?outcome=busy")["data"], [])
        for query in (f"campaign_id={path.rpartition('/')[2]}", "to_number=%2B12025551234",
                      f"from={call['scheduled_at']}&until=2100-01-01T00:00:00Z"):
            found = self.api.get("/v1/scheduled-calls?" + query)["data"]
            self.assertIn(call["id"], [c["id"] for c in found], query)
        found = self.api.get(f"/v1/scheduled-calls?until={call['scheduled_at']}")["data"]
        self.assertNotIn(call["id"], [c["id"] for c in found])
        for query, parameter in (("status=x", "status"), ("campaign_id=x", "campaign_id"),
                                 ("from=yesterday", "from")):
            answer = self.api.request("GET", "/v1/scheduled-calls?" + query)
            self.problem(answer, 422, "validation_error", parameter)
        answer = self.api.request("GET", "/v1/scheduled-calls?to_number=1")
        self.problem(answer, 422, "invalid_e164", "to_number")

    def test_calls_in_the_archive_are_seen_like_open_ones(self):
        path = self.draft(["+12025551235"], rate_limit_per_minute=6000)
        self.api.post(path + "/start")
        belfry.wait_until(lambda: self.api.get(path)["status"] == "completed", 20, "completed")
        belfry.wait_until(
            lambda: self.api.get(path + "/calls")["data"][0]["attempts"][0]["ended_at"], 20, "the end")
        before = [self.api.get(path + "/calls"), self.api.get(path + "/targets"),
                  self.api.get("/v1/scheduled-calls?campaign_id=" + path.rpartition("/")[2])]
        self.it.psql("WITH moved AS (DELETE FROM scheduled_call WHERE campaign_id = "
                     f"'{to_uuid(path.rpartition('/')[2])}' RETURNING *) "
                     "INSERT INTO scheduled_call_done SELECT * FROM moved")
        after = [self.api.get(path + "/calls"), self.api.get(path + "/targets"),
                 self.api.get("/v1/scheduled-calls?campaign_id=" + path.rpartition("/")[2])]
        self.assertEqual(after, before)

    # --- skip ----------------------------------------------------------------------------------

    def waiting(self, count):
        """A paused campaign of `count` targets of which 60 at most are calls; none is due soon."""
        path = self.draft(belfry.numbers(count), rate_limit_per_minute=1)
        self.api.post(path + "/start")
        belfry.wait_until(lambda: self.api.get(path)["counts"]["pending"] <= count - 55, 20, "calls")
        self.api.post(path + "/pause")
        belfry.wait_until(lambda: not self.api.get(path + "/calls?status=dialing")["data"], 20,
                          "what was claimed before the pause is over")
        return path

    def targets(self, path, query=""):
        return list(self.api.pages(f"{path}/targets?{query}"))

    def test_skipping_a_pending_and_a_scheduled_target(self):
        path = self.waiting(70)
        pending = self.targets(path, "status=pending")[0]
        scheduled = self.targets(path, "status=scheduled")[0]
        for target in (pending, scheduled):
            answer = self.api.request("DELETE", f"{path}/targets/{target['id']}")
            self.assertEqual((answer.status, answer.json["status"]), (200, "skipped"))
            again = self.api.request("DELETE", f"{path}/targets/{target['id']}")
            self.assertEqual((again.status, again.json), (200, answer.json))
        call = self.api.get("/v1/scheduled-calls/" + scheduled["scheduled_call_id"])
        self.assertEqual((call["status"], call["outcome"], call["next_attempt_at"]),
                         ("cancelled", "cancelled", None))
        events = self.it.psql("SELECT type, status FROM event WHERE call_id = "
                              f"'{to_uuid(call['id'])}' AND type <> 'scheduled_call.created'")
        self.assertEqual(events, [["scheduled_call.cancelled", "cancelled"]])
        self.check_counts(path)

    def test_a_dialed_or_finished_target_cannot_be_skipped(self):
        path = self.draft(["+12025550009"], rate_limit_per_minute=6000)
        self.api.post(path + "/start")
        target = self.targets(path)[0]
        belfry.wait_until(
            lambda: [c["status"] for c in self.api.get(path + "/calls")["data"]] == ["dialing"], 20,
            "dialing")
        answer = self.api.request("DELETE", f"{path}/targets/{target['id']}")
        self.problem(answer, 409, "target_immutable")
        path = self.draft(["+12025551236"], rate_limit_per_minute=6000)
        self.api.post(path + "/start")
        self.wait_counts(path, dispatched=1)
        answer = self.api.request("DELETE", f"{path}/targets/{self.targets(path)[0]['id']}")
        self.problem(answer, 409, "target_immutable")

    def test_skipping_many_by_id(self):
        path = self.waiting(70)
        ids = [t["id"] for t in self.targets(path)]
        chosen = ids[:15] + [ids[0], type_id("tgt")]
        self.assertEqual(self.api.post(path + "/targets/skip", {"ids": chosen}), {"skipped": 15})
        self.assertEqual(self.api.post(path + "/targets/skip", {"ids": chosen}), {"skipped": 0})
        self.assertEqual(sorted(t["id"] for t in self.targets(path, "status=skipped")),
                         sorted(ids[:15]))
        self.check_counts(path)

    def test_skipping_by_filter(self):
        path = self.waiting(70)
        before = self.api.get(path)["counts"]
        answer = self.api.post(path + "/targets/skip", {"filter": {"status": "pending"}})
        self.assertEqual(answer, {"skipped": before["pending"]})
        number = self.targets(path, "status=scheduled")[0]["to_number"]
        answer = self.api.post(path + "/targets/skip", {"filter": {"q": number}})
        self.assertEqual(answer, {"skipped": 1})
        answer = self.api.post(path + "/targets/skip", {"filter": {"outcome": "busy"}})
        self.assertEqual(answer, {"skipped": 0})
        answer = self.api.post(path + "/targets/skip", {"filter": {}})
        self.assertEqual(answer, {"skipped": before["scheduled"] - 1})
        self.check_counts(path)

    def test_skipping_more_than_one_turn(self):
        path = self.draft(belfry.numbers(9000))
        self.append(path, belfry.numbers(3500, block=1))
        answer = self.api.post(path + "/targets/skip", {"filter": {}},
                               {"Idempotency-Key": "turns-" + path})
        self.assertEqual(answer, {"skipped": 12500})
        again = self.api.post(path + "/targets/skip", {"filter": {}},
                              {"Idempotency-Key": "turns-" + path})
        self.assertEqual(again, {"skipped": 12500})
        self.check_counts(path)

    def test_bad_requests_to_skip(self):
        path = self.draft(["+12025550001"])
        for body, pointers in (
                ({}, [""]), ({"ids": [], "filter": {}}, [""]), ({"ids": {}}, ["/ids"]),
                ({"ids": ["x", 5, type_id("cmp")]}, ["/ids/0", "/ids/1", "/ids/2"]),
                ({"ids": [type_id("tgt")] * 10001}, ["/ids"]),
                ({"filter": {"status": "x", "outcome": "y", "q": "ab", "z": 1}},
                 ["/filter/status", "/filter/outcome", "/filter/q", "/filter/z"])):
            answer = self.api.request("POST", path + "/targets/skip", body)
            self.problem(answer, 422, "validation_error", *pointers)

    def test_cancel_ends_waiting_calls_with_their_events(self):
        path = self.waiting(70)
        before = self.api.get(path)["counts"]
        open_calls = [c["id"] for c in self.api.pages(path + "/calls?status=scheduled")]
        self.assertGreater(len(open_calls), 50)
        counts = self.api.post(path + "/cancel")["counts"]
        self.assertEqual((counts["pending"], counts["scheduled"]), (0, 0))
        self.assertEqual(counts["skipped"], before["pending"] + before["scheduled"])
        cancelled = [c["id"] for c in self.api.pages(path + "/calls?status=cancelled")]
        self.assertEqual(cancelled, open_calls)
        events = self.it.value(
            "SELECT count(DISTINCT call_id) || ' ' || count(*) FROM event WHERE type = "
            f"'scheduled_call.cancelled' AND campaign_id = '{to_uuid(path.rpartition('/')[2])}'")
        self.assertEqual(events, f"{len(open_calls)} {len(open_calls)}")
        self.check_counts(path)

    def test_cancel_of_a_large_campaign_is_finished_by_the_scheduler(self):
        path = self.draft(belfry.numbers(9000), rate_limit_per_minute=60)
        self.append(path, belfry.numbers(5000, block=1))
        self.api.post(path + "/start")
        self.wait_counts(path, total=14000)
        belfry.wait_until(lambda: self.api.get(path)["counts"]["scheduled"] > 3000, 20, "calls")
        counts = self.api.post(path + "/cancel")["counts"]
        self.assertGreaterEqual(counts["skipped"], 5000)
        self.wait_counts(path, pending=0, scheduled=0)
        self.check_counts(path)


if __name__ == "__main__":
    unittest.main()
