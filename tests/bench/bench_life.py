#!/usr/bin/python3
"""The whole life of 100,000 calls with no pacing limit: three events and three deliveries each, to a
local receiver. Calls a second, CPU a call and memory by process, rows and WAL a call; beside the bare
SQL floor of the same rows, measured on the same server right after."""
import json
import os
import subprocess
import sys
import tempfile

import bench
import belfry
import floor
import statements

CALLS = bench.scaled(100000, 2000)
EVENTS = ("scheduled_call.created", "scheduled_call.dispatched", "conversation.completed")
# Short calls, so that what is counted is Belfry's work and not the patience of people.
SETTINGS = {"SIM_RING_MS": 20, "SIM_TALK_MS": 50,
            "STACK_PG_CONF": "shared_preload_libraries = 'pg_stat_statements'"}
TABLES = ("target", "scheduled_call", "attempt", "attempt_done", "conversation", "event",
          "delivery", "delivery_range", "delivery_done", "campaign_count", "campaign_plan", "workspace_sequence")


class Sink:
    """The receiver, tests/bench/http_sink.c: answers 200 and writes down what came when, if wanted."""

    def __init__(self, folder, has_log=True):
        self.log = os.path.join(folder, "sink.log")
        port_file = os.path.join(folder, "sink.port")
        program = os.path.join(bench.TOOLS, "http_sink")
        bench.fail_unless(os.access(program, os.X_OK), f"{program} is missing: make bench builds it")
        self.process = subprocess.Popen(
            [program, "--port-file", port_file, *(["--log", self.log] if has_log else [])],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        belfry.wait_until(lambda: os.path.exists(port_file), 10, "the sink listens")
        with open(port_file, encoding="ascii") as file:
            self.port = int(file.read())
        self.url = f"http://127.0.0.1:{self.port}/hook"

    def requests(self):
        self.process.send_signal(bench.signal.SIGUSR1)
        counts = dict(part.split("=") for part in self.process.stdout.readline().split())
        bench.fail_unless(counts["errors"] == "0", f"the sink: {counts}")
        return int(counts["requests"])

    def entries(self):
        with open(self.log, encoding="ascii") as file:
            return [json.loads(line) for line in file]

    def close(self):
        self.process.terminate()
        self.process.communicate(timeout=10)


class Meter:
    """Everything that is read from outside before and after."""

    def __init__(self, stack, sink):
        self.stack = stack
        self.pids = {name: stack.pid(name) for name in stack.names()}
        self.pids["http_sink"] = sink.process.pid
        self.counted = statements.Counted(stack, floor.STATEMENTS)
        self.tables = self.read_tables()
        self.wal = self.read_wal()
        self.cpu = self.read_cpu()

    def read_cpu(self):
        return {name: bench.cpu_s(pid, name.startswith("postgres"))
                for name, pid in self.pids.items()}

    def read_tables(self):
        rows = self.stack.rows("SELECT coalesce(pg_partition_root(relid), relid)::regclass::text,"
                               " sum(n_tup_ins)::int8, sum(n_tup_upd)::int8, sum(n_tup_del)::int8,"
                               " sum(n_tup_hot_upd)::int8 FROM pg_stat_user_tables GROUP BY 1")
        return {row[0]: tuple(int(n) for n in row[1:]) for row in rows}

    def read_wal(self):
        row = self.stack.rows("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::int8, wal_fpi"
                              " FROM pg_stat_wal")[0]
        return int(row[0]), int(row[1])

    def finish(self):
        """The differences. CPU and WAL first: nothing after the last delivery belongs to the calls.
        Postgres' counters of rows come some seconds late, so those are waited for."""
        after = self.read_cpu()
        self.cpu = {name: tuple(b - a for a, b in zip(self.cpu[name], after[name]))
                    for name in after}
        self.wal = tuple(b - a for a, b in zip(self.wal, self.read_wal()))
        self.counted = self.counted.since()
        self.peak_kb = {name: bench.peak_kb(pid) for name, pid in self.pids.items()}
        self.peak_kb["postgres.0"] = bench.proportional_kb(self.pids["postgres.0"])
        before, self.tables = self.tables, {}

        def settled():
            now = self.read_tables()
            self.tables = {name: tuple(b - a for a, b in zip(before[name], now[name]))
                           for name in TABLES}
            return (self.tables["delivery_done"][0] >= CALLS * len(EVENTS) and
                    self.tables["attempt"][2] >= CALLS)

        belfry.wait_until(settled, 60, lambda: f"Postgres' counters: {self.tables}", interval_s=1)


def load(stack, sink):
    """The campaign, ready to start, and the endpoint."""
    stack.api.post("/v1/webhook-endpoints", {"url": sink.url, "events": list(EVENTS)})
    return stack.campaign(belfry.numbers(CALLS), rate=600000)


def await_all(stack, sink, campaign):
    """Until every call has ended and every event has come."""
    limit_s = 60 + CALLS / 300
    stack.wait_status(campaign, "completed", limit_s)
    seen = [0]

    def delivered():
        seen[0] = sink.requests()
        return seen[0] >= CALLS * len(EVENTS)

    belfry.wait_until(delivered, limit_s, lambda: f"{seen[0]} deliveries", interval_s=0.2)
    belfry.wait_until(lambda: stack.number(belfry.UNSETTLED) == 0, 60,
                      "the last delivery is recorded", interval_s=0.2)


def judge_run(stack, sink, campaign):
    """Once each, and all of it."""
    dials = stack.ledger().dials(campaign)
    bench.judge.i1_no_attempt_twice(dials)
    bench.fail_unless(len(dials) == CALLS, f"{len(dials)} dials of {CALLS}")
    counts = stack.counts(campaign)
    bench.fail_unless(counts["dispatched"] == CALLS, f"the counts are {counts}")
    hooks = sink.entries()
    distinct = len({hook["webhook_id"] for hook in hooks})
    bench.fail_unless(distinct == CALLS * len(EVENTS), f"{distinct} events were received")
    return dials, hooks


def report_speed(report, begun_us, last_terminal_us, dials, hooks):
    last_hook_us = max(hook["at_us"] for hook in hooks)
    to_end = CALLS / ((last_hook_us - begun_us) / 1e6)
    times = sorted(dial["t_us"] for dial in dials)
    middle = times[len(times) // 10], times[len(times) * 9 // 10]
    report.section(f"{CALLS:,} calls at 600,000 a minute and no other limit")
    report.row("calls/s, start to last target terminal",
               f"{CALLS / ((last_terminal_us - begun_us) / 1e6):,.0f}")
    report.bar("calls/s, start to last delivery received", f"{to_end:,.0f}", "2,000", to_end >= 2000)
    report.row("dials/s, the middle eight tenths of them",
               f"{len(times) * 0.8 / ((middle[1] - middle[0]) / 1e6):,.0f}")
    report.row("deliveries repeated", f"{len(hooks) - CALLS * len(EVENTS)}")
    return to_end


def report_processes(report, meter):
    report.section("CPU a call (user + system), and the most that was resident")
    total = 0.0
    for name, (user, system) in meter.cpu.items():
        cpu_us, mb = (user + system) / CALLS * 1e6, meter.peak_kb[name] / 1024
        if name != "http_sink":
            total += cpu_us
        report.row(f"{name}: CPU", f"{user / CALLS * 1e6:.0f} + {system / CALLS * 1e6:.0f} us")
        label, figure = f"{name}: resident", f"{mb:.1f} MB"
        if name.split(".")[0] in ("postgres", "redis", "http_sink"):
            report.row(label + (", shared pages once, at the end" if "postgres" in name else ""),
                       figure)
        else:
            report.bar(label, figure, "30 MB", mb <= 30)
    report.row("all but the receiver: CPU", f"{total:.0f} us")


def report_rows(report, meter):
    report.section("rows written a call: inserted, updated (HOT), deleted")
    updated = hot = 0
    for name in TABLES:
        ins, upd, dele, hot_upd = meter.tables[name]
        updated, hot = updated + upd, hot + hot_upd
        share = f" ({100 * hot_upd / upd:.0f} %)" if upd else ""
        report.row(name, f"{ins / CALLS:.3f}  {upd / CALLS:.3f}{share}  {dele / CALLS:.3f}")
    share = 100 * hot / max(1, updated)
    report.bar("HOT share of updates", f"{share:.1f} %", "80 %", share >= 80)
    wal, images = meter.wal
    report.bar("WAL bytes a call", f"{wal / CALLS:,.0f}", "4,000", wal / CALLS <= 4000)
    report.row("full-page images a call", f"{images / CALLS:.3f}")


def batch_sizes(counted):
    """Rows a statement, as the product had them."""
    rows = {"line_materialize": CALLS, "claim_calls": CALLS, "attempt_ended": CALLS,
            "sender_owed": CALLS * len(EVENTS), "sender_owed_finish": CALLS * len(EVENTS)}
    mean = {name: max(1, round(n / max(1, counted[name][0]))) for name, n in rows.items()}
    return {"materialize": mean["line_materialize"], "claim": mean["claim_calls"],
            "record": mean["attempt_ended"], "send": mean["sender_owed"],
            "finish": mean["sender_owed_finish"]}


def report_statements(report, counted):
    report.section("statements: milliseconds a thousand calls, and executions")
    for name, (calls, _, ms) in counted.items():
        report.row(name, f"{ms / CALLS * 1000:.1f} ms  {calls:,}")


def report_floor(report, stack, meter, calls_per_s):
    sizes = batch_sizes(meter.counted)
    bridged_pct = round(100 * meter.tables["attempt"][1] / CALLS)
    bare = floor.Floor(stack, CALLS, sizes, bridged_pct)
    bare.run()
    per_s = CALLS / bare.span_s
    report.section("the bare SQL floor: the same statements under pgbench, rows a statement " +
                   ", ".join(f"{name} {n}" for name, n in sizes.items()) +
                   f"; begun conversations recorded apart {bridged_pct} %")
    report.row("floor, calls/s", f"{per_s:,.0f}")
    report.row("its own arguments, share of its time in SQL",
               f"{100 * bare.arguments_share:.0f} %")
    report.row("the product beside the floor (goal 0.5)", f"{calls_per_s / per_s:.2f}")


def measure(report):
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, \
            bench.Stack(settings=SETTINGS) as stack:
        stack.superuser("CREATE EXTENSION pg_stat_statements")
        sink = Sink(folder)
        try:
            campaign = load(stack, sink)
            meter = Meter(stack, sink)
            begun_us = belfry.now_us()
            stack.start_campaign(campaign)
            await_all(stack, sink, campaign)
            meter.finish()
            last_us = stack.number("SELECT (extract(epoch FROM max(updated_at)) * 1000000)::int8"
                                   " FROM target")
            dials, hooks = judge_run(stack, sink, campaign)
        finally:
            sink.close()
        calls_per_s = report_speed(report, begun_us, last_us, dials, hooks)
        report_processes(report, meter)
        report_rows(report, meter)
        report_statements(report, meter.counted)
        report_floor(report, stack, meter, calls_per_s)


if __name__ == "__main__":
    sys.exit(bench.main("life", "A call's whole life, everything on this machine", measure))
