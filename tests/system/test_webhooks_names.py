"""webhook-sender and the names of receivers: each address is judged when it is connected to, and a
name server that does not answer stands in nobody else's way. resolver_shim.c puts names, and the
beginning of each connection, in this test's hands."""
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import belfry
import webhook_case
from webhook_hostile import Hostile, answer

SHIM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "resolver_shim.c")
PUBLIC, OTHER = "11.22.33.44", "11.22.33.45"  # not special; nothing is sent there: see Names
DENIED = ("127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "192.168.1.1", "172.16.0.1",
          "0.0.0.0", "224.0.0.1", "255.255.255.255", "198.18.0.1", "::1", "fe80::1", "fd00::1",
          "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1")


class Names:
    """What the shim asks: names[name] is a list of answers, the last one stays; None is no answer at
    all. Connections to the public addresses are led to 127.0.0.1; all are noted first."""

    def __init__(self, folder):
        self.names, self.asked, self.connects, self.held = {}, [], [], []
        self.path = os.path.join(folder, "names.sock")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(512)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(timeout=10)
        for one in [self.listener, *self.held]:
            one.close()

    def _serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            kind, what, _port = peer.recv(1024).decode().split()
            text = self._connect(what) if kind == "C" else self._resolve(what)
            if text is None:
                self.held.append(peer)
                continue
            peer.sendall(text.encode())
            peer.close()

    def _connect(self, address):
        self.connects.append(address)
        return "127.0.0.1\n" if address in (PUBLIC, OTHER) else ""

    def _resolve(self, name):
        self.asked.append((time.time(), name))
        answers = self.names[name]
        return answers.pop(0) if len(answers) > 1 else answers[0]


class NamesTest(webhook_case.WebhookCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shim = os.path.join(cls.home, "shim.so")
        subprocess.run(["cc", "-std=c17", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", cls.shim, SHIM],
                       check=True, timeout=60)

    def setUp(self):
        super().setUp()
        folder = tempfile.mkdtemp(prefix="names-")
        self.addCleanup(shutil.rmtree, folder)
        self.names = Names(folder)
        self.addCleanup(self.names.close)
        self.extra_env = {"LD_PRELOAD": self.shim, "RESOLVER_SHIM": self.names.path}
        if "ASAN_OPTIONS" in os.environ:  # its library is not the first one then
            self.extra_env["ASAN_OPTIONS"] = os.environ["ASAN_OPTIONS"] + ":verify_asan_link_order=0"

    def hostile(self, answers=None):
        server = Hostile(answers)
        self.addCleanup(server.close)
        return server

    def results(self, end):
        """The result of each attempt, in order."""
        return [row[0] for row in self.rows(
            "SELECT a.result FROM delivery_attempt a JOIN delivery_done d ON d.id = a.delivery_id "
            f"WHERE d.endpoint_id = '{end}' ORDER BY a.number")] + \
            [row[3] for row in self.done(end)]

    def test_a_name_that_turns_to_the_inside_is_not_followed_there(self):
        server = self.hostile({"/rebind": answer(500)})
        self.names.names = {"rebind.test": [PUBLIC, "127.0.0.1"]}
        end = self.endpoint(server.url("/rebind", "rebind.test"))
        # A name is asked for again after ten seconds.
        self.sender(WEBHOOK_ALLOW_CIDRS="", WEBHOOK_SCHEDULE="0,14,0,0,0,0", WEBHOOK_TIME_SCALE="1")
        self.publish()
        self.wait_done(1, 40)
        self.assertEqual(self.results(end), ["http_error"] + ["blocked_ip"] * 5)
        self.assertEqual([name for _, name in self.names.asked], ["rebind.test"] * 2)
        # Not a packet: nothing began to connect, and nothing came.
        self.assertEqual(self.names.connects, [PUBLIC])
        self.assertEqual(server.connections, 1)

    def test_no_special_address_is_connected_to(self):
        server = self.hostile()
        self.names.names = {f"n{n}.test": [address] for n, address in enumerate(DENIED)}
        self.names.names["all.test"] = [" ".join(DENIED[:3])]
        ends = [self.endpoint(server.url("/ok", name)) for name in self.names.names]
        self.sender(WEBHOOK_ALLOW_CIDRS="", WEBHOOK_TIME_SCALE="0")
        self.publish()
        self.wait_done(len(ends))
        for end, name in zip(ends, self.names.names):
            self.assertEqual(self.results(end), ["blocked_ip"] * 6, self.names.names[name])
        self.assertEqual(self.names.connects, [])
        self.assertEqual(server.connections, 0)

    def test_of_several_addresses_only_the_allowed_are_tried(self):
        server = self.hostile()
        self.names.names = {"mixed.test": [f"127.0.0.1 10.0.0.1 {PUBLIC} 169.254.169.254"],
                            "nobody.test": [""]}
        mixed = self.endpoint(server.url("/ok", "mixed.test"))
        nobody = self.endpoint(server.url("/ok", "nobody.test"))
        self.sender(WEBHOOK_ALLOW_CIDRS="", WEBHOOK_TIME_SCALE="0.01")
        self.publish()
        self.wait_done(2)
        self.assertEqual(self.results(mixed), ["delivered"])
        self.assertEqual(self.results(nobody), ["dns_error"] * 6)
        self.assertEqual(self.names.connects, [PUBLIC])

    def test_a_name_server_that_is_silent_delays_nobody_else(self):
        server, watch = self.hostile(), belfry.Stopwatch()
        silent = [f"hole{n}.test" for n in range(60)]
        self.names.names = {"healthy.test": [PUBLIC], **{name: [None] for name in silent}}
        self.endpoint(server.url("/ok", "healthy.test"))
        holes = [self.endpoint(server.url("/ok", name)) for name in silent]
        sender = self.sender(WEBHOOK_ALLOW_CIDRS="")
        self.publish(3)
        belfry.wait_until(lambda: len({name for _, name in self.names.asked}) == 61, 10, "all names")
        sent = {}
        while time.time() - self.names.asked[0][0] < 8:
            sent[self.number("SELECT last_sequence + 1 FROM workspace_sequence WHERE workspace_id = "
                             f"'{self.workspace}'")] = time.time()
            self.publish()
            time.sleep(0.05)
        belfry.wait_until(lambda: len(server.requests) == 3 + len(sent), 10, "the healthy one's")
        late = sorted(request.at - sent[number] for request in server.requests
                      for number in [int(request.body.split(b'"sequence":')[1].split(b",")[0])]
                      if number in sent)
        self.assertEqual(len(late), len(sent))
        self.assertGreater(len(late), 10)
        self.assertLess(late[-1], 3 + watch.slack_s())  # behind a silent name it would be 5
        took = self.rows("SELECT a.result, min(a.duration_ms), max(a.duration_ms) FROM "
                         "delivery_attempt a WHERE number = 1 AND workspace_id = "
                         f"'{self.workspace}' GROUP BY 1")
        self.assertEqual([row[0] for row in took], ["timeout"])
        self.assertGreaterEqual(int(took[0][1]), 4900)
        self.assertLess(int(took[0][2]) / 1e3, 7 + watch.slack_s())
        self.assertEqual(len({name for _, name in self.names.asked}), 1 + len(holes))
        # Nor does the end wait for them.
        watch = belfry.Stopwatch()
        sender.terminate()
        self.assertEqual(sender.wait(timeout=20), 0)
        self.assertLess(watch.s(), 8)


if __name__ == "__main__":
    unittest.main()
