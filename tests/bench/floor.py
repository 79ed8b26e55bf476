"""The bare SQL floor of a call's life: the product's own statements under pgbench, in a scratch
database of the same server, at the batch sizes that the product was seen to use, and nothing else.

Five clients run at once, each one pgbench with one connection, as the product has them:

    materialize   line_materialize
    claim         campaign_share, claim_caps, claim_calls      in one pipeline, as one transaction
    record        campaign_share, campaign_count_lock, attempt_bridged of (a part of) a batch,
                  attempt_ended of the batch before
    send          sender_endpoints, sender_claim (which finds none that failed before), sender_owed
    finish        sender_owed_finish, sender_owed_close

The product gets its arguments from memory; here a statement of the floor's own reads them from the
tables, and one before it waits until the client before has got that far. pgbench reports how long
each command took, so the report says what share of the clients' time the arguments cost.
"""
import os
import re
import subprocess
import tempfile
import time

import bench
import belfry
import statements

ID = "00000000-0000-7000-8000-{:012d}"
WORKSPACE, CAMPAIGN, NUMBER, TRUNK, AGENT, ENDPOINT, DISPATCHER, SENDER = (
    f"'{ID.format(n)}'" for n in range(1, 9))
STATEMENTS = ("line_materialize", "campaign_share", "claim_caps", "claim_calls",
              "campaign_count_lock", "attempt_bridged", "attempt_ended", "sender_endpoints",
              "sender_claim", "sender_owed", "sender_owed_finish", "sender_owed_close")

SEED = f"""
INSERT INTO workspace (id, name) VALUES ({WORKSPACE}, 'floor');
INSERT INTO workspace_sequence (workspace_id) VALUES ({WORKSPACE});
INSERT INTO agent (workspace_id, id, name) VALUES ({WORKSPACE}, {AGENT}, 'floor');
INSERT INTO trunk (workspace_id, id, name, dialer) VALUES ({WORKSPACE}, {TRUNK}, 'floor', 'sim');
INSERT INTO number (workspace_id, id, e164, trunk_id)
VALUES ({WORKSPACE}, {NUMBER}, '+15550100000', {TRUNK});
INSERT INTO campaign (workspace_id, id, kind, name, status, agent_id, number_id, timezone,
	rate_per_minute)
VALUES ({WORKSPACE}, {CAMPAIGN}, 'bulk', 'floor', 'active', {AGENT}, {NUMBER}, 'UTC', 600000);
INSERT INTO campaign_count (workspace_id, campaign_id, total, pending, next_position)
VALUES ({WORKSPACE}, {CAMPAIGN}, :calls, :calls, :calls + 1);
INSERT INTO campaign_plan (workspace_id, campaign_id, line_at) VALUES ({WORKSPACE}, {CAMPAIGN}, now());
INSERT INTO target (workspace_id, id, campaign_id, position, to_number)
SELECT {WORKSPACE}, uuid7(now(), n), {CAMPAIGN}, n, '+1415' || lpad(n::text, 7, '0')
FROM generate_series(1, :calls) n ORDER BY n;
INSERT INTO webhook_endpoint (workspace_id, id, url, events, secret, sender_id)
VALUES ({WORKSPACE}, {ENDPOINT}, 'http://127.0.0.1/', ARRAY['scheduled_call.created',
	'scheduled_call.dispatched', 'conversation.completed'], '\\x00', {SENDER});
INSERT INTO webhook_sender (id, lease_until) VALUES ({SENDER}, now() + interval '1 day');
INSERT INTO dispatcher (id, host, slot, lease_until)
VALUES ({DISPATCHER}, 'floor', 0, now() + interval '1 day');
UPDATE leader SET epoch = 1 WHERE name = 'scheduler';

-- Turns of the client that claims deliveries: seen at once, and not flushed each time.
CREATE SEQUENCE claims;

-- Waiting for what another client commits takes a fresh snapshot each time round.
CREATE FUNCTION await_status(upto bigint, unwanted text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	WHILE NOT EXISTS (SELECT FROM scheduled_call WHERE campaign_id = {CAMPAIGN}
		AND slot = upto - 1 AND status <> unwanted)
	LOOP
		PERFORM pg_sleep(0.001);
	END LOOP;
END $$;
CREATE FUNCTION await_events(upto bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	WHILE (SELECT last_sequence FROM workspace_sequence) < upto LOOP
		PERFORM pg_sleep(0.001);
	END LOOP;
END $$;
CREATE FUNCTION await_claims(n bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	WHILE (SELECT last_value FROM claims WHERE is_called) < n IS NOT FALSE LOOP
		PERFORM pg_sleep(0.001);
	END LOOP;
END $$;
"""

