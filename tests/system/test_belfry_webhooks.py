"""The command line and webhooks: endpoints, deliveries, a receiver that listens, events as they come."""
import json
import re
import signal
import subprocess
import time
import unittest

import belfry
from cli_case import BIN, CONFLICT, DONE, REFUSED, USAGE, Cli


class WebhooksTest(Cli):
    frozen = False

    def test_endpoints_through_their_life(self):
        receiver = self.receiver()
        made = self.json("webhooks", "create", "--url", receiver.url(), "--events",
                         "campaign.completed,campaign.paused", "--description", "d")
        endpoint, receiver.secrets["/hook"] = made["id"], made["secret"]
        self.assertEqual(made["events"], ["campaign.completed", "campaign.paused"])
        self.assertEqual(self.json("webhooks", "update", endpoint, "--events", "*")["events"], ["*"])
        self.assertIn(endpoint, self.ok("webhooks", "list"))
        self.assertNotIn("secret", self.json("webhooks", "show", endpoint))
        tested = self.json("webhooks", "test", endpoint)
        self.assertEqual(tested["status"], "delivered")
        self.assertEqual(receiver.unsigned(), [])
        self.assertIn(tested["id"], self.ok("webhooks", "deliveries", endpoint, "--status",
                                            "delivered"))
        self.assertEqual(self.json("webhooks", "delivery", tested["id"])["attempts"], 1)
        again = self.json("webhooks", "replay", tested["id"])
        self.assertEqual(again["generation"], 2)
        # Told of everything, it may hear of another test's calls too.
        belfry.wait_until(lambda: [hook.id for hook in receiver.hooks].count(tested["event_id"]) == 2,
                          30, "the replay comes")
        belfry.wait_until(lambda: self.json("webhooks", "delivery", again["id"])["status"] ==
                          "delivered", 30, "the replay is recorded")
        self.assertEqual(self.json("webhooks", "replay", endpoint, "--since", "2026-01-01T00:00:00Z",
                                   "--types", "campaign.paused"), {"replayed": 0})
        self.fails(USAGE, "webhooks", "replay", endpoint)
        self.fails(USAGE, "webhooks", "replay", tested["id"], "--since", "2026-01-01T00:00:00Z")
        rotated = self.json("webhooks", "rotate", endpoint, "--overlap", "60")
        self.assertNotEqual(rotated["secret"], made["secret"])
        self.fails(CONFLICT, "webhooks", "rotate", endpoint)
        self.json("webhooks", "rotate", endpoint, "--force", "--overlap", "0")
        self.assertEqual(self.json("webhooks", "disable", endpoint)["status"], "disabled")
        self.fails(CONFLICT, "webhooks", "test", endpoint)
        self.assertEqual(self.json("webhooks", "enable", endpoint)["status"], "enabled")
        receiver.respond = lambda hook: 500
        self.assertIn("was not delivered", self.fails(REFUSED, "webhooks", "test", endpoint))
        self.assertEqual(self.ok("webhooks", "delete", endpoint), "deleted\n")

    def listen(self, *args):
        """A receiver that listens; with its own URL and its endpoint's id."""
        process = subprocess.Popen([BIN, "webhooks", "listen", *args], env=self.env(), text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        said = process.stderr.readline()
        if "a killed listener had left" in said:
            said = process.stderr.readline()
        found = re.match(r"listening on http://127.0.0.1:(\d+)/(?: as (whk_\w+))?; ", said)
        self.assertTrue(found, said)
        return process, int(found.group(1)), found.group(2)

    def test_a_listener_verifies_and_prints(self):
        process, port, endpoint = self.listen("--events", "campaign.completed")
        self.assertIn(endpoint, self.ok("webhooks", "list"))
        campaign = self.json("campaigns", "create", *self.draft_args(), "+14155550123")["id"]
        self.ok("campaigns", "start", campaign)
        line = process.stdout.readline()
        self.assertRegex(line, rf"Z  \d+  campaign\.completed  {campaign}  completed\n")

        # somebody else, who knows the address and not the secret
        body, stamp = b'{"type":"campaign.completed"}', str(int(time.time()))
        stranger = belfry.belfry_client.Api(f"http://127.0.0.1:{port}", None)
        self.addCleanup(stranger.close)
        forged = belfry.sign("whsec_" + "A" * 44, "evt_1", stamp, body)
        for headers in ({}, {"webhook-id": "evt_1", "webhook-timestamp": stamp,
                             "webhook-signature": forged}):
            self.assertEqual(stranger.request("POST", "/", body, headers).status, 401)
        self.assertEqual(stranger.request("GET", "/").status, 405)
        stranger.close()
        self.assertIn("no signature", process.stderr.readline())
        self.assertIn("its signature is wrong", process.stderr.readline())

        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=20), DONE)
        self.assertEqual(process.stdout.read(), "")
        self.assertNotIn(endpoint, self.ok("webhooks", "list"))

    def test_what_a_killed_listener_left_is_deleted_by_the_next(self):
        killed, _, left = self.listen()
        killed.kill()
        killed.wait(timeout=20)
        alive, _, other = self.listen()
        kept = self.one.api.post("/v1/webhook-endpoints", {
            "url": "http://127.0.0.1:1/", "events": ["*"], "description": "belfry webhooks listen on nowhere"})["id"]
        third, _, mine = self.listen()
        listed = self.ok("webhooks", "list")
        self.assertNotIn(left, listed)
        for endpoint in (other, kept, mine):
            self.assertIn(endpoint, listed)
        for process in (alive, third):
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(timeout=20), DONE)
        self.ok("webhooks", "delete", kept)

    def test_a_listener_prints_the_bytes_and_ends_after_its_count(self):
        process, _, endpoint = self.listen("--json", "--count", "1", "--events", "campaign.paused")
        self.assertEqual(self.json("webhooks", "test", endpoint)["status"], "delivered")
        lines = process.stdout.read().splitlines()
        self.assertEqual(process.wait(timeout=20), DONE)
        self.assertEqual([json.loads(line)["type"] for line in lines], ["webhook_endpoint.test"])
        kept = [e for e in self.one.api.pages("/v1/events") if e["id"] == json.loads(lines[0])["id"]]
        self.assertEqual([json.loads(lines[0])], kept)

    def test_a_listener_by_a_secret_refuses_what_is_old(self):
        secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        process, port, endpoint = self.listen("--secret-file", self.file(secret + "\n", "secret"),
                                              "--count", "1")
        self.assertIsNone(endpoint)
        stranger, body = belfry.belfry_client.Api(f"http://127.0.0.1:{port}", None), b'{"type":"x"}'
        self.addCleanup(stranger.close)
        for age_s, status in ((400, 401), (-400, 401), (10, 200)):
            stamp = str(int(time.time()) - age_s)
            signatures = "v1,AAAA " + belfry.sign(secret, "evt_1", stamp, body)
            answer = stranger.request("POST", "/", body, {
                "webhook-id": "evt_1", "webhook-timestamp": stamp,
                "webhook-signature": signatures})
            self.assertEqual(answer.status, status)
        self.assertIn("  x\n", process.stdout.read())
        self.assertEqual(process.wait(timeout=20), DONE)
        self.fails(REFUSED, "webhooks", "listen", "--secret-file", self.file("whsec_x", "bad"))

    def test_events_are_tailed(self):
        campaign = self.one.campaign(targets=["+14155550123", "+14155550124"])["id"]
        process = subprocess.Popen([BIN, "events", "tail", "--json"], env=self.env(), text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        self.ok("campaigns", "start", campaign)
        lines = []
        while not any(campaign in line and "campaign.completed" in line for line in lines):
            lines.append(process.stdout.readline())
            self.assertTrue(lines[-1], lines)
        events = [json.loads(line) for line in lines]
        sequences = [event["sequence"] for event in events]
        self.assertEqual(sequences, sorted(set(sequences)))
        # byte for byte what the log has
        answer = self.one.api.request("GET", f"/v1/events?after={sequences[0] - 1}&limit=200")
        for line in lines:
            self.assertIn(line.rstrip("\n").encode(), answer.body)
        process.kill()
        newest = self.one.api.get("/v1/events?limit=200")["data"][-1]["sequence"]
        shown = self.ok("events", "tail", "--no-follow", "--types", "campaign.completed")
        self.assertTrue(all("campaign.completed" in line for line in shown.splitlines()), shown)
        self.assertIn(campaign, shown)
        ten = [json.loads(line)["sequence"] for line in
               self.ok("events", "tail", "--no-follow", "--json").splitlines()]
        self.assertLessEqual(len(ten), 10)
        self.assertGreaterEqual(ten[-1], newest)
        first = self.ok("events", "tail", "--after", "0", "--count", "1")
        self.assertEqual(len(first.splitlines()), 1)


if __name__ == "__main__":
    unittest.main()
