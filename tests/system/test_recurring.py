"""Recurring campaigns: what a minute's cron does through its whole life; two schedulers of which the
leader is killed between any two steps of a pass; and a zone's update that is cut short likewise.
The occurrences are judged by a computation of their own, in Python."""
import collections
import datetime
import os
import shutil
import tempfile
import unittest

import belfry
import judge
import test_cron

DEADLINE_S = 420
SOURCE = "/usr/share/zoneinfo"
SECOND_US = 1000000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
FAR = "30 3 29 2 *"
EPOCH = datetime.datetime(1970, 1, 1)


def us_of(at):
    return (at - EPOCH) // datetime.timedelta(microseconds=1)


def rfc3339(at_us):
    return (EPOCH + datetime.timedelta(microseconds=at_us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class RecurringCase(belfry.TestCase):
    def recurring(self, stack, cron, timezone="UTC", start=True, **fields):
        self.made = getattr(self, "made", 0) + 1
        campaign = stack.api.post("/v1/campaigns", {
            "kind": "recurring", "name": f"{cron} {timezone}", "agent_id": stack.agent_id,
            "from_number": belfry.FROM_NUMBER, "to_number": f"+1202555{1000 + self.made}",
            "cron": cron, "timezone": timezone, **fields})["id"]
        if start:
            stack.start_campaign(campaign)
        return campaign

    @staticmethod
    def calls(stack, campaign):
        return list(stack.api.pages(f"/v1/scheduled-calls?campaign_id={campaign}"))

    @staticmethod
    def fires(stack, campaign):
        return sorted(dial["t_us"] for dial in stack.ledger().dials(campaign))

    def check_counters(self, stack):
        """campaign_count and the rows tell the same (both tables of calls)."""
        wrong = stack.psql(
            "SELECT k.id, c.total, c.scheduled, c.dispatched, c.failed, c.skipped, x.total, x.scheduled,"
            " x.dispatched, x.failed, x.skipped"
            " FROM campaign k JOIN campaign_count c ON c.campaign_id = k.id CROSS JOIN LATERAL ("
            "  SELECT count(*) AS total, count(*) FILTER (WHERE status IN ('scheduled', 'dialing'))"
            "   AS scheduled, count(*) FILTER (WHERE status = 'dispatched') AS dispatched,"
            "   count(*) FILTER (WHERE status = 'failed') AS failed,"
            "   count(*) FILTER (WHERE status = 'cancelled') AS skipped"
            "  FROM (SELECT status FROM scheduled_call WHERE campaign_id = k.id UNION ALL"
            "   SELECT status FROM scheduled_call_done WHERE campaign_id = k.id) s) x"
            " WHERE k.kind = 'recurring' AND (c.total, c.scheduled, c.dispatched, c.failed, c.skipped,"
            "  c.pending) IS DISTINCT FROM (x.total, x.scheduled, x.dispatched, x.failed, x.skipped, 0)")
        self.assertEqual(wrong, [])


class LifeTest(RecurringCase):
    """One minute, lived through by campaigns that each do something else before it. Their calls talk
    briefly; the minute is far enough away when the last of them is made."""

    def setUp(self):
        self.receiver_ = self.receiver()
        self.shared = self.stack(schedulers=2, dispatchers=2,
                                 settings={"SIM_RING_MS": 50, "SIM_TALK_MS": 200, "PASS_S": 3})
        self.shared.endpoint(self.receiver_)
        self.watch = belfry.Stopwatch()

    def planned(self, campaign, least=60):
        stack = self.shared
        belfry.wait_until(lambda: stack.counts(campaign)["scheduled"] >= least, 15,
                          lambda: f"an hour planned: {stack.counts(campaign)}")

    def events(self, kind, campaign):
        return [event for event in judge.unique_events(self.receiver_.bodies())
                if event["type"] == kind and event["data"]["campaign"]["id"] == campaign]

    def check_fired_once(self, campaign, minute_us, what):
        fired = self.fires(self.shared, campaign)
        self.assertEqual(len(fired), 1, f"{what}: {fired}, the minute is {minute_us}")
        self.assertGreaterEqual(fired[0], minute_us, what)
        self.assertLess((fired[0] - minute_us) / SECOND_US, 1 + self.watch.slack_s(), what)

    def test_a_minute(self):
        stack = self.shared
        # At least 25 s to prepare everything.
        now_us = belfry.now_us()
        minute_us = now_us - now_us % MINUTE_US + MINUTE_US
        if minute_us - now_us < 25 * SECOND_US:
            minute_us += MINUTE_US
            belfry.wait_until(lambda: belfry.now_us() > minute_us - MINUTE_US, 30, "the next minute")
        local = EPOCH + datetime.timedelta(microseconds=minute_us + 330 * MINUTE_US)

        plain = self.recurring(stack, "* * * * *")
        fixed = self.recurring(stack, f"{local.minute} {local.hour} * * *", "Asia/Kolkata")
        paused = self.recurring(stack, "* * * * *", "Europe/Berlin")
        resumed = self.recurring(stack, "* * * * *", "Asia/Tokyo")
        to_never = self.recurring(stack, "* * * * *", "Asia/Dubai")
        from_never = self.recurring(stack, FAR, "Africa/Cairo")
        cancelled = self.recurring(stack, "* * * * *", "America/Lima")
        ending = self.recurring(stack, "* * * * *", "America/Bogota",
                                end_at=rfc3339(minute_us + 2 * SECOND_US))
        for campaign in (plain, paused, resumed, to_never, cancelled):
            self.planned(campaign)
        stack.act(paused, "pause")
        stack.act(resumed, "pause")
        stack.act(cancelled, "cancel")
        stack.api.patch(f"/v1/campaigns/{to_never}", {"cron": FAR})
        stack.api.patch(f"/v1/campaigns/{from_never}", {"cron": "* * * * *"})
        stack.act(resumed, "resume")
        held = self.recurring(stack, "* * * * *", "Asia/Jakarta")
        self.planned(held)
        stack.psql("UPDATE campaign SET status = 'paused', status_reason = 'config_error'"
                   " WHERE timezone = 'Asia/Jakarta'")  # as the engine does
        over_us = belfry.now_us() + 4 * SECOND_US
        over = self.recurring(stack, "* * * * *", "Asia/Seoul", start=False, end_at=rfc3339(over_us))
        belfry.wait_until(lambda: belfry.now_us() > over_us, 20, "its end has come")
        belfry.wait_until(lambda: belfry.now_us() > minute_us - 9 * SECOND_US, 60, "9 s before")
        late = self.recurring(stack, "* * * * *", "Asia/Manila")
        stack.start_campaign(over)  # after its end
        before_us = belfry.now_us()
        self.assertLess(before_us, minute_us - 2 * SECOND_US, "the machine is too slow for this test")

        belfry.wait_until(lambda: belfry.now_us() > minute_us + 3 * SECOND_US, 60, "the minute")
        belfry.wait_until(lambda: all(self.fires(stack, campaign) for campaign in (
            plain, fixed, paused, resumed, from_never, late, ending)), 10, "all have fired")
        for campaign, what in ((plain, "plain"), (fixed, "fixed-time in Kolkata"),
                               (paused, "paused: what is materialized fires"),
                               (resumed, "paused and resumed"), (from_never, "edited to a minute's"),
                               (late, "started 9 s before"), (ending, "its end comes after")):
            self.check_fired_once(campaign, minute_us, what)
        for campaign in (to_never, cancelled, over, held):
            self.assertEqual(self.fires(stack, campaign), [])
        stack.act(held, "resume")
        belfry.wait_until(lambda: len(self.fires(stack, held)) == 1, 2, "what was held fires at once")

        for campaign in (ending, over):
            done = stack.wait_status(campaign, "completed", 15)
            self.assertIsNotNone(done["completed_at"])
        self.check_after(dict(plain=plain, paused=paused, to_never=to_never, cancelled=cancelled,
                              ending=ending, over=over, resumed=resumed, held=held))

    def check_after(self, c):
        stack = self.shared
        self.assertEqual(stack.counts(c["ending"]), {"total": 1, "pending": 0, "scheduled": 0,
                                                     "dispatched": 1, "failed": 0, "skipped": 0})
        self.assertEqual(stack.counts(c["over"])["total"], 0)
        dropped = stack.counts(c["to_never"])
        self.assertEqual((dropped["scheduled"], dropped["skipped"]), (0, dropped["total"]))
        self.assertGreaterEqual(dropped["total"], 60)
        gone = stack.counts(c["cancelled"])
        self.assertEqual((gone["scheduled"], gone["skipped"]), (0, gone["total"]))
        # A pass adds what has come within the hour; a paused one gets nothing more.
        plain, paused = stack.counts(c["plain"]), stack.counts(c["paused"])
        self.assertEqual(plain["scheduled"], 60 + (plain["scheduled"] > 60))
        self.assertLessEqual(paused["total"], 61)
        self.assertEqual(stack.counts(c["resumed"])["skipped"], 0)
        for campaign in c.values():
            instants = [call["scheduled_at"] for call in self.calls(stack, campaign)
                        if call["status"] != "cancelled"]
            self.assertEqual(len(instants), len(set(instants)), "an occurrence twice")
        self.check_counters(stack)

        belfry.wait_until(lambda: self.events("campaign.completed", c["over"]) and
                          self.events("campaign.completed", c["ending"]), 10, "both completed")
        for campaign in ("ending", "over"):
            judge.i17_completed_once(self.receiver_.bodies(), c[campaign])
        belfry.wait_until(lambda: len(self.events("scheduled_call.cancelled", c["to_never"])) ==
                          dropped["total"], 10, "an event for each call that the edit dropped")
        reasons = {event["data"]["scheduled_call"].get("reason")
                   for event in self.events("scheduled_call.cancelled", c["to_never"])}
        self.assertEqual(reasons, {"rescheduled"})
        belfry.wait_until(lambda: len(self.events("scheduled_call.created", c["plain"])) ==
                          stack.counts(c["plain"])["total"], 10, "an event for each call")


class FaultCase(RecurringCase):
    """The schedulers' settings are changed between two starts in the file that the stack keeps."""

    @staticmethod
    def set_fault(stack, fault):
        path = os.path.join(stack.home, "run/settings")
        with open(path, encoding="utf-8") as file:
            lines = [line for line in file if not line.startswith("BELFRY_FAULT=")]
        with open(path, "w", encoding="utf-8") as file:
            file.writelines([*lines, f"BELFRY_FAULT={fault}\n"])

    @staticmethod
    def dead(stack):
        """How many of the two schedulers are not there any more."""
        gone = 0
        for name in ("scheduler.0", "scheduler.1"):
            try:
                with open(f"/proc/{stack.pid(name)}/stat", encoding="ascii") as file:
                    gone += file.read().rsplit(")", 1)[1].split()[0] == "Z"
            except OSError:
                gone += 1
        return gone

    def under_fault(self, stack, fault, cause, deadline_s=30):
        """Starts the schedulers with a fault, brings its cause about, waits until one has died of it
        and starts them whole again."""
        self.set_fault(stack, fault)
        stack.call("restart", "scheduler", check=False)  # it may die before it is ready
        cause()
        belfry.wait_until(lambda: self.dead(stack) > 0, deadline_s, f"a scheduler dies at {fault}")
        self.set_fault(stack, "")
        stack.call("kill", "-KILL", "scheduler", check=False)  # the other one has the fault too
        stack.start("scheduler")


SCHEDULES = (
    test_cron.Schedule(("*", range(60)), ("*", range(24)), ("*", range(1, 32)),
                       ("*", range(1, 13)), ("*", range(7))),
    test_cron.Schedule(("*/7", range(0, 60, 7)), ("*", range(24)), ("*", range(1, 32)),
                       ("*", range(1, 13)), ("*", range(7))),
    test_cron.Schedule(("0-59", range(60)), ("0-23", range(24)), ("*", range(1, 32)),
                       ("*", range(1, 13)), ("*", range(7))),
    test_cron.Schedule(("5,25,45", [5, 25, 45]), ("0-23", range(24)), ("*", range(1, 32)),
                       ("*", range(1, 13)), ("*", range(7))),
)
ZONES = ("America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Casablanca")
# After the page is read, sent, answered, appended to the stream; the first one or a later one.
EXPAND_FAULTS = ("expand_read:1", "expand_sent:1", "expand_sent:4", "expand_answered:1",
                 "expand_answered:3", "expand_fed:2", "expand_read:4")


class LeaderDiesTest(FaultCase):
    def test_at_each_step_of_a_pass(self):
        stack = self.stack(schedulers=2, settings={"LEADER_TTL_MS": 500, "PASS_S": 1,
                                                   "MATERIALIZE_BATCH": 130, "SIM_RING_MS": 50,
                                                   "SIM_TALK_MS": 50})
        planned = []
        for turn, fault in enumerate(EXPAND_FAULTS):
            drafts = [(self.recurring(stack, schedule.text, zone, start=False), schedule, zone)
                      for zone in ZONES for schedule in SCHEDULES]

            def start(drafts=drafts):
                for campaign, _, _ in drafts:
                    stack.start_campaign(campaign)

            self.under_fault(stack, fault, start)
            planned += drafts
            self.assertEqual(len(planned), (turn + 1) * len(ZONES) * len(SCHEDULES))
        due = ("SELECT count(*) FROM campaign_plan WHERE"
               " next_occurrence_at <= clock_timestamp() + interval '1 hour'")
        belfry.wait_until(lambda: stack.value(due) == "0", 30, "all is planned")
        self.check_occurrences(stack, planned)
        self.check_counters(stack)
        dials = stack.ledger().dials()
        judge.i1_no_attempt_twice(dials)
        calls = collections.Counter(dial["call"] for dial in dials)
        self.assertEqual([call for call, n in calls.items() if n > 1], [])

    def check_occurrences(self, stack, planned):
        hour = EPOCH + datetime.timedelta(microseconds=belfry.now_us() // HOUR_US * HOUR_US)
        planners = {zone: test_cron.Planner(zone, hour - datetime.timedelta(hours=1), 1)
                    for zone in ZONES}
        # One statement: a pass each second adds a call and moves its plan.
        rows = stack.psql("SELECT c.campaign_id, (extract(epoch FROM c.scheduled_at) * 1000000)::int8,"
                          " (extract(epoch FROM p.next_occurrence_at) * 1000000)::int8"
                          " FROM scheduled_call c JOIN campaign_plan p USING (campaign_id)"
                          " WHERE c.status <> 'cancelled'")
        ends = {row[0]: int(row[2]) for row in rows}
        begun = {row[0]: int(row[1]) for row in stack.psql(
            "SELECT id, (extract(epoch FROM started_at) * 1000000)::int8 FROM campaign")}
        found = collections.defaultdict(list)
        for campaign, at, _ in rows:
            found[campaign].append(int(at))
        ids = {row[1]: row[0] for row in stack.psql("SELECT id, to_number FROM campaign")}
        total = 0
        for campaign, schedule, zone in planned:
            number = stack.api.get(f"/v1/campaigns/{campaign}")["to_number"]
            key = ids[number]
            expected = [us_of(at) for at in planners[zone].instants(schedule)]
            # The plan begins a moment after started_at: what lies between may be either's.
            expected = [at for at in expected if begun[key] + SECOND_US < at < ends[key]]
            found[key] = [at for at in found[key] if at > begun[key] + SECOND_US]
            self.assertGreater(ends[key], belfry.now_us() + HOUR_US - MINUTE_US)
            self.assertEqual(sorted(found[key]), expected, f"{schedule.text} in {zone}")
            total += len(expected)
        self.assertEqual(sum(map(len, found.values())), total)
        self.assertGreater(total, 2000)


class ZoneMovesTest(FaultCase):
    """Test/Town moves from 5:30 to 5:45 and back and again; the leader dies while it re-plans."""

    OFFSETS = {"old": 330, "new": 345}

    def tree(self, name, version, town):
        for zone, source in (("UTC", "UTC"), ("Test/Town", town)):
            path = os.path.join(self.home, name, zone)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            shutil.copyfile(os.path.join(SOURCE, source), path)
        with open(os.path.join(self.home, name, "tzdata.zi"), "w", encoding="utf-8") as file:
            file.write(f"# version {version}\n")

    def lead_to(self, name):
        os.symlink(name, self.link + ".new")
        os.rename(self.link + ".new", self.link)

    def test_the_leader_dies_while_it_replans(self):
        self.home = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.home)
        os.chmod(self.home, 0o755)
        self.link = os.path.join(self.home, "zoneinfo")
        self.tree("old", "2025a", "Asia/Kolkata")
        self.tree("new", "2025b", "Asia/Kathmandu")
        self.lead_to("old")
        stack = self.stack(schedulers=2, settings={
            "LEADER_TTL_MS": 500, "PASS_S": 1, "ZONEINFO": self.link, "ZONEINFO_REFRESH_S": 1,
            "SIM_RING_MS": 50, "SIM_TALK_MS": 50})
        campaigns = {}
        for schedule in SCHEDULES * 3:
            campaigns[self.recurring(stack, schedule.text, "Test/Town")] = schedule
        self.settled(stack, "2025a")
        for fault, tree in (("replan_read:1", "new"), ("replan_sent:1", "old"),
                            ("replan_answered:1", "new")):
            self.under_fault(stack, fault, lambda tree=tree: self.lead_to(tree))
            self.settled(stack, "2025b" if tree == "new" else "2025a")
            self.check_counters(stack)
        self.check_ahead(stack, campaigns, self.OFFSETS["new"] * MINUTE_US)

    def settled(self, stack, version):
        left = (f"SELECT count(*) FROM campaign_plan WHERE tzdata IS DISTINCT FROM '{version}' OR"
                " next_occurrence_at <= clock_timestamp() + interval '1 hour'")
        belfry.wait_until(lambda: stack.value(left) == "0", 30,
                          lambda: f"all is planned by {version}: {stack.value(left)} are not")

    def check_ahead(self, stack, campaigns, offset_us):
        """Each minute whose local time matches has its call, but for fixed times that were planned
        under an earlier clock: those are where their key says, and no key is there twice."""
        rows = stack.psql("SELECT k.cron, c.campaign_id, c.occurrence_key, c.status,"
                          " (extract(epoch FROM c.scheduled_at) * 1000000)::int8,"
                          " (extract(epoch FROM p.next_occurrence_at) * 1000000)::int8"
                          " FROM scheduled_call c JOIN campaign k ON k.id = c.campaign_id"
                          " JOIN campaign_plan p ON p.campaign_id = k.id"
                          " WHERE c.status <> 'cancelled'")
        now_us = belfry.now_us() + 5 * SECOND_US
        by_campaign = collections.defaultdict(list)
        for cron, campaign, key, status, at, end in rows:
            by_campaign[campaign].append((cron, key, status, int(at), int(end)))
        self.assertEqual(len(by_campaign), len(campaigns))
        schedules = {schedule.text: schedule for schedule in SCHEDULES}
        for calls in by_campaign.values():
            schedule, end = schedules[calls[0][0]], calls[0][4]
            keys = [key for _, key, _, _, _ in calls]
            self.assertEqual(len(keys), len(set(keys)))
            ahead = sorted((at, key) for _, key, status, at, _ in calls
                           if status == "scheduled" and at > now_us)
            minutes = [at for at in range(now_us - now_us % MINUTE_US + MINUTE_US, end, MINUTE_US)
                       if (at + offset_us) // MINUTE_US % 60 in schedule.minutes]
            if schedule.is_interval:
                self.assertEqual([at for at, _ in ahead], minutes, schedule.text)
                continue
            for at, key in ahead:
                nominal = EPOCH + datetime.timedelta(microseconds=at + offset_us)
                self.assertEqual(key, nominal.strftime("L%Y-%m-%dT%H:%M"))
            # What is not there had its turn while the clock showed the same before.
            missing = set(minutes) - {at for at, _ in ahead}
            past = {key for _, key, status, at, _ in calls if not (status == "scheduled" and
                                                                    at > now_us)}
            for at in missing:
                nominal = EPOCH + datetime.timedelta(microseconds=at + offset_us)
                self.assertIn(nominal.strftime("L%Y-%m-%dT%H:%M"), past)


if __name__ == "__main__":
    unittest.main()
