"""The SIP dialer: one call, and the ways in which one call can end."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import sip_case  # noqa: E402


class OneCall(sip_case.SipCase):
    def test_is_bridged_and_the_callee_hangs_up(self):
        dialer = self.dialer()
        carrier, agent, uri = self.pair(dialer)
        client = dialer.connect()
        trunk = client.trunk("127.0.0.1:%d" % carrier.port)
        id = client.dial("9103", trunk, uri, variables={"name": "Ada"})
        end = client.ended(id)
        self.assertEqual(client.names(id), ["ringing", "answered", "bridged", "ended"])
        self.assertEqual((end["outcome"], end["sip"], end["by"]), ("answered", 200, "callee"))
        self.assertLess(abs(end["talk_s"] - 0.3), 0.1)
        self.eventually(lambda: agent.received("BYE"))
        self.assertEqual(carrier.received("INVITE")[0], id + ".c")
        self.assertIn("X-Belfry-Var-name: Ada", agent.text())
        self.assertIn("X-Belfry-Attempt: " + id, agent.text())
        self.assertEqual(dialer.stop(), 0)


if __name__ == "__main__":
    unittest.main()
