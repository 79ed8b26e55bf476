"""Server-Sent Events of a campaign: snapshots, at once where the state changes, at most one a second
otherwise, the same cost for one watcher and for a thousand."""
import http.client
import json
import selectors
import socket
import threading
import time

import belfry
import contract
from api_case import ApiCase, type_id


class Stream:
    """An open stream; events as dicts with id, event, data and the moment of their arrival."""

    def __init__(self, case, campaign, headers=None, key=None):
        api, self.path = case.one.api, f"/v1/campaigns/{campaign}/stream"
        self.socket = socket.create_connection((api.host, api.port), timeout=30)
        case.addCleanup(self.socket.close)
        lines = [f"GET {self.path} HTTP/1.1", "Host: x",
                 f"Authorization: Bearer {key or api.key}",
                 *(f"{name}: {value}" for name, value in (headers or {}).items())]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.response = http.client.HTTPResponse(self.socket)
        self.response.begin()
        self.status = self.response.status
        api.check("GET", self.path, None, headers, belfry.Answer(
            self.status, self.response.headers, b"" if self.status == 200 else self.response.read()))

    def next(self, timeout_s=10):
        """The next event, or None at the end of the stream."""
        self.socket.settimeout(timeout_s)
        event = {}
        while True:
            line = self.response.readline()
            if not line:
                return None
            line = line.decode().rstrip("\n")
            if line == "":
                if "data" in event:
                    data = json.loads(event["data"])
                    contract.event(self.path, event["event"], data)
                    return {**event, "data": data, "at": time.monotonic()}
                event = {}
            else:
                name, _, value = line.partition(": ")
                event[name] = value

    def until(self, holds, timeout_s=30):
        seen, end = [], time.monotonic() + timeout_s
        while True:
            event = self.next(max(0.1, end - time.monotonic()))
            if event is None:
                raise AssertionError(f"the stream ended: {seen}")
            seen.append(event)
            if holds(event):
                return seen


