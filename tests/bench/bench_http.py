"""The HTTP API's speed beside the floors of what it is made of, in the same run: reading a campaign
beside evhttp with the same bytes, making an ad hoc call beside a bare INSERT of its row."""
import os
import re
import statistics
import subprocess
import sys
import tempfile

import bench
import belfry

READERS, MAKERS = 32, 64
SECONDS = 10
ROUNDS = 3  # of floor and figure in turn, so that both meet the machine as it is; medians count
SOURCE = "127.0.0.2"
INSERT = """
INSERT INTO scheduled_call (workspace_id, id, number_id, agent_id, to_number, from_number, variables,
    due_at, scheduled_at, created_at, updated_at, status)
SELECT workspace_id, gen_random_uuid(), id, '{agent}', '+14155550123', e164, '{{}}', now() + interval
    '1 day', now() + interval '1 day', now(), now(), 'scheduled' FROM number WHERE id = '{number}';
"""


def load(port, path, connections=READERS, seconds=None, source=SOURCE):
    """What http_load measured, as numbers."""
    done = subprocess.run([os.path.join(bench.TOOLS, "http_load"), str(port), str(connections),
                           str(seconds or bench.scaled(SECONDS, 2)), path, source, "0"],
                          text=True, capture_output=True, timeout=120, check=True)
    found = {k: float(v) for k, v in re.findall(r"(\w+)=([\d.]+)", done.stdout)}
    bench.fail_unless(found["failed"] == 0, f"{found['failed']:.0f} requests failed: {done.stderr}")
    found["per_s"] = found["requests"] / found["wall_s"]
    return found


def load_measured(stack, path, connections):
    """Load on the gateway, with the CPU that a request took of it, of Postgres and of the client."""
    def used():
        return [sum(bench.cpu_s(stack.pid("api-gateway.0"))),
                sum(bench.cpu_s(stack.pid("postgres.0"), True))]

    before = used()
    found = load(stack.api.port, path, connections)
    took_s = [b - a for a, b in zip(before, used())] + [found["cpu_s"]]
    found["cpu_us"] = [1e6 * s / found["requests"] for s in took_s]
    return found


def report_run(report, what, run):
    report.row(f"{what}, p50 and p99", f"{run['p50_us'] / 1000:.2f} and {run['p99_us'] / 1000:.2f} ms")
    report.row(f"{what}, CPU of the gateway, of Postgres and of the client",
               " + ".join(f"{us:.1f}" for us in run["cpu_us"]) + " us")


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    return path


def request_file(folder, name, stack, method, path, body="", key=""):
    head = (f"{method} {path} HTTP/1.1\r\nHost: belfry\r\nAuthorization: Bearer {stack.api.key}\r\n"
            f"User-Agent: bench\r\nAccept: application/json\r\n")
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return write(folder, name, head + key + "\r\n" + body)


class Bare:
    """evhttp answering with the given bytes."""

    def __init__(self, folder, answer):
        port = os.path.join(folder, "port")
        self.process = subprocess.Popen([os.path.join(bench.TOOLS, "evhttp_bare"), port,
                                         write(folder, "answer", answer)])
        belfry.wait_until(lambda: os.path.exists(port) and os.path.getsize(port), 10, "evhttp listens")
        with open(port, encoding="ascii") as file:
            self.port = int(file.read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def measure_reading(report, stack, folder):
    campaign = stack.campaign(belfry.numbers(1))
    answer = stack.api.request("GET", f"/v1/campaigns/{campaign}")
    path = request_file(folder, "read", stack, "GET", f"/v1/campaigns/{campaign}")
    with Bare(folder, answer.body.decode()) as bare:
        floors, figures = [], []
        for _ in range(ROUNDS):
            floors.append(load(bare.port, path))
            figures.append(load_measured(stack, path, READERS))
    floor, figure = (statistics.median(x["per_s"] for x in runs) for runs in (floors, figures))
    report.section(f"{len(answer.body)} bytes, {READERS} connections")
    report.row("bare evhttp", f"{floor:,.0f}/s")
    report_run(report, "reading a campaign", figures[-1])
    report.bar("reading a campaign", f"{figure:,.0f}/s, {100 * figure / floor:.0f} %",
               "60 % of evhttp", figure >= 0.6 * floor)


def pgbench(stack, folder):
    number = stack.value("SELECT id FROM number LIMIT 1")
    agent = stack.value("SELECT id FROM agent LIMIT 1")
    script = write(folder, "insert.sql", INSERT.format(agent=agent, number=number))
    done = subprocess.run([bench.pg_tool("pgbench"), "-n", "-M", "prepared", "-c", "8", "-T",
                           str(bench.scaled(SECONDS, 2)), "-f", script, stack.env["BELFRY_DATABASE_URL"]],
                          text=True, capture_output=True, timeout=120, check=False)
    bench.fail_unless(done.returncode == 0, done.stderr)
    return float(re.search(r"tps = ([\d.]+)", done.stdout).group(1))


def measure_creating(report, stack, folder):
    at = stack.value("SELECT to_char(now() + interval '1 day', 'YYYY-MM-DD\"T\"HH24:MI:SS.000\"Z\"')")
    body = ('{"to_number":"+14155550123","from_number":"%s","agent_id":"%s","scheduled_at":"%s"}'
            % (belfry.FROM_NUMBER, stack.agent_id, at))
    path = request_file(folder, "create", stack, "POST", "/v1/scheduled-calls", body,
                        "Idempotency-Key: bench-############\r\n")
    floors, figures = [], []
    for _ in range(ROUNDS):
        floors.append(pgbench(stack, folder))
        figures.append(load_measured(stack, path, MAKERS))
    floor, figure = statistics.median(floors), statistics.median(x["per_s"] for x in figures)
    report.section(f"an ad hoc call for tomorrow, {MAKERS} connections")
    report.row("bare INSERT, 8 clients of pgbench", f"{floor:,.0f}/s")
    report_run(report, "making a call", figures[-1])
    report.bar("making an ad hoc call", f"{figure:,.0f}/s, {100 * figure / floor:.0f} %",
               "50 % of INSERT", figure >= 0.5 * floor)


def measure(report):
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, \
            bench.Stack(settings={"LOG_LEVEL": "warn"}) as stack:
        for service in ("scheduler", "dispatcher", "webhook-sender"):
            stack.kill("TERM", service)
        measure_reading(report, stack, folder)
        measure_creating(report, stack, folder)


if __name__ == "__main__":
    sys.exit(bench.main("http", "The HTTP API beside its floors", measure))
