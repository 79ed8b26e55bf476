"""Credit: what is billed is taken off, and where none is left campaigns are paused, once, until it is
topped up."""
import math
import time
import unittest
import uuid

import belfry
import judge
from api_case import to_uuid

DEADLINE_S = 300
S = 1000000


def key():
    return {"Idempotency-Key": str(uuid.uuid4())}


class CreditTest(belfry.TestCase):
    def setUp(self):
        self.shared = self.stack(dispatchers=2, settings={"SIM_RING_MS": 20, "SIM_TALK_MS": 900})

    def credit(self):
        return self.shared.api.get("/v1/workspace")["credit_s"]

    def set_credit(self, seconds):
        self.shared.psql(f"UPDATE workspace SET credit_s = {seconds}")

    def at_rest(self):
        """Once no attempt is open: how many conversations there were, and what is billed: each begun second. On a
        busy machine some of them last longer than they should."""
        belfry.wait_until(lambda: self.shared.value("SELECT count(*) FROM attempt") == "0", 20,
                          "no attempt is open")
        talks = self.shared.psql("SELECT duration_ms, billed_s FROM conversation WHERE status = 'completed'")
        for duration_ms, billed_s in talks:
            self.assertEqual(int(billed_s), math.ceil(int(duration_ms) / 1000))
        return len(talks), sum(int(billed_s) for _, billed_s in talks)

    def paused_events(self, campaign):
        return self.shared.psql("SELECT data::json->>'status', data::json->>'status_reason' FROM event "
                                "WHERE type = 'campaign.paused' AND campaign_id = "
                                f"'{to_uuid(campaign)}'")

    def is_402(self, answer):
        self.assertEqual((answer.status, answer.json["code"]), (402, "insufficient_credit"), answer)

    def ad_hoc(self, number, **fields):
        return self.shared.api.request("POST", "/v1/scheduled-calls", {
            "to_number": number, "from_number": belfry.FROM_NUMBER,
            "agent_id": self.shared.agent_id, **fields}, key())

    def test_what_is_not_limited_stays_so(self):
        stack = self.shared
        self.assertIsNone(self.credit())
        campaign = stack.campaign(belfry.numbers(3))
        stack.start_campaign(campaign)
        stack.wait_status(campaign, "completed", 20)
        self.assertEqual(self.at_rest()[0], 3)
        self.assertIsNone(self.credit())

    def test_a_campaign_runs_out_is_paused_once_and_goes_on_after_a_top_up(self):
        stack = self.shared
        self.set_credit(6)
        campaign = stack.campaign(belfry.numbers(40), rate=240)
        other = stack.campaign(belfry.numbers(2, block=1))
        stack.start_campaign(campaign)
        paused = stack.wait_status(campaign, "paused", 40)
        self.assertEqual(paused["status_reason"], "insufficient_credit")
        _, billed = self.at_rest()
        self.assertEqual(self.credit(), 6 - billed)
        self.assertLessEqual(self.credit(), 0)
        for answer in (stack.api.request("POST", f"/v1/campaigns/{campaign}/resume"),
                       stack.api.request("POST", f"/v1/campaigns/{other}/start"),
                       self.ad_hoc("+14155551000")):
            self.is_402(answer)
        dialed = len(stack.ledger().dials(campaign))
        self.assertGreaterEqual(dialed, 1)
        self.assertLess(dialed, 40)
        # nothing moves while it is paused, and nothing says so again
        began_us = belfry.now_us()
        belfry.wait_until(lambda: belfry.now_us() > began_us + 4 * S, 10, "a while")
        self.assertEqual(len(stack.ledger().dials(campaign)), dialed)
        self.assertEqual(self.paused_events(campaign), [["paused", "insufficient_credit"]])
        counts = stack.counts(campaign)
        self.assertEqual((counts["failed"], counts["dispatched"]), (0, dialed))

        self.set_credit("credit_s + 100")
        self.assertEqual(stack.act(campaign, "resume")["status"], "active")
        done = stack.wait_status(campaign, "completed", 60)
        self.assertEqual((done["status_reason"], done["counts"]["dispatched"]), (None, 40))
        talks, billed = self.at_rest()
        self.assertEqual((talks, self.credit()), (40, 106 - billed))
        dials = stack.ledger().dials(campaign)
        judge.i1_no_attempt_twice(dials)
        self.assertEqual(len({dial["to"] for dial in dials}), len(dials))
        self.assertEqual(len(self.paused_events(campaign)), 1)

    def test_many_conversations_that_end_at_once_are_all_taken_off(self):
        stack = self.shared
        self.set_credit(100000)
        campaigns = [stack.campaign(belfry.numbers(300, block=n)) for n in range(3)]
        for campaign in campaigns:
            stack.start_campaign(campaign)
        for campaign in campaigns:
            stack.wait_status(campaign, "completed", 60)
        talks, billed = self.at_rest()
        self.assertEqual((talks, self.credit()), (900, 100000 - billed))

    def test_an_ad_hoc_call_without_credit_fails_without_an_attempt(self):
        stack = self.shared
        self.set_credit(5)
        at_us = belfry.now_us() + 10 * S
        text = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_us // S))
        call = self.ad_hoc("+14155551000", scheduled_at=text).json["id"]
        self.set_credit(0)
        seen = {}

        def ended():
            seen.update(stack.api.get(f"/v1/scheduled-calls/{call}"))
            return seen["status"] == "failed"

        belfry.wait_until(ended, 40, lambda: f"the end of {seen}")
        self.assertEqual((seen["outcome"], seen["attempts"]), ("config_error", []))
        self.assertEqual(stack.ledger().dials(), [])
        events = stack.psql("SELECT outcome FROM event WHERE type = 'scheduled_call.failed'")
        self.assertEqual(events, [["config_error"]])

    def test_occurrences_of_a_campaign_that_was_paused_before_are_held_too(self):
        """On request it was paused, so its calls go on until there is no credit."""
        stack = self.shared
        campaign = stack.api.post("/v1/campaigns", {
            "kind": "recurring", "name": "credit", "agent_id": stack.agent_id,
            "from_number": belfry.FROM_NUMBER, "to_number": "+14155551000", "cron": "* * * * *",
            "timezone": "UTC"})["id"]
        belfry.wait_until(lambda: belfry.now_us() // S % 60 < 45, 20, "a young minute")
        stack.start_campaign(campaign)
        belfry.wait_until(lambda: stack.counts(campaign)["scheduled"] > 2, 20, "it is planned")
        self.assertIsNone(stack.act(campaign, "pause")["status_reason"])
        self.set_credit(0)
        belfry.wait_until(lambda: stack.api.get(f"/v1/campaigns/{campaign}")["status_reason"] ==
                          "insufficient_credit", 80, "it is held")
        self.assertEqual(self.paused_events(campaign), [["paused", "insufficient_credit"]])
        self.assertEqual((stack.ledger().dials(), stack.counts(campaign)["failed"]), ([], 0))
        self.is_402(stack.api.request("POST", f"/v1/campaigns/{campaign}/resume"))
        self.set_credit(10)
        self.assertEqual(stack.act(campaign, "resume")["status_reason"], None)


if __name__ == "__main__":
    unittest.main()
