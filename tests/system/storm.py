"""A campaign under faults: processes killed, stopped and started again at random moments, or Redis
losing its memory, while attempts are open. Then a drain, and the invariants judged from outside.

A run is its seed: the same seed chooses the same victims and moments. Used by test_storm.py (a few
seeds, in `make check`) and as a program for the long form: storm.py SEED [COUNT] (`make storm`)."""
import random
import sys
import time

import belfry
import judge

MAX_ATTEMPTS = 3
RETRIES = {"rules": [{"on": ["busy", "no_answer", "carrier_error", "rate_limited"],
                      "delay_s": 0.5}], "jitter_pct": 0}
ENDINGS = {"0001": ("failed", "busy"), "0003": ("failed", "rejected"),
           "0005": ("failed", "carrier_error"), "0007": ("dispatched", "answered"),
           "0010": ("dispatched", "answered"), "0011": ("dispatched", "answered")}
TALKERS = ("0007", "0010", "0011")
SETTINGS = {"SIM_RING_MS": 200, "SIM_TALK_MS": 600, "WEBHOOK_TIME_SCALE": 0.05}


def storm_targets(count):
    """A fifth of the targets have endings that retry, fail or report strangely."""
    each = count // 30
    magic = [number for ending in ENDINGS for number in belfry.numbers(each, ending)]
    return magic + belfry.numbers(count - len(magic))


class Storm:
    def __init__(self, stack, receiver, seed, count, rate):
        self.stack, self.receiver, self.random = stack, receiver, random.Random(seed)
        self.seed, self.count, self.rate = seed, count, rate
        self.targets = storm_targets(count)
        self.bursts = 0  # losses of Redis: each allows one burst more
        self.said = []

    def say(self, what):
        self.said.append(f"{time.monotonic():.2f} {what}")

    def begin(self):
        self.stack.endpoint(self.receiver)
        self.campaign = self.stack.campaign(self.targets, rate=self.rate, max_attempts=MAX_ATTEMPTS,
                                            retry_policy=RETRIES, ring_timeout_s=5)
        self.stack.start_campaign(self.campaign)

    def open_attempts(self):
        entries = self.ledger.read()
        ended = {entry["id"] for entry in entries if entry["ev"] == "outcome"}
        return sum(1 for entry in entries if entry["ev"] == "dial" and entry["id"] not in ended)

    def wait_open(self, least):
        self.ledger = self.stack.ledger()
        belfry.wait_until(lambda: self.open_attempts() >= least, 60,
                          lambda: f"{least} open attempts; {self.open_attempts()}")

    def pause(self, least_s, most_s):
        """Lets the campaign run on for a while: the moment of the next fault."""
        end = time.monotonic() + self.random.uniform(least_s, most_s)
        while time.monotonic() < end:
            time.sleep(0.02)

    # --- faults

    def kill(self, service):
        self.say(f"kill -9 {service}")
        self.stack.kill("KILL", service)

    def leader(self):
        return self.stack.leader() or "scheduler.0"

    def kill_and_restart(self):
        victims = [f"dispatcher.{self.random.randrange(2)}", self.leader(), "webhook-sender.0"]
        self.random.shuffle(victims)
        for victim in victims:
            self.kill(victim)
            self.pause(0.1, 0.8)
            self.stack.start(victim)
            self.say(f"start {victim}")
            self.pause(0.2, 1.0)

    def lose_a_dispatcher(self):
        self.kill(f"dispatcher.{self.random.randrange(2)}")

    def stop(self, service, seconds):
        self.say(f"SIGSTOP {service} for {seconds} s")
        self.stack.kill("STOP", service)
        self.pause(seconds, seconds)
        self.stack.kill("CONT", service)
        self.say(f"SIGCONT {service}")

    def flush_redis(self):
        self.say("FLUSHALL")
        self.bursts += 1
        self.stack.redis("FLUSHALL")

    def restart_redis(self):
        self.say("restart redis")
        self.bursts += 1
        self.stack.restart("redis")

    def restart_postgres(self):
        """Once as by a power cut, once orderly; the API answers 503 meanwhile."""
        self.say("postgres: immediate")
        self.stack.kill("QUIT", "postgres")
        self.pause(0.5, 1)
        self.stack.start("postgres")
        self.pause(2, 3)
        self.say("postgres: restart")
        self.stack.restart("postgres")
        belfry.wait_until(lambda: self.stack.api.request("GET", "/v1/campaigns").status == 200, 30,
                          "the API after Postgres came back")

    def kill_everything(self):
        services = ["dispatcher.0", "dispatcher.1", "scheduler.0", "scheduler.1", "webhook-sender.0"]
        for service in services:
            self.kill(service)
        self.pause(0.5, 1)
        for service in services:
            self.stack.start(service)

    def drain_everything(self):
        for service in ("dispatcher", "scheduler", "webhook-sender"):
            self.say(f"restart {service}")
            self.stack.restart(service)
            self.pause(0.3, 1)

    # --- the verdict

    def expected(self, number):
        return ENDINGS.get(number[-4:], ("dispatched", "answered"))

    def judge(self, deadline_s):
        stack = self.stack
        done = stack.wait_status(self.campaign, "completed", deadline_s)
        found = stack.targets(self.campaign)
        dials = stack.ledger().dials(self.campaign)
        judge.i1_no_attempt_twice(dials)
        judge.i2_all_terminal(found)
        judge.i3_attempts(dials, found, MAX_ATTEMPTS,
                          lambda number: {"0005": 3, "0011": 2}.get(number[-4:], 0))
        judge.i4_one_call_per_target(dials, found)
        judge.i7_rate(dials, self.rate, self.bursts)
        # The dialer lived, so its word was heard: nothing is uncertain, everything ended as the
        # simulated carrier had it.
        wrong = [t for t in found if (t["status"], t["outcome"]) != self.expected(t["to_number"])]
        judge.fail_unless(not wrong, f"{len(wrong)} targets ended otherwise", wrong[:5])
        judge.fail_unless(done["counts"]["total"] == len(self.targets) and
                          done["counts"]["pending"] == done["counts"]["scheduled"] == 0,
                          "counts", done["counts"])
        planned = {call["id"]: belfry.parse_time_us(call["scheduled_at"])
                   for call in stack.api.pages(f"/v1/campaigns/{self.campaign}/calls")}
        judge.i6_never_early(dials, planned)
        self.judge_webhooks(found, dials, deadline_s)

    def judge_webhooks(self, found, dials, deadline_s):
        talks = {t["to_number"] for t in found if t["status"] == "dispatched"}
        wanted = 2 * len(found) + len(talks) + 1
        received = self.receiver
        belfry.wait_until(lambda: len({hook.id for hook in list(received.hooks)}) >= wanted,
                          deadline_s, lambda: f"{wanted} events, {len({h.id for h in received.hooks})}")
        judge.fail_unless(not received.unsigned(), "unsigned webhooks", len(received.unsigned()))
        judge.i10_one_event_per_transition(received.bodies(), dials, found, talks)
        judge.i17_completed_once(received.bodies(), self.campaign)


