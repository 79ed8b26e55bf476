"""webhook-sender: what one endpoint does is no other's business, what one sender suffers costs one
request more, and a change of an endpoint holds at once, under load."""
import base64
import collections
import os
import signal
import socket
import subprocess
import threading
import time
import unittest

import belfry
import webhook_case
from webhook_case import new_secret, seal
from webhook_hostile import Hostile, answer

# DEADLINE_S = 420
HEALTHY_EVENTS = 400


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Deaf:
    """Listens and never accepts: with its queue full, nobody gets through to it."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.address = self.listener.getsockname()
        self.fill = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(self.address)
            self.fill.append(one)

    def url(self, path):
        return f"http://127.0.0.1:{self.address[1]}{path}"

    def close(self):
        for one in [self.listener, *self.fill]:
            one.close()


class IsolationCase(webhook_case.WebhookCase):
    def setUp(self):
        super().setUp()
        self.watch = belfry.Stopwatch()

    def give(self, made):
        self.addCleanup(made.close)
        return made

    def latencies(self, receiver, path, first):
        """Seconds from each event's commit to the first byte of its request, of events from `first`
        on. An event's own moment is the begin of its transaction."""
        return {hook.json["sequence"]: hook.at_us / 1e6 - belfry.parse_time_us(
            hook.json["timestamp"]) / 1e6 for hook in list(receiver.hooks)
            if hook.path == path and hook.json["sequence"] >= first}


class IsolationTest(IsolationCase):
    def test_a_hundred_dead_endpoints_beside_a_healthy_one(self):
        """They hang, never accept, drip; each with a backlog that only grows."""
        receiver = self.receiver()
        self.hook(receiver, "/healthy")
        hostile, deaf = self.give(Hostile()), self.give(Deaf())
        kinds = (lambda n: hostile.url(f"/hang?{n}"), lambda n: deaf.url(f"/{n}"),
                 lambda n: hostile.url(f"/drip?{n}"), lambda n: hostile.url(f"/reset?{n}"))
        dead = [self.endpoint(kinds[n % len(kinds)](n)) for n in range(100)]
        self.sender()
        self.publish(100)
        first = 101
        begun = time.monotonic()
        for n in range(HEALTHY_EVENTS):
            self.publish()
            # For long enough that time-outs come and their endpoints are slowed
            time.sleep(max(0, begun + (n + 1) / 20 - time.monotonic()))
        belfry.wait_until(
            lambda: len(self.latencies(receiver, "/healthy", first)) == HEALTHY_EVENTS, 20,
            "the healthy one's events")
        late = list(self.latencies(receiver, "/healthy", first).values())
        print(f"healthy beside 100 dead: p50 {quantile(late, 0.5) * 1000:.0f} ms, "
              f"p99 {quantile(late, 0.99) * 1000:.0f} ms, max {max(late) * 1000:.0f} ms")
        self.assertLess(quantile(late, 0.99), 1 + self.watch.slack_s())  # I13
        timeouts = ("SELECT count(DISTINCT e.id) FROM delivery_attempt a JOIN delivery d "
                    "ON d.id = a.delivery_id JOIN webhook_endpoint e ON e.id = "
                    "d.endpoint_id WHERE a.result = 'timeout'")
        belfry.wait_until(lambda: self.number(timeouts) >= 75, 20, "time-outs")
        # Every one of them is tried again and again, too.
        self.assertEqual(self.number("SELECT count(DISTINCT endpoint_id) FROM delivery d WHERE "
                                     "attempts > 0"), len(dead))

    def test_busy_neighbours_do_not_delay_a_quiet_one(self):
        """Twelve endpoints with two thousand events each in the queue, and one that has none."""
        receiver = self.receiver(lambda hook: 200 if hook.path == "/quiet" else 0.1)
        for n in range(12):
            self.hook(receiver, f"/busy{n}")
        for _ in range(8):
            self.publish(250)
        self.sender()
        belfry.wait_until(lambda: len(receiver.hooks) > 500, 20, "the busy ones' requests")
        receiver.secrets["/quiet"] = new_secret()
        self.rows("UPDATE webhook_endpoint SET events = '{scheduled_call.failed}'")
        self.endpoint(receiver.url("/quiet"), receiver.secrets["/quiet"],
                      "{scheduled_call.cancelled}")
        count = 60
        for _ in range(count):
            self.publish(event="scheduled_call.cancelled")
            time.sleep(0.03)
        left = self.waiting()
        belfry.wait_until(lambda: len(self.latencies(receiver, "/quiet", 1)) == count, 10, "the quiet")
        late = list(self.latencies(receiver, "/quiet", 1).values())
        print(f"quiet beside busy: p99 {quantile(late, 0.99) * 1000:.0f} ms, {left} waited")
        self.assertGreater(left, 1000)
        self.assertLess(quantile(late, 0.99), 3 + self.watch.slack_s())
        self.wait_done(12 * 2000 + count, 120)
        self.assertEqual(receiver.unsigned(), [])


