"""What the benchmarks share: a private stack of the release programs, figures beside their bars, and
readings of processes and of Postgres from outside.

A benchmark measures: it ends with 0 whether its bars are met or not, and with 1 when the run itself
was not valid (wrong counts, an attempt twice in the ledger), for then its figures mean nothing.

    BENCH_SCALE=0.1   sizes and spans are a tenth: for trying a program, not for figures
    BELFRY_BIN        where the programs are (default build/bin)
    BENCH_TOOLS       where the benchmarks' own C programs are (default build/release/bench)
"""
import math
import os
import signal
import subprocess
import sys
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/system"))
import belfry  # noqa: E402
import judge  # noqa: E402,F401  (benchmarks use it as bench.judge)

belfry.Api.is_checked = False  # it is speed that is measured

SCALE = float(os.environ.get("BENCH_SCALE") or 1)
TOOLS = os.environ.get("BENCH_TOOLS") or os.path.join(ROOT, "build/release/bench")
TICKS = os.sysconf("SC_CLK_TCK")


class Invalid(AssertionError):
    """The run was not what it should have been: no figure of it counts."""


def fail_unless(good, what):
    if not good:
        raise Invalid(what)


def scaled(count, least=1):
    return max(least, int(count * SCALE))


def quantile(values, share):
    """The nearest-rank quantile: a value that occurred."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(len(ordered) * share) - 1))]


# --- the report --------------------------------------------------------------------------------


class Report:
    """One table: what, figure, and where there is one the bar and whether it was met."""

    def __init__(self, name, title):
        self.name, self.title, self.rows, self.bars = name, title, [], []

    def section(self, text):
        self.rows.append((text,))

    def row(self, label, figure):
        self.rows.append((label, figure, "", ""))

    def bar(self, label, figure, bar, is_met):
        verdict = "met" if is_met else "missed"
        self.rows.append((label, figure, bar, verdict))
        self.bars.append((f"{self.name}: {label}", figure, bar, verdict))

    def print(self):
        cells = [row for row in self.rows if len(row) == 4]
        width = [max([len(row[n]) for row in cells] + [len(head)])
                 for n, head in enumerate(("", "figure", "bar", ""))]
        print(f"\n{self.title}\n{machine()}")
        print(f"{'':{width[0]}}  {'figure':>{width[1]}}  {'bar':>{width[2]}}")
        for row in self.rows:
            if len(row) == 1:
                print(f"-- {row[0]}")
            else:
                print(f"{row[0]:{width[0]}}  {row[1]:>{width[1]}}  {row[2]:>{width[2]}}  "
                      f"{row[3]}".rstrip())
        sys.stdout.flush()


def machine():
    load = os.getloadavg()[0]
    text = f"{os.cpu_count()} cores, load {load:.1f} at the end"
    return text if SCALE == 1 else f"{text}; scale {SCALE:g}, so these are no figures to quote"


def print_summary(bars):
    """The bars of one or several benchmarks, once more and together."""
    if not bars:
        return
    width = [max(len(bar[n]) for bar in bars) for n in range(3)]
    print()
    for label, figure, bar, verdict in bars:
        print(f"{verdict:6}  {label:{width[0]}}  {figure:>{width[1]}}  bar {bar}")
    met = sum(1 for bar in bars if bar[3] == "met")
    print(f"{met} bars met, {len(bars) - met} missed", flush=True)


def main(name, title, measure):
    """Runs measure(report) and answers the exit code. Under tests/bench/run the bars also go to the
    file that it names, for the summary of all."""
    report = Report(name, title)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        measure(report)
    except (AssertionError, subprocess.SubprocessError):
        if report.rows:
            report.print()
        traceback.print_exc()
        print(f"\n{name}: the run is not valid", file=sys.stderr, flush=True)
        return 1
    report.print()
    summary = os.environ.get("BENCH_SUMMARY")
    if not summary:
        print_summary(report.bars)
        return 0
    with open(summary, "a", encoding="utf-8") as file:
        file.writelines("\t".join(bar) + "\n" for bar in report.bars)
    return 0


# --- the stack ---------------------------------------------------------------------------------


class Stack(belfry.Stack):
    """A stack that is closed at the end of a `with`, and shows its logs when that ends badly."""

    def __enter__(self):
        try:
            return self.up()
        except BaseException:
            self.close()
            raise

    def __exit__(self, kind, _value, _trace):
        if kind is not None and issubclass(kind, Exception):
            print(self.log_tails(), file=sys.stderr, flush=True)
        self.close()

    def names(self):
        with open(os.path.join(self.home, "run/plan"), encoding="utf-8") as file:
            return ["postgres.0", "redis.0"] + file.read().split()

    def run_psql(self, *args, stdin=None, url=None, timeout_s=600):
        """psql without the detour over the stack's script; what it printed."""
        done = subprocess.run(
            [pg_tool("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
             url or self.env["BELFRY_DATABASE_URL"], *args],
            input=stdin, text=True, capture_output=True, timeout=timeout_s, check=False)
        fail_unless(done.returncode == 0, f"psql {args}: {done.stderr}")
        return done.stdout

    def rows(self, sql, url=None):
        text = self.run_psql("-F", "\x1f", "-c", sql, url=url)
        return [line.split("\x1f") for line in text.splitlines()]

    def number(self, sql, url=None):
        return int(self.rows(sql, url)[0][0])

    def superuser(self, sql):
        """For what the stack's own role may not do, such as adding an extension."""
        socket = os.path.join(os.path.realpath(os.path.join(self.home, "sock")), "pg")
        command = [pg_tool("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", socket,
                   "-d", "belfry", "-c", sql]
        if os.geteuid() == 0:
            owner = os.stat(f"/proc/{self.pid('postgres.0')}")
            command = ["setpriv", f"--reuid={owner.st_uid}", f"--regid={owner.st_gid}",
                       "--clear-groups", *command]
        done = subprocess.run(command, cwd="/", text=True, capture_output=True, timeout=60,
                              stdin=subprocess.DEVNULL, check=False)
        fail_unless(done.returncode == 0, f"{sql}: {done.stderr}")

    def wait_counts(self, campaign, condition, deadline_s, what):
        """Waits until the campaign's counts fulfil the condition; asks seldom, to disturb little."""
        seen = {}

        def reached():
            seen.update(self.counts(campaign))
            return condition(seen)

        belfry.wait_until(reached, deadline_s, lambda: f"{what}; the counts are {seen}",
                          interval_s=0.25)
        return seen


def pg_tool(name):
    """A program of the same Postgres as the stack's."""
    base = "/usr/lib/postgresql"
    found = [f"{base}/{version}/bin/{name}" for version in sorted(os.listdir(base))
             if os.access(f"{base}/{version}/bin/initdb", os.X_OK)] if os.path.isdir(base) else []
    return found[-1] if found else name


# --- processes ---------------------------------------------------------------------------------


def stat_fields(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rsplit(")", 1)[1].split()


def children(pid):
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                if int(stat_fields(entry)[1]) == pid:
                    found.append(int(entry))
            except (OSError, IndexError):
                pass  # it ended while we looked
    return found


def cpu_s(pid, with_children=False):
    """(user, system) seconds so far; those of children that ended count with their parent."""
    fields = stat_fields(pid)
    user, system = int(fields[11]), int(fields[12])
    if with_children:
        user, system = user + int(fields[13]), system + int(fields[14])
        for child in children(pid):
            try:
                fields = stat_fields(child)
            except OSError:
                continue
            user, system = user + int(fields[11]), system + int(fields[12])
    return user / TICKS, system / TICKS


def status_kb(pid, key):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith(key + ":"):
                return int(line.split()[1])
    return 0


def peak_kb(pid):
    """The most that was ever resident of a process."""
    return status_kb(pid, "VmHWM")


def proportional_kb(pid):
    """What a process and its children hold now, each shared page counted once."""
    total = 0
    for one in [pid] + children(pid):
        try:
            with open(f"/proc/{one}/smaps_rollup", encoding="ascii") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except OSError:
            pass  # it ended while we looked
    return total


# --- pacing ------------------------------------------------------------------------------------


def ahead_ms(times_us, rate_per_minute):
    """How far the dials ever were ahead of a line of this rate (I7's measure, see judge.i7_rate):
    the carrier allows 100 ms."""
    per_us, worst, highest = rate_per_minute / 60e6, 0.0, None
    for index, at in enumerate(sorted(times_us)):
        x = at - index / per_us
        highest = x if highest is None else max(highest, x)
        worst = max(worst, highest - x)
    return worst / 1000


def wait_s(span_s):
    """Lets a span of the measurement itself pass (never a wait for a result)."""
    time.sleep(span_s)
