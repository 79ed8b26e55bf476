"""The SIP dialer between sipp as carrier and sipp as agent: what becomes of a call, whoever ends it."""
import collections
import os
import re
import socket
import time
import unittest

import nn
import sip_case
import sip_scenarios

TURNS_OPEN = 6  # of the table, at a time: what is asked for must not be more than the machine can do

# The table of outcomes, by hand: number's ending, ring time, outcome, status, cause, who.
TABLE = [
    ("9101", "answered", 200, 16), ("9103", "answered", 200, 16),
    ("0486", "busy", 486, None), ("0600", "busy", 600, None), ("1017", "busy", 480, 17),
    ("0480", "no_answer", 480, None), ("1018", "no_answer", 480, 18),
    ("1019", "no_answer", 480, 19), ("2408", "no_answer", 408, None),
    ("0603", "rejected", 603, None), ("0607", "rejected", 607, None),
    ("0608", "rejected", 608, None), ("1021", "rejected", 480, 21),
    ("0404", "invalid_number", 404, None), ("0410", "invalid_number", 410, None),
    ("0416", "invalid_number", 416, None), ("0484", "invalid_number", 484, None),
    ("0604", "invalid_number", 604, None), ("1001", "invalid_number", 480, 1),
    ("1028", "invalid_number", 480, 28),
    ("0488", "carrier_error", 488, None), ("0500", "carrier_error", 500, None),
    ("0502", "carrier_error", 502, None), ("0503", "carrier_error", 503, None),
    ("0504", "carrier_error", 504, None), ("0606", "carrier_error", 606, None),
    ("0408", "carrier_error", 408, None), ("1034", "carrier_error", 480, 34),
    ("0429", "rate_limited", 429, None),
    ("0401", "config_error", 401, None), ("0402", "config_error", 402, None),
    ("0403", "config_error", 403, None), ("0407", "config_error", 407, None),
    ("1050", "config_error", 480, 50), ("1057", "config_error", 480, 57),
]


