"""CSV imports: what a file may look like, what becomes of its rows, and what is left when an upload or
a gateway ends in the middle."""
import csv
import http.client
import io
import socket

import belfry
from api_case import ApiCase, Session, type_id

LONG = "x" * 20000
UPLOADS_MAX = 16  # that come in at a time


class Upload:
    """A chunked upload, sent as the test wants."""

    def __init__(self, api, path, head=None):
        self.socket = socket.create_connection((api.host, api.port), timeout=30)
        self.api, self.path, self.head = api, path, head or []
        lines = [f"POST {path} HTTP/1.1", f"Host: {api.host}", f"Authorization: Bearer {api.key}",
                 "Content-Type: text/csv", "Transfer-Encoding: chunked", *self.head]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())

    def send(self, text):
        data = text.encode()
        self.socket.sendall(b"%x\r\n%s\r\n" % (len(data), data))

    def end(self):
        """The answer to the whole."""
        self.socket.sendall(b"0\r\n\r\n")
        return self.answer()

    def answer(self):
        response = http.client.HTTPResponse(self.socket)
        response.begin()
        answer = belfry.Answer(response.status, response.headers, response.read())
        self.close()
        given = dict(line.split(": ", 1) for line in self.head)
        return self.api.check("POST", self.path, b"...", {"Content-Type": "text/csv", **given}, answer)

    def close(self):
        self.socket.close()


class ImportCase(ApiCase):
    def upload(self, campaign, text, query="", headers=None, api=None):
        body = text if isinstance(text, bytes) else text.encode()
        return (api or self.one.api).request(
            "POST", f"/v1/campaigns/{campaign}/imports{query}", body,
            {"Content-Type": "text/csv", **(headers or {})})

    def imported(self, campaign, text, query="", headers=None):
        """The import once it is over."""
        answer = self.upload(campaign, text, query, headers)
        self.assertEqual(answer.status, 202, answer)
        self.assertEqual(answer.headers["Location"], "/v1/imports/" + answer.json["id"])
        return self.over(answer.json["id"])

    def over(self, import_id, deadline_s=60):
        def done():
            got = self.one.api.get("/v1/imports/" + import_id)
            return got if got["status"] != "running" else None
        return belfry.wait_until(done, deadline_s, "the import is over")

    def errors(self, import_id):
        answer = self.one.api.request("GET", f"/v1/imports/{import_id}/errors.csv")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.headers["Content-Type"], "text/csv; charset=utf-8")
        return list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))

    def targets(self, campaign):
        return sorted(self.one.api.pages(f"/v1/campaigns/{campaign}/targets"),
                      key=lambda t: t["to_number"])

    def counts(self, got):
        return tuple(got[key] for key in ("received", "inserted", "deduped", "rejected"))


