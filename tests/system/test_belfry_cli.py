"""The command line belfry: every command against a running stack, its help, its manual, completion."""
import glob
import json
import os
import re
import subprocess
import time
import unittest

import belfry
from cli_case import ABSENT, ACCESS, BIN, CONFLICT, DONE, REFUSED, USAGE, Cli, environment


class CommandsTest(Cli):
    frozen = False

    def test_every_command_of_the_table_is_driven_in_one_of_these_files(self):
        source = ""
        for path in glob.glob(os.path.join(os.path.dirname(__file__), "test_belfry_*.py")):
            with open(path, encoding="utf-8") as file:
                source += file.read()
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

    # --- the rest

    def test_what_else_there_is(self):
        self.assertEqual(self.json("workspace", "show")["id"], self.one.workspace)
        renamed = self.json("workspace", "update", "--name", "J\u00f6rg \U0001f4de")
        self.assertEqual(renamed["name"], "J\u00f6rg \U0001f4de")
        limited = self.json("workspace", "update", "--requests-per-minute", "600000")
        self.assertEqual(limited["requests_per_minute"], 600000)
        limited = self.json("workspace", "update", "--requests-per-minute", "none")
        self.assertIsNone(limited["requests_per_minute"])
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


if __name__ == "__main__":
    unittest.main()
