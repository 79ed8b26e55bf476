#!/usr/bin/python3
"""A healthy client beside 10,000 slow ones: of one other address, which is let in as far as its share
goes, and of twenty, whose connections are all held. Its p99, and what the gateway's memory comes to."""
import os
import re
import resource
import subprocess
import sys
import tempfile

import bench
from slow_clients import BODY, HEAD, SlowClients

SLOW, SECONDS, CLIENTS = 10000, 4, 4
HEALTHY = "127.0.0.2"
MEMORY_MB = 64


def p99_ms(port, path):
    """Of clients that ask a hundred times a second, each over a connection of its own."""
    done = subprocess.run([os.path.join(bench.TOOLS, "http_load"), str(port), str(CLIENTS),
                           str(SECONDS), path, HEALTHY, "10"],
                          text=True, capture_output=True, timeout=120, check=True)
    found = dict(re.findall(r"(\w+)=([\d.]+)", done.stdout))
    bench.fail_unless(float(found["failed"]) == 0, f"requests failed: {done.stderr}")
    return float(found["p99_us"]) / 1000


def memory_mb(stack, what):
    with open(f"/proc/{stack.pid('api-gateway.0')}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(what)) / 1024


def measure_beside(report, stack, path, addresses, text):
    slow = SlowClients(stack.api.port, bench.scaled(SLOW), addresses, text)
    try:
        tried = slow.wait()
        beside = p99_ms(stack.api.port, path)
        report.section(f"{tried:,} slow connections of {len(addresses)} other addresses")
        report.bar("a healthy client's p99", f"{beside:.2f} ms", "100 ms", beside < 100)
        report.row("connections held after that", f"{slow.held():,}")
        report.row("the gateway's memory then", f"{memory_mb(stack, 'VmRSS'):.1f} MB")
    finally:
        slow.close()


def measure(report):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    bench.fail_unless(hard == resource.RLIM_INFINITY or hard > SLOW + 3000,
                      f"this needs {SLOW + 3000} descriptors for a process; there are {hard}")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, \
            bench.Stack(settings={"LOG_LEVEL": "warn"}) as stack:
        for service in ("scheduler", "dispatcher", "webhook-sender"):
            stack.kill("TERM", service)
        path = os.path.join(folder, "request")
        with open(path, "w", encoding="ascii", newline="") as file:
            file.write(f"GET /v1/campaigns?limit=1 HTTP/1.1\r\nHost: belfry\r\n"
                       f"Authorization: Bearer {stack.api.key}\r\n\r\n")
        report.row("a healthy client alone, p99", f"{p99_ms(stack.api.port, path):.2f} ms")
        measure_beside(report, stack, path, ["127.0.0.3"], HEAD)
        measure_beside(report, stack, path, [f"127.0.1.{n}" for n in range(1, 21)], BODY)
        peak = memory_mb(stack, "VmHWM")
        report.bar("the gateway's memory at most", f"{peak:.1f} MB", f"{MEMORY_MB} MB",
                   peak < MEMORY_MB)


if __name__ == "__main__":
    sys.exit(bench.main("slow", "A healthy client beside slow ones", measure))
