"""What is finished stands in partitions by time: made ahead, filled by each row's own time, dropped when
they are old and nothing needs them, under a running campaign; and what stood before is there after."""
import glob
import os
import re
import subprocess
import threading
import unittest
import uuid

import belfry
import judge
from test_admin import Postgres

DEADLINE_S = 420
TABLES = ("attempt_done", "conversation", "delivery_attempt", "delivery_done", "event", "scheduled_call_done")
SCHEMA = sorted(glob.glob(os.path.join(belfry.ROOT, "proto/schema/*.sql")))
DAY_US, HOUR_US = 86400 * 10 ** 6, 3600 * 10 ** 6


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


class Database(unittest.TestCase):
    """The schema up to a migration, in a database of its own on a private server."""

    @classmethod
    def setUpClass(cls):
        cls.pg = Postgres()
        cls.addClassCleanup(cls.pg.close)
        cls.pg.start()
        cls.pg.wait()

    def setUp(self):
        self.name = "t" + uuid.uuid4().hex
        self.pg.sql(f"CREATE DATABASE {self.name}")
        self.url = self.pg.url.replace("dbname=postgres", f"dbname={self.name}")
        self.workspace = uuid.uuid4()

    def migrate(self, first="0000", last="9999"):
        for path in SCHEMA:
            if first <= os.path.basename(path)[:4] <= last:
                self.sql(read(path))

    def command(self, text):
        return [os.path.join(self.pg.bin, "psql"), "-X", "-q", "-A", "-t", "-F", "|", "-v", "ON_ERROR_STOP=1",
                "-d", self.url, "-c", text]

    def sql(self, text):
        done = subprocess.run(self.command(text), text=True, capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [line.split("|") for line in done.stdout.splitlines()]

    def one(self, text):
        return self.sql(text)[0][0]

    def tenant(self):
        self.sql(f"INSERT INTO workspace (id, name) VALUES ('{self.workspace}', 'w'); "
                 f"INSERT INTO workspace_sequence (workspace_id) VALUES ('{self.workspace}')")

    def endpoint(self):
        end = uuid.uuid4()
        self.sql("INSERT INTO webhook_endpoint (workspace_id, id, url, events, secret) VALUES "
                 f"('{self.workspace}', '{end}', 'http://x', '{{*}}', '')")
        return end

    def publish(self, count=1):
        self.sql(f"""SELECT publish(array_agg(ROW('campaign.paused', '{self.workspace}', now(), NULL, NULL, NULL,
            NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{{}}')::publishable))
            FROM generate_series(1, {count})""")

    def make_all(self, table, width_us=DAY_US, ahead_us=3 * DAY_US):
        made = []
        while True:
            name = self.one(f"SELECT history_make('{table}', {width_us}, {ahead_us})")
            if not name:
                return made
            made.append(name)

    def drop(self, table, older_than="now()"):
        name, kept, busy = self.sql(f"SELECT name, kept, is_busy FROM history_drop('{table}', {older_than})")[0]
        return name, int(kept), busy == "t"

    def age(self, table, span, by):
        """As if a partition's time had come: what the register says of it lies further back."""
        self.sql(f"UPDATE history_span SET upto_at = upto_at - interval '{by}', "
                 f"from_at = from_at - interval '{by}' WHERE parent = '{table}' AND name = '{span}'")


class MigrationTest(Database):
    def fill(self):
        """Rows of every table, as the version before leaves them; the digest of all of it."""
        self.tenant()
        end = self.endpoint()
        self.sql(f"""
            INSERT INTO scheduled_call_done (workspace_id, id, number_id, agent_id, to_number, from_number,
                created_at, scheduled_at, updated_at, status)
            SELECT '{self.workspace}', uuid7(now() - n * interval '1 day', n), '{end}', '{end}', '+1', '+2', now(),
                now(), now(), 'dispatched' FROM generate_series(1, 40) n;
            INSERT INTO attempt_done (workspace_id, call_id, number, id, ended_at, outcome)
            SELECT workspace_id, id, 1, id, now(), 'answered' FROM scheduled_call_done;
            INSERT INTO conversation (workspace_id, id, call_id, attempt_id, status, started_at)
            SELECT workspace_id, id, id, id, 'completed', now() FROM scheduled_call_done;""")
        self.publish(30)
        self.sql("""
            INSERT INTO delivery_done (workspace_id, endpoint_id, id, sequence, event_type, generation, created_at,
                ended_at, status, attempts)
            SELECT workspace_id, endpoint_id, id, sequence, event_type, 1, created_at, now(), 'delivered', 2
            FROM delivery_owed WHERE sequence <= 20;
            INSERT INTO delivery_attempt (workspace_id, delivery_id, number, started_at, result)
            SELECT workspace_id, id, 1, now(), 'timeout' FROM delivery_done""")
        return end

    def digests(self):
        return [self.one(f"SELECT count(*) || md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {table} t")
                for table in TABLES]

    def test_what_stood_before_is_there_after_and_is_not_copied(self):
        self.migrate(last="0014")
        self.fill()
        self.sql("CREATE ROLE reader; GRANT SELECT ON event TO reader; "
                 "GRANT UPDATE (replayed_as) ON delivery_done TO reader")
        self.addCleanup(self.pg.sql, "DROP ROLE reader")
        self.addCleanup(self.sql, "DROP OWNED BY reader")
        before = self.digests()
        owed = self.sql("SELECT id, sequence FROM delivery_owed ORDER BY 2")
        files = {table: self.one(f"SELECT pg_relation_filenode('{table}')") for table in TABLES[:-1]}
        self.migrate(first="0015")
        self.assertEqual(self.digests(), before)
        self.assertEqual(self.sql("SELECT id, sequence FROM delivery_owed ORDER BY 2"), owed)
        self.assertEqual(len(owed), 10)
        for table in TABLES:
            self.assertEqual(self.one(f"SELECT DISTINCT tableoid::regclass FROM {table}"), table + "_before")
            self.assertEqual(self.one(f"SELECT count(*) FROM {table}_default"), "0")
        self.assertEqual({t: self.one(f"SELECT pg_relation_filenode('{t}_before')") for t in files}, files)
        self.assertEqual(self.sql("SELECT has_table_privilege('reader', 'event', 'SELECT'), "
                                  "has_column_privilege('reader', 'delivery_done', 'replayed_as', 'UPDATE'), "
                                  "has_table_privilege('reader', 'delivery_done', 'SELECT')"), [["t", "t", "f"]])
        # The sender's look at ranges from before and after.
        self.publish(5)
        found = self.sql("SELECT o.sequence FROM webhook_endpoint e, owed_events(e.workspace_id, e.id, 0, 100, "
                         "100, 0) o WHERE o.delivery_id IS NOT NULL")
        self.assertEqual([int(row[0]) for row in found], list(range(21, 36)))

    def test_partitions_go_on_where_what_stood_before_ends(self):
        self.migrate(last="0014")
        self.fill()
        self.migrate(first="0015")
        for table in TABLES:
            cut = self.one(f"SELECT extract(epoch FROM upto_at)::int8 FROM history_span WHERE parent = '{table}'")
            self.assertIn(len(self.make_all(table, 7 * DAY_US, 14 * DAY_US)), (2, 3), "by the day of the week")
            spans = self.sql("SELECT extract(epoch FROM from_at)::int8, extract(epoch FROM upto_at)::int8 FROM "
                             f"history_span WHERE parent = '{table}' AND from_at IS NOT NULL ORDER BY 2")
            self.assertEqual(spans[0][0], cut)
            self.assertEqual(spans[1][0], spans[0][1])
            self.assertEqual((int(spans[1][1]) - 4 * 86400) % (7 * 86400), 0, "a Monday")

    def test_a_reader_that_does_not_end_does_not_stop_others_while_it_waits(self):
        self.migrate(last="0014")
        self.fill()
        reader = subprocess.Popen(self.command("BEGIN; SELECT count(*) FROM event; SELECT pg_sleep(10); COMMIT"),
                                  stdout=subprocess.DEVNULL)
        belfry.wait_until(lambda: self.one("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(10)%' "
                                           "AND wait_event = 'PgSleep'") == "1", 10, "the reader")
        migrator = threading.Thread(target=lambda: self.migrate(first="0015"))
        migrator.start()
        published = 0
        while migrator.is_alive():
            done = subprocess.run(self.command(f"SET statement_timeout = '6s'; SELECT publish(ARRAY[ROW("
                                               f"'campaign.paused', '{self.workspace}', now(), NULL, NULL, NULL, "
                                               "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}')"
                                               "::publishable])"), capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            published += 1
        migrator.join()
        self.assertEqual(reader.wait(), 0)
        self.assertGreater(published, 3)
        self.assertEqual(int(self.one("SELECT count(*) FROM event")), 30 + published)
        self.assertEqual(self.one("SELECT max(name) FROM history_span WHERE parent = 'event'"), "event_before")


class SpanTest(Database):
    def setUp(self):
        super().setUp()
        self.migrate()
        self.tenant()

    def call(self, table, ago):
        """A call that was made then."""
        made = uuid.uuid4()
        self.sql(f"""INSERT INTO {table} (workspace_id, id, number_id, agent_id, to_number, from_number, created_at,
            scheduled_at, updated_at, status) SELECT '{self.workspace}', uuid7(now() - interval '{ago}', 1),
            '{made}', '{made}', '+1', '+2', now(), now(), now(), 'scheduled'""")

    def test_rows_go_to_the_partition_of_their_time(self):
        self.assertEqual(self.sql("SELECT * FROM history_span"), [])
        for table in TABLES:
            made = self.make_all(table)
            self.assertEqual(len(made), 4)
            self.assertRegex(made[0], rf"^{table}_\d{{8}}$")
        self.assertEqual(self.make_all("event"), [])
        for ago in ("0 s", "-1 day", "-2 days", "2 days"):
            self.call("scheduled_call_done", ago)
        found = [row[0] for row in self.sql("SELECT tableoid::regclass FROM scheduled_call_done ORDER BY id")]
        names = [row[0] for row in self.sql("SELECT name FROM history_span WHERE parent = 'scheduled_call_done' "
                                            "ORDER BY upto_at")]
        self.assertEqual(found, ["scheduled_call_done_default", *names[:3]])
        end = self.endpoint()
        self.publish(3)
        self.assertEqual(self.sql("SELECT DISTINCT tableoid::regclass::text = (SELECT name FROM history_span WHERE "
                                  "parent = 'event' ORDER BY upto_at LIMIT 1) FROM event"), [["t"]])
        self.assertEqual(self.sql("SELECT DISTINCT uuid7_floor(r.created_at) <= e.id AND e.id < uuid7_floor("
                                  "r.created_at + interval '2 ms') FROM event e, delivery_range r"), [["t"]])
        self.assertEqual(len(self.sql(f"SELECT * FROM owed_page('{self.workspace}', '{end}', "
                                      "'ffffffff-ffff-ffff-ffff-ffffffffffff', 10)")), 3)
        self.assertNotEqual(subprocess.run(self.command("INSERT INTO event SELECT * FROM event"), check=False,
                                           capture_output=True).returncode, 0)

    def test_partitions_that_come_late_leave_what_is_in_the_default_one(self):
        self.publish(2)
        made = self.make_all("event", DAY_US, DAY_US)
        first = self.one(f"SELECT extract(epoch FROM from_at)::int8 - extract(epoch FROM now())::int8 FROM "
                         f"history_span WHERE name = '{made[0]}'")
        self.assertGreater(int(first), 0)
        self.assertEqual(self.one("SELECT DISTINCT tableoid::regclass FROM event"), "event_default")
        self.publish(1)  # its time has no partition: the default one takes it
        self.assertEqual(self.one("SELECT count(*) FROM event_default"), "3")
        self.assertEqual(self.one("SELECT count(*) FROM webhook_endpoint e, owed_events(e.workspace_id, e.id, 0, 9, "
                                  "9, 0)"), "0")

    def test_another_width_goes_on_from_where_the_last_one_ends(self):
        self.make_all("event", DAY_US, 2 * DAY_US)
        self.make_all("event", HOUR_US, 3 * DAY_US)
        gaps = self.sql("SELECT s.name FROM history_span s WHERE parent = 'event' AND NOT EXISTS (SELECT FROM "
                        "history_span o WHERE o.parent = 'event' AND o.upto_at = s.from_at)")
        self.assertEqual(len(gaps), 1, gaps)

    def test_what_is_owed_keeps_its_events_and_records(self):
        for table in ("event", "delivery_done", "delivery_attempt"):
            self.make_all(table)
        end = self.endpoint()
        self.publish(2)
        spans = {table: self.one(f"SELECT name FROM history_span WHERE parent = '{table}' ORDER BY upto_at LIMIT 1")
                 for table in TABLES[2:5]}
        for table in ("event", "delivery_done"):
            # By a range: the event itself, and the records that say what was sent.
            self.assertEqual(self.drop(table, "now() + interval '1 day'"), ("", 1, False))
        # By a row that waits: a retry of one of this time, and a replay of one of this time's events.
        self.sql("INSERT INTO delivery (workspace_id, endpoint_id, id, sequence, event_type, created_at, due_at) "
                 "SELECT workspace_id, endpoint_id, id, sequence, event_type, created_at, now() FROM delivery_owed "
                 "WHERE sequence = 1; DELETE FROM delivery_range")
        for table in ("event", "delivery_done", "delivery_attempt"):
            self.assertEqual(self.drop(table, "now() + interval '1 day'"), ("", 1, False), table)
        self.sql("UPDATE delivery SET id = uuid7(now() + interval '10 days', 1), generation = 2")
        self.assertEqual(self.drop("delivery_done", "now() + interval '1 day'"), (spans["delivery_done"], 0, False))
        self.assertEqual(self.drop("event", "now() + interval '1 day'"), ("", 1, False))
        self.sql("DELETE FROM delivery")
        self.assertEqual(self.drop("event", "now()"), ("", 0, False), "its time is not over")
        self.assertEqual(self.drop("event", "now() + interval '1 day'"), (spans["event"], 0, False))
        self.assertEqual(self.one("SELECT count(*) FROM event"), "0")
        self.assertEqual(self.one(f"SELECT count(*) FROM pg_class WHERE relname = '{spans['event']}'"), "0")
        self.assertIsNotNone(end)

    def test_an_open_call_keeps_the_partitions_of_its_time_and_only_those(self):
        for table in ("scheduled_call_done", "attempt_done", "conversation"):
            self.make_all(table)
        soon = "now() + interval '3 days'"
        self.call("scheduled_call", "-1 day")
        dropped = [self.drop("scheduled_call_done", soon) for _ in range(3)]
        names = [row[0] for row in self.sql("SELECT name FROM history_span WHERE parent = 'attempt_done' ORDER BY "
                                            "upto_at")]
        as_done = [name.replace("attempt_done", "scheduled_call_done") for name in names]
        self.assertEqual(dropped, [(as_done[0], 0, False), (as_done[2], 1, False), ("", 1, False)])
        # Attempts go after their calls, and stay with those that stay.
        self.assertEqual([self.drop("attempt_done", soon)[0] for _ in range(3)], [names[0], names[2], ""])
        # What ended lately stays, however long ago it was made.
        self.sql("DELETE FROM scheduled_call; UPDATE history_span SET ended_at = now() + interval '4 days' "
                 f"WHERE name = '{as_done[1]}'")
        self.assertEqual(self.drop("scheduled_call_done", soon), ("", 0, False))
        self.sql("UPDATE history_span SET ended_at = now()")
        self.assertEqual(self.drop("scheduled_call_done", soon), (as_done[1], 0, False))
        self.assertEqual(self.drop("attempt_done", soon), (names[1], 0, False))

    def test_a_table_in_use_is_not_waited_for(self):
        self.make_all("event")
        reader = subprocess.Popen(self.command("BEGIN; SELECT count(*) FROM event; SELECT pg_sleep(30)"),
                                  stdout=subprocess.DEVNULL)
        self.addCleanup(reader.wait)
        self.addCleanup(reader.kill)
        belfry.wait_until(lambda: self.one("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' "
                                           "AND wait_event = 'PgSleep'") == "1", 10, "the reader")
        took = self.one("SELECT clock_timestamp()")
        self.assertEqual(self.drop("event", "now() + interval '1 day'"), ("", 0, True))
        self.assertLess(float(self.one(f"SELECT extract(epoch FROM clock_timestamp() - '{took}')")), 10)  # of its 30
        self.assertEqual(self.one("SELECT count(*) FROM history_span WHERE parent = 'event'"), "4")

    def test_two_who_make_or_drop_at_once_do_it_once(self):
        makers = [subprocess.Popen(self.command(f"SELECT history_make('event', {DAY_US}, {3 * DAY_US})"),
                                   stdout=subprocess.PIPE, text=True) for _ in range(8)]
        made = [maker.communicate()[0].strip() for maker in makers]
        # Who waited too long for another gave up; what is left is made now.
        made = [name for name in made if name] + self.make_all("event")
        self.assertEqual((len(made), len(set(made))), (4, 4), made)
        droppers = [subprocess.Popen(self.command("SELECT name FROM history_drop('event', now() + interval '1 day')"),
                                     stdout=subprocess.PIPE, text=True) for _ in range(4)]
        dropped = [dropper.communicate()[0].strip() for dropper in droppers]
        self.assertEqual(len([name for name in dropped if name]), 1, dropped)


class RunningTest(belfry.TestCase):
    SETTINGS = {"SIM_RING_MS": 50, "SIM_TALK_MS": 300, "PARTITION_S": 5, "EVENT_RETENTION_S": 10,
                "CALL_RETENTION_S": 10, "ARCHIVE_AFTER_S": 10, "METRICS_PORT": 0}

    def set_fault(self, stack, name, fault):
        """Starts a scheduler with a fault, or without one."""
        path = os.path.join(stack.home, "run", "settings")
        lines = [line for line in read(path).splitlines(True) if not line.startswith("BELFRY_FAULT=")]
        with open(path, "w", encoding="utf-8") as file:
            file.writelines([*lines, f"BELFRY_FAULT={fault}\n"])
        # One that dies at once may do so before it is seen ready.
        stack.run("start", name, check=not fault)

    def dropped(self, stack):
        return sum(stack.log(name).count("history_dropped ") for name in ("scheduler.0", "scheduler.1"))

    def test_partitions_come_and_go_under_a_campaign_and_killed_leaders(self):
        stack = self.stack(dispatchers=1, schedulers=2, settings={**self.SETTINGS, "LEADER_TTL_MS": 1000})
        receiver = self.receiver()
        stack.endpoint(receiver)
        targets = belfry.numbers(900) + belfry.numbers(60, "0001")
        campaign = stack.campaign(targets, rate=1500, max_attempts=2, ring_timeout_s=1, retry_policy={
            "rules": [{"on": ["busy"], "delay_s": 1}], "jitter_pct": 0})
        stack.start_campaign(campaign)
        for fault in ("history_sent:4", "history_made:2", "history_dropped:1"):
            # One that is to die leads, since it is alone; then both are there again.
            for name in ("scheduler.0", "scheduler.1"):
                stack.kill("KILL", name)
            self.set_fault(stack, "scheduler.0", fault)
            belfry.wait_until(lambda: not alive(stack.pid("scheduler.0")), 60, f"it dies at {fault}")
            for name in ("scheduler.0", "scheduler.1"):
                self.set_fault(stack, name, "")
        stack.wait_status(campaign, "completed", 150)
        dials, found = stack.ledger().dials(campaign), stack.targets(campaign)
        judge.i1_no_attempt_twice(dials)
        judge.i2_all_terminal(found)
        judge.i3_attempts(dials, found, 2)
        judge.i4_one_call_per_target(dials, found)
        talks = {target["to_number"] for target in found if target["status"] == "dispatched"}
        self.assertEqual(len(talks), 900)
        wanted = 2 * len(targets) + len(talks) + 1
        belfry.wait_until(lambda: len({hook.id for hook in list(receiver.hooks)}) >= wanted, 60,
                          lambda: f"{wanted} webhooks; {len({hook.id for hook in receiver.hooks})} came")
        judge.i10_one_event_per_transition(receiver.bodies(), dials, found, talks)
        self.assertGreater(self.dropped(stack), 12, "partitions were dropped meanwhile")
        # All of it goes, and nothing that was dropped whole was first deleted row by row.
        left = "SELECT " + " + ".join(f"(SELECT count(*) FROM {table})" for table in TABLES)
        belfry.wait_until(lambda: stack.value(left) == "0", 90, lambda: f"all goes: {stack.value(left)} rows left")
        self.assertEqual(stack.value("SELECT count(*) FROM scheduled_call"), "0")
        # The figures are those of the leader's last run, which may have been before the last row went.
        def figures():
            text = stack.scrape(stack.leader())
            return text if "\nbelfry_history_partitions_kept 0\n" in text else None
        text = belfry.wait_until(figures, 60, lambda: stack.scrape(stack.leader()))
        ahead = float(re.search(r"\nbelfry_history_ahead_seconds (\S+)\n", text).group(1))
        self.assertTrue(0 < ahead <= 20, ahead)
        self.assertEqual(stack.value("SELECT count(*) FROM pg_class c WHERE c.relkind = 'r' AND c.relname ~ "
                                     "'^event_\\d' AND NOT EXISTS (SELECT FROM history_span s WHERE s.name = "
                                     "c.relname AND c.relispartition)"), "0")

    def test_what_an_endpoint_is_owed_outlasts_its_time(self):
        stack = self.stack(schedulers=1, settings={**self.SETTINGS, "WEBHOOK_SCHEDULE": "0,1,1,1,1,1"})
        answer = [503]
        receiver = self.receiver(respond=lambda hook: (answer[0], {"Retry-After": "25"}))
        stack.endpoint(receiver)
        campaign = stack.campaign(belfry.numbers(40), rate=60000)
        stack.start_campaign(campaign)
        stack.wait_status(campaign, "completed", 60)
        span = stack.value("SELECT tableoid::regclass FROM event ORDER BY sequence LIMIT 1")
        kept = r"\nbelfry_history_partitions_kept [1-9]"
        belfry.wait_until(lambda: re.search(kept, stack.scrape("scheduler.0")), 60, "a partition is kept")
        self.assertEqual(stack.value("SELECT count(*) FROM event"), "121")
        answer[0] = 200
        belfry.wait_until(lambda: len({hook.id for hook in list(receiver.hooks)}) == 121 and
                          stack.value(belfry.UNSETTLED) == "0", 60, "all is told")
        belfry.wait_until(lambda: stack.value(f"SELECT count(*) FROM history_span WHERE name = '{span}'") == "0", 60,
                          "the partition goes")


if __name__ == "__main__":
    unittest.main()
