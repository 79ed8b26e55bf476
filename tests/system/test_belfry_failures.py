"""The command line and an API that is busy, lies or goes away."""
import http.server
import json
import os
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import belfry
from cli_case import ABSENT, AWAY, BIN, DONE, REFUSED, environment


class Fake(http.server.ThreadingHTTPServer):
    """An API of a few words: answers(request) gives (status, headers, body), or None to hang up."""

    daemon_threads = True

    def __init__(self, answers):
        self.answers, self.requests = answers, []
        super().__init__(("127.0.0.1", 0), FakeHandler)
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.shutdown()
        self.server_close()
        self.thread.join(timeout=10)


class FakeHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def serve(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.server.requests.append((self.command, self.path, dict(self.headers), body))
        answer = self.server.answers(len(self.server.requests))
        self.close_connection = True
        if answer is None:
            return
        status, headers, text = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PATCH = do_DELETE = serve

    def log_message(self, *_):
        pass


class FailuresTest(belfry.TestCase):
    """belfry and an API that has its troubles."""

    def fake(self, answers):
        fake = Fake(answers if callable(answers) else lambda n: answers[min(n, len(answers)) - 1])
        self.addCleanup(fake.close)
        return fake

    def run_cli(self, fake, *args, stdin=None, timeout_s=60):
        env = environment(BELFRY_URL=f"http://127.0.0.1:{fake.server_address[1]}",
                          BELFRY_API_KEY="bf_test_x")
        return subprocess.run([BIN, *args], env=env, input=stdin, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL if stdin is None else None,
                              timeout=timeout_s, check=False)

    def test_a_busy_api_is_asked_again_when_it_says(self):
        for status in (429, 503):
            fake = self.fake([(status, {"Retry-After": "1"}, "{}"), (200, {}, '{"id":"a"}')])
            began = time.monotonic()
            done = self.run_cli(fake, "workspace", "show")
            self.assertEqual((done.returncode, done.stdout), (DONE, "id  a\n"), done.stderr)
            self.assertGreaterEqual(time.monotonic() - began, 1)
            self.assertEqual(len(fake.requests), 2)

    def test_a_post_is_repeated_under_its_key(self):
        fake = self.fake([None, (409, {}, '{"code":"idempotency_in_progress"}'),
                          (200, {}, '{"id":"cmp_1"}')])
        done = self.run_cli(fake, "campaigns", "start", "cmp_1")
        self.assertEqual(done.returncode, DONE, done.stderr)
        keys = {headers["Idempotency-Key"] for _, _, headers, _ in fake.requests}
        self.assertEqual((len(fake.requests), len(keys)), (3, 1))
        self.assertRegex(keys.pop(), "^[0-9a-f]{32}$")

    def test_what_is_not_safe_is_not_repeated(self):
        for answer in ((503, {"Retry-After": "0"}, "{}"), None):
            fake = self.fake([answer])
            done = self.run_cli(fake, "campaigns", "update", "cmp_1", "--name", "x")
            self.assertEqual((done.returncode, len(fake.requests)), (AWAY, 1), done.stderr)
        self.assertIn("nobody knows whether it was done", done.stderr)
        fake = self.fake([(429, {"Retry-After": "0"}, "{}"), (200, {}, "{}")])
        self.assertEqual(self.run_cli(fake, "campaigns", "update", "cmp_1").returncode, DONE)

    def test_patience_has_an_end(self):
        fake = self.fake([(429, {"Retry-After": "0"}, '{"code":"rate_limited","detail":"d"}')])
        done = self.run_cli(fake, "workspace", "show")
        self.assertEqual((done.returncode, len(fake.requests)), (AWAY, 6))
        self.assertIn("belfry: d (429 rate_limited)", done.stderr)
        fake = self.fake([(503, {"Retry-After": "3600"}, "{}")])
        watch = belfry.Stopwatch()
        self.assertEqual(self.run_cli(fake, "workspace", "show").returncode, AWAY)
        self.assertLess(watch.s(), 10)
        fake = self.fake([None])
        self.assertEqual(self.run_cli(fake, "workspace", "show").returncode, AWAY)
        self.assertEqual(len(fake.requests), 3)

    def test_nobody_there(self):
        taken = socket.socket()  # and does not listen
        self.addCleanup(taken.close)
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        done = subprocess.run([BIN, "workspace", "show"], capture_output=True, text=True,
                              timeout=60, check=False, stdin=subprocess.DEVNULL,
                              env=environment(BELFRY_URL=f"http://127.0.0.1:{port}",
                                              BELFRY_API_KEY="x"))
        self.assertEqual(done.returncode, AWAY)
        self.assertIn(f"http://127.0.0.1:{port} cannot be reached", done.stderr)

    def test_the_key_follows_no_redirect(self):
        other = self.fake([(200, {}, "{}")])
        fake = self.fake([(302, {"Location": f"http://127.0.0.1:{other.server_address[1]}/"}, "")])
        self.assertEqual(self.run_cli(fake, "workspace", "show").returncode, REFUSED)
        self.assertEqual(other.requests, [])
        self.assertEqual(fake.requests[0][2]["Authorization"], "Bearer bf_test_x")

    def test_arguments_stay_in_their_place(self):
        fake = self.fake([(200, {}, "{}")])
        for arg, path in (("../x", "..%2Fx"), ("..", "%2E%2E"), ("a?b=c", "a%3Fb%3Dc"),
                          ("\u00f6", "%C3%B6"), ("a%2Fb", "a%252Fb")):
            self.run_cli(fake, "campaigns", "show", arg)
            self.assertIn(fake.requests[-1][1], (f"/v1/campaigns/{path}", "/v1/campaigns/.."))
            self.assertNotEqual(fake.requests[-1][1], "/v1/x")
        self.run_cli(fake, "campaigns", "list", "--search", "a&b=c d")
        self.assertEqual(fake.requests[-1][1], "/v1/campaigns?q=a%26b%3Dc%20d")

    def test_an_answer_that_is_none(self):
        for text in ("<html>", '{"data":7}', "[]", '{"data":[{}]'):
            done = self.run_cli(self.fake([(200, {}, text)]), "campaigns", "list")
            self.assertEqual(done.returncode, AWAY, text)
            self.assertRegex(done.stderr, "^belfry: the answer is not ")

    def test_a_file_that_breaks_off_is_not_left(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "out.csv")
        fake = self.fake([(200, {"Content-Length": "100"}, "id,to_number\n")])
        done = self.run_cli(fake, "campaigns", "export", "cmp_1", "--output", path)
        self.assertEqual((done.returncode, len(fake.requests)), (AWAY, 1), done.stderr)
        self.assertIn("broke off", done.stderr)
        self.assertEqual(os.listdir(folder.name), [])

    def test_an_upload_is_repeated_from_its_beginning(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "in.csv")
        with open(path, "w", encoding="ascii") as file:
            file.write("to_number\n+14155550123\n")
        done_import = json.dumps({"id": "imp_1", "status": "completed", "received": 1,
                                  "inserted": 1, "deduped": 0, "rejected": 0})
        fake = self.fake([(503, {"Retry-After": "0"}, "{}"), (202, {}, done_import),
                          (200, {}, done_import)])
        done = self.run_cli(fake, "targets", "add", "cmp_1", "--csv", path)
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertEqual([r[3] for r in fake.requests[:2]], [b"to_number\n+14155550123\n"] * 2)
        self.assertEqual(fake.requests[0][2]["Idempotency-Key"],
                         fake.requests[1][2]["Idempotency-Key"])
        self.assertEqual(fake.requests[0][2]["Content-Type"], "text/csv")

    def test_a_watch_goes_on_where_it_was(self):
        def event(number, status):
            data = json.dumps({"status": status, "counts": {"total": 1}})
            return f"id: {number}\nevent: state\ndata: {data}\n\n"

        stream = {"Content-Type": "text/event-stream", "Content-Length": "100000"}
        fake = self.fake([(200, stream, event(1, "active") + "id: 9\nda"), None,
                          (503, {}, "{}"), (200, stream, event(2, "completed")), (204, {}, "")])
        done = self.run_cli(fake, "campaigns", "watch", "cmp_1", "--json")
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertEqual([json.loads(line)["status"] for line in done.stdout.splitlines()],
                         ["active", "completed"])
        ids = [headers.get("Last-Event-ID") for _, _, headers, _ in fake.requests]
        self.assertEqual((ids[0], ids[-1]), (None, "2"))
        self.assertEqual(len(ids), 5)
        gone = self.run_cli(self.fake([(404, {}, '{"code":"not_found","detail":"d"}')]),
                            "campaigns", "watch", "cmp_1")
        self.assertEqual(gone.returncode, ABSENT)


if __name__ == "__main__":
    unittest.main()
