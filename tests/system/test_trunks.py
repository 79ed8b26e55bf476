"""Trunks seen from the API: how each stands, and a test at will that goes through a dispatcher and a dialer
to the carrier and back, or says in bounded time that it did not come back."""
import re
import shutil
import tempfile
import time
import unittest

import belfry
import sip_case
import sip_scenarios

MEMBERS = {"id", "trunk_id", "ok", "status", "reason", "latency_ms", "state", "tested_at"}


class SimTrunks(belfry.TestCase):
    def test_a_simulated_carrier_answers(self):
        stack = self.stack()
        trunk = stack.api.get("/v1/trunks")["data"][0]
        self.assertEqual((trunk["dialer"], trunk["state"]), ("sim", None))
        path = "/v1/trunks/%s" % trunk["id"]
        began = time.monotonic()
        said = stack.api.post(path + "/test")
        took_ms = (time.monotonic() - began) * 1000
        self.assertEqual(set(said), MEMBERS)
        self.assertEqual((said["trunk_id"], said["ok"], said["status"], said["reason"], said["state"]),
                         (trunk["id"], True, 200, "OK", "up"))
        self.assertTrue(0 <= said["latency_ms"] <= took_ms, (said, took_ms))
        belfry.wait_until(lambda: stack.api.get(path)["state"] == "up", 10, "the state")
        shown = stack.api.get(path)
        self.assertIsNotNone(shown["state_since"])
        self.assertIsNone(shown["state_until"])

    def test_who_may_ask_and_what_is_left_behind(self):
        stack = self.stack()
        trunk = stack.api.get("/v1/trunks")["data"][0]["id"]
        headers = {"Idempotency-Key": "once"}
        first = stack.api.post("/v1/trunks/%s/test" % trunk, headers=headers)
        again = stack.api.post("/v1/trunks/%s/test" % trunk, headers=headers)
        self.assertEqual(first, again)
        lines = stack.api.get("/v1/audit?action=trunk.test")["data"]
        self.assertEqual([line["subject"] for line in lines], [trunk])
        key = stack.api.post("/v1/api-keys", {"name": "reader", "scopes": ["read", "write", "control"]},
                             headers={"Idempotency-Key": "key"})
        reader = stack.client(key["key"])
        for api, id, status, code in (
                (reader, trunk, 403, "missing_scope"),
                (stack.api, "trk_01h455vb4pex5vsknk084sn02q", 404, "not_found"),
                (stack.api, "trk_nonsense", 404, "not_found")):
            answer = api.request("POST", "/v1/trunks/%s/test" % id)
            self.assertEqual((answer.status, answer.json["code"]), (status, code))
        self.assertEqual(len(stack.api.get("/v1/audit?action=trunk.test")["data"]), 1)

    def test_a_test_that_nobody_answers_ends_in_time(self):
        stack = self.stack()
        sip = stack.api.post("/v1/trunks", {"name": "elsewhere", "dialer": "sip", "settings": {
            "host": "127.0.0.1"}})["id"]
        sim = [t for t in stack.api.pages("/v1/trunks") if t["dialer"] == "sim"][0]["id"]
        self.no_answer(stack, sip, "No dispatcher")
        self.assertTrue(stack.api.post("/v1/trunks/%s/test" % sim)["ok"])
        stack.kill("STOP", "dialer-sim.0")
        try:
            self.no_answer(stack, sim, "The dialer did not answer")
        finally:
            stack.kill("CONT", "dialer-sim.0")
        self.assertTrue(stack.api.post("/v1/trunks/%s/test" % sim)["ok"])

    def no_answer(self, stack, trunk, words):
        watch = belfry.Stopwatch()
        answer = stack.api.request("POST", "/v1/trunks/%s/test" % trunk)
        self.assertEqual((answer.status, answer.json["code"]), (503, "unavailable"))
        self.assertIn(words, answer.json["detail"])
        self.assertLess(watch.s(), 12)


