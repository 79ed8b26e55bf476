#!/usr/bin/python3
"""Campaigns over Postgres by TLS through PgBouncer in transaction mode (`make pgbouncer`): its primary is
lost while one runs; processes are killed, each with something on the wire."""
import unittest

import belfry
import database_case
import judge
from test_databases import TARGETS, DatabaseCase

DEADLINE_S = 300
# What a process says of a session whose answers are not those of what it asked.
MIXED_UP = ("pg_connection_retired", "are not the declared ones", "more results than asked",
            "fewer results than asked", "for other calls")


class PgBouncerTest(DatabaseCase):
    def pooled_stack(self):
        postgres = self.servers(database_case.PooledPostgres)
        return postgres, self.stack(dispatchers=2, schedulers=2, settings={
            "STACK_DATABASE_URL": postgres.pooled(), "PG_PREPARE": 0, "SIM_RING_MS": 20, "SIM_TALK_MS": 50})

    def assert_nothing_mixed_up(self, stack):
        text = stack.log_tails(100000)
        for word in MIXED_UP:
            self.assertNotIn(word, text)
        self.assertNotIn(database_case.PASSWORD, text)

    def test_postgres_by_tls_through_pgbouncer_survives_a_failover(self):
        postgres, stack = self.pooled_stack()
        campaign, receiver = self.begin(stack)
        postgres.fail_over()
        self.finish(stack, campaign, receiver, bursts=0)
        self.assertEqual(postgres.sql(1, "SELECT count(*) FROM target WHERE status = 'dispatched'"), str(TARGETS))
        self.assertNotIn(database_case.PASSWORD, stack.log_tails(10000))

    def test_who_dies_with_units_on_the_wire_leaves_no_answer_to_others(self):
        _, stack = self.pooled_stack()
        receiver = self.receiver()
        stack.endpoint(receiver)
        campaign = stack.campaign(belfry.numbers(4000), rate=9000)
        stack.start_campaign(campaign)
        for _ in range(6):
            for victim in ("dispatcher.0", "webhook-sender.0", "dispatcher.1"):
                seen = len(receiver.hooks)
                belfry.wait_until(lambda: len(receiver.hooks) > seen + 20, 60, "webhooks go on")
                stack.kill("KILL", victim)
                stack.start(victim)
        self.await_end(stack, campaign)
        dials, targets = stack.ledger().dials(campaign), stack.targets(campaign)
        judge.i1_no_attempt_twice(dials)
        judge.i2_all_terminal(targets)
        judge.i3_attempts(dials, targets, 1)
        judge.i4_one_call_per_target(dials, targets)
        self.assertEqual({target["outcome"] for target in targets}, {"answered"})
        self.assert_nothing_mixed_up(stack)


if __name__ == "__main__":
    unittest.main()
