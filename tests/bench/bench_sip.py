#!/usr/bin/python3
"""Bridged calls a second of the SIP dialer on one core, beside sipp's own client placing calls of half the
work (one leg, no second INVITE) with the same carrier. The dialer has a core to itself; the carrier,
the agent and this program share the others. A sipp whose socket holds 64 KiB, its default, loses
packets whenever it is not scheduled for a few milliseconds, so they are given what the system allows;
the packets that each socket lost stand beside the calls."""
import collections
import os
import subprocess
import sys
import tempfile
import time

import bench
import sip_case
import sip_scenarios

CLIENT = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="client">
  <send retrans="500"><![CDATA[
INVITE sip:+15550109101@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:a@[local_ip]:[local_port]>;tag=[pid]c[call_number]
To: <sip:+15550109101@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:a@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

""" + sip_scenarios.SDP.format(port=6000) + """
]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="200" rrs="true"/>
  <send><![CDATA[
ACK sip:+15550109101@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:a@[local_ip]:[local_port]>;tag=[pid]c[call_number]
To: <sip:+15550109101@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
  <recv request="BYE" timeout="10000"/>
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
</scenario>
"""


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / bench.TICKS


def quick(scenario_port, hangs_up):
    """A phone of few words: answers at once, hangs up after half a second or never."""
    text = sip_scenarios.HEAD + sip_scenarios.options_first() % ""
    text += sip_scenarios.answer("q", 500 if hangs_up else None, 0, scenario_port)
    return text + sip_scenarios.TAIL


def split_cores(dialer, others):
    """The dialer alone on the last core, all others on the rest; False with one core only."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return False
    os.sched_setaffinity(dialer, cores[-1:])
    for pid in others:
        os.sched_setaffinity(pid, cores[:-1])
    return True


def lost_packets(ports):
    """What the sockets at these UDP ports had no room for."""
    with open("/proc/net/udp", encoding="ascii") as f:
        rows = [line.split() for line in f.readlines()[1:]]
    found = {int(row[1].split(":")[1], 16): int(row[12]) for row in rows}
    return [found.get(port, 0) for port in ports]


def drive(client, trunk, uri, per_s, span_s):
    """Dials at a rate; what the ends were."""
    ids, began = [], time.monotonic()
    total = int(per_s * span_s)
    while len(ids) < total:
        due = min(total, int((time.monotonic() - began) * per_s) + 1)
        while len(ids) < due:
            ids.append(client.dial("9101", trunk, uri, ring_s=20, expires_in=10))
        try:
            while True:
                client.recv(0.001)
        except TimeoutError:
            pass
    return client.all_ended(ids, 60)


def measure_dialer(report, per_s, span_s):
    """Calls that were not bridged, and processor time of the dialer per call."""
    dialer = sip_case.Dialer()
    cores = os.sched_getaffinity(0)
    try:
        carrier = dialer.sipp("carrier", quick(4000, True), trace=False)
        agent = dialer.sipp("agent", quick(5000, False), trace=False)
        alone = split_cores(dialer.process.pid, [carrier.process.pid, agent.process.pid, 0])
        client = dialer.connect()
        trunk = client.trunk("127.0.0.1:%d" % carrier.port)
        before = cpu_s(dialer.process.pid)
        ends = drive(client, trunk, "sip:agent@127.0.0.1:%d" % agent.port, per_s, span_s)
        cost_s = cpu_s(dialer.process.pid) - before
        bridged = sum(1 for id in ends if "bridged" in client.names(id))
        outcomes = collections.Counter(end["outcome"] for end in ends.values())
        lost = lost_packets([dialer.port, carrier.port, agent.port])
        report.row(f"{per_s}/s for {span_s} s{'' if alone else ', no core of its own'}: bridged, not",
                   f"{bridged}, {len(ends) - bridged}")
        report.row("the dialer's share of its core", f"{cost_s / span_s:.0%}")
        if sum(lost) or len(outcomes) > 1:
            report.row("packets lost at the dialer's, carrier's, agent's socket",
                       ", ".join(map(str, lost)))
            report.row("outcomes", str(dict(outcomes)))
        return len(ends) - bridged, cost_s / len(ends)
    finally:
        os.sched_setaffinity(0, cores)
        dialer.close()


def measure_client(per_s, span_s):
    with tempfile.TemporaryDirectory(prefix="bench-sip-") as folder:
        carrier = sip_case.Sipp(folder, "carrier", quick(4000, True), trace=False)
        try:
            path = os.path.join(folder, "client.xml")
            with open(path, "w", encoding="ascii") as f:
                f.write(CLIENT)
            count = int(per_s * span_s)
            with open(os.path.join(folder, "client.out"), "wb") as out:
                client = subprocess.Popen(
                    [sip_case.SIPP, "-sf", path, "-i", "127.0.0.1", "-p",
                     str(sip_case.free_ports(1)[0]), "-r", str(per_s), "-m", str(count), "-nostdin",
                     "-buff_size", "4194304", "127.0.0.1:%d" % carrier.port], cwd=folder, stdout=out,
                    stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
                _, status, used = os.wait4(client.pid, 0)
                client.returncode = os.waitstatus_to_exitcode(status)
            with open(os.path.join(folder, "client.out"), encoding="latin-1") as out:
                bench.fail_unless(client.returncode == 0, "sipp's client: " + out.read()[-2000:])
            cost_s = used.ru_utime + used.ru_stime
            return count / cost_s
        finally:
            carrier.close()


def measure(report):
    per_s, span_s = bench.scaled(1000, 50), bench.scaled(60, 3)
    report.section("bridged calls on one core")
    failed, cost_s = measure_dialer(report, per_s, span_s)
    report.bar(f"bridged calls a second for {span_s} s without a failure",
               str(per_s) if failed == 0 else f"{failed} failed", "1,000",
               failed == 0 and per_s >= 1000)
    for more in (2000, 3000, 4000):
        failed, _ = measure_dialer(report, bench.scaled(more, 60), bench.scaled(20, 3))
        if failed > 0:
            break
    theirs = measure_client(per_s, bench.scaled(20, 3))
    report.section("calls a second that the processor time would do")
    report.row("sipp's client, one leg a call", f"{theirs:,.0f}")
    report.row("dialer-sip, two legs a call", f"{1 / cost_s:,.0f}")
    report.row("share of sipp's own client", f"{1 / cost_s / theirs:.2f}")


if __name__ == "__main__":
    sys.exit(bench.main("sip", "The SIP dialer between two sipps", measure))
