"""The SIP dialer between sipp as carrier and sipp as agent, all on 127.0.0.1 with free ports.

The carrier's one scenario decides by the last four digits of the number:
  0SSS  the final status SSS       1CCC  480 with the Q.850 cause CCC     2SSS  SSS after ringing
  3001  rings until CANCEL         3002  nothing at all                   3003  503, Retry-After 2
  3004  rings, and answers what is cancelled    3005  rings for a second, then 486
  91xx  answers, hangs up after xx * 0.1 s (01 03 05 10 20)              90xx    answers, never hangs up
"""
import collections
import datetime
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import nn  # noqa: E402

BIN = os.path.abspath(os.environ.get("BELFRY_BIN", "build/bin"))
SIPP = "sipp"  # of Debian's sip-tester, which `make check` installs
DEADLINE = 20.0
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
NUMBER = "+1555010"  # and four digits

FINAL = [401, 402, 403, 404, 407, 408, 410, 416, 429, 480, 484, 486, 488, 500, 502, 503, 504, 600,
         603, 604, 606, 607, 608]
CAUSES = [1, 3, 17, 18, 19, 21, 28, 34, 41, 50, 57]

SDP = """v=0
o=sipp 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio {port} RTP/AVP 0
a=rtpmap:0 PCMU/8000
"""


