#!/usr/bin/python3
"""A campaign over Postgres by TLS through PgBouncer in transaction mode, whose primary is lost while it
runs. `make pgbouncer`; not part of `make check`, because it does not hold every time yet: with PgBouncer
1.18 a session was once seen to get the answers of another, and one call in 600 stayed open."""
import unittest

import database_case
from test_databases import TARGETS, DatabaseCase


class PgBouncerTest(DatabaseCase):
    def test_postgres_by_tls_through_pgbouncer_survives_a_failover(self):
        postgres = self.servers(database_case.PooledPostgres)
        stack = self.stack(dispatchers=2, schedulers=2, settings={
            "STACK_DATABASE_URL": postgres.pooled(), "PG_PREPARE": 0, "SIM_RING_MS": 20, "SIM_TALK_MS": 50})
        campaign, receiver = self.begin(stack)
        postgres.fail_over()
        self.finish(stack, campaign, receiver, bursts=0)
        self.assertEqual(postgres.sql(1, "SELECT count(*) FROM target WHERE status = 'dispatched'"), str(TARGETS))
        self.assertNotIn(database_case.PASSWORD, stack.log_tails(10000))


if __name__ == "__main__":
    unittest.main()
