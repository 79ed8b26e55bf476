#!/usr/bin/python3
"""What 100,000 active recurring campaigns cost the scheduler: the first passes after all were started,
a pass like any other, one in which all are due in the same minute, and the memory of the process."""
import re
import sys

import bench
import belfry

CAMPAIGNS = bench.scaled(100000, 1000)
PASS_S = 5
LINE = re.compile(r" expanded campaigns=(\d+) calls=(\d+) took_ms=(\d+)")

INSERT = """
WITH made AS (
	INSERT INTO campaign (workspace_id, id, kind, name, agent_id, number_id, variables, to_number, cron,
		timezone, status, started_at)
	SELECT n.workspace_id, uuid7(now(), i), 'recurring', 'bench ' || i, a.id, n.id, '{{"n": 1}}',
		'+1' || (2000000000 + i), {cron}, {zones}, 'active', now()
	FROM number n JOIN agent a USING (workspace_id), generate_series(1, {count}) i
	RETURNING workspace_id, id
), counted AS (
	INSERT INTO campaign_count (workspace_id, campaign_id) SELECT workspace_id, id FROM made
)
INSERT INTO campaign_plan (workspace_id, campaign_id, planned_after, next_occurrence_at)
SELECT workspace_id, id, {after}, {after} + {ahead_s} * interval '1 second' FROM made
"""
# With and without summer time, also some that differ by half an hour.
ZONES = ("(ARRAY['UTC', 'America/New_York', 'Asia/Kolkata', 'Europe/Berlin', 'Asia/Kathmandu',"
         " 'Australia/Sydney'])[1 + i % 6]")
# Half of them each hour, half once a day, at all minutes.
MIXED = ("CASE i % 2 WHEN 0 THEN i / 2 % 60 || ' * * * *'"
         " ELSE i / 2 % 60 || ' ' || i / 120 % 24 || ' * * *' END")


def passes(stack):
    """(campaigns, calls, ms) of each pass that wrote something."""
    return [tuple(map(int, found)) for found in LINE.findall(stack.log("scheduler.0"))]


def left(stack):
    return stack.number("SELECT count(*) FROM campaign_plan WHERE"
                        " next_occurrence_at <= clock_timestamp() + interval '1 hour'")


def check(stack):
    twice = stack.number("SELECT count(*) FROM (SELECT FROM scheduled_call WHERE campaign_id IS NOT NULL"
                         " GROUP BY campaign_id, scheduled_at HAVING count(*) > 1) x")
    bench.fail_unless(twice == 0, f"{twice} occurrences twice")
    wrong = stack.number("SELECT count(*) FROM campaign_count c WHERE total <> (SELECT count(*)"
                         " FROM scheduled_call s WHERE s.campaign_id = c.campaign_id)")
    bench.fail_unless(wrong == 0, f"{wrong} counters are not the rows'")
    none = stack.number("SELECT count(*) FROM campaign k WHERE cron LIKE '% * * * *' AND NOT EXISTS"
                        " (SELECT FROM scheduled_call s WHERE s.campaign_id = k.id)")
    bench.fail_unless(none == 0, f"{none} hourly campaigns have no call")


def fill(stack, cron, after, zones=ZONES, ahead_s=0):
    """The campaigns as a start leaves them, or as planned up to `after`, the next one `ahead_s` later."""
    stack.run_psql("-c", INSERT.format(cron=cron, zones=zones, count=CAMPAIGNS, after=after,
                                       ahead_s=ahead_s))
    stack.run_psql("-c", "VACUUM ANALYZE campaign, campaign_plan, campaign_count")


def settled(stack, deadline_s):
    belfry.wait_until(lambda: left(stack) == 0, deadline_s, lambda: f"planned; {left(stack)} are left",
                      interval_s=1)


def report_passes(report, done):
    bench.fail_unless(done, "no pass wrote anything")
    worst = max(one[2] for one in done)
    report.bar(f"a pass, the longest of {len(done)}", f"{worst:,} ms", "2,000 ms", worst < 2000)
    report.row("a pass, the middle one", f"{bench.quantile([one[2] for one in done], 0.5):,} ms")
    report.row("calls in a pass, at most", f"{max(one[1] for one in done):,}")


def report_memory(stack, report):
    pid = stack.pid("scheduler.0")
    peak = bench.peak_kb(pid) / 1024
    report.bar("the scheduler's memory, at its peak", f"{peak:.1f} MB", "40 MB", peak < 40)


def mixed(report):
    report.section(f"{CAMPAIGNS:,} campaigns, hourly and daily at mixed minutes, started at once")
    with recurring_stack() as stack:
        fill(stack, MIXED, "clock_timestamp()")
        settled(stack, 300)
        first = passes(stack)
        calls, span_ms = (sum(one[n] for one in first) for n in (1, 2))
        report.row("the first hour planned", f"{calls:,} calls in {span_ms / 1000:.1f} s")
        report.row("calls a second", f"{calls / max(span_ms, 1) * 1000:,.0f}")
        report_passes(report, first)
        report.section("the same, two minutes more")
        check(stack)
        before = len(first)
        bench.wait_s(120 if bench.SCALE == 1 else 62)
        report_passes(report, passes(stack)[before:])
        check(stack)
        report_memory(stack, report)


def same_minute(report):
    report.section(f"{CAMPAIGNS:,} campaigns, all due in the same minute")
    with recurring_stack() as stack:
        # The minute comes within the hour that is planned ahead when all are there: their next
        # occurrence is planned already, and the one after it is not.
        at = (belfry.now_us() // 60000000 + (2 if bench.SCALE == 1 else 1)) * 60
        fill(stack, f"'{at // 60 % 60} * * * *'", f"to_timestamp({at})",
             zones="(ARRAY['UTC', 'America/New_York', 'Europe/Berlin'])[1 + i % 3]", ahead_s=3600)
        bench.fail_unless(not passes(stack), "some were planned before all were there")
        belfry.wait_until(lambda: stack.number("SELECT count(*) FROM scheduled_call") == CAMPAIGNS, 300,
                          "all have their call", interval_s=1)
        settled(stack, 60)
        report_passes(report, passes(stack))
        check(stack)
        report_memory(stack, report)


def recurring_stack():
    # The calls are planned, not dialed: nobody is there to dial them.
    return bench.Stack(schedulers=1, webhook_senders=0, settings={"PASS_S": PASS_S})


def measure(report):
    mixed(report)
    same_minute(report)


if __name__ == "__main__":
    sys.exit(bench.main("recurring", "Recurring campaigns: the passes of the scheduler", measure))
