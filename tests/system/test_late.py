"""Too late: what could not be claimed within its catch-up time expires and says so, and a retry that
would be due with the campaign's next occurrence is not made."""
import datetime
import unittest
import uuid

import belfry
import judge

DEADLINE_S = 400
S = 1000000
CATCH_UP_S = 8


def instant(at_us):
    return datetime.datetime.fromtimestamp(at_us // S, datetime.timezone.utc).strftime(
        "%Y-%m-%dT%H:%M:%SZ")


def next_minute(ahead_s):
    """The first whole minute at least so far ahead."""
    return (belfry.now_us() // S + ahead_s + 59) // 60 * 60 * S


def await_instant(at_us):
    belfry.wait_until(lambda: belfry.now_us() > at_us, 140, instant(at_us))


class LateTest(belfry.TestCase):
    def ad_hoc(self, number, at_us=None):
        body = {"to_number": number, "from_number": belfry.FROM_NUMBER,
                "agent_id": self.shared.agent_id}
        if at_us is not None:
            body["scheduled_at"] = instant(at_us)
        return self.shared.api.post("/v1/scheduled-calls", body,
                                    {"Idempotency-Key": str(uuid.uuid4())})["id"]

    def recurring(self, number, **fields):
        campaign = self.shared.api.post("/v1/campaigns", {
            "kind": "recurring", "name": "late", "agent_id": self.shared.agent_id,
            "from_number": belfry.FROM_NUMBER, "to_number": number, "cron": "* * * * *",
            "timezone": "UTC", **fields})["id"]
        self.shared.start_campaign(campaign)
        return campaign

    def call(self, call):
        return self.shared.api.get(f"/v1/scheduled-calls/{call}")

    def calls(self, campaign):
        return list(self.shared.api.pages(f"/v1/campaigns/{campaign}/calls"))

    def await_ended(self, read, what):
        """Calls that read() finds, once all of them are terminal."""
        found = []

        def ended():
            found[:] = read()
            return found and all(c["status"] in ("dispatched", "failed") for c in found)

        belfry.wait_until(ended, 30, lambda: f"{what}: {found}")
        return found

    def occurrence(self, campaign, at_us):
        return self.await_ended(lambda: [call for call in self.calls(campaign)
                                         if belfry.parse_time_us(call["scheduled_at"]) == at_us],
                                f"the occurrence of {instant(at_us)}")[0]

    def test_what_comes_too_late_expires_and_says_so(self):
        self.shared = stack = self.stack(settings={
            "SIM_RING_MS": 20, "SIM_TALK_MS": 50, "CATCH_UP_S": CATCH_UP_S})
        receiver = self.receiver()
        stack.endpoint(receiver)
        at_us = next_minute(ahead_s=8)
        # No minute that may lie between.
        minute = at_us // S // 60 % 60
        campaign = self.recurring(belfry.numbers(1)[0], cron=f"{minute},{(minute + 1) % 60} * * * *")
        late, late_too = (self.ad_hoc(number, at_us) for number in belfry.numbers(2, block=1))
        on_time = self.ad_hoc(belfry.numbers(1, block=2)[0], at_us + 120 * S)
        belfry.wait_until(lambda: len(self.calls(campaign)) > 0, 10, "the occurrences are planned")
        stack.kill("KILL", "dispatcher.0")
        # Without an instant of its own it is never too late.
        now = self.ad_hoc(belfry.numbers(1, block=3)[0])
        bulk = stack.campaign(belfry.numbers(3, block=4), rate=60000)
        stack.start_campaign(bulk)
        await_instant(at_us + (CATCH_UP_S + 1) * S)
        self.assertEqual(stack.ledger().dials(), [])
        stack.start("dispatcher.0")

        ended = self.await_ended(lambda: [self.call(late), self.call(late_too)], "the late calls")
        ended.append(self.occurrence(campaign, at_us))
        for call in ended:
            self.assertEqual((call["status"], call["outcome"], call["attempts"],
                              call["next_attempt_at"]), ("failed", "expired", [], None))
        done = self.await_ended(lambda: [self.call(now)], "the call without an instant")
        self.assertEqual(done[0]["status"], "dispatched")
        stack.wait_status(bulk, "completed", 30)
        self.assertEqual(stack.counts(bulk)["dispatched"], 3)
        self.assertEqual(self.call(on_time)["status"], "scheduled")
        dialed = {dial["call"] for dial in stack.ledger().dials()}
        self.assertEqual(dialed & {call["id"] for call in ended}, set())
        # The next occurrence comes as if nothing had been.
        await_instant(at_us + 60 * S)
        self.assertEqual(self.occurrence(campaign, at_us + 60 * S)["status"], "dispatched")

        def failures():
            return [event["data"] for event in judge.unique_events(receiver.bodies())
                    if event["type"] == "scheduled_call.failed"]

        belfry.wait_until(lambda: len(failures()) >= 3, 20, lambda: f"three events: {failures()}")
        self.assertEqual(sorted(event["scheduled_call"]["id"] for event in failures()),
                         sorted(call["id"] for call in ended))
        self.assertEqual({event["scheduled_call"]["outcome"] for event in failures()}, {"expired"})
        self.assertEqual([event["attempt"] for event in failures()], [None] * 3)
        self.check_counters(campaign)

    def test_a_retry_with_the_next_occurrence_is_not_made(self):
        self.shared = stack = self.stack(settings={"SIM_RING_MS": 20, "SIM_TALK_MS": 50})
        at_us = next_minute(ahead_s=5)

        def busy(delay_s, index):
            return self.recurring(belfry.numbers(3, "0001")[index], max_attempts=3, retry_policy={
                "rules": [{"on": ["busy"], "delay_s": delay_s}], "jitter_pct": 0})

        beyond, within, last = busy(60, 0), busy(2, 1), busy(3600, 2)
        # The last of all has no next occurrence to wait for.
        stack.api.patch(f"/v1/campaigns/{last}", {"end_at": instant(at_us + 30 * S)})
        await_instant(at_us + 10 * S)
        for campaign, dials, status in ((beyond, 1, "failed"), (within, 3, "failed"),
                                        (last, 1, "scheduled")):
            found = {}

            def settled():
                found.update(next(call for call in self.calls(campaign)
                                  if belfry.parse_time_us(call["scheduled_at"]) == at_us))
                return found["status"] == status and len(found["attempts"]) == dials

            belfry.wait_until(settled, 20, lambda: f"{dials} dials, {status}: {found}")
            self.assertEqual(found["outcome"], "busy")
            made = [dial for dial in stack.ledger().dials(campaign) if dial["call"] == found["id"]]
            self.assertEqual(len(made), dials)
            self.check_counters(campaign)

    def check_counters(self, campaign):
        """What the campaign counts is what its calls are, at one moment."""
        def agree():
            before = self.shared.counts(campaign)
            calls = self.calls(campaign)
            rows = {"total": len(calls), "pending": 0,
                    "scheduled": sum(c["status"] in ("scheduled", "dialing") for c in calls),
                    "dispatched": sum(c["status"] == "dispatched" for c in calls),
                    "failed": sum(c["status"] == "failed" for c in calls),
                    "skipped": sum(c["status"] == "cancelled" for c in calls)}
            return before == self.shared.counts(campaign) and before == rows

        belfry.wait_until(agree, 10, lambda: f"the counters are the rows: {self.shared.counts(campaign)}")


if __name__ == "__main__":
    unittest.main()
