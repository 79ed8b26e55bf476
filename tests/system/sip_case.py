"""The SIP dialer between sipp as carrier and sipp as agent, all on 127.0.0.1 with free ports; what
they say stands in sip_scenarios.py."""
import collections
import datetime
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import unittest

import nn
import sip_scenarios
from belfry import Stopwatch, wait_until
from dialer_case import DEADLINE, DialerClient, DialerProcess

SIPP = "sipp"  # of Debian's sip-tester, which `make check` installs
TRACESTATE = "rojo=00f067aa0ba902b7,fw529a3039@dt=50% a;b"
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
NUMBER = "+1555010"  # and four digits


HELD = []  # one for each port that this process was given


def free_ports(n):
    """Ports that are free for UDP and TCP, and stay so until they are bound: none of those that the kernel
    hands out to whoever connects, and none that another test of this machine was given."""
    found = []
    while len(found) < n:
        port, claim = random.randrange(10000, 20000), socket.socket(socket.AF_UNIX)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            try:
                claim.bind("\0belfry-test-port-%d" % port)
                udp.bind(("127.0.0.1", port))
                tcp.bind(("127.0.0.1", port))
            except OSError:
                claim.close()
                continue
        HELD.append(claim)
        found.append(port)
    return found


def is_bound(port, table="udp"):
    """Whether somebody on this machine has the port; of `tcp`, whether it listens."""
    with open("/proc/net/" + table, encoding="ascii") as f:
        rows = [line.split() for line in f.readlines()[1:]]
    return any(row[1].endswith(":%04X" % port) and (table == "udp" or row[3] == "0A")
               for row in rows)


class Sipp:
    """A sipp as UAS. What it saw stands in its message file."""

    def __init__(self, directory, name, scenario, transport="u1", port=None, trace=True):
        self.port = port or free_ports(1)[0]
        self.messages = os.path.join(directory, name + ".messages")
        path = os.path.join(directory, name + ".xml")
        with open(path, "w", encoding="ascii") as f:
            f.write(scenario)
        self.out = open(os.path.join(directory, name + ".out"), "wb")
        self.process = subprocess.Popen(
            [SIPP, "-sf", path, "-i", "127.0.0.1", "-p", str(self.port), "-t", transport,
             "-nostdin", "-buff_size", "4194304", "-trace_err",
             # On a machine that stands still for a while an INVITE is sent again, or crosses a BYE.
             "-default_behaviors", "all,-abortunexp",
             "-error_file", os.path.join(directory, name + ".errors"),
             *(["-trace_msg", "-message_file", self.messages] if trace else [])],
            stdin=subprocess.DEVNULL, stdout=self.out, stderr=subprocess.STDOUT, cwd=directory)
        table = "tcp" if transport == "t1" else "udp"
        wait_until(lambda: self.process.poll() is not None or is_bound(self.port, table), DEADLINE,
                   "sipp " + name)
        if self.process.poll() is not None:
            with open(self.out.name, encoding="latin-1") as f:
                raise AssertionError("sipp %s: %s" % (name, f.read()[-2000:]))

    def received(self, method):
        """Call-IDs of the requests that came, in order. UDP repeats one to a peer that stands still for
        half a second: what has the branch of another is that one again."""
        found, branches = [], set()
        try:
            with open(self.messages, encoding="latin-1") as f:
                text = f.read()
        except FileNotFoundError:
            return found
        for part in re.split(r"^-{10,} .*$", text, flags=re.M):
            if "received" in part and re.search(r"^%s sip" % method, part, re.M):
                branch = re.search(r"branch=([^;\s]+)", part).group(1)
                if branch in branches:
                    continue
                branches.add(branch)
                found.append(re.search(r"^(?:Call-ID|i):\s*(\S+)", part, re.M | re.I).group(1))
        return found

    def about(self, id):
        """Every message that came or went for this attempt, with its time."""
        parts = re.split(r"^(-{10,} .*)$", self.text(), flags=re.M)
        return "".join(stamp + part for stamp, part in zip(parts[1::2], parts[2::2]) if id in part)

    def talks_s(self):
        """Seconds by Call-ID from the last ACK that came to the BYE that went out."""
        began, found = {}, {}
        parts = re.split(r"^-{10,} (.*)$", self.text(), flags=re.M)
        for stamp, part in zip(parts[1::2], parts[2::2]):
            method = re.search(r"^(ACK|BYE) sip", part, re.M)
            if not method:
                continue
            call = re.search(r"^(?:Call-ID|i):\s*(\S+)", part, re.M | re.I).group(1)
            at = datetime.datetime.fromisoformat(stamp.replace("\t", " ")[:26]).timestamp()
            if method.group(1) == "ACK":
                began[call] = at
            elif "sent" in part.split("\n\n", 1)[0] and call not in found:
                found[call] = at - began[call]
        return found

    def text(self):
        try:
            with open(self.messages, encoding="latin-1") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(DEADLINE)
        self.out.close()