class OneCall(sip_case.SipCase):
    def one(self, number, carrier=None, agent=None, ring_s=5, max_s=60, variables=None, **trunk):
        """Dials once; the dialer, the peers, the client and the id."""
        dialer = self.dialer()
        carrier, agent, uri = self.pair(dialer, carrier, agent)
        client = dialer.connect()
        trunk = client.trunk("127.0.0.1:%d" % carrier.port, **trunk)
        id = client.dial(number, trunk, uri, ring_s=ring_s, max_s=max_s, variables=variables)
        return dialer, carrier, agent, client, id

    def test_is_bridged_and_the_callee_hangs_up(self):
        dialer, carrier, agent, client, id = self.one("9120", variables={
            "name": "Ada", "age": 36, "note": "50% \u00e9\r\nX: y"})
        end = client.ended(id)
        self.assertEqual(client.names(id), ["ringing", "answered", "bridged", "ended"])
        self.assertEqual((end["outcome"], end["sip"], end["q850"], end["by"]),
                         ("answered", 200, 16, "callee"))
        self.assert_lasted(end["talk_s"], 2)
        self.eventually(lambda: agent.received("BYE"))
        self.assertEqual(set(carrier.received("INVITE")), {id + ".c"})
        text = agent.text()
        for line in ("X-Belfry-Attempt: " + id, "X-Belfry-Var-name: Ada", "X-Belfry-Var-age: 36",
                     "X-Belfry-Var-note: 50%25 %C3%A9%0D%0AX: y",
                     "X-Belfry-To: +15550109120", "traceparent: " + sip_case.TRACEPARENT,
                     "tracestate: " + sip_case.TRACESTATE):
            self.assertIn(line, text)
        self.assertIn("m=audio 4000", text)
        self.assertIn("m=audio 5000", carrier.text())
        self.assertEqual(dialer.stop(), 0)

    def test_the_agent_hangs_up(self):
        _, carrier, _, client, id = self.one("9000", agent=sip_scenarios.agent_scenario(talk_ms=2000))
        end = client.ended(id)
        self.assertEqual((end["outcome"], end["by"]), ("answered", "agent"))
        self.assert_lasted(end["talk_s"], 2)
        self.eventually(lambda: carrier.received("BYE"))

    def test_we_hang_up(self):
        _, carrier, agent, client, id = self.one("9000")
        client.until(id, "bridged")
        client.send("hangup", id=id)
        end = client.ended(id)
        self.assertEqual((end["outcome"], end["by"]), ("answered", "us"))
        self.eventually(lambda: carrier.received("BYE") and agent.received("BYE"))

    def test_a_call_ends_at_its_longest(self):
        _, carrier, agent, client, id = self.one("9000", max_s=0.5)
        end = client.ended(id)
        self.assertEqual((end["outcome"], end["by"]), ("answered", "us"))
        self.assert_lasted(end["talk_s"], 0.5)
        self.eventually(lambda: carrier.received("BYE") and agent.received("BYE"))

    def test_nobody_answers(self):
        _, carrier, _, client, id = self.one("3001", ring_s=1)
        end = client.ended(id)
        self.assertEqual(client.names(id), ["ringing", "ended"])
        self.assertEqual((end["outcome"], end["sip"], end["by"]), ("no_answer", 487, "us"))
        self.assert_lasted(end["ring_s"], 1)
        self.assertEqual(carrier.received("CANCEL"), [id + ".c"])

    def test_an_answer_that_crosses_the_cancel_is_hung_up(self):
        _, carrier, agent, client, id = self.one("3004", ring_s=0.5)
        end = client.ended(id)
        self.assertEqual((end["outcome"], end["by"]), ("no_answer", "us"))
        self.eventually(lambda: carrier.received("BYE"))
        self.assertEqual(carrier.received("ACK")[:1], [id + ".c"])
        self.assertEqual(agent.received("INVITE"), [])

    def test_a_ringing_call_is_cancelled(self):
        _, carrier, _, client, id = self.one("3001", ring_s=60)
        client.until(id, "ringing")
        client.send("hangup", id=id, reason="test")
        end = client.ended(id)
        self.assertEqual((end["outcome"], end["by"]), ("cancelled", "us"))
        self.eventually(lambda: carrier.received("CANCEL"))

    def test_the_agent_is_not_there(self):
        _, carrier, _, client, id = self.one("9000", agent=sip_scenarios.agent_scenario(status=480))
        end = client.ended(id)
        self.assertEqual((end["outcome"], end["sip"], end["by"]),
                         ("agent_unavailable", 200, "agent"))
        self.eventually(lambda: carrier.received("BYE"))
        self.assertIn("Reason: SIP;cause=480", carrier.text())

    def test_late_offer(self):
        _, carrier, agent, client, id = self.one("9000", flow="late_offer",
                                                 carrier=sip_scenarios.late_offer_scenario())
        end = client.ended(id)
        self.assertEqual(client.names(id), ["ringing", "answered", "bridged", "ended"])
        self.assertEqual((end["outcome"], end["by"]), ("answered", "callee"))
        self.assertEqual(carrier.received("INVITE"), [id + ".c"])
        self.assertIn("m=audio 4000", agent.text())

    def test_the_agent_can_be_called_while_it_rings(self):
        _, carrier, agent, client, id = self.one("9103", agent_start="ringing")
        end = client.ended(id)
        self.assertEqual((end["outcome"], end["by"]), ("answered", "callee"))
        self.assertEqual(agent.received("INVITE"), [id + ".a"] * 2)
        self.assertIn("m=audio 9 ", agent.text())
        self.assertIn("m=audio 4000", agent.text())

    def test_an_invite_of_the_callee_is_relayed(self):
        _, carrier, agent, client, id = self.one("9000",
                                                 carrier=sip_scenarios.reinviting_scenario())
        end = client.ended(id)
        self.assertEqual((end["outcome"], end["by"]), ("answered", "callee"))
        self.assertIn("m=audio 4444", agent.text())
        self.assertIn("a=sendonly", agent.text())
        versions = re.findall(r"^o=- \d+ (\d+) ", agent.text(), re.M)
        self.assertEqual(list(dict.fromkeys(versions)), ["1", "2"])  # one may be sent again

    def test_an_invite_that_a_peer_cannot_take_yet_is_sent_again(self):
        for status, headers in ((491, ""), (500, "Retry-After: 1\n")):
            with self.subTest(status):
                _, carrier, _, client, id = self.one(
                    "9000", carrier=sip_scenarios.pending_scenario(1, status, headers))
                end = client.ended(id)
                self.assertIn("bridged", client.names(id))
                self.assertEqual((end["outcome"], end["by"]), ("answered", "callee"))
        _, carrier, _, client, id = self.one("9000", carrier=sip_scenarios.pending_scenario(9, 491))
        self.assert_unjoined(client, carrier, id)

    def assert_unjoined(self, client, carrier, id):
        """Nobody dials a person who has answered three times more because the carrier failed."""
        end = client.ended(id)
        self.assertEqual((end["outcome"], end["sip"], end["by"]),
                         ("agent_unavailable", 200, "carrier"))
        self.assertNotIn("bridged", client.names(id))
        self.eventually(lambda: carrier.received("BYE"))
        self.assertNotIn("Agent unavailable", carrier.text())

    def test_a_carrier_that_does_not_join(self):
        for is_silent in (False, True):
            with self.subTest(is_silent=is_silent):
                _, carrier, _, client, id = self.one(
                    "9000", carrier=sip_scenarios.unjoined_scenario(is_silent))
                self.assert_unjoined(client, carrier, id)

    def test_digest(self):
        for password, expected in (("right", ("answered", 200)), ("wrong", ("config_error", 401))):
            with self.subTest(password):
                _, carrier, _, client, id = self.one(
                    "9000", carrier=sip_scenarios.digest_scenario("ada", "right"), username="ada",
                    password=password)
                end = client.ended(id)
                self.assertEqual((end["outcome"], end["sip"]), expected)
                self.assertNotIn(password, carrier.text())

    def test_over_tcp(self):
        dialer = self.dialer()
        carrier, _, uri = self.pair(dialer, transport="t1")
        client = dialer.connect()
        trunk = client.trunk("127.0.0.1:%d" % carrier.port, transport="tcp")
        id = client.dial("9103", trunk, uri)
        self.assertEqual(client.ended(id)["outcome"], "answered")

    def test_a_carrier_that_says_nothing(self):
        _, carrier, _, client, id = self.one("3002", ring_s=1)
        end = client.ended(id)
        self.assertEqual((end["outcome"], end["by"], end["ring_s"]), ("carrier_error", "carrier", 0))
        self.assertEqual(set(carrier.received("INVITE")), {id + ".c"})

    def test_peers_are_told_the_advertised_address(self):
        dialer = self.dialer(BELFRY_SIP_ADVERTISE="192.0.2.7")
        carrier, _, uri = self.pair(dialer)
        client = dialer.connect()
        host = "127.0.0.1:%d" % carrier.port
        for settings, expected in (({}, "192.0.2.7"), ({"advertise_ip": "192.0.2.8"}, "192.0.2.8")):
            id = client.dial("0486", client.trunk(host, **settings), uri)
            self.assertEqual(client.ended(id)["outcome"], "busy")
            self.assertIn("Contact: <sip:belfry@%s:%d" % (expected, dialer.port), carrier.text())
            self.assertIn("c=IN IP4 " + expected, carrier.text())

    def test_special_addresses_are_called_only_where_they_are_allowed(self):
        dialer = self.dialer(BELFRY_SIP_ALLOW_CIDRS="127.0.0.1/32")
        carrier, agent, uri = self.pair(dialer)
        client = dialer.connect()
        good = client.trunk("127.0.0.1:%d" % carrier.port)
        for host in ("127.0.0.2", "10.0.0.1", "169.254.169.254", "0.0.0.0"):
            end = client.ended(client.dial("9103", client.trunk(host), uri))
            self.assertEqual((end["outcome"], end["by"]), ("config_error", "us"), host)
            end = client.ended(client.dial("9000", good, "sip:agent@%s:%d" % (host, agent.port)))
            self.assertEqual(end["outcome"], "agent_unavailable", host)
        self.assertIn("address_denied", dialer.text())
        self.assertEqual(agent.received("INVITE"), [])
        self.assertEqual(client.ended(client.dial("9103", good, uri))["outcome"], "answered")

    def test_nobody_listens(self):
        dialer = self.dialer()
        client = dialer.connect()
        port = sip_case.free_ports(1)[0]
        trunk = client.trunk("127.0.0.1:%d" % port, transport="tcp")
        end = client.ended(client.dial("9103", trunk, "sip:a@127.0.0.1:9"))
        self.assertEqual((end["outcome"], end["by"]), ("carrier_error", "carrier"))


