"""webhook-sender against receivers that do harm: how many requests each sees, when, and what is
recorded. Nothing here is sent twice, early, or to an address that is denied."""
import collections
import email.utils
import itertools
import os
import socket
import ssl
import subprocess
import time
import unittest
import uuid

import belfry
import webhook_case
from webhook_hostile import HUGE, OLD_TLS, Certificates, Hostile, answer, old_tls

# Hanging six times takes a minute and a half.
# DEADLINE_S = 420
DELAYS = (0, 1, 2, 3, 4, 5)
SCALE = 0.3
SLACK_S = 1.0  # what a loaded machine may add to a wait
TIMEOUT_S = 15
STEADY = {"WEBHOOK_SCHEDULE": ",".join(map(str, DELAYS)), "WEBHOOK_TIME_SCALE": str(SCALE)}


class HostileCase(webhook_case.WebhookCase):
    def setUp(self):
        super().setUp()
        self.watch = belfry.Stopwatch()

    def slack_s(self):
        return SLACK_S + self.watch.slack_s()

    def hostile(self, *args, **options):
        server = Hostile(*args, **options)
        self.addCleanup(server.close)
        return server

    def spaced(self, requests, lasted_s=0.0):
        """The waits between requests of one delivery are those of the schedule, in its order."""
        self.assertEqual([request.headers["belfry-attempt"] for request in requests],
                         [str(n + 1) for n in range(len(requests))])
        # A timeout runs from before its request is seen here, perhaps long before.
        seen_late_s = 0.05 + (self.watch.slack_s() if lasted_s else 0)
        for delay, one, other in zip(DELAYS[1:], requests, requests[1:]):
            gap = other.at - one.at - lasted_s
            self.assertGreater(gap, delay * SCALE * 0.8 - seen_late_s, [r.at for r in requests])
            self.assertLess(gap, delay * SCALE * 1.2 + self.slack_s(), [r.at for r in requests])
        for name in ("webhook-id", "belfry-delivery"):
            self.assertEqual(len({request.headers[name] for request in requests}), 1)
        self.assertEqual(len({request.body for request in requests}), 1)


