"""The simulated carrier as a process: protocol, magic numbers, promises, journal and ledger.

What each number must do is written here by hand, from the table of proto/dialer.md.
"""
import collections
import os
import subprocess
import time
import unittest

import belfry
import nn
from dialer_case import BIN, DEADLINE
from sim_case import Sim

BEYOND = 3.0  # lateness of a busy machine that is still no fault


class DialerSim(unittest.TestCase):
    def sim(self, **settings):
        sim = Sim(**settings)
        self.addCleanup(sim.close)
        return sim

    def both(self, **settings):
        sim = self.sim(**settings)
        client = sim.connect()
        client.hello()
        return sim, client

    # --- greeting ----------------------------------------------------------------------------

    def test_hello_names_dialer_version_and_instance(self):
        sim = self.sim()
        hello = sim.connect().hello()
        self.assertEqual(hello, {"ev": "hello", "v": 1, "dialer": "sim",
                                 "instance": hello["instance"],
                                 "caps": ["query", "hangup", "ringing", "test"]})
        self.assertRegex(hello["instance"], "^[0-9a-f]{16}$")

    def test_the_instance_is_the_journal(self):
        sim = self.sim()
        client = sim.connect()
        first = client.hello()["instance"]
        sim.restart()
        self.assertEqual(client.hello()["instance"], first)
        self.assertEqual(sim.connect(1).hello()["instance"], first)
        sim.kill()
        os.unlink(sim.dir + "/journal")
        sim.start()
        self.assertNotEqual(client.hello()["instance"], first)

    # --- magic numbers -----------------------------------------------------------------------

    # ending: attempt -> (progress events, unscaled seconds to the end, members of `ended`)
    ANSWERED = (["ringing", "answered", "bridged"], 1.2,
                {"outcome": "answered", "sip": 200, "q850": 16, "by": "callee"})
    BUSY = ([], 0.2, {"outcome": "busy", "sip": 486, "q850": 17, "by": "callee"})
    NO_ANSWER = (["ringing"], 3.0, {"outcome": "no_answer", "sip": 487, "q850": 19, "by": "us"})
    THROTTLED = ([], 0.05, {"outcome": "rate_limited", "sip": 503, "retry_after_s": 2,
                            "by": "carrier"})
    TABLE = {
        "0000": {1: ANSWERED, 4: ANSWERED},
        "0001": {1: BUSY, 3: BUSY},
        "0002": {1: NO_ANSWER, 3: NO_ANSWER},
        "0003": {1: (["ringing"], 0.2,
                     {"outcome": "rejected", "sip": 603, "q850": 21, "by": "callee"})},
        "0004": {1: ([], 0.05,
                     {"outcome": "invalid_number", "sip": 404, "q850": 1, "by": "carrier"})},
        "0005": {1: ([], 0.05,
                     {"outcome": "carrier_error", "sip": 503, "q850": 34, "by": "carrier"})},
        "0006": {1: (["ringing", "answered", "bridged"], 1.2,
                     {"outcome": "answered_machine", "sip": 200, "q850": 16, "by": "agent"})},
        "0007": {1: BUSY, 2: ANSWERED, 3: ANSWERED},
        "0008": {1: NO_ANSWER, 2: NO_ANSWER, 3: ANSWERED},
        "0011": {1: THROTTLED, 2: THROTTLED, 3: ANSWERED},
        "0012": {1: (["ringing", "answered"], 0.4,
                     {"outcome": "agent_unavailable", "sip": 200, "q850": 16, "by": "agent"})},
        "4711": {1: ANSWERED},
    }

    def test_each_number_behaves_as_the_table_says(self):
        scale = 0.1
        sim, client = self.both()
        expected, started = {}, {}
        for ending, attempts in self.TABLE.items():
            for attempt, row in attempts.items():
                id = client.dial("+1555012" + ending, attempt, ring_s=3)
                expected[id], started[id] = row, time.time()
        seen = collections.defaultdict(list)
        ended = {}
        while len(ended) < len(expected):
            event = client.recv()
            self.assertTrue(event["provider_ref"].startswith("sim_"), event)
            if event["ev"] == "ended":
                ended[event["id"]] = event
            else:
                seen[event["id"]].append(event)
        client.nothing_more(self)

        ledger = {line["id"]: line for line in sim.ledger("outcome")}
        dials = {line["id"]: line for line in sim.ledger("dial")}
        for id, (progress, seconds, members) in expected.items():
            end = ended[id]
            said = {k: v for k, v in end.items()
                    if k not in ("ev", "id", "t_us", "seq", "ring_s", "talk_s", "provider_ref")}
            with self.subTest(to=dials[id]["to"], attempt=dials[id]["attempt"]):
                self.assertEqual([e["ev"] for e in seen[id]], progress)
                self.assertEqual([e["sip"] for e in seen[id]],
                                 [180 if p == "ringing" else 200 for p in progress])
                self.assertEqual(said, members)
                took = (end["t_us"] - dials[id]["t_us"]) / 1e6
                self.assertGreaterEqual(took, seconds * scale)
                self.assertLess(took, seconds * scale + BEYOND)
                self.assertEqual(end["talk_s"] > 0, "answered" in progress)
                self.assertEqual(end["ring_s"] > 0, "ringing" in progress)
                self.assertEqual((ledger[id]["outcome"], ledger[id]["sip"]),
                                 (members["outcome"], members["sip"]))
        self.assertEqual(len(dials), len(expected))
        self.assertEqual(len(ledger), len(expected))

    def test_0009_is_never_heard_of_again(self):
        sim, client = self.both()
        silent = client.dial("+15550120009")
        other = client.dial("+15550120000")
        self.assertEqual({e["id"] for e in client.until_ended(other)}, {other})
        self.assertEqual(client.query(silent)["state"], "unknown")
        client.nothing_more(self)
        self.assertEqual([l["ev"] for l in sim.ledger() if l["id"] == silent], ["dial"])

    def test_0010_tells_twice_and_out_of_order(self):
        sim, client = self.both()
        id = client.dial("+15550120010")
        events = [client.recv() for _ in range(8)]
        self.assertEqual([e["ev"] for e in events],
                         ["bridged", "answered", "bridged", "answered",
                          "ended", "ringing", "answered", "ended"])
        self.assertEqual({e["id"] for e in events}, {id})
        self.assertEqual(events[4], events[7])
        self.assertEqual(events[4]["outcome"], "answered")
        client.nothing_more(self)
        self.assertEqual(len(sim.ledger("outcome")), 1)

    def test_time_scale_leaves_retry_after_alone(self):
        _, client = self.both(BELFRY_SIM_TIME_SCALE="0")
        ended = client.until_ended(client.dial("+15550120011"))[-1]
        self.assertEqual(ended["retry_after_s"], 2)

    def test_ring_and_talk_are_settings_and_have_limits(self):
        sim, client = self.both(BELFRY_SIM_TIME_SCALE="1", BELFRY_SIM_RING_MS="300",
                              BELFRY_SIM_TALK_MS="1100")
        end = client.until_ended(client.dial("+15550120000"))[-1]
        # Ringing is told a moment after the dial, from which the phone counts.
        self.assertTrue(0.2 <= end["ring_s"] < 0.3 + BEYOND, end)
        self.assertTrue(1.3 <= end["ring_s"] + end["talk_s"] < 1.4 + BEYOND, end)
        self.assertGreaterEqual(end["t_us"] - sim.ledger("dial")[0]["t_us"], 1400000)
        end = client.until_ended(client.dial("+15550120000", ring_s=0.3))[-1]
        self.assertEqual(end["outcome"], "no_answer")
        end = client.until_ended(client.dial("+15550120000", max_s=0.01))[-1]
        self.assertEqual((end["outcome"], end["by"]), ("answered", "us"))

    def test_a_mix_leaves_magic_numbers_alone(self):
        _, client = self.both(BELFRY_SIM_MIX="busy=100")
        self.assertEqual(client.until_ended(client.dial("+15550124711"))[-1]["outcome"], "busy")
        self.assertEqual(client.until_ended(client.dial("+15550120004"))[-1]["outcome"],
                         "invalid_number")

    # --- promises ----------------------------------------------------------------------------

    def test_a_dial_is_placed_once_however_often_it_is_asked_for(self):
        sim, client = self.both(BELFRY_SIM_TALK_MS="30000")  # 3 s
        id = client.dial("+15550120000")
        client.until("ringing", id)
        client.dial("+15550120000", id=id)
        self.assertIn(client.until("state", id)["state"], ("ringing", "answered"))
        ended = client.until_ended(id)[-1]
        client.dial("+15550120000", id=id)
        state = client.recv()
        self.assertEqual((state["ev"], state["state"], state["seq"], state["outcome"]),
                         ("state", "ended", ended["seq"], "answered"))
        self.assertEqual(client.recv(), ended)
        client.ack(ended)
        client.dial("+15550120000", id=id)
        self.assertEqual(client.recv(), {"ev": "state", "id": id, "state": "unknown"})
        self.assertEqual(len(sim.ledger("dial")), 1)

    def test_a_late_dial_is_refused(self):
        sim, client = self.both()
        id = client.dial("+15550120000", expires_in=-0.001)
        ended = client.recv()
        self.assertEqual((ended["ev"], ended["outcome"], ended["by"]), ("ended", "not_sent", "us"))
        self.assertEqual(client.query(id)["outcome"], "not_sent")
        self.assertEqual(client.recv(), ended)
        client.ack(ended)
        self.assertEqual(client.query(id)["state"], "never_sent")
        client.dial("+15550120000", id=id)
        self.assertEqual(client.until("ended", id)["outcome"], "not_sent")
        self.assertEqual(sim.ledger(), [])

    def test_never_sent_is_a_promise(self):
        sim, client = self.both()
        id = nn.type_id("att")
        self.assertEqual(client.query(id), {"ev": "state", "id": id, "state": "never_sent"})
        client.dial("+15550120000", id=id)
        self.assertEqual(client.recv()["outcome"], "not_sent")
        sim.restart()
        self.assertEqual(client.hello()["ev"], "hello")
        client.dial("+15550120000", id=id)
        self.assertEqual(client.recv()["outcome"], "not_sent")
        self.assertEqual(sim.ledger(), [])

    def test_after_a_crash_the_journal_answers(self):
        sim, client = self.both(BELFRY_SIM_TALK_MS="60000", BELFRY_SIM_TIME_SCALE="1")
        open_id = client.dial("+15550120000")
        client.until("bridged", open_id)
        busy = client.dial("+15550120001")
        client.ack(client.until_ended(busy)[-1])
        unacked = client.dial("+15550120004")
        client.until_ended(unacked)
        sim.restart()
        client.hello()
        for id in (open_id, busy, unacked):
            self.assertEqual(client.query(id), {"ev": "state", "id": id, "state": "unknown"})
            client.dial("+15550120000", id=id)
            self.assertEqual(client.until("state", id)["state"], "unknown")
        self.assertEqual(client.query(nn.type_id("att"))["state"], "never_sent")
        self.assertEqual(len(sim.ledger("dial")), 3)

    def test_a_terminal_event_is_kept_until_it_is_acknowledged(self):
        sim, client = self.both()
        id = client.dial("+15550120001")
        ended = client.until_ended(id)[-1]
        for seq in (ended["seq"] + 1, 0):
            client.send("ack", id=id, seq=seq)
        self.assertEqual(client.hello()["ev"], "hello")
        self.assertEqual(client.recv(), ended)
        client.socket.close()

        successor = sim.connect()
        self.assertEqual(successor.hello()["ev"], "hello")
        self.assertEqual(successor.recv(), ended)
        successor.ack(ended)
        self.assertEqual(successor.hello()["ev"], "hello")
        successor.nothing_more(self)
        self.assertEqual(successor.query(id)["state"], "unknown")

    def test_a_call_ends_while_nobody_listens(self):
        sim, client = self.both()
        id = client.dial("+15550120000")
        client.until("ringing", id)
        client.socket.close()
        belfry.wait_until(lambda: sim.ledger("outcome"), DEADLINE, "the call's end")
        successor = sim.connect()
        successor.hello()
        self.assertEqual(successor.until_ended(id)[-1]["outcome"], "answered")

    # --- homes -------------------------------------------------------------------------------

    def test_a_query_from_another_slot_adopts_the_attempt(self):
        sim, dead = self.both(BELFRY_SIM_TIME_SCALE="1", BELFRY_SIM_TALK_MS="4000")
        alive = sim.connect(1)
        alive.hello()
        talking, finished = dead.dial("+15550120000"), dead.dial("+15550120004")
        dead.until("bridged", talking)
        state = alive.query(talking)
        self.assertEqual((state["state"], state["bridged"]), ("answered", True))
        state = alive.query(finished)
        self.assertEqual((state["state"], state["outcome"]), ("ended", "invalid_number"))
        first, second = alive.recv(), alive.recv()
        self.assertEqual((first["id"], first["ev"]), (finished, "ended"))
        self.assertEqual((second["id"], second["ev"]), (talking, "ended"))
        self.assertEqual(dead.hello()["ev"], "hello")
        dead.nothing_more(self)
        dead.ack(first)
        dead.nothing_more(self)  # the acknowledgement has arrived
        self.assertEqual(alive.hello()["ev"], "hello")
        self.assertEqual(alive.recv(), second)
        alive.ack(second)
        alive.nothing_more(self)

    def test_a_repeated_dial_from_another_slot_adopts_too(self):
        sim, first = self.both(BELFRY_SIM_TIME_SCALE="1", BELFRY_SIM_RING_MS="4000")
        second = sim.connect(1)
        second.hello()
        id = first.dial("+15550120000")
        first.until("ringing", id)
        second.dial("+15550120000", id=id)
        self.assertEqual([e["ev"] for e in second.until_ended(id)],
                         ["state", "answered", "bridged", "ended"])
        first.nothing_more(self)
        self.assertEqual(len(sim.ledger("dial")), 1)

    # --- hanging up, trunks, nonsense ----------------------------------------------------------

    def test_hangup_ends_a_call_at_once(self):
        sim, client = self.both(BELFRY_SIM_TIME_SCALE="1", BELFRY_SIM_TALK_MS="60000")
        talking, ringing = client.dial("+15550120000"), client.dial("+15550120002")
        machine = client.dial("+15550120006")
        client.until("bridged", machine)
        for id in (talking, ringing, machine, nn.type_id("att")):
            client.send("hangup", id=id, reason="test")
        ended = [client.recv() for _ in range(3)]
        self.assertEqual([(e["id"], e["outcome"], e["sip"], e["by"]) for e in ended],
                         [(talking, "answered", 200, "us"), (ringing, "cancelled", 487, "us"),
                          (machine, "answered_machine", 200, "us")])
        client.send("hangup", id=talking)
        client.nothing_more(self)
        self.assertEqual([l["id"] for l in sim.ledger("hangup")], [talking, ringing, machine])
        self.assertEqual(len(sim.ledger("outcome")), 3)

    def test_a_trunk_is_up_and_a_callback_is_nobodys(self):
        _, client = self.both()
        id = nn.type_id("trk")
        client.send("trunk", id=id, settings={"host": "carrier"})
        self.assertEqual(client.recv(), {"ev": "trunk", "id": id, "state": "up"})
        client.send("callback", request={"path": "/"})
        client.nothing_more(self)

    def test_nonsense_is_dropped(self):
        _, client = self.both()
        for text in ("", "{", "[]", '{"op":"dance"}', '{"op":"query","id":"call_x"}', b"\xff\xfe",
                     "x" * 100000):
            client.socket.send(text)
        client.nothing_more(self)

    # --- ledger, load, life --------------------------------------------------------------------

    def test_ledger_lines_are_there_before_their_answers(self):
        sim, client = self.both(BELFRY_SIM_TIME_SCALE="0.01")
        campaign = nn.type_id("cmp")
        ids = [client.dial("+1555012%04d" % (i % 13), campaign=campaign, expires_in=60)
               for i in range(300)]
        left = {id for i, id in enumerate(ids) if i % 13 != 9}
        while left:
            event = client.recv()
            kinds = {line["ev"] for line in sim.ledger() if line["id"] == event["id"]}
            self.assertIn("dial", kinds)
            if event["ev"] == "ended":
                self.assertIn("outcome", kinds)
                left.discard(event["id"])
        dials = sim.ledger("dial")
        self.assertEqual([line["id"] for line in dials], ids)
        self.assertEqual({line["campaign"] for line in dials}, {campaign})
        self.assertEqual(set(dials[0]), {"t_us", "ev", "id", "call", "campaign", "to", "from",
                                         "trunk", "attempt"})
        times = [line["t_us"] for line in dials]
        self.assertEqual(times, sorted(times))

    def test_a_dispatcher_that_does_not_read_loses_nothing(self):
        sim, client = self.both(BELFRY_SIM_TIME_SCALE="0.001")
        ids = {client.dial("+15550120000") for _ in range(3000)}
        belfry.wait_until(lambda: len(sim.ledger("outcome")) == len(ids), DEADLINE, "all ends")
        while ids:
            event = client.recv()
            if event["ev"] == "ended":
                ids.remove(event["id"])
                client.ack(event)

    def test_ten_thousand_calls_leave_little_behind(self):
        sim, client = self.both(BELFRY_SIM_TIME_SCALE="0.001")
        dialed, ended = set(), set()
        while len(ended) < 10000:
            while len(dialed) < 10000 and len(dialed) - len(ended) < 500:
                dialed.add(client.dial("+15550120000"))
            event = client.recv()
            if event["ev"] == "ended":
                client.ack(event)
                self.assertNotIn(event["id"], ended)
                ended.add(event["id"])
        self.assertEqual(dialed, ended)
        client.nothing_more(self)
        self.assertEqual(client.hello()["ev"], "hello")
        client.nothing_more(self)
        ids = [line["id"] for line in sim.ledger("dial")]
        self.assertEqual(len(ids), 10000)
        self.assertEqual(set(ids), dialed)

    def test_sigterm_ends_it_at_once(self):
        sim, client = self.both(BELFRY_SIM_TIME_SCALE="1")
        client.until("ringing", client.dial("+15550120002"))
        for _ in range(2000):
            client.dial("+15550120000")
        sim.process.terminate()
        self.assertEqual(sim.process.wait(DEADLINE), 0)
        self.assertIn("stopped code=0", sim.text())

    def test_a_carrier_that_cannot_write_does_not_answer(self):
        for key in ("BELFRY_CARRIER_LEDGER", "BELFRY_DIALER_JOURNAL"):
            with self.subTest(file=key):
                sim, client = self.both()
                # Fill the file's room rather than the disk's: a limit on the size of files.
                sim.kill()
                limited = "ulimit -f 1; trap '' XFSZ; exec " + BIN + "/dialer-sim"
                path = sim.env[key]
                other = ({"BELFRY_CARRIER_LEDGER", "BELFRY_DIALER_JOURNAL"} - {key}).pop()
                sim.env[other] = ""
                with open(path, "ab") as file:
                    if key == "BELFRY_CARRIER_LEDGER":
                        file.write(b'{"ev":"filler"}\n' * 64)
                    else:
                        file.write(b"filler\n" * 130)
                sim.process = subprocess.Popen(["/bin/bash", "-c", limited], env=sim.env,
                                               stderr=sim.log)
                client = sim.connect(1)
                client.hello()
                client.dial("+15550120000")
                self.assertEqual(sim.process.wait(DEADLINE), 1)
                with self.assertRaises(TimeoutError):
                    client.socket.recv(0.05)


