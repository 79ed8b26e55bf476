#!/usr/bin/python3
"""The demonstration behind `make run`: brings the local stack up, sends 1,000 calls with mixed
outcomes out at a steady rate and one more at each full minute, receives their signed webhooks, shows
it live, and says what to try next. Ctrl-C ends all of it; with BELFRY_DEMO_EXIT=1 it ends by itself
when the calls are done.
"""
import collections
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time

import belfry_client as belfry

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
STACK = os.path.join(ROOT, "deploy/local/stack")
HOME = os.path.abspath(os.environ.get("BELFRY_HOME") or os.path.join(ROOT, ".local"))
RATE_PER_MIN = 3000
FROM_NUMBER = "+15550100000"
EACH_MINUTE_TO = "+14155550199"
WAIT_MAX_S = 300
LAST_WEBHOOK_MAX_S = 20

# How many targets end in which digits, and what the simulated carrier does with those. The ones
# that are dialed again stand in the second part: retries take from the same rate, so among the
# others they would only show that a full line makes calls wait.
ONCE = [
    (600, None, "answered"),
    (40, "0006", "a machine answers"),
    (30, "0003", "rejected"),
    (30, "0004", "invalid number"),
    (30, "0010", "answered, told twice and out of order"),
    (5, "0009", "asked, and never heard of again"),
]
AGAIN = [
    (40, "0002", "no answer"),
    (40, "0008", "no answer twice, then answered"),
    (50, "0001", "busy"),
    (60, "0007", "busy, then answered"),
    (15, "0012", "answered, but the agent does not come"),
    (30, "0005", "carrier error"),
    (30, "0011", "carrier busy twice, then answered"),
]
RETRIES = {"jitter_pct": 10, "rules": [
    {"on": ["busy"], "delay_s": 6},
    {"on": ["no_answer"], "delay_s": 5},
    {"on": ["carrier_error"], "delay_s": 3},
    {"on": ["agent_unavailable"], "delay_s": 6},
]}
STATES = [("dispatched", "█", "32"), ("failed", "▓", "31"), ("skipped", "▒", "33"),
          ("scheduled", "░", "36"), ("pending", "·", "90")]


class Stop(Exception):
    """Ctrl-C, or SIGTERM."""


def stop(_number, _frame):
    raise Stop


def targets():
    """The numbers of the mix, in an order that is the same each time."""
    parts = []
    for mix in (ONCE, AGAIN):
        made = []
        for count, last4, what in mix:
            for n in range(count):
                middle, ending = (200 + n, last4) if last4 else (100 + n % 100, 2000 + n)
                made.append({"to_number": f"+1415{middle}{ending}", "name": f"{what} {n + 1}"})
        parts.append(made)
    random.Random(1).shuffle(parts[0])
    return parts[0] + parts[1]


def stack(*args, check=True):
    return subprocess.run([STACK, *args], cwd=ROOT, env={**os.environ, "BELFRY_HOME": HOME},
                          stdin=subprocess.DEVNULL, start_new_session=True, check=check)


def read_env():
    env = {}
    with open(os.path.join(HOME, "env"), encoding="utf-8") as file:
        for line in file:
            name, _, value = line.strip().partition("=")
            env[name] = "".join(shlex.split(value))
    return env


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else None


def ms(us):
    return "–" if us is None else f"{us / 1000:.1f} ms"