class ManyCalls(sip_case.SipCase):
    def test_every_outcome_of_the_table(self):
        dialer = self.dialer()
        _, _, uri = self.pair(dialer)
        client = dialer.connect()
        rows = TABLE + [("3001", "no_answer", 487, None)]
        # A carrier that asks for patience closes its trunk, so it has one of its own.
        host = "127.0.0.1:%d" % dialer.peers[0].port
        trunk, limited = client.trunk(host, calls_per_second=250), client.trunk(host)
        ids, ends, turns = {}, {}, []
        for turn in range(38):
            turns.append([])
            for row in rows:
                if row[1] == "rate_limited" and turn > 0:
                    continue
                id = client.dial(row[0], limited if row[1] == "rate_limited" else trunk, uri,
                                 ring_s=2 if row[0] == "3001" else 20, expires_in=30)
                ids[id] = row
                turns[-1].append(id)
            if turn >= TURNS_OPEN:
                ends.update(client.all_ended(turns[turn - TURNS_OPEN]))
        ends.update(client.all_ended(ids, 50))
        self.maxDiff = None
        for id, end in ends.items():
            if (end["outcome"], end["sip"], end.get("q850")) != ids[id][1:]:
                print("#", id, ids[id], end, *(p.about(id) for p in dialer.peers), sep="\n", flush=True)
        seen = collections.Counter((ids[id], end["outcome"], end["sip"], end.get("q850"))
                                   for id, end in ends.items())
        expected = collections.Counter((row, *row[1:]) for row in ids.values())
        self.assertEqual(seen, expected)
        self.assertGreater(len(ids), 1300)
        carrier = dialer.peers[0]
        calls = {id + ".c" for id in ids}
        self.eventually(lambda: calls <= set(carrier.received("INVITE")))

    def test_a_trunk_may_read_its_carrier_otherwise(self):
        dialer = self.dialer()
        carrier, _, uri = self.pair(dialer)
        client = dialer.connect()
        trunk = client.trunk("127.0.0.1:%d" % carrier.port,
                             outcomes={"480": "rejected", "q850:34": "rate_limited"})
        for number, outcome in (("0480", "rejected"), ("0486", "busy"), ("1034", "rate_limited")):
            end = client.ended(client.dial(number, trunk, uri))
            self.assertEqual(end["outcome"], outcome)

    def test_retry_after_closes_the_trunk_for_a_while(self):
        dialer = self.dialer()
        carrier, _, uri = self.pair(dialer)
        client = dialer.connect()
        trunk = client.trunk("127.0.0.1:%d" % carrier.port)
        end = client.ended(client.dial("3003", trunk, uri))
        self.assertEqual((end["outcome"], end["sip"], end["retry_after_s"]),
                         ("rate_limited", 503, 2))
        self.eventually(lambda: client.trunks[trunk]["state"] == "throttled")
        early = client.ended(client.dial("0486", trunk, uri, expires_in=0.3))
        self.assertEqual(early["outcome"], "not_sent")
        late = client.ended(client.dial("0486", trunk, uri, expires_in=5))
        self.assertEqual(late["outcome"], "busy")
        self.assertEqual(len(carrier.received("INVITE")), 2)

    def test_a_trunk_keeps_its_own_limits(self):
        dialer = self.dialer()
        carrier, _, uri = self.pair(dialer)
        client = dialer.connect()
        host = "127.0.0.1:%d" % carrier.port
        narrow = client.trunk(host, max_concurrent=2)
        began = time.monotonic()
        ids = [client.dial("9103", narrow, uri, expires_in=10) for _ in range(6)]
        client.all_ended(ids)
        self.assertGreater(time.monotonic() - began, 3 * 0.3)
        slow = client.trunk(host, calls_per_second=5)
        began = time.monotonic()
        ids = [client.dial("0486", slow, uri, expires_in=10) for _ in range(6)]
        client.all_ended(ids)
        self.assertGreater(time.monotonic() - began, 0.8)

    def test_a_dial_waits_for_the_settings_of_its_trunk(self):
        dialer = self.dialer()
        carrier, _, uri = self.pair(dialer)
        client = dialer.connect()
        trunk = nn.type_id("trk")
        lost = client.dial("0486", trunk, uri, expires_in=0.2)
        self.assertEqual(client.ended(lost)["outcome"], "not_sent")
        kept = client.dial("0486", trunk, uri, expires_in=5)
        client.send("trunk", id=trunk, settings={"host": "127.0.0.1:%d" % carrier.port})
        self.assertEqual(client.ended(kept)["outcome"], "busy")

    def test_the_state_of_a_trunk_is_asked_for(self):
        dialer = self.dialer()
        carrier, _, _ = self.pair(dialer)
        client = dialer.connect()
        up = client.trunk("127.0.0.1:%d" % carrier.port, keep_alive_s=1)
        self.assertEqual(client.trunks[up]["state"], "up")
        down = client.trunk("127.0.0.1:%d" % sip_case.free_ports(1)[0], transport="tcp",
                            keep_alive_s=1)
        self.assertEqual(client.trunks[down]["state"], "down")
        bad = client.trunk("not a host")
        self.assertEqual(client.trunks[bad]["state"], "down")
        end = client.ended(client.dial("0486", bad, "sip:a@127.0.0.1"))
        self.assertEqual(end["outcome"], "config_error")


