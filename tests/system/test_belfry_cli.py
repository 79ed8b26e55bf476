"""The command line belfry: every command against a running stack, on terminals and in pipes; and
against an API that is busy, lies or goes away."""
import fcntl
import http.server
import json
import os
import pty
import re
import select
import signal
import socket
import stat
import struct
import subprocess
import tempfile
import termios
import threading
import time

import belfry
from api_case import ApiCase

BIN = os.path.join(os.environ.get("BELFRY_BIN", os.path.join(belfry.ROOT, "build/bin")), "belfry")
DONE, REFUSED, USAGE, ACCESS, ABSENT, CONFLICT, AWAY = range(7)
ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def environment(**more):
    """Nothing of Belfry's and no proxy: what a test does not give is not there."""
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith("BELFRY_") and not k.lower().endswith("_proxy") and
            k not in ("NO_COLOR", "XDG_CONFIG_HOME", "COLUMNS")}
    return {**kept, "HOME": "/nonexistent", "TERM": "xterm",
            **{k: v for k, v in more.items() if v is not None}}


class Terminal:
    """belfry on a terminal of its own."""

    def __init__(self, args, env, columns=100):
        # the width is there before the program is: it may ask at once
        primary, secondary = pty.openpty()
        fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.fd = primary
        self.process = subprocess.Popen([BIN, *args], env=env, stdin=secondary, stdout=secondary,
                                        stderr=secondary, start_new_session=True)
        os.close(secondary)
        self.seen = b""

    def read(self, until=None, deadline_s=60):
        """What was printed until a text comes, or the end."""
        end = time.monotonic() + deadline_s
        while until is None or until.encode() not in self.seen:
            left = end - time.monotonic()
            if left <= 0:
                self.process.kill()
                raise AssertionError(f"no {until!r} in {self.seen!r}")
            if not select.select([self.fd], [], [], left)[0]:
                continue
            try:
                data = os.read(self.fd, 65536)
            except OSError:  # the other end is closed
                data = b""
            if not data:
                break
            self.seen += data
        return self.seen.decode()

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        """(exit code, all that was printed)"""
        text = self.read()
        code = self.process.wait(timeout=30)
        os.close(self.fd)
        return code, text


