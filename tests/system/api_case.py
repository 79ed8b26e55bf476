"""What the tests of the HTTP API share: one stack for a whole class, tenants and keys made by
belfry-admin, and reading problems."""
import os
import subprocess
import sys
import uuid

import belfry

CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
ALL_SCOPES = "read,write,control,admin,operator"


def type_id(prefix, value=None):
    """An id of the API from a UUID; a fresh one without."""
    number, text = (uuid.uuid4() if value is None else uuid.UUID(value)).int, ""
    for _ in range(26):
        text = CROCKFORD[number & 31] + text
        number >>= 5
    return f"{prefix}_{text}"


def to_uuid(text):
    """The UUID inside an id of the API."""
    number = 0
    for char in text.rpartition("_")[2]:
        number = number << 5 | CROCKFORD.index(char)
    return str(uuid.UUID(int=number))


class Tenant:
    """A workspace with an agent, a trunk, a number and a key with all scopes."""

    def __init__(self, case, e164):
        self.workspace = case.admin("workspace", "create", "--name", "tenant")
        self.agent = case.admin("agent", "create", "--workspace", self.workspace, "--name", "a")
        self.trunk = case.admin("trunk", "create", "--workspace", self.workspace, "--name", "t",
                                "--dialer", "sim")
        self.e164 = e164
        self.number = case.admin("number", "create", "--workspace", self.workspace, "--e164", e164,
                                 "--trunk", self.trunk)
        self.api = case.client(case.key(self.workspace))

    def draft(self, **fields):
        return {"kind": "bulk", "name": "test", "agent_id": self.agent, "from_number": self.e164,
                "rate_limit_per_minute": 60, **fields}

    def campaign(self, **fields):
        return self.api.post("/v1/campaigns", self.draft(**fields))


class ApiCase(belfry.TestCase):
    """One stack for all tests of the class; `frozen` ends what would move calls by itself."""

    options = {"dispatchers": 1, "schedulers": 1}
    frozen = True
    next_number = 0

    @classmethod
    def setUpClass(cls):
        cls.it = belfry.Stack(**cls.options)
        cls.addClassCleanup(cls.it.close)
        cls.it.up()
        if cls.frozen:
            for service in ("scheduler", "dispatcher", "webhook-sender"):
                cls.it.kill("TERM", service)
        cls.clients = []
        cls.one = Tenant(cls, "+15557000001")
        cls.two = Tenant(cls, "+15557000002")

    @classmethod
    def client(cls, key):
        client = cls.it.client(key)
        cls.addClassCleanup(client.close)
        return client

    @classmethod
    def admin(cls, *args):
        """The last line that belfry-admin prints, with the stack's own settings."""
        home = cls.it.home
        script = f'set -a; . "{home}/run/settings"; . "{home}/env"; exec "$@"'
        program = os.path.join(os.environ.get("BELFRY_BIN", os.path.join(belfry.ROOT, "build/bin")),
                               "belfry-admin")
        env = {k: v for k, v in os.environ.items() if not k.startswith("BELFRY_")}
        done = subprocess.run(["bash", "-c", script, "admin", program, *args], env=env, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                              check=False)
        if done.returncode != 0:
            raise AssertionError(f"belfry-admin {args}: {done.stdout}{done.stderr}")
        return "".join(done.stdout.split()[-1:]).rpartition("=")[2]

    @classmethod
    def key(cls, workspace, scopes=ALL_SCOPES, rate="none"):
        return cls.admin("key", "create", "--workspace", workspace, "--name", "k", "--scopes",
                         scopes, "--rate-per-minute", str(rate))

    @classmethod
    def fresh_number(cls):
        ApiCase.next_number += 1
        return f"+1556{os.getpid() % 1000:03d}{ApiCase.next_number:04d}"

    def peak_kb(self, name):
        """The most memory that a process of the stack ever had resident; 0 under a sanitizer, which
        keeps hundreds of megabytes of freed memory."""
        pid = self.it.pid(name)
        with open(f"/proc/{pid}/maps", encoding="utf-8") as file:
            if "libasan" in file.read():
                return 0
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))

    def problem(self, answer, status, code, *pointers):
        """The answer is this problem, whole in form, with a fault at each of the pointers."""
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        body = answer.json
        self.assertEqual((body["status"], body["code"]), (status, code), body)
        self.assertEqual(body["type"], "https://belfry.dev/errors/" + code)
        self.assertTrue(body["title"] and body["detail"], body)
        self.assertEqual(body["request_id"], answer.headers["X-Request-Id"])
        if pointers:
            self.assertEqual(sorted(e.get("pointer", e.get("parameter")) for e in body["errors"]),
                             sorted(pointers), body)
        return body


class Session:
    """A psql session that stays open: what it locks stays locked until close()."""

    def __init__(self, stack):
        env = {**os.environ, "BELFRY_HOME": stack.home}
        self.process = subprocess.Popen([belfry.STACK, "psql", "-qAtX"], env=env, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=sys.stderr)

    def run(self, sql):
        """Runs statements and waits for them."""
        self.process.stdin.write(f"{sql};\n\\echo done\n")
        self.process.stdin.flush()
        lines = []
        while (line := self.process.stdout.readline()) != "done\n":
            if not line:
                raise AssertionError(f"psql ended at: {sql}")
            lines.append(line.rstrip("\n"))
        return lines

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()
