"""Clients that mean harm to a gateway: they are slow, do not read, or are very many. None of them takes
its memory, and none takes another one's turn."""
import resource
import socket
import time
import unittest

import belfry
from api_case import ApiCase

HEALTHY, HOSTILE = "127.0.0.2", "127.0.0.3"
SLOW = 3000
CAP = 1024  # connections of one address
MEMORY_KB = 64 * 1024


class HostileClients(ApiCase):
    def connect(self, source=HOSTILE):
        peer = socket.socket()
        self.addCleanup(peer.close)
        peer.bind((source, 0))
        peer.settimeout(60)
        peer.connect((self.one.api.host, self.one.api.port))
        return peer

    def ask(self, peer):
        """The status of a request on a connection that is kept."""
        peer.sendall(b"GET /v1/workspace HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " +
                     self.one.api.key.encode() + b"\r\n\r\n")
        got = b""
        while b"\r\n\r\n" not in got:
            got += peer.recv(65536)
        head, _, body = got.partition(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        while len(body) < size:
            body += peer.recv(65536)
        return int(head.split(b" ")[1])

    def rest(self, peer):
        """All that comes until the other side closes."""
        got = b""
        try:
            while (part := peer.recv(65536)):
                got += part
        except ConnectionResetError:
            pass
        return got

    def test_thousands_of_slow_connections_hinder_nobody_of_another_address(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, SLOW + 1000), hard))
        healthy, closed = self.connect(HEALTHY), 0
        self.assertEqual(self.ask(healthy), 200)
        slow = []
        for n in range(SLOW):
            peer = self.connect()
            try:
                peer.sendall(b"GET /v1/campaigns HTTP/1.1\r\nHost: x\r\nX-Slow: ")
            except OSError:
                closed += 1
            slow.append(peer)
            if n % 100 == 0:
                self.assertEqual(self.ask(healthy), 200)
        # One that comes only now is let in as well.
        self.assertEqual(self.ask(self.connect(HEALTHY)), 200)
        for _ in range(100):
            self.assertEqual(self.ask(healthy), 200)
        held = [p for p in slow if self.is_open(p)]
        self.assertTrue(0 < len(held) <= CAP, len(held))
        self.assertIn("http_address_at_cap", self.it.log("api-gateway.0"))
        self.assertLess(self.peak_kb("api-gateway.0"), MEMORY_KB)

    @staticmethod
    def is_open(peer):
        peer.setblocking(False)
        try:
            return peer.recv(1) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def test_a_client_that_pipelines_and_never_reads_holds_one_answer(self):
        campaign = self.one.campaign(targets=belfry.numbers(2000))["id"]
        request = (f"GET /v1/campaigns/{campaign}/targets?limit=200 HTTP/1.1\r\nHost: x\r\n"
                   f"Authorization: Bearer {self.one.api.key}\r\n\r\n").encode()
        peers, sent = [self.connect() for _ in range(20)], 0
        for peer in peers:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.settimeout(0.2)
            try:
                while sent < 200000000:
                    sent += peer.send(request * 200)
            except (TimeoutError, BlockingIOError):
                pass
        self.assertGreater(sent, 20 * 200 * len(request))
        self.assertEqual(self.ask(self.connect(HEALTHY)), 200)
        self.assertLess(self.peak_kb("api-gateway.0"), MEMORY_KB)

    def test_a_byte_at_a_time_ends_with_the_deadline(self):
        """Ten seconds for the headers, whatever comes in them, and thirty for a body."""
        body = (b"POST /v1/agents HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"Authorization: Bearer " + self.one.api.key.encode() +
                b"\r\nContent-Length: 1000\r\n\r\n")
        head = b"GET /v1/workspace HTTP/1.1\r\nHost: x\r\nX-Slow: "
        peers = {"head": self.connect(), "body": self.connect()}
        began = time.monotonic()
        peers["head"].sendall(head)
        peers["body"].sendall(body + b"{")
        ended = {}

        def trickle():
            for name, peer in peers.items():
                if name in ended:
                    continue
                try:
                    peer.settimeout(0.05)
                    peer.sendall(b" ")
                    got = peer.recv(4096)
                except TimeoutError:
                    continue
                ended[name] = (time.monotonic() - began, got)
            return len(ended) == 2

        belfry.wait_until(trickle, 60, lambda: f"both are ended: {ended}", interval_s=0.5)
        for name, least_s in (("head", 10), ("body", 30)):
            self.assertGreaterEqual(ended[name][0], least_s - 1)
            self.assertIn(b" 408 ", ended[name][1].split(b"\r\n")[0])
            self.assertIn(b"request_timeout", ended[name][1] + self.rest(peers[name]))


if __name__ == "__main__":
    unittest.main()
