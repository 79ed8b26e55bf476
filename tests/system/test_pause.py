"""Pause, resume and cancel under load: after the answer nothing is claimed, nothing reaches the
carrier more than two seconds later, and nothing is lost or made twice by going on."""
import unittest

import belfry
import judge

DEADLINE_S = 400
RETRIES = {"rules": [{"on": ["busy"], "delay_s": 2}], "jitter_pct": 0}


class PauseTest(belfry.TestCase):
    def setUp(self):
        self.shared = self.stack(dispatchers=2, settings={"SIM_RING_MS": 50, "SIM_TALK_MS": 100})

    def check_silence(self, campaign, dials_before, answered_us):
        """Nothing at the carrier later than two seconds after the answer."""
        belfry.wait_until(lambda: belfry.now_us() > answered_us + 2500000, 10, "the two seconds")
        late = [dial for dial in self.shared.ledger().dials(campaign)
                if dial["t_us"] > answered_us + 2000000]
        self.assertEqual(late, [])
        self.assertGreaterEqual(len(self.shared.ledger().dials(campaign)), dials_before)

    def test_pause_and_resume_twenty_times_under_load(self):
        stack = self.shared
        targets = belfry.numbers(3600) + belfry.numbers(400, "0001")
        campaign = stack.campaign(targets, rate=12000, max_attempts=2, retry_policy=RETRIES)
        stack.start_campaign(campaign)
        for turn in range(20):
            seen = len(stack.ledger().dials(campaign))
            belfry.wait_until(lambda: len(stack.ledger().dials(campaign)) > seen + 20, 30,
                              lambda: f"twenty more dials in turn {turn}")
            stack.act(campaign, "pause")
            self.check_silence(campaign, seen, belfry.now_us())
            resumed = stack.act(campaign, "resume")
            self.assertEqual(resumed["status"], "active")
        stack.wait_status(campaign, "completed", 90)
        found = stack.targets(campaign)
        dials = stack.ledger().dials(campaign)
        judge.i1_no_attempt_twice(dials)
        judge.i2_all_terminal(found)
        judge.i3_attempts(dials, found, 2)
        judge.i4_one_call_per_target(dials, found)
        judge.i7_rate(dials, 12000)
        busy = [t for t in found if t["to_number"].endswith("0001")]
        self.assertEqual({(t["status"], t["attempts"]) for t in busy}, {("failed", 2)})

    def test_a_paused_campaigns_retries_go_on_after_resume(self):
        stack = self.shared
        later = {"rules": [{"on": ["busy"], "delay_s": 8}], "jitter_pct": 0}
        campaign = stack.campaign(belfry.numbers(20, "0007"), rate=60000, max_attempts=2,
                                  retry_policy=later)
        stack.start_campaign(campaign)
        belfry.wait_until(lambda: len(stack.ledger().dials(campaign)) == 20, 20, "first attempts")
        belfry.wait_until(lambda: stack.value("SELECT count(*) FROM attempt") == "0", 10, "their ends")
        stack.act(campaign, "pause")
        answered_us = belfry.now_us()
        belfry.wait_until(lambda: belfry.now_us() > answered_us + 9000000, 20, "the retries are due")
        self.assertEqual(len(stack.ledger().dials(campaign)), 20)
        stack.act(campaign, "resume")
        done = stack.wait_status(campaign, "completed", 40)
        self.assertEqual(done["counts"]["dispatched"], 20)
        self.assertEqual(len(stack.ledger().dials(campaign)), 40)

    def test_cancel_under_load(self):
        stack = self.shared
        campaign = stack.campaign(belfry.numbers(9000), rate=6000)
        stack.start_campaign(campaign)
        belfry.wait_until(lambda: len(stack.ledger().dials(campaign)) > 50, 20, "fifty dials")
        stack.act(campaign, "cancel")
        answered_us = belfry.now_us()
        self.check_silence(campaign, 50, answered_us)
        belfry.wait_until(lambda: stack.counts(campaign)["pending"] +
                          stack.counts(campaign)["scheduled"] == 0, 30,
                          lambda: f"all settled; {stack.counts(campaign)}")
        counts = stack.counts(campaign)
        dials = stack.ledger().dials(campaign)
        self.assertEqual(counts["dispatched"], len(dials))
        self.assertEqual(counts["skipped"], 9000 - len(dials))
        self.assertEqual(stack.api.get(f"/v1/campaigns/{campaign}")["status"], "cancelled")


if __name__ == "__main__":
    unittest.main()
