#!/usr/bin/python3
"""How exactly a rate is kept with three dispatchers: the average over a minute, and how far the calls
ever were ahead of their line, with each of the three limits being the tightest; then right after a
cancelled backlog, and right after all dispatchers stood still for half a second."""
import os
import signal
import sys

import bench
import belfry

PER_MINUTE = 6000
LOOSE = 60000
WINDOW_S = max(5.0, 60 * bench.SCALE)
# A little more than the window needs, so that it ends before the calls do.
COUNT = int(PER_MINUTE / 60 * (WINDOW_S + 6))
STALL_S = 0.5
BAR_PCT = 1.0


class Cases:
    def __init__(self, stack, report):
        self.stack, self.report, self.block = stack, report, 0

    def numbers(self, count):
        self.block += 1
        return belfry.numbers(count, block=self.block)

    def limit_workspace(self, per_minute):
        self.stack.api.patch("/v1/workspace", {"calls_per_minute": per_minute})

    def limit_number(self, per_minute):
        self.stack.api.patch(f"/v1/numbers/{self.stack.number_id}",
                             {"calls_per_minute": per_minute})

    def begin(self, rate):
        campaign = self.stack.campaign(self.numbers(COUNT), rate=rate)
        self.stack.start_campaign(campaign)
        return campaign

    def times(self, campaign):
        dials = self.stack.ledger().dials(campaign)
        bench.judge.i1_no_attempt_twice(dials)
        return sorted(dial["t_us"] for dial in dials)

    def finish(self, label, campaign, since_us=0, expects=COUNT):
        """The minute begins with the first dial at or after since_us."""
        self.stack.wait_status(campaign, "completed", WINDOW_S * 2 + 90)
        times = self.times(campaign)
        bench.fail_unless(len(times) == expects, f"{label}: {len(times)} dials of {expects}")
        begun = next(at for at in times if at >= since_us)
        inside = sum(1 for at in times if begun <= at < begun + WINDOW_S * 1e6)
        error = (inside / (PER_MINUTE / 60 * WINDOW_S) - 1) * 100
        ahead = bench.ahead_ms(times, PER_MINUTE)
        self.report.section(f"{label}: {inside:,} calls in {WINDOW_S:g} s at {PER_MINUTE:,} a minute")
        self.report.bar(f"{label}: rate error", f"{error:+.2f} %", f"{BAR_PCT:g} %",
                        abs(error) <= BAR_PCT)
        self.report.bar(f"{label}: ahead of the line", f"{ahead:.1f} ms", "100 ms", ahead <= 100)
        return times

    def campaign(self):
        self.finish("campaign", self.begin(PER_MINUTE))

    def workspace(self):
        self.limit_workspace(PER_MINUTE)
        self.finish("workspace", self.begin(LOOSE))
        self.limit_workspace(None)

    def number(self):
        self.limit_number(PER_MINUTE)
        self.finish("number", self.begin(LOOSE))
        self.limit_number(None)

    def cancelled_backlog(self):
        """The first campaign asks for ten times what the workspace may; what it leaves queued when it
        is cancelled must cost the next one nothing."""
        self.limit_workspace(PER_MINUTE)
        first = self.stack.campaign(self.numbers(COUNT * 2), rate=LOOSE)
        self.stack.start_campaign(first)
        backlog_s = max(3.0, 10 * bench.SCALE)
        belfry.wait_until(lambda: len(self.times(first)) >= PER_MINUTE / 60 * backlog_s, 60,
                          "a backlog", interval_s=0.5)
        self.stack.act(first, "cancel")
        second = self.begin(LOOSE)
        asked_us = belfry.now_us()
        times = self.finish("after a cancelled backlog", second)
        self.report.row("after a cancelled backlog: first call after the start",
                        f"{(times[0] - asked_us) / 1000:.0f} ms")
        self.limit_workspace(None)

    def stall(self):
        campaign = self.begin(PER_MINUTE)
        pids = [self.stack.pid(f"dispatcher.{n}") for n in range(3)]
        belfry.wait_until(lambda: len(self.times(campaign)) >= PER_MINUTE / 60 * 2, 30, "calls")
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        bench.wait_s(STALL_S)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        self.finish("after a stall of 0.5 s", campaign, belfry.now_us())


def measure(report):
    settings = {"SIM_RING_MS": 20, "SIM_TALK_MS": 50}
    with bench.Stack(dispatchers=3, settings=settings) as stack:
        cases = Cases(stack, report)
        cases.campaign()
        cases.workspace()
        cases.number()
        cases.cancelled_backlog()
        cases.stall()


if __name__ == "__main__":
    sys.exit(bench.main("pacing", "Pacing: three dispatchers, judged from the carrier's ledger", measure))
