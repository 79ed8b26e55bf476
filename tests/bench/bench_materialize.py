#!/usr/bin/python3
"""How fast pending targets become calls: 1,000,000 of them, while a limit lets next to none be dialed;
beside COPY in binary of the same rows into the same table with the same indexes. Then, with fewer, the
same with a subscription to scheduled_call.created: an event and a delivery for each call."""
import os
import sys
import tempfile
import time

import bench
import belfry
import floor

TARGETS = bench.scaled(1000000, 5000)
WITH_EVENTS = bench.scaled(200000, 5000)
# The whole campaign lies within the hour that is planned ahead.
RATE = 600000


def append(stack, count, block):
    """The targets through the API, 10,000 a request; (campaign, rows a second)."""
    numbers = belfry.numbers(count, block=block)
    begun = time.monotonic()
    campaign = stack.campaign(numbers, rate=RATE)
    span = time.monotonic() - begun
    bench.fail_unless(stack.counts(campaign)["total"] == count, "not all targets were taken")
    return campaign, count / span


def materialize(stack, campaign, count):
    """Seconds from the start's answer to the last call's commit."""
    stack.start_campaign(campaign)
    begun_us = belfry.now_us()
    stack.wait_counts(campaign, lambda counts: counts["pending"] == 0, 120 + count / 2000,
                      "all materialized")
    last_us = stack.number("SELECT (extract(epoch FROM max(created_at)) * 1000000)::int8"
                           " FROM scheduled_call")
    made = stack.number("SELECT count(*) FROM scheduled_call WHERE slot IS NOT NULL")
    bench.fail_unless(made == count, f"{made} calls of {count}")
    wrong = stack.number("SELECT count(*) FROM (SELECT slot, row_number() OVER (ORDER BY slot) - 1 AS n"
                         " FROM scheduled_call) c WHERE slot <> n")
    bench.fail_unless(wrong == 0, f"{wrong} calls stand in a wrong slot")
    return (last_us - begun_us) / 1e6


def copy_binary(stack, folder, count):
    """Seconds of a COPY of the same rows into an empty table of a scratch database."""
    url = stack.env["BELFRY_DATABASE_URL"].replace("/belfry?", "/floor?")
    path = os.path.join(folder, "calls")
    stack.run_psql("-c", f"\\copy scheduled_call TO '{path}' (FORMAT binary)")
    stack.run_psql("-c", "CREATE DATABASE floor")
    floor.migrate(url)
    begun = time.monotonic()
    stack.run_psql("-c", f"\\copy scheduled_call FROM '{path}' (FORMAT binary)", url=url)
    span = time.monotonic() - begun
    copied = stack.number("SELECT count(*) FROM scheduled_call", url)
    bench.fail_unless(copied == count, f"{copied} rows were copied")
    stack.run_psql("-c", "DROP DATABASE floor WITH (FORCE)")
    return span


def plain(report):
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, bench.Stack() as stack:
        stack.api.patch("/v1/workspace", {"calls_per_minute": 1})
        campaign, append_per_s = append(stack, TARGETS, 0)
        span = materialize(stack, campaign, TARGETS)
        stack.act(campaign, "pause")
        copy_span = copy_binary(stack, folder, TARGETS)
    report.section(f"{TARGETS:,} targets")
    report.row("appended through the API, 10,000 a request", f"{append_per_s:,.0f}/s")
    report.bar("materialized", f"{span:.1f} s", f"{60 * bench.SCALE:g} s", span <= 60 * bench.SCALE)
    report.row("calls a second", f"{TARGETS / span:,.0f}")
    report.row("COPY binary of the same rows, rows a second", f"{TARGETS / copy_span:,.0f}")
    report.bar("materialize beside COPY binary", f"{copy_span / span:.2f}", "0.3",
               copy_span / span >= 0.3)


def with_events(report):
    """Without a sender: the outbox is written, nobody empties it."""
    with bench.Stack(webhook_senders=0) as stack:
        stack.api.patch("/v1/workspace", {"calls_per_minute": 1})
        stack.api.post("/v1/webhook-endpoints", {"url": "http://127.0.0.1:9/hook",
                                                 "events": ["scheduled_call.created"]})
        campaign, _ = append(stack, WITH_EVENTS, 0)
        span = materialize(stack, campaign, WITH_EVENTS)
        events = stack.number("SELECT count(*) FROM delivery_owed")
        bench.fail_unless(events == WITH_EVENTS, f"{events} events with a delivery")
    report.section(f"{WITH_EVENTS:,} targets, each with an event and a delivery")
    report.row("calls a second, with their events", f"{WITH_EVENTS / span:,.0f}")


def measure(report):
    plain(report)
    with_events(report)


if __name__ == "__main__":
    sys.exit(bench.main("materialize", "Materializing: from pending targets to calls in line", measure))
