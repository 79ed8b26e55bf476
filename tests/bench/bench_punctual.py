#!/usr/bin/python3
"""How punctual calls are: from `scheduled_at`, as the API tells it, to the carrier's ledger, with one
dispatcher: 250 calls a second, 1,000 calls a second, and 250 while another campaign is materialized
at full speed."""
import sys

import bench
import belfry

SETTINGS = {"SIM_RING_MS": 50, "SIM_TALK_MS": 100}


def lateness_us(stack, campaign, count):
    dials = stack.ledger().dials(campaign)
    bench.judge.i1_no_attempt_twice(dials)
    bench.fail_unless(len(dials) == count, f"{len(dials)} dials of {count}")
    planned = {call["id"]: belfry.parse_time_us(call["scheduled_at"])
               for call in stack.api.pages(f"/v1/campaigns/{campaign}/calls")}
    bench.judge.i6_never_early(dials, planned)
    return [dial["t_us"] - planned[dial["call"]] for dial in dials]


def ms(us):
    return f"{us / 1000:.2f} ms"


def run(stack, report, case):
    """case: title, per_s, span_s, bars in ms by share of the calls; block of numbers."""
    count = bench.scaled(case["per_s"] * case["span_s"], 100)
    campaign = stack.campaign(belfry.numbers(count, block=case["block"]), rate=case["per_s"] * 60)
    stack.start_campaign(campaign)
    if "beside" in case:
        case["beside"](stack, count / case["per_s"])
    stack.wait_status(campaign, "completed", count / case["per_s"] * 3 + 60)
    late = lateness_us(stack, campaign, count)
    report.section(f"{case['title']}: {count:,} calls")
    for name, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1)):
        figure, label = bench.quantile(late, share), f"{case['per_s']}/s lateness {name}"
        if name in case["bars"]:
            limit = case["bars"][name]
            report.bar(label + case.get("mark", ""), ms(figure), f"{limit} ms",
                       figure <= limit * 1000)
        else:
            report.row(label + case.get("mark", ""), ms(figure))


def materialize_beside(stack, span_s):
    """After a third of the span a large campaign is planned; a limit on it is not needed, for it
    dials seldom: its calls stand over most of an hour."""
    count = bench.scaled(200000, 2000)
    rate = max(1, count // 55)
    campaign = stack.campaign(belfry.numbers(count, block=10), rate=rate)
    bench.wait_s(max(0.0, span_s / 3 - 1))
    stack.start_campaign(campaign)
    stack.wait_counts(campaign, lambda counts: counts["pending"] == 0, 120, "all planned")
    stack.act(campaign, "cancel")


def measure(report):
    with bench.Stack(settings=SETTINGS) as stack:
        run(stack, report, {"title": "250 calls a second for 20 s", "per_s": 250, "span_s": 20,
                            "bars": {"p50": 2, "p99": 10}, "block": 0})
        run(stack, report, {"title": "1,000 calls a second for 10 s", "per_s": 1000, "span_s": 10,
                            "bars": {"p99": 20}, "block": 1})
        run(stack, report, {"title": "250 calls a second while 200,000 others are materialized",
                            "per_s": 250, "span_s": 40, "bars": {"p99": 50}, "block": 2,
                            "beside": materialize_beside, "mark": ", materializing"})


if __name__ == "__main__":
    sys.exit(bench.main("punctual", "Punctuality: scheduled_at to the carrier's ledger, one dispatcher",
                        measure))