class ImportsTest(ImportCase):
    def test_a_file_becomes_targets(self):
        campaign = self.one.campaign()["id"]
        got = self.imported(campaign, (
            "\ufeffPhone,NAME,external_id,timezone,Company,\"the \"\"plan\"\"\",\r\n"
            "+15550000001,Ada,crm-1,Europe/Paris,Acme,gold,\r\n"
            "\r\n"
            "+15550000002,,,,,\r\n"
            "+15550000003,\"Bob, \"\"B\"\"\r\nSmith\",,,Ünï,,\r\n"
            "+15550000002,again,,,,,\r\n"
            " +15550000004 ,short row"))
        self.assertEqual(got["status"], "completed", got)
        self.assertEqual(self.counts(got), (5, 4, 1, 0), got)
        self.assertEqual((got["campaign_id"], got["reason"]), (campaign, None))
        self.assertIsNotNone(got["uploaded_at"])
        self.assertIsNotNone(got["completed_at"])
        rows = self.targets(campaign)
        self.assertEqual([(t["to_number"], t["name"], t["external_id"], t["timezone"])
                          for t in rows],
                         [("+15550000001", "Ada", "crm-1", "Europe/Paris"),
                          ("+15550000002", None, None, None),
                          ("+15550000003", "Bob, \"B\"\r\nSmith", None, None),
                          ("+15550000004", "short row", None, None)])
        self.assertEqual([t["variables"] for t in rows],
                         [{"Company": "Acme", "the \"plan\"": "gold"}, {}, {"Company": "Ünï"}, {}])
        self.assertEqual(self.one.api.get("/v1/campaigns/" + campaign)["counts"]["pending"], 4)
        self.assertEqual(self.errors(got["id"]), [])
        listed = self.one.api.get(f"/v1/campaigns/{campaign}/imports")["data"]
        self.assertEqual(listed, [got])

    def test_numbers_that_the_campaign_has_are_left_alone(self):
        campaign = self.one.campaign(targets=[{"to_number": "+15550000001", "name": "first"}])["id"]
        got = self.imported(campaign, "number,name\n+15550000001,second\n+15550000002,x\n")
        self.assertEqual(self.counts(got), (2, 1, 1, 0))
        self.assertEqual(self.targets(campaign)[0]["name"], "first")

    def test_bad_rows_are_told_and_fail_no_other(self):
        campaign = self.one.campaign()["id"]
        got = self.imported(campaign, (
            "to_number,name,timezone,note\n"           # 1
            "+15550000001,ok,,\n"                      # 2
            "15550000002,no plus,,\n"                  # 3
            "=HYPERLINK(1),x,Mars/Base,\n"             # 4: two faults
            f"+15550000003,{'n' * 201},,\n"            # 5
            "\"+15550000004\"x,bad quote,,\n"          # 6
            f"+15550000005,x,,{LONG}\n"                # 7: a field too large
            "+15550000006,x,,,,surplus\n"              # 8
            "+15550000007,x,,,,\n"                     # 9: empty surplus is fine
            ).encode() + b"+15550000008,\xff,,\n+15550000009,a\0b,,\n+15550000010,last,,\n")
        self.assertEqual(self.counts(got), (11, 3, 0, 8), got)
        self.assertEqual([t["to_number"] for t in self.targets(campaign)],
                         ["+15550000001", "+15550000007", "+15550000010"])
        errors = self.errors(got["id"])
        self.assertEqual([(int(e["line"]), e["column"], e["code"]) for e in errors], [
            (3, "to_number", "invalid_e164"), (4, "to_number", "invalid_e164"),
            (4, "timezone", "invalid_timezone"), (5, "name", "validation_error"),
            (6, "", "validation_error"), (7, "", "validation_error"), (8, "", "validation_error"),
            (10, "", "validation_error"), (11, "", "validation_error")])
        self.assertEqual(errors[1]["value"], "'=HYPERLINK(1)")  # no formula in a spreadsheet
        self.assertEqual(errors[0]["value"], "15550000002")

    def test_a_default_region_completes_numbers(self):
        campaign = self.one.campaign()["id"]
        got = self.imported(campaign, "phone_number\n(415) 555-0123\n1 415 555 0124\n+442079460018\n"
                            "555-0123\n", "?default_region=US")
        self.assertEqual((self.counts(got), got["default_region"]), ((4, 3, 0, 1), "US"))
        self.assertEqual([t["to_number"] for t in self.targets(campaign)],
                         ["+14155550123", "+14155550124", "+442079460018"])
        self.problem(self.upload(campaign, "to_number\n", "?default_region=XX"), 422,
                     "validation_error", "default_region")

    def test_files_that_are_refused_leave_nothing(self):
        campaign = self.one.campaign()["id"]
        for text in ("", "\n\n", "name,company\nAda,Acme\n", "to_number,phone\n+15550000001,\n",
                     "to_number,a,a\n+15550000001,1,2\n", f"to_number,{'v' * 65}\n",
                     "to_number," + ",".join(f"c{n}" for n in range(100)) + "\n",
                     "\"to_number\n+15550000001\n"):
            self.problem(self.upload(campaign, text), 422, "validation_error")
        self.problem(self.upload(campaign, b"to_number\xff\n"), 422, "validation_error")
        self.assertEqual(self.one.api.get(f"/v1/campaigns/{campaign}/imports")["data"], [])
        for open_quote in ("\"", "\"" + LONG, "x" + "," * 100 + "\""):  # in rows good and too large
            self.problem(self.upload(campaign, f"to_number\n+15550000001\n{open_quote}+15550000002\n"),
                         422, "validation_error")
        self.assertEqual(self.targets(campaign), [])
        for got in self.one.api.get(f"/v1/campaigns/{campaign}/imports")["data"]:
            self.assertEqual((got["status"], got["reason"]), ("failed", "malformed_csv"))
        self.assertEqual(self.it.value("SELECT count(*) FROM import_block"), "0")

    def test_a_header_alone_is_an_import_of_nothing(self):
        campaign = self.one.campaign()["id"]
        got = self.imported(campaign, "to_number")
        self.assertEqual((got["status"], self.counts(got)), ("completed", (0, 0, 0, 0)))

    def test_what_takes_no_import(self):
        recurring = self.one.api.post("/v1/campaigns", {
            "kind": "recurring", "name": "r", "agent_id": self.one.agent,
            "from_number": self.one.e164, "to_number": "+15550000001", "cron": "0 9 * * *"})["id"]
        ended = self.one.campaign(targets=["+15550000001"])["id"]
        self.one.api.post(f"/v1/campaigns/{ended}/cancel")
        good = self.one.campaign()["id"]
        text = "to_number\n+15550000001\n"
        self.problem(self.upload(recurring, text), 409, "campaign_immutable")
        self.problem(self.upload(ended, text), 409, "invalid_state_transition")
        self.problem(self.upload(type_id("cmp"), text), 404, "not_found")
        self.problem(self.upload(good, text, api=self.two.api), 404, "not_found")
        self.problem(self.upload(good, text, headers={"Content-Type": "application/json"}), 415,
                     "unsupported_media_type")
        self.problem(self.upload(good, text, "?region=US"), 422, "validation_error")
        reader = self.client(self.key(self.one.workspace, "read"))
        self.problem(self.upload(good, text, api=reader), 403, "missing_scope")
        mine = self.imported(good, text)["id"]
        for path in ("", "/errors.csv"):
            self.problem(self.two.api.request("GET", f"/v1/imports/{mine}{path}"), 404, "not_found")
            self.problem(self.one.api.request("GET", f"/v1/imports/{type_id('imp')}{path}"), 404,
                         "not_found")
        self.problem(self.two.api.request("GET", f"/v1/campaigns/{good}/imports"), 404, "not_found")

    def test_a_repeated_import_is_made_once(self):
        campaign = self.one.campaign()["id"]
        key = {"Idempotency-Key": "import-1"}
        text = "to_number\n+15550000001\n"
        first = self.upload(campaign, text, headers=key)
        again = self.upload(campaign, text, headers=key)
        self.assertEqual((first.status, again.status), (202, 202), again)
        self.assertEqual(again.headers["Idempotent-Replayed"], "true")
        self.assertEqual(again.json, first.json)
        self.problem(self.upload(campaign, text + "+15550000002\n", headers=key), 422,
                     "idempotency_key_reused")
        self.over(first.json["id"])
        self.assertEqual(len(self.one.api.get(f"/v1/campaigns/{campaign}/imports")["data"]), 1)

    def test_progress_shows_while_the_file_comes(self):
        campaign = self.one.campaign()["id"]
        up = Upload(self.one.api, f"/v1/campaigns/{campaign}/imports")
        up.send("to_number,name\n")
        rows = [f"{number},x\n" for number in belfry.numbers(5000)]
        up.send("".join(rows[:4000]))

        def running():
            data = self.one.api.get(f"/v1/campaigns/{campaign}/imports")["data"]
            return data[0] if data and data[0]["received"] > 0 else None

        got = belfry.wait_until(running, 20, "rows are received")
        self.assertEqual((got["status"], got["inserted"], got["uploaded_at"]), ("running", 0, None))
        self.assertEqual(self.targets(campaign), [])  # nothing of it before the whole is there
        up.send("".join(rows[4000:]))
        answer = up.end()
        self.assertEqual(answer.status, 202, answer)
        self.assertEqual(answer.json["id"], got["id"])
        self.assertEqual(self.counts(self.over(got["id"])), (5000, 5000, 0, 0))
        positions = self.it.value("SELECT count(DISTINCT position) FROM target t JOIN import i ON "
                                  "i.campaign_id = t.campaign_id WHERE i.received = 5000")
        self.assertEqual(positions, "5000")

    def test_an_upload_that_breaks_off_leaves_nothing(self):
        campaign = self.one.campaign()["id"]
        up = Upload(self.one.api, f"/v1/campaigns/{campaign}/imports")
        up.send("to_number\n" + "\n".join(belfry.numbers(6000)) + "\n")

        def listed():
            data = self.one.api.get(f"/v1/campaigns/{campaign}/imports")["data"]
            return data[0]["id"] if data and data[0]["received"] else None

        import_id = belfry.wait_until(listed, 20, "rows are stored")
        up.close()
        got = self.over(import_id)
        self.assertEqual((got["status"], got["reason"], got["inserted"]),
                         ("failed", "interrupted", 0))
        self.assertEqual(self.targets(campaign), [])
        self.assertEqual(self.it.value("SELECT count(*) FROM import_block"), "0")

    def test_a_campaign_that_is_deleted_or_ends_meanwhile(self):
        campaign = self.one.campaign()["id"]
        up = Upload(self.one.api, f"/v1/campaigns/{campaign}/imports")
        up.send("to_number\n+15550000001\n")
        belfry.wait_until(lambda: self.one.api.get(f"/v1/campaigns/{campaign}/imports")["data"], 20,
                          "the import is there")
        self.one.api.delete("/v1/campaigns/" + campaign)
        up.send("+15550000002\n")
        self.problem(up.end(), 404, "not_found")

        campaign = self.one.campaign(targets=["+15550000001"])["id"]
        up = Upload(self.one.api, f"/v1/campaigns/{campaign}/imports")
        up.send("to_number\n+15550000003\n")
        belfry.wait_until(lambda: self.one.api.get(f"/v1/campaigns/{campaign}/imports")["data"], 20,
                          "the import is there")
        self.one.api.post(f"/v1/campaigns/{campaign}/cancel")
        got = self.over(up.end().json["id"])
        self.assertEqual((got["status"], got["reason"], got["inserted"]),
                         ("failed", "campaign_cancelled", 0))

    def test_a_database_that_is_slow_slows_the_client(self):
        campaign = self.one.campaign()["id"]
        locks = Session(self.it)
        self.addCleanup(locks.close)
        up = Upload(self.one.api, f"/v1/campaigns/{campaign}/imports")
        up.send("to_number,note\n+15550000001,x\n")
        got = belfry.wait_until(lambda: self.one.api.get(f"/v1/campaigns/{campaign}/imports")["data"], 20,
                                "the import is there")
        locks.run("BEGIN; LOCK TABLE import_block")
        up.socket.settimeout(2)
        rows, sent = "".join(f"{number},{'n' * 200}\n" for number in belfry.numbers(5000)), 0
        with self.assertRaises(TimeoutError):
            for _ in range(100):  # 100 MB
                up.send(rows)
                sent += len(rows)
        self.assertLess(sent, 30_000_000)
        self.assertLess(self.peak_kb("api-gateway.0"), 64 * 1024)
        locks.run("ROLLBACK")
        up.close()
        self.assertEqual(self.over(got[0]["id"])["reason"], "interrupted")  # other tests count what is left


