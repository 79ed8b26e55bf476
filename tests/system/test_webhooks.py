"""webhook-sender against a private Postgres and Redis: events are published with the schema's own
function, requests are judged by a receiver of Python's, secrets are sealed by another implementation
(libcrypto through ctypes)."""
import collections
import email.utils
import signal
import socket
import threading
import time
import unittest

import belfry
import webhook_case
from webhook_case import DELAY_S, SCALE, new_secret, seal


# --- servers -----------------------------------------------------------------------------------


class RawServer:
    """Answers each request with the bytes that its path asks for, then closes."""

    ANSWERS = {
        "/garbage": b"this is not HTTP\r\n\r\n",
        "/close": b"",
        "/headers": b"HTTP/1.1 200 OK\r\n" + b"x-filler: " + b"y" * 4000 + b"\r\n",
        "/cut": b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly a part",
        "/huge": b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n" + b"z" * 200000,
        "/slow": b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n",
    }

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.held = []
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # the thread ends before its descriptor is another's
        self.thread.join(timeout=10)
        self.listener.close()
        for peer in self.held:
            peer.close()

    def _serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            try:
                self._answer(peer)
            except OSError:  # the sender had enough
                peer.close()

    def _answer(self, peer):
        peer.settimeout(5)
        path = peer.recv(65536).split(b" ")[1].decode()
        answer = self.ANSWERS[path]
        peer.sendall(answer * 12 if path == "/headers" else answer)
        if path == "/slow":
            self.held.append(peer)
        else:
            peer.close()


class Counting(belfry.Receiver):
    """Knows how many requests to a path were open at a time."""

    def __init__(self, seconds):
        self.open, self.most = collections.Counter(), collections.Counter()
        self.seconds = seconds
        super().__init__(self._begin)

    def _begin(self, hook):
        self.open[hook.path] += 1
        self.most[hook.path] = max(self.most[hook.path], self.open[hook.path])
        return self.seconds

    def _answer(self, peer, answer):
        super()._answer(peer, answer)
        if not isinstance(answer, float):  # a delayed one: it ends now
            self.open.subtract([path for p, path in self.delayed_paths if p is peer])
            self.delayed_paths = [entry for entry in self.delayed_paths if entry[0] is not peer]
        else:
            self.delayed_paths.append((peer, self.hooks[-1].path))

    delayed_paths = []


