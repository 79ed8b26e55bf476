"""Recurring campaigns over HTTP: creation and its faults, every action in every state, what an edit
does to the calls that are queued, and previews against Python's zoneinfo. Nothing moves by itself
here, scheduler and dispatcher are gone, and queued calls are written as rows; but for one test, in
which edits meet a scheduler that plans."""
import datetime
import random
import threading
import time
import unittest
import uuid
import zoneinfo

import belfry
from api_case import ApiCase, Session, Tenant, to_uuid, type_id
from test_api_campaigns import ACTIONS, ALLOWED, COUNTS, DEFAULT_POLICY, FIELDS, MOVES

UTC = datetime.timezone.utc
MINUTE = datetime.timedelta(minutes=1)
WINDOWS = {"timezone": "Europe/Berlin", "blackout_dates": ["2026-12-25"],
           "weekly": [{"days": ["mon", "tue"], "start": "09:00", "end": "24:00"}]}


def rfc3339(at):
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def parse(text):
    return datetime.datetime.fromtimestamp(belfry.parse_time_us(text) / 1e6, UTC)


def soon(minutes):
    return rfc3339(datetime.datetime.now(UTC) + minutes * MINUTE)


class RecurringCase(ApiCase):
    def setUp(self):
        self.api = self.one.api

    def draft(self, **fields):
        return {"kind": "recurring", "name": "r", "agent_id": self.one.agent,
                "from_number": self.one.e164, "to_number": "+14155550123", "cron": "0 9 * * *",
                **fields}

    def create(self, **fields):
        return "/v1/campaigns/" + self.api.post("/v1/campaigns", self.draft(**fields))["id"]

    def in_status(self, status, **fields):
        path = self.create(**fields)
        for action in {"draft": [], "active": ["start"], "paused": ["start", "pause"],
                       "cancelled": ["cancel"], "completed": ["start"]}[status]:
            self.api.post(f"{path}/{action}")
        if status == "completed":
            self.it.psql("UPDATE campaign SET status = 'completed', completed_at = now() "
                         f"WHERE id = '{key_of(path)}'")
        return path


def key_of(path):
    return to_uuid(path.split("/")[3])


