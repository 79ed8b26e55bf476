"""Ad hoc calls: at once and at an instant, once for each Idempotency-Key, cancelled unless claimed,
retried, paced, and told about."""
import collections
import threading
import time
import unittest
import uuid

import belfry
import judge
from api_case import ApiCase, Session, Tenant, to_uuid, type_id

DEADLINE_S = 300
PATH = "/v1/scheduled-calls"
QUICK = {"rules": [{"on": ["busy", "no_answer", "agent_unavailable"], "delay_s": 0.4}],
         "jitter_pct": 0}
SLOW = {"rules": [{"on": ["busy"], "delay_s": 3}], "jitter_pct": 0}


def key(value=None):
    return {"Idempotency-Key": value or str(uuid.uuid4())}


def instant(at_us):
    """An API time, whole milliseconds."""
    ms = at_us // 1000
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03d}Z"


# --- what is asked and answered ----------------------------------------------------------------


class RulesTest(ApiCase):
    """Nothing moves by itself here: no scheduler, no dispatcher."""

    def setUp(self):
        self.api = self.one.api

    def body(self, **fields):
        return {"to_number": "+14155550123", "from_number": self.one.e164,
                "agent_id": self.one.agent, **fields}

    def made(self, headers=None, **fields):
        answer = self.api.request("POST", PATH, self.body(**fields), headers or key())
        self.assertEqual(answer.status, 201, answer)
        return answer

    def test_the_answer_is_the_call_as_get_shows_it(self):
        answer = self.made(variables={"name": "Ada", "a": [1, {"b": None}]}, external_id="crm-7",
                           max_attempts=3, retry_policy=QUICK)
        call = answer.json
        self.assertEqual(answer.headers["Location"], f"{PATH}/{call['id']}")
        self.assertEqual(self.api.get(f"{PATH}/{call['id']}"), call)
        shown = {name: call[name] for name in ("campaign_id", "target_id", "status", "outcome",
                                               "attempts", "conversation_id", "conversation")}
        self.assertEqual(shown, {"campaign_id": None, "target_id": None, "status": "scheduled",
                                 "outcome": None, "attempts": [], "conversation_id": None,
                                 "conversation": None})
        self.assertEqual((call["variables"], call["external_id"]),
                         ({"name": "Ada", "a": [1, {"b": None}]}, "crm-7"))
        self.assertEqual(call["next_attempt_at"], call["scheduled_at"])
        kept = self.it.psql("SELECT max_attempts, retry_policy->'jitter_pct', catch_up_s IS NULL, "
                            f"due_at = scheduled_at FROM scheduled_call WHERE id = "
                            f"'{to_uuid(call['id'])}'")
        self.assertEqual(kept, [["3", "0", "t", "t"]])

    def test_what_is_left_out_has_its_default(self):
        call = self.made(scheduled_at=None, variables=None, external_id=None,
                         retry_policy=None).json
        self.assertEqual((call["variables"], call["external_id"]), ({}, None))
        self.assertLess(abs(belfry.parse_time_us(call["scheduled_at"]) - belfry.now_us()), 5000000)
        row = self.it.psql("SELECT max_attempts, retry_policy IS NULL FROM scheduled_call WHERE id = "
                           f"'{to_uuid(call['id'])}'")
        self.assertEqual(row, [["1", "t"]])

    def test_an_instant_is_kept_and_never_moved_forward(self):
        at = belfry.now_us() // 1000000 * 1000000 + 3600 * 1000000
        given = instant(at)[:-1]
        for text, wanted in ((given + "Z", at), (given + "1Z", at + 1000),
                             (given[:-4] + "+00:00", at)):
            call = self.made(scheduled_at=text).json
            self.assertEqual(belfry.parse_time_us(call["scheduled_at"]), wanted, text)
            self.assertEqual(self.api.get(f"{PATH}/{call['id']}"), call)
            self.assertEqual(self.it.value("SELECT catch_up_s FROM scheduled_call WHERE id = "
                                           f"'{to_uuid(call['id'])}'"), "300")

    def test_a_clock_that_is_a_little_behind_means_now(self):
        call = self.made(scheduled_at=instant(belfry.now_us() - 30000000)).json
        self.assertLess(abs(belfry.parse_time_us(call["scheduled_at"]) - belfry.now_us()), 5000000)
        self.assertEqual(self.it.value("SELECT catch_up_s IS NULL FROM scheduled_call WHERE id = "
                                       f"'{to_uuid(call['id'])}'"), "t")

    def test_refused_instants(self):
        now = belfry.now_us()
        for at, word in ((now - 120000000, "past"), (now + 370 * 86400 * 1000000, "year")):
            body = self.problem(self.api.request("POST", PATH, self.body(scheduled_at=instant(at)),
                                                 key()), 422, "validation_error", "/scheduled_at")
            self.assertIn(word, body["detail"])
        self.made(scheduled_at=instant(now + 364 * 86400 * 1000000))
        for at in ("tomorrow", "2031-02-30T00:00:00Z", "2031-01-01T00:00:00", 7, ""):
            self.problem(self.api.request("POST", PATH, self.body(scheduled_at=at), key()), 422,
                         "validation_error", "/scheduled_at")

    def test_all_faults_at_once(self):
        answer = self.api.request("POST", PATH, {
            "to_number": "123", "agent_id": "agt_x", "scheduled_at": "soon", "max_attempts": 11,
            "retry_policy": {"rules": [{"on": ["invalid_number"], "delay_s": 1}]},
            "variables": [], "external_id": "x" * 256, "campaign_id": "cmp_x"}, key())
        self.problem(answer, 422, "validation_error", "/to_number", "/from_number", "/agent_id",
                     "/scheduled_at", "/max_attempts", "/retry_policy/rules/0/on", "/variables",
                     "/external_id", "/campaign_id")
        answer = self.api.request("POST", PATH, self.body(to_number="0049301234"), key())
        self.problem(answer, 422, "invalid_e164", "/to_number")
        for attempts in (0, -1, 1.5, "2"):
            self.problem(self.api.request("POST", PATH, self.body(max_attempts=attempts), key()), 422,
                         "validation_error", "/max_attempts")
        self.problem(self.api.request("POST", PATH, self.body(variables={"x": "y" * 20000}), key()),
                     422, "validation_error", "/variables")

    def test_agent_and_number_are_the_workspaces_own(self):
        for agent in (type_id("agt"), self.two.agent):
            self.problem(self.api.request("POST", PATH, self.body(agent_id=agent), key()), 404,
                         "not_found", "/agent_id")
        for number in ("+15550009999", self.two.e164):
            self.problem(self.api.request("POST", PATH, self.body(from_number=number), key()), 403,
                         "number_not_owned", "/from_number")

    def test_an_open_call_holds_its_agent_and_number(self):
        tenant = Tenant(self, self.fresh_number())
        call = tenant.api.post(PATH, {"to_number": "+14155550123", "from_number": tenant.e164,
                                      "agent_id": tenant.agent}, key())
        paths = (f"/v1/agents/{tenant.agent}", f"/v1/numbers/{tenant.number}")
        for path in paths:
            self.assertEqual(tenant.api.request("DELETE", path).status, 409)
        tenant.api.post(f"{PATH}/{call['id']}/cancel")
        for path in paths:
            self.assertEqual(tenant.api.request("DELETE", path).status, 204)

    def test_scopes(self):
        for scopes, may in (("control", True), ("read,write,admin,operator", False)):
            api = self.client(self.key(self.one.workspace, scopes))
            answer = api.request("POST", PATH, self.body(), key())
            self.assertEqual(answer.status, 201 if may else 403, answer)
            cancel = api.request("POST", f"{PATH}/{self.made().json['id']}/cancel")
            self.assertEqual(cancel.status, 200 if may else 403, cancel)

    # --- the key

    def test_the_key_is_required(self):
        self.problem(self.api.request("POST", PATH, self.body()), 400, "idempotency_key_required")
        for bad in ("x" * 256, "caf\u00e9".encode().decode("latin-1")):
            self.problem(self.api.request("POST", PATH, self.body(), key(bad)), 400,
                         "malformed_request")
        self.made(key("~" * 255))

    def test_a_repetition_gets_the_stored_answer(self):
        headers = key()
        first = self.made(headers, variables={"b": 1, "a": 2})
        again = self.api.request("POST", PATH, self.body(variables={"b": 1, "a": 2}), headers)
        self.assertEqual((again.status, again.body), (201, first.body))
        self.assertEqual(again.headers["Idempotent-Replayed"], "true")
        self.assertEqual(again.headers["Location"], first.headers["Location"])
        self.assertIsNone(first.headers["Idempotent-Replayed"])
        # also after it was cancelled: the answer is the one that was given
        self.api.post(f"{PATH}/{first.json['id']}/cancel")
        again = self.api.request("POST", PATH, self.body(variables={"b": 1, "a": 2}), headers)
        self.assertEqual((again.status, again.body), (201, first.body))
        self.problem(self.api.request("POST", PATH, self.body(), headers), 422,
                     "idempotency_key_reused")
        # another workspace's key is another key
        other = self.two.api.request("POST", PATH, {
            "to_number": "+14155550123", "from_number": self.two.e164, "agent_id": self.two.agent},
            headers)
        self.assertEqual(other.status, 201, other)
        self.assertNotEqual(other.json["id"], first.json["id"])

    def test_what_failed_is_not_stored(self):
        headers = key()
        self.assertEqual(self.api.request("POST", PATH, self.body(agent_id=type_id("agt")),
                                          headers).status, 404)
        self.made(headers)

    def test_while_one_is_in_flight_another_is_told_so(self):
        headers = key()
        session = Session(self.it)
        try:
            # what the gateway's guard takes for the key
            session.run("BEGIN")
            session.run("SELECT pg_advisory_xact_lock(hashtextextended("
                        f"'{to_uuid(self.one.workspace)}' || '{headers['Idempotency-Key']}', 7))")
            self.problem(self.api.request("POST", PATH, self.body(), headers), 409,
                         "idempotency_in_progress")
            session.run("COMMIT")
        finally:
            session.close()
        self.made(headers)

    # --- lists

    def test_lists_by_each_filter(self):
        tenant = Tenant(self, self.fresh_number())
        base = belfry.now_us() // 1000000 * 1000000 + 7200 * 1000000
        ids = [tenant.api.post(PATH, {
            "to_number": f"+1415555{n:04d}", "from_number": tenant.e164, "agent_id": tenant.agent,
            "scheduled_at": instant(base + n * 60000000)}, key())["id"] for n in range(5)]
        tenant.api.post(f"{PATH}/{ids[1]}/cancel")

        def listed(query):
            return [call["id"] for call in tenant.api.pages(PATH + query, limit=2)]

        newest = ids[::-1]
        self.assertEqual(listed(""), newest)
        self.assertEqual(listed("?status=cancelled"), [ids[1]])
        self.assertEqual(listed("?status=scheduled"), [one for one in newest if one != ids[1]])
        self.assertEqual(listed("?to_number=%2B14155550003"), [ids[3]])
        self.assertEqual(listed(f"?from={instant(base + 60000000)}&until={instant(base + 180000000)}"),
                         [ids[2], ids[1]])
        self.assertEqual(listed(f"?from={instant(base + 240000000)}"), [ids[4]])
        self.assertEqual(listed(f"?campaign_id={tenant.campaign()['id']}"), [])
        for query in ("?status=open", "?to_number=1", "?from=now", "?until=1", "?campaign_id=x",
                      "?outcome=busy"):
            self.assertEqual(tenant.api.request("GET", PATH + query).status, 422, query)
        self.assertEqual(self.two.api.request("GET", f"{PATH}/{ids[0]}").status, 404)

    # --- cancel

    def test_cancel_answers_the_cancelled_call_and_so_does_its_repetition(self):
        call = self.made(scheduled_at=instant(belfry.now_us() + 3600000000)).json
        path = f"{PATH}/{call['id']}"
        first = self.api.request("POST", path + "/cancel")
        self.assertEqual(first.status, 200, first)
        self.assertEqual({**call, "status": "cancelled", "outcome": "cancelled",
                          "next_attempt_at": None, "updated_at": first.json["updated_at"]},
                         first.json)
        self.assertEqual(self.api.get(path), first.json)
        self.assertEqual(self.api.request("POST", path + "/cancel").body, first.body)
        events = self.it.psql("SELECT type, end_reason, campaign_id IS NULL FROM event WHERE call_id = "
                              f"'{to_uuid(call['id'])}' AND type <> 'scheduled_call.created'")
        self.assertEqual(events, [["scheduled_call.cancelled", "requested", "t"]])

    def test_cancel_under_a_key(self):
        path = f"{PATH}/{self.made().json['id']}/cancel"
        headers = key()
        first = self.api.request("POST", path, headers=headers)
        again = self.api.request("POST", path, headers=headers)
        self.assertEqual((first.status, again.status, again.body), (200, 200, first.body))
        self.assertEqual((first.headers["Idempotent-Replayed"], again.headers["Idempotent-Replayed"]),
                         (None, "true"))
        other = f"{PATH}/{self.made().json['id']}/cancel"
        self.problem(self.api.request("POST", other, headers=headers), 422,
                     "idempotency_key_reused")

    def test_cancel_is_refused_for_what_was_claimed_or_is_over(self):
        headers = key()
        for status in ("dialing", "dispatched", "failed"):
            call = self.made().json
            self.it.psql(f"UPDATE scheduled_call SET status = '{status}' "
                         f"WHERE id = '{to_uuid(call['id'])}'")
            path = f"{PATH}/{call['id']}/cancel"
            for sent in ({}, headers):
                body = self.problem(self.api.request("POST", path, headers=sent), 409,
                                    "invalid_state_transition")
                self.assertEqual((body["current_status"], body["allowed"]), (status, []))
        self.it.psql("INSERT INTO scheduled_call_done SELECT * FROM scheduled_call "
                     f"WHERE id = '{to_uuid(call['id'])}'; DELETE FROM scheduled_call "
                     f"WHERE id = '{to_uuid(call['id'])}'")
        self.problem(self.api.request("POST", path), 409, "invalid_state_transition")

    def test_cancel_of_a_call_that_was_archived_cancelled(self):
        call = self.made().json
        path = f"{PATH}/{call['id']}/cancel"
        first = self.api.post(path)
        self.it.psql("INSERT INTO scheduled_call_done SELECT * FROM scheduled_call "
                     f"WHERE id = '{to_uuid(call['id'])}'; DELETE FROM scheduled_call "
                     f"WHERE id = '{to_uuid(call['id'])}'")
        self.assertEqual(self.api.post(path), first)

    def test_cancel_of_what_is_not_there(self):
        foreign = self.made().json["id"]
        for call, api in ((type_id("call"), self.api), ("call_x", self.api),
                          (foreign, self.two.api)):
            self.problem(api.request("POST", f"{PATH}/{call}/cancel"), 404, "not_found")
        self.assertEqual(self.api.get(f"{PATH}/{foreign}")["status"], "scheduled")
        self.problem(self.api.request("POST", f"{PATH}/{foreign}/cancel", {"why": "x"}), 422,
                     "validation_error", "/why")

    def test_cancel_waits_for_a_claim_and_is_then_refused(self):
        """The claim's transaction is under way: it was first."""
        call = self.made().json
        session = Session(self.it)
        answers = []
        try:
            session.run("BEGIN")
            session.run("UPDATE scheduled_call SET status = 'dialing' "
                        f"WHERE id = '{to_uuid(call['id'])}'")
            api = self.client(self.key(self.one.workspace))
            thread = threading.Thread(target=lambda: answers.append(
                api.request("POST", f"{PATH}/{call['id']}/cancel")))
            thread.start()
            belfry.wait_until(lambda: self.it.value(
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == "1", 10,
                "the cancel waits")
            session.run("COMMIT")
            thread.join(timeout=10)
        finally:
            session.close()
        self.problem(answers[0], 409, "invalid_state_transition")


# --- what is dialed ----------------------------------------------------------------------------


class AdHocTest(belfry.TestCase):
    def up(self, **options):
        self.shared = self.stack(**{"dispatchers": 2, "settings": {"SIM_RING_MS": 50,
                                                                   "SIM_TALK_MS": 200}, **options})
        return self.shared

    def call(self, to_number, **fields):
        stack = self.shared
        return stack.api.post(PATH, {"to_number": to_number, "from_number": belfry.FROM_NUMBER,
                                     "agent_id": stack.agent_id, **fields}, key())

    def get(self, call):
        return self.shared.api.get(f"{PATH}/{call['id']}")

    def wait_status(self, calls, statuses, deadline_s=20):
        """The calls, once all have one of the statuses."""
        seen = {}

        def reached():
            for call in calls:
                if seen.get(call["id"], {}).get("status") not in statuses:
                    seen[call["id"]] = self.get(call)
            return all(call["status"] in statuses for call in seen.values())

        belfry.wait_until(reached, deadline_s, lambda: f"{statuses}: {list(seen.values())[:3]}")
        return [seen[call["id"]] for call in calls]

    def dials(self, calls):
        ids = {call["id"] for call in calls}
        return [dial for dial in self.shared.ledger().dials() if dial["call"] in ids]

    def planned(self, calls):
        return {call["id"]: belfry.parse_time_us(call["scheduled_at"]) for call in calls}

    def test_a_calls_whole_life(self):
        stack = self.up()
        receiver = self.receiver()
        stack.endpoint(receiver)
        with self.subTest("now"):
            self.check_now(receiver)
        with self.subTest("at an instant"):
            self.check_instants()
        with self.subTest("retries"):
            self.check_retries()
        with self.subTest("a retry that waits is cancelled"):
            self.check_cancel_of_a_retry(receiver)
        with self.subTest("bulk"):
            self.check_cancel_of_a_targets_call(receiver)
        with self.subTest("recurring"):
            self.check_cancel_of_an_occurrence(receiver)
        with self.subTest("configuration"):
            self.check_config_error(receiver)
        self.assertEqual(receiver.unsigned(), [])

    def check_now(self, receiver):
        began_us = belfry.now_us()
        call = self.call("+14155551000", variables={"name": "Ada"}, external_id="crm-1")
        self.wait_status([call], ("dispatched",))
        dials = self.dials([call])
        self.assertEqual(len(dials), 1)
        self.assertIsNone(dials[0]["campaign"])
        self.assertEqual((dials[0]["to"], dials[0]["from"], dials[0]["attempt"]),
                         ("+14155551000", belfry.FROM_NUMBER, 1))
        judge.i6_never_early(dials, self.planned([call]))
        # far below the feeder's and the sweeper's turns: the gateway appended it
        self.assertLess(dials[0]["t_us"] - began_us, 1000000)
        belfry.wait_until(lambda: self.get(call)["conversation"]["status"] == "completed", 10,
                          "the conversation's end")
        shown = self.get(call)
        self.assertEqual([(a["number"], a["outcome"]) for a in shown["attempts"]], [(1, "answered")])
        self.assertEqual(shown["conversation"]["id"], shown["conversation_id"])
        self.assertEqual((shown["outcome"], shown["next_attempt_at"]), ("answered", None))
        wanted = ["scheduled_call.created", "scheduled_call.dispatched", "conversation.completed"]
        events = self.events(receiver, call, 3)
        self.assertEqual([event["type"] for event in events], wanted)
        for event in events:
            data = event["data"]
            self.assertEqual((data["campaign"], data["target"]), (None, None))
            self.assertEqual(data["scheduled_call"]["external_id"], "crm-1")
            self.assertEqual(data["scheduled_call"]["variables"], {"name": "Ada"})
            self.assertNotIn("reason", data["scheduled_call"])

    def events(self, receiver, call, count):
        """The call's events in their order, once there are so many."""
        def found():
            return judge.unique_events([e for e in receiver.bodies() if e["data"].get(
                "scheduled_call", {}).get("id") == call["id"]])

        belfry.wait_until(lambda: len(found()) >= count, 20,
                          lambda: f"{count} events: {[e['type'] for e in found()]}")
        return sorted(found(), key=lambda event: event["sequence"])

    def check_instants(self):
        """Within the horizon of the feeder, at its edge and beyond it."""
        base = belfry.now_us() // 1000000 * 1000000
        calls = [self.call(number, scheduled_at=instant(base + after * 1000000))
                 for number, after in zip(belfry.numbers(12), (2, 2, 3, 9, 10, 10, 11, 11, 12, 12, 13,
                                                               14))]
        self.assertEqual({call["status"] for call in map(self.get, calls)}, {"scheduled"})
        self.wait_status(calls, ("dispatched",), 30)
        dials = self.dials(calls)
        self.assertEqual(len(dials), len(calls))
        planned = self.planned(calls)
        judge.i6_never_early(dials, planned)
        late = max(dial["t_us"] - planned[dial["call"]] for dial in dials)
        self.assertLess(late, 1000000)

    def check_retries(self):
        """number, policy, max_attempts: status, outcome, dials."""
        cases = ((("+14155550001", QUICK, 3), ("failed", "busy", 3)),
                 (("+14155560001", QUICK, 1), ("failed", "busy", 1)),
                 (("+14155550007", QUICK, 2), ("dispatched", "answered", 2)),
                 (("+14155550003", QUICK, 3), ("failed", "rejected", 1)),
                 (("+14155550004", QUICK, 3), ("failed", "invalid_number", 1)),
                 (("+14155550012", QUICK, 2), ("failed", "agent_unavailable", 2)),
                 (("+14155550011", None, 1), ("dispatched", "answered", 3)))
        calls = [self.call(number, retry_policy=policy, max_attempts=attempts)
                 for (number, policy, attempts), _ in cases]
        ended = self.wait_status(calls, ("dispatched", "failed"), 30)
        for (asked, wanted), call in zip(cases, ended):
            self.assertEqual((call["status"], call["outcome"], len(call["attempts"])), wanted, asked)
            self.assertEqual(len(self.dials([call])), wanted[2], asked)
        # without a rule an unavailable agent is tried once more, after two minutes
        call = self.call("+14155560012", max_attempts=5)
        belfry.wait_until(lambda: self.get(call)["outcome"] == "agent_unavailable", 10, "the outcome")
        shown = self.get(call)
        wait_us = (belfry.parse_time_us(shown["next_attempt_at"]) -
                   belfry.parse_time_us(shown["attempts"][0]["ended_at"]))
        self.assertEqual(shown["status"], "scheduled")
        self.assertLess(abs(wait_us - 120000000), 13000000)
        self.shared.api.post(f"{PATH}/{call['id']}/cancel")

    def check_cancel_of_a_retry(self, receiver):
        call = self.call("+14155570001", max_attempts=3, retry_policy=SLOW)
        belfry.wait_until(lambda: self.get(call)["outcome"] == "busy", 10, "the first attempt's end")
        done = self.shared.api.post(f"{PATH}/{call['id']}/cancel")
        at_us = belfry.parse_time_us(done["attempts"][0]["ended_at"]) + 4500000
        self.assertEqual((done["status"], done["outcome"], done["next_attempt_at"]),
                         ("cancelled", "cancelled", None))
        self.assertEqual([a["outcome"] for a in done["attempts"]], ["busy"])
        events = self.events(receiver, call, 2)
        self.assertEqual([e["type"] for e in events],
                         ["scheduled_call.created", "scheduled_call.cancelled"])
        self.assertEqual(events[1]["data"]["scheduled_call"]["reason"], "requested")
        belfry.wait_until(lambda: belfry.now_us() > at_us, 10, "the retry's instant has passed")
        self.assertEqual(len(self.dials([call])), 1)

    def check_cancel_of_a_targets_call(self, receiver):
        """The target becomes skipped and the counters move; the other goes on."""
        stack = self.shared
        numbers = ["+14155580001", "+14155581000"]
        campaign = stack.campaign(numbers, rate=60000, max_attempts=3, retry_policy=SLOW)
        stack.start_campaign(campaign)
        target = next(t for t in stack.targets(campaign) if t["to_number"] == numbers[0])
        path = f"/v1/campaigns/{campaign}/targets/{target['id']}"
        belfry.wait_until(lambda: stack.api.get(path)["outcome"] == "busy", 20, "a busy attempt")
        call = stack.api.get(f"{PATH}/{stack.api.get(path)['scheduled_call_id']}")
        stack.api.post(f"{PATH}/{call['id']}/cancel")
        shown = stack.api.get(path)
        self.assertEqual((shown["status"], shown["outcome"], shown["attempts"]),
                         ("skipped", "busy", 1))
        done = stack.wait_status(campaign, "completed", 20)
        self.assertEqual(done["counts"], {"total": 2, "pending": 0, "scheduled": 0, "dispatched": 1,
                                          "failed": 0, "skipped": 1})
        events = self.events(receiver, call, 2)
        self.assertEqual(events[1]["data"]["scheduled_call"]["reason"], "requested")
        self.assertEqual(events[1]["data"]["campaign"], {"id": campaign, "kind": "bulk"})
        # the other ways to cancel say theirs
        other = stack.campaign(belfry.numbers(2, block=700), rate=1)
        stack.start_campaign(other)
        belfry.wait_until(lambda: stack.counts(other)["pending"] == 0, 20, "both planned")
        calls = sorted(stack.api.pages(f"/v1/campaigns/{other}/calls"), key=lambda c: c["scheduled_at"])
        stack.api.delete(f"/v1/campaigns/{other}/targets/{calls[1]['target_id']}")
        skipped = self.events(receiver, calls[1], 2)
        self.assertEqual(skipped[1]["data"]["scheduled_call"]["reason"], "skipped")
        third = stack.campaign(belfry.numbers(2, block=701), rate=1)
        stack.start_campaign(third)
        belfry.wait_until(lambda: stack.counts(third)["pending"] == 0, 20, "both planned")
        calls = sorted(stack.api.pages(f"/v1/campaigns/{third}/calls"), key=lambda c: c["scheduled_at"])
        stack.act(third, "cancel")
        cancelled = self.events(receiver, calls[1], 2)
        self.assertEqual(cancelled[1]["data"]["scheduled_call"]["reason"], "campaign_cancelled")
        stack.act(other, "cancel")

    def check_cancel_of_an_occurrence(self, receiver):
        """A recurring campaign counts its calls; the cancel of one, and of the rest, moves them."""
        stack = self.shared
        # none of them fires while this looks
        minutes = [(belfry.now_us() // 60000000 + after) % 60 for after in range(10, 50, 5)]
        campaign = stack.api.post("/v1/campaigns", {
            "kind": "recurring", "name": "r", "agent_id": stack.agent_id,
            "cron": f"{','.join(map(str, minutes))} * * * *",
            "from_number": belfry.FROM_NUMBER, "to_number": "+14155591001", "timezone": "UTC"})["id"]
        stack.start_campaign(campaign)
        belfry.wait_until(lambda: stack.counts(campaign)["scheduled"] == 8, 20,
                          lambda: f"an hour of calls: {stack.counts(campaign)}")
        calls = sorted(stack.api.pages(f"{PATH}?campaign_id={campaign}"),
                       key=lambda c: c["scheduled_at"])
        call = calls[3]
        for _ in range(2):
            self.assertEqual(stack.api.post(f"{PATH}/{call['id']}/cancel")["status"], "cancelled")
        counts = stack.counts(campaign)
        self.assertEqual((counts["scheduled"], counts["skipped"]), (7, 1))
        events = self.events(receiver, call, 2)
        self.assertEqual(events[1]["data"]["scheduled_call"]["reason"], "requested")
        self.assertEqual(events[1]["data"]["campaign"], {"id": campaign, "kind": "recurring"})
        stack.act(campaign, "cancel")
        counts = stack.counts(campaign)
        self.assertEqual((counts["scheduled"], counts["skipped"], counts["total"]), (0, 8, 8))
        events = self.events(receiver, calls[5], 2)
        self.assertEqual(events[1]["data"]["scheduled_call"]["reason"], "campaign_cancelled")

    def check_config_error(self, receiver):
        """An agent that no dialer can be told about: there is no campaign to pause, the call fails."""
        stack = self.shared
        agent = stack.api.post("/v1/agents", {"name": "large", "endpoint": {}})["id"]
        stack.psql("UPDATE agent SET endpoint = jsonb_build_object('x', repeat('x', 300000)) "
                   f"WHERE id = '{to_uuid(agent)}'")
        call = self.call("+14155591000", agent_id=agent, max_attempts=3)
        ended = self.wait_status([call], ("failed",))[0]
        self.assertEqual((ended["outcome"], len(ended["attempts"])), ("config_error", 1))
        self.assertEqual(self.dials([call]), [])
        events = self.events(receiver, call, 2)
        self.assertEqual(events[1]["type"], "scheduled_call.failed")
        self.assertEqual([e for e in receiver.bodies() if e["type"] == "campaign.paused"], [])

    def test_fifty_clients_with_one_key_make_one_call(self):
        stack = self.up(gateways=2)
        api, used = stack.client(), key()
        body = {"to_number": "+14155551234", "from_number": belfry.FROM_NUMBER,
                "agent_id": stack.agent_id}
        answers, gate = [], threading.Barrier(50)

        def ask():
            client = stack.client()
            gate.wait()
            answers.append(client.request("POST", PATH, body, used))
            client.close()

        threads = [threading.Thread(target=ask) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        self.assertEqual(len(answers), 50)
        made = [a for a in answers if a.status == 201 and not a.headers["Idempotent-Replayed"]]
        replayed = [a for a in answers if a.headers["Idempotent-Replayed"]]
        refused = [a for a in answers if a.status == 409]
        self.assertEqual((len(made), len(made) + len(replayed) + len(refused)), (1, 50), answers)
        self.assertEqual({(a.status, a.body) for a in replayed} | {(201, made[0].body)},
                         {(201, made[0].body)})
        self.assertEqual({a.json["code"] for a in refused} - {"idempotency_in_progress"}, set())
        # whoever was refused asks again and gets the same
        self.assertEqual(api.request("POST", PATH, body, used).body, made[0].body)
        api.close()
        call = made[0].json
        self.wait_status([call], ("dispatched",))
        self.assertEqual([c["id"] for c in stack.api.pages(PATH)], [call["id"]])
        self.assertEqual([dial["call"] for dial in stack.ledger().dials()], [call["id"]])

    def test_a_cancel_and_a_claim_at_one_instant(self):
        """Whoever was first: cancelled and never dialed, or dialed and refused."""
        stack = self.up()
        at = belfry.now_us() // 1000000 * 1000000 + 4000000
        calls = [self.call(number, scheduled_at=instant(at)) for number in belfry.numbers(200)]
        self.assertLess(belfry.now_us(), at)
        answers = {}

        def cancel(part):
            client = stack.client()
            for call in part:
                answers[call["id"]] = client.request("POST", f"{PATH}/{call['id']}/cancel")
            client.close()

        threads = [threading.Thread(target=cancel, args=(calls[n::4],)) for n in range(4)]
        belfry.wait_until(lambda: belfry.now_us() >= at - 60000, 10, "the instant", interval_s=0.001)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        ended = self.wait_status(calls, ("dispatched", "cancelled"), 30)
        dials = collections.Counter(dial["call"] for dial in self.dials(calls))
        for call in ended:
            was_cancelled = call["status"] == "cancelled"
            self.assertEqual((answers[call["id"]].status, dials[call["id"]]),
                             (200, 0) if was_cancelled else (409, 1), call)
        self.assertEqual({call["status"] for call in ended}, {"dispatched", "cancelled"})
        told = stack.psql("SELECT type, count(*), count(DISTINCT call_id) FROM event WHERE type IN "
                          "('scheduled_call.cancelled', 'scheduled_call.dispatched') GROUP BY 1")
        self.assertEqual({row[0]: int(row[1]) for row in told},
                         {f"scheduled_call.{status}": sum(c["status"] == status for c in ended)
                          for status in ("cancelled", "dispatched")})

    def test_limits_of_number_and_workspace_hold(self):
        stack = self.up(settings={"SIM_RING_MS": 10, "SIM_TALK_MS": 10})
        for block, (path, fields) in enumerate((
                (f"/v1/numbers/{stack.number_id}", {"calls_per_minute": 1200}),
                ("/v1/workspace", {"calls_per_minute": 1200}))):
            stack.api.patch(path, fields)
            calls = [self.call(number) for number in belfry.numbers(60, block=block)]
            self.wait_status(calls, ("dispatched",), 30)
            judge.i7_rate(self.dials(calls), 1200)
            stack.api.patch(path, {"calls_per_minute": None})

    def test_concurrency_is_never_exceeded(self):
        stack = self.up(settings={"SIM_RING_MS": 50, "SIM_TALK_MS": 250})
        stack.api.patch(f"/v1/numbers/{stack.number_id}", {"max_concurrent": 3})
        calls = [self.call(number) for number in belfry.numbers(24)]
        ledger = stack.ledger()
        belfry.wait_until(lambda: sum(e["ev"] == "outcome" for e in ledger.read()) == 24, 30,
                          "all ended")
        judged = open_now = 0
        for entry in sorted(ledger.entries, key=lambda e: e["t_us"]):
            open_now += {"dial": 1, "outcome": -1}.get(entry["ev"], 0)
            judged = max(judged, open_now)
        self.assertEqual(len(self.dials(calls)), 24)
        self.assertLessEqual(judged, 3)

    def test_an_append_that_was_lost_is_made_good(self):
        """Redis is away: the call is made all the same, and dialed once it is back."""
        stack = self.up()
        stack.kill("KILL", "redis")
        call = self.call("+14155551000")
        self.assertEqual(self.get(call)["status"], "scheduled")
        stack.start("redis")
        self.wait_status([call], ("dispatched",), 60)
        self.assertEqual(len(self.dials([call])), 1)


if __name__ == "__main__":
    unittest.main()
