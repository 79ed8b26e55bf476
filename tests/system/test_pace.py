"""What the API tells about a campaign's pace and about the installation."""
import belfry
from api_case import ApiCase

RATE = 600


class PaceTest(ApiCase):
    frozen = False
    options = {"dispatchers": 1, "schedulers": 1, "settings": {"SIM_TALK_MS": 50, "SIM_RING_MS": 20}}

    def pace(self, campaign):
        return self.it.api.get(f"/v1/campaigns/{campaign}/pace")

    def test_a_draft_has_no_pace(self):
        pace = self.pace(self.it.campaign(targets=belfry.numbers(2), rate=RATE))
        self.assertEqual((pace["in_flight"], pace["calls_last_minute"], pace["intervals"]), (0, 0, []))
        self.assertEqual(pace["lateness"], {"calls": 0, "p50_ms": None, "p99_ms": None, "max_ms": None})
        self.assertIsNone(pace["binding"])

    def test_dials_lateness_and_the_campaigns_own_rate(self):
        campaign = self.it.campaign(targets=belfry.numbers(40, block=1) + belfry.numbers(3, 1, block=1),
                                    rate=RATE)
        self.it.start_campaign(campaign)
        bound = belfry.wait_until(lambda: self.pace(campaign)["binding"], 20, "a limit binds",
                                  interval_s=0.01)
        self.assertEqual(bound, {"scope": "campaign", "kind": "calls_per_minute"})
        self.it.wait_status(campaign, "completed", 60)
        pace = self.pace(campaign)
        self.assertEqual(sum(i["dials"] for i in pace["intervals"]), 43)
        self.assertEqual(sum(i["answered"] for i in pace["intervals"]), 40)
        self.assertEqual(sum(i["failed"] for i in pace["intervals"]), 3)
        self.assertEqual(pace["calls_last_minute"], 43)
        self.assertEqual(pace["lateness"]["calls"], 43)
        self.assertTrue(0 <= pace["lateness"]["p50_ms"] <= pace["lateness"]["p99_ms"]
                        <= pace["lateness"]["max_ms"] < 30000, pace["lateness"])
        self.assertIsNone(pace["binding"])
        self.assertEqual(pace["limits"], [{"scope": "campaign", "kind": "calls_per_minute", "limit": RATE}])

    def test_a_tighter_number_and_a_full_one(self):
        number = self.it.api.get("/v1/numbers")["data"][0]["id"]
        self.it.api.patch(f"/v1/numbers/{number}", {"calls_per_minute": 120})
        self.addCleanup(self.it.api.patch, f"/v1/numbers/{number}",
                        {"calls_per_minute": None, "max_concurrent": None})
        campaign = self.it.campaign(targets=belfry.numbers(200, block=2), rate=6000)
        self.it.start_campaign(campaign)
        def binds(scope, kind):
            return self.pace(campaign)["binding"] == {"scope": scope, "kind": kind}
        belfry.wait_until(lambda: binds("number", "calls_per_minute"), 20, "the number's rate binds")
        # Dialed, and never answered: the line stays taken.
        self.it.api.patch(f"/v1/numbers/{number}", {"calls_per_minute": None, "max_concurrent": 1})
        self.it.append(campaign, belfry.numbers(1, 2, block=3))
        belfry.wait_until(lambda: binds("number", "max_concurrent"), 20, "the number is full",
                          interval_s=0.01)
        self.it.act(campaign, "cancel")
        self.assertIsNone(self.pace(campaign)["binding"])

    def test_a_recurring_campaign_counts_its_occurrences(self):
        made = self.it.api.post("/v1/campaigns", {
            "kind": "recurring", "name": "r", "agent_id": self.it.agent_id, "cron": "* * * * *",
            "from_number": belfry.FROM_NUMBER, "to_number": "+15557770001"})["id"]
        pace = self.pace(made)
        self.assertEqual((pace["limits"], pace["intervals"]), ([], []))

    def test_another_workspaces_campaign_is_not_there(self):
        campaign = self.it.campaign(targets=belfry.numbers(1, block=4))
        self.problem(self.two.api.request("GET", f"/v1/campaigns/{campaign}/pace"), 404, "not_found")


class SystemTest(ApiCase):
    frozen = False
    options = {"dispatchers": 2, "schedulers": 1}

    def test_all_parts_are_told_of(self):
        def whole():
            s = self.it.api.get("/v1/system")
            live = [d for d in s["dispatchers"] if d["lease_until"] >= s["at"] and d["dialers"] == ["sim"]]
            return s if len(live) == 2 and s["leader"]["is_alive"] and s["senders"] else None
        system = belfry.wait_until(whole, 20, "everything is up")
        self.assertTrue(system["redis_is_up"])
        self.assertEqual(system["queue"]["overdue_calls"], 0)
        self.assertRegex(system["versions"]["schema"], r"^\d{4}_\w+\.sql$")

    def test_a_lost_dialer_shows(self):
        self.it.kill("KILL", "dialer-sim.0")
        def lost():
            s = self.it.api.get("/v1/system")
            return any(d["lease_until"] >= s["at"] and not d["dialers"] for d in s["dispatchers"])
        belfry.wait_until(lost, 20, "a dispatcher without a dialer")
        self.it.start("dialer-sim.0")

    def test_it_takes_the_scope_operator(self):
        key = self.key(self.one.workspace, "read,write,control,admin")
        body = self.problem(self.client(key).request("GET", "/v1/system"), 403, "missing_scope")
        self.assertEqual(body["scope"], "operator")
