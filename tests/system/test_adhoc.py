"""Ad hoc calls as they are dialed: at once and at an instant, once for each Idempotency-Key,
cancelled unless claimed, retried, paced, and told about."""
import collections
import threading
import unittest

import belfry
import judge
from adhoc_case import PATH, QUICK, SLOW, instant, key
from api_case import to_uuid

DEADLINE_S = 300


class AdHocTest(belfry.TestCase):
    def up(self, **options):
        self.shared = self.stack(**{"dispatchers": 2, "settings": {"SIM_RING_MS": 50,
                                                                   "SIM_TALK_MS": 200}, **options})
        return self.shared

    def call(self, to_number, **fields):
        stack = self.shared
        return stack.api.post(PATH, {"to_number": to_number, "from_number": belfry.FROM_NUMBER,
                                     "agent_id": stack.agent_id, **fields}, key())

    def get(self, call):
        return self.shared.api.get(f"{PATH}/{call['id']}")

    def wait_status(self, calls, statuses, deadline_s=20):
        """The calls, once all have one of the statuses."""
        seen = {}

        def reached():
            for call in calls:
                if seen.get(call["id"], {}).get("status") not in statuses:
                    seen[call["id"]] = self.get(call)
            return all(call["status"] in statuses for call in seen.values())

        belfry.wait_until(reached, deadline_s, lambda: f"{statuses}: {list(seen.values())[:3]}")
        return [seen[call["id"]] for call in calls]

    def dials(self, calls):
        ids = {call["id"] for call in calls}
        return [dial for dial in self.shared.ledger().dials() if dial["call"] in ids]

    def planned(self, calls):
        return {call["id"]: belfry.parse_time_us(call["scheduled_at"]) for call in calls}

    def test_a_calls_whole_life(self):
        stack = self.up()
        receiver = self.receiver()
        stack.endpoint(receiver)
        with self.subTest("now"):
            self.check_now(receiver)
        with self.subTest("at an instant"):
            self.check_instants()
        with self.subTest("retries"):
            self.check_retries()
        with self.subTest("a retry that waits is cancelled"):
            self.check_cancel_of_a_retry(receiver)
        with self.subTest("bulk"):
            self.check_cancel_of_a_targets_call(receiver)
        with self.subTest("recurring"):
            self.check_cancel_of_an_occurrence(receiver)
        with self.subTest("configuration"):
            self.check_config_error(receiver)
        self.assertEqual(receiver.unsigned(), [])

    def check_now(self, receiver):
        # Whoever feeds and sweeps stands still: the gateway appends it.
        self.shared.kill("STOP", "scheduler")
        self.addCleanup(self.shared.kill, "CONT", "scheduler")
        call = self.call("+14155551000", variables={"name": "Ada"}, external_id="crm-1")
        self.wait_status([call], ("dispatched",))
        dials = self.dials([call])
        self.assertEqual(len(dials), 1)
        self.assertIsNone(dials[0]["campaign"])
        self.assertEqual((dials[0]["to"], dials[0]["from"], dials[0]["attempt"]),
                         ("+14155551000", belfry.FROM_NUMBER, 1))
        judge.i6_never_early(dials, self.planned([call]))
        self.shared.kill("CONT", "scheduler")
        belfry.wait_until(lambda: self.get(call)["conversation"]["status"] == "completed", 10,
                          "the conversation's end")
        shown = self.get(call)
        self.assertEqual([(a["number"], a["outcome"]) for a in shown["attempts"]], [(1, "answered")])
        self.assertEqual(shown["conversation"]["id"], shown["conversation_id"])
        self.assertEqual((shown["outcome"], shown["next_attempt_at"]), ("answered", None))
        wanted = ["scheduled_call.created", "scheduled_call.dispatched", "conversation.completed"]
        events = self.events(receiver, call, 3)
        self.assertEqual([event["type"] for event in events], wanted)
        for event in events:
            data = event["data"]
            self.assertEqual((data["campaign"], data["target"]), (None, None))
            self.assertEqual(data["scheduled_call"]["external_id"], "crm-1")
            self.assertEqual(data["scheduled_call"]["variables"], {"name": "Ada"})
            self.assertNotIn("reason", data["scheduled_call"])

    def events(self, receiver, call, count):
        """The call's events in their order, once there are so many."""
        def found():
            return judge.unique_events([e for e in receiver.bodies() if e["data"].get(
                "scheduled_call", {}).get("id") == call["id"]])

        belfry.wait_until(lambda: len(found()) >= count, 20,
                          lambda: f"{count} events: {[e['type'] for e in found()]}")
        return sorted(found(), key=lambda event: event["sequence"])

    def check_instants(self):
        """Within the horizon of the feeder, at its edge and beyond it."""
        base, watch = belfry.now_us() // 1000000 * 1000000, belfry.Stopwatch()
        calls = [self.call(number, scheduled_at=instant(base + after * 1000000))
                 for number, after in zip(belfry.numbers(12), (2, 2, 3, 9, 10, 10, 11, 11, 12, 12, 13,
                                                               14))]
        # Those that are due in a moment may be by now.
        self.assertEqual({call["status"] for call in map(self.get, calls[3:])}, {"scheduled"})
        self.wait_status(calls, ("dispatched",), 30)
        dials = self.dials(calls)
        self.assertEqual(len(dials), len(calls))
        planned = self.planned(calls)
        judge.i6_never_early(dials, planned)
        late = max(dial["t_us"] - planned[dial["call"]] for dial in dials)
        self.assertLess(late / 1e6, 1 + watch.slack_s())

    def check_retries(self):
        """number, policy, max_attempts: status, outcome, dials."""
        cases = ((("+14155550001", QUICK, 3), ("failed", "busy", 3)),
                 (("+14155560001", QUICK, 1), ("failed", "busy", 1)),
                 (("+14155550007", QUICK, 2), ("dispatched", "answered", 2)),
                 (("+14155550003", QUICK, 3), ("failed", "rejected", 1)),
                 (("+14155550004", QUICK, 3), ("failed", "invalid_number", 1)),
                 (("+14155550012", QUICK, 2), ("failed", "agent_unavailable", 2)),
                 (("+14155550011", None, 1), ("dispatched", "answered", 3)))
        calls = [self.call(number, retry_policy=policy, max_attempts=attempts)
                 for (number, policy, attempts), _ in cases]
        ended = self.wait_status(calls, ("dispatched", "failed"), 30)
        for (asked, wanted), call in zip(cases, ended):
            self.assertEqual((call["status"], call["outcome"], len(call["attempts"])), wanted, asked)
            self.assertEqual(len(self.dials([call])), wanted[2], asked)
        # without a rule an unavailable agent is tried once more, after two minutes
        call = self.call("+14155560012", max_attempts=5)
        belfry.wait_until(lambda: self.get(call)["outcome"] == "agent_unavailable", 10, "the outcome")
        shown = self.get(call)
        wait_us = (belfry.parse_time_us(shown["next_attempt_at"]) -
                   belfry.parse_time_us(shown["attempts"][0]["ended_at"]))
        self.assertEqual(shown["status"], "scheduled")
        self.assertLess(abs(wait_us - 120000000), 13000000)
        self.shared.api.post(f"{PATH}/{call['id']}/cancel")

    def check_cancel_of_a_retry(self, receiver):
        call = self.call("+14155570001", max_attempts=3, retry_policy=SLOW)
        belfry.wait_until(lambda: self.get(call)["outcome"] == "busy", 10, "the first attempt's end")
        done = self.shared.api.post(f"{PATH}/{call['id']}/cancel")
        at_us = belfry.parse_time_us(done["attempts"][0]["ended_at"]) + 9500000
        self.assertEqual((done["status"], done["outcome"], done["next_attempt_at"]),
                         ("cancelled", "cancelled", None))
        self.assertEqual([a["outcome"] for a in done["attempts"]], ["busy"])
        events = self.events(receiver, call, 2)
        self.assertEqual([e["type"] for e in events],
                         ["scheduled_call.created", "scheduled_call.cancelled"])
        self.assertEqual(events[1]["data"]["scheduled_call"]["reason"], "requested")
        belfry.wait_until(lambda: belfry.now_us() > at_us, 10, "the retry's instant has passed")
        self.assertEqual(len(self.dials([call])), 1)

    def check_cancel_of_a_targets_call(self, receiver):
        """The target becomes skipped and the counters move; the other goes on."""
        stack = self.shared
        numbers = ["+14155580001", "+14155581000"]
        campaign = stack.campaign(numbers, rate=60000, max_attempts=3, retry_policy=SLOW)
        stack.start_campaign(campaign)
        target = next(t for t in stack.targets(campaign) if t["to_number"] == numbers[0])
        path = f"/v1/campaigns/{campaign}/targets/{target['id']}"
        belfry.wait_until(lambda: stack.api.get(path)["outcome"] == "busy", 20, "a busy attempt")
        call = stack.api.get(f"{PATH}/{stack.api.get(path)['scheduled_call_id']}")
        stack.api.post(f"{PATH}/{call['id']}/cancel")
        shown = stack.api.get(path)
        self.assertEqual((shown["status"], shown["outcome"], shown["attempts"]),
                         ("skipped", "busy", 1))
        done = stack.wait_status(campaign, "completed", 20)
        self.assertEqual(done["counts"], {"total": 2, "pending": 0, "scheduled": 0, "dispatched": 1,
                                          "failed": 0, "skipped": 1})
        events = self.events(receiver, call, 2)
        self.assertEqual(events[1]["data"]["scheduled_call"]["reason"], "requested")
        self.assertEqual(events[1]["data"]["campaign"], {"id": campaign, "kind": "bulk"})
        # the other ways to cancel say theirs
        other = stack.campaign(belfry.numbers(2, block=700), rate=1)
        stack.start_campaign(other)
        belfry.wait_until(lambda: stack.counts(other)["pending"] == 0, 20, "both planned")
        calls = sorted(stack.api.pages(f"/v1/campaigns/{other}/calls"), key=lambda c: c["scheduled_at"])
        stack.api.delete(f"/v1/campaigns/{other}/targets/{calls[1]['target_id']}")
        skipped = self.events(receiver, calls[1], 2)
        self.assertEqual(skipped[1]["data"]["scheduled_call"]["reason"], "skipped")
        third = stack.campaign(belfry.numbers(2, block=701), rate=1)
        stack.start_campaign(third)
        belfry.wait_until(lambda: stack.counts(third)["pending"] == 0, 20, "both planned")
        calls = sorted(stack.api.pages(f"/v1/campaigns/{third}/calls"), key=lambda c: c["scheduled_at"])
        stack.act(third, "cancel")
        cancelled = self.events(receiver, calls[1], 2)
        self.assertEqual(cancelled[1]["data"]["scheduled_call"]["reason"], "campaign_cancelled")
        stack.act(other, "cancel")

    def check_cancel_of_an_occurrence(self, receiver):
        """A recurring campaign counts its calls; the cancel of one, and of the rest, moves them."""
        stack = self.shared
        # none of them fires while this looks
        minutes = [(belfry.now_us() // 60000000 + after) % 60 for after in range(10, 50, 5)]
        campaign = stack.api.post("/v1/campaigns", {
            "kind": "recurring", "name": "r", "agent_id": stack.agent_id,
            "cron": f"{','.join(map(str, minutes))} * * * *",
            "from_number": belfry.FROM_NUMBER, "to_number": "+14155591001", "timezone": "UTC"})["id"]
        stack.start_campaign(campaign)
        belfry.wait_until(lambda: stack.counts(campaign)["scheduled"] == 8, 20,
                          lambda: f"an hour of calls: {stack.counts(campaign)}")
        calls = sorted(stack.api.pages(f"{PATH}?campaign_id={campaign}"),
                       key=lambda c: c["scheduled_at"])
        call = calls[3]
        for _ in range(2):
            self.assertEqual(stack.api.post(f"{PATH}/{call['id']}/cancel")["status"], "cancelled")
        counts = stack.counts(campaign)
        self.assertEqual((counts["scheduled"], counts["skipped"]), (7, 1))
        events = self.events(receiver, call, 2)
        self.assertEqual(events[1]["data"]["scheduled_call"]["reason"], "requested")
        self.assertEqual(events[1]["data"]["campaign"], {"id": campaign, "kind": "recurring"})
        stack.act(campaign, "cancel")
        counts = stack.counts(campaign)
        self.assertEqual((counts["scheduled"], counts["skipped"], counts["total"]), (0, 8, 8))
        events = self.events(receiver, calls[5], 2)
        self.assertEqual(events[1]["data"]["scheduled_call"]["reason"], "campaign_cancelled")

    def check_config_error(self, receiver):
        """An agent that no dialer can be told about: there is no campaign to pause, the call fails."""
        stack = self.shared
        agent = stack.api.post("/v1/agents", {"name": "large", "endpoint": {}})["id"]
        stack.psql("UPDATE agent SET endpoint = jsonb_build_object('x', repeat('x', 300000)) "
                   f"WHERE id = '{to_uuid(agent)}'")
        call = self.call("+14155591000", agent_id=agent, max_attempts=3)
        ended = self.wait_status([call], ("failed",))[0]
        self.assertEqual((ended["outcome"], len(ended["attempts"])), ("config_error", 1))
        self.assertEqual(self.dials([call]), [])
        events = self.events(receiver, call, 2)
        self.assertEqual(events[1]["type"], "scheduled_call.failed")
        self.assertEqual([e for e in receiver.bodies() if e["type"] == "campaign.paused"], [])

    def test_fifty_clients_with_one_key_make_one_call(self):
        stack = self.up(gateways=2)
        api, used = stack.client(), key()
        body = {"to_number": "+14155551234", "from_number": belfry.FROM_NUMBER,
                "agent_id": stack.agent_id}
        answers, gate = [], threading.Barrier(50)

        def ask():
            client = stack.client()
            gate.wait()
            answers.append(client.request("POST", PATH, body, used))
            client.close()

        threads = [threading.Thread(target=ask) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        self.assertEqual(len(answers), 50)
        made = [a for a in answers if a.status == 201 and not a.headers["Idempotent-Replayed"]]
        replayed = [a for a in answers if a.headers["Idempotent-Replayed"]]
        refused = [a for a in answers if a.status == 409]
        self.assertEqual((len(made), len(made) + len(replayed) + len(refused)), (1, 50), answers)
        self.assertEqual({(a.status, a.body) for a in replayed} | {(201, made[0].body)},
                         {(201, made[0].body)})
        self.assertEqual({a.json["code"] for a in refused} - {"idempotency_in_progress"}, set())
        # whoever was refused asks again and gets the same
        self.assertEqual(api.request("POST", PATH, body, used).body, made[0].body)
        api.close()
        call = made[0].json
        self.wait_status([call], ("dispatched",))
        self.assertEqual([c["id"] for c in stack.api.pages(PATH)], [call["id"]])
        self.assertEqual([dial["call"] for dial in stack.ledger().dials()], [call["id"]])

    def test_a_cancel_and_a_claim_at_one_instant(self):
        """Whoever was first: cancelled and never dialed, or dialed and refused."""
        stack = self.up()
        at = belfry.now_us() // 1000000 * 1000000 + 12000000
        due = [at + n * 20000 for n in range(200)]
        calls = [self.call(number, scheduled_at=instant(due[n]))
                 for n, number in enumerate(belfry.numbers(200))]
        self.assertLess(belfry.now_us(), at)
        answers = {}

        def cancel(part):
            """From 20 ms before the call's instant to 20 ms after it."""
            client = stack.client()
            for n in part:
                belfry.wait_until(lambda n=n: belfry.now_us() >= due[n] - 20000 + n % 5 * 10000, 30,
                                  "the instant", interval_s=0.001)
                answers[calls[n]["id"]] = client.request("POST", f"{PATH}/{calls[n]['id']}/cancel")
            client.close()

        threads = [threading.Thread(target=cancel, args=(range(n, 200, 4),)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        ended = self.wait_status(calls, ("dispatched", "cancelled"), 30)
        dials = collections.Counter(dial["call"] for dial in self.dials(calls))
        for call in ended:
            was_cancelled = call["status"] == "cancelled"
            self.assertEqual((answers[call["id"]].status, dials[call["id"]]),
                             (200, 0) if was_cancelled else (409, 1), call)
        self.assertEqual({call["status"] for call in ended}, {"dispatched", "cancelled"})
        told = stack.psql("SELECT type, count(*), count(DISTINCT call_id) FROM event WHERE type IN "
                          "('scheduled_call.cancelled', 'scheduled_call.dispatched') GROUP BY 1")
        self.assertEqual({row[0]: int(row[1]) for row in told},
                         {f"scheduled_call.{status}": sum(c["status"] == status for c in ended)
                          for status in ("cancelled", "dispatched")})

    def test_limits_of_number_and_workspace_hold(self):
        stack = self.up(settings={"SIM_RING_MS": 10, "SIM_TALK_MS": 10})
        for block, (path, fields) in enumerate((
                (f"/v1/numbers/{stack.number_id}", {"calls_per_minute": 1200}),
                ("/v1/workspace", {"calls_per_minute": 1200}))):
            stack.api.patch(path, fields)
            calls = [self.call(number) for number in belfry.numbers(60, block=block)]
            self.wait_status(calls, ("dispatched",), 30)
            judge.i7_rate(self.dials(calls), 1200)
            stack.api.patch(path, {"calls_per_minute": None})

    def test_concurrency_is_never_exceeded(self):
        stack = self.up(settings={"SIM_RING_MS": 50, "SIM_TALK_MS": 250})
        stack.api.patch(f"/v1/numbers/{stack.number_id}", {"max_concurrent": 3})
        calls = [self.call(number) for number in belfry.numbers(24)]
        ledger = stack.ledger()
        belfry.wait_until(lambda: sum(e["ev"] == "outcome" for e in ledger.read()) == 24, 30,
                          "all ended")
        judged = open_now = 0
        for entry in sorted(ledger.entries, key=lambda e: e["t_us"]):
            open_now += {"dial": 1, "outcome": -1}.get(entry["ev"], 0)
            judged = max(judged, open_now)
        self.assertEqual(len(self.dials(calls)), 24)
        self.assertLessEqual(judged, 3)

    def test_an_append_that_was_lost_is_made_good(self):
        """Redis is away: the call is made all the same, and dialed once it is back."""
        stack = self.up()
        stack.kill("KILL", "redis")
        call = self.call("+14155551000")
        self.assertEqual(self.get(call)["status"], "scheduled")
        stack.start("redis")
        self.wait_status([call], ("dispatched",), 60)
        self.assertEqual(len(self.dials([call])), 1)

    def test_an_entry_that_is_lost_again_and_again_is_made_good_each_time(self):
        stack = self.up(dispatchers=1)
        stack.kill("KILL", "dispatcher.0")
        call = self.call("+14155551001")
        keys = [f"bf:{{{shard}}}" for shard in range(4)]

        def stands():
            return sum(int(stack.redis("XLEN", f"{key}:due")) for key in keys) == 1
        for _ in range(4):
            belfry.wait_until(stands, 30, "its entry")
            for shard in keys:
                stack.redis("XTRIM", f"{shard}:due", "MAXLEN", "0")
                stack.redis("DEL", f"{shard}:held", f"{shard}:queued")
        stack.start("dispatcher.0")
        self.wait_status([call], ("dispatched",), 30)
        self.assertEqual(len(self.dials([call])), 1)


if __name__ == "__main__":
    unittest.main()