class Run:
    """A bulk and a recurring campaign, and all that is known about them from outside."""

    def __init__(self, env):
        self.api = belfry.Api(env["BELFRY_URL"], env["BELFRY_API_KEY"])
        self.ledger = belfry.Ledger(env["BELFRY_CARRIER_LEDGER"])
        self.ledger.read()
        self.receiver = belfry.Receiver()
        self.endpoint = self.campaign = self.minutely = None
        self.begun = time.monotonic()
        self.ended = None
        self.checked = self.good = 0
        self.planned = {}  # call id -> its planned instant, as the webhooks tell
        self.counts = {}
        self.status = "draft"

    def start(self):
        agent = self.api.get("/v1/agents")["data"][0]["id"]
        made = self.api.post("/v1/webhook-endpoints",
                             {"url": self.receiver.url(), "events": ["*"],
                              "description": "the demonstration's receiver"})
        self.endpoint = made["id"]
        self.receiver.secrets["/hook"] = made["secret"]
        self.campaign = self.api.post("/v1/campaigns", {
            "kind": "bulk", "name": "Demonstration", "agent_id": agent,
            "from_number": FROM_NUMBER, "rate_limit_per_minute": RATE_PER_MIN, "max_attempts": 3,
            "ring_timeout_s": 5, "retry_policy": RETRIES, "targets": targets()})["id"]
        self.minutely = self.api.post("/v1/campaigns", {
            "kind": "recurring", "name": "Each minute", "agent_id": agent,
            "from_number": FROM_NUMBER, "to_number": EACH_MINUTE_TO, "cron": "* * * * *"})["id"]
        for campaign in (self.minutely, self.campaign):
            self.api.post(f"/v1/campaigns/{campaign}/start")
        self.begun = time.monotonic()

    def close(self):
        """The endpoint goes with its receiver; the campaigns stay, to be looked at, but nothing is
        dialed for them any more."""
        try:
            if self.minutely:
                self.api.post(f"/v1/campaigns/{self.minutely}/cancel")
            if self.endpoint:
                self.api.delete(f"/v1/webhook-endpoints/{self.endpoint}")
        except (OSError, belfry.ApiError):
            pass  # the stack may be gone already
        self.api.close()
        self.receiver.close()

    def poll(self):
        campaign = self.api.get(f"/v1/campaigns/{self.campaign}")
        self.counts, self.status = campaign["counts"], campaign["status"]
        if self.status == "completed" and self.ended is None:
            self.ended = time.monotonic()
        hooks = self.receiver.hooks
        secret = self.receiver.secrets["/hook"]
        while self.checked < len(hooks):
            hook = hooks[self.checked]
            self.checked += 1
            self.good += hook.is_signed(secret)
            call = hook.json["data"].get("scheduled_call")
            if call and hook.json["type"] != "scheduled_call.created":
                self.planned[call["id"]] = belfry.parse_time_us(call["scheduled_at"])

    def minutes(self):
        """The recurring campaign's calls that were dialed and told of: (dial, its instant)."""
        return [(dial, self.planned[dial["call"]]) for dial in self.ledger.dials(self.minutely)
                if dial["call"] in self.planned]

    def dials(self):
        return self.ledger.dials(self.campaign)

    def lateness_us(self, dials):
        """How long after its planned instant each first dial reached the carrier."""
        return [dial["t_us"] - self.planned[dial["call"]] for dial in dials
                if dial["attempt"] == 1 and dial["call"] in self.planned]

    def is_told(self):
        """The webhook that says that it is completed is here."""
        return any(hook.json["type"] == "campaign.completed" for hook in self.receiver.hooks[-50:])

    def is_done(self):
        return self.ended is not None and self.minutes() and (
            self.is_told() or time.monotonic() - self.ended > LAST_WEBHOOK_MAX_S)

    def faults(self):
        dials, found = self.dials(), []
        ids = [dial["id"] for dial in dials]
        if len(ids) != len(set(ids)):
            found.append("an attempt reached the carrier twice")
        if self.good != self.checked:
            found.append(f"{self.checked - self.good} webhooks did not verify")
        if min(self.lateness_us(dials), default=0) < 0:
            found.append("a call went out early")
        if self.status != "completed":
            found.append(f"the campaign is {self.status}")
        elif not self.is_told():
            found.append("its last webhook did not come")
        for dial, planned_us in self.minutes():
            if planned_us % 60000000 or not 0 <= dial["t_us"] - planned_us < 60000000:
                found.append("a call of the recurring campaign was not made in its minute")
        return found


def bar(counts, width, in_color):
    """Targets by state as a bar; each state that has a target is seen."""
    total, text, used, done = max(1, counts.get("total", 0)), "", 0, 0
    for state, char, color in STATES:
        done += counts.get(state, 0)
        upto = round(width * done / total)
        part = char * (upto - used)
        used = upto
        text += f"\033[{color}m{part}\033[0m" if in_color and part else part
    return text


def lines(run, in_color):
    counts, dials = run.counts, run.dials()
    recent = sum(1 for dial in dials if dial["t_us"] > belfry.now_us() - 5000000) / 5
    late = run.lateness_us(dials)
    total = counts.get("total", 0)
    done = sum(counts.get(state, 0) for state in ("dispatched", "failed", "skipped"))
    width = max(20, min(60, shutil.get_terminal_size().columns - 20))
    return [
        f"{total:,} targets at {RATE_PER_MIN:,} calls a minute, {run.status}, "
        f"{time.monotonic() - run.begun:.0f} s",
        f"[{bar(counts, width, in_color)}] {100 * done // max(1, total)} %",
        "targets    " + "  ".join(f"{state} {counts.get(state, 0)}" for state, _, _ in STATES),
        f"calls      {recent:.1f} a second now, {len(dials)} dials at the carrier, "
        f"{len({dial['id'] for dial in dials})} distinct attempts",
        f"lateness   p50 {ms(quantile(late, 0.5))}, p99 {ms(quantile(late, 0.99))}, "
        f"earliest {ms(min(late, default=None))} after the planned instant",
        f"webhooks   {run.checked} received, {run.good} signatures verified",
        "recurring  " + (minute_text(*run.minutes()[-1]) if run.minutes() else
                         "a call at each full minute; the first is " +
                         f"{60 - time.time() % 60:.0f} s away"),
    ]