class LimitsTest(ImportCase):
    options = {"dispatchers": 1, "schedulers": 1, "settings": {"IMPORT_MAX_BYTES": 100_000}}

    def test_a_file_over_the_limit(self):
        campaign = self.one.campaign()["id"]
        text = "to_number\n" + "\n".join(belfry.numbers(10000)) + "\n"
        self.problem(self.upload(campaign, text), 413, "payload_too_large")
        up = Upload(self.one.api, f"/v1/campaigns/{campaign}/imports")
        up.send(text)
        answer = up.answer()
        self.assertEqual((answer.status, answer.json["code"]), (413, "payload_too_large"))
        self.assertEqual(self.targets(campaign), [])
        for got in self.one.api.get(f"/v1/campaigns/{campaign}/imports")["data"]:
            self.assertEqual((got["status"], got["reason"]), ("failed", "payload_too_large"))
        self.assertEqual(self.it.value("SELECT count(*) FROM import_block"), "0")


class OverloadTest(ImportCase):
    def test_too_many_uploads_are_503_and_the_key_stays_free(self):
        campaign = self.one.campaign()["id"]
        path = f"/v1/campaigns/{campaign}/imports"
        ups = [Upload(self.one.api, path) for _ in range(UPLOADS_MAX)]
        for up in ups:
            self.addCleanup(up.close)
            up.send("to_number\n")
        belfry.wait_until(lambda: len(self.one.api.get(path)["data"]) == UPLOADS_MAX, 30, "all began")
        key = {"Idempotency-Key": "k-overload"}
        answer = self.upload(campaign, "to_number\n+15550000001\n", headers=key)
        self.problem(answer, 503, "overloaded")
        self.assertEqual(answer.headers["Retry-After"], "1")
        self.assertEqual(ups[0].end().status, 202)
        answer = belfry.wait_until(
            lambda: (a := self.upload(campaign, "to_number\n+15550000001\n", headers=key)).status
            != 503 and a, 20, "there is room again")
        self.assertEqual(answer.status, 202)
        self.assertNotIn("Idempotent-Replayed", answer.headers)
        self.assertEqual(self.over(answer.json["id"])["inserted"], 1)


