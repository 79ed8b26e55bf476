"""deploy/local/stack as other programs drive it: its command line, pid files, logs and env file."""
import os
import subprocess
import urllib.request

import belfry

DEADLINE_S = 240


def run(home, *args, settings=None):
    env = {**os.environ, "BELFRY_HOME": home, **(settings or {})}
    return subprocess.run([belfry.STACK, *args], env=env, stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=120, check=False)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(") ", 1)[1][0] not in "ZX"
    except FileNotFoundError:
        return False


class StackTest(belfry.TestCase):
    def test_up_gives_what_the_env_file_says(self):
        stack = self.stack(dispatchers=2, schedulers=2)
        with urllib.request.urlopen(stack.env["BELFRY_URL"] + "/readyz", timeout=5) as answer:
            self.assertEqual(answer.status, 200)
        self.assertTrue(stack.env["BELFRY_REDIS_URL"].startswith("redis://127.0.0.1:"))
        for name in ("postgres.0", "redis.0", "dialer-sim.0", "api-gateway.0", "scheduler.0",
                     "scheduler.1", "dispatcher.0", "dispatcher.1", "webhook-sender.0"):
            self.assertTrue(is_alive(stack.pid(name)), name)
        for name in ("env", "secrets", "bootstrap"):
            mode = os.stat(os.path.join(stack.home, name)).st_mode & 0o777
            self.assertEqual(mode, 0o600, name)
        self.assertEqual(stack.api.get("/v1/agents")["data"][0]["name"], "demo")
        self.assertEqual(stack.api.get("/v1/numbers")["data"][0]["e164"], belfry.FROM_NUMBER)
        self.assertEqual(stack.value("SHOW synchronous_commit"), "on")
        self.assertEqual(stack.value("SELECT 1 + 1"), "2")
        self.assertEqual(stack.redis("ping"), "PONG")
        url = subprocess.run(["redis-cli", "-u", stack.env["BELFRY_REDIS_URL"], "ping"], text=True,
                             capture_output=True, timeout=10, check=True).stdout
        self.assertEqual(url.strip(), "PONG")

    def test_a_killed_service_starts_again_with_the_settings_of_up(self):
        stack = self.stack(dispatchers=2, settings={"SIM_TALK_MS": 70, "LOG_LEVEL": "debug"})
        before = stack.pid("dispatcher.1")
        other = stack.pid("dispatcher.0")
        stack.kill("9", "dispatcher.1")
        self.assertFalse(is_alive(before))
        self.assertIn("dead", stack.run("status", check=False))
        stack.start("dispatcher.1")
        self.assertNotEqual(stack.pid("dispatcher.1"), before)
        self.assertEqual(stack.pid("dispatcher.0"), other)
        stack.restart("dialer-sim")
        with open(f"/proc/{stack.pid('dialer-sim.0')}/environ", encoding="utf-8") as file:
            environment = file.read().split("\0")
        self.assertIn("BELFRY_SIM_TALK_MS=70", environment)
        self.assertIn("BELFRY_LOG_LEVEL=debug", environment)

        pids = [stack.pid("dispatcher.0"), stack.pid("dispatcher.1")]
        stack.kill("STOP", "dispatcher")
        self.assertEqual(stack.run("status", check=False).count("stopped"), 2)
        stack.kill("CONT", "dispatcher")
        stack.run("up", *stack.options)
        self.assertEqual([stack.pid("dispatcher.0"), stack.pid("dispatcher.1")], pids)

    def test_postgres_and_redis_come_back_where_they_were(self):
        stack = self.stack()
        redis_url = stack.env["BELFRY_REDIS_URL"]
        stack.kill("KILL", "postgres")
        stack.start("postgres")
        stack.restart("redis")
        self.assertEqual(stack.value("SELECT count(*) FROM workspace"), "1")
        self.assertEqual(stack.redis("config", "get", "appendfsync").split()[1], "everysec")
        stack.down()
        self.assertFalse(os.path.exists(os.path.join(stack.home, "env")))
        stack.api.close()
        stack.up()
        self.assertEqual(stack.env["BELFRY_REDIS_URL"], redis_url)
        self.assertEqual(stack.value("SELECT count(*) FROM workspace"), "1")

    def test_two_stacks_know_nothing_of_each_other(self):
        one, two = self.stack(), self.stack()
        self.assertNotEqual(one.env["BELFRY_URL"], two.env["BELFRY_URL"])
        one.campaign(targets=belfry.numbers(1))
        self.assertEqual(len(one.api.get("/v1/campaigns")["data"]), 1)
        self.assertEqual(two.api.get("/v1/campaigns")["data"], [])
        foreign = two.client(key=one.env["BELFRY_API_KEY"])
        self.addCleanup(foreign.close)
        self.assertEqual(foreign.request("GET", "/v1/campaigns").status, 401)

    def test_down_with_purge_leaves_nothing(self):
        stack = self.stack()
        pids = [stack.pid(name) for name in ("postgres.0", "redis.0", "dispatcher.0")]
        stack.run("down", "--purge")
        self.assertEqual([pid for pid in pids if is_alive(pid)], [])
        self.assertFalse(os.path.exists(stack.home))
        again = run(stack.home, "down")
        self.assertEqual(again.returncode, 0, again.stderr)

    def test_a_service_that_dies_ends_up_with_its_own_words(self):
        home = os.path.join(os.environ.get("TMPDIR", "/tmp"), "stack-refused")
        self.addCleanup(run, home, "down", "--purge")
        refused = run(home, "up", settings={"BELFRY_SIM_TALK_MS": "soon"})
        self.assertEqual(refused.returncode, 1)
        self.assertIn("dialer-sim.0 died", refused.stderr)
        self.assertIn("BELFRY_SIM_TALK_MS", refused.stderr)
        self.assertFalse(os.path.exists(os.path.join(home, "env")))

    def test_wrong_words_are_refused(self):
        home = os.path.join(os.environ.get("TMPDIR", "/tmp"), "stack-none")
        for args in (["up", "--dispatchers", "0"], ["up", "--dispatchers", "many"],
                     ["up", "--colour", "red"], ["up", "--dialer", "fax"], ["up", "--port"],
                     ["kill", "dispatcher"], ["start", "dispatcher"], ["psql"]):
            answer = run(home, *args)
            self.assertEqual(answer.returncode, 1, args)
            self.assertTrue(answer.stderr.startswith("stack: "), answer.stderr)
        self.assertEqual(run(home).returncode, 2)
        self.assertEqual(run(home, "status").returncode, 3)
        self.assertFalse(os.path.exists(home))
