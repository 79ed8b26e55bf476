"""Webhooks with all programs: secrets rotated by the API while events flow, every request verified;
then a dump of the database, Redis and every log, at the lowest level, searched for any secret."""
import base64
import collections
import glob
import os
import shlex
import subprocess
import threading
import time
import unittest

import belfry

MOMENT_S = 1.5  # the senders are woken, and look once a second without that


class StackTest(belfry.TestCase):
    def publish(self, stack, count):
        stack.psql("SELECT publish(array_agg(ROW('campaign.completed', w.id, now(), 'bulk', NULL, NULL,"
                   " NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{\"n\":' || i || '}')"
                   f"::publishable)) FROM workspace w, generate_series(1, {count}) i GROUP BY w.id")

    def load(self, stack, receiver, secrets, end):
        """Publishes all the time and rotates: with an overlap, again by force, and without one."""
        stop, published, spans = threading.Event(), [0], []

        def flow():
            while not stop.is_set():
                self.publish(stack, 10)
                published[0] += 10
                stop.wait(0.3)

        thread = threading.Thread(target=flow)
        thread.start()
        try:
            for overlap_s, body in ((4, {}), (60, {}), (0, {"force": True})):
                seen = len(receiver.hooks)
                belfry.wait_until(lambda: len(receiver.hooks) > seen + 20, 30, "requests")
                asked = time.time()
                made = stack.api.post(f"/v1/webhook-endpoints/{end}/rotate-secret",
                                      {"overlap_s": overlap_s, **body})
                secrets.append(made["secret"])
                spans.append((asked, time.time(), overlap_s))
                stop.wait(min(overlap_s, 2) + MOMENT_S)
                if overlap_s == 4:
                    stop.wait(3)
        finally:
            stop.set()
            thread.join()
        return published[0], spans

    def test_rotation_under_load_and_no_secret_anywhere(self):
        stack, self.watch = self.stack(webhook_senders=2, settings={"LOG_LEVEL": "debug"}), belfry.Stopwatch()
        receiver = self.receiver(respond=lambda hook: 0.1)
        end = stack.endpoint(receiver)
        secrets = [receiver.secrets["/hook"]]
        count, spans = self.load(stack, receiver, secrets, end)
        belfry.wait_until(lambda: len(receiver.hooks) >= count, 60, "all events")
        belfry.wait_until(lambda: stack.value(belfry.UNSETTLED) == "0", 20, "the end")
        self.assertEqual(len(receiver.hooks), count)
        self.check_signatures(receiver.hooks, secrets, spans)
        self.check_secrecy(stack, secrets)

    def check_signatures(self, hooks, secrets, spans):
        """Until its overlap ends the one before verifies; a moment after the answer the new one."""
        seen, moment_s = collections.Counter(), MOMENT_S + self.watch.slack_s()
        for hook in hooks:
            at = hook.at_us / 1e6
            signed = [hook.is_signed(secret) for secret in secrets]
            self.assertTrue(any(signed), f"no secret verifies at {at}")
            seen[sum(signed)] += 1
            for n, (asked, answered, overlap_s) in enumerate(spans):
                forced = [a for a, _, _ in spans[n + 1:]]
                if at < min([asked + overlap_s - 0.2, *forced]):
                    self.assertTrue(any(signed[:n + 1]))
                    if at > asked:
                        self.assertTrue(signed[n], f"{at - asked} s into the overlap {n}")
                if answered + moment_s < at < min([1e12, *forced]):
                    self.assertTrue(signed[n + 1], f"{at - answered} s after rotation {n}")
                if at > answered + overlap_s + moment_s:
                    self.assertFalse(signed[n], f"the old one after its overlap {n}")
        self.assertGreater(seen[2], 20)
        self.assertGreater(seen[1], 20)

    def check_secrecy(self, stack, secrets):
        with open(os.path.join(stack.home, "secrets"), encoding="utf-8") as file:
            kept = dict(line.strip().split("=", 1) for line in file if "=" in line)
        master = shlex.split(kept["BELFRY_SECRET_KEYS"])[0].split(":", 1)[1]
        words = [stack.env["BELFRY_API_KEY"].encode(), kept["BELFRY_KEY_PEPPER"].encode()]
        for text in [secret.removeprefix("whsec_") for secret in secrets] + [master]:
            raw = base64.b64decode(text)
            words += [text.encode(), raw, raw.hex().encode()]
        places = {"dump": self.dump(stack)}
        for path in glob.glob(os.path.join(stack.home, "log", "*")):
            with open(path, "rb") as file:
                places[os.path.basename(path)] = file.read()
        stack.redis("save")
        for path in glob.glob(os.path.join(stack.home, "redis", "**"), recursive=True):
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    places["redis " + os.path.basename(path)] = file.read()
        self.assertIn(b"COPY public.webhook_endpoint", places["dump"])
        self.assertIn(b" debug ", places["webhook-sender.0.log"])
        self.assertGreater(len([name for name in places if name.startswith("redis ")]), 0)
        for where, text in places.items():
            for word in words:
                self.assertNotIn(word, text, where)

    def dump(self, stack):
        program = sorted(glob.glob("/usr/lib/postgresql/*/bin/pg_dump"))[-1]
        done = subprocess.run([program, stack.env["BELFRY_DATABASE_URL"]], capture_output=True,
                              timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout


if __name__ == "__main__":
    unittest.main()