class Dialer(DialerProcess):
    """A dialer-sip, with the sipps that it talks to."""

    def __init__(self, slots=1, **settings):
        super().__init__("dialer-sip", slots)
        self.port = free_ports(1)[0]
        self.env.update({"BELFRY_SIP_LISTEN": "127.0.0.1:%d" % self.port,
                         "BELFRY_SIP_DNS": "127.0.0.1:9",
                         "BELFRY_SIP_ALLOW_CIDRS": "127.0.0.0/8", **settings})
        self.peers = []
        self.start()

    def stop(self):
        """SIGTERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE)

    def sipp(self, name, scenario, **options):
        peer = Sipp(self.dir, name, scenario, **options)
        self.peers.append(peer)
        return peer

    def connect(self, slot=0):
        """A new dispatcher at the slot; the one before is gone."""
        for old in self.clients:
            if old.slot == slot:
                old.socket.close()
        client = Client(self.addresses[slot])
        client.slot = slot
        self.clients.append(client)
        client.hello()
        return client

    def close(self):
        self.end()
        for peer in self.peers:
            peer.close()
        super().close()


class Client(DialerClient):
    """A dispatcher of few words, which keeps what it hears."""

    def __init__(self, address):
        super().__init__(address)
        self.events = collections.defaultdict(list)
        self.trunks = {}
        self.is_acking = True

    def recv(self, timeout=DEADLINE):
        event = super().recv(timeout)
        if event["ev"] == "trunk":
            self.trunks[event["id"]] = event
        elif "id" in event:
            self.events[event["id"]].append(event)
            if event["ev"] == "ended" and self.is_acking:
                self.send("ack", id=event["id"], seq=event["seq"])
        return event

    def trunk(self, host, wait=True, **settings):
        id = nn.type_id("trk")
        settings.setdefault("keep_alive_s", 0)
        self.send("trunk", id=id, settings=dict(settings, host=host))
        while wait and id not in self.trunks:
            self.recv()
        return id

    def dial(self, to, trunk, agent, ring_s=10, max_s=60, expires_in=5, variables=None, id=None):
        id = id or nn.type_id("att")
        to = NUMBER + to if len(to) == 4 else to
        self.send("dial", id=id, call=nn.type_id("call"), campaign=None, attempt=1, to=to,
                  **{"from": "+15550100000"}, agent={"sip_uri": agent}, trunk=trunk, ring_s=ring_s,
                  max_s=max_s, expires_at=int((time.time() + expires_in) * 1e6),
                  variables=variables or {}, traceparent=TRACEPARENT,
                  tracestate=TRACESTATE)
        return id

    def until(self, id, ev, timeout=DEADLINE):
        until = time.monotonic() + timeout
        while True:
            for event in self.events[id]:
                if event["ev"] == ev:
                    return event
            self.recv(max(0.01, until - time.monotonic()))

    def ended(self, id, timeout=DEADLINE):
        return self.until(id, "ended", timeout)

    def all_ended(self, ids, timeout=DEADLINE):
        until = time.monotonic() + timeout
        return {id: self.ended(id, until - time.monotonic()) for id in ids}

    def names(self, id):
        return [event["ev"] for event in self.events[id]]


class SipCase(unittest.TestCase):
    def setUp(self):
        super().setUp()
        self.watch = Stopwatch()

    def assert_lasted(self, found_s, expected_s):
        """A phone of sipp counts on its own clock; any of the three may get no processor for a while."""
        self.assertGreater(found_s, expected_s - 0.1 - self.watch.slack_s())
        self.assertLess(found_s, expected_s + 0.5 + self.watch.slack_s())

    def dialer(self, **options):
        dialer = Dialer(**options)
        self.addCleanup(dialer.close)
        self.addCleanup(self._show_log, dialer)
        return dialer

    def _show_log(self, dialer):
        outcome = getattr(self, "_outcome", None)
        errors = getattr(getattr(outcome, "result", None), "errors", []) + \
            getattr(getattr(outcome, "result", None), "failures", [])
        if any(test is self for test, _ in errors):
            sys.stderr.write("".join(dialer.text().splitlines(True)[-40:]))

    def pair(self, dialer, carrier=None, agent=None, **more):
        """A carrier and an agent, and the latter's address."""
        carrier = dialer.sipp("carrier", carrier or sip_scenarios.carrier_scenario(), **more)
        agent = dialer.sipp("agent", agent or sip_scenarios.agent_scenario())
        return carrier, agent, "sip:agent@127.0.0.1:%d" % agent.port

    def eventually(self, check, timeout=DEADLINE):
        wait_until(check, timeout, "what must come about")
