"""The short form of the storm: kill -9, SIGSTOP past the lease, a dispatcher that does not come
back, Redis losing its memory, Postgres cut off, all at once, in the middle of a campaign. `make storm` is the long one."""
import unittest

import belfry
import storm

DEADLINE_S = 600
COUNT = 2400
RATE = 12000


class StormTest(belfry.TestCase):
    def run_storm(self, scene, seed):
        stack = self.stack(dispatchers=2, schedulers=2, settings=storm.SETTINGS)
        storm.run(stack, self.receiver(), scene, seed, COUNT, RATE)

    def test_kill_seed_1(self):
        self.run_storm("kill", 1)

    def test_kill_seed_2(self):
        self.run_storm("kill", 2)

    def test_kill_seed_3(self):
        self.run_storm("kill", 3)

    def test_a_dispatcher_that_does_not_come_back(self):
        self.run_storm("lose", 4)

    def test_stopped_past_ttl_and_lease(self):
        self.run_storm("stop", 5)

    def test_redis_loses_its_memory(self):
        self.run_storm("redis", 6)

    def test_postgres_cut_off_and_restarted(self):
        self.run_storm("postgres", 7)

    def test_everything_killed_at_once(self):
        self.run_storm("all", 8)

    def test_everything_drained_and_restarted(self):
        self.run_storm("drain", 9)


if __name__ == "__main__":
    unittest.main()