ADVANCE = "\\set upto least(:from + :batch, :total)\n\\set size :upto - :from\n"


def pipeline(*texts):
    return "\\startpipeline\n" + "".join(texts) + "\\endpipeline\n"


def arrays(columns, prefix=""):
    return ",\n\t".join(f"coalesce(array_agg({sql}), '{{}}') AS {prefix}{name}"
                        for name, sql in columns.items())


def script_materialize():
    return statements.for_pgbench("line_materialize", {
        "epoch": "1", "workspace_id": WORKSPACE, "campaign_id": CAMPAIGN,
        "until": "'2100-01-01'", "most": ":batch"})


def script_claim():
    columns = {"workspace_ids": f"{WORKSPACE}::uuid", "campaign_ids": f"{CAMPAIGN}::uuid",
               "call_ids": "id", "attempt_ids": "uuid7(clock_timestamp(), slot)",
               "due_at": "scheduled_at", "in_line": "true",
               "windows_of": "NULL::timestamptz", "open_until": "NULL::timestamptz"}
    return ADVANCE + f"""SELECT await_status(:upto, 'none');
SELECT {arrays(columns)}
FROM (SELECT id, slot, scheduled_at FROM scheduled_call WHERE campaign_id = {CAMPAIGN}
	AND slot >= :from AND slot < :upto AND slot IS NOT NULL ORDER BY slot) c \\gset
""" + pipeline(
        statements.for_pgbench("campaign_share", {}, columns),
        statements.for_pgbench("claim_caps", {}, columns),
        statements.for_pgbench("claim_calls", {"dispatcher_id": DISPATCHER, "dialers": "'{sim}'",
                                               "dialer_instances": "'{floor}'"},
                               columns)
    ) + "\\set from :upto\n"


def script_record():
    """`late` is where the batch of the turn before began: its attempts end now. When conversations
    are short the product records the begin of only some apart from the end, `bridged` in a hundred."""
    columns = {"workspace_ids": f"{WORKSPACE}::uuid", "attempt_ids": "attempt_id",
               "answered_at": "updated_at", "bridged_at": "updated_at",
               "conversation_ids": "uuid7(clock_timestamp(), slot)", "provider_refs": "NULL::text"}
    ended = {"workspace_ids": f"{WORKSPACE}::uuid", "attempt_ids": "attempt_id",
             "outcomes": "'answered'::text", "sip_codes": "200::int2", "q850": "16::int2",
             "ended_by": "'callee'::text", "dialed_at": "updated_at", "answered_at": "updated_at",
             "ended_at": "clock_timestamp()", "talk_ms": "50::int8", "decisions": "'done'::text",
             "due_at": "NULL::timestamptz", "counted": "true", "conversation_ids":
             "coalesce(conversation_id, uuid7(clock_timestamp(), slot))", "end_reasons": "'callee'::text", "provider_refs": "NULL::text"}

    def arguments(prefix, wanted, since, upto):
        return f"""SELECT {arrays(wanted, prefix)}
FROM (SELECT * FROM scheduled_call WHERE campaign_id = {CAMPAIGN} AND slot >= {since}
	AND slot < {upto} AND slot IS NOT NULL ORDER BY slot) c \\gset
"""

    campaigns = {"workspace_ids": f"ARRAY[{WORKSPACE}]", "campaign_ids": f"ARRAY[{CAMPAIGN}]"}
    share = statements.for_pgbench("campaign_share", campaigns)
    lock = statements.for_pgbench("campaign_count_lock", campaigns)
    bridged = statements.for_pgbench("attempt_bridged", {"dispatcher_id": DISPATCHER}, columns)
    ends = statements.for_pgbench("attempt_ended", {
        "dispatcher_id": DISPATCHER, **{name: f":e_{name}" for name in ended}})
    return (ADVANCE + "\\set talking :from + :size * :bridged / 100\n"
            "SELECT await_status(:upto, 'scheduled');\n" +
            arguments("", columns, ":from", ":talking") + arguments("e_", ended, ":late", ":from") +
            pipeline(share, lock, bridged, ends) + "\\set late :from\n\\set from :upto\n")