class AnswersTest(HostileCase):
    # path -> (result, HTTP status) of a delivery that fails six times
    FAILING = {"/reset": ("reset", ""), "/half-close": ("reset", ""),
               "/header60k": ("bad_response", ""), "/headers60k": ("bad_response", ""),
               "/interim": ("bad_response", ""), "/http09": ("bad_response", ""),
               "/307": ("http_error", "307"), "/301": ("http_error", "301"),
               "/404": ("http_error", "404"), "/503": ("http_error", "503"),
               "/huge-500": ("http_error", "500"),
               "/hang": ("timeout", ""), "/drip": ("timeout", "")}
    DELIVERED = {"/ok": "200", "/204": "204", "/100": "201", "/huge": "200", "/drip-body": "200",
                 "/reset-body": "200", "/half-close-body": "200"}

    def test_each_harm_has_its_outcome_its_requests_and_their_spacing(self):
        server = self.hostile()
        ends = {path: self.endpoint(server.url(path)) for path in (*self.FAILING, *self.DELIVERED)}
        self.sender(**STEADY)
        self.publish()
        self.wait_done(len(ends), 6 * TIMEOUT_S + 40)
        for path, (word, status) in self.FAILING.items():
            requests = server.of(path)
            self.assertEqual(len(requests), 6, path)
            self.spaced(requests, TIMEOUT_S if word == "timeout" else 0)
            row, = self.done(ends[path], "status, reason, attempts, result, http_status")
            self.assertEqual(row, ["dead_letter", "attempts_exhausted", "6", word, status], path)
            earlier = self.rows("SELECT a.number, a.result FROM delivery_attempt a JOIN "
                                "delivery_done d ON d.id = a.delivery_id WHERE d.endpoint_id = "
                                f"'{ends[path]}' ORDER BY 1")
            self.assertEqual(earlier, [[str(n), word] for n in range(1, 6)], path)
        for path, status in self.DELIVERED.items():
            self.assertEqual(len(server.of(path)), 1, path)
            row, = self.done(ends[path], "status, attempts, result, http_status")
            self.assertEqual(row, ["delivered", "1", "delivered", status], path)
        self.assertEqual(len(server.requests), 6 * len(self.FAILING) + len(self.DELIVERED))
        self.assertEqual(server.connections, len(server.requests))  # each on its own
        self.check_what_was_read(server, ends)

    def check_what_was_read(self, server, ends):
        """16 KiB of a body, and what the kernels held between; 2 KiB of it for the log."""
        self.assertLess(server.sent["/huge"], HUGE / 10)
        self.assertLess(server.sent["/huge-500"], 6 * HUGE / 10)
        kept, = self.done(ends["/huge"], "length(excerpt), excerpt = repeat('z', 2048)")
        self.assertEqual(kept, ["2048", "t"])
        kept, = self.done(ends["/404"], "excerpt")
        self.assertEqual(kept, ["nobody here"])
        waited, = self.done(ends["/hang"], "duration_ms")
        most_s = TIMEOUT_S + 2 + self.watch.slack_s()
        self.assertTrue(TIMEOUT_S * 1000 - 100 <= int(waited[0]) < most_s * 1000, waited)

    def test_flaky_receivers_get_what_they_need(self):
        seen = collections.Counter()

        def flaky(_server, _peer, request):
            seen[request.path] += 1
            return answer(200 if seen[request.path] > int(request.path.split("-")[1]) else 500)

        server = self.hostile({f"/flaky-{n}": flaky for n in range(7)})
        ends = [self.endpoint(server.url(f"/flaky-{n}")) for n in range(7)]
        self.sender(**STEADY)
        self.publish()
        self.wait_done(len(ends), 40)
        for n, end in enumerate(ends):
            requests = server.of(f"/flaky-{n}")
            self.assertEqual(len(requests), min(n + 1, 6))
            self.spaced(requests)
            self.assertEqual(self.done(end), [["delivered", "-", str(n + 1), "delivered"]] if n < 6
                             else [["dead_letter", "attempts_exhausted", "6", "http_error"]])

    def test_certificates_that_do_not_hold(self):
        certificates = Certificates()
        self.addCleanup(certificates.close)
        servers = {name: self.hostile(certificate=certificates.path(name))
                   for name in ("good", "expired", "self", "other")}
        ends = {name: self.endpoint(server.url("/ok", "localhost"))
                for name, server in servers.items()}
        plain = self.hostile(greeting=answer(400))
        ends["plain"] = self.endpoint(plain.url("/ok").replace("http:", "https:"))
        self.sender(WEBHOOK_TIME_SCALE="0.01", WEBHOOK_CA_FILE=certificates.path("ca"))
        self.publish()
        self.wait_done(len(ends))
        self.assertEqual(self.done(ends.pop("good")), [["delivered", "-", "1", "delivered"]])
        for name, end in ends.items():
            self.assertEqual(self.done(end),
                             [["dead_letter", "attempts_exhausted", "6", "tls_error"]], name)
        for name in ("expired", "self", "other"):
            self.assertEqual(servers[name].requests, [], name)
            self.assertEqual(servers[name].connections, 6, name)
        self.assertEqual(len(servers["good"].requests), 1)
        self.assertEqual(plain.requests, [])

    def test_tls_before_1_2_is_refused(self):
        certificates = Certificates()
        self.addCleanup(certificates.close)
        config = os.path.join(certificates.folder, "old.cnf")
        with open(config, "w", encoding="ascii") as file:
            file.write(OLD_TLS)
        old = self.hostile(certificate=certificates.path("good"), is_old=True)
        new = self.hostile(certificate=certificates.path("good"))
        ends = [self.endpoint(server.url("/ok", "localhost")) for server in (old, new)]
        self.extra_env = {"OPENSSL_CONF": config}
        self.sender(WEBHOOK_TIME_SCALE="0.01", WEBHOOK_CA_FILE=certificates.path("ca"))
        self.publish()
        self.wait_done(2)
        self.assertEqual(self.done(ends[0]), [["dead_letter", "attempts_exhausted", "6", "tls_error"]])
        belfry.wait_until(lambda: old.failed_handshakes >= 6, 10, "the server has noticed too")
        self.assertEqual((old.requests, old.failed_handshakes), ([], 6))
        self.assertEqual(self.done(ends[1]), [["delivered", "-", "1", "delivered"]])
        # The server is there for whoever takes TLS 1.1.
        context = old_tls(ssl.create_default_context(cafile=certificates.path("ca")))
        with socket.create_connection(("127.0.0.1", old.port), timeout=10) as peer, \
                context.wrap_socket(peer, server_hostname="localhost") as secure:
            self.assertEqual(secure.version(), "TLSv1.1")

    def test_an_untrusted_authority_is_refused(self):
        certificates = Certificates()
        self.addCleanup(certificates.close)
        server = self.hostile(certificate=certificates.path("good"))
        end = self.endpoint(server.url("/ok", "localhost"))
        self.sender(WEBHOOK_TIME_SCALE="0.01")
        self.publish()
        self.wait_done(1)
        self.assertEqual(self.done(end), [["dead_letter", "attempts_exhausted", "6", "tls_error"]])
        self.assertEqual(server.requests, [])