SCENES = {
    "kill": lambda storm: (storm.kill_and_restart(), storm.kill_and_restart()),
    "lose": lambda storm: storm.lose_a_dispatcher(),
    "stop": lambda storm: (storm.stop(storm.leader(), 8), storm.stop("dispatcher.0", 8)),
    "redis": lambda storm: (storm.flush_redis(), storm.pause(1.5, 3), storm.restart_redis()),
    "postgres": lambda storm: storm.restart_postgres(),
    "all": lambda storm: storm.kill_everything(),
    "drain": lambda storm: storm.drain_everything(),
}


def run(stack, receiver, scene, seed, count, rate):
    """One storm on a stack with two dispatchers and two schedulers."""
    storm = Storm(stack, receiver, seed, count, rate)
    try:
        storm.begin()
        storm.wait_open(100)
        SCENES[scene](storm)
        storm.judge(180)
    except AssertionError as fault:
        raise AssertionError(f"storm {scene}, seed {seed}: {fault}\n" + "\n".join(storm.said)) from fault


def main():
    """storm.py [SEED [COUNT]]: 20 seeds of killing and each other scene twice, from SEED on."""
    first = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    scenes = ["kill"] * 20 + ["lose", "stop", "redis", "postgres", "all", "drain"] * 2
    passed = failed = 0
    for at, scene in enumerate(scenes):
        stack = belfry.Stack(dispatchers=2, schedulers=2, settings=SETTINGS)
        receiver = belfry.Receiver()
        try:
            run(stack.up(), receiver, scene, first + at, count, 24000)
            passed += 1
            print(f"ok storm {scene} seed {first + at}", flush=True)
        except AssertionError as fault:
            failed += 1
            print(f"not ok storm {scene} seed {first + at}\n{fault}\n{stack.log_tails(40)}", flush=True)
        finally:
            receiver.close()
            stack.close()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
