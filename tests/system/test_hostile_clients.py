"""Clients that mean harm to a gateway: they are slow, do not read, or are very many. None of them takes
its memory, and none takes another one's turn."""
import socket
import threading
import time
import unittest

import belfry
import contract
from api_case import ApiCase
from slow_clients import BODY, HEAD, SlowClients

HEALTHY, HOSTILE = "127.0.0.2", "127.0.0.3"
SLOW = 10000
CAP = 1024  # connections of one address
MEMORY_KB = 64 * 1024
PATIENCE_S = 1  # other tests run beside this one; what is measured alone stands in docs/benchmarks.md


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

    def ask_all_along(self, slow, seconds):
        """Asks on a connection that is kept, and on fresh ones, while the slow ones come and for some
        seconds after; how long the answers took, sorted."""
        took, kept = [], self.connect(HEALTHY)
        opened = threading.Thread(target=slow.wait)
        opened.start()
        end = None
        while end is None or time.monotonic() < end:
            began = time.monotonic()
            self.assertEqual(self.ask(kept), 200)
            asked = time.monotonic()
            with self.connect(HEALTHY) as fresh:
                self.assertEqual(self.ask(fresh), 200)
            took += [asked - began, time.monotonic() - asked]
            if end is None and not opened.is_alive():
                end = time.monotonic() + seconds
        opened.join()
        return sorted(took)

    def slow(self, addresses, text):
        slow = SlowClients(self.one.api.port, SLOW, addresses, text)
        self.addCleanup(slow.close)
        return slow

    def gateway_cap(self):
        """How many connections the gateway takes: what it has descriptors for."""
        with open(f"/proc/{self.it.pid('api-gateway.0')}/limits", encoding="ascii") as file:
            soft, hard = next(line.split()[3:5] for line in file if line.startswith("Max open files"))
        self.assertEqual(soft, hard)  # it took what it may have
        return min(16384, int(hard) - 256)

    def test_ten_thousand_slow_connections_of_one_address_hinder_nobody_of_another(self):
        began, slow = time.monotonic(), self.slow([HOSTILE], HEAD)
        watch, took = belfry.Stopwatch(), self.ask_all_along(slow, 2)
        self.assertLess(took[len(took) * 99 // 100], PATIENCE_S + watch.slack_s())
        # One is cut off after 15 s, and has an answer that was not read: it counts here, and the next
        # has its place.
        held = slow.held()
        self.assertTrue(0 < held <= CAP * (1 + int((time.monotonic() - began) // 15)), held)
        self.assertIn("http_address_at_cap", self.it.log("api-gateway.0"))
        self.assertLess(self.peak_kb("api-gateway.0"), MEMORY_KB)

    def test_ten_thousand_slow_connections_of_many_addresses_hinder_nobody(self):
        """Here all of them are let in, where there are descriptors for so many, and held."""
        slow = self.slow([f"127.0.1.{n}" for n in range(1, 21)], BODY)
        watch, took = belfry.Stopwatch(), self.ask_all_along(slow, 2)
        self.assertLess(took[len(took) * 99 // 100], PATIENCE_S + watch.slack_s())
        held, cap = slow.held(), self.gateway_cap()
        self.assertTrue(held == SLOW if cap > 2 * CAP + SLOW else 0 < held < cap, (held, cap))
        self.assertLess(self.peak_kb("api-gateway.0"), MEMORY_KB)

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
            answer = contract.raw(body if name == "body" else head,
                                  ended[name][1] + self.rest(peers[name]), belfry.Answer)
            self.problem(answer, 408, "request_timeout")


if __name__ == "__main__":
    unittest.main()