class Creation(RecurringCase):
    def test_the_least_campaign_has_the_defaults_and_reads_back_the_same(self):
        answer = self.api.request("POST", "/v1/campaigns", self.draft())
        self.assertEqual(answer.status, 201, answer)
        made = answer.json
        self.assertEqual(list(made), FIELDS)
        self.assertEqual(made["counts"], dict.fromkeys(COUNTS, 0))
        self.assertEqual(
            {k: made[k] for k in ("kind", "status", "timezone", "to_number", "cron", "variables",
                                  "max_attempts", "retry_policy", "rate_limit_per_minute")},
            {"kind": "recurring", "status": "draft", "timezone": "Asia/Kolkata", "variables": {},
             "to_number": "+14155550123", "cron": "0 9 * * *", "max_attempts": 1,
             "retry_policy": DEFAULT_POLICY, "rate_limit_per_minute": None})
        for field in ("end_at", "calling_windows", "next_occurrence_at", "started_at"):
            self.assertIsNone(made[field], field)
        self.assertEqual(self.api.get(answer.headers["Location"]), made)

    def test_all_that_is_given_reads_back(self):
        given = {"description": "d", "variables": {"a": [1]}, "timezone": "America/New_York",
                 "cron": "*/5 8-18 * JAN-Jun mon-fri", "end_at": "2099-01-01T00:00:00.000Z",
                 "max_concurrent": 7, "max_attempts": 10, "ring_timeout_s": 1,
                 "max_duration_s": 86400, "calling_windows": WINDOWS,
                 "retry_policy": {"rules": [{"on": ["busy"], "delay_s": 0.25}], "jitter_pct": 0}}
        made = self.api.post("/v1/campaigns", self.draft(**given))
        read = self.api.get("/v1/campaigns/" + made["id"])
        for field, value in given.items():
            self.assertEqual((made[field], read[field]), (value, value), field)

    def test_the_workspaces_timezone_is_taken_once(self):
        three = Tenant(self, self.fresh_number())
        three.api.patch("/v1/workspace", {"timezone": "Europe/Paris"})
        draft = {**self.draft(timezone=None, rate_limit_per_minute=None, end_at=None,
                              calling_windows=None),
                 "agent_id": three.agent, "from_number": three.e164}
        path = "/v1/campaigns/" + three.api.post("/v1/campaigns", draft)["id"]
        three.api.patch("/v1/workspace", {"timezone": "Asia/Tokyo"})
        self.assertEqual(three.api.get(path)["timezone"], "Europe/Paris")

    def test_every_fault_is_listed_with_its_pointer(self):
        answer = self.api.request("POST", "/v1/campaigns", {"kind": "recurring"})
        self.problem(answer, 422, "validation_error", "/name", "/agent_id", "/from_number",
                     "/to_number", "/cron")
        answer = self.api.request("POST", "/v1/campaigns", self.draft(
            cron="0 25 * * *", timezone="Mars/Olympus", to_number="0123", end_at="2020-01-01T00:00:00Z",
            rate_limit_per_minute=5, targets=["+12015550100"], max_attempts=0, extra=1,
            calling_windows={"timezone": "nowhere"}))
        problem = self.problem(
            answer, 422, "validation_error", "/cron", "/timezone", "/to_number", "/end_at",
            "/rate_limit_per_minute", "/targets", "/max_attempts", "/extra",
            "/calling_windows/timezone")
        codes = {e["pointer"]: e["code"] for e in problem["errors"]}
        self.assertEqual((codes["/cron"], codes["/timezone"], codes["/to_number"]),
                         ("invalid_cron", "invalid_timezone", "invalid_e164"))
        self.assertEqual(codes["/calling_windows/timezone"], "invalid_timezone")

    def test_a_single_kind_of_fault_gives_its_own_code(self):
        for fields, code, pointer in (
                ({"to_number": None}, "validation_error", "/to_number"),
                ({"cron": None}, "validation_error", "/cron"),
                ({"cron": 5}, "validation_error", "/cron"),
                ({"cron": ""}, "invalid_cron", "/cron"),
                ({"cron": "* " * 1000}, "invalid_cron", "/cron"),
                ({"cron": "@daily"}, "invalid_cron", "/cron"),
                ({"timezone": "europe/berlin"}, "invalid_timezone", "/timezone"),
                ({"timezone": "../etc/passwd"}, "invalid_timezone", "/timezone"),
                ({"timezone": ""}, "invalid_timezone", "/timezone"),
                ({"timezone": "UTC+3"}, "invalid_timezone", "/timezone"),
                ({"end_at": soon(-1)}, "validation_error", "/end_at"),
                ({"end_at": "tomorrow"}, "validation_error", "/end_at"),
                ({"rate_limit_per_minute": 1}, "validation_error", "/rate_limit_per_minute"),
                ({"targets": []}, "validation_error", "/targets"),
                ({"calling_windows": {"weekly": []}}, "validation_error",
                 "/calling_windows/weekly")):
            answer = self.api.request("POST", "/v1/campaigns", self.draft(**fields))
            self.problem(answer, 422, code, pointer)

    def test_an_invalid_expression_is_explained_by_field_and_column(self):
        for cron, field, column in (("60 * * * *", "minute", 1), ("0 9 * * 8", "day of week", 9),
                                    ("0 9 1-32 * *", "day of month", 7), ("0 9 * foo *", "month", 7),
                                    ("0 9/2 * * *", "hour", 4)):
            answer = self.api.request("POST", "/v1/campaigns", self.draft(cron=cron))
            problem = self.problem(answer, 422, "invalid_cron", "/cron")
            for text in (problem["detail"], problem["errors"][0]["detail"]):
                self.assertTrue(text.startswith(f"{field}, column {column}: "), text)
        for cron in ("0 0 30 2 *", "0 0 31 4,6,9,11 *"):
            answer = self.api.request("POST", "/v1/campaigns", self.draft(cron=cron))
            problem = self.problem(answer, 422, "invalid_cron", "/cron")
            self.assertIn("never fires", problem["detail"])

    def test_what_other_crons_read_differently_is_warned_of(self):
        path = self.create(cron="0 9 */2 * 1")
        for campaign in (self.api.get(path), self.api.post(path + "/start"),
                         next(c for c in self.api.pages("/v1/campaigns?kind=recurring")
                              if path.endswith(c["id"]))):
            self.assertEqual([(w["code"], w["pointer"], bool(w["message"]))
                              for w in campaign["warnings"]], [("cron_days", "/cron", True)])
        self.assertNotIn("warnings", self.api.patch(path, {"cron": "0 9 13 * 1"}))

    def test_unknown_references_are_refused(self):
        answer = self.api.request("POST", "/v1/campaigns", self.draft(agent_id=type_id("agt")))
        self.problem(answer, 404, "not_found", "/agent_id")
        answer = self.api.request("POST", "/v1/campaigns", self.draft(from_number="+14155550199"))
        self.problem(answer, 403, "number_not_owned", "/from_number")

    def test_it_takes_no_targets_later_either(self):
        path = self.create()
        answer = self.api.request("POST", path + "/targets", {"targets": ["+12015550101"]})
        self.problem(answer, 409, "campaign_immutable")
        self.assertEqual(self.api.get(path + "/targets")["data"], [])

    def test_a_repeated_creation_gets_the_stored_answer(self):
        headers, draft = {"Idempotency-Key": str(uuid.uuid4())}, self.draft(end_at=soon(60))
        first, second = (self.api.request("POST", "/v1/campaigns", draft, headers)
                         for _ in range(2))
        self.assertEqual((first.status, second.status), (201, 201))
        self.assertEqual(first.body, second.body)


