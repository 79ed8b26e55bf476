"""Previews of schedules, against an independent computation with Python's zoneinfo."""
import datetime
import unittest
import uuid
import zoneinfo

from recurring_case import MINUTE, UTC, RecurringCase, rfc3339


def values(field, low, high):
    """A field of the simple expressions used below."""
    out = set()
    for item in field.split(","):
        item, _, step = item.partition("/")
        first, _, last = item.partition("-")
        if item == "*":
            first, last = low, high
        out.update(range(int(first), int(last or first) + 1, int(step or 1)))
    return out


def local_of(at, zone):
    return at.astimezone(zone).replace(tzinfo=None)


def gap_end(naive, zone):
    """The first valid instant after the gap that a local time falls into, or None."""
    at = naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if local_of(at, zone) == naive:
        return None
    edge = at.replace(second=0) - datetime.timedelta(hours=26)
    while True:
        edge += MINUTE
        before = (edge - MINUTE).astimezone(zone).utcoffset()
        after = edge.astimezone(zone).utcoffset()
        if after > before and local_of(edge, zone) > naive:
            return edge if after - before <= datetime.timedelta(hours=3) else "dropped"


def expected(cron, zone, after, count):
    """The first instants, computed from the definition with Python's zones."""
    minutes, hours, days, months, weekdays = cron.split()
    sets = (values(minutes, 0, 59), values(hours, 0, 23), values(days, 1, 31), values(months, 1, 12),
            values(weekdays, 0, 6))

    def matches(t):
        return (t.minute in sets[0] and t.hour in sets[1] and t.day in sets[2] and t.month in sets[3]
                and t.isoweekday() % 7 in sets[4])

    found = set()
    if "*" in minutes or "*" in hours:
        at = after.replace(second=0, microsecond=0)
        while len(found) < count:
            at += MINUTE
            if matches(local_of(at, zone)):
                found.add(at)
        return sorted(found)
    naive = local_of(after, zone).replace(second=0, microsecond=0) - datetime.timedelta(hours=27)
    while len(found) < count + 5:
        naive += MINUTE
        if not matches(naive):
            continue
        at = gap_end(naive, zone) or naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
        if at != "dropped" and at > after:
            found.add(at)
    return sorted(found)[:count]


