"""What was sent and what is owed, over HTTP, against a real sender and a real receiver: the log of
deliveries, replays, the pull log of events, retention."""
import collections
import json
import threading
import unittest

import belfry
from api_case import to_uuid, type_id
from api_webhook_case import DELIVERY, WebhookCase

BATCH = 2000  # of a bulk replay, services/api-gateway/delivery_replay.c
SCAN = 10000  # of a page of the pull log, services/api-gateway/events.c


class Deliveries(WebhookCase):
    # --- the log -------------------------------------------------------------------------------

    def test_the_log_has_every_attempt(self):
        answers = [500, (429, {"Retry-After": "1"}), 200]
        self.receiver.respond = lambda hook: answers[hook.attempt - 1]
        end = self.endpoint()
        self.publish()
        row, = self.wait_log(end, "delivered", 1)
        self.assertEqual(list(row), DELIVERY)
        self.assertEqual((row["attempts"], row["last_status_code"], row["generation"],
                          row["replayed_as"]), (3, 200, 1, None))
        one = self.api.get("/v1/deliveries/" + row["id"])
        log = one.pop("attempt_log")
        self.assertEqual(one, row)
        self.assertEqual([(a["number"], a["result"], a["status_code"]) for a in log],
                         [(1, "http_error", 500), (2, "http_error", 429), (3, "delivered", 200)])
        self.assertEqual([list(a) for a in log], [["number", "started_at", "result", "status_code",
                                                   "duration_ms", "excerpt"]] * 3)
        self.assertEqual(sorted(a["started_at"] for a in log), [a["started_at"] for a in log])
        for method, path in (("GET", ""), ("POST", "/replay")):
            for other in (type_id("dlv"), "dlv_x"):
                answer = self.api.request(method, f"/v1/deliveries/{other}{path}")
                self.problem(answer, 404, "not_found")
            answer = self.two.api.request(method, f"/v1/deliveries/{row['id']}{path}")
            self.problem(answer, 404, "not_found")

    def test_a_backlog_is_listed_page_by_page_and_found_one_by_one(self):
        end = self.gated("campaign.paused", "campaign.completed")
        other = self.gated()
        for n in range(30):
            self.publish(n % 3 * 100 + 1, ("campaign.completed", "campaign.paused")[n % 2])
            self.publish(1, "webhook_endpoint.disabled")  # for the other one only
        owed = [int(row[0]) for row in self.it.psql(
            f"SELECT sequence FROM event WHERE workspace_id = '{self.ws}' AND type <> "
            "'webhook_endpoint.disabled' ORDER BY sequence DESC")]
        # Some were tried, and some ended, here and there.
        tried, ended = set(owed[5:3000:7]), set(owed[2:3000:11])
        tried -= ended
        of_it = f"FROM delivery_owed WHERE endpoint_id = '{to_uuid(end['id'])}' AND sequence IN "
        self.it.psql(f"""
            INSERT INTO delivery SELECT workspace_id, endpoint_id, id, sequence, event_type, 1,
                created_at, now() + interval '1 hour', 1 {of_it} ({','.join(map(str, tried))});
            INSERT INTO delivery_done SELECT workspace_id, endpoint_id, id, sequence, event_type, 1,
                created_at, now(), 'delivered', NULL, 1 {of_it} ({','.join(map(str, ended))})""")
        path = self.path(end, "deliveries")
        for limit in (7, 100):
            listed = list(self.api.pages(path, limit=limit))
            self.assertEqual([d["sequence"] for d in listed], owed)
            self.assertEqual(sorted((d["id"] for d in listed), reverse=True), [d["id"] for d in listed])
            self.assertEqual({d["sequence"] for d in listed if d["status"] == "delivered"}, ended)
            self.assertEqual({d["sequence"] for d in listed if d["attempts"] == 0}, set(owed) - tried - ended)
        pending = list(self.api.pages(path + "?status=pending", limit=100))
        self.assertEqual(pending, [d for d in listed if d["status"] == "pending"])
        self.assertEqual(len(list(self.api.pages(self.path(other, "deliveries"), limit=100))),
                         len(owed) + 30)
        for row in listed[::211] + listed[-1:]:
            one = self.api.get("/v1/deliveries/" + row["id"])
            one.pop("attempt_log")
            self.assertEqual(one, row)
            self.assertEqual(self.two.api.request("GET", f"/v1/deliveries/{row['id']}").status, 404)
            if row["status"] == "pending":
                body = self.problem(self.api.request("POST", f"/v1/deliveries/{row['id']}/replay"), 409,
                                    "invalid_state_transition")
                self.assertEqual(body["current_status"], "pending")

    def test_a_delivery_is_replayed_right_after_it_was_delivered(self):
        end = self.endpoint()
        self.publish(50)
        hooks = self.wait_hooks(50) or self.receiver.hooks
        rows = self.wait_log(end, "delivered", 50)
        self.assertEqual({h.headers["belfry-delivery"] for h in hooks}, {d["id"] for d in rows})
        for row in rows[::10]:
            again = self.api.post(f"/v1/deliveries/{row['id']}/replay")
            self.assertEqual((again["generation"], again["sequence"]), (2, row["sequence"]))
        self.publish(50)
        self.wait_log(end, "delivered", 105)
        times = collections.Counter(h.id for h in self.receiver.hooks)
        self.assertEqual(collections.Counter(times.values()), {1: 95, 2: 5})
        self.assertEqual({n for n, count in times.items() if count == 2},
                         {row["event_id"] for row in rows[::10]})

    # --- replays -------------------------------------------------------------------------------

    def test_a_replay_is_a_new_generation_of_the_same_bytes(self):
        self.status = 500
        end = self.endpoint()
        self.publish()
        dead, = self.wait_log(end, "dead_letter", 1)
        self.assertEqual((dead["attempts"], len(self.receiver.hooks)), (6, 6))
        path = f"/v1/deliveries/{dead['id']}/replay"
        held = threading.Event()
        self.addCleanup(held.set)
        self.receiver.respond = lambda hook: (held.wait(10), self.status)[1]
        second = self.api.request("POST", path)
        self.assertEqual(second.status, 202)
        self.assertEqual(list(second.json), DELIVERY)
        self.assertEqual((second.json["status"], second.json["generation"], second.json["attempts"],
                          second.json["event_id"], second.json["sequence"]),
                         ("pending", 2, 0, dead["event_id"], dead["sequence"]))
        body = self.problem(self.api.request("POST", path), 409, "invalid_state_transition")
        self.assertEqual(body["current_status"], "pending")
        held.set()
        self.wait_log(end, "dead_letter", 2)
        self.assertEqual(len(self.receiver.hooks), 12)
        self.status = 200
        third = self.same(path).json  # of the newest, whichever is named
        self.assertEqual(third["generation"], 3)
        done, = self.wait_log(end, "delivered", 1)
        self.assertEqual((done["id"], done["attempts"]), (third["id"], 1))
        log = {d["id"]: d["replayed_as"] for d in self.api.get(self.path(end, "deliveries"))["data"]}
        self.assertEqual(log, {dead["id"]: second.json["id"], second.json["id"]: third["id"],
                               third["id"]: None})
        hooks = self.receiver.hooks
        self.assertEqual([h.attempt for h in hooks], [1, 2, 3, 4, 5, 6] * 2 + [1])
        self.assertEqual({h.id for h in hooks}, {dead["event_id"]})
        self.assertEqual(len({h.body for h in hooks}), 1)
        self.assertEqual(len({h.headers["belfry-delivery"] for h in hooks}), 3)
        self.assertEqual(self.receiver.unsigned(), [])

    def test_what_cannot_be_replayed(self):
        end = self.endpoint()
        self.dead(2)
        first, second = self.api.get(self.path(end, "deliveries"))["data"]
        self.it.psql(f"DELETE FROM event WHERE workspace_id = '{self.ws}' AND sequence = "
                     f"{first['sequence']}")
        answer = self.api.request("POST", f"/v1/deliveries/{first['id']}/replay")
        self.problem(answer, 409, "invalid_state_transition")
        self.assertEqual(self.api.post(self.path(end, "replay"), {"since": first["created_at"]}),
                         {"replayed": 1})
        self.wait_hooks(1)
        self.api.post(self.path(end, "disable"))
        for path, body in ((f"/v1/deliveries/{second['id']}/replay", None),
                           (self.path(end, "replay"), {"since": first["created_at"]})):
            self.problem(self.api.request("POST", path, body), 409, "invalid_state_transition")
        for body, pointers in (({}, ["/since"]), ({"since": "yesterday"}, ["/since"]),
                               ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-02T00:00:00Z"},
                                ["/until"]),
                               ({"since": "2026-01-02T00:00:00Z", "status": "pending", "x": 1},
                                ["/status", "/x"])):
            self.problem(self.api.request("POST", self.path(end, "replay"), body), 422,
                         "validation_error", *pointers)
        answer = self.api.request("POST", self.path(end, "replay"),
                                  {"since": "2026-01-02T00:00:00Z", "types": ["*"]})
        self.problem(answer, 422, "unknown_event_type", "/types/0")

    def test_a_replay_of_three_batches_sends_each_once(self):
        end = self.endpoint()
        count = 3 * BATCH + 7
        self.dead(count)
        span = {"since": "2026-01-01T00:00:00Z", "status": "dead_letter"}
        # Two at once, and a third when both are done.
        clients, answers = [self.client(self.api.key) for _ in range(2)], []
        threads = [threading.Thread(target=lambda c: answers.append(
            c.post(self.path(end, "replay"), span)["replayed"]), args=(c,)) for c in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sum(answers), count)
        self.wait_hooks(count, 60)
        belfry.wait_until(lambda: self.it.value("SELECT count(*) FROM delivery WHERE workspace_id = "
                                                f"'{self.ws}'") == "0", 30, "their records")
        self.assertEqual(self.api.post(self.path(end, "replay"), span), {"replayed": 0})
        hooks = list(self.receiver.hooks)
        self.assertEqual(sorted(h.json["sequence"] for h in hooks), list(range(1, count + 1)))
        self.assertEqual(len({h.id for h in hooks}), count)
        self.assertEqual(self.receiver.unsigned(), [])
        self.assertEqual(self.it.psql(
            "SELECT generation, status, replayed_as IS NULL, count(*) FROM delivery_done WHERE "
            f"workspace_id = '{self.ws}' GROUP BY 1, 2, 3 ORDER BY 1"),
            [["1", "dead_letter", "f", str(count)], ["2", "delivered", "t", str(count)]])

    def test_a_replay_picks_by_time_type_and_status(self):
        end = self.endpoint()
        self.dead(2)
        self.dead(3, "campaign.paused")
        self.publish()
        self.wait_log(end, "delivered", 1)
        self.it.psql("UPDATE delivery_done SET created_at = created_at - interval '1 hour', "
                     "id = uuid7(created_at - interval '1 hour', sequence) WHERE "
                     f"workspace_id = '{self.ws}' AND sequence = 1")
        middle, path = "2000-01-01T00:00:00Z", self.path(end, "replay")
        created = [d["created_at"] for d in self.api.get(self.path(end, "deliveries"))["data"]]
        oldest, newer = min(created), sorted(created)[1]
        for body, count in (({"since": middle, "until": oldest}, 0),
                            ({"since": middle, "types": ["scheduled_call.failed"]}, 0),
                            ({"since": newer, "types": ["campaign.completed"],
                              "status": "dead_letter"}, 1),
                            ({"since": middle, "until": newer}, 1),
                            ({"since": middle, "status": "dead_letter"}, 3)):
            self.assertEqual(self.same(path, body).json, {"replayed": count}, body)
        self.wait_hooks(6)
        times = collections.Counter(h.json["sequence"] for h in self.receiver.hooks)
        self.assertEqual(times, {n: 1 for n in range(1, 7)})
        # All that is delivered, once more: the newest generation of each.
        self.wait_log(end, "delivered", 6)
        self.assertEqual(self.api.post(path, {"since": middle}), {"replayed": 6})

    # --- the pull log --------------------------------------------------------------------------

    def test_the_pull_log_has_the_bytes_that_were_sent(self):
        self.endpoint()
        self.publish(3)
        self.publish(2, "campaign.paused")
        self.wait_hooks(5)
        sent = {h.json["sequence"]: h.body for h in self.receiver.hooks}
        text = self.api.request("GET", "/v1/events").body
        self.assertEqual([e["sequence"] for e in json.loads(text)["data"]], [1, 2, 3, 4, 5])
        self.assertEqual(text, b'{"data":[' + b",".join(sent[n] for n in sorted(sent)) +
                         b'],"next_cursor":null,"has_more":false}')
        for query, expected in (("after=3", [4, 5]), ("after=5", []), ("after=0&limit=2", [1, 2]),
                                ("types=campaign.paused", [4, 5]),
                                ("types=campaign.paused,campaign.completed&after=2", [3, 4, 5]),
                                ("types=conversation.completed", [])):
            page = self.api.get("/v1/events?" + query)
            self.assertEqual([e["sequence"] for e in page["data"]], expected, query)
        self.assertEqual(self.two.api.get("/v1/events")["data"], [])

    def test_the_pull_logs_cursors(self):
        self.publish(7)
        self.assertEqual([e["sequence"] for e in self.api.pages("/v1/events?after=1", limit=2)],
                         [2, 3, 4, 5, 6, 7])
        page = self.api.get("/v1/events?after=1&limit=6")
        self.assertEqual((page["has_more"], page["next_cursor"]), (False, None))
        cursor = self.api.get("/v1/events?after=1&limit=2")["next_cursor"]
        for query in ("", "after=2&", "after=1&types=campaign.paused&"):
            answer = self.api.request("GET", f"/v1/events?{query}cursor={cursor}")
            self.problem(answer, 400, "cursor_mismatch")
        many = ",".join(["campaign.paused"] * 33)
        for query, name in (("after=-1", "after"), ("after=x", "after"), (f"types={many}", "types"),
                            ("limit=0", "limit"), ("type=x", "type")):
            self.problem(self.api.request("GET", "/v1/events?" + query), 422, "validation_error",
                         name)
        for types in ("x", "", "campaign.paused,", "campaign.paused,*"):
            self.problem(self.api.request("GET", "/v1/events?types=" + types), 422,
                         "unknown_event_type", "types")
        answer = self.api.request("GET", "/v1/events?types=x&after=-1")
        self.problem(answer, 422, "validation_error", "types", "after")

    def test_a_rare_type_far_away_is_found_page_by_page(self):
        self.publish(SCAN + 5)
        self.publish(1, "campaign.paused")
        page = self.api.get("/v1/events?types=campaign.paused")
        self.assertEqual((page["data"], page["has_more"]), ([], True))
        found = list(self.api.pages("/v1/events?types=campaign.paused"))
        self.assertEqual([e["sequence"] for e in found], [SCAN + 6])

    # --- retention -----------------------------------------------------------------------------

    def test_what_is_old_goes_and_what_is_not_stays(self):
        """Of a time whose partition is gone, or never was: row by row (test_history has the partitions)."""
        self.status = 500
        end = self.endpoint()
        self.publish(2, kind="campaign.paused")
        self.wait_log(end, "dead_letter", 2)
        self.dead(1500)
        self.same(self.path(end, "disable"))
        ago = "interval '3601 seconds'"
        self.it.psql(f"""
            UPDATE event SET at = at - {ago}, id = uuid7(at - {ago}, sequence) WHERE workspace_id =
                '{self.ws}' AND sequence > 1;
            UPDATE idempotency SET created_at = now() - interval '24 hours 1 second'
                WHERE workspace_id = '{self.ws}';
            WITH old AS (DELETE FROM delivery_done WHERE workspace_id = '{self.ws}' AND sequence > 1
                RETURNING *), moved AS (SELECT old.*, uuid7(now() - {ago}, sequence) AS new_id FROM old),
            attempts AS (UPDATE delivery_attempt a SET delivery_id = m.new_id FROM moved m
                WHERE a.workspace_id = m.workspace_id AND a.delivery_id = m.id)
            INSERT INTO delivery_done (workspace_id, endpoint_id, id, sequence, event_type, generation,
                created_at, ended_at, status, reason, attempts)
            SELECT workspace_id, endpoint_id, new_id, sequence, event_type, generation,
                created_at - {ago}, ended_at - {ago}, status, reason, attempts FROM moved""")

        def left():
            return self.it.psql(
                f"SELECT (SELECT count(*) FROM event WHERE workspace_id = '{self.ws}'), "
                f"(SELECT count(*) FROM delivery_done WHERE workspace_id = '{self.ws}'), "
                f"(SELECT count(*) FROM delivery_attempt WHERE workspace_id = '{self.ws}'), "
                f"(SELECT count(*) FROM idempotency WHERE workspace_id = '{self.ws}')")

        belfry.wait_until(lambda: left() == [["1", "1", "5", "0"]], 20, lambda: f"rows go: {left()}")
        self.assertEqual([e["sequence"] for e in self.api.get("/v1/events")["data"]], [1])
        row, = self.api.get(self.path(end, "deliveries"))["data"]
        self.assertEqual(row["sequence"], 1)

    def test_what_is_owed_stays_however_old(self):
        """Events that a range owes, and the records of those it does not owe any more: who reads the
        range again tells by them what was sent."""
        self.publish(2)
        end = self.gated()
        self.publish(5)
        ended = f"""INSERT INTO delivery_done SELECT workspace_id, endpoint_id, id, sequence, event_type, 1,
            created_at, now() - interval '2 hours', 'delivered', NULL, 1 FROM delivery_owed
            WHERE endpoint_id = '{to_uuid(end['id'])}' AND sequence IN (4, 5)"""
        self.it.psql(f"""
            UPDATE event SET at = at - interval '2 hours', id = uuid7(at - interval '2 hours', sequence)
                WHERE workspace_id = '{self.ws}';
            UPDATE delivery_range SET created_at = created_at - interval '2 hours'
                WHERE workspace_id = '{self.ws}'; {ended}""")

        def left():
            return [[row[0] for row in self.it.psql(
                f"SELECT sequence FROM {table} WHERE workspace_id = '{self.ws}' ORDER BY 1")]
                    for table in ("event", "delivery_done")]

        belfry.wait_until(lambda: left()[0] == list("34567"), 20, lambda: f"old rows go: {left()}")
        # Another whole round of it, which ends with the stored answers.
        self.it.psql("INSERT INTO idempotency (workspace_id, key, request_hash, status, body, created_at) "
                     f"VALUES ('{self.ws}', 'old', '', 200, '', now() - interval '25 hours')")
        belfry.wait_until(lambda: self.it.value("SELECT count(*) FROM idempotency WHERE workspace_id = "
                                                f"'{self.ws}' AND key = 'old'") == "0", 20, "a round")
        self.assertEqual(left(), [list("34567"), list("45")])
        self.assertEqual([d["sequence"] for d in self.api.pages(self.path(end, "deliveries"))],
                         [7, 6, 5, 4, 3])
        self.it.psql(f"DELETE FROM delivery_range WHERE workspace_id = '{self.ws}'")
        belfry.wait_until(lambda: left() == [[], []], 20, lambda: f"all goes: {left()}")


if __name__ == "__main__":
    unittest.main()