class PaceTest(IsolationCase):
    def test_one_at_a_time_after_five_time_outs_and_eight_after_it_answers(self):
        """Eight are on their way when it falls silent; they time out, then one asks for all."""
        good, lock, open_now, most, seen = 30, threading.Lock(), [0], [0], [0]

        def respond(_server, peer, _request):
            with lock:
                open_now[0] += 1
                most[0] = max(most[0], open_now[0])
                seen[0] += 1
                is_good = seen[0] <= good or recovered.is_set()
            try:
                if not is_good:
                    while peer.recv(4096):
                        pass
                    return b""
                time.sleep(0.05)
                return answer(200)
            finally:
                with lock:
                    open_now[0] -= 1

        recovered = threading.Event()
        server = self.give(Hostile({"/a": respond}))
        end = self.endpoint(server.url("/a"))
        self.sender(WEBHOOK_SCHEDULE="0,1,1,1,1,1", WEBHOOK_TIME_SCALE="1")
        self.publish(60)
        belfry.wait_until(lambda: len(server.requests) == good + 8, 10, "eight that hang")
        self.assertEqual(most[0], 8)
        silent = server.requests[good].at
        belfry.wait_until(lambda: len(server.requests) > good + 8, 20, "the next one")
        self.assertGreater(server.requests[good + 8].at - silent, 14.9)
        recovered.wait(server.requests[good + 8].at + 8 - time.time())
        self.assertEqual(len(server.requests), good + 9)
        self.assertEqual(self.number("SELECT consecutive_failures FROM webhook_endpoint WHERE "
                                     f"id = '{end}'"), 8)
        recovered.set()
        most[0] = 0
        self.wait_done(60, 30)
        self.assertEqual(most[0], 8)
        self.assertEqual(len(server.requests), 60 + 9)