class StreamTest(ApiCase):
    def test_a_stream_begins_with_what_is(self):
        campaign = self.one.campaign(targets=["+15550000001"])["id"]
        stream = Stream(self, campaign)
        self.assertEqual(stream.status, 200)
        self.assertEqual(stream.response.headers["Content-Type"], "text/event-stream")
        self.assertEqual(stream.response.headers["Cache-Control"], "no-store")
        first = stream.next()
        self.assertEqual(first["event"], "state")
        got = self.one.api.get("/v1/campaigns/" + campaign)
        self.assertEqual(first["data"], {
            "campaign_id": campaign,
            **{key: got[key] for key in ("status", "status_reason", "counts", "updated_at",
                                         "started_at", "completed_at")}})

    def test_changes_of_state_come_at_once(self):
        campaign = self.one.campaign(targets=["+15550000001"])["id"]
        stream = Stream(self, campaign)
        stream.next()
        for action, status in (("start", "active"), ("pause", "paused"), ("resume", "active")):
            began, watch = time.monotonic(), belfry.Stopwatch()
            self.one.api.post(f"/v1/campaigns/{campaign}/{action}")
            event = stream.until(lambda e, s=status: e["data"]["status"] == s)[-1]
            self.assertEqual(event["event"], "state")
            self.assertLess(event["at"] - began, 0.6 + watch.slack_s())

    def test_progress_comes_once_a_second_at_most(self):
        campaign, began, watch = self.one.campaign()["id"], time.monotonic(), belfry.Stopwatch()
        stream = Stream(self, campaign)
        times = [stream.next()["at"]]

        def change():
            for n in range(30):
                self.one.api.post(f"/v1/campaigns/{campaign}/targets",
                                  {"targets": [f"+155500001{n:02d}"]})
                time.sleep(0.1)  # a change every tenth of a second, for three seconds

        changes = threading.Thread(target=change)
        changes.start()
        self.addCleanup(changes.join)
        for event in stream.until(lambda e: e["data"]["counts"]["total"] == 30):
            self.assertEqual(event["event"], "progress")
            times.append(event["at"])
        self.assertLessEqual(len(times), times[-1] - began + 2)
        self.assertGreaterEqual(len(times), 3)
        # what the clock here adds to the server's second
        self.assertTrue(all(b - a > 0.9 - watch.slack_s() for a, b in zip(times, times[1:])), times)

    def test_last_event_id_says_what_was_seen(self):
        campaign = self.one.campaign(targets=["+15550000001"])["id"]
        first = Stream(self, campaign).next()
        again = Stream(self, campaign, {"Last-Event-ID": first["id"]})
        self.one.api.post(f"/v1/campaigns/{campaign}/start")
        self.assertEqual(again.next()["data"]["status"], "active")  # and not the draft once more
        late = Stream(self, campaign, {"Last-Event-ID": first["id"]})
        self.assertEqual(late.next()["data"]["status"], "active")
        for wrong in ("0", "x" * 16, "not one of ours", "f" * 17):
            self.assertIsNotNone(Stream(self, campaign, {"Last-Event-ID": wrong}).next())

    def test_a_stream_ends_with_its_campaign(self):
        campaign = self.one.campaign(targets=["+15550000001"])["id"]
        stream = Stream(self, campaign)
        self.one.api.post(f"/v1/campaigns/{campaign}/cancel")
        last = stream.until(lambda e: e["data"]["counts"]["skipped"] == 1)[-1]
        self.assertEqual(last["data"]["status"], "cancelled")
        self.assertIsNone(stream.next())
        over = self.one.api.request("GET", f"/v1/campaigns/{campaign}/stream",
                                    headers={"Last-Event-ID": last["id"]})
        self.assertEqual(over.status, 204)
        once = Stream(self, campaign)
        self.assertEqual(once.next()["data"]["status"], "cancelled")
        self.assertIsNone(once.next())

        draft = self.one.campaign()["id"]
        stream = Stream(self, draft)
        stream.next()
        self.one.api.delete("/v1/campaigns/" + draft)
        self.assertIsNone(stream.next())

    def test_what_is_not_there(self):
        campaign = self.one.campaign()["id"]
        for api, name in ((self.two.api, campaign), (self.one.api, type_id("cmp"))):
            self.problem(api.request("GET", f"/v1/campaigns/{name}/stream"), 404, "not_found")

    def test_a_revoked_key_ends_its_streams(self):
        campaign = self.one.campaign()["id"]
        key = self.key(self.one.workspace, "read")
        stream, other = Stream(self, campaign, key=key), Stream(self, campaign)
        stream.next()
        other.next()
        watch = belfry.Stopwatch()
        self.it.psql(f"UPDATE api_key SET revoked_at = now() WHERE last_four = '{key[-4:]}'")
        self.assertIsNone(stream.next())
        self.assertLess(watch.s(), 7)
        self.one.api.post(f"/v1/campaigns/{campaign}/targets", {"targets": ["+15550000001"]})
        self.assertEqual(other.next()["data"]["counts"]["total"], 1)

    def test_a_thousand_watchers_cost_one_query_a_second(self):
        campaign = self.one.campaign(targets=["+15550000001"])["id"]
        selector, got = selectors.DefaultSelector(), {}
        for n in range(1000):
            peer = socket.create_connection((self.one.api.host, self.one.api.port), timeout=30)
            self.addCleanup(peer.close)
            peer.sendall((f"GET /v1/campaigns/{campaign}/stream HTTP/1.1\r\nHost: x\r\n"
                          f"Authorization: Bearer {self.one.api.key}\r\n\r\n").encode())
            selector.register(peer, selectors.EVENT_READ, n)
            got[n] = b""

        def read_until(text, timeout_s):
            end = time.monotonic() + timeout_s
            while not all(text in data for data in got.values()):
                self.assertLess(time.monotonic(), end,
                                f"{sum(text in data for data in got.values())} have {text}")
                for key, _ in selector.select(1):
                    got[key.data] += key.fileobj.recv(65536)

        def statements():
            # what the first pool ran since: the watchers' look, and the clock every ten seconds
            return int(self.it.value("SELECT coalesce(sum(xact_commit), 0) FROM pg_stat_database "
                                     "WHERE datname = current_database()"))

        def spent_in(seconds):
            before = statements()
            time.sleep(seconds)
            return statements() - before

        read_until(b'"status":"draft"', 30)
        # A backend tells its statistics up to ten seconds later, also those of the requests that
        # opened the streams; a query for each watcher would be 8,000.
        belfry.wait_until(lambda: spent_in(8) < 32, 60, "at most four queries a second")
        self.one.api.post(f"/v1/campaigns/{campaign}/start")
        read_until(b'"status":"active"', 20)
        answer = self.one.api.get("/v1/campaigns/" + campaign)  # the gateway serves all the while
        self.assertEqual(answer["status"], "active")


class HeartbeatTest(ApiCase):
    def test_silence_is_broken_and_a_drain_ends_streams(self):
        campaign = self.one.campaign()["id"]
        stream = Stream(self, campaign)
        stream.next()
        stream.socket.settimeout(20)
        self.assertEqual(stream.response.readline(), b": still here\n")
        watch = belfry.Stopwatch()
        self.it.kill("TERM", "api-gateway")
        self.assertIsNone(stream.next())
        self.assertLess(watch.s(), 5)
        self.one.api.close()


if __name__ == "__main__":
    import unittest
    unittest.main()
