"""Campaigns over HTTP: creation and its faults, every action in every state, lists, stats. Nothing
moves by itself here: scheduler and dispatcher are gone."""
import unittest

import belfry
from api_case import ApiCase, Tenant, to_uuid, type_id

FIELDS = ["id", "kind", "name", "description", "status", "status_reason", "agent_id", "from_number",
          "variables", "to_number", "cron", "timezone", "end_at", "rate_limit_per_minute",
          "max_concurrent", "max_attempts", "retry_policy", "ring_timeout_s", "max_duration_s",
          "calling_windows", "counts", "next_occurrence_at", "created_at", "updated_at",
          "started_at", "completed_at"]
COUNTS = ["total", "pending", "scheduled", "dispatched", "failed", "skipped"]
DEFAULT_POLICY = {"rules": [
    {"on": ["busy"], "delay_s": 900}, {"on": ["no_answer"], "delay_s": 3600},
    {"on": ["carrier_error"], "delay_s": 60, "backoff": "exponential", "max_delay_s": 900}],
    "jitter_pct": 10}
ACTIONS = ("start", "pause", "resume", "cancel")
# By status: where an action leads, or None where it is forbidden.
MOVES = {
    "draft": {"start": "active", "cancel": "cancelled"},
    "active": {"start": "active", "pause": "paused", "resume": "active", "cancel": "cancelled"},
    "paused": {"pause": "paused", "resume": "active", "cancel": "cancelled"},
    "completed": {},
    "cancelled": {"cancel": "cancelled"},
}
ALLOWED = {"draft": ["start", "cancel"], "active": ["pause", "cancel"],
           "paused": ["resume", "cancel"], "completed": [], "cancelled": []}