def free_port(kind=socket.SOCK_DGRAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def free_ports(n):
    """Ports that are free for UDP and TCP, all different."""
    found = []
    while len(found) < n:
        port = free_port()
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


def is_bound(port, table="udp"):
    """Whether somebody on this machine has the port; of `tcp`, whether it listens."""
    with open("/proc/net/" + table, encoding="ascii") as f:
        rows = [line.split() for line in f.readlines()[1:]]
    return any(row[1].endswith(":%04X" % port) and (table == "udp" or row[3] == "0A")
               for row in rows)


def reply(status, reason="Word", headers="", body="", retrans=False, next_label=None):
    attributes = ' retrans="500"' if retrans else ""
    if next_label:
        attributes += ' next="%s"' % next_label
    length = "Content-Type: application/sdp\n      Content-Length: [len]\n\n" + body if body \
        else "Content-Length: 0\n"
    return """  <send%s><![CDATA[
SIP/2.0 %d %s
[last_Via:]
[last_From:]
[last_To:];tag=[pid]t[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>
%s%s
]]></send>
""" % (attributes, status, reason, headers, length.replace("      ", ""))


def in_dialog_reply(status, body=""):
    return reply(status, "OK", "", body, retrans=bool(body)).replace(
        ";tag=[pid]t[call_number]", "")


BYE = """  <send retrans="500"><![CDATA[
BYE [$contact] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From:[$me]
To:[$peer]
[last_Call-ID:]
CSeq: 1 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
  <recv response="200"/>
"""

KEEP = """<action>
    <ereg regexp=".*" search_in="hdr" header="From:" assign_to="peer"/>
    <ereg regexp=".*" search_in="hdr" header="To:" assign_to="me"/>
  </action>"""


def options_first():
    """OPTIONS begin dialogs of their own at the carrier: the scenario takes either."""
    return """  <recv request="OPTIONS" optional="true" next="options"></recv>
  <recv request="INVITE">
    <action>
      <ereg regexp="sip:[^>]*" search_in="hdr" header="Contact:" assign_to="contact"/>
%s    </action>
  </recv>
"""


def choose(branches):
    """Actions and jumps for (label, regexp of the request line)."""
    actions = "".join('      <ereg regexp="%s" search_in="msg" check_it="false" '
                      'assign_to="%s"/>\n' % (regexp, label) for label, regexp in branches)
    jumps = "".join('  <nop next="%s" test="%s"/>\n' % (label, label) for label, _ in branches)
    return actions, jumps


def ends_in(digits):
    return "^INVITE sip:[^@]*%s@" % digits


def refusal(label, status, headers="", ringing=0):
    text = '  <label id="%s"/>\n' % label
    if ringing:
        text += reply(180, "Ringing") + '  <pause milliseconds="%d"/>\n' % ringing
    return text + reply(status, "No", headers, retrans=True) + \
        '  <recv request="ACK" next="end"/>\n'


def answer(label, talk_ms, ring_ms, port):
    """180, 200, and then INVITEs and BYE as they come. talk_ms None = never hangs up."""
    limit = ' timeout="%d" ontimeout="%s_hang"' % (talk_ms, label) if talk_ms is not None else ""
    text = '  <label id="%s"/>\n' % label + reply(180, "Ringing")
    text += '  <pause milliseconds="%d"/>\n' % ring_ms
    text += reply(200, "OK", "", SDP.format(port=port), retrans=True)
    text += '  <recv request="ACK">%s</recv>\n' % KEEP
    text += '  <label id="%s_up"/>\n' % label
    text += '  <recv request="INVITE" optional="true" next="%s_re"%s></recv>\n' % (label, limit)
    text += '  <recv request="BYE"%s></recv>\n' % limit
    text += in_dialog_reply(200).replace("<send", '<send next="end"', 1)
    text += '  <label id="%s_re"/>\n' % label
    text += in_dialog_reply(200, SDP.format(port=port))
    text += '  <recv request="ACK" next="%s_up"></recv>\n' % label
    if talk_ms is not None:
        text += '  <label id="%s_hang"/>\n' % label + BYE + '  <nop next="end"/>\n'
    return text


HEAD = '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="x">\n'
TAIL = """  <label id="options"/>
%s  <label id="end"/>
  <nop/>
  <Reference variables="contact,peer,me"/>
</scenario>
""" % reply(200, "OK")


def carrier_scenario(talk_ms=None, ring_ms=50):
    branches = [("s%d" % s, ends_in("0%d" % s)) for s in FINAL]
    branches += [("c%d" % c, ends_in("1%03d" % c)) for c in CAUSES]
    branches += [("r408", ends_in("2408")), ("r487", ends_in("2487")), ("ring", ends_in("3001")),
                 ("silent", ends_in("3002")), ("later", ends_in("3003")),
                 ("race", ends_in("3004")), ("busylate", ends_in("3005"))]
    branches += [("wait", ends_in("90[0-9][0-9]"))]
    times = [1, 3, 5, 10, 20]
    branches += [("t%d" % t, ends_in("91%02d" % t)) for t in times]
    actions, jumps = choose(branches)
    text = HEAD + options_first() % actions + jumps
    text += answer("plain", talk_ms if talk_ms is not None else 300, ring_ms, 4000)
    for s in FINAL:
        text += refusal("s%d" % s, s)
    for c in CAUSES:
        text += refusal("c%d" % c, 480, 'Reason: SIP;cause=480, Q.850;cause=%d;text="x"\n' % c)
    text += refusal("r408", 408, ringing=50) + refusal("r487", 487, ringing=50)
    text += refusal("later", 503, "Retry-After: 2\n")
    text += refusal("busylate", 486, ringing=1000)
    text += '  <label id="ring"/>\n' + reply(180, "Ringing") + \
        '  <recv request="CANCEL"></recv>\n' + cancel_replies()
    text += '  <label id="silent"/>\n  <recv request="BYE" timeout="60000"/>\n' \
        '  <nop next="end"/>\n'
    text += '  <label id="race"/>\n' + reply(180, "Ringing") + \
        '  <recv request="CANCEL"></recv>\n' + reply(200, "OK") + \
        reply(200, "OK", "", SDP.format(port=4000), retrans=True).replace(
            "[last_CSeq:]", "CSeq: 1 INVITE").replace(
            "[last_Via:]", "Via:[$via]") + \
        '  <recv request="ACK"></recv>\n  <recv request="BYE"></recv>\n' + \
        in_dialog_reply(200).replace("<send", '<send next="end"', 1)
    text += answer("wait", None, ring_ms, 4000)
    for t in times:
        text += answer("t%d" % t, 100 * t, ring_ms, 4000)
    text = text.replace('<ereg regexp="sip:[^>]*" search_in="hdr" header="Contact:"',
                        '<ereg regexp=".*" search_in="hdr" header="Via:" assign_to="via"/>\n'
                        '      <ereg regexp="sip:[^>]*" search_in="hdr" header="Contact:"')
    return text + TAIL.replace("contact,peer,me",
                               ",".join(["contact,peer,me,via"] + [b for b, _ in branches]))


def cancel_replies():
    """200 to the CANCEL, then 487 to the INVITE."""
    return reply(200, "OK") + reply(487, "Request Terminated", retrans=True).replace(
        "[last_CSeq:]", "CSeq: 1 INVITE").replace("[last_Via:]", "Via:[$via]") + \
        '  <recv request="ACK" next="end"/>\n'


def slow_carrier_scenario(ring_ms, status=486):
    """Every phone rings for so long, and then says the status."""
    return HEAD + options_first() % "" + refusal("slow", status, ringing=ring_ms) + \
        TAIL.replace("contact,peer,me", "contact")


def digest_scenario(user, password):
    """Asks for credentials, and takes only the right ones."""
    return HEAD + options_first() % "" + """  <send><![CDATA[
SIP/2.0 401 Unauthorized
[last_Via:]
[last_From:]
[last_To:];tag=[pid]t[call_number]
[last_Call-ID:]
[last_CSeq:]
WWW-Authenticate: Digest realm="belfry.test", nonce="47ebe028cda119c35d4877b383027d28da013815", qop="auth"
Content-Length: 0

]]></send>
  <recv request="ACK"/>
  <recv request="INVITE">
    <action><verifyauth assign_to="right" username="%s" password="%s"/></action>
  </recv>
  <nop next="good" test="right"/>
""" % (user, password) + refusal("bad", 401, 'WWW-Authenticate: Digest realm="belfry.test", '
                                 'nonce="77ebe028cda119c35d4877b383027d28da013815", qop="auth"\n') + \
        answer("good", 200, 20, 4000) + TAIL.replace("contact,", "contact,right,")


def reinviting_scenario():
    """Answers, holds and lets go by an INVITE of its own, then hangs up."""
    invite = """  <send retrans="500"><![CDATA[
INVITE [$contact] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From:[$me]
To:[$peer]
[last_Call-ID:]
CSeq: 1 INVITE
Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

""" + SDP.format(port=4444) + """a=sendonly

]]></send>
  <recv response="100" optional="true"/>
  <recv response="200"/>
  <send><![CDATA[
ACK [$contact] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From:[$me]
To:[$peer]
[last_Call-ID:]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
  <pause milliseconds="200"/>
"""
    text = HEAD + options_first() % "" + reply(180, "Ringing")
    text += reply(200, "OK", "", SDP.format(port=4000), retrans=True)
    text += '  <recv request="ACK">%s</recv>\n' % KEEP
    text += '  <recv request="INVITE"></recv>\n' + in_dialog_reply(200, SDP.format(port=4000))
    text += '  <recv request="ACK"></recv>\n  <pause milliseconds="200"/>\n' + invite
    return text + BYE.replace("CSeq: 1", "CSeq: 2") + TAIL


def pending_scenario(refusals, status, headers=""):
    """Answers, refuses so many INVITEs within the dialog, and takes the next one."""
    text = HEAD + options_first() % "" + reply(180, "Ringing")
    text += reply(200, "OK", "", SDP.format(port=4000), retrans=True)
    text += '  <recv request="ACK">%s</recv>\n' % KEEP
    for _ in range(refusals):
        text += '  <recv request="INVITE"></recv>\n' + in_dialog_reply(status).replace(
            "Content-Length", headers + "Content-Length")
        text += '  <recv request="ACK"></recv>\n'
    text += '  <recv request="INVITE"></recv>\n' + in_dialog_reply(200, SDP.format(port=4000))
    text += '  <recv request="ACK"></recv>\n  <pause milliseconds="200"/>\n'
    return text + BYE + TAIL


def late_offer_scenario():
    """An INVITE without an offer is answered with one; the answer comes in the ACK."""
    text = HEAD + options_first() % "" + reply(180, "Ringing")
    text += reply(200, "OK", "", SDP.format(port=4000), retrans=True)
    text += """  <recv request="ACK">
    <action>
      <ereg regexp=".*" search_in="hdr" header="From:" assign_to="peer"/>
      <ereg regexp=".*" search_in="hdr" header="To:" assign_to="me"/>
      <ereg regexp="m=audio 5000" search_in="body" check_it="true" assign_to="sdp"/>
    </action>
  </recv>
  <pause milliseconds="300"/>
"""
    return text + BYE + TAIL.replace("contact,", "contact,sdp,")


def agent_scenario(status=200, talk_ms=None):
    text = HEAD + options_first() % ""
    if status != 200:
        return text + refusal("no", status) + TAIL.replace("contact,peer,me", "contact")
    return text + answer("yes", talk_ms, 0, 5000).replace(reply(180, "Ringing"), "", 1) + TAIL


class Metronome(threading.Thread):
    """Looks at the clock all the time: how long nobody on this machine got to do anything."""

    def __init__(self):
        super().__init__(daemon=True)
        self.done, self.worst_s = threading.Event(), 0.0
        self.start()

    def run(self):
        before = time.monotonic()
        while not self.done.wait(0.005):
            now = time.monotonic()
            self.worst_s, before = max(self.worst_s, now - before - 0.005), now

    def stop_s(self):
        self.done.set()
        self.join()
        return self.worst_s


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
             "-error_file", os.path.join(directory, name + ".errors"),
             *(["-trace_msg", "-message_file", self.messages] if trace else [])],
            stdin=subprocess.DEVNULL, stdout=self.out, stderr=subprocess.STDOUT, cwd=directory)
        until = time.monotonic() + DEADLINE
        while not is_bound(self.port, "tcp" if transport == "t1" else "udp"):
            if self.process.poll() is not None or time.monotonic() > until:
                with open(self.out.name, encoding="latin-1") as f:
                    raise AssertionError("sipp %s: %s" % (name, f.read()[-2000:]))
            time.sleep(0.01)

    def received(self, method):
        """Call-IDs of the requests that came, in order, repetitions among them."""
        found = []
        try:
            with open(self.messages, encoding="latin-1") as f:
                text = f.read()
        except FileNotFoundError:
            return found
        for part in re.split(r"^-{10,} .*$", text, flags=re.M):
            if "received" in part and re.search(r"^%s sip" % method, part, re.M):
                found.append(re.search(r"^(?:Call-ID|i):\s*(\S+)", part, re.M | re.I).group(1))
        return found

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