class WebhookTest(webhook_case.WebhookCase):
    # --- the road

    def test_events_arrive_signed_once_with_the_same_bytes(self):
        receiver = self.receiver()
        ends = [self.hook(receiver, "/a"), self.hook(receiver, "/b")]
        deaf = self.endpoint(receiver.url("/deaf"), events="{campaign.completed}")
        self.sender()
        for _ in range(3):
            self.publish(100)
        self.wait_done(600)
        self.assertEqual(receiver.unsigned(), [])
        by_path = {path: {hook.id: hook for hook in receiver.hooks if hook.path == path}
                   for path in ("/a", "/b")}
        self.assertEqual(len(receiver.hooks), 600)
        self.assertEqual([len(by_path["/a"]), len(by_path["/b"])], [300, 300])
        for number, hook in by_path["/a"].items():
            self.assertEqual(hook.body, by_path["/b"][number].body)
            self.assertEqual(hook.headers["content-type"], "application/json")
            self.assertEqual(hook.headers["user-agent"], "Belfry-Webhooks/1")
            self.assertEqual(hook.json["id"], number)
            self.assertEqual(hook.attempt, 1)
            self.assertFalse(hook.json["test"])
        self.assertEqual(sorted(hook.json["sequence"] for hook in by_path["/a"].values()),
                         list(range(1, 301)))
        self.assertEqual(len({hook.headers["belfry-delivery"] for hook in receiver.hooks}), 600)
        for end in ends:
            self.assertEqual(self.done(end), [["delivered", "-", "1", "delivered"]] * 300)
        self.assertEqual(self.done(deaf), [])

    def test_the_published_vector_holds_for_the_receiver(self):
        self.assertEqual(
            belfry.sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
                        "1614265330", b'{"test": 2432232314}'),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")

    def test_both_secrets_sign_until_the_overlap_ends(self):
        receiver = self.receiver()
        end = self.hook(receiver, "/a")
        before = new_secret()
        old = f"secret_old = '\\x{seal(end, before).hex()}', secret_old_until = now() + interval"
        self.rows(f"UPDATE webhook_endpoint SET {old} '1 hour' WHERE id = '{end}'")
        self.sender()
        self.publish()
        self.wait_done(1)
        self.rows(f"UPDATE webhook_endpoint SET {old} '-1 second' WHERE id = '{end}'")
        self.publish()
        self.wait_done(2)
        first, second = receiver.hooks
        self.assertEqual(len(first.headers["webhook-signature"].split(" ")), 2)
        self.assertTrue(first.is_signed(before) and first.is_signed(receiver.secrets["/a"]))
        self.assertTrue(second.is_signed(receiver.secrets["/a"]))
        self.assertFalse(second.is_signed(before))

    # --- answers

    def test_six_failures_make_a_dead_letter(self):
        receiver, watch = self.receiver(lambda hook: 500), belfry.Stopwatch()
        end = self.hook(receiver, "/a")
        self.sender()
        self.publish(3)
        self.wait_done(3)
        self.assertEqual(receiver.unsigned(), [])
        by_id = collections.defaultdict(list)
        for hook in receiver.hooks:
            by_id[hook.id].append(hook)
        self.assertEqual(len(by_id), 3)
        for hooks in by_id.values():
            self.assertEqual([hook.attempt for hook in hooks], [1, 2, 3, 4, 5, 6])
            self.assertEqual(len({hook.body for hook in hooks}), 1)
            self.assertEqual(len({hook.headers["belfry-delivery"] for hook in hooks}), 1)
            for earlier, later in zip(hooks, hooks[1:]):
                gap = (later.at_us - earlier.at_us) / 1e6
                self.assertGreaterEqual(gap, DELAY_S * SCALE * 0.8)
                self.assertLess(gap, DELAY_S * SCALE * 1.2 + 2 + watch.slack_s())
        self.assertEqual(self.done(end),
                         [["dead_letter", "attempts_exhausted", "6", "http_error"]] * 3)
        earlier = self.rows("SELECT number, result, http_status FROM delivery_attempt WHERE "
                            f"workspace_id = '{self.workspace}' ORDER BY number")
        self.assertEqual(earlier, [[str(n), "http_error", "500"] for n in range(1, 6) for _ in "abc"])
        self.assertEqual(len(receiver.hooks), 18)

    def test_what_every_answer_leads_to(self):
        raw = RawServer()
        self.addCleanup(raw.close)
        receiver = self.receiver(
            lambda hook: (301, {"Location": receiver.url("/elsewhere")}) if hook.path == "/moved"
            else 404)
        taken = socket.socket()  # and does not listen
        self.addCleanup(taken.close)
        taken.bind(("127.0.0.1", 0))
        nobody = taken.getsockname()[1]
        wanted = {
            receiver.url("/moved"): ("http_error", "301"), receiver.url("/404"): ("http_error", "404"),
            raw.url("/garbage"): ("bad_response", ""), raw.url("/close"): ("reset", ""),
            raw.url("/headers"): ("bad_response", ""), raw.url("/cut"): ("delivered", "200"),
            raw.url("/huge"): ("delivered", "200"), raw.url("/slow"): ("delivered", "200"),
            f"http://127.0.0.1:{nobody}/": ("connect_error", ""),
            "http://10.1.2.3/": ("blocked_ip", ""), "http://169.254.169.254/": ("blocked_ip", ""),
            "http://[::1]:9/": ("blocked_ip", ""), "http://0.0.0.0:9/": ("blocked_ip", ""),
            "ftp://127.0.0.1/": ("blocked_url", ""),
        }
        ends = {url: self.endpoint(url) for url in wanted}
        self.sender(WEBHOOK_TIME_SCALE="0.01")
        self.publish()
        self.wait_done(len(ends))
        for url, end in ends.items():
            word, status = wanted[url]
            row, = self.done(end, "status, coalesce(reason, '-'), attempts, result, http_status")
            fate = ["delivered", "-", "1"] if word == "delivered" else \
                ["dead_letter", "attempts_exhausted", "6"]
            self.assertEqual(row, [*fate, word, status], url)
        self.assertEqual({hook.path for hook in receiver.hooks}, {"/moved", "/404"})
        self.assertEqual(len(receiver.hooks), 12)

    def test_plain_http_needs_a_setting(self):
        receiver = self.receiver()
        end = self.hook(receiver, "/a")
        self.sender(WEBHOOK_ALLOW_HTTP="0", WEBHOOK_TIME_SCALE="0.01")
        self.publish()
        self.wait_done(1)
        self.assertEqual(self.done(end), [["dead_letter", "attempts_exhausted", "6", "blocked_url"]])
        self.assertEqual(receiver.hooks, [])

    def test_gone_disables_the_endpoint(self):
        receiver = self.receiver(lambda hook: 410 if hook.path == "/gone" else 200)
        gone, other = self.hook(receiver, "/gone"), self.hook(receiver, "/other")
        self.sender()
        self.publish(20)
        self.wait_done(41)  # 20 and 20, and what says that the endpoint was disabled
        self.assertEqual(len([hook for hook in receiver.hooks if hook.path == "/gone"]), 1)
        ends = collections.Counter(row[1] for row in self.done(gone))
        self.assertEqual(ends, {"gone": 1, "endpoint_disabled": 19})
        self.assertEqual({row[0] for row in self.done(gone)}, {"dead_letter"})
        self.assertEqual({row[0] for row in self.done(other)}, {"delivered"})
        self.assertEqual(self.rows("SELECT status, disabled_reason FROM webhook_endpoint WHERE "
                                   f"id = '{gone}'"), [["disabled", "gone"]])
        said, = [hook.json for hook in receiver.hooks
                 if hook.json["type"] == "webhook_endpoint.disabled"]
        self.assertEqual(said["data"]["webhook_endpoint"]["disabled_reason"], "gone")
        self.publish()
        self.wait_done(42)

    def test_long_failure_disables_the_endpoint(self):
        receiver = self.receiver(lambda hook: 200 if hook.path == "/told" else 500)
        told = self.endpoint(receiver.url("/told"), events="{webhook_endpoint.disabled}")
        long, short = self.hook(receiver, "/long"), self.hook(receiver, "/short")
        for end, hours in ((long, 73), (short, 71)):
            self.rows(f"UPDATE webhook_endpoint SET failing_since = now() - interval '{hours} hours' "
                      f"WHERE id = '{end}'")
        self.sender(WEBHOOK_TIME_SCALE="0.01")
        for _ in range(4):
            dead = f"SELECT count(*) FROM delivery_done WHERE endpoint_id = '{long}'"
            before = self.number(dead)
            self.publish()
            belfry.wait_until(lambda: self.number(dead) > before, 10, "a dead letter")
        state = "SELECT status, coalesce(disabled_reason, '-') FROM webhook_endpoint WHERE id = "
        belfry.wait_until(lambda: self.rows(f"{state}'{long}'") == [["disabled", "failing"]], 10,
                          "the endpoint to be disabled")
        self.wait_done(10)  # 4 and 4, and what says that one was disabled, to the two others
        self.assertEqual(self.rows(f"{state}'{short}'"), [["enabled", "-"]])
        self.assertEqual(len(self.done(told)), 1)
        self.assertEqual(self.done(long), [["dead_letter", "attempts_exhausted", "6", "http_error"]] * 4)

    def test_attempts_of_deliveries_that_wait_count_for_the_disabling(self):
        receiver = self.receiver(lambda hook: 500)
        end = self.hook(receiver, "/a")
        self.rows("UPDATE webhook_endpoint SET failing_since = now() - interval '73 hours' "
                  f"WHERE id = '{end}'")
        # Three dead letters are 18 attempts; the two that a fourth delivery has behind it make 20.
        self.publish(1, wake=False)
        self.as_rows("attempts = 2, due_at = now() + interval '1 hour'")
        self.sender(WEBHOOK_TIME_SCALE="0.01")
        state = f"SELECT status FROM webhook_endpoint WHERE id = '{end}'"
        for count in (1, 2):
            self.publish()
            self.wait_done(count)
        self.assertEqual(self.rows(state), [["enabled"]])
        self.publish()
        belfry.wait_until(lambda: self.rows(state) == [["disabled"]], 10, "the disabling")
        self.wait_done(4)
        self.assertEqual(collections.Counter(row[1] for row in self.done(end)),
                         {"attempts_exhausted": 3, "endpoint_disabled": 1})
        self.assertEqual(len(receiver.hooks), 18)

    def test_what_cannot_be_sent_is_a_dead_letter_with_its_reason(self):
        receiver = self.receiver()
        end = self.hook(receiver, "/a")
        self.publish(3, event="campaign.completed", wake=False)
        self.rows("UPDATE event SET data = '{\"x\":\"' || repeat('y', 70000) || '\"}' WHERE "
                  f"workspace_id = '{self.workspace}' AND sequence = 1")
        self.as_rows()
        self.rows(f"DELETE FROM event WHERE workspace_id = '{self.workspace}' AND sequence = 2")
        self.sender()
        self.publish()
        self.wait_done(4)
        self.assertEqual([row[:2] for row in self.done(end)],
                         [["dead_letter", "body_too_large"], ["dead_letter", "event_missing"],
                          ["delivered", "-"], ["delivered", "-"]])
        self.assertEqual(len(receiver.hooks), 2)

    def test_a_test_that_failed_is_not_tried_again(self):
        receiver = self.receiver(lambda hook: 500)
        end = self.hook(receiver, "/a")
        self.sender(WEBHOOK_TIME_SCALE="0")
        self.publish(2, event="webhook_endpoint.test")
        self.wait_done(2)
        self.assertEqual(self.done(end), [["dead_letter", "test_failed", "1", "http_error"]] * 2)
        self.assertEqual([hook.attempt for hook in receiver.hooks], [1, 1])

    def test_deliveries_of_a_deleted_endpoint_are_buried(self):
        receiver = self.receiver()
        end = self.hook(receiver, "/a")
        self.publish(1200)
        self.rows(f"UPDATE webhook_endpoint SET deleted_at = now() WHERE id = '{end}'")
        self.sender()
        self.wait_done(1200)
        self.assertEqual(receiver.hooks, [])
        self.assertEqual({row[1] for row in self.done(end)}, {"endpoint_deleted"})

    def test_retry_after_shuts_the_gate(self):
        seen = collections.Counter()

        def respond(hook):
            seen[hook.path] += 1
            if seen[hook.path] > 1:
                return 200
            when = email.utils.formatdate(time.time() + 3, usegmt=True)
            return (429, {"Retry-After": "2"}) if hook.path == "/seconds" else \
                (503, {"Retry-After": when})

        receiver = self.receiver(respond)
        ends = [self.hook(receiver, "/seconds"), self.hook(receiver, "/date")]
        self.sender()
        self.publish(10)
        self.wait_done(20)
        for end, path in zip(ends, ("/seconds", "/date")):
            hooks = [hook for hook in receiver.hooks if hook.path == path]
            self.assertEqual(len(hooks), 11)
            for hook in hooks[1:]:
                self.assertGreater(hook.at_us - hooks[0].at_us, 1_900_000)
            # Only the one that was refused has used an attempt.
            self.assertEqual(sorted(row[2] for row in self.done(end)), ["1"] * 9 + ["2"])

    # --- pace

    def test_hanging_endpoints_do_not_delay_a_healthy_one(self):
        receiver = self.receiver(lambda hook: 200 if hook.path == "/healthy" else None)
        watch = belfry.Stopwatch()
        self.hook(receiver, "/healthy")
        hanging = [self.endpoint(receiver.url(f"/hang{n}")) for n in range(100)]
        self.sender()
        self.publish(20)
        belfry.wait_until(lambda: len(receiver.hooks) > 100, 10, "all to be asked")
        sent = {}
        for n in range(40):
            self.publish()
            sent[21 + n] = time.time()  # the sequence is the workspace's own
            time.sleep(0.05)

        def healthy():
            return {hook.json["sequence"]: hook.at_us / 1e6 for hook in list(receiver.hooks)
                    if hook.path == "/healthy"}

        belfry.wait_until(lambda: len(healthy()) == 60, 10, "the healthy one's events")
        late = sorted(healthy()[number] - at for number, at in sent.items())
        self.assertLess(late[-1], 1 + watch.slack_s())
        timeouts = ("SELECT count(*) FROM delivery_attempt WHERE result = 'timeout' AND "
                    f"workspace_id = '{self.workspace}'")
        belfry.wait_until(lambda: self.number(timeouts) >= len(hanging), 25, "the time-outs")
        took = self.rows("SELECT min(duration_ms), max(duration_ms) FROM delivery_attempt WHERE "
                         f"result = 'timeout' AND workspace_id = '{self.workspace}'")[0]
        self.assertGreaterEqual(int(took[0]), 14900)
        self.assertLess(int(took[1]) / 1e3, 17 + watch.slack_s())

    def test_eight_at_a_time_and_each_once_with_two_senders(self):
        receiver = Counting(0.01)
        self.addCleanup(receiver.close)
        ends = [self.hook(receiver, f"/{n}") for n in range(20)]
        self.sender()
        self.sender()
        rounds = 0
        # Until the first has heard of the second and left its share to it, all may be the first's.
        while rounds < 4 or self.owners() < 2:
            self.assertLess(rounds, 100, "the endpoints stay with one sender")
            self.publish(50)
            rounds += 1
            self.wait_done(50 * rounds * len(ends), 60)
        seen = collections.Counter((hook.path, hook.id) for hook in receiver.hooks)
        self.assertEqual(set(seen.values()), {1})
        self.assertEqual(len(seen), 50 * rounds * len(ends))
        self.assertEqual(max(receiver.most.values()), 8)

    def owners(self):
        return self.number("SELECT count(DISTINCT sender_id) FROM webhook_endpoint WHERE "
                           f"workspace_id = '{self.workspace}'")

    # --- faults

    def test_a_killed_sender_costs_one_request_more(self):
        answer = [None]
        receiver = self.receiver(lambda hook: answer[0])
        end = self.hook(receiver, "/a")
        first = self.sender()
        self.publish(3)
        belfry.wait_until(lambda: receiver.hooks, 10, "the first request")
        first.kill()
        first.wait()
        answer[0] = 200
        self.sender()
        self.wait_done(3, 30)
        self.assertEqual(self.done(end), [["delivered", "-", "1", "delivered"]] * 3)
        times = collections.Counter(hook.id for hook in receiver.hooks)
        self.assertEqual(sorted(times.values()), [1, 1, 2])
        self.assertEqual({hook.attempt for hook in receiver.hooks}, {1})

    def test_a_sender_that_slept_past_its_lease_sends_nothing_it_held(self):
        answer = [None]
        receiver = self.receiver(lambda hook: answer[0])
        ends = [self.hook(receiver, f"/{n}") for n in range(8)]
        first = self.sender()
        self.publish(4)
        belfry.wait_until(lambda: len(receiver.hooks) == len(ends), 10, "one request each")
        first.send_signal(signal.SIGSTOP)
        answer[0] = 200
        self.sender()
        self.wait_done(4 * len(ends), 40)
        first.send_signal(signal.SIGCONT)
        belfry.wait_until(lambda: "lease_lost" in self.log_of(first), 10, "the first one to see it")
        self.publish()
        self.wait_done(5 * len(ends), 30)
        times = collections.Counter((hook.path, hook.id) for hook in receiver.hooks)
        self.assertEqual(collections.Counter(times.values()), {1: 4 * len(ends), 2: len(ends)})

    def test_a_drain_gives_back_what_was_not_sent(self):
        receiver = self.receiver(lambda hook: 0.3)
        ends = [self.hook(receiver, f"/{n}") for n in range(3)]
        first = self.sender()
        self.publish(40)
        belfry.wait_until(lambda: len(receiver.hooks) > 10, 10, "some requests")
        self.stop(first, 10)
        self.assertEqual(self.rows("SELECT id FROM webhook_sender"), [])
        self.assertEqual(self.number("SELECT count(*) FROM delivery WHERE sender_id IS NOT NULL"), 0)
        self.assertGreater(self.waiting(), 0)
        self.assertEqual(self.number("SELECT count(*) FROM delivery WHERE attempts > 0"), 0)
        self.sender()
        self.wait_done(40 * len(ends), 30)
        times = collections.Counter((hook.path, hook.id) for hook in receiver.hooks)
        self.assertEqual(set(times.values()), {1})

    def test_without_redis_it_still_looks(self):
        receiver = self.receiver()
        self.hook(receiver, "/a")
        self.sender()
        self.redis.kill()
        self.redis.wait()
        self.publish(5, wake=False)
        self.wait_done(5)
        self.assertEqual(len(receiver.hooks), 5)

    def test_outcomes_outlast_an_absence_of_postgres(self):
        receiver = self.receiver(lambda hook: 0.5)
        ends = [self.hook(receiver, f"/{n}") for n in range(4)]
        self.sender()
        self.publish(10)
        belfry.wait_until(lambda: len(receiver.hooks) >= len(ends), 10, "requests")
        self.pg.server.send_signal(signal.SIGINT)  # a fast shutdown
        self.pg.server.wait(timeout=30)
        self.pg.start()
        self.pg.wait()
        self.wait_done(10 * len(ends), 40)
        times = collections.Counter((hook.path, hook.id) for hook in receiver.hooks)
        self.assertEqual(set(times.values()), {1})


if __name__ == "__main__":
    unittest.main()
