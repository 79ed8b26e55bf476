#!/usr/bin/python3
"""What a history costs: a stack with 10,000,000 finished calls of four weeks behind it, with their attempts,
conversations, events and deliveries, beside one with an empty database, in turns. Calls a second through
the whole life, and how long reads of the API take. Of the calls a tenth are a bulk campaign's, with
targets; the others are those of a hundred recurring ones.

    BENCH_SCALE=0.1 takes 1,000,000; some 3.5 GB of disk each million
"""
import concurrent.futures
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

import bench
import belfry
import bench_life as life

FINISHED = bench.scaled(10000000, 20000)
CALLS = min(30000, bench.scaled(100000, 2000))  # of a turn
TURNS = 3
CHUNK = 100000
DAYS = 28
READ_S, ROUNDS, READERS, PAUSE_MS = 1, 3, 4, 5  # rounds of a turn, each read of one side next to the other's
CAMPAIGNS = 100

# The partitions that the schedulers of the last weeks would have made.
PAST = """
DO $$
DECLARE
	h record;
	low timestamptz;
	name text;
BEGIN
	FOR h IN SELECT x.parent, x.options, (SELECT min(s.from_at) FROM history_span s WHERE s.parent = x.parent)
		AS first FROM history x
	LOOP
		FOR week IN 1..5 LOOP
			low := h.first - week * interval '7 days';
			name := h.parent || '_' || to_char(low AT TIME ZONE 'UTC', 'YYYYMMDD');
			EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L) %s', name,
				h.parent, uuid7_floor(low), uuid7_floor(low + interval '7 days'), h.options);
			IF h.parent = 'event' THEN
				EXECUTE format('ALTER TABLE %I ADD PRIMARY KEY (workspace_id, sequence)', name);
			END IF;
			INSERT INTO history_span (parent, name, from_at, upto_at)
			VALUES (h.parent, name, low, low + interval '7 days');
		END LOOP;
	END LOOP;
END
$$;
"""
CAMPAIGN = """
INSERT INTO campaign (workspace_id, id, kind, name, status, agent_id, number_id, timezone, cron, to_number,
	rate_per_minute, created_at, completed_at)
SELECT n.workspace_id, ('{prefix}-0000-7000-8000-' || lpad(k::text, 12, '0'))::uuid, CASE k WHEN 0 THEN 'bulk' ELSE
	'recurring' END, 'old ' || k, 'completed', a.id, n.id, 'UTC', CASE WHEN k > 0 THEN '* * * * *' END,
	CASE WHEN k > 0 THEN '+14155550123' END, CASE k WHEN 0 THEN 6000 END, now() - interval '{days} days', now()
FROM (SELECT workspace_id, id FROM number LIMIT 1) n, (SELECT id FROM agent LIMIT 1) a,
	generate_series(0, {campaigns}) k;
INSERT INTO campaign_count (workspace_id, campaign_id) SELECT workspace_id, id FROM campaign;
INSERT INTO campaign_plan (workspace_id, campaign_id) SELECT workspace_id, id FROM campaign;
"""
# One call is one n; its third event is the last thing that happened to it.
FILL = """
SET synchronous_commit = off;
WITH c AS MATERIALIZED (
	SELECT n, x.at, uuid7(x.at, n & 4095) AS id, uuid7(x.at + interval '2 s', n & 4095) AS talk,
		uuid7(x.at + interval '1 s', n & 4095) AS attempt, w.workspace_id, w.number_id, w.agent_id,
		w.endpoint_id, ('{prefix}-0000-7000-8000-' || lpad(CASE WHEN n % 10 = 0 THEN '0' ELSE
			(1 + n % {campaigns})::text END, 12, '0'))::uuid AS campaign_id,
		CASE WHEN n % 10 = 0 THEN uuid7(x.at - interval '1 hour', n & 4095) END AS target_id,
		'+1' || (2000000000 + n)::text AS to_number
	FROM generate_series({low}::bigint, {high}::bigint - 1) n
	CROSS JOIN LATERAL (SELECT date_trunc('milliseconds', timestamptz '{now}' - interval '1 hour'
		- ({finished} - n) * interval '{days} days' / {finished}) AS at) x
	CROSS JOIN (SELECT b.workspace_id, b.id AS number_id, a.id AS agent_id, e.id AS endpoint_id
		FROM number b, agent a, webhook_endpoint e LIMIT 1) w
), targets AS (
	INSERT INTO target (workspace_id, id, campaign_id, position, to_number, status, outcome, attempts,
		created_at, updated_at)
	SELECT workspace_id, target_id, campaign_id, n + 1, to_number, 'dispatched', 'answered', 1,
		at - interval '1 hour', at + interval '1 minute'
	FROM c WHERE target_id IS NOT NULL
), calls AS (
	INSERT INTO scheduled_call_done (workspace_id, id, campaign_id, target_id, number_id, agent_id, slot,
		to_number, from_number, created_at, due_at, scheduled_at, updated_at, status, outcome,
		attempt_id, conversation_id, dials, counted)
	SELECT workspace_id, id, campaign_id, target_id, number_id, agent_id, n, to_number, '+15550100000', at,
		at, at, at + interval '1 minute', 'dispatched', 'answered', attempt, talk, 1, 1
	FROM c
), attempts AS (
	INSERT INTO attempt_done (workspace_id, call_id, number, id, dialed_at, answered_at, ended_at, outcome,
		ended_by, provider_ref)
	SELECT workspace_id, id, 1, attempt, at + interval '1 s', at + interval '2 s', at + interval '1 minute',
		'answered', 'callee', 'sim-' || n
	FROM c
), talks AS (
	INSERT INTO conversation (workspace_id, id, call_id, attempt_id, status, started_at, ended_at,
		duration_ms, billed_s, end_reason)
	SELECT workspace_id, talk, id, attempt, 'completed', at + interval '2 s', at + interval '1 minute',
		58000, 58, 'callee'
	FROM c
), events AS (
	INSERT INTO event (workspace_id, sequence, id, type, at, campaign_id, campaign_kind, call_id, target_id,
		agent_id, conversation_id, to_number, from_number, call_created_at, scheduled_at, status,
		outcome, attempt_number, attempt_outcome, started_at, ended_at, duration_ms, billed_s, end_reason)
	SELECT c.workspace_id, 3 * c.n + k.n, uuid7(c.at + k.n * interval '1 s', c.n & 4095), k.type,
		c.at + k.n * interval '1 s', c.campaign_id, 'bulk', c.id, c.target_id, c.agent_id,
		CASE WHEN k.n > 1 THEN c.talk END, c.to_number, '+15550100000', c.at, c.at,
		CASE k.n WHEN 1 THEN 'scheduled' ELSE 'dispatched' END, CASE WHEN k.n > 1 THEN 'answered' END,
		CASE WHEN k.n > 1 THEN 1 END, CASE WHEN k.n > 1 THEN 'answered' END, CASE WHEN k.n > 1 THEN c.at END,
		CASE WHEN k.n > 2 THEN c.at END, CASE WHEN k.n > 2 THEN 58000 END, CASE WHEN k.n > 2 THEN 58 END,
		CASE WHEN k.n > 2 THEN 'callee' END
	FROM c CROSS JOIN (VALUES (1, 'scheduled_call.created'), (2, 'scheduled_call.dispatched'),
		(3, 'conversation.completed')) AS k (n, type)
	ORDER BY 2
)
INSERT INTO delivery_done (workspace_id, endpoint_id, id, sequence, event_type, generation, created_at, ended_at,
	status, attempts, started_at, result, http_status, duration_ms)
SELECT c.workspace_id, c.endpoint_id, delivery_id(c.at + k.n * interval '1 s', 3 * c.n + k.n, c.endpoint_id),
	3 * c.n + k.n, k.type, 1, c.at + k.n * interval '1 s', c.at + k.n * interval '1 s', 'delivered', 1, c.at,
	'delivered', 200, 1
FROM c CROSS JOIN (VALUES (1, 'scheduled_call.created'), (2, 'scheduled_call.dispatched'),
	(3, 'conversation.completed')) AS k (n, type)
ORDER BY 4;
"""


