"""Updates of the time zone database while everything runs: the directory is a link, led from one tree
to another. In the zone Test/Town clocks say 15 minutes more under the second one."""
import datetime
import os
import shutil
import tempfile
import unittest

import api_case
import belfry

DEADLINE_S = 420
SOURCE = "/usr/share/zoneinfo"
MINUTE_US = 60 * 1000000
OLD_OFFSET_US, NEW_OFFSET_US = 330 * MINUTE_US, 345 * MINUTE_US  # Kolkata and Kathmandu
MINUTES = (1, 11, 24, 37, 50)
MINUTES_CRON = "1,11,24,37,50 0-23 * * *"  # fixed-time
TO_NUMBER = "+12025551000"


def copy_zone(source, tree, name):
    path = os.path.join(tree, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    shutil.copyfile(os.path.join(SOURCE, source), path)


def rfc3339(at_us):
    at = datetime.datetime.fromtimestamp(at_us // 1000000, datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def local(at_us, offset_us):
    """Minute and hour that clocks with the offset show."""
    minutes = (at_us + offset_us) // MINUTE_US % 1440
    return minutes % 60, minutes // 60


class TzdataTest(belfry.TestCase):
    def setUp(self):
        self.home = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.home)
        os.chmod(self.home, 0o755)
        self.link = os.path.join(self.home, "zoneinfo")

    def tree(self, name, version, town, more=()):
        tree = os.path.join(self.home, name)
        for zone in ("UTC", "Asia/Kolkata"):
            copy_zone(zone, tree, zone)
        copy_zone(town, tree, "Test/Town")
        for zone in more:
            copy_zone("Europe/Berlin", tree, zone)
        with open(os.path.join(tree, "tzdata.zi"), "w", encoding="utf-8") as file:
            file.write(f"# version {version}\n")

    def lead_to(self, tree):
        os.symlink(tree, self.link + ".new")
        os.rename(self.link + ".new", self.link)

    def stack_over(self, tree, **options):
        self.lead_to(tree)
        settings = {"ZONEINFO": self.link, "ZONEINFO_REFRESH_S": 1, "PASS_S": 2, "SIM_RING_MS": 50,
                    "SIM_TALK_MS": 100}
        return self.stack(settings=settings, **options)

    def two_trees(self, new_version="2025b"):
        self.tree("old", "2025a", "Asia/Kolkata")
        self.tree("new", new_version, "Asia/Kathmandu", more=["Test/New"])
        return self.stack_over("old")

    @staticmethod
    def ready(stack):
        return stack.api.request("GET", "/readyz").body.decode()

    def switch(self, stack, tree, version):
        self.lead_to(tree)
        belfry.wait_until(lambda: self.ready(stack) == f"ready\ntzdata {version}\n", 20,
                          lambda: f"tzdata {version}: {self.ready(stack)}")

    @staticmethod
    def preview(stack, cron, after, count=2):
        answer = stack.api.post("/v1/schedules/preview", {
            "cron": cron, "timezone": "Test/Town", "after": after, "count": count})
        return [(belfry.parse_time_us(o["at"]), o["local"]) for o in answer["occurrences"]]

    @staticmethod
    def recurring(stack, cron, **fields):
        campaign = stack.api.post("/v1/campaigns", {
            "kind": "recurring", "name": cron, "agent_id": stack.agent_id,
            "from_number": belfry.FROM_NUMBER, "to_number": TO_NUMBER, "cron": cron,
            "timezone": "Test/Town", **fields})["id"]
        stack.start_campaign(campaign)
        return campaign

    @staticmethod
    def calls(stack, campaign):
        return list(stack.api.pages(f"/v1/scheduled-calls?campaign_id={campaign}"))

    def ahead(self, stack, campaign):
        """The instants at which open calls are planned, after now."""
        now_us = belfry.now_us()
        found = [belfry.parse_time_us(c["scheduled_at"]) for c in self.calls(stack, campaign)
                 if c["status"] == "scheduled"]
        return sorted(at for at in found if at > now_us)

    # --- the gateway

    def test_the_gateway_answers_by_the_new_tree(self):
        stack = self.two_trees()
        pid = stack.pid("api-gateway.0")
        after = "2027-03-01T00:00:00Z"
        body = {"cron": "0 9 * * *", "timezone": "Test/New"}
        self.assertEqual(self.ready(stack), "ready\ntzdata 2025a\n")
        self.assertEqual([o[1] for o in self.preview(stack, "0 9 * * *", after)],
                         ["2027-03-01T09:00:00+05:30", "2027-03-02T09:00:00+05:30"])
        refused = stack.api.request("POST", "/v1/schedules/preview", body)
        self.assertEqual((refused.status, refused.json["errors"][0]["code"]),
                         (422, "invalid_timezone"))
        self.switch(stack, "new", "2025b")
        self.assertEqual(self.preview(stack, "0 9 * * *", after, count=1),
                         [(belfry.parse_time_us("2027-03-01T03:15:00Z"),
                           "2027-03-01T09:00:00+05:45")])
        self.assertEqual(stack.api.request("POST", "/v1/schedules/preview", body).status, 200)
        self.assertIn('\nbelfry_tzdata_info{version="2025b"} 1\n',
                      stack.api.request("GET", "/metrics").body.decode())
        # a zone in use has its rules while there is no tree
        self.lead_to("nowhere")
        self.tree("old", "2026z", "Asia/Kolkata")
        self.assertEqual(len(self.preview(stack, "0 9 * * *", after)), 2)
        self.switch(stack, "old", "2026z")
        self.assertEqual(self.preview(stack, "0 9 * * *", after, count=1)[0][1],
                         "2027-03-01T09:00:00+05:30")
        self.assertEqual(stack.pid("api-gateway.0"), pid)

    # --- what is planned already

    def check_planned(self, stack, campaign, is_due, offset_us, from_us=0):
        """What is planned ahead, or from an instant on, is what the clock's minutes say, each once;
        half an hour of it at the least."""
        def as_expected():
            now_us = belfry.now_us()
            found = self.ahead(stack, campaign)
            first_us = max(now_us, from_us) // MINUTE_US * MINUTE_US + 2 * MINUTE_US
            until_us = max([now_us + 30 * MINUTE_US, *found])
            expected = [at for at in range(first_us, until_us + 1, MINUTE_US)
                        if is_due(local(at, offset_us)[0])]
            return [at for at in found if at >= first_us] == expected

        belfry.wait_until(as_expected, 30, lambda: f"{campaign} planned: " + " ".join(
            rfc3339(at) for at in self.ahead(stack, campaign)), interval_s=0.5)

    def check_moves(self, stack):
        fixed = self.recurring(stack, MINUTES_CRON)
        interval = self.recurring(stack, "*/7 * * * *")
        paused = self.recurring(stack, "3,33 0-23 * * *")
        plans = [(fixed, MINUTES.__contains__),
                 (interval, lambda minute: minute % 7 == 0),
                 (paused, lambda minute: minute in (3, 33))]
        for campaign, is_due in plans:
            self.check_planned(stack, campaign, is_due, OLD_OFFSET_US)
        stack.act(paused, "pause")
        keys = {c: self.keys(stack, c) for c, _ in plans}
        ids = {c: {call["id"] for call in self.calls(stack, c)} for c, _ in plans}
        self.switch(stack, "new", "2025b")
        self.check_planned(stack, fixed, plans[0][1], NEW_OFFSET_US)
        self.check_planned(stack, interval, plans[1][1], NEW_OFFSET_US)
        # each nominal time has the one call that it had
        self.assertLessEqual(keys[fixed].items(), self.keys(stack, fixed).items())
        self.assertLessEqual(ids[fixed], {call["id"] for call in self.calls(stack, fixed)})
        # those of the paused one have moved, and there are no more of them
        belfry.wait_until(lambda: all(local(at, NEW_OFFSET_US)[0] in (3, 33)
                                      for at in self.ahead(stack, paused)), 20, "moved")
        self.assertEqual({call["id"] for call in self.calls(stack, paused)}, ids[paused])
        self.switch(stack, "old", "2025a")
        # nominal times that were past under the new rules are over under the old ones too
        over_us = belfry.now_us() + NEW_OFFSET_US - OLD_OFFSET_US
        self.check_planned(stack, fixed, plans[0][1], OLD_OFFSET_US, over_us)
        self.check_planned(stack, interval, plans[1][1], OLD_OFFSET_US)
        for campaign, _ in plans:
            self.check_each_once(stack, campaign)

    @staticmethod
    def keys(stack, campaign):
        """Occurrence keys of calls that are not cancelled, with the call's id."""
        rows = stack.psql("SELECT c.occurrence_key, c.id FROM scheduled_call c "
                          "JOIN campaign k ON k.id = c.campaign_id "
                          f"WHERE k.id = '{api_case.to_uuid(campaign)}' AND c.status <> 'cancelled'")
        return dict(rows)

    def check_each_once(self, stack, campaign):
        """Open calls have different instants, counters agree with rows, and of what is cancelled
        nothing was dialed."""
        counts, calls, after = None, [], stack.counts(campaign)
        while counts != after:  # a pass may add one between two requests
            counts, calls, after = after, self.calls(stack, campaign), stack.counts(campaign)
        instants = [c["scheduled_at"] for c in calls if c["status"] == "scheduled"]
        self.assertEqual(len(instants), len(set(instants)))
        self.assertFalse([c for c in calls if c["status"] == "cancelled" and c["attempts"]])
        self.assertEqual(counts["total"], len(calls))
        self.assertEqual(counts["skipped"],
                         len([c for c in calls if c["status"] == "cancelled"]))

    def test_planned_calls_move(self):
        self.check_moves(self.two_trees())

    def test_they_move_too_when_the_version_says_nothing(self):
        stack = self.two_trees(new_version="2025a")
        campaign = self.recurring(stack, MINUTES_CRON)
        self.check_planned(stack, campaign, MINUTES.__contains__, OLD_OFFSET_US)
        self.lead_to("new")
        self.check_planned(stack, campaign, MINUTES.__contains__, NEW_OFFSET_US)
        self.check_each_once(stack, campaign)

    def test_a_new_leader_plans_anew_what_was_planned_by_another_tree(self):
        stack = self.two_trees()
        campaign = self.recurring(stack, MINUTES_CRON)

        self.check_planned(stack, campaign, MINUTES.__contains__, OLD_OFFSET_US)
        stack.kill("KILL", "scheduler")
        self.lead_to("new")
        stack.start("scheduler")
        self.check_planned(stack, campaign, MINUTES.__contains__, NEW_OFFSET_US)
        self.check_each_once(stack, campaign)

    # --- what is dialed

    def test_a_call_that_moved_is_dialed_once_at_its_new_instant(self):
        stack = self.two_trees()
        # the next whole minute that leaves time enough for what comes before it
        at_us = (belfry.now_us() + 25000000) // MINUTE_US * MINUTE_US + MINUTE_US
        minute, hour = local(at_us, NEW_OFFSET_US)
        campaign = self.recurring(stack, f"{minute} {hour} * * *")
        was_us = at_us + NEW_OFFSET_US - OLD_OFFSET_US
        belfry.wait_until(lambda: self.ahead(stack, campaign) == [was_us], 20,
                          lambda: f"planned for {rfc3339(was_us)}: {self.calls(stack, campaign)}")
        self.switch(stack, "new", "2025b")
        belfry.wait_until(lambda: stack.ledger().dials(campaign), 100,
                          lambda: f"dialed: {self.calls(stack, campaign)}", interval_s=0.2)
        dial = stack.ledger().dials(campaign)[0]
        self.assertTrue(at_us <= dial["t_us"] < at_us + 30000000, dial)
        # Back again: under the old rules this occurrence is still ahead, but it has been dialed.
        self.switch(stack, "old", "2025a")
        belfry.wait_until(lambda: stack.counts(campaign)["scheduled"] == 0, 20, "its end")
        # A campaign that starts before the scheduler sees it has passed what that clock showed.
        belfry.wait_until(lambda: "replanned tzdata=2025a" in stack.log("scheduler.0"), 20,
                          "the scheduler plans by the old rules")
        other = self.recurring(stack, MINUTES_CRON)
        self.check_planned(stack, other, MINUTES.__contains__, OLD_OFFSET_US)
        self.assertEqual(len(self.calls(stack, campaign)), 1)
        self.assertEqual(len(stack.ledger().dials(campaign)), 1)


if __name__ == "__main__":
    unittest.main()
