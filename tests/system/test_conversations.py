"""Conversations over the API: lists, one, and hanging up, which is done whatever fails meanwhile."""
import itertools
import unittest
import uuid

import belfry
from api_case import ApiCase, Tenant, to_uuid, type_id

DEADLINE_S = 300
PATH = "/v1/conversations"


def key():
    return {"Idempotency-Key": str(uuid.uuid4())}


class HangupTest(belfry.TestCase):
    def setUp(self):
        self.shared = self.stack(dispatchers=2, settings={"SIM_RING_MS": 20, "SIM_TALK_MS": 120000})

    def call(self, number="+14155551000"):
        stack = self.shared
        return stack.api.post("/v1/scheduled-calls", {
            "to_number": number, "from_number": belfry.FROM_NUMBER, "agent_id": stack.agent_id,
            "external_id": "crm-7"}, key())["id"]

    def talking(self, call):
        """The id of the call's conversation, once it has begun."""
        seen = {}

        def begun():
            seen.update(self.shared.api.get(f"/v1/scheduled-calls/{call}"))
            return seen["conversation"]

        belfry.wait_until(begun, 20, lambda: f"a conversation of {seen}")
        return seen["conversation_id"]

    def get(self, talk):
        return self.shared.api.get(f"{PATH}/{talk}")

    def hang_up(self, talk, headers=None):
        return self.shared.api.request("POST", f"{PATH}/{talk}/hangup", headers=headers)

    def wait_completed(self, talk, deadline_s=10):
        belfry.wait_until(lambda: self.get(talk)["status"] == "completed", deadline_s,
                          lambda: f"the end of {self.get(talk)}")
        return self.get(talk)

    def test_hanging_up(self):
        with self.subTest("its life"):
            self.check_life()
        with self.subTest("one that ended by itself"):
            self.check_ended()
        with self.subTest("nobody was told"):
            self.check_untold()
        with self.subTest("the dispatchers are away"):
            self.check_away()

    def check_life(self):
        stack = self.shared
        receiver = self.receiver()
        stack.endpoint(receiver, events=("conversation.completed",))
        call = self.call()
        talk = self.talking(call)
        shown = self.get(talk)
        self.assertEqual(shown, {**shown, "id": talk, "scheduled_call_id": call, "campaign_id": None,
                                 "target_id": None, "to_number": "+14155551000",
                                 "from_number": belfry.FROM_NUMBER, "agent_id": stack.agent_id,
                                 "external_id": "crm-7", "status": "in_progress", "ended_at": None,
                                 "duration_s": None, "billed_s": None, "end_reason": None})
        for query in ("?status=in_progress", f"?call_id={call}", ""):
            self.assertEqual(stack.api.get(PATH + query)["data"], [shown], query)
        headers = key()
        first = self.hang_up(talk, headers)
        self.assertEqual((first.status, first.json), (202, shown), first)
        done = self.wait_completed(talk)
        self.assertEqual(done["end_reason"], "hangup")
        self.assertLess(done["duration_s"], 60)
        self.assertEqual(done["billed_s"], -(-round(done["duration_s"] * 1000) // 1000))
        # repeated: under the key what was answered, without it the conversation as it is
        again = self.hang_up(talk, headers)
        self.assertEqual((again.status, again.body), (202, first.body))
        self.assertEqual(again.headers["Idempotent-Replayed"], "true")
        again = self.hang_up(talk)
        self.assertEqual((again.status, again.json), (200, done))
        shown = stack.api.get(f"/v1/scheduled-calls/{call}")
        self.assertEqual((shown["status"], shown["outcome"], shown["conversation"]["end_reason"]),
                         ("dispatched", "answered", "hangup"))
        belfry.wait_until(receiver.bodies, 10, "the event")
        told = [body["data"]["conversation"]["end_reason"] for body in receiver.bodies()]
        self.assertEqual(told, ["hangup"])
        attempt = stack.value(f"SELECT id FROM attempt_done WHERE call_id = '{to_uuid(call)}'")
        entries = [entry["ev"] for entry in stack.ledger().read()
                   if entry["id"] == type_id("att", attempt)]
        self.assertEqual(entries.count("hangup"), 1)
        self.assertEqual(stack.value("SELECT count(*) FROM hangup"), "0")
        lines = [line["action"] for line in stack.api.get("/v1/audit")["data"]
                 if line["subject"] == talk]
        self.assertEqual(lines, ["conversation.hangup"])

    def check_ended(self):
        """By the callee: told here as the dispatcher would."""
        talk = self.talking(self.call("+14155550010"))
        self.shared.psql(f"UPDATE conversation SET status = 'completed', end_reason = 'callee', "
                         f"ended_at = now() WHERE id = '{to_uuid(talk)}'")
        answer = self.hang_up(talk)
        self.assertEqual((answer.status, answer.json["code"], answer.json["current_status"]),
                         (409, "invalid_state_transition", "completed"))
        self.assertEqual(self.shared.value("SELECT count(*) FROM hangup"), "0")

    def check_untold(self):
        """The request stands in Postgres; no message came."""
        talk = self.talking(self.call("+14155551001"))
        self.shared.psql("INSERT INTO hangup (workspace_id, attempt_id, conversation_id) SELECT "
                         "workspace_id, attempt_id, id FROM conversation "
                         f"WHERE id = '{to_uuid(talk)}'")
        self.assertEqual(self.wait_completed(talk)["end_reason"], "hangup")

    def check_away(self):
        """Whoever adopts the attempt hangs it up."""
        stack = self.shared
        talk = self.talking(self.call("+14155551002"))
        stack.kill("KILL", "dispatcher")
        self.assertEqual(self.hang_up(talk).status, 202)
        self.assertEqual(self.hang_up(talk).status, 202)
        self.assertEqual(self.get(talk)["status"], "in_progress")
        stack.start("dispatcher")
        self.assertEqual(self.wait_completed(talk, 40)["end_reason"], "hangup")


class ListTest(ApiCase):
    numbers = itertools.count()

    def setUp(self):
        self.api = self.one.api

    def talk(self, tenant, status="completed", campaign=None, done=False):
        """A call with its conversation, as the dispatcher would leave them. Lists are by id, and
        two made within a millisecond are told apart by their number only."""
        ws, n = to_uuid(tenant.workspace), next(self.numbers)
        of = f"'{to_uuid(campaign)}'" if campaign else "NULL"
        table = "scheduled_call_done" if done else "scheduled_call"
        row = self.it.psql(f"""
            WITH c AS (
                INSERT INTO {table} (workspace_id, id, campaign_id, number_id, agent_id, to_number,
                    from_number, created_at, scheduled_at, updated_at, status, outcome,
                    conversation_id)
                SELECT '{ws}', uuid7(clock_timestamp(), {n}), {of}, '{to_uuid(tenant.number)}',
                    '{to_uuid(tenant.agent)}', '+12015550111', '{tenant.e164}', now(), now(), now(),
                    'dispatched', 'answered', uuid7(clock_timestamp(), {n})
                RETURNING *
            ), v AS (
                INSERT INTO conversation (workspace_id, id, call_id, attempt_id, status, started_at)
                SELECT workspace_id, conversation_id, id, gen_random_uuid(), '{status}', now() FROM c
                RETURNING *
            ), a AS (
                INSERT INTO attempt (workspace_id, id, call_id, campaign_id, number_id, trunk_id,
                    number, dispatcher_id, dialer, dialer_instance, ring_timeout_s, max_duration_s,
                    claimed_at, bridged_at, conversation_id)
                SELECT v.workspace_id, v.attempt_id, c.id, c.campaign_id, c.number_id, c.id, 1,
                    gen_random_uuid(), 'sim', 'x', 1, 1, now(), now(), v.id
                FROM v, c WHERE v.status = 'in_progress'
            )
            SELECT id, conversation_id FROM c""")[0]
        return type_id("call", row[0]), type_id("cnv", row[1])

    def listed(self, tenant, query=""):
        return [one["id"] for one in tenant.api.pages(PATH + query, limit=2)]

    def test_lists_by_each_filter(self):
        tenant = Tenant(self, self.fresh_number())
        campaign = tenant.campaign()["id"]
        other = tenant.campaign()["id"]
        made = [self.talk(tenant, "completed", campaign, done=n % 2 == 0) for n in range(5)]
        made += [self.talk(tenant, "in_progress", campaign), self.talk(tenant, "in_progress"),
                 self.talk(tenant), self.talk(tenant, "completed", other, done=True)]
        newest = [talk for _, talk in made][::-1]
        self.assertEqual(self.listed(tenant), newest)
        self.assertEqual(self.listed(tenant, "?status=in_progress"), [made[6][1], made[5][1]])
        self.assertEqual(self.listed(tenant, "?status=completed"),
                         [one for one in newest if one not in (made[5][1], made[6][1])])
        own = [talk for _, talk in made[:6]][::-1]
        self.assertEqual(self.listed(tenant, f"?campaign_id={campaign}"), own)
        self.assertEqual(self.listed(tenant, f"?campaign_id={campaign}&status=completed"), own[1:])
        self.assertEqual(self.listed(tenant, f"?campaign_id={campaign}&status=in_progress"), own[:1])
        self.assertEqual(self.listed(tenant, f"?call_id={made[0][0]}"), [made[0][1]])
        self.assertEqual(self.listed(tenant, f"?call_id={made[0][0]}&campaign_id={other}"), [])
        self.assertEqual(self.listed(tenant, f"?call_id={made[5][0]}&status=completed"), [])
        for query in (f"?campaign_id={campaign}", f"?call_id={made[0][0]}", "?status=in_progress"):
            self.assertEqual(self.listed(self.two, query), [], query)

    def test_faults(self):
        for query in ("?status=open", "?campaign_id=x", "?call_id=cmp_x", "?to_number=1"):
            self.assertEqual(self.api.request("GET", PATH + query).status, 422, query)
        cursor = self.api.get(PATH + "?limit=1")["next_cursor"]
        if cursor is None:
            self.talk(self.one)
            self.talk(self.one)
            cursor = self.api.get(PATH + "?limit=1")["next_cursor"]
        self.problem(self.api.request("GET", f"{PATH}?status=completed&cursor={cursor}"), 400,
                     "cursor_mismatch")

    def test_of_another_workspace(self):
        _, talk = self.talk(self.one, "in_progress")
        for method, path in (("GET", f"{PATH}/{talk}"), ("POST", f"{PATH}/{talk}/hangup")):
            self.problem(self.two.api.request(method, path), 404, "not_found")
        self.assertEqual(self.it.value("SELECT count(*) FROM hangup"), "0")


if __name__ == "__main__":
    unittest.main()