class Preview(RecurringCase):
    def ask(self, **body):
        return self.api.post("/v1/schedules/preview", body)

    def test_instants_are_those_of_zoneinfo(self):
        for name, cron, after in (
                ("America/New_York", "30 1,2 * * *", "2025-03-07T12:00:00Z"),
                ("America/New_York", "30 * * * *", "2025-11-02T02:10:00Z"),
                ("America/New_York", "30 1 * * *", "2025-10-30T02:10:00Z"),
                ("Europe/Berlin", "15,45 2 * * 0", "2026-03-01T00:00:00Z"),
                ("Europe/Berlin", "*/30 2,3 * * *", "2026-10-22T00:00:00Z"),
                ("Australia/Lord_Howe", "10 2 * * *", "2025-10-02T00:00:00Z"),
                ("Asia/Kolkata", "0 9 * * 1-5", "2026-01-01T03:30:00Z"),
                ("America/Nuuk", "30 23 * * *", "2026-03-25T00:00:00Z"),
                ("Pacific/Apia", "0 12 * * *", "2011-12-28T00:00:00Z"),
                ("Africa/Casablanca", "30 2 * * *", "2026-02-10T00:00:00Z"),
                ("UTC", "59 23 31 12 *", "2026-06-01T00:00:00Z")):
            zone = zoneinfo.ZoneInfo(name)
            count = 3 if cron.startswith("59") else 24
            answer = self.ask(cron=cron, timezone=name, count=count, after=after)
            instants = expected(cron, zone, datetime.datetime.fromisoformat(
                after.replace("Z", "+00:00")), count)
            self.assertEqual(
                answer["occurrences"],
                [{"at": rfc3339(t), "local": t.astimezone(zone).isoformat()} for t in instants],
                f"{cron} in {name}")
            self.assertEqual((answer["timezone"], answer["warnings"]), (name, []))

    def test_defaults_are_five_from_now_in_the_workspaces_zone(self):
        answer = self.ask(cron="0 9 * * MON-fri")
        self.assertEqual((answer["timezone"], answer["cron"]), ("Asia/Kolkata", "0 9 * * 1-5"))
        self.assertEqual([o["at"] for o in answer["occurrences"]], [rfc3339(t) for t in expected(
            "0 9 * * 1-5", zoneinfo.ZoneInfo("Asia/Kolkata"), datetime.datetime.now(UTC), 5)])
        for o in answer["occurrences"]:
            self.assertTrue(o["local"].endswith("T09:00:00+05:30"), o)
        self.assertEqual(self.ask(cron="0 9 * * 1-5", timezone=None, count=None, after=None), answer)

    def test_an_instant_is_strictly_later_than_after(self):
        body = {"cron": "0 9 * * *", "timezone": "UTC", "count": 1}
        for after, at in (("2026-05-01T09:00:00Z", "2026-05-02T09:00:00.000Z"),
                          ("2026-05-01T08:59:59.999999Z", "2026-05-01T09:00:00.000Z"),
                          ("2026-05-01T11:00:00+02:00", "2026-05-02T09:00:00.000Z"),
                          ("9999-12-31T08:00:00Z", "9999-12-31T09:00:00.000Z")):
            self.assertEqual([o["at"] for o in self.ask(after=after, **body)["occurrences"]], [at])
        self.assertEqual(self.ask(after="9999-12-31T09:00:00Z", **body)["occurrences"], [])

    def test_warnings(self):
        answer = self.ask(cron="0 9 1-7,*/2 * 1", count=1)
        self.assertEqual([(w["code"], w["pointer"]) for w in answer["warnings"]],
                         [("cron_days", "/cron")])
        self.assertEqual(self.ask(cron="0 9 13 * 5", count=1)["warnings"], [])

    def test_every_fault_is_listed_with_its_pointer(self):
        answer = self.api.request("POST", "/v1/schedules/preview", {
            "cron": "0 9 * * 8", "timezone": "Mars", "count": 101, "after": "now", "x": 1})
        self.problem(answer, 422, "validation_error", "/cron", "/timezone", "/count", "/after", "/x")
        for body, code, pointer in (
                ({}, "validation_error", "/cron"), ({"cron": None}, "validation_error", "/cron"),
                ({"cron": "0 0 30 2 *"}, "invalid_cron", "/cron"),
                ({"cron": "* * * * *", "count": 0}, "validation_error", "/count"),
                ({"cron": "* * * * *", "timezone": "EST5EDT,M3"}, "invalid_timezone", "/timezone")):
            answer = self.api.request("POST", "/v1/schedules/preview", body)
            self.problem(answer, 422, code, pointer)

    def test_it_needs_read_and_takes_an_idempotency_key(self):
        reader = self.client(self.key(self.one.workspace, "read"))
        writer = self.client(self.key(self.one.workspace, "write,control,admin"))
        body = {"cron": "* * * * *", "count": 100}
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        self.assertEqual(writer.request("POST", "/v1/schedules/preview", body).status, 403)
        first = reader.request("POST", "/v1/schedules/preview", body, headers)
        self.assertEqual((first.status, len(first.json["occurrences"])), (200, 100))
        again = reader.request("POST", "/v1/schedules/preview", body, headers)
        self.assertEqual((again.body, again.headers["Idempotent-Replayed"]), (first.body, "true"))
        other = reader.request("POST", "/v1/schedules/preview", {**body, "count": 2}, headers)
        self.problem(other, 422, "idempotency_key_reused")


if __name__ == "__main__":
    unittest.main()
