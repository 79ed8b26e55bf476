"""What an edit of a recurring campaign does to the calls that are queued. Nothing moves by itself here,
and queued calls are written as rows; but for one test, in which edits meet a scheduler that plans."""
import random
import threading
import time
import unittest
import uuid

import belfry
from api_case import Session, type_id
from recurring_case import WINDOWS, RecurringCase, key_of, soon
from test_api_campaigns import COUNTS, DEFAULT_POLICY


class Edits(RecurringCase):
    """PATCH, and what becomes of calls that are queued."""

    def queue(self, path, minutes, status="scheduled", dials=0, due=None):
        """A call as the scheduler makes it, so many minutes from now."""
        call = str(uuid.uuid4())
        at = f"date_trunc('minute', now()) + interval '{minutes} minutes'"
        due_at = f"now() + interval '{due} minutes'" if due is not None else at
        count = {"cancelled": "skipped", "dialing": "scheduled"}.get(status, status)
        self.it.psql(
            "INSERT INTO scheduled_call (workspace_id, id, campaign_id, number_id, agent_id, "
            "schedule_version, occurrence_key, to_number, from_number, variables, created_at, due_at, "
            "scheduled_at, updated_at, status, dials, catch_up_s) SELECT k.workspace_id, "
            f"'{call}', k.id, k.number_id, k.agent_id, k.schedule_version, to_char(({at}) AT TIME ZONE "
            f"k.timezone, '\"L\"YYYY-MM-DD\"T\"HH24:MI'), k.to_number, n.e164, k.variables, now(), "
            f"{due_at}, {at}, now(), '{status}', {dials}, 300 FROM campaign k JOIN number n ON "
            f"n.id = k.number_id WHERE k.id = '{key_of(path)}'; "
            f"UPDATE campaign_count SET total = total + 1, {count} = {count} + 1 "
            f"WHERE campaign_id = '{key_of(path)}'")
        return call

    def status_of(self, *calls):
        rows = dict(self.it.psql("SELECT id, status FROM scheduled_call WHERE id IN "
                                 f"({', '.join(repr(c) for c in calls)})"))
        return [rows[c] for c in calls]

    def versions_of(self, *calls):
        rows = dict(self.it.psql("SELECT id, schedule_version FROM scheduled_call WHERE id IN "
                                 f"({', '.join(repr(c) for c in calls)})"))
        return [int(rows[c]) for c in calls]

    def plan(self, path):
        """Version; when it is looked at and after what it plans, as seconds from now."""
        row = self.it.psql(
            "SELECT k.schedule_version, extract(epoch FROM p.next_occurrence_at - now()), "
            "extract(epoch FROM p.planned_after - now()) FROM campaign k "
            "JOIN campaign_plan p ON p.campaign_id = k.id "
            f"WHERE k.id = '{key_of(path)}'")[0]
        return int(row[0]), *(float(v) if v else None for v in row[1:])

    def settle(self, path, after_minutes):
        """The plan of a campaign that the scheduler has looked at."""
        self.it.psql(f"UPDATE campaign_plan SET planned_after = now() + interval '{after_minutes} "
                     f"minutes', next_occurrence_at = now() + interval '{after_minutes + 1} minutes', "
                     f"tzdata = 'x' WHERE campaign_id = '{key_of(path)}'")

    def events(self, path):
        return self.it.psql("SELECT type, call_id, end_reason, status FROM event "
                            f"WHERE campaign_id = '{key_of(path)}' ORDER BY sequence")

    def assert_counted(self, path):
        """The counters are those of the rows."""
        counts = self.api.get(path)["counts"]
        rows = dict(self.it.psql("SELECT status, count(*) FROM scheduled_call "
                                 f"WHERE campaign_id = '{key_of(path)}' GROUP BY 1"))
        n = {k: int(v) for k, v in rows.items()}
        self.assertEqual(counts, {
            "total": sum(n.values()), "pending": 0,
            "scheduled": n.get("scheduled", 0) + n.get("dialing", 0),
            "dispatched": n.get("dispatched", 0), "failed": n.get("failed", 0),
            "skipped": n.get("cancelled", 0)})

    # --- what can be changed --------------------------------------------------------------------

    def test_each_field_changes_and_the_rest_stays(self):
        for status in ("draft", "active", "paused"):
            path = self.in_status(status)
            for change in ({"name": "n2"}, {"description": "d"}, {"variables": {"a": {"b": 1}}},
                           {"cron": "15 10 * * 1-5"}, {"timezone": "Europe/Berlin"},
                           {"end_at": "2099-01-01T00:00:00.000Z"}, {"max_concurrent": 3},
                           {"max_attempts": 4}, {"ring_timeout_s": 5}, {"max_duration_s": 6},
                           {"retry_policy": {"rules": [], "jitter_pct": 3}},
                           {"calling_windows": WINDOWS}):
                before = self.api.get(path)
                answer = self.api.request("PATCH", path, change)
                self.assertEqual(answer.status, 200, answer)
                expected = {**before, **change}
                for field in ("updated_at", "next_occurrence_at"):
                    expected[field] = answer.json[field]
                self.assertEqual(answer.json, expected)
                self.assertGreaterEqual(answer.json["updated_at"], before["updated_at"])
                got = self.api.request("GET", path)
                self.assertEqual(got.json, answer.json)
                self.assertEqual(got.headers["ETag"], answer.headers["ETag"])
            cleared = self.api.patch(path, dict.fromkeys((
                "description", "variables", "end_at", "max_concurrent", "retry_policy",
                "calling_windows")))
            self.assertEqual(
                {k: cleared[k] for k in ("description", "variables", "end_at", "max_concurrent",
                                         "retry_policy", "calling_windows", "name", "max_attempts")},
                {"description": None, "variables": {}, "end_at": None, "max_concurrent": None,
                 "retry_policy": DEFAULT_POLICY, "calling_windows": None, "name": "n2",
                 "max_attempts": 4})
            self.assertEqual(self.api.get(path), cleared)

    def test_every_fault_is_listed_with_its_pointer(self):
        path = self.in_status("active")
        before = self.api.get(path)
        answer = self.api.request("PATCH", path, {
            "kind": "bulk", "agent_id": self.one.agent, "from_number": self.one.e164,
            "to_number": "+14155550124", "rate_limit_per_minute": 5, "status": "paused",
            "extra": 1, "name": "", "cron": "x", "timezone": "Mars", "end_at": soon(-1),
            "max_attempts": 0})
        problem = self.problem(
            answer, 422, "validation_error", "/kind", "/agent_id", "/from_number", "/to_number",
            "/rate_limit_per_minute", "/status", "/extra", "/name", "/cron", "/timezone", "/end_at",
            "/max_attempts")
        details = {e["pointer"]: e["detail"] for e in problem["errors"]}
        for pointer in ("/kind", "/agent_id", "/from_number", "/to_number",
                        "/rate_limit_per_minute", "/status"):
            self.assertEqual(details[pointer], "cannot be changed")
        self.assertEqual(details["/extra"], "is not a field of this object")
        for change, code, pointer in (
                ({"name": None}, "validation_error", "/name"),
                ({"cron": None}, "validation_error", "/cron"),
                ({"timezone": None}, "validation_error", "/timezone"),
                ({"max_attempts": None}, "validation_error", "/max_attempts"),
                ({"ring_timeout_s": None}, "validation_error", "/ring_timeout_s"),
                ({"cron": "0 0 31 2 *"}, "invalid_cron", "/cron"),
                ({"timezone": "posix/UTC"}, "invalid_timezone", "/timezone"),
                ({"retry_policy": {"rules": [{"on": ["late"], "delay_s": 1}]}}, "validation_error",
                 "/retry_policy/rules/0/on"),
                ({"calling_windows": {"timezone": "x"}}, "invalid_timezone",
                 "/calling_windows/timezone")):
            self.problem(self.api.request("PATCH", path, change), 422, code, pointer)
        self.assertEqual(self.api.get(path), before)

    def test_what_is_over_or_bulk_or_absent_is_not_changed(self):
        bulk = "/v1/campaigns/" + self.one.campaign()["id"]
        for change in ({"name": "x"}, {"rate_limit_per_minute": 5}, {"cron": "x"}, {}):
            self.problem(self.api.request("PATCH", bulk, change), 409, "campaign_immutable")
        for status in ("completed", "cancelled"):
            path = self.in_status(status)
            before = self.api.get(path)
            for change in ({"name": "x"}, {"kind": "bulk"}):
                problem = self.problem(self.api.request("PATCH", path, change), 409,
                                       "invalid_state_transition")
                self.assertEqual((problem["current_status"], problem["allowed"]), (status, []))
            self.assertEqual(self.api.get(path), before)
        for change in ({"name": "x"}, {"kind": "bulk"}):
            self.problem(self.api.request("PATCH", "/v1/campaigns/" + type_id("cmp"), change), 404,
                         "not_found")
            self.problem(self.two.api.request("PATCH", self.create(), change), 404, "not_found")

    # --- If-Match -------------------------------------------------------------------------------

    def test_if_match_names_the_versions_that_may_be_changed(self):
        path = self.create()
        tag = self.api.request("GET", path).headers["ETag"]
        for stale in ('"0"', "W/" + tag, tag.strip('"'), '"x"', "", '"' + "f" * 16 + '"', '"1", "2"'):
            for change in ({"name": "x"}, {"kind": "bulk"}):
                self.problem(self.api.request("PATCH", path, change, {"If-Match": stale}), 412,
                             "precondition_failed")
        for n, good in enumerate((tag, "*", '"1" , %s', None)):
            now = self.api.request("GET", path).headers["ETag"]
            headers = {} if good is None else {"If-Match": good % now if "%" in good else good}
            answer = self.api.request("PATCH", path, {"name": f"n{n}"}, headers)
            self.assertEqual((answer.status, answer.json["name"]), (200, f"n{n}"))
            self.assertNotEqual(answer.headers["ETag"], now)
        self.problem(self.api.request("PATCH", path, {"name": "x"}, {"If-Match": tag}), 412,
                     "precondition_failed")

    def race(self, path, changes, headers):
        """All at once: they wait for the campaign's row until all of them do."""
        answers = [None] * len(changes)
        clients = [self.client(self.one.api.key) for _ in changes]
        session = Session(self.it)
        session.run(f"BEGIN; SELECT FROM campaign WHERE id = '{key_of(path)}' FOR UPDATE")

        def patch(i):
            answers[i] = clients[i].request("PATCH", path, changes[i], headers)

        threads = [threading.Thread(target=patch, args=(i,)) for i in range(len(changes))]
        for thread in threads:
            thread.start()
        try:
            belfry.wait_until(
                lambda: self.it.value("SELECT count(*) FROM pg_stat_activity "
                                      "WHERE wait_event_type = 'Lock'") == str(len(changes)),
                10, "all of them wait for the row")
        finally:
            session.close()
            for thread in threads:
                thread.join()
        return answers

    def test_of_two_clients_with_the_same_version_one_wins(self):
        path = self.in_status("active")
        for n in range(5):
            tag = self.api.request("GET", path).headers["ETag"]
            answers = self.race(path, [{"name": f"{n}-{who}"} for who in "ab"], {"If-Match": tag})
            self.assertEqual(sorted(a.status for a in answers), [200, 412])
            winner = next(a for a in answers if a.status == 200)
            self.assertEqual(self.api.get(path)["name"], winner.json["name"])

    def test_without_a_condition_both_are_applied(self):
        path = self.in_status("active")
        answers = self.race(path, [{"name": "both"}, {"cron": "1 2 3 4 *"}], {})
        self.assertEqual([a.status for a in answers], [200, 200])
        self.assertNotEqual(*(a.headers["ETag"] for a in answers))
        campaign = self.api.get(path)
        self.assertEqual((campaign["name"], campaign["cron"]), ("both", "1 2 3 4 *"))

    # --- queued calls ---------------------------------------------------------------------------

    def test_another_schedule_cancels_what_is_ahead_and_keeps_the_rest(self):
        for change in ({"cron": "7 * * * *"}, {"timezone": "Europe/Berlin"}):
            path = self.in_status("active")
            ahead = [self.queue(path, 10), self.queue(path, 50)]
            kept = [self.queue(path, -2), self.queue(path, -5, dials=1, due=10),
                    self.queue(path, -9, status="dialing", dials=1),
                    self.queue(path, -1, due=1)]  # handed back: its instant has passed
            statuses = self.status_of(*kept)
            self.settle(path, 60)
            answer = self.api.request("PATCH", path, change)
            self.assertEqual(answer.status, 200)
            self.assertEqual(self.status_of(*ahead), ["cancelled"] * 2)
            self.assertEqual(self.status_of(*kept), statuses)
            version, looked_at, after = self.plan(path)
            self.assertEqual(version, 2)
            self.assertLess(abs(after), 5)
            self.assertEqual(looked_at, after)
            self.assertEqual(self.versions_of(*kept), [1] * 4)
            self.assertEqual(sorted(self.events(path)), sorted(
                ["scheduled_call.cancelled", call, "rescheduled", "cancelled"] for call in ahead))
            self.assert_counted(path)
            self.assertEqual(answer.json["counts"]["skipped"], 2)
            control = self.it.redis("XRANGE", "bf:control", "-", "+")
            for call in ahead:
                self.assertRegex(control, r"calls_dropped \w+ \w+ " + call.replace("-", ""))

    def test_a_call_claimed_just_before_its_instant_is_not_planned_again(self):
        path = self.in_status("active")
        self.queue(path, 2, status="dialing", dials=1)
        self.settle(path, 60)
        self.api.patch(path, {"cron": "* * * * *"})
        version, _, after = self.plan(path)
        self.assertEqual(version, 2)
        self.assertGreater(after, 50)

    def test_other_edits_leave_the_plan_alone(self):
        path = self.in_status("active", variables={"a": 1})
        call = self.queue(path, 10)
        self.settle(path, 60)
        before = self.plan(path)
        for change in ({"name": "x"}, {"max_attempts": 2}, {"cron": "0 9 * * *"},
                       {"timezone": "Asia/Kolkata"}, {"calling_windows": WINDOWS},
                       {"retry_policy": None}, {"end_at": None}, {}):
            self.api.patch(path, change)
        version, looked_at, after = self.plan(path)
        self.assertEqual(version, before[0])
        self.assertLess(abs(looked_at - before[1]) + abs(after - before[2]), 20)
        self.assertEqual(self.status_of(call), ["scheduled"])
        self.assertEqual(self.events(path), [])

    def test_variables_reach_what_is_ahead(self):
        path = self.in_status("active", variables={"a": 1})
        calls = [self.queue(path, 10), self.queue(path, -5, dials=1, due=10)]
        self.api.patch(path, {"variables": {"b": 2}})
        rows = dict(self.it.psql("SELECT id, variables FROM scheduled_call "
                                 f"WHERE campaign_id = '{key_of(path)}'"))
        self.assertEqual([rows[c] for c in calls], ['{"b": 2}', '{"a": 1}'])
        self.assertEqual(self.versions_of(*calls), [1, 1])

    def test_an_earlier_end_cancels_what_is_beyond_it_and_a_later_one_can_plan_it_again(self):
        path = self.in_status("active")
        calls = [self.queue(path, m) for m in (-1, 10, 20, 30)]
        self.settle(path, 60)
        end = self.it.value("SELECT to_char(scheduled_at AT TIME ZONE 'UTC', "
                            "'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') FROM scheduled_call "
                            f"WHERE id = '{calls[2]}'")
        self.api.patch(path, {"end_at": end})
        self.assertEqual(self.status_of(*calls), ["scheduled", "scheduled", "cancelled", "cancelled"])
        version, looked_at, after = self.plan(path)
        # The key of what was cancelled is taken; that of the call that stays guards it.
        self.assertEqual((version, self.versions_of(*calls)), (2, [1, 2, 1, 1]))
        self.assertLess(abs(looked_at), 5)
        self.assertTrue(8 * 60 < after < 10 * 60 + 1, after)
        self.assertEqual({e[2] for e in self.events(path)}, {"rescheduled"})
        self.settle(path, 60)
        self.api.patch(path, {"end_at": None})
        version, looked_at, after = self.plan(path)
        self.assertEqual(version, 2)
        self.assertLess(abs(looked_at), 5, "planning looks again at once")
        self.assertGreater(after, 3000)
        self.assertEqual(self.status_of(*calls)[:2], ["scheduled", "scheduled"])
        self.assert_counted(path)

    def test_in_draft_and_paused_nothing_is_planned_by_an_edit(self):
        for status in ("draft", "paused"):
            path = self.in_status(status)
            self.api.patch(path, {"cron": "* * * * *", "end_at": soon(600)})
            version, looked_at, _ = self.plan(path)
            self.assertEqual((version, looked_at), (2, None))

    def test_an_edit_in_paused_cancels_too(self):
        path = self.in_status("paused")
        call = self.queue(path, 10)
        self.api.patch(path, {"cron": "* * * * *"})
        self.assertEqual(self.status_of(call), ["cancelled"])
        self.assert_counted(path)

    def test_an_edit_that_is_refused_changes_nothing(self):
        path = self.in_status("active")
        call = self.queue(path, 10)
        before = self.plan(path)[0]
        self.problem(self.api.request("PATCH", path, {"cron": "* * * * *"}, {"If-Match": '"1"'}), 412,
                     "precondition_failed")
        self.problem(self.api.request("PATCH", path, {"cron": "* * * * *", "timezone": "x"}), 422,
                     "invalid_timezone", "/timezone")
        self.assertEqual((self.status_of(call), self.plan(path)[0]), (["scheduled"], before))

    def test_pause_keeps_queued_calls_and_cancel_cancels_them(self):
        path = self.in_status("active")
        calls = [self.queue(path, 10), self.queue(path, -5, dials=1, due=10)]
        self.it.redis("DEL", "bf:control")
        paused = self.api.post(path + "/pause")
        self.assertEqual(paused["counts"], {**dict.fromkeys(COUNTS, 0), "total": 2, "scheduled": 2})
        self.assertEqual(self.status_of(*calls), ["scheduled"] * 2)
        # Dispatchers would drop what they hold of it, which still fires.
        self.assertEqual(self.it.redis("EXISTS", "bf:control"), "0")
        self.api.post(path + "/resume")
        cancelled = self.api.post(path + "/cancel")
        self.assertEqual(cancelled["counts"], {**dict.fromkeys(COUNTS, 0), "total": 2, "skipped": 2})
        self.assertEqual(self.status_of(*calls), ["cancelled"] * 2)
        self.assertEqual({tuple(e[::2]) for e in self.events(path)},
                         {("scheduled_call.cancelled", "campaign_cancelled")})

    def test_stats_are_of_calls(self):
        path = self.in_status("active")
        calls = [self.queue(path, m) for m in (-3, -2, -1, 10)]
        self.it.psql(
            "UPDATE scheduled_call c SET outcome = x.o, dials = x.d, status = x.s FROM (VALUES "
            f"('{calls[0]}'::uuid, 'answered', 2, 'dispatched'), ('{calls[1]}', 'busy', 3, 'failed'), "
            f"('{calls[2]}', 'answered', 1, 'dispatched')) x (id, o, d, s) WHERE c.id = x.id; "
            "UPDATE campaign_count SET scheduled = 1, dispatched = 2, failed = 1 "
            f"WHERE campaign_id = '{key_of(path)}'; "
            "INSERT INTO scheduled_call_done SELECT * FROM scheduled_call "
            f"WHERE id = '{calls[0]}'; DELETE FROM scheduled_call WHERE id = '{calls[0]}'")
        stats = self.api.get(path + "/stats")
        self.assertEqual(stats["counts"], self.api.get(path)["counts"])
        self.assertEqual(stats["outcomes"], {"answered": 2, "busy": 1})
        self.assertEqual((stats["without_outcome"], stats["attempts"]), (1, 6))
        listed = self.api.get(path + "/calls")["data"]
        self.assertEqual(len(listed), 4)


