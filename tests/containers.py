#!/usr/bin/python3
"""docker-compose.yml tried for real, with secrets of its own: up, a campaign, the death of each container
while it runs, down, and up again with the data kept. Needs Docker and the images that the file names;
`make containers`.

Judged from outside: by the simulated carrier's ledger, the API's answers and what a receiver of webhooks
on the host got, each signature verified."""
import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(ROOT, "tests/system"), os.path.join(ROOT, "deploy/local")]
import judge  # noqa: E402
from belfry_client import Api, Ledger, Receiver, wait_until  # noqa: E402

KILLED = ("dispatcher", "scheduler", "webhook-sender", "redis", "api-gateway", "dialer-sim",
          "scheduler-standby", "postgres")
TARGETS, RATE = 900, 900


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def make_secrets():
    """The folder of the README's last lines about containers: a copy of the one for development, with
    other values, readable for the containers' user."""
    folder = tempfile.mkdtemp(prefix="belfry-secrets-")
    owner, gateway = os.urandom(16).hex(), os.urandom(16).hex()
    key = base64.b64encode(os.urandom(32)).decode()
    values = {"postgres-password": owner, "database-url": f"postgresql://belfry:{owner}@postgres:5432/belfry",
              "gateway-password": gateway,
              "gateway-database-url": f"postgresql://belfry_gateway:{gateway}@postgres:5432/belfry",
              "redis-url": "redis://redis:6379", "secret-keys": f"k1:{key}", "key-pepper": key,
              "grafana-password": owner}
    if set(values) != set(os.listdir(os.path.join(ROOT, "deploy/compose/development"))):
        raise AssertionError("deploy/compose/development has other secrets than these")
    for name, value in values.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(value + "\n")
    os.chmod(folder, 0o755)
    return folder


class Containers:
    def __init__(self):
        self.port, self.secrets = free_port(), make_secrets()
        self.project = f"belfrytry{os.getpid()}"
        # The receiver is at the host's own address in the containers' network.
        self.env = {**os.environ, "COMPOSE_PROJECT_NAME": self.project, "BELFRY_SECRETS": self.secrets,
                    "BELFRY_PORT": self.port, "PROMETHEUS_PORT": free_port(),
                    "BELFRY_WEBHOOK_ALLOW_CIDRS": "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16"}

    def compose(self, *args, timeout_s=600):
        done = subprocess.run(["docker-compose", *args], cwd=ROOT, env=self.env, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s, check=False)
        if done.returncode != 0:
            raise AssertionError(f"docker-compose {' '.join(args)}: {done.returncode}\n{done.stderr[-4000:]}")
        return done.stdout

    def state(self, service, form):
        name = self.compose("ps", "-q", service).strip()
        return subprocess.run(["docker", "inspect", "-f", form, name], capture_output=True, text=True,
                              timeout=30, check=True).stdout.strip()

    def is_healthy(self, service):
        return self.state(service, "{{.State.Health.Status}}") == "healthy"

    def kill(self, service):
        """Its first process dies, as by a crash: Docker starts it again."""
        begun = self.state(service, "{{.State.StartedAt}}")
        os.kill(int(self.state(service, "{{.State.Pid}}")), 9)
        wait_until(lambda: self.state(service, "{{.State.StartedAt}}") != begun and self.is_healthy(service),
                   60, f"{service} again")

    def receiver(self):
        host = subprocess.run(["docker", "network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}",
                               f"{self.project}_default"], capture_output=True, text=True, timeout=30, check=True)
        return Receiver(bind=host.stdout.strip())

    def roles(self):
        """Who is signed in to Postgres: {(program, role)}."""
        rows = self.compose("exec", "-T", "postgres", "psql", "-U", "belfry", "-d", "belfry", "-Atc",
                            "SELECT DISTINCT application_name, usename FROM pg_stat_activity "
                            "WHERE application_name ~ '^(belfry|api-gateway)'")
        return {tuple(row.split("|")) for row in rows.splitlines()}

    def api(self):
        env = self.compose("run", "--rm", "bootstrap", "cat", "/state/env")
        key = [line.partition("=")[2] for line in env.splitlines() if line.startswith("BELFRY_API_KEY=")][0]
        return Api(f"http://127.0.0.1:{self.port}", key.strip())

    def ledger(self):
        with tempfile.NamedTemporaryFile("w", suffix=".ledger") as file:
            file.write(self.compose("exec", "-T", "dialer-sim", "cat", "/var/lib/belfry/ledger"))
            file.flush()
            return Ledger(file.name).read()


