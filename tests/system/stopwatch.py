"""Time that the machine gave. Processors are shared, and a guest of a busy host stands still for seconds
now and then: that is no fault of who is measured."""
import os
import threading
import time

TICK_S = 0.005


class _Clock(threading.Thread):
    """Does nothing but look at the clock: what it comes too late by, nobody on its processor could do
    anything in."""

    def __init__(self, cpu):
        super().__init__(daemon=True)
        self.cpu = cpu
        self.looked_at, self.late = time.monotonic(), []  # (when, by how much)

    def run(self):
        os.sched_setaffinity(0, {self.cpu})
        while True:
            time.sleep(TICK_S)
            now = time.monotonic()
            self.late += self.latest(now)
            self.looked_at = now

    def latest(self, now):
        late_s = now - self.looked_at - TICK_S
        return [(now, late_s)] if late_s > TICK_S else []

    def late_since(self, begun):
        return [late_s for at, late_s in self.late + self.latest(time.monotonic()) if at > begun]


# A host may take one processor away and leave the others. Where there are many, some stand for all.
CLOCKS = [_Clock(cpu) for cpu in sorted(os.sched_getaffinity(0))[:4]]


class Stopwatch:
    """Runs from when it is made."""

    def __init__(self):
        for clock in CLOCKS:
            if not clock.is_alive():
                clock.looked_at = time.monotonic()
                clock.start()
        self.begun = time.monotonic()

    def s(self):
        """Seconds that have passed since and were not lost."""
        return time.monotonic() - self.begun - max(
            sum(clock.late_since(self.begun)) for clock in CLOCKS)

    def stood_still_s(self):
        """The longest standstill since, of whichever processor."""
        return max(max(clock.late_since(self.begun), default=0.0) for clock in CLOCKS)

    def slack_s(self):
        """By how much a wait may have been longer: the longest standstill since, of each of three who take
        turns in what is waited for (a service, the database, who looks)."""
        return 3 * self.stood_still_s()
