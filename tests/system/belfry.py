"""What system tests are made of: a private stack, an API client, a webhook receiver, the carrier's
ledger, and waiting for conditions with a deadline.

    class BulkTest(belfry.TestCase):
        def test_dials_each_target_once(self):
            stack = self.stack(dispatchers=2)
            campaign = stack.campaign(targets=belfry.numbers(100), rate=6000)
            stack.start_campaign(campaign)
            stack.wait_status(campaign, "completed", 60)

Nothing here is shared between tests: ports are free ones, directories are
temporary, servers are private.
"""
import http.client
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy/local"))
import belfry_client  # noqa: E402
import contract  # noqa: E402
import pq  # noqa: E402
from stopwatch import Stopwatch  # noqa: E402,F401
# Tests use these as belfry.Receiver, belfry.wait_until, ...
from belfry_client import (  # noqa: E402,F401
    Answer, ApiError, Hook, Ledger, Receiver, now_us, parse_time_us, sign, wait_until)

STACK = os.path.join(ROOT, "deploy/local/stack")
FROM_NUMBER = "+15550100000"
# Deliveries that wait or are in hand: rows that were tried or stand alone, and what ranges owe.
WAITING = "SELECT (SELECT count(*) FROM delivery) + (SELECT count(*) FROM delivery_owed)"
# 0 when none does and each range was tidied up; quickly counted.
UNSETTLED = "SELECT (SELECT count(*) FROM delivery) + (SELECT count(*) FROM delivery_range)"
SANITIZER = re.compile(r"ERROR: (?:Address|Leak)Sanitizer|runtime error:|Assertion .* failed")


def numbers(count, last4=None, block=0):
    """Distinct numbers: with the given last four digits, or with ones that mean nothing.

    Each block is a million numbers of its own.
    """
    if last4 is not None:
        if count > 10000:
            raise ValueError("a block has 10,000 numbers for each ending")
        return [f"+1{200 + block:03d}{n:04d}{int(last4):04d}" for n in range(count)]
    # Endings from 1000 on are ordinary ones.
    return [f"+1{200 + block:03d}{5000 + n // 9000:04d}{1000 + n % 9000:04d}" for n in range(count)]


class Api(belfry_client.Api):
    """The client that programs beside Belfry use, which here holds every exchange to the document."""

    is_checked = True

    def check(self, method, path, body, headers, answer):
        """Holds an exchange that did not go through request() to the document."""
        if self.is_checked:
            contract.check(method, path, body, headers, answer)
        return answer

    def request(self, method, path, body=None, headers=None):
        return self.check(method, path, body, headers, super().request(method, path, body, headers))


# --- the stack ---------------------------------------------------------------------------------


