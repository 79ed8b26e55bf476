"""Campaigns over the SIP dialer: the whole stack between an API client and two sipps, the carrier and
the agent."""
import collections
import math
import shutil
import tempfile
import time
import unittest
import uuid

import belfry
import nn
import sip_case
import sip_scenarios

FROM = "+15550177777"
TALK_S = {1: 0.1, 3: 0.3, 5: 0.5, 10: 1.0, 20: 2.0}


class SipStack(belfry.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="belfry-sipp-")
        self.addCleanup(shutil.rmtree, self.dir)

    def sipp(self, name, scenario, **options):
        peer = sip_case.Sipp(self.dir, name, scenario, **options)
        self.addCleanup(peer.close)
        return peer

    def sip_stack(self, dispatchers=1, carrier=None, **trunk):
        """A stack with a SIP trunk, a number on it, and an agent. The carrier's scenario may be made by
        a function that is given the stack."""
        settings = {"SIP_LISTEN": "127.0.0.1:%d" % sip_case.free_ports(1)[0]}
        stack = self.stack(dispatchers=dispatchers, settings=settings, dialer="sip")
        carrier = self.sipp("carrier", carrier(stack) if callable(carrier) else
                            carrier or sip_scenarios.carrier_scenario())
        agent = self.sipp("agent", sip_scenarios.agent_scenario())
        trunk = stack.api.post("/v1/trunks", {"name": "sipp", "dialer": "sip", "settings": dict(
            trunk, host="127.0.0.1:%d" % carrier.port, username="u", password="hunter2")})["id"]
        stack.api.post("/v1/numbers", {"e164": FROM, "trunk_id": trunk})
        stack.agent_id = stack.api.post("/v1/agents", {"name": "sipp", "endpoint": {
            "sip_uri": "sip:agent@127.0.0.1:%d" % agent.port}})["id"]
        return stack, carrier, agent

    def test_conversations_last_as_long_as_the_phone_says(self):
        """To 100 ms, by the phone's own account: it began when it was acknowledged. What the machine
        stood still, which no clock of ours can help, is not held against them."""
        stack, carrier, _ = self.sip_stack()
        receiver = self.receiver()
        stack.endpoint(receiver, ["conversation.completed"])
        to = ["+1%03d%04d91%02d" % (200 + n // 100, n, tenths)
              for n in range(100) for tenths in TALK_S]
        campaign = stack.campaign([{"to_number": number} for number in to], rate=1500,
                                  from_number=FROM)
        watch = belfry.Stopwatch()
        stack.start_campaign(campaign)
        done = stack.wait_status(campaign, "completed", 90)
        self.assertEqual(done["counts"]["dispatched"], len(to))
        events = {}

        def told():
            for body in receiver.bodies():
                data = body["data"]
                events[data["scheduled_call"]["id"]] = data["conversation"]["duration_s"]
            return len(events) == len(to)

        belfry.wait_until(told, 20, lambda: "%d of %d events" % (len(events), len(to)))
        stood_still_s = watch.stood_still_s()
        talks = carrier.talks_s()
        self.assertEqual(len(talks), len(to))
        wrong = {}
        for call, attempt in stack.psql("SELECT call_id, id FROM attempt_done"):
            said = talks[nn.id_of("att", uuid.UUID(attempt).bytes) + ".c"]
            found = events[nn.id_of("call", uuid.UUID(call).bytes)]
            if abs(found - said) > 0.1 + stood_still_s:
                wrong[attempt] = (found, said)
        self.assertEqual(wrong, {}, "the machine stood still for %.3f s" % stood_still_s)
        self.assertTrue(all(said >= min(TALK_S.values()) for said in talks.values()))
        calls = carrier.received("INVITE")
        self.assertEqual(len(set(calls)), len(to))
        for name in ("dispatcher.0", "dialer-sip.0", "api-gateway.0"):
            self.assertNotIn("hunter2", stack.log(name))

    def test_no_call_is_made_twice_nor_lost_when_both_are_killed(self):
        count, ring_s = 200, []

        def scenario(stack):
            """Rings for as long as four deaths of both take on this machine today, and as long again."""
            began = time.monotonic()
            stack.restart("dialer-sip.0")
            stack.restart("dispatcher.0")
            ring_s.append(min(100, max(25, math.ceil(8 * (time.monotonic() - began)))))
            return sip_scenarios.slow_carrier_scenario(1000 * ring_s[0])

        stack, carrier, _ = self.sip_stack(carrier=scenario)
        campaign = stack.campaign([{"to_number": "+1201%03d0486" % n} for n in range(count)], rate=60000,
                                  from_number=FROM, ring_timeout_s=ring_s[0] + 15, max_attempts=1)
        stack.start_campaign(campaign)
        belfry.wait_until(lambda: len(set(carrier.received("INVITE"))) == count, 30,
                          lambda: "%d rang" % len(set(carrier.received("INVITE"))))
        for n in range(4):
            stack.kill("KILL", "dispatcher.0")
            if n < 3:
                stack.kill("KILL", "dialer-sip.0")
                stack.start("dialer-sip.0")
            stack.start("dispatcher.0")
        self.assertNotIn("SIP/2.0 486", carrier.text())  # all of that while all of them rang
        stack.wait_status(campaign, "completed", ring_s[0] + 60)
        calls = carrier.received("INVITE")
        attempts = int(stack.value("SELECT count(*) FROM attempt_done") or 0)
        outcomes = collections.Counter(
            t["outcome"] for t in stack.targets(campaign))
        self.assertEqual((len(calls), len(set(calls)), attempts), (count, count, count))
        self.assertEqual(outcomes, {"busy": count})

    def test_a_number_that_is_rejected_as_unwanted_is_suppressed(self):
        stack, carrier, _ = self.sip_stack(carrier=sip_scenarios.slow_carrier_scenario(50, status=607))
        unwanted = "+12015550177"
        policy = {"rules": [{"on": ["rejected"], "delay_s": 0.1}]}
        campaign = stack.campaign([unwanted], from_number=FROM, max_attempts=3, retry_policy=policy)
        stack.start_campaign(campaign)
        stack.wait_status(campaign, "completed", 60)
        # The rule asks for two more attempts; the list holds them back.
        self.assertEqual(len(set(carrier.received("INVITE"))), 1)
        self.assertEqual([t["outcome"] for t in stack.targets(campaign)], ["suppressed"])
        entry = stack.api.get("/v1/suppressions/check?to_number=%2B12015550177")
        self.assertTrue(entry["suppressed"])
        self.assertIn("607", entry["suppression"]["reason"])


if __name__ == "__main__":
    unittest.main()