class Side:
    """One of the two stacks, with its receiver."""

    def __init__(self, stack, folder, name):
        self.stack, self.folder, self.name = stack, folder, name
        os.mkdir(os.path.join(folder, name))
        self.sink = life.Sink(os.path.join(folder, name), has_log=False)
        self.endpoint = stack.api.post("/v1/webhook-endpoints",
                                       {"url": self.sink.url, "events": list(life.EVENTS)})["id"]
        self.rates, self.reads, self.campaign = [], {}, None

    def fill(self):
        stack = self.stack
        belfry.wait_until(lambda: stack.number("SELECT count(DISTINCT parent) FROM history_span") == 6, 30,
                          "the first partitions")
        values = {"prefix": "01900000", "campaigns": CAMPAIGNS, "days": DAYS, "finished": FINISHED,
                  "now": stack.rows("SELECT now()")[0][0]}
        stack.run_psql("-c", PAST)
        stack.run_psql("-c", CAMPAIGN.format(**values))
        chunks = [(low, min(FINISHED, low + CHUNK)) for low in range(0, FINISHED, CHUNK)]
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for one in [pool.submit(stack.run_psql, "-c", FILL.format(low=low, high=high, **values))
                        for low, high in chunks]:
                one.result()
        stack.run_psql("-c", f"UPDATE workspace_sequence SET last_sequence = {3 * FINISHED}")
        stack.run_psql("-c", "VACUUM ANALYZE", timeout_s=1800)

    def live(self, turn):
        """A campaign of CALLS, to the last record of the last delivery; calls a second."""
        stack = self.stack
        self.campaign = stack.campaign(belfry.numbers(CALLS, block=turn), rate=600000)
        begun = time.monotonic()
        stack.start_campaign(self.campaign)
        stack.wait_counts(self.campaign, lambda c: c["dispatched"] == CALLS, 60 + CALLS / 300, "all are dialed")
        belfry.wait_until(lambda: stack.number(
            f"SELECT ({belfry.UNSETTLED}) + (SELECT count(*) FROM attempt)") == 0, 120, "all is told",
                          interval_s=0.05)
        self.rates.append(CALLS / (time.monotonic() - begun))
        dials = stack.ledger().dials(self.campaign)
        bench.judge.i1_no_attempt_twice(dials)
        bench.fail_unless(len(dials) == CALLS, f"{len(dials)} dials of {CALLS}")

    def paths(self):
        last = self.stack.number("SELECT last_sequence FROM workspace_sequence")
        call = self.stack.api.get("/v1/scheduled-calls?limit=1")["data"][0]["id"]
        return {"a campaign": f"/v1/campaigns/{self.campaign}", "a call": f"/v1/scheduled-calls/{call}",
                "calls": "/v1/scheduled-calls?limit=50",
                "a campaign's calls": f"/v1/scheduled-calls?campaign_id={self.campaign}&limit=50",
                "a campaign's targets": f"/v1/campaigns/{self.campaign}/targets?limit=50",
                "conversations": "/v1/conversations?limit=50",
                "events": f"/v1/events?after={last - 200}&limit=50",
                "deliveries": f"/v1/webhook-endpoints/{self.endpoint}/deliveries?limit=50"}

    def read(self, what, path):
        port = int(self.stack.env["BELFRY_URL"].rpartition(":")[2])
        name = os.path.join(self.folder, self.name, "request")
        with open(name, "w", encoding="utf-8", newline="") as file:
            file.write(f"GET {path} HTTP/1.1\r\nHost: belfry\r\nAuthorization: Bearer {self.stack.api.key}\r\n"
                       "User-Agent: bench\r\nAccept: application/json\r\n\r\n")
        done = subprocess.run([os.path.join(bench.TOOLS, "http_load"), str(port), str(READERS), str(READ_S), name,
                               "127.0.0.1", str(PAUSE_MS)], text=True, capture_output=True, timeout=60, check=True)
        found = dict(re.findall(r"(\w+)=([\d.]+)", done.stdout))
        bench.fail_unless(found["failed"] == "0", f"{what}: {done.stdout}{done.stderr}")
        self.reads.setdefault(what, []).append((float(found["p50_us"]), float(found["p99_us"])))

    def close(self):
        self.sink.close()