class EditsWhilePlanning(RecurringCase):
    """Edits beside a scheduler that plans: whatever their order, nothing is doubled or lost."""

    options = {"dispatchers": 1, "schedulers": 2}
    frozen = False
    SECONDS = 15
    CHANGES = ({"cron": "*/2 * * * *"}, {"cron": "* * * * *"}, {"cron": "*/5 * * * *"},
               {"timezone": "America/New_York"}, {"timezone": "Asia/Kathmandu"}, {"end_at": None},
               {"name": "x"}, {"variables": {"a": 1}})

    def edit(self, path, seed):
        dice = random.Random(seed)
        client = self.client(self.one.api.key)
        end = time.monotonic() + self.SECONDS
        while time.monotonic() < end:
            roll = dice.randrange(12)
            if roll == 0:
                client.post(path + "/pause")
                client.post(path + "/resume")
                continue
            change = ({"end_at": soon(dice.randrange(3, 90))} if roll < 4
                      else dice.choice(self.CHANGES))
            client.patch(path, change)
            time.sleep(dice.random() * 0.3)  # not for a result: edits fall into every phase of a pass

    def test_nothing_is_doubled_or_lost(self):
        paths = [self.create(cron="* * * * *") for _ in range(6)]
        for path in paths:
            self.api.post(path + "/start")
        threads = [threading.Thread(target=self.edit, args=(path, n)) for n, path in enumerate(paths)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for path in paths:
            self.api.patch(path, {"cron": "* * * * *", "end_at": None})
        for path in paths:
            self.settled(path)

    def settled(self, path):
        """Each minute of the next hour is queued once, and the counters are those of the rows."""
        campaign = f"campaign_id = '{key_of(path)}'"

        def missing():
            return int(self.it.value(
                "SELECT count(*) FROM generate_series(date_trunc('minute', now()) + interval '2 minutes', "
                "now() + interval '59 minutes', interval '1 minute') t WHERE NOT EXISTS (SELECT FROM "
                f"scheduled_call c WHERE {campaign} AND c.scheduled_at = t AND c.status = 'scheduled')"))

        belfry.wait_until(lambda: missing() == 0, 45, lambda: f"{missing()} minutes are not queued")
        self.assertEqual(self.it.psql(
            f"SELECT scheduled_at, count(*) FROM scheduled_call WHERE {campaign} "
            "AND status <> 'cancelled' GROUP BY 1 HAVING count(*) > 1"), [])
        self.assertEqual(self.it.psql(
            "SELECT * FROM (SELECT count(*) AS total, count(*) FILTER (WHERE status IN ('scheduled', "
            "'dialing')) AS scheduled, count(*) FILTER (WHERE status = 'cancelled') AS skipped "
            f"FROM scheduled_call WHERE {campaign}) x EXCEPT "
            f"SELECT total, scheduled, skipped FROM campaign_count WHERE {campaign}"), [])
        self.assertNotEqual(self.it.value(
            f"SELECT count(*) FROM scheduled_call WHERE {campaign} AND status = 'cancelled'"), "0")


if __name__ == "__main__":
    unittest.main()
