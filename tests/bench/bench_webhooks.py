#!/usr/bin/python3
"""1,000,000 signed deliveries by one webhook-sender that has one core to itself: from what is owed
in Postgres to rows that say `delivered`, each request on a fresh connection; beside a bare loop of
libcurl's multi interface on the same core, with the same receiver, in the same run.

Everything else (Postgres, the receiver) has the other cores. The sender's memory is read all along.
"""
import os
import re
import subprocess
import sys
import tempfile
import time

import bench
import belfry
import bench_life
import statements

ENDPOINTS = 16
EVENTS = bench.scaled(1000000, 16000) // ENDPOINTS
DELIVERIES = EVENTS * ENDPOINTS
FLOOR_REQUESTS = bench.scaled(100000, 10000)
IN_FLIGHT = ENDPOINTS * 8  # what the sender may have in flight to so many endpoints
SENDER = "webhook-sender.0"
STATEMENTS = ("sender_endpoints", "sender_claim", "sender_owed", "sender_owed_finish",
              "sender_owed_close", "sender_touch", "sender_discover", "sender_owed_discover")
SETTINGS = {"STACK_PG_CONF": "shared_preload_libraries = 'pg_stat_statements'"}
MEMORY_MB = 1.0  # what the sender may grow by over the second half

PUBLISH = """
CREATE PROCEDURE pg_temp.fill(n int) LANGUAGE plpgsql AS $$
DECLARE
	w uuid := (SELECT id FROM workspace LIMIT 1);
BEGIN
	FOR b IN 0 .. (n - 1) / 500 LOOP
		PERFORM publish(array_agg(ROW('scheduled_call.failed', w, clock_timestamp(), 'bulk',
			jsonb_populate_record(NULL::scheduled_call, jsonb_build_object(
				'workspace_id', w, 'id', uuid7(now(), i), 'campaign_id', uuid7(now(), 1),
				'target_id', uuid7(now(), i), 'agent_id', uuid7(now(), 2),
				'to_number', '+1415' || (1000000 + i), 'from_number', '+15550100000',
				'external_id', 'crm-' || i, 'variables', jsonb_build_object('name', 'Ada'),
				'created_at', now(), 'scheduled_at', now(), 'status', 'failed',
				'outcome', 'no_answer')),
			3, 'no_answer', 480, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::publishable))
		FROM generate_series(b * 500 + 1, least(n, b * 500 + 500)) i;
		COMMIT;
	END LOOP;
END $$;
CALL pg_temp.fill({count});
"""


# --- where what runs ---------------------------------------------------------------------------


def pin(pid, cores):
    os.sched_setaffinity(pid, cores)
    for one in bench.children(pid):
        try:
            os.sched_setaffinity(one, cores)
        except ProcessLookupError:
            pass  # it ended while we looked


class Cores:
    """The first core is the sender's, the others are everybody else's."""

    def __init__(self):
        cores = sorted(os.sched_getaffinity(0))
        bench.fail_unless(len(cores) >= 2, "this benchmark takes two cores")
        self.sender, self.others = {cores[0]}, set(cores[1:])


# --- the memory --------------------------------------------------------------------------------


class Memory:
    """(deliveries received, resident kB) all along."""

    def __init__(self, pid):
        self.pid, self.samples = pid, []

    def note(self, received):
        self.samples.append((received, bench.status_kb(self.pid, "VmRSS")))

    def mean_mb(self, first, last):
        """Between two shares of all deliveries."""
        inside = [kb for n, kb in self.samples if first * DELIVERIES <= n <= last * DELIVERIES]
        bench.fail_unless(inside, f"no sample between {first} and {last}: {self.samples}")
        return sum(inside) / len(inside) / 1024


# --- the runs ----------------------------------------------------------------------------------


def check_signed(stack):
    """What this very sender sends is signed: the receiver of the tests verifies some of it. Returns
    the length of a body."""
    receiver = belfry.Receiver()
    try:
        end = stack.endpoint(receiver)
        stack.run_psql(stdin=PUBLISH.replace("{count}", "200"))
        belfry.wait_until(lambda: len(receiver.hooks) == 200, 30, "the sample")
        bench.fail_unless(receiver.unsigned() == [], "a request of the sample does not verify")
        belfry.wait_until(lambda: stack.number(belfry.UNSETTLED) == 0, 30,
                          "the sample to be recorded")
        stack.api.delete(f"/v1/webhook-endpoints/{end}")
        return max(len(hook.body) for hook in receiver.hooks)
    finally:
        receiver.close()


def prepare(stack, sink):
    """What waits, while no sender runs."""
    body_bytes = check_signed(stack)
    stack.kill("KILL", SENDER)
    for _ in range(ENDPOINTS):
        stack.api.post("/v1/webhook-endpoints", {"url": sink.url, "events": ["*"]})
    begun = time.monotonic()
    stack.run_psql(stdin=PUBLISH.replace("{count}", str(EVENTS)), timeout_s=1800)
    span_s = time.monotonic() - begun
    waiting = stack.number(belfry.WAITING)
    bench.fail_unless(waiting == DELIVERIES, f"{waiting} deliveries wait")
    stack.run_psql("-c", "VACUUM ANALYZE delivery_range, event, webhook_endpoint")
    return body_bytes, DELIVERIES / span_s