def patient(call):
    """Asks again while the gateway is away; the call's answer."""
    answers, faults = [], []

    def answered():
        try:
            answers.append(call())
        except Exception as fault:  # shown when the time is over
            faults.append(fault)
        return answers
    wait_until(answered, 60, lambda: repr(faults[-1]))
    return answers[0]


def numbers(block):
    return [f"+1{300 + block:03d}555{1000 + n:04d}" for n in range(TARGETS)]


def campaign(api, block):
    agent = api.get("/v1/agents")["data"][0]["id"]
    made = api.post("/v1/campaigns", {
        "kind": "bulk", "name": "Containers", "agent_id": agent, "from_number": "+15550100000",
        "rate_limit_per_minute": RATE, "targets": numbers(block)})["id"]
    api.post(f"/v1/campaigns/{made}/start")
    return made


def finish(api, made, deadline_s):
    wait_until(lambda: patient(lambda: api.get(f"/v1/campaigns/{made}"))["status"] == "completed", deadline_s,
               lambda: api.get(f"/v1/campaigns/{made}"), interval_s=0.5)
    return list(api.pages(f"/v1/campaigns/{made}/targets"))


def check(entries, made, targets):
    dials = [entry for entry in entries if entry["ev"] == "dial" and entry["campaign"] == made]
    judge.i1_no_attempt_twice(dials)
    judge.i2_all_terminal(targets)
    judge.i3_attempts(dials, targets, 1)
    judge.i4_one_call_per_target(dials, targets)
    judge.i7_rate(dials, RATE, bursts=1)
    return dials


def check_hooks(receiver, made, dials, targets):
    """Each event of the campaign came, signed."""
    def ours():
        return [body for body in receiver.bodies() if made in json.dumps(body)]
    talks = {target["to_number"] for target in targets if target["status"] == "dispatched"}
    wanted = 2 * len(targets) + len(talks) + 1
    wait_until(lambda: len({body["id"] for body in ours()}) >= wanted, 60,
               lambda: f"{wanted} webhooks; {len(receiver.hooks)} came")
    judge.i10_one_event_per_transition(ours(), dials, targets, talks)
    if receiver.unsigned():
        raise AssertionError(f"{len(receiver.unsigned())} webhooks are not signed")
    return wanted


def main():
    it, receiver = Containers(), None
    try:
        it.compose("up", "--build", "-d", timeout_s=1800)
        api = it.api()
        patient(lambda: api.get("/v1/agents"))
        roles = it.roles()
        if {role for program, role in roles if program.startswith("api-gateway")} != {"belfry_gateway"}:
            raise AssertionError(f"the gateway has no role of its own: {roles}")
        receiver = it.receiver()
        made = api.post("/v1/webhook-endpoints", {"url": receiver.url(), "events": ["*"]})
        receiver.secrets["/hook"] = made["secret"]
        made = campaign(api, 0)
        print(f"up; campaign {made} runs", flush=True)
        for service in KILLED:
            begun = time.monotonic()
            it.kill(service)
            print(f"{service} killed and back in {time.monotonic() - begun:.1f} s", flush=True)
        targets = finish(api, made, 300)
        dials = check(it.ledger(), made, targets)
        print(f"{check_hooks(receiver, made, dials, targets)} webhooks, each signed", flush=True)
        outcomes = {}
        for target in targets:
            outcomes[target["outcome"]] = outcomes.get(target["outcome"], 0) + 1
        print(f"completed: {len(dials)} dials, {json.dumps(outcomes)}", flush=True)

        it.compose("down")
        it.compose("up", "-d")
        patient(lambda: api.get("/v1/agents"))
        if list(api.pages(f"/v1/campaigns/{made}/targets")) != targets:
            raise AssertionError("the data was not kept")
        again = campaign(api, 1)
        targets = finish(api, again, 180)
        check(it.ledger(), again, targets)
        print("down and up: the data was kept, and another campaign ran", flush=True)
    except Exception:
        print(it.compose("logs", "--no-color", "--tail", "20"), file=sys.stderr, flush=True)
        raise
    finally:
        it.compose("down", "-v", "--remove-orphans")
        shutil.rmtree(it.secrets)
        if receiver:
            receiver.close()
    print("1 passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