class Start(unittest.TestCase):
    """Settings, and what stands in the way of a start."""

    def run_sim(self, *args, **settings):
        env = {"PATH": os.environ["PATH"], **settings}
        return subprocess.run([BIN + "/dialer-sim", *args], env=env, timeout=DEADLINE,
                              capture_output=True, text=True, check=False)

    def test_print_config_shows_the_table(self):
        out = self.run_sim("--print-config", BELFRY_DIALER_LISTEN="ipc:///tmp/x",
                           BELFRY_SIM_RING_MS="250")
        self.assertEqual(out.returncode, 0, out.stderr)
        values = dict(line.split("=", 1) for line in out.stdout.splitlines() if line[0] != "#")
        self.assertEqual(values["BELFRY_SIM_RING_MS"], "250")
        self.assertEqual(values["BELFRY_SIM_TALK_MS"], "1000")
        self.assertEqual(values["BELFRY_SIM_TIME_SCALE"], "1")

    def test_faulty_settings_are_refused(self):
        good = {"BELFRY_DIALER_LISTEN": "ipc:///tmp/belfry-never-bound"}
        for bad in ({"BELFRY_SIM_MIX": "busy=60,rejected=60"}, {"BELFRY_SIM_RING_MS": "-1"},
                    {"BELFRY_SIM_TIME_SCALE": "fast"}, {"BELFRY_LOG_LEVEL": "loud"},
                    {"BELFRY_DIALER_LISTEN": "tcp://127.0.0.1:1"}, {"BELFRY_SIM_RINGS": "1"},
                    {"BELFRY_DIALER_LISTEN": ",".join("ipc:///tmp/no/%d" % i for i in range(65))},
                    {"BELFRY_DIALER_JOURNAL": "/no/such/directory/journal"},
                    {"BELFRY_CARRIER_LEDGER": "/no/such/directory/ledger"}):
            with self.subTest(setting=bad):
                out = self.run_sim(**{**good, **bad})
                self.assertEqual(out.returncode, 1, out.stderr)
                self.assertTrue(out.stderr)
        self.assertEqual(self.run_sim().returncode, 1)
        self.assertEqual(self.run_sim("--help").returncode, 2)

    def test_address_and_journal_have_one_holder(self):
        sim = Sim()
        self.addCleanup(sim.close)
        sim.connect().hello()
        other = {"BELFRY_DIALER_LISTEN": sim.env["BELFRY_DIALER_LISTEN"]}
        self.assertEqual(self.run_sim(**other).returncode, 1)
        other = {"BELFRY_DIALER_LISTEN": "ipc://" + sim.dir + "/other",
                 "BELFRY_DIALER_JOURNAL": sim.env["BELFRY_DIALER_JOURNAL"]}
        out = self.run_sim(**other)
        self.assertEqual(out.returncode, 1)
        self.assertIn("another dialer holds this journal", out.stderr)


if __name__ == "__main__":
    unittest.main()
