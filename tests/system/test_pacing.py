"""Never early, never over the rate: each of the three limits being the tightest once, with three
dispatchers, judged from the carrier's ledger."""
import unittest

import belfry
import judge

DEADLINE_S = 300


class PacingTest(belfry.TestCase):
    def run_campaign(self, stack, count, rate, deadline_s=60, **fields):
        campaign = stack.campaign(belfry.numbers(count, block=self.block), rate=rate, **fields)
        self.block += 1
        stack.start_campaign(campaign)
        stack.wait_status(campaign, "completed", deadline_s)
        return stack.ledger().dials(campaign)

    def setUp(self):
        self.watch = belfry.Stopwatch()

    def check(self, dials, count, rate):
        judge.i1_no_attempt_twice(dials)
        self.assertEqual(len(dials), count)
        judge.i7_rate(dials, rate)
        # It is a rate, not only a limit: the whole takes no longer than the line and a little.
        took_s = (max(d["t_us"] for d in dials) - min(d["t_us"] for d in dials)) / 1e6
        self.assertLess(took_s, count * 60 / rate * 1.5 + 3 + self.watch.slack_s())

    def test_the_tightest_of_three_limits_holds(self):
        stack = self.stack(dispatchers=3, settings={"SIM_RING_MS": 10, "SIM_TALK_MS": 10})
        self.block = 0
        with self.subTest("campaign"):
            self.check(self.run_campaign(stack, 300, 3000), 300, 3000)
        with self.subTest("workspace"):
            stack.api.patch("/v1/workspace", {"calls_per_minute": 2400})
            self.check(self.run_campaign(stack, 300, 60000), 300, 2400)
            stack.api.patch("/v1/workspace", {"calls_per_minute": None})
        with self.subTest("number"):
            stack.api.patch(f"/v1/numbers/{stack.number_id}", {"calls_per_minute": 1800})
            self.check(self.run_campaign(stack, 200, 60000), 200, 1800)
            stack.api.patch(f"/v1/numbers/{stack.number_id}", {"calls_per_minute": None})
        with self.subTest("two campaigns share a workspace"):
            self.check_shared(stack)

    def check_shared(self, stack):
        stack.api.patch("/v1/workspace", {"calls_per_minute": 3000})
        both = [stack.campaign(belfry.numbers(150, block=100 + n), rate=60000) for n in range(2)]
        for campaign in both:
            stack.start_campaign(campaign)
        for campaign in both:
            stack.wait_status(campaign, "completed", 60)
        dials = [dial for campaign in both for dial in stack.ledger().dials(campaign)]
        self.check(dials, 300, 3000)

    def test_a_line_of_a_thousand_stands_two_seconds_apart(self):
        stack = self.stack(settings={"SIM_RING_MS": 10, "SIM_TALK_MS": 10})
        campaign = stack.campaign(belfry.numbers(1000), rate=30)
        stack.start_campaign(campaign)
        belfry.wait_until(lambda: stack.counts(campaign)["pending"] == 0, 10,
                          lambda: f"a thousand calls; {stack.counts(campaign)}")
        calls = list(stack.api.pages(f"/v1/campaigns/{campaign}/calls"))
        self.assertEqual(len(calls), 1000)
        instants = sorted(belfry.parse_time_us(call["scheduled_at"]) for call in calls)
        self.assertEqual({b - a for a, b in zip(instants, instants[1:])}, {2000000})
        self.assertEqual(instants[0] % 1000, 0)
        planned = {call["id"]: belfry.parse_time_us(call["scheduled_at"]) for call in calls}
        belfry.wait_until(lambda: len(stack.ledger().dials(campaign)) >= 3, 15, "three dials")
        judge.i6_never_early(stack.ledger().dials(campaign), planned)

    def test_nothing_is_dialed_before_its_instant(self):
        stack = self.stack(dispatchers=2, settings={"SIM_RING_MS": 10, "SIM_TALK_MS": 10})
        campaign = stack.campaign(belfry.numbers(600), rate=6000)
        stack.start_campaign(campaign)
        stack.wait_status(campaign, "completed", 60)
        planned = {call["id"]: belfry.parse_time_us(call["scheduled_at"])
                   for call in stack.api.pages(f"/v1/campaigns/{campaign}/calls")}
        dials = stack.ledger().dials(campaign)
        self.assertEqual(len(dials), 600)
        judge.i6_never_early(dials, planned)

    def test_concurrency_is_never_exceeded(self):
        stack = self.stack(dispatchers=2, settings={"SIM_RING_MS": 50, "SIM_TALK_MS": 250})
        for scope in ("campaign", "workspace", "number"):
            with self.subTest(scope):
                self.check_concurrency(stack, scope)

    def check_concurrency(self, stack, scope):
        fields = {"max_concurrent": 5} if scope == "campaign" else {}
        if scope == "workspace":
            stack.api.patch("/v1/workspace", {"max_concurrent": 5})
        if scope == "number":
            stack.api.patch("/v1/workspace", {"max_concurrent": None})
            stack.api.patch(f"/v1/numbers/{stack.number_id}", {"max_concurrent": 5})
        block = {"campaign": 10, "workspace": 11, "number": 12}[scope]
        campaign = stack.campaign(belfry.numbers(60, block=block), rate=60000, **fields)
        stack.start_campaign(campaign)
        stack.wait_status(campaign, "completed", 60)
        ledger = stack.ledger()
        ids = {dial["id"] for dial in ledger.dials(campaign)}
        self.assertEqual(len(ids), 60)
        # A campaign is completed when its last conversation has begun.
        belfry.wait_until(lambda: sum(e["ev"] == "outcome" and e["id"] in ids
                                      for e in ledger.read()) == 60, 20, "60 outcomes")
        entries = ledger.read()
        open_now = most = 0
        for entry in sorted(entries, key=lambda e: e["t_us"]):
            if entry["id"] in ids and entry["ev"] in ("dial", "outcome"):
                open_now += 1 if entry["ev"] == "dial" else -1
                most = max(most, open_now)
        self.assertLessEqual(most, 5)
        self.assertEqual(open_now, 0)


if __name__ == "__main__":
    unittest.main()