class Lifecycle(RecurringCase):
    def plan(self, path):
        row = self.it.psql(
            "SELECT next_occurrence_at IS NOT NULL, coalesce(extract(epoch FROM planned_after), 0), "
            f"planned_after = next_occurrence_at FROM campaign_plan WHERE campaign_id = '{key_of(path)}'")
        return row[0][0] == "t", float(row[0][1]), row[0][2] == "t"

    def test_every_action_in_every_status(self):
        for status, moves in MOVES.items():
            for action in ACTIONS:
                path = self.in_status(status)
                before = self.api.get(path)
                self.assertEqual(before["status"], status)
                answer = self.api.request("POST", f"{path}/{action}")
                if action not in moves:
                    problem = self.problem(answer, 409, "invalid_state_transition")
                    self.assertEqual(problem["current_status"], status)
                    self.assertEqual(problem["allowed"], ALLOWED[status])
                    self.assertEqual(self.api.get(path), before)
                    continue
                self.assertEqual((answer.status, answer.json["status"]), (200, moves[action]),
                                 f"{action} in {status}")
                self.assertEqual(self.api.get(path), answer.json)
                again = self.api.request("POST", f"{path}/{action}")
                self.assertEqual((again.status, again.json), (200, answer.json))

    def test_start_plans_from_now_on(self):
        path = self.create()
        self.assertEqual(self.plan(path)[:2], (False, 0))
        before = belfry.now_us() / 1e6
        started = self.api.post(path + "/start")
        self.assertLess(abs(belfry.parse_time_us(started["started_at"]) - belfry.now_us()), 5e6)
        is_set, after, is_same = self.plan(path)
        self.assertTrue(is_set and is_same)
        self.assertLess(abs(after - before), 5)
        self.api.post(path + "/start")
        self.assertEqual(self.plan(path)[1], after)

    def test_resume_makes_nothing_up(self):
        path = self.in_status("active")
        self.it.psql("UPDATE campaign_plan SET planned_after = now() - interval '2 hours', "
                     "next_occurrence_at = now() - interval '1 hour', planned_nominal = 5 "
                     f"WHERE campaign_id = '{key_of(path)}'")
        self.api.post(path + "/pause")
        self.assertFalse(self.plan(path)[0], "a paused campaign's plan is still looked at")
        before = belfry.now_us() / 1e6
        self.api.post(path + "/resume")
        is_set, after, is_same = self.plan(path)
        self.assertTrue(is_set and is_same)
        self.assertGreater(after, before - 1)
        self.assertEqual(self.it.value("SELECT planned_nominal IS NULL FROM campaign_plan "
                                       f"WHERE campaign_id = '{key_of(path)}'"), "t")
        self.assertEqual(self.it.value("SELECT count(*) FROM scheduled_call "
                                       f"WHERE campaign_id = '{key_of(path)}'"), "0")

    def test_the_engines_pause_is_resumed_too(self):
        path = self.in_status("paused")
        self.it.psql(f"UPDATE campaign SET status_reason = 'config_error' WHERE id = '{key_of(path)}'")
        resumed = self.api.post(path + "/resume")
        self.assertEqual((resumed["status"], resumed["status_reason"]), ("active", None))

    def test_one_whose_end_has_passed_can_be_started(self):
        path = self.create(end_at=soon(60))
        self.it.psql("UPDATE campaign SET end_at = now() - interval '1 minute' "
                     f"WHERE id = '{key_of(path)}'")
        started = self.api.post(path + "/start")
        self.assertEqual((started["status"], started["next_occurrence_at"]), ("active", None))

    def test_only_a_draft_is_deleted(self):
        for status in MOVES:
            path = self.in_status(status)
            answer = self.api.request("DELETE", path)
            if status == "draft":
                self.assertEqual(answer.status, 204)
                self.problem(self.api.request("GET", path), 404, "not_found")
            else:
                self.problem(answer, 409, "invalid_state_transition")

    def test_a_repeated_action_under_a_key_gets_the_stored_answer(self):
        path = self.create(cron="* * * * *")
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        first = self.api.request("POST", path + "/start", None, headers)
        self.it.psql("UPDATE idempotency SET body = convert_to(replace(convert_from(body, 'UTF8'), "
                     f"'\"r\"', '\"stored\"'), 'UTF8') WHERE key = '{headers['Idempotency-Key']}'")
        self.api.post(path + "/pause")
        again = self.api.request("POST", path + "/start", None, headers)
        self.assertEqual(again.headers["Idempotent-Replayed"], "true")
        self.assertIsNotNone(first.json["next_occurrence_at"])
        self.assertEqual(again.json, {**first.json, "name": "stored"})

    def test_next_occurrence_is_of_active_campaigns_and_before_their_end(self):
        zone = zoneinfo.ZoneInfo("America/New_York")
        path = self.create(cron="30 7 * * *", timezone="America/New_York")
        self.assertIsNone(self.api.get(path)["next_occurrence_at"])
        shown = self.api.post(path + "/start")["next_occurrence_at"]
        local = datetime.datetime.now(zone).replace(hour=7, minute=30, second=0, microsecond=0,
                                                    fold=0)
        if local <= datetime.datetime.now(zone):
            local += datetime.timedelta(days=1)
        self.assertEqual(shown, rfc3339(local))
        listed = {c["id"]: c for c in self.api.pages("/v1/campaigns?kind=recurring&status=active")}
        self.assertEqual(listed[path.rpartition("/")[2]]["next_occurrence_at"], shown)
        at_end = self.api.patch(path, {"end_at": shown})
        self.assertIsNone(at_end["next_occurrence_at"], "the end itself is no occurrence")
        later = rfc3339(parse(shown) + datetime.timedelta(milliseconds=1))
        self.assertEqual(self.api.patch(path, {"end_at": later})["next_occurrence_at"], shown)
        for action, expected in (("pause", None), ("resume", shown), ("cancel", None)):
            self.assertEqual(self.api.post(f"{path}/{action}")["next_occurrence_at"], expected)

    def test_lists_filter_by_kind(self):
        three = Tenant(self, self.fresh_number())
        three.campaign(name="b")
        three.api.post("/v1/campaigns", {**self.draft(), "agent_id": three.agent,
                                         "from_number": three.e164})
        for kind, name in (("bulk", "b"), ("recurring", "r")):
            self.assertEqual([c["name"] for c in three.api.get(f"/v1/campaigns?kind={kind}")["data"]],
                             [name])


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


