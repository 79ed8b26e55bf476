"""Requests that come in one turn of the gateway's loop, and so share statements and transactions: each
has its own answer, its own fault, and sees what was committed before it came."""
import http.client
import json
import os
import signal
import unittest

import belfry
from api_case import ApiCase, type_id


class Together(ApiCase):
    def setUp(self):
        self.pid = self.it.pid("api-gateway.0")
        self.opened = []

    def tearDown(self):
        for connection in self.opened:
            connection.close()

    def connect(self, tenant):
        """A connection that the gateway knows already, as it does its key."""
        connection = http.client.HTTPConnection(tenant.api.host, tenant.api.port, timeout=30)
        self.opened.append(connection)
        connection.request("GET", "/v1/workspace",
                           headers={"Authorization": "Bearer " + tenant.api.key})
        connection.getresponse().read()
        return connection

    def is_stopped(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] == "T"

    def at_once(self, requests):
        """Sends all (tenant, method, path, body, headers) while the gateway stands still; their answers."""
        connections = [self.connect(tenant) for tenant, *_ in requests]
        os.kill(self.pid, signal.SIGSTOP)
        try:
            belfry.wait_until(self.is_stopped, 10, "the gateway stands still")
            for connection, (tenant, method, path, body, headers) in zip(connections, requests):
                connection.request(method, path, None if body is None else json.dumps(body),
                                   {"Authorization": "Bearer " + tenant.api.key,
                                    "Content-Type": "application/json", **headers})
        finally:
            os.kill(self.pid, signal.SIGCONT)
        responses = [connection.getresponse() for connection in connections]
        return [belfry.Answer(r.status, r.headers, r.read()) for r in responses]

    def read(self, asked):
        return self.at_once([(tenant, "GET", "/v1/campaigns/" + campaign, None, {})
                             for tenant, campaign in asked])

    def test_each_reader_gets_its_own_campaign(self):
        campaigns = {tenant: [tenant.campaign(name=f"n{i}") for i in range(9)]
                     for tenant in (self.one, self.two)}
        asked = [(tenant, c) for n in range(9) for tenant, own in campaigns.items()
                 for c in own[n:n + 1]]
        asked += [asked[3], asked[3]]
        for (tenant, campaign), answer in zip(asked, self.read([(t, c["id"]) for t, c in asked])):
            self.assertEqual((answer.status, answer.json), (200, campaign), tenant.workspace)

    def test_who_asks_for_what_is_not_there_gets_404_and_no_other(self):
        mine, other = self.one.campaign()["id"], self.two.campaign()["id"]
        asked = [mine, other, type_id("cmp"), mine, "cmp_nonsense", type_id("cmp"), mine]
        answers = self.read([(self.one, campaign) for campaign in asked])
        for campaign, answer in zip(asked, answers):
            if campaign == mine:
                self.assertEqual((answer.status, answer.json["id"]), (200, mine))
            else:
                self.problem(answer, 404, "not_found")

    def test_a_reader_sees_what_was_answered_before(self):
        campaigns = [self.one.campaign()["id"] for _ in range(6)]
        for n in range(3):
            for campaign in campaigns:
                self.one.api.post(f"/v1/campaigns/{campaign}/targets",
                                  {"targets": [{"to_number": f"+1415555{n:04d}"}]})
            answers = self.read([(self.one, campaign) for campaign in campaigns])
            self.assertEqual([a.json["counts"]["total"] for a in answers], [n + 1] * 6)

    def call(self, tenant, key, **fields):
        body = {"to_number": "+14155550123", "from_number": tenant.e164, "agent_id": tenant.agent,
                "scheduled_at": self.later, **fields}
        return (tenant, "POST", "/v1/scheduled-calls", body, {"Idempotency-Key": key})

    def make(self, requests):
        self.later = self.it.value("SELECT to_char(now() + interval '1 day', "
                                   "'YYYY-MM-DD\"T\"HH24:MI:SS.000\"Z\"')")
        return self.at_once([self.call(*one[:2], **one[2]) for one in requests])

    def transactions(self, prefix):
        return int(self.it.value("SELECT count(DISTINCT xmin::text) FROM idempotency "
                                 f"WHERE key LIKE '{prefix}%'"))

    def test_calls_made_at_once_share_a_commit(self):
        answers = self.make([(self.one, f"commit-{n}", {"external_id": f"commit-{n}"})
                             for n in range(12)])
        for n, answer in enumerate(answers):
            self.assertEqual((answer.status, answer.json["external_id"]), (201, f"commit-{n}"))
            self.assertEqual(self.one.api.get("/v1/scheduled-calls/" + answer.json["id"]),
                             answer.json)
        self.assertLess(self.transactions("commit-"), 12)
        self.assertEqual(self.it.value("SELECT count(*) FROM audit WHERE action = 'call.create' AND "
                                       "subject IN (%s)" % ",".join(
                                           f"'{a.json['id']}'" for a in answers)), "12")

    def test_a_fault_among_them_is_its_own(self):
        wrong = type_id("agt")
        requests = [(self.one, f"fault-{n % 7}", {"external_id": f"fault-{n % 7}"}) for n in range(9)]
        requests[3] = (self.one, "fault-3", {"agent_id": wrong})
        requests[5] = (self.one, "fault-5", {"max_attempts": 99})
        answers = self.make(requests)
        self.problem(answers[3], 404, "not_found", "/agent_id")
        self.problem(answers[5], 422, "validation_error", "/max_attempts")
        for n in (0, 1, 2, 4, 6):
            twins = [a for m, a in enumerate(answers) if m % 7 == n]
            made = [a for a in twins if a.status == 201]
            self.assertEqual(len({a.json["id"] for a in made}), 1, twins)
            self.assertEqual(sum("Idempotent-Replayed" not in a.headers for a in made), 1)
            for answer in twins:
                if answer.status != 201:
                    self.problem(answer, 409, "idempotency_in_progress")
        self.assertEqual(self.it.value("SELECT count(*) FROM scheduled_call "
                                       "WHERE external_id LIKE 'fault-%'"), "5")


if __name__ == "__main__":
    unittest.main()