class SipTrunks(belfry.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="belfry-trunks-")
        self.addCleanup(shutil.rmtree, self.dir)

    def sipp(self, name, scenario, **options):
        peer = sip_case.Sipp(self.dir, name, scenario, **options)
        self.addCleanup(peer.close)
        return peer

    def sip_stack(self):
        return self.stack(dialer="sip", settings={
            "SIP_LISTEN": "127.0.0.1:%d" % sip_case.free_ports(1)[0]})

    def trunk(self, stack, port, **settings):
        return stack.api.post("/v1/trunks", {"name": "t", "dialer": "sip", "settings": dict(
            settings, host="127.0.0.1:%d" % port)})["id"]

    @staticmethod
    def options(carrier):
        """How many came; UDP repeats one to a carrier that stands still for half a second."""
        return len(set(re.findall(r"^CSeq: (\d+) OPTIONS", carrier.text(), re.M)))

    def test_a_carrier_is_asked_by_options(self):
        stack = self.sip_stack()
        carrier = self.sipp("carrier", sip_scenarios.carrier_scenario())
        trunk = self.trunk(stack, carrier.port, keep_alive_s=0)
        said = stack.api.post("/v1/trunks/%s/test" % trunk)
        self.assertEqual((said["ok"], said["status"], said["reason"], said["state"]),
                         (True, 200, "OK", "up"))
        self.assertEqual(self.options(carrier), 1)
        shown = stack.api.get("/v1/trunks/%s" % trunk)
        belfry.wait_until(lambda: stack.api.get("/v1/trunks/%s" % trunk)["state"] == "up", 10, "up")
        self.assertNotIn("password", str(shown))

    def test_what_is_changed_is_tested_at_once(self):
        stack = self.sip_stack()
        gone = sip_case.free_ports(1)[0]
        trunk = self.trunk(stack, gone, transport="tcp")
        said = stack.api.post("/v1/trunks/%s/test" % trunk)
        self.assertEqual((said["ok"], said["status"], said["state"]), (False, None, "down"))
        self.assertTrue(said["reason"])
        carrier = self.sipp("carrier", sip_scenarios.carrier_scenario())
        stack.api.patch("/v1/trunks/%s" % trunk, {"settings": {
            "host": "127.0.0.1:%d" % carrier.port}})
        said = stack.api.post("/v1/trunks/%s/test" % trunk)
        self.assertEqual((said["ok"], said["state"]), (True, "up"))

    def test_the_state_is_shown_as_it_changes(self):
        stack = self.sip_stack()
        carrier = self.sipp("carrier", sip_scenarios.carrier_scenario())
        trunk = self.trunk(stack, carrier.port, transport="tcp", keep_alive_s=1)

        def state():
            return stack.api.get("/v1/trunks/%s" % trunk)["state"]

        carrier.close()
        belfry.wait_until(lambda: state() == "down", 20, "down")
        self.sipp("again", sip_scenarios.carrier_scenario(), port=carrier.port, transport="t1")
        belfry.wait_until(lambda: state() == "up", 20, "up")
        since = stack.api.get("/v1/trunks/%s" % trunk)["state_since"]
        stack.restart("dispatcher.0")
        self.assertTrue(stack.api.post("/v1/trunks/%s/test" % trunk)["ok"])
        self.assertEqual(stack.api.get("/v1/trunks/%s" % trunk)["state_since"], since)

    def test_the_credentials_are_tested_too(self):
        stack = self.sip_stack()
        for password, expected in (("right", (True, 200)), ("wrong", (False, 401))):
            with self.subTest(password):
                carrier = self.sipp("digest-" + password, DIGEST % ("ada", "right"))
                trunk = self.trunk(stack, carrier.port, username="ada", password=password,
                                   keep_alive_s=0)
                said = stack.api.post("/v1/trunks/%s/test" % trunk)
                self.assertEqual((said["ok"], said["status"], said["state"]),
                                 (*expected, "up"))
                self.assertEqual(self.options(carrier), 2)


ASK = """  <send><![CDATA[
SIP/2.0 401 Unauthorized
[last_Via:]
[last_From:]
[last_To:];tag=[pid]t[call_number]
[last_Call-ID:]
[last_CSeq:]
WWW-Authenticate: Digest realm="belfry.test", nonce="47ebe028cda119c35d4877b383027d28da013815", qop="auth"
Content-Length: 0

]]></send>
"""
DIGEST = sip_scenarios.HEAD + '  <recv request="OPTIONS"></recv>\n' + ASK + """
  <recv request="OPTIONS">
    <action><verifyauth assign_to="right" username="%s" password="%s"/></action>
  </recv>
  <nop next="good" test="right"/>
""" + ASK + '  <nop next="end"/>\n  <label id="good"/>\n' + sip_scenarios.reply(200, "OK") + \
    '  <label id="end"/>\n  <nop/>\n</scenario>\n'


if __name__ == "__main__":
    unittest.main()
