#!/usr/bin/python3
"""What users notice when a process is killed (SIGKILL): how late the calls are that were in its hands.
A dispatcher that does not come back, so that the other one takes over; one that is started again at
once; and the leading scheduler, until the next one leads. The calls are ad hoc ones, each with an
instant of its own: a campaign's rate would add what its line has to wait for."""
import sys
import time

import bench
import belfry
import bench_adhoc

SETTINGS = {"SIM_RING_MS": 50, "SIM_TALK_MS": 100}
PER_S = 20
KILLS = 3
SPAN_S = 20  # the instants of a run; the kill comes after a quarter of it
LEAD_TTL_S = 5


def plan(stack, block):
    """Calls with an instant each, the first when all are posted and fed."""
    numbers = belfry.numbers(PER_S * SPAN_S, block=block)
    begin_us = belfry.now_us() + 5 * 1000000
    planned = {}
    for n, number in enumerate(numbers):
        at_us = begin_us + n * 1000000 // PER_S
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at_us // 1000000))
        call = bench_adhoc.post(stack, number, scheduled_at=f"{text}.{at_us // 1000 % 1000:03d}Z")
        planned[call["id"]] = belfry.parse_time_us(call["scheduled_at"])
    bench.fail_unless(belfry.now_us() < begin_us, "posting took too long for this machine")
    return begin_us, planned


def dispatcher_killed(stack, block, revive):
    """The lateness of the latest call around one kill."""
    begin_us, planned = plan(stack, block)
    bench.wait_s(max(0, begin_us / 1e6 + SPAN_S / 4 - time.time()))
    stack.kill("KILL", "dispatcher.0")
    if revive:
        stack.start("dispatcher.0")
    dials = bench_adhoc.dialed(stack, planned, SPAN_S + 60)
    if not revive:
        stack.start("dispatcher.0")
    return max(dial["t_us"] - planned[dial["call"]] for dial in dials) / 1e6


def leader_killed(stack):
    """Seconds from the kill until another leads."""
    name = stack.leader()
    epoch = stack.number("SELECT epoch FROM leader WHERE name = 'scheduler'")
    stack.kill("KILL", name)
    killed_us = belfry.now_us()
    belfry.wait_until(
        lambda: stack.number("SELECT epoch FROM leader WHERE name = 'scheduler'") > epoch, 30,
        "another leader", interval_s=0.05)
    taken_us = stack.number("SELECT (extract(epoch FROM taken_at) * 1000000)::int8 FROM leader"
                            " WHERE name = 'scheduler'")
    stack.start(name)
    return (taken_us - killed_us) / 1e6


def measure(report):
    with bench.Stack(dispatchers=2, schedulers=2, settings=SETTINGS) as stack:
        belfry.wait_until(stack.leader, 30, "somebody leads")
        report.section(f"{PER_S} calls a second, {KILLS} kills each; the worst")
        lost = max(dispatcher_killed(stack, n, revive=False) for n in range(KILLS))
        report.bar("dispatcher lost: its calls are dialed by the other, late by", f"{lost:.1f} s",
                   "10 s", lost <= 10)
        back = max(dispatcher_killed(stack, KILLS + n, revive=True) for n in range(KILLS))
        report.bar("dispatcher started again at once: late by", f"{back:.1f} s", "10 s", back <= 10)
        lead = max(leader_killed(stack) for _ in range(KILLS))
        report.bar("leader killed: another leads after", f"{lead:.1f} s", f"{LEAD_TTL_S + 2} s",
                   lead <= LEAD_TTL_S + 2)


if __name__ == "__main__":
    sys.exit(bench.main("failover", "Processes killed in the middle of their work", measure))
