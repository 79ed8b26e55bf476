"""Belfry on six hosts, whose cables are pulled one after the other, each for longer than every lease,
while a campaign runs. Judged from outside: by the carrier's ledgers and the webhooks."""
import time
import unittest

import belfry
import hosts_case
import judge

DEADLINE_S = 420
RATE = 720
AHEAD = RATE // 3  # targets left at least when a cable is pulled: 20 s
CUT_S = 7.0  # leases are 5 s, the leader's lock too
CUT = ("calls1", "api", "plan", "hooks", "calls2", "db")


class HostsTest(unittest.TestCase):
    def test_each_link_is_cut_and_healed(self):
        it = hosts_case.Installation({"SIM_RING_MS": 50, "SIM_TALK_MS": 1000})
        self.addCleanup(it.close)
        self.addCleanup(lambda: print(it.logs()) if self._outcome.result.errors or
                        self._outcome.result.failures else None)
        it.up()
        receiver = belfry.Receiver(bind=it.net.address("test"))
        self.addCleanup(receiver.close)
        made = it.api.post("/v1/webhook-endpoints", {"url": receiver.url(), "events": ["*"]})
        receiver.secrets["/hook"] = made["secret"]
        agent = it.api.get("/v1/agents")["data"][0]["id"]
        campaign = it.api.post("/v1/campaigns", {
            "kind": "bulk", "name": "Hosts", "agent_id": agent, "from_number": belfry.FROM_NUMBER,
            "rate_limit_per_minute": RATE, "targets": belfry.numbers(AHEAD)})["id"]
        self.targets = AHEAD
        it.api.post(f"/v1/campaigns/{campaign}/start")
        belfry.wait_until(lambda: len(it.dials()) > 20, 60, it.logs)
        for host in CUT:
            self.lengthen(it, campaign)
            self.cut(it, host)
        self.judge(it, campaign, receiver)

    def lengthen(self, it, campaign):
        """However long the healing took: the campaign is to run through the next cut too."""
        more = max(0, len(it.dials()) + AHEAD - self.targets)
        rows = belfry.numbers(self.targets + more)[self.targets:]

        def is_appended():
            it.api.close()
            try:
                return it.api.request("POST", f"/v1/campaigns/{campaign}/targets", {"targets": rows}).status == 200
            except OSError:
                return False  # a row that is sent twice is one target

        if more:
            belfry.wait_until(is_appended, 60, it.logs)
        self.targets += more

    def cut(self, it, host):
        it.api.close()
        it.net.cut(host)
        begun, before = time.monotonic(), len(it.dials())
        belfry.wait_until(lambda: time.monotonic() - begun > CUT_S, CUT_S + 5, host)
        during = len(it.dials()) - before
        it.net.heal(host)
        healed = len(it.dials())
        belfry.wait_until(lambda: len(it.dials()) > healed + 20, 60, lambda: f"dials after {host}\n{it.logs()}")
        print(f"# {host}: {during} dials in a cut of {CUT_S:.0f} s, "
              f"20 more {time.monotonic() - begun - CUT_S:.1f} s after it", flush=True)

    def judge(self, it, campaign, receiver):
        self.assertLess(len(it.dials()), self.targets, "the campaign ended before the last cut")
        it.api.close()
        seen = {}

        def is_completed():
            answer = it.api.request("GET", f"/v1/campaigns/{campaign}")
            seen.update(answer.json)
            return answer.status == 200 and seen["status"] == "completed"
        belfry.wait_until(is_completed, 200, lambda: (seen, it.logs()), interval_s=0.2)
        dials, targets = it.dials(), list(it.api.pages(f"/v1/campaigns/{campaign}/targets"))
        judge.i1_no_attempt_twice(dials)
        judge.i2_all_terminal(targets)
        judge.i3_attempts(dials, targets, 1)
        judge.i4_one_call_per_target(dials, targets)
        judge.i7_rate(dials, RATE)
        # Every dialer outlived its cut, so of no call is it unknown what became of it.
        self.assertEqual({target["outcome"] for target in targets}, {"answered"})
        talks = {target["to_number"] for target in targets}
        belfry.wait_until(lambda: len({hook.id for hook in list(receiver.hooks)}) >= 3 * self.targets + 1,
                          90, lambda: f"{3 * self.targets + 1} webhooks; {len({hook.id for hook in receiver.hooks})} came")
        self.assertEqual(receiver.unsigned(), [])
        judge.i10_one_event_per_transition(receiver.bodies(), dials, targets, talks)
        judge.i17_completed_once(receiver.bodies(), campaign)


if __name__ == "__main__":
    unittest.main()