def minute_text(dial, planned_us):
    clock = time.strftime("%H:%M:%S", time.gmtime(planned_us / 1000000))
    return f"the call of {clock} UTC went out {ms(dial['t_us'] - planned_us)} after it"


def show_minutes(run):
    """For ever: a line for each call of the recurring campaign."""
    shown = {dial["id"] for dial, _ in run.minutes()}
    while True:
        run.poll()
        for dial, planned_us in run.minutes():
            if dial["id"] not in shown:
                shown.add(dial["id"])
                print(minute_text(dial, planned_us), flush=True)
        time.sleep(1)


def show_live(run):
    """Until all is done; redrawn in place on a terminal, a line now and then elsewhere."""
    is_tty, drawn, said_at = sys.stdout.isatty(), 0, 0.0
    while True:
        run.poll()
        done = run.is_done()
        text = lines(run, is_tty)
        if is_tty:
            print((f"\033[{drawn}A" if drawn else "") + "".join(f"\033[2K{t}\n" for t in text),
                  end="", flush=True)
            drawn = len(text)
        elif done or time.monotonic() - said_at >= 3:
            said_at = time.monotonic()
            print("; ".join(part.strip() for part in text[2:]), flush=True)
        if done or time.monotonic() - run.begun > WAIT_MAX_S:
            return
        time.sleep(0.25)


def show_outcomes(run):
    """What became of the targets, and how often each was dialed."""
    by_outcome = collections.Counter()
    for target in run.api.pages(f"/v1/campaigns/{run.campaign}/targets"):
        by_outcome[target["status"], target["outcome"] or "–", target["attempts"]] += 1
    print(f"\n{'targets':>8}  {'status':<11} {'last outcome':<18} attempts")
    for (status, outcome, attempts), count in sorted(by_outcome.items(), key=lambda i: -i[1]):
        print(f"{count:>8}  {status:<11} {outcome:<18} {attempts}")


def show_next(run, env, stays):
    key, campaign = 'curl -s -H "Authorization: Bearer $BELFRY_API_KEY"', run.campaign
    agent = run.api.get("/v1/agents")["data"][0]["id"]
    print(f"""
The dashboard is at {env['BELFRY_URL']}/, and this key opens it:

{env['BELFRY_API_KEY']}

What to do next{' (in another terminal; Ctrl-C here ends all of it)' if stays else ''}:

. {shlex.quote(os.path.join(HOME, 'env'))}
{key} "$BELFRY_URL/v1/campaigns/{campaign}"
{key} "$BELFRY_URL/v1/campaigns/{campaign}/stats"
{key} "$BELFRY_URL/v1/campaigns/{campaign}/targets?status=failed&limit=5"
{key} "$BELFRY_URL/v1/webhook-endpoints/{run.endpoint}/deliveries?limit=5"
{key} -H "Content-Type: application/json" "$BELFRY_URL/v1/campaigns" -d '{{"kind":"bulk","name":"Mine","agent_id":"{agent}","from_number":"{FROM_NUMBER}","rate_limit_per_minute":60,"targets":["+14155550123","+14155550001"]}}'
{key} -X POST "$BELFRY_URL/v1/campaigns/ID_OF_THAT/start"
{shlex.quote(STACK)} status
tail -f {shlex.quote(env['BELFRY_CARRIER_LEDGER'])}
""", flush=True)


def demonstrate(stays):
    env = read_env()
    run = Run(env)
    try:
        print(f"The stack is up at {env['BELFRY_URL']}; its state is in {HOME}\n"
              f"The dashboard is there too, with the key {env['BELFRY_API_KEY']}\n", flush=True)
        run.start()
        show_live(run)
        show_outcomes(run)
        faults = run.faults()
        print("\n" + ("Not as it should be: " + "; ".join(faults) if faults else
                      "Each attempt reached the carrier once, none early, each webhook verified."))
        show_next(run, env, stays)
        if stays:
            show_minutes(run)
        return 1 if faults else 0
    finally:
        run.close()


def is_running():
    return subprocess.run([STACK, "status"], env={**os.environ, "BELFRY_HOME": HOME},
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False,
                          ).returncode != 3


def main():
    sys.stdout.reconfigure(encoding="utf-8")
    if is_running():
        print(f"a stack is up in {HOME} already; end it first: {STACK} down", file=sys.stderr)
        return 1
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    code = 0
    try:
        print("Bringing up Postgres, Redis and the services ...", flush=True)
        stack("up")
        code = demonstrate(stays=os.environ.get("BELFRY_DEMO_EXIT") != "1")
    except Stop:
        print("\nEnding ...", flush=True)
    except subprocess.CalledProcessError:
        code = 1  # the stack has said why
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stack("down", check=False)
    return code


if __name__ == "__main__":
    sys.exit(main())