class Campaigns(ApiCase):
    def setUp(self):
        self.api = self.one.api

    def test_the_least_campaign_has_the_defaults_and_reads_back_the_same(self):
        answer = self.api.request("POST", "/v1/campaigns", self.one.draft())
        self.assertEqual(answer.status, 201)
        made = answer.json
        self.assertEqual(list(made), FIELDS)
        self.assertEqual(list(made["counts"]), COUNTS)
        self.assertEqual(set(made["counts"].values()), {0})
        self.assertEqual(answer.headers["Location"], "/v1/campaigns/" + made["id"])
        self.assertEqual(
            {k: made[k] for k in ("kind", "status", "timezone", "max_attempts", "ring_timeout_s",
                                  "max_duration_s", "variables", "retry_policy", "from_number")},
            {"kind": "bulk", "status": "draft", "timezone": "Asia/Kolkata", "max_attempts": 1,
             "ring_timeout_s": 30, "max_duration_s": 3600, "variables": {},
             "retry_policy": DEFAULT_POLICY, "from_number": self.one.e164})
        for field in ("description", "status_reason", "to_number", "cron", "end_at",
                      "max_concurrent", "calling_windows", "next_occurrence_at", "started_at",
                      "completed_at"):
            self.assertIsNone(made[field], field)
        self.assertLess(abs(belfry.parse_time_us(made["created_at"]) - belfry.now_us()), 5e6)
        self.assertEqual(self.api.get("/v1/campaigns/" + made["id"]), made)

    def test_all_that_is_given_reads_back(self):
        given = {"description": "d\u00e9j\u00e0 \"vu\"\n", "variables": {"a": [1, {"b": None}], "\u20ac": "x"},
                 "timezone": "America/New_York", "rate_limit_per_minute": 600000,
                 "max_concurrent": 7, "max_attempts": 10, "ring_timeout_s": 1,
                 "max_duration_s": 86400,
                 "retry_policy": {"rules": [{"on": ["busy", "rejected"], "delay_s": 0.25}],
                                  "jitter_pct": 0}}
        made = self.one.campaign(**given)
        read = self.api.get("/v1/campaigns/" + made["id"])
        for field, value in given.items():
            self.assertEqual(made[field], value)
            self.assertEqual(read[field], value)

    def test_nulls_stand_for_defaults(self):
        made = self.one.campaign(description=None, variables=None, timezone=None, max_concurrent=None,
                                 retry_policy=None, to_number=None, cron=None, end_at=None,
                                 calling_windows=None)
        self.assertEqual(made["timezone"], "Asia/Kolkata")
        self.assertEqual(made["retry_policy"], DEFAULT_POLICY)

    def test_targets_in_the_body_are_judged_row_by_row(self):
        made = self.one.campaign(targets=["+12015550101", {"to_number": "+12015550102"}, "12",
                                          "+12015550101", {"to_number": "+12015550103", "x": 1}])
        self.assertEqual(made["counts"]["total"], 2)
        self.assertEqual(made["targets"], {
            "received": 5, "inserted": 2, "deduped": 1, "rejected": 2, "errors": [
                {"index": 2, "pointer": "/targets/2", "code": "invalid_e164",
                 "detail": "must be E.164, such as +14155550123"},
                {"index": 4, "pointer": "/targets/4/x", "code": "validation_error",
                 "detail": made["targets"]["errors"][1]["detail"]}]})
        read = self.api.get("/v1/campaigns/" + made["id"])
        self.assertEqual(read["counts"], {**dict.fromkeys(COUNTS, 0), "total": 2, "pending": 2})

    def test_every_fault_is_listed_with_its_pointer(self):
        answer = self.api.request("POST", "/v1/campaigns", {})
        self.problem(answer, 422, "validation_error", "/kind", "/name", "/agent_id", "/from_number",
                     "/rate_limit_per_minute")
        answer = self.api.request("POST", "/v1/campaigns", self.one.draft(
            name="", from_number="0123", agent_id="agt_x", rate_limit_per_minute=0, max_attempts=11,
            timezone="Mars/Olympus", to_number="+14155550123", extra=1, variables=[]))
        self.problem(answer, 422, "validation_error", "/name", "/from_number", "/agent_id",
                     "/rate_limit_per_minute", "/max_attempts", "/timezone", "/to_number", "/extra",
                     "/variables")

    def test_a_single_kind_of_fault_gives_its_own_code(self):
        for fields, code, pointer in (
                ({"from_number": "4155550123"}, "invalid_e164", "/from_number"),
                ({"timezone": "asia/kolkata"}, "invalid_timezone", "/timezone"),
                ({"rate_limit_per_minute": 600001}, "validation_error", "/rate_limit_per_minute"),
                ({"rate_limit_per_minute": 1.5}, "validation_error", "/rate_limit_per_minute"),
                ({"rate_limit_per_minute": "60"}, "validation_error", "/rate_limit_per_minute"),
                ({"max_concurrent": 0}, "validation_error", "/max_concurrent"),
                ({"name": "x" * 201}, "validation_error", "/name"),
                ({"kind": "other"}, "validation_error", "/kind"),
                ({"cron": "* * * * *"}, "validation_error", "/cron"),
                ({"end_at": "2030-01-01T00:00:00Z"}, "validation_error", "/end_at"),
                ({"variables": {"a": "x" * 17000}}, "validation_error", "/variables"),
                ({"retry_policy": {"rules": [{"on": ["late"], "delay_s": 1}]}}, "validation_error",
                 "/retry_policy/rules/0/on"),
                ({"targets": {}}, "validation_error", "/targets"),
                ({"targets": ["+12015550100"] * 10001}, "validation_error", "/targets")):
            answer = self.api.request("POST", "/v1/campaigns", self.one.draft(**fields))
            self.problem(answer, 422, code, pointer)

    def test_calling_windows_are_judged_and_read_back(self):
        windows = {"timezone": "target", "blackout_dates": ["2026-12-25"],
                   "weekly": [{"days": ["mon", "fri"], "start": "09:00", "end": "20:00"}]}
        made = self.one.campaign(calling_windows=windows)
        self.assertEqual(made["calling_windows"], windows)
        self.assertEqual(self.api.get("/v1/campaigns/" + made["id"])["calling_windows"], windows)
        for wrong, code, pointer in (
                ({"timezone": "Mars/Olympus"}, "invalid_timezone", "/calling_windows/timezone"),
                ({"weekly": [{"days": ["mon"], "start": "20:00", "end": "09:00"}]},
                 "validation_error", None),
                ({"blackout_dates": ["2026-02-30"]}, "validation_error", None),
                ({"holidays": []}, "validation_error", "/calling_windows/holidays")):
            answer = self.api.request("POST", "/v1/campaigns",
                                      self.one.draft(calling_windows=wrong))
            problem = self.problem(answer, 422, code, *([pointer] if pointer else []))
            self.assertTrue(problem["errors"][0]["pointer"].startswith("/calling_windows/"))

    def test_unknown_references_are_refused(self):
        answer = self.api.request("POST", "/v1/campaigns", self.one.draft(agent_id=type_id("agt")))
        self.problem(answer, 404, "not_found", "/agent_id")
        answer = self.api.request("POST", "/v1/campaigns", self.one.draft(from_number="+14155550199"))
        self.problem(answer, 403, "number_not_owned", "/from_number")

    # --- actions -------------------------------------------------------------------------------

    def in_status(self, status):
        campaign = self.one.campaign(targets=["+12015550101"])["id"]
        for action in {"draft": [], "active": ["start"], "paused": ["start", "pause"],
                       "cancelled": ["cancel"], "completed": ["start"]}[status]:
            self.api.post(f"/v1/campaigns/{campaign}/{action}")
        if status == "completed":
            self.it.psql("UPDATE campaign SET status = 'completed', completed_at = now() "
                         f"WHERE id = '{to_uuid(campaign)}'")
        return f"/v1/campaigns/{campaign}"

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

    def test_starting_needs_a_target(self):
        path = "/v1/campaigns/" + self.one.campaign()["id"]
        self.problem(self.api.request("POST", path + "/start"), 409, "no_targets")
        self.assertEqual(self.api.get(path)["status"], "draft")
        self.api.post(path + "/targets", {"targets": ["+12015550101"]})
        started = self.api.post(path + "/start")
        self.assertLess(abs(belfry.parse_time_us(started["started_at"]) - belfry.now_us()), 5e6)

    def test_resume_clears_the_engines_reason_and_the_line(self):
        path = self.in_status("paused")
        key = to_uuid(path.rpartition("/")[2])
        self.it.psql(f"UPDATE campaign SET status_reason = 'config_error' WHERE id = '{key}'; "
                     f"UPDATE campaign_plan SET line_at = now() WHERE campaign_id = '{key}'")
        self.assertEqual(self.api.get(path)["status_reason"], "config_error")
        self.assertIsNone(self.api.post(path + "/resume")["status_reason"])
        self.assertEqual(self.it.value(
            f"SELECT line_at IS NULL FROM campaign_plan WHERE campaign_id = '{key}'"), "t")

    def test_cancel_skips_what_was_not_dialed(self):
        campaign = self.one.campaign(targets=belfry.numbers(20))["id"]
        self.api.post(f"/v1/campaigns/{campaign}/start")
        cancelled = self.api.post(f"/v1/campaigns/{campaign}/cancel")
        self.assertEqual(cancelled["counts"], {**dict.fromkeys(COUNTS, 0), "total": 20, "skipped": 20})
        self.assertIsNone(cancelled["completed_at"])
        page = self.api.get(f"/v1/campaigns/{campaign}/targets?status=skipped&limit=200")
        self.assertEqual(len(page["data"]), 20)

    # --- the rest ------------------------------------------------------------------------------

    def test_only_a_draft_is_deleted(self):
        path = self.in_status("draft")
        answer = self.api.request("DELETE", path)
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.problem(self.api.request("GET", path), 404, "not_found")
        self.problem(self.api.request("DELETE", path), 404, "not_found")
        for status in ("active", "paused", "cancelled", "completed"):
            path = self.in_status(status)
            problem = self.problem(self.api.request("DELETE", path), 409, "invalid_state_transition")
            self.assertEqual(problem["current_status"], status)
            self.assertEqual(self.api.get(path)["status"], status)

    def test_a_bulk_campaign_cannot_be_patched(self):
        path = self.in_status("draft")
        tag = self.api.request("GET", path).headers["ETag"]
        self.assertRegex(tag, r'^"[0-9a-f]+"$')
        for headers in ({}, {"If-Match": tag}, {"If-Match": "*"}):
            self.problem(self.api.request("PATCH", path, {"name": "x"}, headers), 409,
                         "campaign_immutable")
        self.problem(self.api.request("PATCH", path, {"name": "x"}, {"If-Match": '"0"'}), 412,
                     "precondition_failed")

    def test_lists_filter_by_kind_status_and_name(self):
        three = Tenant(self, self.fresh_number())
        for name in ("Alpha one", "alphabet", "50% off", "50 off", "under_score", "underxscore"):
            three.campaign(name=name, targets=["+12015550101"])
        first = three.api.get("/v1/campaigns?q=Alpha+one")["data"][0]["id"]
        three.api.post(f"/v1/campaigns/{first}/start")

        def names(query):
            return sorted(c["name"] for c in three.api.get("/v1/campaigns?" + query)["data"])

        self.assertEqual(names("q=ALPHA"), ["Alpha one", "alphabet"])
        self.assertEqual(names("q=%25"), ["50% off"])
        self.assertEqual(names("q=r_s"), ["under_score"])
        self.assertEqual(names("q=%5C"), [])
        self.assertEqual(names("status=active"), ["Alpha one"])
        self.assertEqual(names("status=draft&q=alpha&kind=bulk"), ["alphabet"])
        self.assertEqual(names("kind=recurring"), [])

    def test_stats_of_a_moment(self):
        campaign = self.one.campaign(targets=belfry.numbers(6))["id"]
        self.it.psql(
            "UPDATE target t SET outcome = x.o, attempts = x.a FROM (VALUES (1, 'busy', 2), "
            "(2, 'answered', 1), (3, 'answered', 3)) x (p, o, a) WHERE t.position = x.p "
            f"AND t.campaign_id = '{to_uuid(campaign)}'")
        stats = self.api.get(f"/v1/campaigns/{campaign}/stats")
        self.assertEqual(stats["campaign_id"], campaign)
        self.assertEqual(stats["counts"], self.api.get(f"/v1/campaigns/{campaign}")["counts"])
        self.assertEqual(stats["outcomes"], {"answered": 2, "busy": 1})
        self.assertEqual((stats["without_outcome"], stats["attempts"]), (3, 6))


if __name__ == "__main__":
    unittest.main()
