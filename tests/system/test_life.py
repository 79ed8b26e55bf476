"""A call's whole life: 2,000 targets over all of the carrier's magic numbers, two dispatchers, two
schedulers, from the API to verified webhooks."""
import collections
import unittest

import belfry
import judge

DEADLINE_S = 300
EACH = 150
ORDINARY = 200
MAX_ATTEMPTS = 3
RETRIES = {"rules": [
    {"on": ["busy", "no_answer", "carrier_error", "agent_unavailable", "rate_limited"],
     "delay_s": 0.4}], "jitter_pct": 0}

# By hand, from the table of the simulated carrier and the retry rules above, with max_attempts 3:
# ending: (target status, last outcome, dials, conversation)
EXPECTED = {
    "0001": ("failed", "busy", 3, False),
    "0002": ("failed", "no_answer", 3, False),
    "0003": ("failed", "rejected", 1, False),
    "0004": ("failed", "invalid_number", 1, False),
    # The first three carrier errors do not count.
    "0005": ("failed", "carrier_error", 6, False),
    "0006": ("dispatched", "answered_machine", 1, True),
    "0007": ("dispatched", "answered", 2, True),
    "0008": ("dispatched", "answered", 3, True),
    "0009": ("failed", "uncertain", 1, False),
    "0010": ("dispatched", "answered", 1, True),
    # Two answers of 503 with Retry-After do not count.
    "0011": ("dispatched", "answered", 3, True),
    "0012": ("failed", "agent_unavailable", 3, False),
}
ANSWERED = ("dispatched", "answered", 1, True)


def expected(number):
    return EXPECTED.get(number[-4:], ANSWERED)


class LifeTest(belfry.TestCase):
    def test_every_magic_number_ends_as_written(self):
        stack = self.stack(dispatchers=2, schedulers=2,
                           settings={"SIM_RING_MS": 50, "SIM_TALK_MS": 200})
        receiver = self.receiver()
        stack.endpoint(receiver)
        targets = [number for ending in EXPECTED for number in belfry.numbers(EACH, ending)]
        targets += belfry.numbers(ORDINARY)
        self.assertEqual(len(targets), 2000)
        campaign = stack.campaign(targets, rate=24000, max_attempts=MAX_ATTEMPTS,
                                  retry_policy=RETRIES, ring_timeout_s=1)
        stack.start_campaign(campaign)
        done = stack.wait_status(campaign, "completed", 120)

        found = stack.targets(campaign)
        self.assertEqual(sorted(target["to_number"] for target in found), sorted(targets))
        wrong = [target for target in found if expected(target["to_number"])[:3] !=
                 (target["status"], target["outcome"], target["attempts"])]
        self.assertEqual(wrong, [], f"{len(wrong)} targets, such as {wrong[:3]}")
        by_status = collections.Counter(expected(number)[0] for number in targets)
        self.assertEqual(done["counts"], {
            "total": 2000, "pending": 0, "scheduled": 0, "dispatched": by_status["dispatched"],
            "failed": by_status["failed"], "skipped": 0})

        dials = stack.ledger().dials(campaign)
        self.assertEqual(len(dials), sum(expected(number)[2] for number in targets))
        judge.i1_no_attempt_twice(dials)
        judge.i2_all_terminal(found)
        judge.i3_attempts(dials, found, MAX_ATTEMPTS,
                          lambda number: {"0005": 3, "0011": 2}.get(number[-4:], 0))
        judge.i4_one_call_per_target(dials, found)
        judge.i7_rate(dials, 24000)

        # created and terminal for each, a conversation for those who talked, and one for the campaign
        talks = {number for number in targets if expected(number)[3]}
        wanted = 2 * len(targets) + len(talks) + 1
        belfry.wait_until(lambda: len({hook.id for hook in list(receiver.hooks)}) >= wanted, 60,
                          lambda: f"{wanted} webhooks; {len(receiver.hooks)} came")
        self.assertEqual(receiver.unsigned(), [])
        events = receiver.bodies()
        judge.i10_one_event_per_transition(events, dials, found, talks)
        judge.i17_completed_once(events, campaign)
        self.check_calls(stack, campaign, found)

    def check_calls(self, stack, campaign, found):
        """The API shows each call with its attempts, numbered, and with their outcomes."""
        for ending in ("0001", "0005", "0008", "0011", "0012"):
            target = next(t for t in found if t["to_number"].endswith(ending))
            shown = stack.api.get(f"/v1/campaigns/{campaign}/targets/{target['id']}")
            call = stack.api.get(f"/v1/scheduled-calls/{shown['scheduled_call_id']}")
            numbers = [attempt["number"] for attempt in call["attempts"]]
            self.assertEqual(numbers, list(range(1, expected(target["to_number"])[2] + 1)))
            self.assertEqual(call["attempts"][-1]["outcome"], target["outcome"])
            self.assertEqual(call["status"], target["status"])


if __name__ == "__main__":
    unittest.main()