class Strangers(sip_case.SipCase):
    def test_are_answered_and_change_nothing(self):
        dialer = self.dialer()
        carrier, _, uri = self.pair(dialer)
        client = dialer.connect()
        id = client.dial("9000", client.trunk("127.0.0.1:%d" % carrier.port), uri)
        client.until(id, "bridged")
        request = ("%s sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%d;branch=z9hG4bK%s\r\n"
                   "From: <sip:x@y>;tag=1\r\nTo: <sip:y@x>%s\r\nCall-ID: %s\r\nCSeq: 1 %s\r\n"
                   "Content-Length: 0\r\n\r\n")
        before = len(dialer.text())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            s.settimeout(sip_case.DEADLINE)
            port = s.getsockname()[1]
            for n, (method, tag, call, expected) in enumerate((
                    ("INVITE", "", "stranger", "481"), ("REGISTER", "", "stranger", "481"),
                    ("OPTIONS", "", "stranger", "200"), ("BYE", ";tag=c" + id[4:], id + ".c", "481"),
                    ("CANCEL", "", id + ".c", "481"))):
                s.sendto((request % (method, port, "s%d" % n, tag, call, method)).encode(),
                         ("127.0.0.1", dialer.port))
                self.assertIn("SIP/2.0 " + expected, s.recv(4096).decode(), method)
            for garbage in (b"\0" * 100, b"INVITE", b"SIP/2.0 200 OK\r\n\r\n", os.urandom(1000)):
                s.sendto(garbage, ("127.0.0.1", dialer.port))
            s.sendto((request % ("OPTIONS", port, "last", "", "last", "OPTIONS")).encode(),
                     ("127.0.0.1", dialer.port))
            self.assertIn("SIP/2.0 200", s.recv(4096).decode())
        self.assertEqual(dialer.text()[before:], "")
        client.send("query", id=id)
        self.assertEqual(client.until(id, "state")["state"], "answered")


    def open_connection(self, dialer):
        s = socket.create_connection(("127.0.0.1", dialer.port), sip_case.DEADLINE)
        self.addCleanup(s.close)
        return s

    @staticmethod
    def is_closed(s):
        s.setblocking(False)
        try:
            return s.recv(4096) == b""
        except BlockingIOError:
            return False
        except ConnectionError:
            return True

    def test_have_so_many_connections_and_no_more(self):
        dialer = self.dialer()
        carrier, _, uri = self.pair(dialer, transport="t1")
        client = dialer.connect()
        many = [self.open_connection(dialer) for _ in range(80)]
        self.eventually(lambda: sum(map(self.is_closed, many)) == 80 - 64)
        trunk = client.trunk("127.0.0.1:%d" % carrier.port, transport="tcp")
        self.assertEqual(client.ended(client.dial("9103", trunk, uri))["outcome"], "answered")
        for s in many:
            s.close()

        def is_let_in():
            s = self.open_connection(dialer)
            s.sendall(OPTIONS)
            try:
                return b"SIP/2.0 200" in s.recv(4096)
            except ConnectionError:
                return False

        self.eventually(is_let_in)

    def test_who_says_nothing_whole_is_cut_off(self):
        dialer = self.dialer()
        dialer.connect()
        silent, slow, good = [self.open_connection(dialer) for _ in range(3)]
        slow.sendall(OPTIONS[:40])
        good.sendall(OPTIONS)
        self.eventually(lambda: self.is_closed(silent) and self.is_closed(slow), 45)
        good.setblocking(True)
        good.settimeout(sip_case.DEADLINE)
        self.assertIn(b"SIP/2.0 200", good.recv(4096))
        good.sendall(OPTIONS.replace(b"first", b"second"))
        self.assertIn(b"SIP/2.0 200", good.recv(4096))