# --- previews ----------------------------------------------------------------------------------


def values(field, low, high):
    """A field of the simple expressions used below."""
    out = set()
    for item in field.split(","):
        item, _, step = item.partition("/")
        first, _, last = item.partition("-")
        if item == "*":
            first, last = low, high
        out.update(range(int(first), int(last or first) + 1, int(step or 1)))
    return out


def local_of(at, zone):
    return at.astimezone(zone).replace(tzinfo=None)


def gap_end(naive, zone):
    """The first valid instant after the gap that a local time falls into, or None."""
    at = naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if local_of(at, zone) == naive:
        return None
    edge = at.replace(second=0) - datetime.timedelta(hours=26)
    while True:
        edge += MINUTE
        before = (edge - MINUTE).astimezone(zone).utcoffset()
        after = edge.astimezone(zone).utcoffset()
        if after > before and local_of(edge, zone) > naive:
            return edge if after - before <= datetime.timedelta(hours=3) else "dropped"


def expected(cron, zone, after, count):
    """The first instants, computed from the definition with Python's zones."""
    minutes, hours, days, months, weekdays = cron.split()
    sets = (values(minutes, 0, 59), values(hours, 0, 23), values(days, 1, 31), values(months, 1, 12),
            values(weekdays, 0, 6))

    def matches(t):
        return (t.minute in sets[0] and t.hour in sets[1] and t.day in sets[2] and t.month in sets[3]
                and t.isoweekday() % 7 in sets[4])

    found = set()
    if "*" in minutes or "*" in hours:
        at = after.replace(second=0, microsecond=0)
        while len(found) < count:
            at += MINUTE
            if matches(local_of(at, zone)):
                found.add(at)
        return sorted(found)
    naive = local_of(after, zone).replace(second=0, microsecond=0) - datetime.timedelta(hours=27)
    while len(found) < count + 5:
        naive += MINUTE
        if not matches(naive):
            continue
        at = gap_end(naive, zone) or naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
        if at != "dropped" and at > after:
            found.add(at)
    return sorted(found)[:count]