class Dialer:
    """A dialer-sip on a private directory. It can be killed and started again."""

    def __init__(self, slots=1, **settings):
        self.dir = tempfile.mkdtemp(prefix="belfry-sip-")
        self.port = free_ports(1)[0]
        self.addresses = ["ipc://%s/s%d" % (self.dir, i) for i in range(slots)]
        self.env = {"PATH": os.environ["PATH"],
                    "BELFRY_DIALER_LISTEN": ",".join(self.addresses),
                    "BELFRY_DIALER_JOURNAL": self.dir + "/journal",
                    "BELFRY_SIP_LISTEN": "127.0.0.1:%d" % self.port,
                    "BELFRY_SIP_DNS": "127.0.0.1:9",
                    "BELFRY_SIP_ALLOW_CIDRS": "127.0.0.0/8",
                    "BELFRY_READY_FILE": self.dir + "/ready"}
        for name in ("ASAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        self.env.update(settings)
        self.log = open(self.dir + "/log", "ab")
        self.clients = []
        self.peers = []
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen([BIN + "/dialer-sip"], env=self.env, stderr=self.log)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(DEADLINE)

    def restart(self):
        self.kill()
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

    def text(self):
        with open(self.dir + "/log", encoding="utf-8") as f:
            return f.read()

    def close(self):
        for client in self.clients:
            client.socket.close()
        if self.process.poll() is None:
            self.kill()
        for peer in self.peers:
            peer.close()
        self.log.close()
        shutil.rmtree(self.dir)


class Client:
    """A dispatcher of few words."""

    def __init__(self, address):
        self.socket = nn.Pair(address)
        self.events = collections.defaultdict(list)
        self.trunks = {}
        self.is_acking = True

    def send(self, op, **members):
        self.socket.send(dict(op=op, **members))

    def recv(self, timeout=DEADLINE):
        event = self.socket.recv(timeout)
        if event["ev"] == "trunk":
            self.trunks[event["id"]] = event
        elif "id" in event:
            self.events[event["id"]].append(event)
            if event["ev"] == "ended" and self.is_acking:
                self.send("ack", id=event["id"], seq=event["seq"])
        return event

    def hello(self):
        until = time.monotonic() + DEADLINE
        while True:
            self.send("hello", v=1, dispatcher="test", incarnation="dsp_test")
            try:
                while True:
                    event = self.recv(1)
                    if event["ev"] == "hello":
                        return event
            except TimeoutError:
                if time.monotonic() > until:
                    raise

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
                  variables=variables or {}, traceparent=TRACEPARENT)
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
        self.metronome = Metronome()
        self.addCleanup(self.metronome.stop_s)

    def assert_lasted(self, found_s, expected_s):
        """To 100 ms, but for what the machine stood still: a phone of sipp counts on its own clock."""
        self.assertLess(abs(found_s - expected_s), 0.1 + self.metronome.worst_s)

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
        carrier = dialer.sipp("carrier", carrier or carrier_scenario(), **more)
        agent = dialer.sipp("agent", agent or agent_scenario())
        return carrier, agent, "sip:agent@127.0.0.1:%d" % agent.port

    def eventually(self, check, timeout=DEADLINE):
        until = time.monotonic() + timeout
        while not check():
            self.assertLess(time.monotonic(), until, "did not come about in time")
            time.sleep(0.02)