def deliver(stack, sink, cores):
    """(seconds from the first request to the last commit, CPU seconds, memory)"""
    counted = statements.Counted(stack, STATEMENTS)
    before = sink.requests()
    stack.start(SENDER)
    pid = stack.pid(SENDER)
    pin(pid, cores.sender)
    pin(stack.pid("postgres.0"), cores.others)
    pin(sink.process.pid, cores.others)
    memory = Memory(pid)

    def delivered():
        pin(stack.pid("postgres.0"), cores.others)  # backends that came since
        received = sink.requests() - before
        memory.note(received)
        return received >= DELIVERIES

    belfry.wait_until(delivered, 60 + DELIVERIES / 500, lambda: f"{memory.samples[-1:]}",
                      interval_s=0.25)
    belfry.wait_until(lambda: stack.number(belfry.UNSETTLED) == 0, 60,
                      "the last delivery is recorded", interval_s=0.1)
    cpu = bench.cpu_s(pid)
    row = stack.rows("SELECT count(*) FILTER (WHERE d.status = 'delivered' AND attempts = 1), extract("
                     "epoch FROM max(ended_at) - min(started_at)) FROM delivery_done d JOIN"
                     " webhook_endpoint e ON e.id = d.endpoint_id WHERE e.deleted_at IS NULL")[0]
    bench.fail_unless(int(row[0]) == DELIVERIES, f"{row[0]} of {DELIVERIES} were delivered at once")
    bench.fail_unless(sink.requests() - before == DELIVERIES, "a delivery was sent twice")
    return float(row[1]), cpu, memory, counted.since()


def bare_loop(sink, cores, body_bytes, how):
    """(requests a second, CPU seconds a request)"""
    program = os.path.join(bench.TOOLS, "curl_multi")
    bench.fail_unless(os.access(program, os.X_OK), f"{program} is missing: make bench builds it")
    core = ",".join(str(n) for n in cores.sender)
    done = subprocess.run(
        ["taskset", "-c", core, program, str(sink.port), str(FLOOR_REQUESTS), str(IN_FLIGHT),
         str(body_bytes), how], stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=600, check=False)
    found = re.search(r"requests=(\d+) failed=0 wall_s=([0-9.]+) cpu_s=([0-9.]+)", done.stdout)
    bench.fail_unless(done.returncode == 0 and found, f"curl_multi: {done.stdout}{done.stderr}")
    n, wall_s, cpu_s = int(found[1]), float(found[2]), float(found[3])
    return n / wall_s, cpu_s / n


# --- the report --------------------------------------------------------------------------------


def report_sender(report, span_s, cpu, fresh):
    per_s, cpu_us = DELIVERIES / span_s, sum(cpu) / DELIVERIES * 1e6
    report.section(f"{DELIVERIES:,} deliveries to {ENDPOINTS} endpoints, the sender on one core")
    report.bar("signed deliveries/s, first request to last commit", f"{per_s:,.0f}", "5,000",
               per_s >= 5000)
    report.bar("beside the bare loop", f"{per_s / fresh[0]:.2f}", "0.5", per_s / fresh[0] >= 0.5)
    report.row("CPU of the sender a delivery (user + system)",
               f"{cpu[0] / DELIVERIES * 1e6:.0f} + {cpu[1] / DELIVERIES * 1e6:.0f} us")
    report.row("deliveries/s a core fully used would make", f"{1e6 / cpu_us:,.0f}")
    report.row("CPU beside the bare loop's", f"{cpu_us / (fresh[1] * 1e6):.2f}")


def report_memory(report, memory, pid_peak_kb):
    shares = (0.1, 0.25, 0.5, 0.75, 0.95)
    means = [memory.mean_mb(share - 0.05, share + 0.05) for share in shares]
    report.section("resident memory of the sender, around the first tenth, quarters, the end")
    report.row("MB", " ".join(f"{mb:.1f}" for mb in means))
    growth = means[-1] - means[2]
    report.bar("growth over the second half", f"{growth:+.2f} MB", f"{MEMORY_MB:g} MB",
               growth <= MEMORY_MB)
    report.bar("peak", f"{pid_peak_kb / 1024:.1f} MB", "30 MB", pid_peak_kb <= 30 * 1024)


def report_statements(report, counted):
    report.section("statements: executions, deliveries each, milliseconds each")
    for name, (calls, _, ms) in counted.items():
        calls = max(1, calls)
        report.row(name, f"{calls:,}  {DELIVERIES / calls:,.0f}  {ms / calls:.2f}")


def measure(report):
    cores = Cores()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, \
            bench.Stack(settings=SETTINGS) as stack:
        stack.superuser("CREATE EXTENSION pg_stat_statements")
        sink = bench_life.Sink(folder, has_log=False)
        try:
            body_bytes, published_per_s = prepare(stack, sink)
            # Before and after, because the machine is not always as busy with other things.
            floors = [bare_loop(sink, cores, body_bytes, "fresh")]
            span_s, cpu, memory, counted = deliver(stack, sink, cores)
            peak_kb = bench.peak_kb(stack.pid(SENDER))
            floors.append(bare_loop(sink, cores, body_bytes, "fresh"))
            kept = bare_loop(sink, cores, body_bytes, "kept")
        finally:
            sink.close()
    fresh = tuple(sum(column) / len(floors) for column in zip(*floors))
    report_sender(report, span_s, cpu, fresh)
    report.section(f"a bare libcurl multi loop, {IN_FLIGHT} in flight, bodies of {body_bytes} bytes")
    report.row("fresh connections: requests/s; CPU each", f"{fresh[0]:,.0f}; {fresh[1] * 1e6:.0f} us")
    report.row("kept connections: requests/s; CPU each", f"{kept[0]:,.0f}; {kept[1] * 1e6:.0f} us")
    report_memory(report, memory, peak_kb)
    report_statements(report, counted)
    report.row("deliveries/s while they were published", f"{published_per_s:,.0f}")


if __name__ == "__main__":
    sys.exit(bench.main("webhooks", "Webhooks: signed deliveries on one core", measure))
