"""Hosts whose clocks differ from Postgres': calls go out at Postgres' instants, at their rate,
and what is recorded of them is on its clock."""
import os
import shutil
import subprocess
import tempfile
import unittest

import belfry
import judge

S = 1000000
RATE = 600
SHIM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "clock_shim.c")
WRAPPER = """#!/bin/sh
ASAN_OPTIONS="${{ASAN_OPTIONS:+$ASAN_OPTIONS:}}verify_asan_link_order=0"
export ASAN_OPTIONS CLOCK_SHIM_US={skew_us} LD_PRELOAD='{shim}'
exec '{program}' "$@"
"""


def on_a_host_ahead(test, skew_us, theirs):
    """A folder of the programs, of which some live on a host with that clock."""
    source = os.path.abspath(os.environ.get("BELFRY_BIN", os.path.join(belfry.ROOT, "build/bin")))
    folder = tempfile.mkdtemp(prefix="belfry-clock-")
    test.addCleanup(shutil.rmtree, folder)
    shim = os.path.join(folder, "shim.so")
    subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", shim, SHIM],
                   check=True, timeout=60)
    for name in os.listdir(source):
        program, path = os.path.join(source, name), os.path.join(folder, name)
        if name not in theirs:
            os.symlink(program, path)
            continue
        with open(path, "w", encoding="utf-8") as file:
            file.write(WRAPPER.format(skew_us=skew_us, shim=shim, program=program))
        os.chmod(path, 0o755)
    return folder


class ClocksTest(belfry.TestCase):
    def stack_of(self, skew_us, *theirs):
        kept = os.environ.get("BELFRY_BIN")
        os.environ["BELFRY_BIN"] = on_a_host_ahead(self, skew_us, theirs)
        try:
            return self.stack(settings={"SIM_RING_MS": 50, "SIM_TALK_MS": 200})
        finally:
            os.environ.pop("BELFRY_BIN")
            if kept is not None:
                os.environ["BELFRY_BIN"] = kept

    def check(self, skew_us):
        watch, stack = belfry.Stopwatch(), self.stack_of(skew_us, "dispatcher", "dialer-sim")
        campaign = stack.campaign(belfry.numbers(40), rate=RATE)
        stack.start_campaign(campaign)
        stack.wait_status(campaign, "completed", 120)
        dials, targets = stack.ledger().dials(campaign), stack.targets(campaign)
        judge.i1_no_attempt_twice(dials)
        judge.i2_all_terminal(targets)
        judge.i3_attempts(dials, targets, 1)
        self.assertEqual({target["outcome"] for target in targets}, {"answered"})
        calls = {call["id"]: call for call in stack.api.pages(f"/v1/campaigns/{campaign}/calls")}
        # The ledger is by the other host's clock, the rest by Postgres'.
        seen = [{**dial, "t_us": dial["t_us"] - skew_us} for dial in dials]
        judge.i6_never_early(seen, {name: belfry.parse_time_us(call["scheduled_at"])
                                    for name, call in calls.items()})
        judge.i7_rate(seen, RATE)
        dialed_at = {dial["call"]: dial["t_us"] for dial in seen}
        talks = belfry.wait_until(lambda: self.over(stack, campaign), 20, "conversations are over")
        # Postgres' clock is known as well as its answer was quick; what is off is early here.
        most_us, early_us = (2 + watch.slack_s()) * S, watch.slack_s() * S
        self.assertEqual({talk["scheduled_call_id"] for talk in talks}, set(dialed_at))
        for talk in talks:
            begun, ended = (belfry.parse_time_us(talk[name]) for name in ("started_at", "ended_at"))
            self.assertTrue(-early_us <= begun - dialed_at[talk["scheduled_call_id"]] < most_us, talk)
            self.assertTrue(0.1 * S < ended - begun < most_us, talk)

    @staticmethod
    def over(stack, campaign):
        talks = list(stack.api.pages(f"/v1/conversations?campaign_id={campaign}"))
        return all(talk["ended_at"] for talk in talks) and talks

    def test_a_host_far_ahead(self):
        self.check(3600 * S)

    def test_a_host_ahead(self):
        self.check(3 * S)

    def test_a_host_behind(self):
        self.check(-3 * S)

    def test_a_gateway_and_a_sender_ahead(self):
        """What they date is dated by Postgres, and an old secret signs until its overlap is over there."""
        stack = self.stack_of(3600 * S, "api-gateway", "webhook-sender")
        receiver = self.receiver()
        end = stack.endpoint(receiver, ["campaign.completed"])
        path = f"/v1/webhook-endpoints/{end}"
        made = stack.api.post(f"{path}/rotate-secret", {"overlap_s": 600})
        until_us = belfry.parse_time_us(made["previous_secret_until"])
        self.assertLess(abs(until_us - 600 * S - belfry.now_us()), 60 * S)
        campaign = stack.campaign(belfry.numbers(1))
        stack.start_campaign(campaign)
        belfry.wait_until(lambda: receiver.hooks, 60, "a webhook")
        hook = receiver.hooks[0]
        self.assertTrue(hook.is_signed(receiver.secrets["/hook"]) and hook.is_signed(made["secret"]))
        shown = stack.api.get(f"/v1/campaigns/{campaign}")
        for name in ("created_at", "started_at", "completed_at"):
            self.assertLess(abs(belfry.parse_time_us(shown[name]) - belfry.now_us()), 60 * S, name)


if __name__ == "__main__":
    unittest.main()