OPTIONS = ("OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKfirst\r\n"
           "From: <sip:x@y>;tag=1\r\nTo: <sip:y@x>\r\nCall-ID: first\r\nCSeq: 1 OPTIONS\r\n"
           "Content-Length: 0\r\n\r\n").encode()


class Restart(sip_case.SipCase):
    def test_what_rings_and_what_talks_goes_on_after_a_kill(self):
        dialer = self.dialer()
        carrier, agent, uri = self.pair(dialer)
        client = dialer.connect()
        trunk = client.trunk("127.0.0.1:%d" % carrier.port)
        talking = client.dial("9120", trunk, uri)
        held = client.dial("9000", trunk, uri)
        for id in (talking, held):
            client.until(id, "bridged")
        # Last, since it rings for a second only.
        cancelled = client.dial("3001", trunk, uri, ring_s=3)
        client.until(cancelled, "ringing")
        ringing = client.dial("3005", trunk, uri)
        client.until(ringing, "ringing")
        dialer.restart()
        client = dialer.connect()
        for id in (talking, held, ringing, cancelled):
            client.send("query", id=id)
        self.assertEqual(client.until(held, "state")["state"], "answered")
        self.assertTrue(client.until(held, "state")["bridged"])
        self.assertEqual(client.ended(ringing)["outcome"], "busy")
        end = client.ended(talking)
        self.assertEqual((end["outcome"], end["by"]), ("answered", "callee"))
        self.assert_lasted(end["talk_s"], 2)
        client.send("hangup", id=held)
        self.assertEqual(client.ended(held)["outcome"], "answered")
        self.assertEqual(client.ended(cancelled)["outcome"], "no_answer")
        self.eventually(lambda: held + ".c" in carrier.received("BYE"))
        self.eventually(lambda: {held + ".a", talking + ".a"} <= set(agent.received("BYE")))
        invites = collections.Counter(carrier.received("INVITE"))
        self.assertEqual(invites[ringing + ".c"], 1)
        self.assertEqual(invites[cancelled + ".c"], 1)

    def test_an_answer_that_came_meanwhile_is_bridged(self):
        dialer = self.dialer()
        carrier, _, uri = self.pair(dialer, carrier=sip_scenarios.HEAD +
                                    sip_scenarios.options_first() % "" +
                                    sip_scenarios.answer("late", 2000, 1500, 4000) + sip_scenarios.TAIL)
        client = dialer.connect()
        id = client.dial("9000", client.trunk("127.0.0.1:%d" % carrier.port), uri)
        client.until(id, "ringing")
        dialer.restart()
        client = dialer.connect()
        client.send("query", id=id)
        end = client.ended(id)
        self.assertIn("bridged", client.names(id))
        self.assertEqual((end["outcome"], end["by"]), ("answered", "callee"))

    def test_an_end_is_told_until_it_is_acknowledged(self):
        dialer = self.dialer()
        carrier, _, uri = self.pair(dialer)
        client = dialer.connect()
        client.is_acking = False
        id = client.dial("0486", client.trunk("127.0.0.1:%d" % carrier.port), uri)
        first = client.ended(id)
        dialer.restart()
        client = dialer.connect()
        again = client.ended(id)
        self.assertEqual(again, first)
        # Messages are taken in their order: the answer to this one comes after the acknowledgement.
        client.send("query", id=id)
        self.assertEqual(client.until(id, "state")["state"], "unknown")
        dialer.restart()
        client = dialer.connect()
        client.send("query", id=id)
        self.assertEqual(client.until(id, "state")["state"], "unknown")
        self.assertEqual(carrier.received("INVITE"), [id + ".c"])


if __name__ == "__main__":
    unittest.main()