class DeadGatewayTest(ImportCase):
    def test_what_a_dead_gateway_leaves_is_carried_on_or_given_up(self):
        whole, part = self.one.campaign()["id"], self.one.campaign()["id"]
        up = Upload(self.one.api, f"/v1/campaigns/{part}/imports")
        up.send("to_number\n" + "\n".join(belfry.numbers(3000)) + "\n")
        belfry.wait_until(lambda: self.it.value("SELECT count(*) FROM import_block") != "0", 20,
                          "a block is stored")
        locks = Session(self.it)
        locks.run("BEGIN; LOCK TABLE target IN SHARE MODE")  # the rows cannot become targets yet
        text = "to_number\n" + "\n".join(belfry.numbers(10000, block=1)) + "\n"
        answer = self.upload(whole, text)
        self.assertEqual(answer.status, 202, answer)
        self.it.kill("KILL", "api-gateway")
        locks.run("ROLLBACK")
        locks.close()
        up.close()
        self.one.api.close()
        self.it.restart("api-gateway")
        self.it.psql("UPDATE import SET updated_at = now() - interval '1 minute'")
        got = self.over(answer.json["id"])
        self.assertEqual((got["status"], self.counts(got)), ("completed", (10000, 10000, 0, 0)))
        given_up = self.over(self.one.api.get(f"/v1/campaigns/{part}/imports")["data"][0]["id"])
        self.assertEqual((given_up["status"], given_up["reason"]), ("failed", "interrupted"))
        self.assertEqual(self.targets(part), [])
        self.assertEqual(self.it.value("SELECT count(*) FROM import_block"), "0")