class Stack:
    """deploy/local/stack with a home of its own; goes down and away on close().

    Settings are given without their prefix: settings={"SIM_TALK_MS": 50}.
    """

    def __init__(self, dispatchers=1, schedulers=1, gateways=1, webhook_senders=1, settings=None,
                 dialer="sim"):
        self.options = ["--dispatchers", dispatchers, "--schedulers", schedulers, "--gateways",
                        gateways, "--webhook-senders", webhook_senders, "--dialer", dialer]
        self.home = tempfile.mkdtemp(prefix="stack-")
        os.chmod(self.home, 0o711)
        self.settings = {f"BELFRY_{key}": str(value) for key, value in (settings or {}).items()}
        self.env, self.api, self.agent_id, self.number_id = {}, None, None, None
        self.sessions, self.ledger_ = None, None

    def call(self, *args, timeout_s=120, check=True):
        """Runs a command of the stack."""
        env = {**os.environ, "BELFRY_HOME": self.home, **self.settings}
        done = subprocess.run([STACK, *map(str, args)], env=env, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, timeout=timeout_s, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"stack {' '.join(map(str, args))}: exit code {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def run(self, *args, **options):
        """Runs a command of the stack and returns what it printed."""
        return self.call(*args, **options).stdout

    def up(self):
        self.run("up", *self.options)
        with open(os.path.join(self.home, "env"), encoding="utf-8") as file:
            for line in file:
                name, _, value = line.strip().partition("=")
                self.env[name] = shlex.split(value)[0] if value else ""
        self.api = self.client()
        self.sessions, self.ledger_ = pq.Sessions(self.env["BELFRY_DATABASE_URL"]), None
        self.agent_id = self.api.get("/v1/agents")["data"][0]["id"]
        self.number_id = self.api.get("/v1/numbers")["data"][0]["id"]
        return self

    def client(self, key=None):
        return Api(self.env["BELFRY_URL"], self.env["BELFRY_API_KEY"] if key is None else key)

    def kill(self, signal_name, service):
        self.run("kill", f"-{signal_name}", service)

    def start(self, service):
        self.run("start", service)

    def restart(self, service):
        self.run("restart", service)

    def scrape(self, name):
        """The text of a service's /metrics."""
        return self.operator_get(name, "/metrics")[1]

    def operator_get(self, name, path):
        """(status, text) of a path on the port that a service has for its operators."""
        with open(os.path.join(self.home, "run", f"{name}.metrics"), encoding="utf-8") as file:
            port = int(file.read())
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def instances(self):
        """Names of Belfry's own processes, such as dispatcher.1."""
        with open(os.path.join(self.home, "run", "plan"), encoding="utf-8") as file:
            return file.read().split()

    def pid(self, name):
        with open(os.path.join(self.home, "run", f"{name}.pid"), encoding="utf-8") as file:
            return int(file.read())

    def psql(self, sql):
        """Rows of a statement, each a list of texts."""
        return self.sessions.run(sql)

    def value(self, sql):
        rows = self.psql(sql)
        return rows[0][0] if rows else None

    def redis(self, *args):
        return self.run("redis-cli", *args).rstrip("\n")

    def ledger(self):
        """One for all who ask: what was read of it is not read again."""
        self.ledger_ = self.ledger_ or Ledger(self.env["BELFRY_CARRIER_LEDGER"])
        return self.ledger_

    def log(self, name):
        path = os.path.join(self.home, "log", f"{name}.log")
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def log_tails(self, lines=25):
        folder = os.path.join(self.home, "log")
        if not os.path.isdir(folder):
            return ""
        parts = []
        for file in sorted(os.listdir(folder)):
            tail = self.log(file[:-len(".log")]).splitlines()[-lines:]
            parts.append(f"--- {file}\n" + "\n".join(tail))
        return "\n".join(parts)

    def leader(self):
        """The instance, such as scheduler.1, whose log says last that it leads; None for none."""
        latest = None
        for name in sorted(os.listdir(os.path.join(self.home, "log"))):
            if not name.startswith("scheduler."):
                continue
            for line in self.log(name[:-len(".log")]).splitlines():
                if re.search(r"\bleading epoch=", line):
                    stamp = line.split(" ", 1)[0]
                    if latest is None or stamp > latest[0]:
                        latest = (stamp, name[:-len(".log")])
        return latest and latest[1]

    def down(self):
        """Ends all of it, and returns who did not end in time and was killed."""
        return re.findall(r"stack: (.* was killed)", self.call("down", timeout_s=180).stderr)

    def close(self):
        """Ends the stack, removes its home, and fails if a program complained of itself, did not end
        when it was told to, or answered what the API's document does not say."""
        if not os.path.isdir(self.home):
            return
        try:
            if self.api:
                self.api.close()
                self.sessions.close()
            faults = self.down() + contract.FAULTS
            folder = os.path.join(self.home, "log")
            for file in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
                text = self.log(file[:-len(".log")])
                found = SANITIZER.search(text)
                if found:
                    faults.append(f"{file}:\n{text[max(0, found.start() - 200):][:4000]}")
        finally:
            self.run("down", "--purge", timeout_s=180, check=False)
            shutil.rmtree(self.home, ignore_errors=True)
        if faults:
            raise AssertionError("a program complained of itself\n" + "\n".join(faults))

    # --- campaigns

    def campaign(self, targets=None, rate=60000, **fields):
        """A bulk campaign in draft, from the demo agent and number."""
        body = {"kind": "bulk", "name": "test", "agent_id": self.agent_id,
                "from_number": FROM_NUMBER, "rate_limit_per_minute": rate, **fields}
        targets = list(targets or [])
        if targets:
            body["targets"] = targets[:10000]
        campaign = self.api.post("/v1/campaigns", body)["id"]
        for at in range(10000, len(targets), 10000):
            self.append(campaign, targets[at:at + 10000])
        return campaign

    def append(self, campaign, targets):
        return self.api.post(f"/v1/campaigns/{campaign}/targets", {"targets": list(targets)})

    def act(self, campaign, action):
        return self.api.post(f"/v1/campaigns/{campaign}/{action}")

    def start_campaign(self, campaign):
        return self.act(campaign, "start")

    def counts(self, campaign):
        return self.api.get(f"/v1/campaigns/{campaign}")["counts"]

    def wait_status(self, campaign, status, deadline_s):
        """The campaign, once it has the status."""
        seen = {}

        def reached():
            seen.update(self.api.get(f"/v1/campaigns/{campaign}"))
            return seen["status"] == status

        wait_until(reached, deadline_s,
                   lambda: f"campaign {status}; it is {seen.get('status')} with {seen.get('counts')}",
                   interval_s=0.1)
        return seen

    def targets(self, campaign):
        return list(self.api.pages(f"/v1/campaigns/{campaign}/targets"))

    def endpoint(self, receiver, events=("*",), path="/hook"):
        """Registers the receiver for events; it knows the endpoint's secret from then on."""
        made = self.api.post("/v1/webhook-endpoints",
                             {"url": receiver.url(path), "events": list(events)})
        receiver.secrets[path] = made["secret"]
        return made["id"]


class TestCase(unittest.TestCase):
    """A test that gives back what it takes, and shows the logs when it fails."""

    def stack(self, **options):
        stack = Stack(**options)
        self.addCleanup(stack.close)
        self.addCleanup(self._show_logs, stack)
        return stack.up()

    def receiver(self, **options):
        receiver = Receiver(**options)
        self.addCleanup(receiver.close)
        return receiver

    def _show_logs(self, stack):
        # By the result: while cleanups run, unittest's own flag speaks of the cleanup.
        result = getattr(getattr(self, "_outcome", None), "result", None)
        broken = [test for test, _ in result.failures + result.errors] if result else []
        if any(getattr(test, "test_case", test) is self for test in broken):
            print(stack.log_tails(), flush=True)
