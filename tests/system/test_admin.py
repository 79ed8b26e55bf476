"""belfry-admin against a private Postgres, from its command line only; what it stored is read by SQL,
and hashes and ids are computed here anew."""
import fcntl
import glob
import hashlib
import hmac
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import unittest

import belfry
import pq

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ADMIN = os.path.join(os.environ.get("BELFRY_BIN", os.path.join(ROOT, "build/bin")), "belfry-admin")
PEPPER = "a pepper of a test's own"
NOBODY_WS = "ws_01h455vb4pex5vsknk084sn02q"
MADE_ID = re.compile(r"^(ws|agt|trk|num)_[0-9a-hjkmnp-tv-z]{26}$")


class Postgres:
    """A server in a directory of its own, reached through a socket there."""

    def __init__(self):
        self.bin = os.path.dirname(sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))[-1])
        self.dir = tempfile.mkdtemp(prefix="admin-")
        self.as_user = []
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.dir, user.pw_uid, user.pw_gid)
            self.as_user = ["setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid),
                            "--clear-groups"]
        self.url = f"host={self.dir} user=postgres dbname=postgres"
        self.server, self.sessions = None, pq.Sessions(self.url)
        self.make_cluster()

    def make_cluster(self):
        """A new one; one that was made for another test of this run is copied."""
        kept = os.environ.get("BELFRY_STACK_PGTEMPLATE", self.dir + "/cluster") + ".trust"
        with open(kept + ".lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.exists(kept):
                data = self.dir + "/made"
                self.run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                         "--locale=C.UTF-8", "--no-sync")
                os.rename(data, kept)
        subprocess.run(["cp", "-a", kept, self.dir + "/data"], check=True, timeout=60)

    def run(self, program, *args):
        return subprocess.run([*self.as_user, os.path.join(self.bin, program), *args],
                              cwd=self.dir, check=True, capture_output=True, text=True, timeout=60)

    def start(self):
        command = [*self.as_user, os.path.join(self.bin, "postgres"), "-D", self.dir + "/data",
                   "-k", self.dir, "-c", "listen_addresses=", "-c", "fsync=off"]
        with open(self.dir + "/log", "ab") as log:
            self.server = subprocess.Popen(command, cwd=self.dir, stdout=log, stderr=log)

    def wait(self):
        ready = [os.path.join(self.bin, "pg_isready"), "-q", "-d", self.url]
        belfry.wait_until(lambda: subprocess.run(ready, check=False).returncode == 0, 60,
                          "Postgres to start")

    def sql(self, text):
        """What psql would print of it, unaligned."""
        return "\n".join("|".join(row) for row in self.sessions.run(text)).strip()

    def close(self):
        self.sessions.close()
        if self.server:
            self.server.send_signal(3)  # SIGQUIT: at once
            self.server.wait(30)
        shutil.rmtree(self.dir, ignore_errors=True)


def environment(url, **settings):
    env = {"PATH": "/usr/bin:/bin", "BELFRY_DATABASE_URL": url, "BELFRY_KEY_PEPPER": PEPPER}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
        if name in os.environ:
            env[name] = os.environ[name]
    env.update(settings)
    return {name: value for name, value in env.items() if value is not None}


class AdminTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pg = Postgres()
        cls.addClassCleanup(cls.pg.close)
        # Nothing answers yet: the migrators wait, then take turns.
        waiting = [subprocess.Popen([ADMIN, "migrate", "--wait", "60"], env=environment(cls.pg.url),
                                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                   for _ in range(2)]
        cls.pg.start()
        cls.pg.wait()
        cls.migrated = [(p.communicate(timeout=90)[1], p.returncode) for p in waiting]

    def admin(self, *args, code=0, **settings):
        done = subprocess.run([ADMIN, *args], env=environment(self.pg.url, **settings),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual(done.returncode, code, f"{args}: {done.stderr}")
        return done.stdout.strip() if code == 0 else done.stderr

    def workspace(self, *args):
        made = self.admin("workspace", "create", "--name", "W", *args)
        self.assertRegex(made, MADE_ID)
        return made

    def test_migrators_wait_for_the_server_and_for_each_other(self):
        for text, code in self.migrated:
            self.assertEqual(code, 0, text)
        files = len(glob.glob(os.path.join(ROOT, "proto/schema/*.sql")))
        counts = sorted(int(n) for text, _ in self.migrated
                        for n in re.findall(r" applied=(\d+)", text))
        self.assertEqual(sum(counts), files)
        self.assertEqual(self.pg.sql("SELECT count(*) FROM schema_migration"), str(files))
        self.admin("migrate")
        self.admin("schema", "wait", "--wait", "30")

    def held(self, statement):
        """A session in whose transaction that was done, and what ends it."""
        psql = subprocess.Popen([os.path.join(self.pg.bin, "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1",
                                 "-d", self.pg.url], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self.addCleanup(psql.wait, 20)
        self.addCleanup(psql.stdin.close)
        psql.stdin.write(f"BEGIN; {statement};\n")
        psql.stdin.flush()
        belfry.wait_until(lambda: self.pg.sql("SELECT count(*) FROM pg_stat_activity WHERE state = "
                                              "'idle in transaction'") == "1", 20, statement)

        def end():
            psql.stdin.write("COMMIT;\n\\q\n")
            psql.stdin.flush()
            self.assertEqual(psql.wait(20), 0)
        return end

    def test_rights_are_given_beside_a_scheduler_that_makes_and_drops_partitions(self):
        week = 7 * 24 * 3600 * 1000000
        for statement in (f"SELECT history_make('event', {week}, {week})",
                          "SELECT history_drop('event', now() + interval '1 year')"):
            end = self.held(statement)
            migrator = subprocess.Popen([ADMIN, "migrate"], stderr=subprocess.PIPE, text=True, env=environment(
                self.pg.url, BELFRY_GATEWAY_PASSWORD="secret"))
            belfry.wait_until(lambda: self.pg.sql("SELECT count(*) FROM pg_stat_activity WHERE "
                                                  "wait_event_type = 'Lock'") == "1", 20, "it waits")
            end()
            said = migrator.communicate(timeout=30)[1]
            self.assertEqual(migrator.returncode, 0, f"{statement}: {said}")
        self.assertEqual(self.pg.sql("SELECT has_table_privilege('belfry_gateway', 'event', 'SELECT')"), "t")

    def test_schema_wait_waits_for_the_newest_migration(self):
        newest = self.pg.sql("SELECT max(version) FROM schema_migration")
        self.pg.sql(f"UPDATE schema_migration SET version = 0 WHERE version = {newest}")
        try:
            said = self.admin("schema", "wait", "--wait", "5", code=1)
        finally:
            self.pg.sql(f"UPDATE schema_migration SET version = {newest} WHERE version = 0")
        self.assertIn("older than this program", said)
        self.pg.sql("INSERT INTO schema_migration (version, name, sha256) VALUES (9999, 'x', '')")
        self.admin("schema", "wait", "--wait", "30")
        self.pg.sql("DELETE FROM schema_migration WHERE version = 9999")

    def test_a_changed_file_is_refused(self):
        self.pg.sql("UPDATE schema_migration SET sha256 = '\\x00' WHERE version = 1")
        said = self.admin("migrate", code=1)
        self.pg.sql("DELETE FROM schema_migration WHERE version = 1")
        self.assertIn("0001_init.sql", said)
        # Put right again for the others, as the file says.
        path = os.path.join(ROOT, "proto/schema/0001_init.sql")
        with open(path, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        self.pg.sql("INSERT INTO schema_migration (version, name, sha256) VALUES "
                    f"(1, '0001_init.sql', '\\x{digest}')")
        self.admin("migrate")

    def test_bootstrap_may_be_repeated(self):
        def run(**settings):
            out = self.admin("bootstrap", **settings)
            return out.splitlines()[0], re.search(r"^BELFRY_API_KEY=(bf_live_\w{36})$", out,
                                                  re.MULTILINE).group(1)

        def keys():
            return int(self.pg.sql("SELECT count(*) FROM api_key WHERE name = 'bootstrap'"))

        made, key = run()
        before = keys()
        self.assertEqual(run(BELFRY_API_KEY=key), (made, key))
        self.assertEqual(keys(), before)
        again, other = run()
        self.assertEqual(again, made)
        self.assertNotEqual(other, key)
        self.assertEqual(keys(), before + 1)
        self.assertEqual(self.pg.sql(
            "SELECT a.name, n.e164, t.dialer, k.rate_per_minute IS NULL, cardinality(k.scopes) "
            "FROM number n JOIN trunk t ON t.id = n.trunk_id "
            "JOIN agent a ON a.workspace_id = n.workspace_id "
            "JOIN api_key k ON k.workspace_id = n.workspace_id "
            "WHERE n.e164 = '+15550100000' LIMIT 1"), "demo|+15550100000|sim|t|5")
        self.admin("bootstrap", code=1, BELFRY_API_KEY="bf_live_" + "0" * 36)

    def test_a_key_is_stored_as_its_hmac(self):
        ws = self.workspace()
        key = self.admin("key", "create", "--workspace", ws, "--name", "ci", "--scopes",
                         "read,write", "--test")
        self.assertRegex(key, r"^bf_test_\w{36}$")
        digest = hmac.new(PEPPER.encode(), key.encode(), "sha256").hexdigest()
        self.assertEqual(self.pg.sql(
            "SELECT prefix, last_four, scopes, rate_per_minute FROM api_key "
            f"WHERE hash = '\\x{digest}'"), f"bf_test_|{key[-4:]}|{{read,write}}|600")
        stored = self.pg.sql("SELECT count(*) FROM api_key k WHERE k::text LIKE "
                             f"'%{key[10:30]}%'")
        self.assertEqual(stored, "0")

    def test_limits_and_credit_change_what_is_given(self):
        ws = self.workspace("--timezone", "Europe/Berlin", "--max-concurrent", "5")

        def row():
            return self.pg.sql("SELECT timezone, calls_per_minute, max_concurrent, credit_s, "
                               "billing_increment_s, requests_per_minute FROM workspace ORDER BY id DESC LIMIT 1")

        self.assertEqual(row(), "Europe/Berlin||5||1|")
        self.assertEqual(self.admin("workspace", "credit", "--workspace", ws, "--add-s", "90"),
                         "90")
        self.assertEqual(self.admin("workspace", "credit", "--workspace", ws, "--add-s", "-30"),
                         "60")
        self.admin("workspace", "limits", "--workspace", ws, "--calls-per-minute", "120",
                   "--billing-increment-s", "6", "--requests-per-minute", "600")
        self.assertEqual(row(), "Europe/Berlin|120|5|60|6|600")
        self.admin("workspace", "limits", "--workspace", ws, "--max-concurrent", "none",
                   "--credit-s", "none", "--requests-per-minute", "none")
        self.assertEqual(row(), "Europe/Berlin|120|||6|")

    def test_a_number_has_one_owner(self):
        one, two = self.workspace(), self.workspace()
        trunks = [self.admin("trunk", "create", "--workspace", ws, "--name", "t", "--dialer", "sim")
                  for ws in (one, two)]
        number = ("number", "create", "--e164", "+15550177001", "--workspace")
        self.assertRegex(self.admin(*number, one, "--trunk", trunks[0]), MADE_ID)
        self.assertIn("number_owner", self.admin(*number, two, "--trunk", trunks[1], code=1))
        self.assertIn("no such trunk", self.admin("number", "create", "--e164", "+15550177002",
                                                  "--workspace", two, "--trunk", trunks[0],
                                                  code=1))
        self.assertRegex(self.admin("agent", "create", "--workspace", one, "--name", "a"), MADE_ID)

    def test_faults_of_the_command_line_and_of_the_world(self):
        for args in ((), ("fly",), ("workspace",), ("workspace", "create"),
                     ("workspace", "create", "--name"), ("workspace", "create", "--nom", "x"),
                     ("workspace", "create", "--name", "a", "--name", "b"),
                     ("workspace", "credit", "--workspace", "agt_01h455vb4pex5vsknk084sn02q",
                      "--add-s", "1"),
                     ("workspace", "create", "--name", "a", "--max-concurrent", "0")):
            with self.subTest(args):
                self.admin(*args, code=2)
        for args in (("workspace", "create", "--name", "a", "--timezone", "Europe/Nowhere"),
                     ("workspace", "credit", "--workspace", NOBODY_WS, "--add-s", "1"),
                     ("agent", "create", "--workspace", NOBODY_WS, "--name", "a"),
                     ("key", "create", "--workspace", NOBODY_WS, "--name", "a", "--scopes", "read"),
                     ("number", "create", "--workspace", NOBODY_WS, "--e164", "15550100001",
                      "--trunk", "trk_01h455vb4pex5vsknk084sn02q")):
            with self.subTest(args):
                self.admin(*args, code=1)
        ws = self.workspace()
        key = ("key", "create", "--workspace", ws, "--name", "k", "--scopes")
        self.admin(*key, "read,fly", code=1)
        self.admin(*key, "read,read", code=1)
        self.assertIn("BELFRY_KEY_PEPPER", self.admin(*key, "read", code=1,
                                                      BELFRY_KEY_PEPPER=None))
        self.admin("migrate", code=2, BELFRY_DATABASE_URL=None)
        said = self.admin("migrate", "--wait", "1", code=1,
                          BELFRY_DATABASE_URL=f"host={self.pg.dir}/nowhere")
        self.assertIn("not there", said)


if __name__ == "__main__":
    unittest.main()
