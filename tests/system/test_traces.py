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
        """(trace, flags) of everything that became of a call; each span is another."""
        belfry.wait_until(lambda: {body["type"] for body in receiver.bodies()
                                   if body["data"]["scheduled_call"]["id"] == call} >= {
                                       "scheduled_call.created", "conversation.completed"}, 60, "webhooks")
        headers = [hook.headers["traceparent"] for hook in list(receiver.hooks)
                   if hook.json["data"]["scheduled_call"]["id"] == call]
        ledger = [dial["traceparent"] for dial in stack.ledger().dials() if dial["call"] == call]
        self.assertEqual(len(ledger), dials)
        found = [FORM.match(header).groups() for header in headers + ledger]
        self.assertEqual(len({span for _, span, _ in found}), len(found))
        seen = {(trace, flags) for trace, _, flags in found}
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
        self.assertEqual(self.follow(stack, receiver, call, 2), (TRACE, "00"))
        # The same word in the logs of each that had to do with it.
        self.assertRegex(stack.log("api-gateway.0"), rf"route=/v1/scheduled-calls status=201 .* trace={TRACE}\n")
        self.assertRegex(stack.log("dispatcher.0"), rf" dial attempt=att_\w+ call={call} .*traceparent=00-{TRACE}-")
        self.assertRegex(stack.log("webhook-sender.0"), rf" webhook_sent .*trace={TRACE}\n")

        # Not named, or not a valid name: the call is a trace of its own, and the request belongs to it.
        for key, given in (("two", {}), ("three", {"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"})):
            call, headers = create("+12005551234", key, given)
            self.assertEqual(FORM.match(headers["traceresponse"])[1], trace_of(call))
            self.assertEqual(self.follow(stack, receiver, call, 1), (trace_of(call), "01"))

        # So is each call of a campaign.
        campaign = stack.campaign(belfry.numbers(2), rate=60000)
        stack.start_campaign(campaign)
        stack.wait_status(campaign, "completed", 60)
        calls = {dial["call"] for dial in stack.ledger().dials(campaign)}
        self.assertEqual(len(calls), 2)
        for call in calls:
            self.assertEqual(self.follow_campaign(stack, receiver, call), trace_of(call))
        self.assertEqual(stack.value("SELECT count(*) FROM call_trace"), "1")

    def follow_campaign(self, stack, receiver, call):
        def hooks():
            return [hook for hook in list(receiver.hooks)
                    if hook.json["data"].get("scheduled_call", {}).get("id") == call]
        belfry.wait_until(lambda: len(hooks()) == 3, 30, "three webhooks")
        traces = {FORM.match(hook.headers["traceparent"])[1] for hook in hooks()}
        self.assertEqual(len(traces), 1)
        return traces.pop()


if __name__ == "__main__":
    unittest.main()
