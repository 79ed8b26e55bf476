"""Calling windows at the claim: an edge passes while campaigns dial, in three target zones of which one
opens at it, one closes at it and one is closed all the time. Bulk campaigns wait for their next
opening, occurrences of recurring ones expire."""
import datetime
import unittest
import zoneinfo

import belfry
import judge

DEADLINE_S = 400
ZONES = ("Asia/Kolkata", "America/New_York", "Africa/Lagos", "Asia/Tokyo", "America/Los_Angeles",
         "Pacific/Auckland", "Atlantic/Azores", "Asia/Dhaka")
S = 1000000
EVERY_DAY = list(judge.WEEKDAYS)


def local(zone, at_us):
    return datetime.datetime.fromtimestamp(at_us // S, zoneinfo.ZoneInfo(zone))


def span(zone, from_us, until_us):
    return {"days": EVERY_DAY, "start": local(zone, from_us).strftime("%H:%M"),
            "end": local(zone, until_us).strftime("%H:%M")}


def next_opening(windows, zone, from_us):
    """The first whole minute from an instant on that is inside, of two days."""
    minutes = range(from_us, from_us + 2 * 86400 * S, 60 * S)
    return next(at_us for at_us in minutes if judge.is_inside(windows, zone, at_us))


class Edge:
    """A whole minute soon, and zones whose local time is then far from midnight, all different."""

    def __init__(self, ahead_s):
        self.at_us = (belfry.now_us() // S + ahead_s + 59) // 60 * 60 * S
        self.watch = belfry.Stopwatch()
        fit = [zone for zone in ZONES if 1 <= local(zone, self.at_us).hour <= 21]
        self.closing, self.opening, self.closed = fit[:3]

    def before(self, zone):
        """Open up to the edge."""
        return span(zone, self.at_us - 3600 * S, self.at_us)

    def after(self, zone):
        """Open from the edge on."""
        return span(zone, self.at_us, self.at_us + 3600 * S)

    def wait(self, after_s):
        until_us = self.at_us + after_s * S
        belfry.wait_until(lambda: belfry.now_us() > until_us, 120, "the edge has passed")


class WindowsTest(belfry.TestCase):
    def setUp(self):
        self.shared = self.stack(dispatchers=2, settings={"SIM_RING_MS": 20, "SIM_TALK_MS": 50})

    def calls(self, campaign):
        return list(self.shared.api.pages(f"/v1/campaigns/{campaign}/calls"))

    def start(self, *campaigns):
        for campaign in campaigns:
            self.shared.start_campaign(campaign)

    # --- bulk

    def by_target(self, edge):
        """Sixty targets in each zone, in turns, so that their line passes the edge."""
        windows = {"timezone": "target",
                   "weekly": [edge.before(edge.closing), edge.after(edge.opening)]}
        zones = {}
        for index, number in enumerate(belfry.numbers(180)):
            zones[number] = (edge.closing, edge.opening, edge.closed)[index % 3]
        left_s = (edge.at_us - belfry.now_us()) / S
        campaign = self.shared.campaign(
            [{"to_number": number, "timezone": zone} for number, zone in zones.items()],
            rate=int(180 * 60 / (left_s + 8)), timezone="UTC", calling_windows=windows)
        return campaign, windows, zones

    def check_by_target(self, edge, campaign, windows, zones):
        dials = self.shared.ledger().dials(campaign)
        judge.i1_no_attempt_twice(dials)
        judge.i6_inside_windows(dials, windows, zones.get)
        times = {zone: sorted(dial["t_us"] for dial in dials if zones[dial["to"]] == zone)
                 for zone in (edge.closing, edge.opening, edge.closed)}
        self.assertEqual(times[edge.closed], [])
        # Dialed up to the edge and from it on, and not a moment of it given away.
        self.assertGreater(len(times[edge.closing]), 20)
        self.assertGreater(times[edge.closing][-1], edge.at_us - (3 + edge.watch.slack_s()) * S)
        self.assertEqual(len(times[edge.opening]), 60)
        self.assertLess(times[edge.opening][0], edge.at_us + (1 + edge.watch.slack_s()) * S)
        for call in self.calls(campaign):
            zone = zones[call["to_number"]]
            if zone == edge.opening:
                self.assertEqual(call["status"], "dispatched")
            elif call["status"] == "scheduled":
                opens_us = belfry.parse_time_us(call["next_attempt_at"])
                self.assertEqual(opens_us, next_opening(windows, zone, edge.at_us), call)
                self.assertEqual(call["scheduled_at"], call["next_attempt_at"])
            else:
                self.assertEqual((zone, call["status"]), (edge.closing, "dispatched"))

    def check_opened_line(self, edge, campaign, windows, rate):
        """The line stood still, and goes on at the opening with its spacing."""
        dials = self.shared.ledger().dials(campaign)
        judge.i6_inside_windows(dials, windows, lambda number: windows["timezone"])
        judge.i7_rate(dials, rate)
        dialed = {dial["call"] for dial in dials}
        planned = {call["id"]: belfry.parse_time_us(call["scheduled_at"])
                   for call in self.calls(campaign) if call["id"] in dialed}
        judge.i6_never_early(dials, planned)
        self.assertEqual(min(planned.values()), edge.at_us)
        self.assertEqual(len(set(planned.values())), len(dials))
        self.assertEqual({(at_us - edge.at_us) % (60 * S // rate) for at_us in planned.values()}, {0})
        self.assertLess(min(dial["t_us"] for dial in dials), edge.at_us + (0.5 + edge.watch.slack_s()) * S)

    def check_closed_line(self, edge, campaign, windows):
        dials = self.shared.ledger().dials(campaign)
        judge.i6_inside_windows(dials, windows, lambda number: windows["timezone"])
        self.assertGreater(max(dial["t_us"] for dial in dials), edge.at_us - (2 + edge.watch.slack_s()) * S)
        # The line has been moved, not the calls: what had not been fed still stands in it.
        moved = self.shared.value(
            "SELECT extract(epoch FROM line_at + (SELECT min(slot) FROM scheduled_call c"
            " WHERE c.campaign_id = p.campaign_id AND status = 'scheduled' AND due_at IS NULL)"
            " * interval '0.5 second')::bigint"
            " FROM campaign_plan p JOIN campaign k ON k.id = p.campaign_id WHERE k.kind = 'bulk'"
            f" AND k.calling_windows->>'timezone' = '{edge.closing}'")
        self.assertEqual(int(moved) * S, next_opening(windows, edge.closing, edge.at_us))

    def test_a_black_day_and_windows_that_never_open(self):
        stack = self.shared
        zone = Edge(ahead_s=0).closing
        today = local(zone, belfry.now_us()).date()
        black = stack.campaign(belfry.numbers(50, block=3), rate=600, timezone=zone,
                               calling_windows={"blackout_dates": [today.isoformat()]})
        spread = stack.campaign([{"to_number": number, "timezone": zone}
                                 for number in belfry.numbers(20, block=4)], rate=600, timezone="UTC",
                                calling_windows={"timezone": "target",
                                                 "blackout_dates": [today.isoformat()]})
        # Each Monday of the years to come is black.
        monday = today - datetime.timedelta(days=today.weekday())
        never = {"timezone": zone, "weekly": [{"days": ["mon"], "start": "00:00", "end": "24:00"}],
                 "blackout_dates": [(monday + datetime.timedelta(weeks=n)).isoformat()
                                    for n in range(150)]}
        receiver = self.receiver()
        stack.endpoint(receiver, events=["scheduled_call.failed"])
        hopeless = stack.campaign(belfry.numbers(30, block=5), rate=6000, calling_windows=never)
        self.start(black, spread, hopeless)
        done = stack.wait_status(hopeless, "completed", 30)
        self.assertEqual(done["counts"], {"total": 30, "pending": 0, "scheduled": 0, "dispatched": 0,
                                          "failed": 30, "skipped": 0})
        self.assertEqual({(t["status"], t["outcome"], t["attempts"]) for t in stack.targets(hopeless)},
                         {("failed", "expired", 0)})
        belfry.wait_until(lambda: len(receiver.hooks) >= 30, 20, lambda: f"{len(receiver.hooks)} of 30")
        self.assertEqual({hook.json["data"]["scheduled_call"]["outcome"] for hook in receiver.hooks},
                         {"expired"})

        tomorrow = datetime.datetime.combine(today + datetime.timedelta(days=1), datetime.time(),
                                             zoneinfo.ZoneInfo(zone))
        belfry.wait_until(lambda: {call["next_attempt_at"] for call in self.calls(spread)} ==
                          {tomorrow.astimezone(datetime.timezone.utc)
                           .strftime("%Y-%m-%dT%H:%M:%S.000Z")}, 20,
                          lambda: f"all due tomorrow; {self.calls(spread)[:2]}")
        for campaign in (black, spread, hopeless):
            self.assertEqual(stack.ledger().dials(campaign), [])
        self.assertEqual(stack.counts(black)["scheduled"], 50)

    # --- recurring

    def recurring(self, number, windows, **fields):
        campaign = self.shared.api.post("/v1/campaigns", {
            "kind": "recurring", "name": "windows", "agent_id": self.shared.agent_id,
            "from_number": belfry.FROM_NUMBER, "to_number": number, "timezone": "UTC",
            "calling_windows": windows, **{"cron": "* * * * *", **fields}})["id"]
        self.start(campaign)
        return campaign

    def ended(self, campaign, until_us):
        """Calls of occurrences up to an instant, by that instant; all of them are terminal."""
        found = {}

        def all_ended():
            found.clear()
            for call in self.calls(campaign):
                at_us = belfry.parse_time_us(call["scheduled_at"])
                if at_us <= until_us:
                    found[at_us] = call
            return found and all(c["status"] in ("dispatched", "failed") for c in found.values())

        belfry.wait_until(all_ended, 30, lambda: f"occurrences have ended: {found}")
        return found

    def start_recurring(self, edge):
        """campaign -> (windows, zone); the last one's calls are busy, their retries due after the edge
        and before the next occurrence."""
        opening = {"timezone": edge.opening, "weekly": [edge.after(edge.opening)]}
        closing = {"timezone": edge.closing, "weekly": [edge.before(edge.closing)]}
        black = {"blackout_dates": [(datetime.datetime.fromtimestamp(edge.at_us // S + day * 86400,
                                                                     datetime.timezone.utc)
                                     .strftime("%Y-%m-%d")) for day in (-1, 0, 1)]}
        one, two, three = belfry.numbers(3, block=6)
        odd = (edge.at_us // S // 60 + 1) % 2
        return {
            self.recurring(one, opening): (opening, edge.opening),
            self.recurring(two, closing): (closing, edge.closing),
            self.recurring(three, black): (black, "UTC"),
            self.recurring(belfry.numbers(1, "0001", block=6)[0], closing,
                           cron=f"{odd}-59/2 * * * *", max_attempts=3, retry_policy={
                               "rules": [{"on": ["busy"], "delay_s": 61}], "jitter_pct": 0}):
                (closing, edge.closing),
        }

    def check_recurring(self, edge, campaigns, receiver):
        expired = 0
        for campaign, (windows, zone) in campaigns.items():
            dials = self.shared.ledger().dials(campaign)
            judge.i6_inside_windows(dials, windows, lambda number, zone=zone: zone)
            calls = self.ended(campaign, edge.at_us)
            self.assertIn(edge.at_us - 60 * S, calls)
            for at_us, call in calls.items():
                is_busy = call["to_number"].endswith("0001")
                is_reached = judge.is_inside(windows, zone, at_us) and not is_busy
                self.assertEqual((call["status"], call["outcome"]),
                                 ("dispatched", "answered") if is_reached else ("failed", "expired"),
                                 call)
                expired += not is_reached
                made = sum(dial["call"] == call["id"] for dial in dials)
                self.assertEqual(made, int(judge.is_inside(windows, zone, at_us)), call)
            self.check_counters(campaign)
        belfry.wait_until(lambda: len(self.expiries(receiver)) >= expired, 20,
                          lambda: f"{expired} events; {len(self.expiries(receiver))} came")
        self.assertTrue(all(event["data"]["attempt"] is None for event in self.expiries(receiver)))

    def expiries(self, receiver):
        events = {hook.id: hook.json for hook in list(receiver.hooks)}.values()
        return [event for event in events if event["data"]["scheduled_call"]["outcome"] == "expired"]

    def test_an_edge_passes_while_campaigns_dial(self):
        stack = self.shared
        edge = Edge(ahead_s=70)  # an occurrence before it, at least
        receiver = self.receiver()
        stack.endpoint(receiver, events=["scheduled_call.failed"])
        recurring = self.start_recurring(edge)
        edge.wait(after_s=-25)
        spread = self.by_target(edge)
        opening = {"timezone": edge.opening, "weekly": [edge.after(edge.opening)]}
        closing = {"timezone": edge.closing, "weekly": [edge.before(edge.closing)]}
        opened = stack.campaign(belfry.numbers(500, block=1), rate=120, calling_windows=opening)
        closed = stack.campaign(belfry.numbers(500, block=2), rate=120, calling_windows=closing)
        self.start(spread[0], opened, closed)
        edge.wait(after_s=20)
        self.check_by_target(edge, *spread)
        self.check_opened_line(edge, opened, opening, 120)
        self.check_closed_line(edge, closed, closing)
        self.check_recurring(edge, recurring, receiver)

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