def read_both(empty, full):
    """All kinds of reads, one side right after the other, each first half of the time."""
    paths = {side: side.paths() for side in (empty, full)}
    for what in paths[empty]:
        for number in range(ROUNDS):
            for side in (empty, full) if number % 2 == 0 else (full, empty):
                side.read(what, paths[side][what])


def report_all(report, empty, full, size_gb, took_s):
    report.section(f"{FINISHED:,} finished calls with three events and deliveries each, {size_gb:.1f} GB; "
                   f"written in {took_s:.0f} s")
    rates = [statistics.median(side.rates) for side in (empty, full)]
    report.row(f"calls/s to the last delivery, empty; the median of {TURNS} turns of {CALLS:,}", f"{rates[0]:,.0f}")
    report.row("with the history behind it", f"{rates[1]:,.0f}")
    share = rates[1] / rates[0]
    report.bar("dispatching beside the empty one", f"{share:.3f}", "0.95", share >= 0.95)
    report.section("API reads, milliseconds: p50 empty, full; p99 empty, full; p50 full by empty")
    ratios = []
    for what in empty.reads:
        (e50, e99), (f50, f99) = ([statistics.median(one) / 1000 for one in zip(*side.reads[what])]
                                  for side in (empty, full))
        ratios.append(statistics.median([f[0] / e[0] for e, f in zip(empty.reads[what], full.reads[what])]))
        report.row(what, f"{e50:.2f}, {f50:.2f}; {e99:.2f}, {f99:.2f}; {ratios[-1]:.2f}")
    whole = statistics.geometric_mean(ratios)
    report.bar("p50 of reads beside the empty one, the mean of all kinds", f"{whole:.3f}", "1.05", whole <= 1.05)


def measure(report):
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, bench.Stack(settings=life.SETTINGS) as bare, \
            bench.Stack(settings=life.SETTINGS) as filled:
        empty, full = Side(bare, folder, "empty"), Side(filled, folder, "full")
        try:
            begun = time.monotonic()
            full.fill()
            took_s = time.monotonic() - begun
            size_gb = filled.number("SELECT pg_database_size(current_database())") / 1e9
            bare.run_psql("-c", "VACUUM ANALYZE")
            for side in (empty, full):
                side.stack.superuser("CHECKPOINT")
            for turn in range(TURNS):
                for side in (empty, full) if turn % 2 == 0 else (full, empty):
                    side.live(turn)
                read_both(empty, full)
            kept = filled.number("SELECT count(*) FROM scheduled_call_done")
            bench.fail_unless(kept >= FINISHED, f"{kept} calls are left of {FINISHED}")
            report_all(report, empty, full, size_gb, took_s)
        finally:
            empty.close()
            full.close()


if __name__ == "__main__":
    sys.exit(bench.main("scale", "An empty database and one with history, in turns", measure))