class Cli(ApiCase):
    """Runs belfry with the first tenant's key."""

    def env(self, **more):
        api = self.one.api
        return environment(**{"BELFRY_URL": f"http://{api.host}:{api.port}",
                              "BELFRY_API_KEY": api.key, **more})

    def run_cli(self, *args, stdin=None, env=None, timeout_s=60):
        return subprocess.run([BIN, *args], env=self.env() if env is None else env,
                              input=stdin, stdin=subprocess.DEVNULL if stdin is None else None,
                              capture_output=True, text=True, timeout=timeout_s, check=False)

    def ok(self, *args, **options):
        """What a command that must succeed printed."""
        done = self.run_cli(*args, **options)
        self.assertEqual(done.returncode, DONE, f"belfry {args}: {done.stdout}{done.stderr}")
        return done.stdout

    def json(self, *args, **options):
        return json.loads(self.ok(*args, "--json", **options))

    def fails(self, code, *args, **options):
        """What a command that must fail says on standard error."""
        done = self.run_cli(*args, **options)
        self.assertEqual(done.returncode, code, f"belfry {args}: {done.stdout}{done.stderr}")
        return done.stderr

    def draft_args(self, **more):
        given = {"name": "test", "agent": self.one.agent, "from": self.one.e164, "rate": 60000,
                 **more}
        return [word for key, value in given.items()
                for word in (f"--{key.replace('_', '-')}", str(value))]

    def folder(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return folder.name

    def file(self, text, name="targets.csv"):
        path = os.path.join(self.folder(), name)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        return path


class CommandsTest(Cli):
    frozen = False

    def test_every_command_of_the_table_is_driven_here(self):
        with open(__file__, encoding="utf-8") as file:
            source = file.read()
        commands = re.findall(r"^  belfry ([a-z]+)(?: ([a-z]+))?(?=  | [A-Z\[])",
                              self.ok("--help"), re.MULTILINE)
        self.assertGreater(len(commands), 60)
        for noun, verb in commands:
            words = f'"{noun}"' + (f', "{verb}"' if verb else "")
            self.assertIn(words, source, "this command has no test")

    # --- campaigns and their targets

    def test_a_campaign_from_flags_to_its_end(self):
        made = self.json("campaigns", "create", *self.draft_args(
            max_attempts=2, description="a \"test\"", variables='{"company":"Acme"}',
            retry_policy='{"rules":[{"on":["busy"],"delay_s":1}]}'), "+14155550123",
            "+14155550001")
        campaign = made["id"]
        self.assertEqual(made, {**self.one.api.get("/v1/campaigns/" + campaign),
                                "targets": made["targets"]})
        self.assertEqual((made["kind"], made["description"], made["variables"],
                          made["max_attempts"], made["counts"]["total"]),
                         ("bulk", 'a "test"', {"company": "Acme"}, 2, 2))
        self.assertIn(campaign, self.ok("campaigns", "list", "--status", "draft", "--kind", "bulk"))
        self.assertEqual(self.json("campaigns", "start", campaign)["status"], "active")
        seen = self.ok("campaigns", "watch", campaign)
        self.assertRegex(seen.splitlines()[-1], r"Z  completed  2 in all, 0 waiting, 0 planned, "
                                                r"1 answered, 1 failed, 0 skipped$")
        stats = self.json("campaigns", "stats", campaign)
        self.assertEqual(stats["outcomes"], {"answered": 1, "busy": 1})
        calls = self.json("campaigns", "calls", campaign, "--outcome", "busy")["data"]
        self.assertEqual([len(call["attempts"]) for call in calls], [2])
        shown = self.ok("campaigns", "show", campaign)
        self.assertRegex(shown, r"(?m)^status +completed$")
        self.assertRegex(shown, r"(?m)^from number +\+1555")
        self.assertRegex(shown, r"(?m)^counts +total 2, pending 0, ")

    def test_a_recurring_campaign_is_changed(self):
        made = self.json("campaigns", "create", "--name", "daily", "--agent", self.one.agent,
                         "--from", self.one.e164, "--to", "+14155550123", "--cron", "0 9 * * *",
                         "--timezone", "Europe/Berlin")
        self.assertEqual((made["kind"], made["cron"]), ("recurring", "0 9 * * *"))
        changed = self.json("campaigns", "update", made["id"], "--cron", "0 10 * * mon-fri",
                            "--max-concurrent", "none")
        self.assertEqual((changed["cron"], changed["max_concurrent"]), ("0 10 * * mon-fri", None))
        self.assertEqual(self.json("campaigns", "start", made["id"])["status"], "active")
        self.assertEqual(self.json("campaigns", "pause", made["id"])["status"], "paused")
        self.assertEqual(self.json("campaigns", "resume", made["id"])["status"], "active")
        self.assertEqual(self.json("campaigns", "cancel", made["id"])["status"], "cancelled")
        said = self.fails(CONFLICT, "campaigns", "start", made["id"])
        self.assertIn("it is cancelled; possible now: nothing", said)

    def test_a_draft_is_deleted(self):
        campaign = self.one.campaign()["id"]
        self.assertEqual(self.ok("campaigns", "delete", campaign), "deleted\n")
        said = self.fails(ABSENT, "campaigns", "show", campaign)
        self.assertRegex(said, r"^belfry: .* \(404 not_found\)\n  request \S+\n$")

    def test_a_campaign_from_a_file(self):
        csv = self.file("to_number,name,company\n+14155550123,Ada,Acme\n12,Bad,\n"
                        "+14155550124,Grace,Navy\n+14155550123,Again,\n")
        done = self.run_cli("campaigns", "create", *self.draft_args(), "--csv", csv, "--start")
        self.assertEqual(done.returncode, DONE, done.stderr)
        campaign = re.search(r"cmp_\w+", done.stdout).group()
        imported = re.search(r"import (imp_\w+): 4 rows, 2 new, 1 known, 1 rejected", done.stdout)
        self.assertTrue(imported, done.stdout)
        self.assertRegex(done.stdout, r"(?m)^status +active$")
        self.assertEqual(done.stderr, "")  # no bar where there is no terminal
        errors = self.ok("imports", "errors", imported.group(1))
        self.assertRegex(errors, r"(?m)^3,to_number,invalid_e164,")
        self.assertEqual(self.json("imports", "show", imported.group(1))["rejected"], 1)
        self.assertIn(imported.group(1), self.ok("imports", "list", campaign))
        targets = self.json("targets", "list", campaign)["data"]
        self.assertEqual({t["to_number"]: (t["name"], t["variables"]) for t in targets},
                         {"+14155550123": ("Ada", {"company": "Acme"}),
                          "+14155550124": ("Grace", {"company": "Navy"})})

    def test_a_file_as_json_is_an_object_a_line(self):
        csv = self.file("to_number\n+14155550123\n")
        lines = self.ok("campaigns", "create", *self.draft_args(), "--csv", csv, "--start",
                        "--json").splitlines()
        self.assertEqual([json.loads(line)["id"][:4] for line in lines], ["cmp_", "imp_", "cmp_"])
        self.assertEqual(json.loads(lines[1])["status"], "completed")
        self.assertEqual(json.loads(lines[2])["status"], "active")

    def test_a_file_that_is_refused_leaves_a_draft_that_is_named(self):
        csv = self.file("nothing\nof use\n")
        done = self.run_cli("campaigns", "create", *self.draft_args(), "--csv", csv, "--start")
        self.assertEqual(done.returncode, REFUSED, done.stderr)
        campaign = re.search(r"the campaign (cmp_\w+) stays a draft", done.stderr).group(1)
        self.assertEqual(self.json("campaigns", "show", campaign)["status"], "draft")
        before = len(self.json("campaigns", "list", "--limit", "200")["data"])
        self.fails(REFUSED, "campaigns", "create", *self.draft_args(), "--csv", csv + ".not")
        self.fails(REFUSED, "campaigns", "create", *self.draft_args(), "--csv",
                   os.path.dirname(csv))
        self.assertEqual(len(self.json("campaigns", "list", "--limit", "200")["data"]), before)

    def test_targets_are_added_and_skipped(self):
        campaign = self.one.campaign()["id"]
        added = self.json("targets", "add", campaign, "+14155550123", "+14155550124", "7")
        self.assertEqual((added["inserted"], added["rejected"]), (2, 1))
        self.assertIn("/targets/2", self.ok("targets", "add", campaign, "+14155550125", "8", "9"))
        csv = "phone\n(415) 555-0126\n"
        said = self.ok("targets", "add", campaign, "--csv", "-", "--region", "US", stdin=csv)
        self.assertRegex(said, r"import imp_\w+: 1 rows, 1 new")
        said = self.ok("targets", "add", campaign, "--csv", "-", "--no-wait", stdin="phone\n")
        self.assertIn("the file is in", said)
        ids = {t["to_number"]: t["id"] for t in self.json("targets", "list", campaign)["data"]}
        self.assertEqual(len(ids), 4)
        one = self.json("targets", "show", campaign, ids["+14155550126"])
        self.assertEqual((one["status"], one["attempt_log"]), ("pending", []))
        self.assertEqual(self.json("targets", "skip", campaign, ids["+14155550123"]),
                         {"skipped": 1})
        self.assertEqual(self.json("targets", "skip", campaign, "--search", "550124"),
                         {"skipped": 1})
        self.assertEqual(self.json("targets", "skip", campaign, "--every"), {"skipped": 2})
        for wrong in ([], ["--every", "--search", "555"], [ids["+14155550123"], "--every"]):
            self.fails(USAGE, "targets", "skip", campaign, *wrong)
        for wrong in ([], ["+1", "--csv", "-"], ["+1", "--region", "US"]):
            self.fails(USAGE, "targets", "add", campaign, *wrong)

    def test_an_export_goes_to_a_file_whole_or_not_at_all(self):
        campaign = self.one.campaign(targets=[f"+1415555{n:04d}" for n in range(50)])["id"]
        path = os.path.join(self.folder(), "out.csv")
        self.assertEqual(self.ok("campaigns", "export", campaign, "--output", path), "")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(len(text.splitlines()), 51)
        self.assertEqual(self.ok("campaigns", "export", campaign), text)
        self.assertEqual(len(self.ok("campaigns", "export", campaign, "--status",
                                     "failed").splitlines()), 1)
        missing = os.path.join(self.folder(), "missing.csv")
        self.fails(ABSENT, "campaigns", "export", "cmp_" + "0" * 26, "--output", missing)
        self.fails(REFUSED, "campaigns", "export", campaign, "--output",
                   os.path.join(missing, "below"))
        self.assertEqual(os.listdir(os.path.dirname(missing)), [])

    def test_a_large_file_takes_little_memory(self):
        campaign = self.one.campaign()["id"]
        cell, rows, size = "x" * 10000, ["to_number,text\n"], 0
        while size < 50 * 1024 * 1024:
            rows.append(f"+1{2000000000 + len(rows)},{cell}\n")
            size += len(rows[-1])
        path = self.file("".join(rows))
        process = subprocess.Popen([BIN, "targets", "add", campaign, "--csv", path, "--no-wait",
                                    "--json"], env=self.env(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE)
        # seen from outside: what wait4() tells counts this process before it became belfry
        most_kb = 0
        while process.poll() is None:
            with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
                found = re.search(r"VmHWM:\s+(\d+)", status.read())
            most_kb = max(most_kb, int(found.group(1)) if found else 0)
            time.sleep(0.01)
        with process.stdout as out:
            self.assertEqual(json.loads(out.read())["received"], len(rows) - 1)
        self.assertEqual(process.returncode, DONE)
        self.assertGreater(most_kb, 0)
        with open(BIN, "rb") as program:
            if b"__asan_init" not in program.read():
                self.assertLess(most_kb, 32 * 1024)
        # an answer that comes while the file is sent is heard
        said = self.fails(ABSENT, "targets", "add", "cmp_" + "0" * 26, "--csv", path)
        self.assertIn("(404 not_found)", said)

    # --- calls

    def test_a_call_is_made_once(self):
        args = ["calls", "create", "--agent", self.one.agent, "--from", self.one.e164, "--to",
                "+14155550199", "--variables", "@" + self.file('{"order": 17}', "v.json"),
                "--external-id", "o-17", "--idempotency-key", "order-17"]
        call = self.json(*args)
        self.assertEqual((call["variables"], call["external_id"]), ({"order": 17}, "o-17"))
        self.assertEqual(self.json(*args)["id"], call["id"])
        belfry.wait_until(lambda: self.json("calls", "show", call["id"])["outcome"], 30,
                          "the call is answered")
        shown = self.ok("calls", "show", call["id"])
        self.assertRegex(shown, r"(?m)^attempts\nnumber ")
        self.assertIn(call["id"], self.ok("calls", "list", "--to", "+14155550199"))
        talks = self.json("conversations", "list", "--call", call["id"])["data"]
        self.assertEqual([t["scheduled_call_id"] for t in talks], [call["id"]])
        self.assertEqual(self.json("conversations", "show", talks[0]["id"])["id"], talks[0]["id"])
        belfry.wait_until(
            lambda: self.json("conversations", "show", talks[0]["id"])["status"] == "completed",
            60, "the conversation ends")
        said = self.fails(CONFLICT, "conversations", "hangup", talks[0]["id"])
        self.assertIn("invalid_state_transition", said)

    def test_a_call_at_an_instant_is_cancelled(self):
        later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
        call = self.json("calls", "create", "--agent", self.one.agent, "--from", self.one.e164,
                         "--to", "+14155550198", "--at", later)
        self.assertEqual(self.json("calls", "cancel", call["id"])["status"], "cancelled")
        found = self.json("calls", "list", "--status", "cancelled", "--since", later)["data"]
        self.assertEqual([c["id"] for c in found], [call["id"]])

    # --- webhooks and events

    def test_endpoints_through_their_life(self):
        receiver = self.receiver()
        made = self.json("webhooks", "create", "--url", receiver.url(), "--events",
                         "campaign.completed,campaign.paused", "--description", "d")
        endpoint, receiver.secrets["/hook"] = made["id"], made["secret"]
        self.assertEqual(made["events"], ["campaign.completed", "campaign.paused"])
        self.assertEqual(self.json("webhooks", "update", endpoint, "--events", "*")["events"], ["*"])
        self.assertIn(endpoint, self.ok("webhooks", "list"))
        self.assertNotIn("secret", self.json("webhooks", "show", endpoint))
        tested = self.json("webhooks", "test", endpoint)
        self.assertEqual(tested["status"], "delivered")
        self.assertEqual(receiver.unsigned(), [])
        self.assertIn(tested["id"], self.ok("webhooks", "deliveries", endpoint, "--status",
                                            "delivered"))
        self.assertEqual(self.json("webhooks", "delivery", tested["id"])["attempts"], 1)
        again = self.json("webhooks", "replay", tested["id"])
        self.assertEqual(again["generation"], 2)
        belfry.wait_until(lambda: len(receiver.hooks) == 2, 30, "the replay comes")
        belfry.wait_until(lambda: self.json("webhooks", "delivery", again["id"])["status"] ==
                          "delivered", 30, "the replay is recorded")
        self.assertEqual(self.json("webhooks", "replay", endpoint, "--since", "2026-01-01T00:00:00Z",
                                   "--types", "campaign.paused"), {"replayed": 0})
        self.fails(USAGE, "webhooks", "replay", endpoint)
        self.fails(USAGE, "webhooks", "replay", tested["id"], "--since", "2026-01-01T00:00:00Z")
        rotated = self.json("webhooks", "rotate", endpoint, "--overlap", "60")
        self.assertNotEqual(rotated["secret"], made["secret"])
        self.fails(CONFLICT, "webhooks", "rotate", endpoint)
        self.json("webhooks", "rotate", endpoint, "--force", "--overlap", "0")
        self.assertEqual(self.json("webhooks", "disable", endpoint)["status"], "disabled")
        self.fails(CONFLICT, "webhooks", "test", endpoint)
        self.assertEqual(self.json("webhooks", "enable", endpoint)["status"], "enabled")
        receiver.respond = lambda hook: 500
        self.assertIn("was not delivered", self.fails(REFUSED, "webhooks", "test", endpoint))
        self.assertEqual(self.ok("webhooks", "delete", endpoint), "deleted\n")

    def listen(self, *args):
        """A receiver that listens; with its own URL and its endpoint's id."""
        process = subprocess.Popen([BIN, "webhooks", "listen", *args], env=self.env(), text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        said = process.stderr.readline()
        found = re.match(r"listening on http://127.0.0.1:(\d+)/(?: as (whk_\w+))?; ", said)
        self.assertTrue(found, said)
        return process, int(found.group(1)), found.group(2)

    def test_a_listener_verifies_and_prints(self):
        process, port, endpoint = self.listen("--events", "campaign.completed")
        self.assertIn(endpoint, self.ok("webhooks", "list"))
        campaign = self.json("campaigns", "create", *self.draft_args(), "+14155550123")["id"]
        self.ok("campaigns", "start", campaign)
        line = process.stdout.readline()
        self.assertRegex(line, rf"Z  \d+  campaign\.completed  {campaign}  completed\n")

        # somebody else, who knows the address and not the secret
        body, stamp = b'{"type":"campaign.completed"}', str(int(time.time()))
        stranger = belfry.belfry_client.Api(f"http://127.0.0.1:{port}", None)
        self.addCleanup(stranger.close)
        forged = belfry.sign("whsec_" + "A" * 44, "evt_1", stamp, body)
        for headers in ({}, {"webhook-id": "evt_1", "webhook-timestamp": stamp,
                             "webhook-signature": forged}):
            self.assertEqual(stranger.request("POST", "/", body, headers).status, 401)
        self.assertEqual(stranger.request("GET", "/").status, 405)
        stranger.close()
        self.assertIn("no signature", process.stderr.readline())
        self.assertIn("its signature is wrong", process.stderr.readline())

        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=20), DONE)
        self.assertEqual(process.stdout.read(), "")
        self.assertNotIn(endpoint, self.ok("webhooks", "list"))

    def test_a_listener_prints_the_bytes_and_ends_after_its_count(self):
        process, _, endpoint = self.listen("--json", "--count", "1", "--events", "campaign.paused")
        self.assertEqual(self.json("webhooks", "test", endpoint)["status"], "delivered")
        lines = process.stdout.read().splitlines()
        self.assertEqual(process.wait(timeout=20), DONE)
        self.assertEqual([json.loads(line)["type"] for line in lines], ["webhook_endpoint.test"])
        kept = [e for e in self.one.api.pages("/v1/events") if e["id"] == json.loads(lines[0])["id"]]
        self.assertEqual([json.loads(lines[0])], kept)

    def test_a_listener_by_a_secret_refuses_what_is_old(self):
        secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        process, port, endpoint = self.listen("--secret-file", self.file(secret + "\n", "secret"),
                                              "--count", "1")
        self.assertIsNone(endpoint)
        stranger, body = belfry.belfry_client.Api(f"http://127.0.0.1:{port}", None), b'{"type":"x"}'
        self.addCleanup(stranger.close)
        for age_s, status in ((400, 401), (-400, 401), (10, 200)):
            stamp = str(int(time.time()) - age_s)
            signatures = "v1,AAAA " + belfry.sign(secret, "evt_1", stamp, body)
            answer = stranger.request("POST", "/", body, {
                "webhook-id": "evt_1", "webhook-timestamp": stamp,
                "webhook-signature": signatures})
            self.assertEqual(answer.status, status)
        self.assertIn("  x\n", process.stdout.read())
        self.assertEqual(process.wait(timeout=20), DONE)
        self.fails(REFUSED, "webhooks", "listen", "--secret-file", self.file("whsec_x", "bad"))

    def test_events_are_tailed(self):
        campaign = self.one.campaign(targets=["+14155550123", "+14155550124"])["id"]
        process = subprocess.Popen([BIN, "events", "tail", "--json"], env=self.env(), text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        self.ok("campaigns", "start", campaign)
        lines = []
        while not any(campaign in line and "campaign.completed" in line for line in lines):
            lines.append(process.stdout.readline())
            self.assertTrue(lines[-1], lines)
        events = [json.loads(line) for line in lines]
        sequences = [event["sequence"] for event in events]
        self.assertEqual(sequences, sorted(set(sequences)))
        # byte for byte what the log has
        answer = self.one.api.request("GET", f"/v1/events?after={sequences[0] - 1}&limit=200")
        for line in lines:
            self.assertIn(line.rstrip("\n").encode(), answer.body)
        process.kill()
        newest = self.one.api.get("/v1/events?limit=200")["data"][-1]["sequence"]
        shown = self.ok("events", "tail", "--no-follow", "--types", "campaign.completed")
        self.assertTrue(all("campaign.completed" in line for line in shown.splitlines()), shown)
        self.assertIn(campaign, shown)
        ten = [json.loads(line)["sequence"] for line in
               self.ok("events", "tail", "--no-follow", "--json").splitlines()]
        self.assertLessEqual(len(ten), 10)
        self.assertGreaterEqual(ten[-1], newest)
        first = self.ok("events", "tail", "--after", "0", "--count", "1")
        self.assertEqual(len(first.splitlines()), 1)

    # --- the rest

    def test_what_else_there_is(self):
        self.assertEqual(self.json("workspace", "show")["id"], self.one.workspace)
        renamed = self.json("workspace", "update", "--name", "J\u00f6rg \U0001f4de")
        self.assertEqual(renamed["name"], "J\u00f6rg \U0001f4de")
        preview = self.json("schedule", "preview", "30 9 * * mon-fri", "--timezone",
                            "Europe/Berlin", "--count", "2", "--after", "2026-03-27T12:00:00Z")
        self.assertEqual(preview["occurrences"][0], {"at": "2026-03-30T07:30:00.000Z",
                                                     "local": "2026-03-30T09:30:00+02:00"})
        self.assertIn("2026-03-30T09:30:00+02:00", self.ok(
            "schedule", "preview", "30 9 * * mon-fri", "--timezone", "Europe/Berlin", "--after",
            "2026-03-27T12:00:00Z"))
        self.assertIn("invalid_cron", self.fails(REFUSED, "schedule", "preview", "61 * * * *"))

    def test_suppressions(self):
        number = self.fresh_number()
        made = self.json("suppressions", "add", number, "--reason", "asked")
        self.assertTrue(self.json("suppressions", "check", number)["suppressed"])
        self.assertIn("asked", self.ok("suppressions", "list", "--to", number))
        self.assertEqual(self.ok("suppressions", "remove", made["id"]), "removed\n")
        self.assertFalse(self.json("suppressions", "check", number)["suppressed"])

    def test_agents_numbers_and_trunks(self):
        agent = self.json("agents", "create", "--name", "a", "--endpoint",
                          '{"sip_uri":"sip:a@example.com"}')
        self.assertEqual(self.json("agents", "update", agent["id"], "--name", "b")["name"], "b")
        self.assertEqual(self.json("agents", "show", agent["id"])["endpoint"],
                         {"sip_uri": "sip:a@example.com"})
        self.assertIn("sip_uri sip:a@example.com", self.ok("agents", "list"))
        trunk = self.json("trunks", "create", "--name", "t", "--dialer", "sip", "--settings",
                          '{"host":"sip.example.com","password":"very secret"}')
        self.assertTrue(self.json("trunks", "show", trunk["id"])["has_secrets"])
        self.assertEqual(self.json("trunks", "update", trunk["id"], "--name", "u")["name"], "u")
        listed = self.ok("trunks", "list")
        self.assertIn("host sip.example.com", listed)
        self.assertNotIn("very secret", listed)
        e164 = self.fresh_number()
        number = self.json("numbers", "create", e164, "--trunk", trunk["id"],
                           "--calls-per-minute", "60")
        self.assertEqual((number["e164"], number["calls_per_minute"]), (e164, 60))
        limits = self.json("numbers", "update", number["id"], "--calls-per-minute", "none")
        self.assertIsNone(limits["calls_per_minute"])
        self.assertEqual(self.json("numbers", "show", number["id"]), limits)
        self.assertIn(e164, self.ok("numbers", "list"))
        self.fails(CONFLICT, "trunks", "delete", trunk["id"])
        self.assertEqual(self.ok("numbers", "delete", number["id"]), "deleted\n")
        self.assertEqual(self.ok("trunks", "delete", trunk["id"]), "deleted\n")
        self.assertEqual(self.ok("agents", "delete", agent["id"]), "deleted\n")

    def test_keys_and_the_audit_trail(self):
        made = self.json("keys", "create", "--name", "k", "--scopes", "read", "--rate-per-minute",
                         "none")
        self.assertEqual((made["scopes"], made["rate_per_minute"]), (["read"], None))
        reader = self.env(BELFRY_API_KEY=made["key"])
        self.assertEqual(self.json("workspace", "show", env=reader)["id"], self.one.workspace)
        said = self.fails(ACCESS, "agents", "create", "--name", "x", env=reader)
        self.assertIn("it needs the scope write", said)
        self.assertIn(made["id"], self.ok("keys", "list", "--status", "active"))
        self.assertEqual(self.ok("keys", "revoke", made["id"]), "revoked\n")
        self.fails(ACCESS, "workspace", "show", env=reader)
        self.assertIn(made["id"], self.ok("audit", "list", "--action", "key.revoke"))

    def test_pages_are_followed(self):
        numbers = [f"+1415556{n:04d}" for n in range(25)]
        campaign = self.one.campaign(targets=numbers)["id"]
        one = self.run_cli("targets", "list", campaign, "--limit", "10")
        self.assertEqual(len(one.stdout.splitlines()), 11)
        cursor = re.fullmatch(r"there are more: --all, or --cursor (\S+)\n", one.stderr).group(1)
        self.assertEqual(len(self.json("targets", "list", campaign, "--limit", "10", "--cursor",
                                       cursor)["data"]), 10)
        every = self.ok("targets", "list", campaign, "--limit", "10", "--all")
        self.assertEqual(sorted(re.findall(r"\+1\d+", every)), numbers)
        self.assertEqual(every.count("EXTERNAL ID"), 1)
        pages = self.ok("targets", "list", campaign, "--limit", "10", "--all", "--json")
        self.assertEqual([len(json.loads(page)["data"]) for page in pages.splitlines()], [10, 10, 5])
        self.assertEqual(self.run_cli("targets", "list", self.one.campaign()["id"]).stderr, "none\n")
        self.fails(USAGE, "targets", "list", campaign, "--all", "--cursor", cursor)

    # --- failures

    def test_a_problem_is_told_with_pointers_and_options(self):
        said = self.fails(REFUSED, "campaigns", "create", "--name", "", "--from", "12", "--rate",
                          "0", "--agent", self.one.agent)
        self.assertRegex(said, r"^belfry: .* \(422 validation_error\)\n")
        self.assertIn("  /from_number (--from): must be E.164", said)
        self.assertIn("  /rate_limit_per_minute (--rate): ", said)
        as_json = self.run_cli("campaigns", "create", "--name", "", "--from", "12", "--json")
        self.assertEqual(as_json.returncode, REFUSED)
        self.assertEqual(as_json.stdout, "")
        self.assertEqual(json.loads(as_json.stderr)["code"], "validation_error")

    def test_a_wrong_command_line_asks_nothing(self):
        for args in (["campaigns"], ["campaigns", "lists"], ["nothing"], [],
                     ["campaigns", "list", "--rate", "3"], ["campaigns", "show"],
                     ["campaigns", "show", "a", "b"], ["campaigns", "list", "--limit", "many"],
                     ["calls", "create", "--variables", "{"],
                     ["webhooks", "listen", "--port", "70000"], ["events", "tail", "--count", "0"]):
            self.fails(USAGE, *args)
        said = self.fails(USAGE, "campaigns", "create", "--variables", '{"a":1,}')
        self.assertIn("--variables", said)
        self.fails(USAGE, "campaigns", "list", env=self.env(BELFRY_TYPO="1"))
        self.fails(USAGE, "campaigns", "list", env=self.env(BELFRY_URL="ftp://example.com"))

    def test_help_for_each_command(self):
        rows = re.findall(r"^  (belfry [a-z]+(?: [a-z]+)?)(?=  | [A-Z\[])", self.ok("--help"),
                          re.MULTILINE)
        for row in rows:
            words = row.split()[1:]
            text = self.ok(*words, "--help")
            self.assertTrue(text.startswith(f"usage: {row}"), text)
            self.assertEqual(self.ok("help", *words), text)
        self.assertIn("belfry campaigns create", self.ok("campaigns", "--help"))
        self.assertEqual(self.ok("help"), self.ok("--help"))
        self.fails(USAGE, "help", "nothing")

    def test_the_manual_is_the_page_in_docs(self):
        with open(os.path.join(belfry.ROOT, "docs/belfry.1"), encoding="utf-8") as file:
            self.assertEqual(self.ok("manual"), file.read())

    def complete(self, *words):
        script = (f'PATH="{os.path.dirname(BIN)}:$PATH"; source <(belfry completion bash); '
                  'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _belfry; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-c", script, "bash", *words], env=environment(), text=True,
                              capture_output=True, timeout=30, check=True)
        return done.stdout.split()

    def test_bash_completes(self):
        self.assertIn("complete -F _belfry belfry", self.ok("completion", "bash"))
        self.assertEqual(self.complete("belfry", "cam"), ["campaigns"])
        self.assertEqual(self.complete("belfry", "campaigns", "st"), ["stats", "start"])
        self.assertEqual(self.complete("belfry", "campaigns", "create", "--cs"), ["--csv"])
        self.assertEqual(self.complete("belfry", "calls", "list", "--outcome", "an"),
                         ["answered", "answered_machine"])
        self.assertEqual(self.complete("belfry", "logout", "-"), ["--help"])

    # --- terminals

    def lines(self, text):
        return ESCAPE.sub("", text).replace("\r\n", "\n").split("\n")

    def test_a_table_is_no_wider_than_its_terminal(self):
        self.one.campaign(name="a name that is much longer than a column of a table may be")
        for columns in (80, 100, 140):
            code, text = Terminal(["campaigns", "list"], self.env(), columns).end()
            self.assertEqual(code, DONE)
            self.assertEqual([line for line in self.lines(text) if len(line) > columns], [])
            self.assertIn("\u2026", text)
        self.assertIn("a name that is much longer than a column of a table may be",
                      self.ok("campaigns", "list"))

    def test_colours_are_for_terminals(self):
        self.one.campaign()
        self.json("suppressions", "add", self.fresh_number())
        _, text = Terminal(["keys", "list"], self.env()).end()
        self.assertIn("\x1b[32mactive\x1b[0m", text)
        for env in (self.env(NO_COLOR="1"), self.env(TERM="dumb")):
            _, text = Terminal(["keys", "list"], env).end()
            self.assertIn("active", text)
            self.assertNotIn("\x1b", text)
        self.assertNotIn("\x1b", self.ok("keys", "list"))

    def test_names_move_no_cursor(self):
        campaign = self.one.campaign(name="a\x1b[2J\u202eb")["id"]
        for args in (["campaigns", "list"], ["campaigns", "show", campaign]):
            _, text = Terminal(args, self.env(NO_COLOR="1"), 200).end()
            self.assertIn("a\ufffd[2J\ufffdb", text)
            self.assertNotIn("\x1b", text)

    def test_a_bar_grows_while_a_file_is_sent(self):
        path = self.file("to_number,text\n" + "".join(
            f"+1{3000000000 + n},{'x' * 1000}\n" for n in range(20000)))
        terminal = Terminal(["campaigns", "create", *self.draft_args(), "--csv", path], self.env(),
                            80)
        code, text = terminal.end()
        self.assertEqual(code, DONE, text)
        frames = [ESCAPE.sub("", frame) for frame in text.split("\r")]
        sending = [int(re.search(r"(\d+) %", f).group(1)) for f in frames if "sending" in f]
        rows = [int(re.search(r"(\d+) %", f).group(1)) for f in frames if "rows  " in f]
        self.assertGreater(len(sending), 2)
        self.assertEqual(sending, sorted(sending))
        self.assertEqual(sending[-1], 100)
        self.assertEqual(rows, sorted(rows))
        self.assertTrue(rows)
        self.assertTrue(all(len(f) < 80 for f in frames if " % " in f), frames)
        self.assertIn("[=", text)
        self.assertIn("20000 rows, 20000 new, 0 known, 0 rejected", text)

    def test_a_watch_on_a_terminal_redraws_one_line(self):
        campaign = self.one.campaign(targets=["+14155550123", "+14155550001"])["id"]
        terminal = Terminal(["campaigns", "watch", campaign], self.env(NO_COLOR="1"), 90)
        terminal.read("draft")
        self.ok("campaigns", "start", campaign)
        code, text = terminal.end()
        self.assertEqual(code, DONE)
        last = self.lines(text)[-2].split("\r")[-1]
        self.assertRegex(last, r"Z  completed  2 in all, .* 1 answered, 1 failed, 0 skipped$")
        frames = ESCAPE.sub("", text).split("\r")
        self.assertTrue(all(len(frame.strip()) < 90 for frame in frames[:-2]), frames)
        self.assertTrue(any("[" in frame and "2 in all" in frame for frame in frames), frames)

    # --- logging in

    def test_login_on_a_terminal_hides_the_key(self):
        home = self.folder()
        api, env = self.one.api, environment(HOME=home)
        terminal = Terminal(["login", "--url", f"http://{api.host}:{api.port}/"], env)
        terminal.read("API key: ")
        terminal.type(api.key + "\n")
        code, text = terminal.end()
        self.assertEqual(code, DONE, text)
        self.assertNotIn(api.key, text)
        path = os.path.join(home, ".config/belfry/session")
        self.assertIn(path, text)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode), 0o700)
        self.assertEqual(self.json("workspace", "show", env=env)["id"], self.one.workspace)
        # the stored key is for the stored URL
        said = self.fails(ACCESS, "workspace", "show",
                          env={**env, "BELFRY_URL": "http://127.0.0.1:9"})
        self.assertIn("there is no key for http://127.0.0.1:9", said)
        # the environment goes before it
        self.fails(ACCESS, "workspace", "show", env={**env, "BELFRY_API_KEY": "bf_live_wrong"})
        os.chmod(path, 0o640)
        self.assertIn("chmod 600", self.fails(USAGE, "workspace", "show", env=env))
        os.chmod(path, 0o600)
        self.assertEqual(self.ok("logout", env=env), "forgotten\n")
        self.assertEqual(self.ok("logout", env=env), "there was nothing to forget\n")
        self.assertIn("nobody has logged in", self.fails(ACCESS, "workspace", "show", env=env))

    def test_login_from_a_pipe_tries_the_key(self):
        config = self.folder()
        api, env = self.one.api, environment(XDG_CONFIG_HOME=config)
        env["BELFRY_URL"] = f"http://{api.host}:{api.port}"
        self.fails(ACCESS, "login", env=env, stdin="bf_live_wrong\n")
        self.assertFalse(os.path.exists(os.path.join(config, "belfry/session")))
        self.fails(USAGE, "login", env=env, stdin="\n")
        self.ok("login", env=env, stdin=api.key + "\n")
        narrow = self.key(self.one.workspace, scopes="control")
        self.ok("login", env=env, stdin=narrow)  # a good key, if not for reading
        with open(os.path.join(config, "belfry/session"), encoding="ascii") as file:
            self.assertEqual(file.read(), f"BELFRY_URL={env['BELFRY_URL']}\nBELFRY_API_KEY={narrow}\n")

    def test_ctrl_c_at_the_question_leaves_the_terminal_as_it_was(self):
        terminal = Terminal(["login", "--url", "http://127.0.0.1:9"],
                            environment(HOME=self.folder()))
        terminal.read("API key: ")
        self.assertFalse(termios.tcgetattr(terminal.fd)[3] & termios.ECHO)
        terminal.type("\x03")
        terminal.read("nothing was entered")
        self.assertTrue(termios.tcgetattr(terminal.fd)[3] & termios.ECHO)
        self.assertEqual(terminal.end()[0], USAGE)