class RotationTest(IsolationCase):
    """Who verifies with the old secret until the overlap ends, and who changes at once to the new
    one, both verify everything; a moment is granted to the second."""

    MOMENT_S = 1.5

    def rotate(self, end, secrets, overlap_s):
        """As the API does it: the secret moves over, sealed as it is."""
        secrets.append(new_secret())
        self.rows("UPDATE webhook_endpoint SET secret_old = secret, secret_old_until = now() + "
                  f"interval '{overlap_s} s', secret = '\\x{seal(end, secrets[-1]).hex()}' "
                  f"WHERE id = '{end}'")
        return time.time()

    def test_every_request_verifies_while_secrets_rotate_under_load(self):
        # Slow enough that deliveries wait in the sender's hands when the secret changes.
        receiver = self.receiver(lambda hook: 0.15)
        secrets = [new_secret()]
        end = self.endpoint(receiver.url("/a"), secrets[0])
        self.sender()
        stop = threading.Event()
        published = [0]

        def load():
            while not stop.is_set():
                self.publish(20)
                published[0] += 20
                stop.wait(0.4)

        thread = threading.Thread(target=load)
        thread.start()
        spans = []  # when each secret became the new one, and when it stopped signing beside the next
        try:
            for overlap_s in (4, 3):
                belfry.wait_until(lambda: len(receiver.hooks) > 60 * (len(spans) + 1), 20, "requests")
                at = self.rotate(end, secrets, overlap_s)
                spans.append((at, at + overlap_s))
                while time.time() < at + overlap_s + self.MOMENT_S:
                    stop.wait(0.1)
        finally:
            stop.set()
            thread.join()
        self.wait_done(published[0], 60)
        self.assertEqual(len(receiver.hooks), published[0])
        double, moment_s = 0, self.MOMENT_S + self.watch.slack_s()
        for hook in receiver.hooks:
            signed = [hook.is_signed(secret) for secret in secrets]
            double += sum(signed) == 2
            at = hook.at_us / 1e6
            self.assertTrue(any(signed), f"at {at}: no secret verifies")
            for n, (begin, over) in enumerate(spans):
                if at < begin:
                    self.assertTrue(signed[0] if n == 0 else any(signed[:n + 1]))
                elif at < over - 0.2 - self.watch.slack_s():
                    self.assertTrue(signed[n], f"the old one, {at - begin} s after rotation {n}")
                if begin + moment_s < at < (spans + [(1e12, 0)])[n + 1][0]:
                    self.assertTrue(signed[n + 1], f"the new one, {at - begin} s after rotation {n}")
                if at > over + moment_s:
                    self.assertFalse(signed[n], f"the old one, {at - over} s after its end")
        self.assertGreater(double, 20)

    def test_a_rotation_without_overlap_and_a_new_url_hold_at_once(self):
        receiver = self.receiver(lambda hook: 0.3)
        secrets = [new_secret()]
        end = self.endpoint(receiver.url("/a"), secrets[0])
        self.sender()
        self.publish(240)
        belfry.wait_until(lambda: len(receiver.hooks) > 10, 10, "requests")
        at = self.rotate(end, secrets, 0)
        self.rows(f"UPDATE webhook_endpoint SET url = '{receiver.url('/b')}' WHERE id = '{end}'")
        self.wait_done(240, 60)
        moment_s = self.MOMENT_S + self.watch.slack_s()
        later = [hook for hook in receiver.hooks if hook.at_us / 1e6 > at + moment_s]
        self.assertGreater(len(later), 5)
        for hook in later:
            self.assertEqual(hook.path, "/b")
            self.assertTrue(hook.is_signed(secrets[1]))
            self.assertFalse(hook.is_signed(secrets[0]))


# Of six endpoints: what was on its way, and what had come back and was not recorded.
REPEATED_MAX = 6 * (8 + 10)


class SendersTest(IsolationCase):
    """I11 and I12, with two senders of which one is killed and one sleeps past its lease."""

    def run_faults(self, fault, extra):
        """Six endpoints of which two always fail; `extra` requests more a delivery at most."""
        receiver = self.receiver(lambda hook: 500 if "fail" in hook.path else 0.02)
        paths = [f"/{'fail' if n < 2 else 'ok'}{n}" for n in range(6)]
        ends = {path: self.hook(receiver, path) for path in paths}
        senders = [self.sender(WEBHOOK_SCHEDULE="0,2,2,2,2,2", WEBHOOK_TIME_SCALE="1")
                   for _ in range(2)]
        count = 0
        for n in range(30):
            self.publish(10)
            count += 10
            if n == 10:
                belfry.wait_until(lambda: receiver.hooks, 10, "requests")
                fault(senders[0])
            time.sleep(0.1)
        self.wait_done(count * len(paths), 90)
        seen = collections.Counter((hook.path, hook.headers["belfry-delivery"])
                                   for hook in receiver.hooks)
        self.assertEqual(len(seen), count * len(paths))
        for path, end in ends.items():
            wanted = 6 if "fail" in path else 1
            times = [n for (one, _), n in seen.items() if one == path]
            self.assertGreaterEqual(min(times), wanted)
            self.assertLessEqual(max(times), wanted + extra)
            fates = {(row[0], row[1]) for row in self.done(end)}
            self.assertEqual(fates, {("dead_letter", "attempts_exhausted")} if wanted == 6
                             else {("delivered", "-")})
        self.assertEqual(receiver.unsigned(), [])
        return sum(seen.values()) - count * (2 * 6 + 4)

    def test_a_kill_of_one_of_two_costs_one_request_more_at_most(self):
        def kill(sender):
            sender.kill()
            sender.wait()

        repeated = self.run_faults(kill, 1)
        self.assertLessEqual(repeated, REPEATED_MAX)

    def test_a_sleep_past_the_lease_of_one_of_two(self):
        def sleep(sender):
            sender.send_signal(signal.SIGSTOP)
            belfry.wait_until(lambda: self.number("SELECT count(*) FROM webhook_sender") == 1, 20,
                              "the other to notice")
            sender.send_signal(signal.SIGCONT)

        repeated = self.run_faults(sleep, 1)
        self.assertLessEqual(repeated, REPEATED_MAX)
        self.assertIn("lease_lost", self.log_of(self.senders[0][0]))


