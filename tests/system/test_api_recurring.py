"""Recurring campaigns over HTTP: creation and its faults, every action in every state. Nothing moves by
itself here, scheduler and dispatcher are gone, and queued calls are written as rows."""
import datetime
import unittest
import uuid
import zoneinfo

import belfry
from api_case import Tenant, type_id
from recurring_case import WINDOWS, RecurringCase, key_of, parse, rfc3339, soon
from test_api_campaigns import ACTIONS, ALLOWED, COUNTS, DEFAULT_POLICY, FIELDS, MOVES


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


if __name__ == "__main__":
    unittest.main()
