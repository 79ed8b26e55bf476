"""A rolling upgrade: a stack of the release before, built from its commit (tests/system/upgrade_from),
is brought to this one while a campaign runs: the migrations first, under the old processes, then one
process at a time, each drained and started anew. Nothing of what is promised may break."""
import os
import shutil
import subprocess
import unittest

import belfry
import judge

DEADLINE_S = 1200
RATE = 2400
AHEAD = RATE * 20 // 60  # targets left at least when a process is replaced: 20 s
OLD_BIN = "build/dev/bin"
HERE = os.path.dirname(os.path.abspath(__file__))
BIN = os.path.abspath(os.environ.get("BELFRY_BIN", os.path.join(belfry.ROOT, "build/bin")))
ROLLED = ("api-gateway.0", "scheduler.0", "scheduler.1", "webhook-sender.0", "dispatcher.0", "dialer-sim.0",
          "dispatcher.1", "webhook-sender.1")
MAGIC = {"0001": "busy", "0003": "rejected", "0004": "invalid_number", "0008": "answered"}


def the_release_before():
    """A tree of that commit with its executables in OLD_BIN; built once, kept under build/. Without
    optimization: it is the same code, and half the work of a first `make check` less."""
    with open(os.path.join(HERE, "upgrade_from"), encoding="utf-8") as file:
        commit = file.read().strip()
    tree = os.path.join(belfry.ROOT, "build/upgrade", commit)
    if os.path.exists(os.path.join(tree, OLD_BIN, "built")):
        return tree
    shutil.rmtree(tree, ignore_errors=True)
    os.makedirs(tree)
    archive = subprocess.Popen(["git", "-c", f"safe.directory={belfry.ROOT}", "-C", belfry.ROOT, "archive", commit],
                               stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x", "-C", tree], stdin=archive.stdout, check=True, timeout=60)
    if archive.wait(timeout=60) != 0:
        raise AssertionError(f"git has no commit {commit}, the release before")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("BELFRY_", "MAKE", "MFLAGS"))}
    done = subprocess.run(["make", "-C", tree, "-j2", "MODE=dev"], env=env, text=True, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=900, check=False)
    if done.returncode != 0:
        raise AssertionError(f"the release before does not build:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    with open(os.path.join(tree, OLD_BIN, "built"), "w", encoding="utf-8"):
        pass
    return tree


class OldStack(belfry.Stack):
    """The stack of the release before, with its own scripts, until it is told otherwise."""

    def __init__(self, tree, **options):
        super().__init__(**options)
        self.tree = tree

    def call(self, *args, **options):
        script, belfry.STACK = belfry.STACK, os.path.join(self.tree, "deploy/local/stack")
        kept, os.environ["BELFRY_BIN"] = os.environ.get("BELFRY_BIN"), os.path.join(self.tree, OLD_BIN)
        try:
            return super().call(*args, **options)
        finally:
            belfry.STACK = script
            os.environ.pop("BELFRY_BIN")
            if kept is not None:
                os.environ["BELFRY_BIN"] = kept

    def is_new_from_here(self):
        """The scripts and programs of this release, for whatever is started from now on."""
        self.tree = belfry.ROOT
        path = os.path.join(self.home, "run", "up")
        with open(path, encoding="utf-8") as file:
            lines = [line for line in file if not line.startswith("bin=")]
        with open(path, "w", encoding="utf-8") as file:
            file.writelines([f"bin={BIN}\n", *lines])

    def program(self, name):
        return os.path.realpath(f"/proc/{self.pid(name)}/exe")


class UpgradeTest(belfry.TestCase):
    def test_one_process_at_a_time_in_the_middle_of_a_campaign(self):
        old = the_release_before()
        stack = OldStack(old, dispatchers=2, schedulers=2, webhook_senders=2,
                         settings={"SIM_RING_MS": 50, "SIM_TALK_MS": 800})
        self.addCleanup(stack.close)
        self.addCleanup(self._show_logs, stack)
        stack.up()
        receiver = self.receiver()
        stack.endpoint(receiver)
        targets = [number for ending in MAGIC for number in belfry.numbers(20, ending)]
        targets += belfry.numbers(AHEAD)
        campaign = stack.campaign(targets, rate=RATE, max_attempts=3, retry_policy={
            "rules": [{"on": ["busy", "no_answer"], "delay_s": 1}], "jitter_pct": 0}, ring_timeout_s=1)
        stack.start_campaign(campaign)
        belfry.wait_until(lambda: len(stack.ledger().dials(campaign)) > 100, 60, "100 dials")
        self.assertTrue(stack.program("scheduler.0").startswith(old))

        stack.is_new_from_here()
        self.migrate(stack)
        for name in ROLLED:
            self.lengthen(stack, campaign, targets)
            dialed = len(stack.ledger().dials(campaign))
            stack.restart(name)
            stack.api.close()  # a connection to a gateway that has gone
            self.assertEqual(stack.program(name), os.path.join(os.path.realpath(BIN), name.split(".")[0]))
            # It goes on between any two steps, with old and new side by side.
            belfry.wait_until(lambda dialed=dialed: len(stack.ledger().dials(campaign)) > dialed, 20,
                              f"dials after {name}")
        self.assertLess(len(self.dialed(stack, campaign)), len(targets), "the campaign ended before the upgrade")
        self.judge(stack, campaign, receiver, targets)

    @staticmethod
    def dialed(stack, campaign):
        return {dial["to"] for dial in stack.ledger().dials(campaign)}

    def lengthen(self, stack, campaign, targets):
        """However long the step before took: the campaign is to run through the next one too."""
        more = len(self.dialed(stack, campaign)) + AHEAD - len(targets)
        if more > 0:
            ordinary = [target for target in targets if target[-4:] not in MAGIC]
            rows = belfry.numbers(len(ordinary) + more)[len(ordinary):]
            self.assertEqual(stack.append(campaign, rows)["inserted"], more)
            targets += rows

    def migrate(self, stack):
        env = {key: value for key, value in os.environ.items() if not key.startswith("BELFRY_")}
        env["BELFRY_DATABASE_URL"] = stack.env["BELFRY_DATABASE_URL"]
        done = subprocess.run([os.path.join(BIN, "belfry-admin"), "migrate"], env=env, text=True,
                              capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def judge(self, stack, campaign, receiver, targets):
        stack.wait_status(campaign, "completed", 240)
        dials, found = stack.ledger().dials(campaign), stack.targets(campaign)
        judge.i1_no_attempt_twice(dials)
        judge.i2_all_terminal(found)
        judge.i3_attempts(dials, found, 3)
        judge.i4_one_call_per_target(dials, found)
        judge.i7_rate(dials, RATE)
        self.assertEqual(sorted(target["to_number"] for target in found), sorted(targets))
        # What was in the dialer's hands when it was replaced nobody can know; all else is as written.
        uncertain = [target for target in found if target["outcome"] == "uncertain"]
        self.assertLess(len(uncertain), 100)
        wrong = [target for target in found if target["outcome"] != "uncertain" and
                 target["outcome"] != MAGIC.get(target["to_number"][-4:], "answered")]
        self.assertEqual(wrong, [], wrong[:3])
        talks = {target["to_number"] for target in found if target["status"] == "dispatched"}
        wanted = 2 * len(targets) + len(talks) + 1
        belfry.wait_until(lambda: len({hook.id for hook in list(receiver.hooks)}) >= wanted, 60,
                          lambda: f"{wanted} webhooks; {len({hook.id for hook in receiver.hooks})} came")
        self.assertEqual(receiver.unsigned(), [])
        judge.i10_one_event_per_transition(receiver.bodies(), dials, found, talks)
        judge.i17_completed_once(receiver.bodies(), campaign)


if __name__ == "__main__":
    unittest.main()
