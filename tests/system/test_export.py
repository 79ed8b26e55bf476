"""Exports: every target once, whatever the client's pace; no formula for a spreadsheet."""
import csv
import io
import json
import socket

import belfry
from api_case import ApiCase, type_id

COLUMNS = ["id", "to_number", "name", "external_id", "timezone", "status", "outcome", "attempts",
           "scheduled_call_id", "next_attempt_at", "created_at", "updated_at", "variables"]


class ExportTest(ApiCase):
    def export(self, campaign, query="", api=None):
        return (api or self.one.api).request("GET", f"/v1/campaigns/{campaign}/export.csv{query}")

    def rows(self, campaign, query=""):
        answer = self.export(campaign, query)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.headers["Content-Type"], "text/csv; charset=utf-8")
        self.assertEqual(answer.headers["Content-Disposition"],
                         'attachment; filename="targets.csv"')
        self.assertTrue(answer.headers["X-Request-Id"])
        reader = csv.DictReader(io.StringIO(answer.body.decode(), newline=""))
        rows = list(reader)
        self.assertEqual(reader.fieldnames, COLUMNS)
        return rows

    def test_targets_are_shown_as_the_api_shows_them(self):
        targets = [{"to_number": "+15550000001", "name": "Ada, \"A\"\nL", "external_id": "crm-1",
                    "timezone": "Europe/Paris", "variables": {"k": "Ünï", "n": [1, None]}},
                   "+15550000002"]
        campaign = self.one.campaign(targets=targets)["id"]
        shown = sorted(self.one.api.get(f"/v1/campaigns/{campaign}/targets")["data"],
                       key=lambda t: t["to_number"])
        rows = self.rows(campaign)
        self.assertEqual(len(rows), 2)
        for row, target in zip(rows, shown):
            for column in COLUMNS[:-1]:
                value = target[column]
                self.assertEqual(row[column], "" if value is None else str(value), column)
            self.assertEqual(json.loads(row["variables"]), target["variables"])

    def test_cells_are_no_formulas(self):
        evil = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "fine"]
        campaign = self.one.campaign(targets=[
            {"to_number": f"+1555000000{n}", "name": text, "external_id": text}
            for n, text in enumerate(evil)])["id"]
        rows = self.rows(campaign)
        self.assertEqual([row["name"] for row in rows], ["'" + t for t in evil[:-1]] + ["fine"])
        self.assertEqual([row["external_id"] for row in rows], [row["name"] for row in rows])
        self.assertEqual([row["to_number"] for row in rows],
                         [f"+1555000000{n}" for n in range(len(evil))])

    def test_all_pages_in_order_and_filters(self):
        campaign = self.one.campaign()["id"]
        numbers = belfry.numbers(2500)
        self.one.api.post(f"/v1/campaigns/{campaign}/targets", {"targets": numbers})
        self.assertEqual([row["to_number"] for row in self.rows(campaign)], numbers)
        some = self.one.api.get(f"/v1/campaigns/{campaign}/targets?limit=3")["data"]
        self.one.api.post(f"/v1/campaigns/{campaign}/targets/skip", {"ids": [t["id"] for t in some]})
        self.assertEqual({row["id"] for row in self.rows(campaign, "?status=skipped")},
                         {t["id"] for t in some})
        self.assertEqual(len(self.rows(campaign, "?status=pending")), 2497)
        self.assertEqual(self.rows(campaign, "?outcome=busy"), [])
        self.problem(self.export(campaign, "?status=late"), 422, "validation_error", "status")
        self.problem(self.export(campaign, "?cursor=x"), 422, "validation_error")

    def test_an_export_comes_back_as_an_import(self):
        campaign, copy = self.one.campaign(targets=["+15550000001"])["id"], self.one.campaign()["id"]
        body = self.export(campaign).body
        answer = self.one.api.request("POST", f"/v1/campaigns/{copy}/imports", body,
                                      {"Content-Type": "text/csv"})
        self.assertEqual(answer.status, 202, answer)

        def done():
            got = self.one.api.get("/v1/imports/" + answer.json["id"])
            return got if got["status"] == "completed" else None
        self.assertEqual(belfry.wait_until(done, 30, "imported")["inserted"], 1)

    def test_what_is_not_there(self):
        campaign = self.one.campaign()["id"]
        self.assertEqual(self.rows(campaign), [])
        self.problem(self.export(campaign, api=self.two.api), 404, "not_found")
        self.problem(self.export(type_id("cmp")), 404, "not_found")
        head = self.one.api.request("HEAD", f"/v1/campaigns/{campaign}/export.csv")
        self.assertEqual((head.status, head.body), (200, b""))

    def test_a_reader_that_stalls_holds_nothing(self):
        campaign = self.one.campaign()["id"]
        for block in range(5):
            self.one.api.post(f"/v1/campaigns/{campaign}/targets", {"targets": [
                {"to_number": n, "variables": {"note": "x" * 500}}
                for n in belfry.numbers(10000, block=block)]})
        stalled = []
        for _ in range(4):
            peer = socket.socket()
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.connect((self.one.api.host, self.one.api.port))
            peer.sendall((f"GET /v1/campaigns/{campaign}/export.csv HTTP/1.1\r\nHost: x\r\n"
                          f"Authorization: Bearer {self.one.api.key}\r\n\r\n").encode())
            self.addCleanup(peer.close)
            stalled.append(peer)

        def busy():
            return self.it.value("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE "
                                 "'api-gateway%' AND (state <> 'idle' OR backend_xmin IS NOT NULL)")

        # once they have filled every buffer between
        belfry.wait_until(lambda: [busy() for _ in range(5)] == ["0"] * 5, 30, "all stand still")
        self.assertEqual(len(self.rows(campaign)), 50000)
        self.assertLess(self.peak_kb("api-gateway.0"), 64 * 1024)


if __name__ == "__main__":
    import unittest
    unittest.main()
