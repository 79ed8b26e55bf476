#!/usr/bin/python3
"""Thousands of connections that begin a request and do not go on, from several loopback addresses. They
live in processes of their own, so that neither their descriptors nor their work are the test's.

    slow = SlowClients(port, 10000, addresses, HEAD)
    slow.wait()          # all have connected, and sent what they send
    slow.held()          # how many the server has not closed
    slow.close()
"""
import os
import select
import socket
import subprocess
import sys
import time

# Where they stop: in the header section (10 s until they are cut off) and in a body (30 s).
HEAD = "GET /v1/campaigns HTTP/1.1\r\nHost: x\r\nX-Slow: "
BODY = ("POST /v1/agents HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        "Content-Length: 1000\r\n\r\n{")
PER_PROCESS = 2500
AT_ONCE = 200  # connecting; a listener's backlog has room for more
DEADLINE_S = 60


class SlowClients:
    def __init__(self, port, count, addresses, text):
        self.processes = []
        per = -(-count // len(addresses))
        batch = max(1, PER_PROCESS // per)
        for at in range(0, len(addresses), batch):
            of = addresses[at:at + batch]
            self.processes.append(subprocess.Popen(
                [sys.executable, os.path.abspath(__file__), str(port), str(per), text, *of],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))

    def _answers(self):
        end, out = time.monotonic() + DEADLINE_S, []
        for process in self.processes:
            ready = select.select([process.stdout], [], [], max(0, end - time.monotonic()))[0]
            line = process.stdout.readline() if ready else ""
            if not line:
                raise AssertionError("slow clients did not answer")
            out.append(int(line))
        return out

    def wait(self):
        """How many were tried."""
        return sum(self._answers())

    def held(self):
        for process in self.processes:
            process.stdin.write("\n")
            process.stdin.flush()
        return sum(self._answers())

    def close(self):
        for process in self.processes:
            process.stdin.close()
        for process in self.processes:
            process.wait(timeout=DEADLINE_S)
            process.stdout.close()
        self.processes = []


def connect_some(address, port, count, text):
    """A batch that connects together: one alone would wait for its turn in the server's loop."""
    peers, waiting = [], select.poll()
    for _ in range(count):
        peer = socket.socket()
        peer.setblocking(False)
        peer.bind((address, 0))
        peer.connect_ex(("127.0.0.1", port))
        waiting.register(peer, select.POLLOUT)
        peers.append(peer)
    by_fd = {peer.fileno(): peer for peer in peers}
    end = time.monotonic() + DEADLINE_S
    while by_fd and time.monotonic() < end:
        for fd, _ in waiting.poll(1000):
            waiting.unregister(fd)
            try:
                by_fd.pop(fd).sendall(text.encode())
            except OSError:
                pass  # it was not let in
    return peers


def is_open(peer):
    try:
        return peer.recv(4096) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def main():
    port, per, text, addresses = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    peers = []
    for address in addresses:
        for at in range(0, per, AT_ONCE):
            peers += connect_some(address, port, min(AT_ONCE, per - at), text)
    print(len(peers), flush=True)
    for _ in sys.stdin:
        print(sum(1 for peer in peers if is_open(peer)), flush=True)


if __name__ == "__main__":
    main()
