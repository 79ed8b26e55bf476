"""One trace from the request through the call, its dials and its webhooks: in headers and in logs."""
import re
import unittest

import belfry

DEADLINE_S = 120
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
FORM = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$")


def trace_of(call):
    """A call's own trace is its id, out of Crockford's base32."""
    number = 0
    for char in call.partition("_")[2]:
        number = number * 32 + ALPHABET.index(char)
    return f"{number:032x}"


class TracesTest(belfry.TestCase):
    def follow(self, stack, receiver, call, dials):
        """(trace, flags, tracestate) of everything that became of a call; each span is another."""
        def hooks():
            return [hook for hook in list(receiver.hooks)
                    if hook.json["data"].get("scheduled_call", {}).get("id") == call]
        belfry.wait_until(lambda: {hook.json["type"] for hook in hooks()} >= {
            "scheduled_call.created", "conversation.completed"}, 60, "webhooks")
        headers = [hook.headers for hook in hooks()]
        ledger = [dial for dial in stack.ledger().dials() if dial["call"] == call]
        self.assertEqual(len(ledger), dials)
        found = [(*FORM.match(of["traceparent"]).groups(), of.get("tracestate"))
                 for of in headers + ledger]
        self.assertEqual(len({span for _, span, _, _ in found}), len(found))
        seen = {(trace, flags, state) for trace, _, flags, state in found}
        self.assertEqual(len(seen), 1, found)
        return seen.pop()

    def test_goes_from_the_request_to_the_webhook(self):
        stack = self.stack(settings={"SIM_RING_MS": 20, "SIM_TALK_MS": 50, "LOG_LEVEL": "debug"})
        receiver = self.receiver()
        stack.endpoint(receiver)

        def create(number, key, headers):
            answer = stack.api.request("POST", "/v1/scheduled-calls", {
                "agent_id": stack.agent_id, "from_number": belfry.FROM_NUMBER, "to_number": number,
                "max_attempts": 2, "retry_policy": {"rules": [{"on": ["busy"], "delay_s": 0.2}]}},
                {"Idempotency-Key": key, **headers})
            self.assertEqual(answer.status, 201, answer)
            return answer.json["id"], answer.headers

        # Named by the caller: all of it, over a retry (…0007 is busy once), is in that trace.
        call, headers = create("+12005550007", "one", {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-00"})
        answered = FORM.match(headers["traceresponse"]).groups()
        self.assertEqual((answered[0], answered[2]), (TRACE, "00"))
        self.assertNotEqual(answered[1], "00f067aa0ba902b7")
        self.assertEqual(self.follow(stack, receiver, call, 2), (TRACE, "00", None))
        # The same word in the logs of each that had to do with it.
        self.assertRegex(stack.log("api-gateway.0"), rf"route=/v1/scheduled-calls status=201 .* trace={TRACE}\n")
        self.assertRegex(stack.log("dispatcher.0"), rf" dial attempt=att_\w+ call={call} .*traceparent=00-{TRACE}-")
        self.assertRegex(stack.log("webhook-sender.0"), rf" webhook_sent .*trace={TRACE} ")

        # Not named, or not a valid name: the call is a trace of its own, and the request belongs to it.
        for key, given in (("two", {}), ("three", {"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"})):
            call, headers = create("+12005551234", key, given)
            self.assertEqual(FORM.match(headers["traceresponse"])[1], trace_of(call))
            self.assertEqual(self.follow(stack, receiver, call, 1), (trace_of(call), "01", None))

        self.assertEqual(stack.value("SELECT count(*) FROM call_trace"), "1")

        # What a tracing system of the caller's adds goes along, as it is or not at all.
        state = "rojo=00f067aa0ba902b7,fw529a3039@dt=50% a;b"
        longest = "a=" + "v" * 253 + ",b=" + "v" * 254
        parent = f"00-{TRACE}-00f067aa0ba902b7-01"
        for key, given, kept in (("four", state, state), ("five", longest, longest),
                                 ("six", longest + "v", None), ("seven", "rojo", None)):
            call, _ = create("+12005551234", key, {"traceparent": parent, "tracestate": given})
            self.assertEqual(self.follow(stack, receiver, call, 1), (TRACE, "01", kept), key)
        call, _ = create("+12005551234", "eight", {"tracestate": state})
        self.assertEqual(self.follow(stack, receiver, call, 1), (trace_of(call), "01", None))

    def act(self, stack, campaign, what, headers):
        answer = stack.api.request("POST", f"/v1/campaigns/{campaign}/{what}", {}, headers)
        self.assertEqual(answer.status, 200, answer)
        return FORM.match(answer.headers["traceresponse"]).groups()

    def test_leads_from_a_campaigns_calls_to_its_start(self):
        stack = self.stack(settings={"SIM_RING_MS": 20, "SIM_TALK_MS": 50, "LOG_LEVEL": "debug"})
        receiver = self.receiver()
        stack.endpoint(receiver)

        # The first start counts: neither a repetition nor a resume.
        named = stack.campaign(belfry.numbers(3), rate=30)
        other = {"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"}
        trace, span, _ = self.act(stack, named, "start", {
            "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "tracestate": "rojo=1"})
        self.assertEqual(trace, TRACE)
        self.assertEqual(self.act(stack, named, "start", other)[0], "a" * 32)
        belfry.wait_until(lambda: stack.ledger().dials(named), 30, "a dial")
        self.act(stack, named, "pause", other)
        self.act(stack, named, "resume", other)
        self.follow_campaign(stack, receiver, named, 3, f"belfry={TRACE}-{span}")

        # Without a trace of the caller's the request has its own; its line in the log shows it.
        own = stack.campaign(belfry.numbers(2), rate=60000)
        trace, span, _ = self.act(stack, own, "start", {})
        self.follow_campaign(stack, receiver, own, 2, f"belfry={trace}-{span}")
        self.assertRegex(stack.log("api-gateway.0"),
                         rf"route=/v1/campaigns/{{cmp}}/start status=200 .* trace={trace}\n")
        self.assertRegex(stack.log("dispatcher.0"), rf' dial .*tracestate="belfry={trace}-{span}"\n')
        self.assertRegex(stack.log("webhook-sender.0"),
                         rf' webhook_sent .*tracestate="belfry={trace}-{span}"\n')

        # One that a version before this one started leads nowhere, and is dialed as before.
        stack.psql("CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS "
                   "'BEGIN NEW.tracestate := NULL; RETURN NEW; END'")
        stack.psql("CREATE TRIGGER forget BEFORE UPDATE ON campaign FOR EACH ROW "
                   "WHEN (NEW.name = 'old') EXECUTE FUNCTION forget()")
        old = stack.campaign(belfry.numbers(1), name="old")
        self.act(stack, old, "start", {})
        self.follow_campaign(stack, receiver, old, 1, None)

    def follow_campaign(self, stack, receiver, campaign, calls, state):
        """Each call is a trace of its own, and all that became of each has that tracestate."""
        stack.wait_status(campaign, "completed", 60)
        dials = stack.ledger().dials(campaign)
        self.assertEqual(len({dial["call"] for dial in dials}), calls)
        for dial in dials:
            self.assertEqual(dial.get("tracestate"), state)
            self.assertEqual(self.follow(stack, receiver, dial["call"], 1),
                             (trace_of(dial["call"]), "01", state))

        def completed():
            return [hook for hook in list(receiver.hooks) if hook.json["type"] == "campaign.completed"
                    and hook.json["data"]["campaign"]["id"] == campaign]
        belfry.wait_until(completed, 30, "campaign.completed")
        self.assertEqual(completed()[0].headers.get("tracestate"), state)

    def test_is_named_by_every_answer(self):
        """Of those in pieces too; what the other tests are answered is looked at in contract.py."""
        stack = self.stack()
        campaign = stack.campaign(belfry.numbers(2))
        for method, path, status in (
                ("GET", f"/v1/campaigns/{campaign}/export.csv", 200), ("GET", "/healthz", 200),
                ("GET", "/v1/nowhere", 404), ("DELETE", "/v1/campaigns", 405)):
            answer = stack.api.request(method, path, None, {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
            self.assertEqual(answer.status, status, path)
            self.assertEqual(FORM.match(answer.headers.get("traceresponse", ""))[1], TRACE, path)


if __name__ == "__main__":
    unittest.main()
