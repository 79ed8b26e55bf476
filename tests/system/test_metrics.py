"""Every service's numbers: scraped while a campaign runs, in the form that Prometheus demands, and in
the end equal to what the carrier's ledger and the webhook receivers saw."""
import collections
import unittest

import belfry
import metrics

DEADLINE_S = 180
ENDINGS = ("0001", "0003", "0004", "0005", "0007", "0009", "0011")
EACH = 20
ORDINARY = 300
RATE = 6000
RETRIES = {"rules": [{"on": ["busy", "carrier_error", "rate_limited"], "delay_s": 0.3}],
           "jitter_pct": 0}
WAIT_S = 60


class MetricsTest(belfry.TestCase):
    def scrapes(self, stack, program):
        return [stack.scrape(name) for name in stack.instances() if name.startswith(program)]

    def test_counts_what_the_carrier_and_the_receivers_saw(self):
        stack = self.stack(dispatchers=2, schedulers=2,
                           settings={"SIM_RING_MS": 20, "SIM_TALK_MS": 100})
        receiver = self.receiver(respond=lambda hook: 410 if hook.path == "/gone" else 200)
        stack.endpoint(receiver)
        stack.endpoint(receiver, events=["campaign.completed"], path="/gone")
        targets = [number for ending in ENDINGS for number in belfry.numbers(EACH, ending)]
        targets += belfry.numbers(ORDINARY)
        campaign = stack.campaign(targets, rate=RATE, max_attempts=2, retry_policy=RETRIES,
                                  ring_timeout_s=1)
        stack.start_campaign(campaign)
        belfry.wait_until(lambda: len(stack.ledger().dials(campaign)) > 50, 30, "50 dials")
        for name in stack.instances():
            with self.subTest(service=name):
                self.assertEqual(metrics.lint(stack.scrape(name)), None)
                self.assertEqual(stack.operator_get(name, "/healthz"), (200, "ok\n"))
                self.assertEqual(stack.operator_get(name, "/readyz"), (200, "ready\n"))
                self.assertEqual(stack.operator_get(name, "/else")[0], 404)
                self.check_process(stack, name)
        stack.wait_status(campaign, "completed", 120)
        self.check_calls(stack, campaign, targets)
        self.check_deliveries(stack, receiver)
        self.check_leaders(stack, len(targets))

    def check_process(self, stack, name):
        text = stack.scrape(name)
        self.assertEqual(metrics.by_label([text], "belfry_build_info", "service"),
                         {name.split(".")[0]: 1})
        self.assertGreater(metrics.value(text, "process_resident_memory_bytes"), 1 << 20)
        self.assertGreater(metrics.value(text, "process_open_fds"), 4)
        self.assertGreater(metrics.value(text, "process_cpu_seconds_total"), 0)
        begun = metrics.value(text, "process_start_time_seconds") * 1000000
        self.assertLess(abs(belfry.now_us() - begun), 120 * 1000000)
        self.assertGreater(metrics.value(text, "belfry_loop_turn_seconds_count"), 0)
        self.assertGreater(metrics.value(text, "belfry_loop_lag_seconds_count"), 0)
        if not name.startswith("dialer"):
            # A scheduler that does not lead asks Postgres for nothing.
            self.assertGreaterEqual(metrics.total([text], "belfry_pg_unit_seconds_count"),
                                    0 if name.startswith("scheduler") else 1)
            up, most = (metrics.parse(text)[f"belfry_pg_connections_{end}"] for end in ("up", "max"))
            self.assertEqual(up.keys(), most.keys())

    def check_calls(self, stack, campaign, targets):
        # `uncertain` is what the engine makes of a call that the carrier never mentions again.
        ledger = stack.ledger()
        ended = collections.Counter(
            entry["outcome"] for entry in ledger.read() if entry["ev"] == "outcome")
        dials = ledger.dials(campaign)
        ended["uncertain"] = EACH
        self.assertEqual(sum(ended.values()), len(dials))

        def attempts():
            """What the dispatchers counted, and how many of the dials came too late to be sent."""
            found = metrics.by_label(self.scrapes(stack, "dispatcher"), "belfry_attempts_total",
                                     "outcome")
            return found, found.pop("not_sent", 0)
        belfry.wait_until(lambda: attempts()[0] == ended, WAIT_S, lambda: (ended, attempts()))
        dispatchers, late = self.scrapes(stack, "dispatcher"), attempts()[1]
        given = metrics.total(dispatchers, "belfry_dials_total")
        self.assertTrue(len(dials) <= given <= len(dials) + late, (given, len(dials), late))
        self.assertEqual(metrics.total(dispatchers, "belfry_dial_lateness_seconds_count"), given)
        self.assertEqual(metrics.by_label(dispatchers, "belfry_claims_total", "verdict")["claimed"],
                         len(dials) + late)
        last = collections.Counter(target["outcome"] for target in stack.targets(campaign))
        self.assertEqual(metrics.by_label(dispatchers, "belfry_calls_total", "outcome"), last)
        self.assertEqual(sum(last.values()), len(targets))
        self.assertEqual(metrics.total(dispatchers, "belfry_attempts_open"), 0)
        self.assertEqual(metrics.by_label(dispatchers, "belfry_dialer_up", "dialer"), {"sim": 2})
        waits = metrics.by_label(dispatchers, "belfry_bucket_wait_seconds_count", "bucket")
        self.assertEqual(set(waits), {"campaign"})
        carrier = dict(ended)
        del carrier["uncertain"]
        found = metrics.by_label(self.scrapes(stack, "dialer-sim"), "belfry_dialer_ends_total",
                                 "outcome")
        self.assertLessEqual(found.pop("not_sent", 0), late)
        self.assertEqual(found, carrier)

    def check_deliveries(self, stack, receiver):
        """Each event was delivered once; the one that was answered with 410 is a dead letter."""
        events = int(stack.value("SELECT count(*) FROM event"))
        gone = int(stack.value("SELECT count(*) FROM delivery_done WHERE status = 'dead_letter'"))
        wanted = {"delivered": events, "dead_letter": gone}

        def found():
            return metrics.by_label(self.scrapes(stack, "webhook-sender"),
                                    "belfry_deliveries_total", "result")
        belfry.wait_until(lambda: len(receiver.hooks) >= events + 1, WAIT_S, "all webhooks")
        belfry.wait_until(lambda: metrics.total(self.scrapes(stack, "webhook-sender"),
                                                "belfry_deliveries_in_hand") == 0, WAIT_S, "records")
        events = int(stack.value("SELECT count(*) FROM event"))
        gone = int(stack.value("SELECT count(*) FROM delivery_done WHERE status = 'dead_letter'"))
        wanted = {"delivered": len(receiver.bodies()), "dead_letter": gone}
        self.assertEqual(gone, 1)
        self.assertEqual(found(), wanted)
        senders = self.scrapes(stack, "webhook-sender")
        self.assertEqual(metrics.total(senders, "belfry_outbox_lag_seconds_count"),
                         len(receiver.hooks))
        self.assertEqual(metrics.total(senders, "belfry_delivery_request_seconds_count"),
                         len(receiver.hooks))

    def check_leaders(self, stack, targets):
        """One leads; it alone says what waits, which is nothing."""
        leader = stack.leader()
        for name in ("scheduler.0", "scheduler.1"):
            text = stack.scrape(name)
            leads = int(name == leader)
            self.assertEqual(metrics.value(text, "belfry_leader"), leads)
            self.assertEqual(len(metrics.parse(text)["belfry_leader_epoch"]), leads)
        self.assertEqual(metrics.by_label(self.scrapes(stack, "scheduler"),
                                          "belfry_calls_materialized_total", "kind"),
                         {"bulk": targets})
        self.assertGreaterEqual(metrics.total(self.scrapes(stack, "scheduler"),
                                              "belfry_due_fed_total"), targets)

        def waiting():
            text = stack.scrape(leader)
            names = ("belfry_due_stream_entries", "belfry_due_stream_undelivered",
                     "belfry_due_stream_lag_seconds", "belfry_deliveries_due",
                     "belfry_outbox_oldest_seconds", "belfry_calls_overdue")
            series = [number for name in names for number in metrics.parse(text)[name].values()]
            return len(series) == 3 * 4 + 3 and sum(series) == 0
        belfry.wait_until(waiting, 20, lambda: stack.scrape(leader))

    def test_shows_what_stands_still_and_what_was_taken_over(self):
        stack = self.stack(dispatchers=2, schedulers=1, settings={
            "SIM_RING_MS": 20, "SIM_TALK_MS": 60000, "DISPATCHER_LEASE_MS": 5000,
            "UNCERTAIN_AFTER_S": 1})
        campaign = stack.campaign(belfry.numbers(40), rate=60000)
        stack.start_campaign(campaign)
        belfry.wait_until(lambda: len(stack.ledger().dials(campaign)) == 40, 30, "40 dials")
        belfry.wait_until(lambda: metrics.total(self.scrapes(stack, "dispatcher"),
                                                "belfry_attempts_open") == 40, 10, "40 open")
        belfry.wait_until(lambda: stack.counts(campaign)["dispatched"] == 40, 20, "40 are recorded")
        mine = int(metrics.value(stack.scrape("dispatcher.1"), "belfry_attempts_open"))
        stack.kill("KILL", "dispatcher.1")
        # Where it held some, the other one takes them over.
        belfry.wait_until(lambda: metrics.value(stack.scrape("dispatcher.0"),
                                                "belfry_claims_reaped_total") == mine, WAIT_S,
                          lambda: (mine, stack.scrape("dispatcher.0")))
        stack.kill("STOP", "dialer-sim.0")
        belfry.wait_until(lambda: metrics.value(stack.scrape("dispatcher.0"), "belfry_dialer_up",
                                                dialer="sim") == 0, 20, "the dialer is down")
        stack.kill("KILL", "dispatcher.0")
        belfry.wait_until(lambda: metrics.by_label([stack.scrape("scheduler.0")],
                                                   "belfry_attempts_orphaned_total", "outcome")
                          == {"answered": 40}, WAIT_S, lambda: stack.scrape("scheduler.0"))
        stack.kill("CONT", "dialer-sim.0")

    def test_a_drain_waits_for_calls_where_it_is_told_to(self):
        stack = self.stack(settings={"SIM_RING_MS": 20, "SIM_TALK_MS": 8000, "DRAIN_CALLS_S": 60,
                                     "HTTP_METRICS": 0})
        self.assertEqual(stack.api.request("GET", "/metrics").status, 404)
        campaign = stack.campaign(belfry.numbers(30), rate=60000)
        stack.start_campaign(campaign)
        belfry.wait_until(lambda: len(stack.ledger().dials(campaign)) == 30, 30, "30 dials")
        stack.kill("TERM", "dispatcher.0")
        belfry.wait_until(lambda: stack.operator_get("dispatcher.0", "/readyz")[0] == 503, 10,
                          "not ready in its drain")
        # Nobody else runs: what is recorded was recorded by the one that drains.
        stack.wait_status(campaign, "completed", 30)
        belfry.wait_until(lambda: "leaving attempts=0" in stack.log("dispatcher.0"), 20,
                          lambda: stack.log("dispatcher.0"))

    def test_unready_is_said_where_it_is_asked(self):
        stack = self.stack()
        stack.run("kill", "-KILL", "postgres")
        for name in ("scheduler.0", "dispatcher.0", "api-gateway.0"):
            belfry.wait_until(lambda name=name: stack.operator_get(name, "/readyz")
                              == (503, "not ready\n"), 20, f"{name} not ready")
            # It lives all the same: nobody restarts it for that.
            self.assertEqual(stack.operator_get(name, "/healthz"), (200, "ok\n"))
        stack.start("postgres")

        def is_ready(name):
            try:
                return stack.operator_get(name, "/readyz")[0] == 200
            except OSError:
                return False  # a dispatcher that lost its lease meanwhile starts over

        for name in ("scheduler.0", "dispatcher.0", "api-gateway.0"):
            belfry.wait_until(lambda name=name: is_ready(name), 30, f"{name} ready again")


if __name__ == "__main__":
    unittest.main()