class Preview(RecurringCase):
    def ask(self, **body):
        return self.api.post("/v1/schedules/preview", body)

    def test_instants_are_those_of_zoneinfo(self):
        for name, cron, after in (
                ("America/New_York", "30 1,2 * * *", "2025-03-07T12:00:00Z"),
                ("America/New_York", "30 * * * *", "2025-11-02T02:10:00Z"),
                ("America/New_York", "30 1 * * *", "2025-10-30T02:10:00Z"),
                ("Europe/Berlin", "15,45 2 * * 0", "2026-03-01T00:00:00Z"),
                ("Europe/Berlin", "*/30 2,3 * * *", "2026-10-22T00:00:00Z"),
                ("Australia/Lord_Howe", "10 2 * * *", "2025-10-02T00:00:00Z"),
                ("Asia/Kolkata", "0 9 * * 1-5", "2026-01-01T03:30:00Z"),
                ("America/Nuuk", "30 23 * * *", "2026-03-25T00:00:00Z"),
                ("Pacific/Apia", "0 12 * * *", "2011-12-28T00:00:00Z"),
                ("Africa/Casablanca", "30 2 * * *", "2026-02-10T00:00:00Z"),
                ("UTC", "59 23 31 12 *", "2026-06-01T00:00:00Z")):
            zone = zoneinfo.ZoneInfo(name)
            count = 3 if cron.startswith("59") else 24
            answer = self.ask(cron=cron, timezone=name, count=count, after=after)
            instants = expected(cron, zone, datetime.datetime.fromisoformat(
                after.replace("Z", "+00:00")), count)
            self.assertEqual(
                answer["occurrences"],
                [{"at": rfc3339(t), "local": t.astimezone(zone).isoformat()} for t in instants],
                f"{cron} in {name}")
            self.assertEqual((answer["timezone"], answer["warnings"]), (name, []))

    def test_defaults_are_five_from_now_in_the_workspaces_zone(self):
        answer = self.ask(cron="0 9 * * MON-fri")
        self.assertEqual((answer["timezone"], answer["cron"]), ("Asia/Kolkata", "0 9 * * 1-5"))
        self.assertEqual([o["at"] for o in answer["occurrences"]], [rfc3339(t) for t in expected(
            "0 9 * * 1-5", zoneinfo.ZoneInfo("Asia/Kolkata"), datetime.datetime.now(UTC), 5)])
        for o in answer["occurrences"]:
            self.assertTrue(o["local"].endswith("T09:00:00+05:30"), o)
        self.assertEqual(self.ask(cron="0 9 * * 1-5", timezone=None, count=None, after=None), answer)

    def test_an_instant_is_strictly_later_than_after(self):
        body = {"cron": "0 9 * * *", "timezone": "UTC", "count": 1}
        for after, at in (("2026-05-01T09:00:00Z", "2026-05-02T09:00:00.000Z"),
                          ("2026-05-01T08:59:59.999999Z", "2026-05-01T09:00:00.000Z"),
                          ("2026-05-01T11:00:00+02:00", "2026-05-02T09:00:00.000Z"),
                          ("9999-12-31T08:00:00Z", "9999-12-31T09:00:00.000Z")):
            self.assertEqual([o["at"] for o in self.ask(after=after, **body)["occurrences"]], [at])
        self.assertEqual(self.ask(after="9999-12-31T09:00:00Z", **body)["occurrences"], [])

    def test_warnings(self):
        answer = self.ask(cron="0 9 1-7,*/2 * 1", count=1)
        self.assertEqual([(w["code"], w["pointer"]) for w in answer["warnings"]],
                         [("cron_days", "/cron")])
        self.assertEqual(self.ask(cron="0 9 13 * 5", count=1)["warnings"], [])

    def test_every_fault_is_listed_with_its_pointer(self):
        answer = self.api.request("POST", "/v1/schedules/preview", {
            "cron": "0 9 * * 8", "timezone": "Mars", "count": 101, "after": "now", "x": 1})
        self.problem(answer, 422, "validation_error", "/cron", "/timezone", "/count", "/after", "/x")
        for body, code, pointer in (
                ({}, "validation_error", "/cron"), ({"cron": None}, "validation_error", "/cron"),
                ({"cron": "0 0 30 2 *"}, "invalid_cron", "/cron"),
                ({"cron": "* * * * *", "count": 0}, "validation_error", "/count"),
                ({"cron": "* * * * *", "timezone": "EST5EDT,M3"}, "invalid_timezone", "/timezone")):
            answer = self.api.request("POST", "/v1/schedules/preview", body)
            self.problem(answer, 422, code, pointer)

    def test_it_needs_read_and_takes_an_idempotency_key(self):
        reader = self.client(self.key(self.one.workspace, "read"))
        writer = self.client(self.key(self.one.workspace, "write,control,admin"))
        body = {"cron": "* * * * *", "count": 100}
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        self.assertEqual(writer.request("POST", "/v1/schedules/preview", body).status, 403)
        first = reader.request("POST", "/v1/schedules/preview", body, headers)
        self.assertEqual((first.status, len(first.json["occurrences"])), (200, 100))
        again = reader.request("POST", "/v1/schedules/preview", body, headers)
        self.assertEqual((again.body, again.headers["Idempotent-Replayed"]), (first.body, "true"))
        other = reader.request("POST", "/v1/schedules/preview", {**body, "count": 2}, headers)
        self.problem(other, 422, "idempotency_key_reused")


if __name__ == "__main__":
    unittest.main()
