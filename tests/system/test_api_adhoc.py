"""What is asked of ad hoc calls over HTTP and what is answered: rules, the key, lists, cancel. Nothing
moves by itself here: no scheduler, no dispatcher."""
import threading
import unittest

import belfry
from adhoc_case import PATH, QUICK, instant, key
from api_case import ApiCase, Session, Tenant, to_uuid, type_id


class RulesTest(ApiCase):
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


if __name__ == "__main__":
    unittest.main()