class Fake(http.server.ThreadingHTTPServer):
    """An API of a few words: answers(request) gives (status, headers, body), or None to hang up."""

    daemon_threads = True

    def __init__(self, answers):
        self.answers, self.requests = answers, []
        super().__init__(("127.0.0.1", 0), FakeHandler)
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.shutdown()
        self.server_close()
        self.thread.join(timeout=10)


class FakeHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def serve(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.server.requests.append((self.command, self.path, dict(self.headers), body))
        answer = self.server.answers(len(self.server.requests))
        self.close_connection = True
        if answer is None:
            return
        status, headers, text = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PATCH = do_DELETE = serve

    def log_message(self, *_):
        pass


class FailuresTest(belfry.TestCase):
    """belfry and an API that has its troubles."""

    def fake(self, answers):
        fake = Fake(answers if callable(answers) else lambda n: answers[min(n, len(answers)) - 1])
        self.addCleanup(fake.close)
        return fake

    def run_cli(self, fake, *args, stdin=None, timeout_s=60):
        env = environment(BELFRY_URL=f"http://127.0.0.1:{fake.server_address[1]}",
                          BELFRY_API_KEY="bf_test_x")
        return subprocess.run([BIN, *args], env=env, input=stdin, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL if stdin is None else None,
                              timeout=timeout_s, check=False)

    def test_a_busy_api_is_asked_again_when_it_says(self):
        for status in (429, 503):
            fake = self.fake([(status, {"Retry-After": "1"}, "{}"), (200, {}, '{"id":"a"}')])
            began = time.monotonic()
            done = self.run_cli(fake, "workspace", "show")
            self.assertEqual((done.returncode, done.stdout), (DONE, "id  a\n"), done.stderr)
            self.assertGreaterEqual(time.monotonic() - began, 1)
            self.assertEqual(len(fake.requests), 2)

    def test_a_post_is_repeated_under_its_key(self):
        fake = self.fake([None, (409, {}, '{"code":"idempotency_in_progress"}'),
                          (200, {}, '{"id":"cmp_1"}')])
        done = self.run_cli(fake, "campaigns", "start", "cmp_1")
        self.assertEqual(done.returncode, DONE, done.stderr)
        keys = {headers["Idempotency-Key"] for _, _, headers, _ in fake.requests}
        self.assertEqual((len(fake.requests), len(keys)), (3, 1))
        self.assertRegex(keys.pop(), "^[0-9a-f]{32}$")

    def test_what_is_not_safe_is_not_repeated(self):
        for answer in ((503, {"Retry-After": "0"}, "{}"), None):
            fake = self.fake([answer])
            done = self.run_cli(fake, "campaigns", "update", "cmp_1", "--name", "x")
            self.assertEqual((done.returncode, len(fake.requests)), (AWAY, 1), done.stderr)
        self.assertIn("nobody knows whether it was done", done.stderr)
        fake = self.fake([(429, {"Retry-After": "0"}, "{}"), (200, {}, "{}")])
        self.assertEqual(self.run_cli(fake, "campaigns", "update", "cmp_1").returncode, DONE)

    def test_patience_has_an_end(self):
        fake = self.fake([(429, {"Retry-After": "0"}, '{"code":"rate_limited","detail":"d"}')])
        done = self.run_cli(fake, "workspace", "show")
        self.assertEqual((done.returncode, len(fake.requests)), (AWAY, 6))
        self.assertIn("belfry: d (429 rate_limited)", done.stderr)
        fake = self.fake([(503, {"Retry-After": "3600"}, "{}")])
        began = time.monotonic()
        self.assertEqual(self.run_cli(fake, "workspace", "show").returncode, AWAY)
        self.assertLess(time.monotonic() - began, 10)
        fake = self.fake([None])
        self.assertEqual(self.run_cli(fake, "workspace", "show").returncode, AWAY)
        self.assertEqual(len(fake.requests), 3)

    def test_nobody_there(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        done = subprocess.run([BIN, "workspace", "show"], capture_output=True, text=True,
                              timeout=60, check=False, stdin=subprocess.DEVNULL,
                              env=environment(BELFRY_URL=f"http://127.0.0.1:{port}",
                                              BELFRY_API_KEY="x"))
        self.assertEqual(done.returncode, AWAY)
        self.assertIn(f"http://127.0.0.1:{port} cannot be reached", done.stderr)

    def test_the_key_follows_no_redirect(self):
        other = self.fake([(200, {}, "{}")])
        fake = self.fake([(302, {"Location": f"http://127.0.0.1:{other.server_address[1]}/"}, "")])
        self.assertEqual(self.run_cli(fake, "workspace", "show").returncode, REFUSED)
        self.assertEqual(other.requests, [])
        self.assertEqual(fake.requests[0][2]["Authorization"], "Bearer bf_test_x")

    def test_arguments_stay_in_their_place(self):
        fake = self.fake([(200, {}, "{}")])
        for arg, path in (("../x", "..%2Fx"), ("..", "%2E%2E"), ("a?b=c", "a%3Fb%3Dc"),
                          ("\u00f6", "%C3%B6"), ("a%2Fb", "a%252Fb")):
            self.run_cli(fake, "campaigns", "show", arg)
            self.assertIn(fake.requests[-1][1], (f"/v1/campaigns/{path}", "/v1/campaigns/.."))
            self.assertNotEqual(fake.requests[-1][1], "/v1/x")
        self.run_cli(fake, "campaigns", "list", "--search", "a&b=c d")
        self.assertEqual(fake.requests[-1][1], "/v1/campaigns?q=a%26b%3Dc%20d")

    def test_an_answer_that_is_none(self):
        for text in ("<html>", '{"data":7}', "[]", '{"data":[{}]'):
            done = self.run_cli(self.fake([(200, {}, text)]), "campaigns", "list")
            self.assertEqual(done.returncode, AWAY, text)
            self.assertRegex(done.stderr, "^belfry: the answer is not ")

    def test_a_file_that_breaks_off_is_not_left(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "out.csv")
        fake = self.fake([(200, {"Content-Length": "100"}, "id,to_number\n")])
        done = self.run_cli(fake, "campaigns", "export", "cmp_1", "--output", path)
        self.assertEqual((done.returncode, len(fake.requests)), (AWAY, 1), done.stderr)
        self.assertIn("broke off", done.stderr)
        self.assertEqual(os.listdir(folder.name), [])

    def test_an_upload_is_repeated_from_its_beginning(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "in.csv")
        with open(path, "w", encoding="ascii") as file:
            file.write("to_number\n+14155550123\n")
        done_import = json.dumps({"id": "imp_1", "status": "completed", "received": 1,
                                  "inserted": 1, "deduped": 0, "rejected": 0})
        fake = self.fake([(503, {"Retry-After": "0"}, "{}"), (202, {}, done_import),
                          (200, {}, done_import)])
        done = self.run_cli(fake, "targets", "add", "cmp_1", "--csv", path)
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertEqual([r[3] for r in fake.requests[:2]], [b"to_number\n+14155550123\n"] * 2)
        self.assertEqual(fake.requests[0][2]["Idempotency-Key"],
                         fake.requests[1][2]["Idempotency-Key"])
        self.assertEqual(fake.requests[0][2]["Content-Type"], "text/csv")

    def test_a_watch_goes_on_where_it_was(self):
        def event(number, status):
            data = json.dumps({"status": status, "counts": {"total": 1}})
            return f"id: {number}\nevent: state\ndata: {data}\n\n"

        stream = {"Content-Type": "text/event-stream", "Content-Length": "100000"}
        fake = self.fake([(200, stream, event(1, "active") + "id: 9\nda"), None,
                          (503, {}, "{}"), (200, stream, event(2, "completed")), (204, {}, "")])
        done = self.run_cli(fake, "campaigns", "watch", "cmp_1", "--json")
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertEqual([json.loads(line)["status"] for line in done.stdout.splitlines()],
                         ["active", "completed"])
        ids = [headers.get("Last-Event-ID") for _, _, headers, _ in fake.requests]
        self.assertEqual((ids[0], ids[-1]), (None, "2"))
        self.assertEqual(len(ids), 5)
        gone = self.run_cli(self.fake([(404, {}, '{"code":"not_found","detail":"d"}')]),
                            "campaigns", "watch", "cmp_1")
        self.assertEqual(gone.returncode, ABSENT)