class RunningTest(ImportCase):
    frozen = False

    def test_a_campaign_waits_for_its_imports(self):
        campaign = self.one.campaign(targets=["+15550000001"], rate_limit_per_minute=60000)["id"]
        up = Upload(self.one.api, f"/v1/campaigns/{campaign}/imports")
        up.send("to_number\n+15550000002\n")
        belfry.wait_until(lambda: self.one.api.get(f"/v1/campaigns/{campaign}/imports")["data"], 20,
                          "the import is there")
        self.one.api.post(f"/v1/campaigns/{campaign}/start")
        belfry.wait_until(lambda: self.one.api.get("/v1/campaigns/" + campaign)["counts"]["pending"]
                          + self.one.api.get("/v1/campaigns/" + campaign)["counts"]["scheduled"]
                          == 0, 60, "the first target is done")
        # One without an import, done after it, is completed: the scheduler has looked at both.
        other = self.one.campaign(targets=["+15550000004"], rate_limit_per_minute=60000)["id"]
        self.one.api.post(f"/v1/campaigns/{other}/start")
        belfry.wait_until(lambda: self.one.api.get("/v1/campaigns/" + other)["status"]
                          == "completed", 60, "the other campaign is completed")
        self.assertEqual(self.one.api.get("/v1/campaigns/" + campaign)["status"], "active")
        up.send("+15550000003\n")
        self.assertEqual(self.over(up.end().json["id"])["inserted"], 2)
        belfry.wait_until(lambda: self.one.api.get("/v1/campaigns/" + campaign)["status"]
                          == "completed", 60, "the campaign is completed")
        self.assertEqual(self.one.api.get("/v1/campaigns/" + campaign)["counts"]["total"], 3)


if __name__ == "__main__":
    import unittest
    unittest.main()