class GateTest(HostileCase):
    """Retry-After in both forms, and its bounds."""

    def refusals(self, texts, status=429):
        """A server and an endpoint for each Retry-After: refused with it once, then welcome."""
        seen = collections.Counter()

        def refuse(_server, _peer, request):
            seen[request.path] += 1
            if seen[request.path] > 1:
                return answer(200)
            text = texts[request.path]
            return answer(status, retry_after=text() if callable(text) else text)

        server = self.hostile({path: refuse for path in texts})
        return server, {path: self.endpoint(server.url(path)) for path in texts}

    def gates(self):
        """Seconds from now to the end of the gate, by endpoint."""
        return {uuid.UUID(end): float(text) if text else None for end, text in self.rows(
            "SELECT id, extract(epoch FROM gate_until - now()) FROM webhook_endpoint "
            f"WHERE workspace_id = '{self.workspace}'")}

    def test_429_holds_everything_back_and_no_attempt_is_lost(self):
        self.hold_back(429)

    def test_503_with_the_header_does_the_same(self):
        self.hold_back(503)

    def hold_back(self, status):
        wait_s, date_s = 8, 9  # longer than it takes the other to have its endpoints
        server, ends = self.refusals(
            {f"/seconds-{status}": str(wait_s),
             f"/date-{status}": lambda: email.utils.formatdate(time.time() + date_s, usegmt=True)},
            status)
        sender = self.sender(**STEADY)
        self.publish(10)
        belfry.wait_until(lambda: len(server.requests) == 2, 10, "the first requests")
        belfry.wait_until(lambda: all(self.gates()[end] for end in ends.values()), 10, "the gates")
        self.publish(10)
        # Neither another sender nor a new event goes round the gate.
        sender.kill()
        sender.wait()
        self.sender(**STEADY)
        self.wait_done(40, 40)
        for path, end in ends.items():
            requests = server.of(path)
            self.assertEqual(len(requests), 21)
            # A date has no fractions: up to a second of it is cut off.
            least = wait_s if "seconds" in path else date_s - 1
            self.assertGreater(requests[1].at - requests[0].at, least - 0.02)
            self.assertLess(requests[1].at - requests[0].at, least + 1 + self.slack_s())
            self.assertEqual(collections.Counter(row[2] for row in self.done(end)),
                             {"1": 19, "2": 1})

    def test_a_day_is_the_most_and_nonsense_is_nothing(self):
        day = 24 * 3600
        texts = {"/long": "100000000", "/longer": "9" * 60, "/2099": "Sun, 06 Nov 2099 08:49:37 GMT",
                 "/850": time.strftime("%A, %d-%b-%y %H:%M:%S GMT", time.gmtime(time.time() + 9e7)),
                 "/asctime": "Sun Nov  6 08:49:37 2099",
                 "/past": "Sun, 06 Nov 1994 08:49:37 GMT", "/zero": "0", "/minus": "-5",
                 "/word": "soon", "/fraction": "1.5"}
        shut = ("/long", "/longer", "/2099", "/850", "/asctime")
        server, ends = self.refusals(texts)
        self.sender(**STEADY)
        self.publish()
        self.wait_done(len(texts) - len(shut))
        gates = self.gates()
        for path, end in ends.items():
            if path in shut:
                self.assertTrue(day - 60 < gates[end] <= day, (path, gates[end]))
                self.assertEqual(len(server.of(path)), 1)
                due, = self.rows("SELECT attempts, extract(epoch FROM due_at - now()) FROM delivery "
                                 f"WHERE endpoint_id = '{end}'")
                self.assertEqual(due[0], "1")
                self.assertTrue(day - 60 < float(due[1]) <= day, (path, due))
            else:
                self.assertIsNone(gates[end], path)
                self.spaced(server.of(path))
                self.assertEqual(self.done(end), [["delivered", "-", "2", "delivered"]])