def script_send():
    values = {"sender_id": SENDER, "workspace_ids": f"ARRAY[{WORKSPACE}]",
              "endpoint_ids": f"ARRAY[{ENDPOINT}]", "rooms": "ARRAY[:batch]",
              "since": "ARRAY['-infinity']", "after": "ARRAY[:from]", "check_upto": "ARRAY[0]",
              "lease_us": "60000000", "first_delay_us": "0"}
    return ADVANCE + "SELECT await_events(:upto);\n" + \
        pipeline(*[statements.for_pgbench(name, values)
                   for name in ("sender_endpoints", "sender_claim", "sender_owed")]) + \
        "SELECT nextval('claims');\n\\set from :upto\n"


def script_finish():
    columns = {"workspace_ids": f"{WORKSPACE}::uuid", "endpoint_ids": f"{ENDPOINT}::uuid",
               "delivery_ids": f"delivery_id(created_at, sequence, {ENDPOINT})",
               "sequences": "sequence", "types": "type", "created_at": "created_at",
               "attempts": "1::int2", "statuses": "'delivered'::text", "reasons": "NULL::text",
               "ages_us": "1000::int8", "results": "'delivered'::text",
               "http_statuses": "200::int2", "durations_ms": "1::int4", "excerpts": "NULL::text"}
    closed = {"workspace_ids": "workspace_id", "endpoint_ids": "endpoint_id",
              "to_sequences": "to_sequence"}
    return ADVANCE + f"""SELECT await_claims((:upto::int8 + :claimed - 1) / :claimed);
SELECT {arrays(columns)}
FROM (SELECT e.sequence, e.type, r.created_at FROM event e CROSS JOIN LATERAL (
	SELECT d.created_at FROM delivery_range d WHERE d.workspace_id = {WORKSPACE}
	AND d.endpoint_id = {ENDPOINT} AND d.to_sequence >= e.sequence ORDER BY d.to_sequence LIMIT 1) r
	WHERE e.workspace_id = {WORKSPACE} AND e.sequence > :from AND e.sequence <= :upto
	ORDER BY e.sequence) x \\gset
SELECT {arrays(closed, "c_")}
FROM delivery_range WHERE workspace_id = {WORKSPACE} AND endpoint_id = {ENDPOINT}
	AND to_sequence > :from AND to_sequence <= :upto \\gset
""" + pipeline(
        statements.for_pgbench("sender_owed_finish", {"sender_id": SENDER}, columns),
        statements.for_pgbench("sender_owed_close", {
            "sender_id": SENDER, **{name: f":c_{name}" for name in closed}})) + \
        "\\set from :upto\n"


