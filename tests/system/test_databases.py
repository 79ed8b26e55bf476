"""Redis as others run it: by TLS and password, through Sentinel. A campaign goes on over the loss of the
master. (Postgres through PgBouncer: pgbouncer.py.)"""
import unittest

import belfry
import database_case
import judge
import metrics

DEADLINE_S = 400
TARGETS, RATE = 600, 1800


class DatabaseCase(belfry.TestCase):
    def servers(self, kind):
        servers = kind()
        self.addCleanup(servers.close)
        return servers

    def begin(self, stack):
        receiver = self.receiver()
        stack.endpoint(receiver)
        campaign = stack.campaign(belfry.numbers(TARGETS), rate=RATE)
        stack.start_campaign(campaign)
        belfry.wait_until(lambda: len(stack.ledger().dials(campaign)) > 100, 60, "100 dials")
        return campaign, receiver

    def await_end(self, stack, campaign):
        """While a master is away the API says so with 503, and never anything else."""
        def is_completed():
            answer = stack.api.request("GET", f"/v1/campaigns/{campaign}")
            self.assertIn(answer.status, (200, 503), answer.body)
            return answer.status == 200 and answer.json["status"] == "completed"
        belfry.wait_until(is_completed, 120, lambda: stack.api.request("GET", f"/v1/campaigns/{campaign}").body,
                          interval_s=0.1)

    def finish(self, stack, campaign, receiver, bursts):
        self.await_end(stack, campaign)
        dials, targets = stack.ledger().dials(campaign), stack.targets(campaign)
        judge.i1_no_attempt_twice(dials)
        judge.i2_all_terminal(targets)
        judge.i3_attempts(dials, targets, 1)
        judge.i4_one_call_per_target(dials, targets)
        judge.i7_rate(dials, RATE, bursts=bursts)
        talks = {target["to_number"] for target in targets if target["status"] == "dispatched"}
        wanted = 2 * TARGETS + len(talks) + 1
        belfry.wait_until(lambda: len({hook.id for hook in list(receiver.hooks)}) >= wanted, 60,
                          lambda: f"{wanted} webhooks; {len(receiver.hooks)} came")
        judge.i10_one_event_per_transition(receiver.bodies(), dials, targets, talks)


class DatabasesTest(DatabaseCase):
    def test_redis_by_tls_through_sentinel_survives_a_failover(self):
        redis = self.servers(database_case.SentinelRedis)
        stack = self.stack(dispatchers=2, schedulers=2, settings={
            "STACK_REDIS_URL": redis.url(), "SIM_RING_MS": 20, "SIM_TALK_MS": 50})
        # Nothing went to the stack's own Redis.
        self.assertEqual(stack.redis("DBSIZE"), "0")
        campaign, receiver = self.begin(stack)
        redis.kill("redis0")
        # A Sentinel that was not let run for two seconds waits for thirty before it judges.
        belfry.wait_until(lambda: redis.master_port() == redis.redis_ports[1], 75, redis.logs)
        self.finish(stack, campaign, receiver, bursts=1)
        self.assertIn("PONG", redis.ask(redis.redis_ports[1], database_case.PASSWORD, "PING"))
        self.assertNotIn(database_case.PASSWORD, stack.log_tails(10000))
        self.assertNotIn(database_case.ENCODED, stack.log_tails(10000))

    def test_a_certificate_of_somebody_else_is_refused(self):
        redis, other = self.servers(database_case.SentinelRedis), self.servers(database_case.Servers)
        other.certificates()
        stack = self.stack(settings={
            "STACK_REDIS_URL": redis.url().replace(redis.path("ca.pem"), other.path("ca.pem"))})
        for name in ("scheduler.0", "dispatcher.0", "api-gateway.0"):
            belfry.wait_until(lambda name=name: "certificate in certificate chain" in stack.log(name), 20,
                              lambda name=name: stack.log(name))
            self.assertEqual(metrics.value(stack.scrape(name), "belfry_redis_up"), 0)


if __name__ == "__main__":
    unittest.main()
