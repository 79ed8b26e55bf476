#!/usr/bin/python3
"""Ad hoc calls through the API, with one dispatcher: how late they are at the carrier when they are
due at whole seconds, four at each, some fed by the scheduler and some appended by the gateway; and how
long a call "now" takes from before its POST to the carrier's ledger."""
import sys
import time
import uuid

import bench
import belfry

SETTINGS = {"SIM_RING_MS": 50, "SIM_TALK_MS": 100}
PER_S = 4
SPAN_S = 100
AHEAD_S = 5


def instant(at_s):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_s))


def post(stack, to_number, **fields):
    return stack.api.post("/v1/scheduled-calls",
                          {"to_number": to_number, "from_number": belfry.FROM_NUMBER,
                           "agent_id": stack.agent_id, **fields},
                          {"Idempotency-Key": str(uuid.uuid4())})


def dialed(stack, planned, deadline_s):
    """The calls' dials, one each and none early, once all are there."""
    ledger = stack.ledger()

    def found():
        return [dial for dial in ledger.dials() if dial["call"] in planned]

    belfry.wait_until(lambda: len(found()) >= len(planned), deadline_s,
                      lambda: f"{len(planned)} dials; {len(found())} came", interval_s=0.25)
    dials = found()
    bench.judge.i1_no_attempt_twice(dials)
    bench.fail_unless(len(dials) == len(planned), f"{len(dials)} dials of {len(planned)} calls")
    bench.judge.i6_never_early(dials, planned)
    return dials


def ms(us):
    return f"{us / 1000:.2f} ms"


def quantiles(report, label, values, bars):
    for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1)):
        figure = bench.quantile(values, share)
        if name in bars:
            report.bar(f"{label} {name}", ms(figure), f"{bars[name]} ms",
                       figure <= bars[name] * 1000)
        else:
            report.row(f"{label} {name}", ms(figure))


def whole_seconds(stack, report):
    span_s = bench.scaled(SPAN_S, 5)
    first_s = belfry.now_us() // 1000000 + AHEAD_S
    planned = {}
    # the later seconds first: the first ones are posted shortly before they are due
    for n, number in enumerate(belfry.numbers(span_s * PER_S)):
        at_s = first_s + span_s - 1 - n // PER_S
        call = post(stack, number, scheduled_at=instant(at_s))
        planned[call["id"]] = at_s * 1000000
    bench.fail_unless(belfry.now_us() < first_s * 1000000, "posting took longer than it may")
    late = [dial["t_us"] - planned[dial["call"]]
            for dial in dialed(stack, planned, AHEAD_S + span_s + 30)]
    report.section(f"{len(late)} calls at whole seconds, {PER_S} at each")
    quantiles(report, "lateness", late, {"p99": 10})


def at_once(stack, report):
    began, planned = {}, {}
    for number in belfry.numbers(bench.scaled(300, 20), block=1):
        before_us = belfry.now_us()
        call = post(stack, number)
        began[call["id"]] = before_us
        planned[call["id"]] = belfry.parse_time_us(call["scheduled_at"])
        bench.wait_s(0.02)
    took = [dial["t_us"] - began[dial["call"]] for dial in dialed(stack, planned, 30)]
    report.section(f"{len(took)} calls now, one after another")
    quantiles(report, "POST to the carrier", took, {})


def measure(report):
    with bench.Stack(settings=SETTINGS) as stack:
        whole_seconds(stack, report)
        at_once(stack, report)


if __name__ == "__main__":
    sys.exit(bench.main("adhoc", "Ad hoc calls: from the API to the carrier's ledger, one dispatcher",
                        measure))
