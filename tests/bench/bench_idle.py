#!/usr/bin/python3
"""What the whole stack costs while nothing is to be done: CPU by process, Postgres and Redis with it,
over a minute that begins after everything has settled."""
import sys

import bench

SETTLE_S = 20
SPAN_S = 60


def measure(report):
    with bench.Stack(dispatchers=2, schedulers=2) as stack:
        pids = {name: stack.pid(name) for name in stack.names()}

        def read():
            return {name: sum(bench.cpu_s(pid, name.startswith("postgres")))
                    for name, pid in pids.items()}

        bench.wait_s(bench.scaled(SETTLE_S))
        before = read()
        bench.wait_s(bench.scaled(SPAN_S))
        shares = {name: 100 * (after - before[name]) / bench.scaled(SPAN_S)
                  for name, after in read().items()}
        report.section("CPU of one core; two dispatchers, two schedulers, one of everything else")
        for name, share in shares.items():
            report.row(name, f"{share:.2f} %")
        total = sum(shares.values())
        report.bar("the whole stack", f"{total:.2f} %", "2 %", total <= 2)


if __name__ == "__main__":
    sys.exit(bench.main("idle", "The stack at rest", measure))