class SecretsTest(IsolationCase):
    def test_neither_the_database_nor_a_log_has_a_secret(self):
        """I15: what a dump, Redis' keys and all logs at the lowest level say."""
        receiver = self.receiver(lambda hook: 500 if hook.path == "/fail" else 200)
        hostile = self.give(Hostile({"/echo": lambda s, p, request: answer(
            500, request.body, x_echo=request.headers["webhook-signature"])}))
        secrets = {path: new_secret() for path in ("/ok", "/fail", "/echo", "/old")}
        receiver.secrets.update(secrets)
        for path, secret in secrets.items():
            url = hostile.url(path) if path == "/echo" else receiver.url(path)
            end = self.endpoint(url, secret)
            if path == "/ok":
                self.rows(f"UPDATE webhook_endpoint SET secret_old_until = now() + interval '1 hour', "
                          f"secret_old = '\\x{seal(end, secrets['/old']).hex()}' WHERE id = '{end}'")
        broken = self.endpoint(receiver.url("/broken"))
        self.rows("UPDATE webhook_endpoint SET secret = set_byte(secret, 19, get_byte(secret, 19) # 255) "
                  f"WHERE id = '{broken}'")
        sender = self.sender(LOG_LEVEL="debug", WEBHOOK_TIME_SCALE="0.01")
        self.publish(5)
        self.wait_done(20)
        belfry.wait_until(lambda: "secret_unreadable" in self.log_of(sender), 10, "the broken one")
        sent = [hook.body.decode() for hook in receiver.hooks]
        self.stop(sender)
        dump = subprocess.run([*self.pg.as_user, os.path.join(self.pg.bin, "pg_dump"), "-d",
                               self.pg.url], check=True, capture_output=True, timeout=120).stdout
        redis = subprocess.run(["redis-cli", "-s", self.home + "/redis.sock", "--rdb", "-"],
                               check=True, capture_output=True, timeout=60).stdout
        with open(self.pg.dir + "/log", "rb") as file:
            postgres = file.read()
        places = {"dump": dump, "redis": redis, "postgres": postgres,
                  "log": self.log_of(sender).encode()}
        self.assertIn(b"webhook_endpoint", dump)
        self.assertIn(b"bf:wake", redis)
        for where, text in places.items():
            for secret in [*secrets.values(), "whsec_" + base64.b64encode(webhook_case.KEY).decode()]:
                raw = base64.b64decode(secret[len("whsec_"):])
                for form in (secret[len("whsec_"):].encode(), raw, raw.hex().encode(),
                             secret.encode().hex().encode()):
                    self.assertNotIn(form, text, where)
        self.assertEqual([body for body in sent if body.encode() in places["log"]], [])


if __name__ == "__main__":
    unittest.main()