class GoneTest(HostileCase):
    def test_nothing_begins_after_410_until_somebody_enables_it(self):
        said, order, watch = [], itertools.count(), belfry.Stopwatch()

        def respond(_server, _peer, _request):
            if next(order) < 100:
                time.sleep(0.01)
                return answer(200)
            said.append(time.time())
            return answer(410)

        server = self.hostile({"/gone": respond})
        end = self.endpoint(server.url("/gone"))
        self.sender()
        for _ in range(5):
            self.publish(100)
        self.wait_done(500)
        # Eight may be on their way when the first is told.
        self.assertLessEqual(len(server.requests), 108)
        self.assertEqual([r for r in server.requests if r.at > said[0] + 0.25 + watch.slack_s()], [])
        fates = collections.Counter((row[0], row[1]) for row in self.done(end))
        self.assertEqual(fates[("delivered", "-")], 100)
        self.assertEqual(fates[("dead_letter", "gone")], len(said))
        self.assertEqual(fates[("dead_letter", "endpoint_disabled")], 400 - len(said))
        self.assertEqual(self.rows("SELECT status, disabled_reason FROM webhook_endpoint WHERE "
                                   f"id = '{end}'"), [["disabled", "gone"]])
        self.publish()  # nobody is subscribed
        self.assertEqual(self.waiting(), 0)
        server.answers["/gone"] = answer(200)
        self.rows("UPDATE webhook_endpoint SET status = 'enabled', disabled_reason = NULL, "
                  f"failing_since = NULL WHERE id = '{end}'")
        self.publish(5)
        self.wait_done(505)

    def test_the_count_of_failures_begins_anew_when_somebody_says_so(self):
        server = self.hostile()
        end = self.endpoint(server.url("/503"))
        since = f"SELECT failing_since FROM webhook_endpoint WHERE id = '{end}'"
        self.sender(WEBHOOK_TIME_SCALE="0.05")
        self.publish()
        belfry.wait_until(lambda: self.rows(since) != [[""]], 10, "the first failure")
        before = self.rows(f"UPDATE webhook_endpoint SET failing_since = NULL WHERE id = '{end}' "
                           "RETURNING now()")[0][0]
        self.publish(5)
        self.wait_done(6)
        self.assertGreater(self.rows(since)[0][0], before)

    def test_disabled_in_the_middle_of_a_backlog(self):
        """What waits in the sender's own hands goes back and is buried."""
        def slow(_server, _peer, _request):
            time.sleep(0.4)
            return answer(200)

        server = self.hostile({"/slow": slow, "/other": slow})
        ends = {path: self.endpoint(server.url(path)) for path in ("/slow", "/other")}
        self.sender()
        self.publish(60)
        belfry.wait_until(lambda: len(server.requests) > 10, 10, "some requests")
        watch = belfry.Stopwatch()
        self.rows(f"UPDATE webhook_endpoint SET status = 'disabled' WHERE id = '{ends['/slow']}'")
        at = time.time()
        self.rows(f"UPDATE webhook_endpoint SET deleted_at = now() WHERE id = '{ends['/other']}'")
        self.wait_done(120)
        self.assertEqual([r for r in server.requests if r.at > at + 1.5 + watch.slack_s()], [])
        for path, reason in (("/slow", "endpoint_disabled"), ("/other", "endpoint_deleted")):
            fates = collections.Counter(row[1] for row in self.done(ends[path]))
            self.assertEqual(fates, {"-": len(server.of(path)), reason: 60 - len(server.of(path))})


class CertificatesTest(unittest.TestCase):
    def test_they_are_what_their_names_say(self):
        certificates = Certificates()
        self.addCleanup(certificates.close)
        wanted = {"good": "OK", "expired": "certificate has expired", "self": "self-signed"}
        for name, text in wanted.items():
            done = subprocess.run(["openssl", "verify", "-CAfile", certificates.path("ca"),
                                   certificates.path(name)], capture_output=True, text=True,
                                  check=False, timeout=30)
            self.assertIn(text, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
