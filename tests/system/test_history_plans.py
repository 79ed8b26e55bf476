"""With many partitions behind, a question looks into few of them and finds what there is in all."""
import os
import re
import unittest
import uuid

import belfry
from test_history import Database, read

DEADLINE_S = 120


class PlanTest(Database):
    """With many partitions behind, a question looks into few of them."""

    def days(self):
        """A partition for each of the last 60 days."""
        self.migrate()
        self.tenant()
        self.sql("""DO $$
            DECLARE h record; day int; name text; today timestamptz := date_trunc('day', now(), 'UTC');
            BEGIN
                FOR h IN SELECT x.parent FROM history x LOOP
                    FOR day IN 0..60 LOOP
                        name := h.parent || '_d' || day;
                        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', name, h.parent,
                            uuid7_floor(today - day * interval '1 day'),
                            uuid7_floor(today - (day - 1) * interval '1 day'));
                        IF h.parent = 'event' THEN
                            EXECUTE format('ALTER TABLE %I ADD PRIMARY KEY (workspace_id, sequence)', name);
                        END IF;
                    END LOOP;
                END LOOP;
            END $$""")

    def test_pruned(self):
        self.days()
        ws = f"'{self.workspace}'"
        delivery = self.one("SELECT uuid7(now() - interval '20 days', 1)")
        self.assertEqual(self.scanned("api_delivery_attempts", f"{ws}, '{delivery}'"), {"d20"})

    def scanned(self, name, values):
        """Partitions that a statement, planned once, looks into."""
        text = read(os.path.join(belfry.ROOT, f"libcommon/store/queries/{name}.sql"))
        types = ", ".join(re.findall(r"^-- \$\d+ \w+ (\S+)$", text, re.MULTILINE))
        rows = self.sql(f"SET plan_cache_mode = force_generic_plan; PREPARE q ({types}) AS {text}\n; EXPLAIN (ANALYZE) "
                        f"EXECUTE q ({values})")
        plan = "\n".join("|".join(row) for row in rows)
        return set(re.findall(r" on \w+_(d\d+) [^(]*\(cost[^)]*\) \(actual", plan))

    def fill(self):
        """Forty within the last minutes, and one each six hours before; every seventh call is open."""
        self.campaign, self.end = uuid.uuid4(), self.endpoint()
        self.sql(f"""
            CREATE TABLE x AS SELECT n, CASE WHEN n <= 40 THEN now() - n * interval '1 minute' ELSE
                now() - (n - 40) * interval '6 hours' END AS at, '{self.workspace}'::uuid AS ws
                FROM generate_series(1, 220) n;
            INSERT INTO scheduled_call (workspace_id, id, number_id, agent_id, to_number, from_number, created_at,
                scheduled_at, updated_at, status, due_at)
            SELECT ws, uuid7(at, n), ws, ws, '+1', '+2', at, at, at, 'scheduled', at FROM x WHERE n % 7 = 0;
            INSERT INTO scheduled_call_done (workspace_id, id, campaign_id, number_id, agent_id, to_number,
                from_number, created_at, scheduled_at, updated_at, status)
            SELECT ws, uuid7(at, n), CASE WHEN n % 2 = 0 THEN '{self.campaign}'::uuid END, ws, ws, '+1', '+2', at, at,
                at, CASE WHEN n % 3 = 0 THEN 'failed' ELSE 'dispatched' END FROM x WHERE n % 7 > 0;
            INSERT INTO conversation (workspace_id, id, call_id, attempt_id, status, started_at)
            SELECT ws, uuid7(at, n), ws, ws, CASE WHEN n % 3 = 0 THEN 'in_progress' ELSE 'completed' END, at FROM x;
            INSERT INTO event (workspace_id, sequence, id, type, at)
            SELECT ws, 221 - n, uuid7(at, n), 'campaign.paused', at FROM x;
            INSERT INTO delivery_done (workspace_id, endpoint_id, id, sequence, event_type, generation, created_at,
                ended_at, status, attempts)
            SELECT ws, '{self.end}', delivery_id(at, 221 - n, '{self.end}'), 221 - n, 'campaign.paused', 1, at, at,
                CASE WHEN n % 3 = 0 THEN 'dead_letter' ELSE 'delivered' END, 1 FROM x""")

    def pages(self, call, size=9):
        """All that a list of the newest shows, page after page."""
        found, before = [], "ffffffff-ffff-ffff-ffff-ffffffffffff"
        while True:
            page = [row[0] for row in self.sql(f"SELECT id FROM {call.format(before=before, most=size)} q (id) "
                                               f"ORDER BY id DESC LIMIT {size}")]
            found += page
            if len(page) < size:
                return found
            before = page[-1]

    def test_pages_are_whole_over_all_partitions(self):
        self.days()
        self.fill()
        ws = f"'{self.workspace}'"
        calls = "(SELECT id, campaign_id, status FROM scheduled_call UNION ALL SELECT id, campaign_id, status " \
                "FROM scheduled_call_done) c"
        done = "(SELECT d.id FROM done_deliveries({}, '{}', {}, '{{before}}', {{most}}) d)"
        for call, source in (
                (f"call_ids({ws}, NULL, NULL, NULL, NULL, NULL, NULL, '{{before}}', {{most}})", calls),
                (f"call_ids({ws}, 'failed', NULL, NULL, '+1', NULL, NULL, '{{before}}', {{most}})",
                 f"{calls} WHERE status = 'failed'"),
                (f"call_ids({ws}, NULL, NULL, '{self.campaign}', NULL, NULL, NULL, '{{before}}', {{most}})",
                 f"{calls} WHERE campaign_id = '{self.campaign}'"),
                (f"conversation_ids({ws}, NULL, '{{before}}', {{most}})", "conversation"),
                (f"conversation_ids({ws}, 'in_progress', '{{before}}', {{most}})",
                 "conversation WHERE status = 'in_progress'"),
                (done.format(ws, self.end, "NULL"), "delivery_done"),
                (done.format(ws, self.end, "'dead_letter'"), "delivery_done WHERE status = 'dead_letter'")):
            with self.subTest(call):
                whole = [row[0] for row in self.sql(f"SELECT id FROM {source} ORDER BY id DESC")]
                self.assertGreater(len(whole), 50)
                self.assertEqual(self.pages(call), whole)
        for after in (0, 1, 100, 178, 179, 180, 181, 182, 200, 219, 220, 500):
            found = self.sql(f"SELECT e.sequence FROM events_after({ws}, {after}, 1000) e ORDER BY 1")
            self.assertEqual([int(row[0]) for row in found], list(range(after + 1, 221)), after)

    def test_the_newest_are_found_without_the_old(self):
        self.days()
        self.fill()
        ws, top = f"'{self.workspace}'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"
        for table, call in (("conversation", f"conversation_ids({ws}, NULL, {top}, 20)"),
                            ("scheduled_call_done", f"call_ids({ws}, NULL, NULL, NULL, NULL, NULL, NULL, {top}, 20)"),
                            ("delivery_done", f"done_deliveries({ws}, '{self.end}', NULL, {top}, 20)"),
                            ("event", f"events_after({ws}, 200, 10)"),
                            ("event", f"delivery_events({ws}, '{{219,220}}', now() - interval '10 minutes', now(), "
                                      "1::int2)"),
                            ("event", f"events({ws}, '{{220}}', ARRAY[uuid7_floor(now())])"),
                            ("scheduled_call_done", f"done_calls({ws}, ARRAY[uuid7_floor(now())])"),
                            ("attempt_done", f"done_attempts({ws}, ARRAY[uuid7_floor(now())])"),
                            ("conversation", f"conversations({ws}, ARRAY[uuid7_floor(now())])")):
            with self.subTest(call):
                # Planned by the first call; then a partition's index is only locked to look into it.
                rows = self.sql(f"BEGIN; SELECT FROM {call}; COMMIT; BEGIN; SELECT FROM {call}; "
                                "SELECT DISTINCT x.indrelid::regclass "
                                "FROM pg_locks l JOIN pg_index x ON x.indexrelid = l.relation WHERE l.pid = "
                                f"pg_backend_pid() AND x.indrelid::regclass::text LIKE '{table}_d%'; COMMIT")
                opened = {row[0] for row in rows if row[0]} - {f"{table}_default"}
                self.assertLessEqual(opened, {f"{table}_d0", f"{table}_d1"})
                self.assertTrue(opened)


if __name__ == "__main__":
    unittest.main()