class Client:
    """One pgbench: its script, how many turns it takes, and what it reported."""

    def __init__(self, folder, name, script, total, batch, more_turns=0):
        self.name, self.batch = name, min(batch, total)
        self.turns = -(-total // self.batch) + more_turns
        self.path = os.path.join(folder, name + ".sql")
        self.variables = {"from": 0, "late": 0, "total": total,
                          "batch": self.batch}
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(script)
        self.process = self.report = None

    def start(self, url):
        variables = [text for name, value in self.variables.items()
                     for text in ("-D", f"{name}={value}")]
        self.process = subprocess.Popen(
            [bench.pg_tool("pgbench"), "-n", "-M", "prepared", "-c", "1", "-t", str(self.turns),
             "-r", "-f", self.path, *variables, url],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def has_ended(self):
        """A client that failed ends the whole: the others would wait for it for ever. A statement
        that failed (a deadlock, say) does not end pgbench with a code."""
        if self.report is None and self.process.poll() is not None:
            self.report = self.process.communicate(timeout=10)[0]
            bench.fail_unless(self.process.returncode == 0 and "aborted" not in self.report and
                              re.search(r"failed transactions: 0 ", self.report),
                              f"pgbench of {self.name} ended with {self.process.returncode}:\n"
                              f"{self.report[-3000:]}")
        return self.report is not None

    def busy_ms(self):
        """(arguments, all but waiting for other clients): milliseconds, by pgbench's own report, where
        a statement stands with its first line."""
        lines = re.findall(r"^\s+([0-9.]+)\s+\d+\s+(\S.*)$", self.report, re.MULTILINE)
        busy = [(float(ms) * self.turns, text) for ms, text in lines if "SELECT await_" not in text]
        return (sum(ms for ms, text in busy if text.startswith("SELECT coalesce(")),
                sum(ms for ms, _ in busy))


class Floor:
    """Makes the scratch database, runs the five clients, and says how many calls a second."""

    def __init__(self, stack, calls, batches, bridged_pct):
        """batches: materialize, claim, record, send, finish -> rows in a statement"""
        self.stack, self.calls, self.batches = stack, calls, batches
        self.bridged_pct = bridged_pct
        self.url = stack.env["BELFRY_DATABASE_URL"].replace("/belfry?", "/floor?")
        self.span_s = self.arguments_share = 0.0

    def run(self):
        self.stack.run_psql("-c", "CREATE DATABASE floor")
        migrate(self.url)
        self.stack.run_psql("-v", f"calls={self.calls}", url=self.url, stdin=SEED)
        with tempfile.TemporaryDirectory(prefix="floor-") as folder:
            clients = self.clients(folder)
            begun = time.monotonic()
            for client in clients:
                client.start(self.url)
            try:
                belfry.wait_until(lambda: all([client.has_ended() for client in clients]), 600,
                                  "the floor's clients", interval_s=0.01)
                self.span_s = time.monotonic() - begun
            finally:
                for client in clients:
                    client.process.kill()
        if os.environ.get("BENCH_VERBOSE"):
            for client in clients:
                print(client.name, client.report)
        arguments, busy = (sum(column) for column in zip(*[c.busy_ms() for c in clients]))
        self.arguments_share = arguments / busy
        self.check()
        self.stack.run_psql("-c", "DROP DATABASE floor WITH (FORCE)")

    def clients(self, folder):
        size, calls = self.batches, self.calls
        # One turn more, for the ends of the last batch.
        record = Client(folder, "record", script_record(), calls, size["record"], more_turns=1)
        record.variables["bridged"] = self.bridged_pct
        finish = Client(folder, "finish", script_finish(), calls * 3, size["finish"])
        finish.variables["claimed"] = min(size["send"], calls * 3)
        return [
            Client(folder, "materialize", script_materialize(), calls, size["materialize"]),
            Client(folder, "claim", script_claim(), calls, size["claim"]),
            record,
            Client(folder, "send", script_send(), calls * 3, size["send"]),
            finish,
        ]

    def check(self):
        """The same rows as the product's: else this would be the floor of something else."""
        found = [int(n) for n in self.stack.rows(
            "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM delivery_done),"
            " (SELECT count(*) FROM delivery) + (SELECT count(*) FROM delivery_range),"
            " (SELECT count(*) FROM attempt_done),"
            " (SELECT count(*) FROM attempt), (SELECT count(*) FROM conversation"
            " WHERE status = 'completed'), (SELECT dispatched FROM campaign_count)", self.url)[0]]
        n = self.calls
        bench.fail_unless(found == [3 * n, 3 * n, 0, n, 0, n, n], f"the floor's rows: {found}")


def migrate(url):
    """A database with the product's schema."""
    program = os.path.join(os.environ.get("BELFRY_BIN") or os.path.join(bench.ROOT, "build/bin"),
                           "belfry-admin")
    env = {name: value for name, value in os.environ.items() if not name.startswith("BELFRY_")}
    done = subprocess.run([program, "migrate"], env={**env, "BELFRY_DATABASE_URL": url}, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
    bench.fail_unless(done.returncode == 0, f"migrate: {done.stdout}{done.stderr}")
