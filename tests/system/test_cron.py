"""Schedules through build/bin/cron-next: the conformance corpus, what the lines may be, other time
zone trees, and a simulated year over all zones with transitions beside Python's zoneinfo."""
import calendar
import datetime
import os
import random
import shutil
import subprocess
import tempfile
import unittest
import zoneinfo

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(os.environ.get("BELFRY_BIN", os.path.join(ROOT, "build/bin")), "cron-next")
CORPUS = os.path.join(ROOT, "proto/vectors/cron_corpus.tsv")
TREE = "/usr/share/zoneinfo"
EPOCH = datetime.datetime(1970, 1, 1)
MINUTE = datetime.timedelta(minutes=1)
GAP_MAX = datetime.timedelta(hours=3)


def run(text, tree=TREE):
    """Exit code, output and errors of cron-next for a text on its standard input."""
    result = subprocess.run([PROGRAM], input=text.encode(), capture_output=True, timeout=120,
                            env={"PATH": "/usr/bin:/bin", "BELFRY_ZONEINFO": tree}, check=False)
    return result.returncode, result.stdout.decode(), result.stderr.decode()


def ask(questions, tree=TREE):
    """The answers to (cron, zone, from, n) in their order."""
    text = "".join("\t".join((str(i), cron.replace("\\", "\\\\").replace("\t", "\\t"), zone, at,
                              str(n))) + "\n"
                   for i, (cron, zone, at, n) in enumerate(questions))
    code, out, errors = run(text, tree)
    if code != 0 or errors:
        raise AssertionError(f"exit code {code}: {errors}")
    answers = [line.split("\t") for line in out.splitlines()]
    if [answer[0] for answer in answers] != [str(i) for i in range(len(questions))]:
        raise AssertionError("one answer per question, in their order")
    return [answer[1] for answer in answers]


def stamp(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def zone_names(tree=TREE):
    with open(os.path.join(tree, "tzdata.zi"), encoding="utf-8") as file:
        lines = [line.split() for line in file]
    return sorted({line[1] for line in lines if line[0] == "Z"} |
                  {line[2] for line in lines if line[0] == "L"})


class CorpusTest(unittest.TestCase):
    def test_each_row_of_the_corpus(self):
        with open(CORPUS, encoding="utf-8") as file:
            rows = [line.rstrip("\n").split("\t") for line in file][1:]
        self.assertEqual(len(rows), 416)
        text = "".join("\t".join((row[0], row[1], row[2], row[3], str(row[4].count(",") + 1)))
                       + "\n" for row in rows)
        code, out, errors = run(text)
        self.assertEqual((code, errors), (0, ""))
        answers = dict(line.split("\t") for line in out.splitlines())
        self.assertEqual(answers, {row[0]: row[4] for row in rows})


class LineTest(unittest.TestCase):
    def test_escapes(self):
        code, out, _ = run("a\t0\\t9 * * *\tUTC\t2026-01-01T00:00:00Z\t1\n"
                           "b\t0 9 * * \\\\*\tUTC\t2026-01-01T00:00:00Z\t1\n"
                           "c\t0 9 * * \\n*\tUTC\t2026-01-01T00:00:00Z\t1")
        self.assertEqual(code, 0)
        self.assertEqual(out, "a\t2026-01-01T09:00:00Z\nb\tINVALID\nc\tINVALID\n")

    def test_lines_of_another_form_are_told(self):
        for line in ("x", "x\t0 9 * * *\tUTC\t2026-01-01T00:00:00Z",
                     "x\t0 9 * * *\tUTC\t2026-01-01T00:00:00Z\t1\t1",
                     "x\t0 9 * * *\tUTC\t2026-01-01T00:00:00Z\t-1",
                     "x\t0 9 * * *\tUTC\t2026-01-01T00:00:00Z\t1000001",
                     "x\t0 9 * * *\tUTC\t2026-01-01T00:00:00Z\tmany",
                     "x\t0 9 * * *\tUTC\t2026-01-01 00:00:00\t1",
                     "x\t0 9 * * *\tUTC\t2026-02-29T00:00:00Z\t1",
                     "x\t0 9 * * *\tUTC\t\t1",
                     "x\t" + "1," * 5000 + "1 9 * * *\tUTC\t2026-01-01T00:00:00Z\t1"):
            code, out, errors = run(line + "\n" + "y\t0 9 * * *\tUTC\t2026-01-01T00:00:00Z\t1\n")
            self.assertEqual((code, out), (1, "x\tINVALID\ny\t2026-01-01T09:00:00Z\n"), line)
            self.assertIn("cron-next: x: ", errors)

    def test_nothing_in_nothing_out(self):
        self.assertEqual(run(""), (0, "", ""))
        self.assertEqual(run("\n\n"), (0, "", ""))

    def test_an_answer_comes_at_once(self):
        with subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              env={"PATH": "/usr/bin:/bin"}) as process:
            try:
                for i in range(3):
                    process.stdin.write(f"{i}\t0 9 * * *\tUTC\t2026-01-01T00:00:00Z\t1\n".encode())
                    process.stdin.flush()
                    self.assertEqual(process.stdout.readline(),
                                     f"{i}\t2026-01-01T09:00:00Z\n".encode())
                process.stdin.close()
                self.assertEqual(process.wait(timeout=10), 0)
            finally:
                process.kill()

    def test_years_at_the_ends(self):
        self.assertEqual(ask([("0 0 1 1 *", "UTC", "0001-01-01T00:00:00Z", 2),
                              ("0 0 1 1 *", "UTC", "1969-06-01T00:00:00Z", 2),
                              ("0 0 29 2 *", "UTC", "1899-06-01T00:00:00Z", 2),
                              ("59 23 31 12 *", "UTC", "9998-12-31T23:58:00Z", 5),
                              ("0 0 * * *", "UTC", "2026-01-01T00:00:00Z", 0)]),
                         ["0002-01-01T00:00:00Z,0003-01-01T00:00:00Z",
                          "1970-01-01T00:00:00Z,1971-01-01T00:00:00Z",
                          "1904-02-29T00:00:00Z,1908-02-29T00:00:00Z",
                          "9998-12-31T23:59:00Z,9999-12-31T23:59:00Z", ""])

    def test_zones_that_are_none(self):
        zones = ("", "europe/berlin", "Europe/Berlin ", "Europe", "Europe/", "../zoneinfo/UTC",
                 "/usr/share/zoneinfo/UTC", "posix/UTC", "right/UTC", "localtime", "posixrules",
                 "CET-1CEST,M3.5.0,M10.5.0/3", "+05:30", "UTC+3", "IST", "PST", "zone.tab", "./UTC")
        self.assertEqual(ask([("0 9 * * *", zone, "2026-01-01T00:00:00Z", 1) for zone in zones]),
                         ["INVALID"] * len(zones))

    def test_every_zone_is_one(self):
        answers = ask([("0 9 * * *", zone, "2026-01-01T00:00:00Z", 1) for zone in zone_names()])
        self.assertGreater(len(answers), 500)
        self.assertNotIn("INVALID", answers)
        self.assertNotIn("NEVER", answers)

    def test_settings(self):
        code, out, errors = run("", "/nonexistent")
        self.assertEqual((code, out), (2, ""))
        self.assertIn("BELFRY_ZONEINFO", errors)
        self.assertEqual(subprocess.run([PROGRAM, "x"], capture_output=True, timeout=10,
                                        check=False).returncode, 2)


class TreeTest(unittest.TestCase):
    """Other trees than the machine's, made by the time zone compiler."""

    def setUp(self):
        self.tree = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.tree)

    def compile(self, source, style):
        path = os.path.join(self.tree, "source")
        with open(path, "w", encoding="utf-8") as file:
            file.write(source)
        zic = shutil.which("zic", path="/usr/sbin:/usr/bin")
        subprocess.run([zic, "-b", style, "-d", self.tree, path], check=True, timeout=60)

    def test_slim_and_fat_files_say_the_same(self):
        with open(os.path.join(TREE, "tzdata.zi"), encoding="utf-8") as file:
            source = file.read()
        questions = [(cron, zone, at, 12) for zone in zone_names()
                     for cron, at in (("30 0-3,23 * * *", "2026-03-25T00:00:00Z"),
                                      ("0 */6 1,15 * *", "2037-06-01T00:00:00Z"),
                                      ("30 2 * * 0", "2050-01-01T00:00:00Z"))]
        answers = {}
        for style in ("slim", "fat"):
            self.compile(source, style)
            answers[style] = ask(questions, self.tree)
        self.assertEqual(answers["slim"], answers["fat"])
        self.assertNotIn("INVALID", answers["slim"])

    def test_another_tree_another_answer(self):
        question = [("0 9 * * *", "Test/Town", "2026-06-30T00:00:00Z", 2)]
        self.compile("Z Test/Town 2 - EET\n", "slim")
        before = ask(question, self.tree)
        self.compile("Z Test/Town 2 - EET 2026 Jul 1\n3 - MSK\n", "slim")
        self.assertEqual(before, ["2026-06-30T07:00:00Z,2026-07-01T07:00:00Z"])
        self.assertEqual(ask(question, self.tree), ["2026-06-30T07:00:00Z,2026-07-01T06:00:00Z"])
        self.assertEqual(ask([("0 9 * * *", "UTC", "2026-06-30T00:00:00Z", 1)], self.tree),
                         ["INVALID"])

    def test_a_damaged_file_is_no_zone(self):
        with open(os.path.join(TREE, "Europe/Berlin"), "rb") as file:
            good = file.read()
        question = [("0 9 * * *", "Town", "2026-06-30T00:00:00Z", 1)]
        for damaged in (good[:1000], good[:900] + bytes(200) + good[1100:], b"TZif",
                        b"TZif" * 200):
            with open(os.path.join(self.tree, "Town"), "wb") as file:
                file.write(damaged)
            self.assertEqual(ask(question, self.tree), ["INVALID"])


class Planner:
    """The rules of docs/schedules.md once more, over Python's zoneinfo: times with one offset in a
    span, and for each schedule its instants in them."""

    def __init__(self, name, begin, days):
        zone = zoneinfo.ZoneInfo(name)
        self.begin, self.end = begin, begin + datetime.timedelta(days=days)
        margin = datetime.timedelta(days=2)
        self.segments = self.split(zone, begin - margin, self.end + margin)

    @staticmethod
    def offset(zone, at):
        return at.replace(tzinfo=datetime.timezone.utc).astimezone(zone).utcoffset()

    @classmethod
    def split(cls, zone, begin, end):
        """[start, end, offset] of the times with one offset, found by halving each day's span."""
        segments = [[begin, end, cls.offset(zone, begin)]]
        hour = datetime.timedelta(hours=1)
        at = begin
        while at < end:
            if cls.offset(zone, at + hour) != segments[-1][2]:
                low, high = at, at + hour
                while high - low > MINUTE:
                    middle = low + (high - low) // 2
                    middle -= datetime.timedelta(seconds=middle.second,
                                                 microseconds=middle.microsecond)
                    if cls.offset(zone, middle) == segments[-1][2]:
                        low = middle
                    else:
                        high = middle
                segments[-1][1] = high
                segments.append([high, end, cls.offset(zone, high)])
            at += hour
        return segments

    def instant_of(self, local):
        """The instant of a fixed local time; None when it is dropped."""
        before = None
        for start, end, offset in self.segments:
            if before is not None and start + before <= local < start + offset:
                return start if offset - before <= GAP_MAX else None
            if start <= local - offset < end:
                return local - offset
            before = offset
        return None

    def fixed(self, schedule):
        day = self.begin.date() - datetime.timedelta(days=2)
        while day <= self.end.date() + datetime.timedelta(days=2):
            if schedule.has_date(day):
                for hour in sorted(schedule.hours):
                    for minute in sorted(schedule.minutes):
                        at = self.instant_of(datetime.datetime(day.year, day.month, day.day, hour,
                                                               minute))
                        if at is not None:
                            yield at
            day += datetime.timedelta(days=1)

    def interval(self, schedule):
        for start, end, offset in self.segments:
            at = start
            while at < end:
                local = at + offset
                if not schedule.has_date(local.date()):
                    at += datetime.datetime.combine(
                        local.date() + datetime.timedelta(days=1), datetime.time()) - local
                    continue
                if local.hour not in schedule.hours:
                    at += MINUTE * (60 - local.minute)
                    continue
                if local.minute in schedule.minutes:
                    yield at
                at += MINUTE

    def instants(self, schedule):
        found = self.interval(schedule) if schedule.is_interval else self.fixed(schedule)
        return sorted({at for at in found if self.begin < at < self.end})


class Schedule:
    """A cron expression out of its parts; what the sets are is not read from the text."""

    def __init__(self, minute, hour, day, month, weekday):
        self.text = " ".join(part[0] for part in (minute, hour, day, month, weekday))
        self.minutes, self.hours = set(minute[1]), set(hour[1])
        self.days, self.months, self.weekdays = set(day[1]), set(month[1]), set(weekday[1])
        self.is_interval = "*" in minute[0] or "*" in hour[0]
        self.either = day[0] != "*" and weekday[0] != "*"

    def has_date(self, date):
        if date.month not in self.months:
            return False
        by_day, by_weekday = date.day in self.days, date.isoweekday() % 7 in self.weekdays
        return by_day or by_weekday if self.either else by_day and by_weekday


MINUTES = (("0", [0]), ("30", [30]), ("0,30", [0, 30]), ("15,45", [15, 45]), ("59", [59]),
           ("1-3", [1, 2, 3]))
STAR_MINUTES = (("*/20", range(0, 60, 20)), ("*/45", [0, 45]), ("*", range(60)))
HOURS = (("2", [2]), ("1", [1]), ("0", [0]), ("23", [23]), ("0-3", range(4)), ("2,3", [2, 3]),
         ("9", [9]), ("0-23", range(24)), ("1-23/2", range(1, 24, 2)))
STAR_HOURS = (("*", range(24)), ("*/2", range(0, 24, 2)), ("*/7", [0, 7, 14, 21]))
DAYS = (("*", range(1, 32)), ("*", range(1, 32)), ("31", [31]), ("25-31", range(25, 32)),
        ("*/2", range(1, 32, 2)), ("1,15", [1, 15]))
MONTHS = (("*", range(1, 13)), ("*", range(1, 13)), ("mar,OCT,11", [3, 10, 11]),
          ("3-11/2", range(3, 12, 2)))
WEEKDAYS = (("*", range(7)), ("*", range(7)), ("sun", [0]), ("6,7", [6, 0]),
            ("Mon-Fri", range(1, 6)), ("5-7", [5, 6, 0]))


def random_schedules(random_of, count):
    made = []
    for i in range(count):
        is_interval = i % 3 == 0
        minute = random_of.choice(STAR_MINUTES[:2] if is_interval else MINUTES)
        hour = random_of.choice(STAR_HOURS if is_interval else HOURS)
        made.append(Schedule(minute, hour, random_of.choice(DAYS), random_of.choice(MONTHS),
                             random_of.choice(WEEKDAYS)))
    return made


class YearTest(unittest.TestCase):
    """All zones in which the clock changes in a year, planned from its first to its last minute, by
    cron-next and by the planner above."""

    def compare(self, year, seed, per_zone):
        begin, days = datetime.datetime(year, 1, 1), 366 if calendar.isleap(year) else 365
        random_of, seen, questions, expected = random.Random(seed), set(), [], []
        for name in zone_names():
            zone = zoneinfo.ZoneInfo(name)
            offsets = tuple(Planner.offset(zone, begin + datetime.timedelta(days=day))
                            for day in range(0, days + 1))
            if len(set(offsets)) == 1 or offsets in seen:
                continue  # the same year as another zone's
            seen.add(offsets)
            planner = Planner(name, begin, days)
            for schedule in random_schedules(random_of, per_zone):
                instants = planner.instants(schedule)
                questions.append((schedule.text, name, stamp(begin), len(instants) + 1))
                expected.append((instants, planner.end))
        self.assertGreater(len(seen), 20)
        for question, answer, (instants, end) in zip(questions, ask(questions), expected):
            got = [] if answer == "NEVER" else answer.split(",")
            self.assertEqual(got[:len(instants)], [stamp(at) for at in instants], question)
            if len(got) > len(instants):
                self.assertGreaterEqual(got[-1], stamp(end), question)
        return len(questions)

    def test_a_year_of_now(self):
        self.assertGreater(self.compare(2026, 1, 8), 200)

    def test_a_year_of_the_footer(self):
        self.assertGreater(self.compare(2052, 2, 5), 100)

    def test_the_year_in_which_a_day_was_skipped(self):
        self.assertGreater(self.compare(2011, 3, 5), 100)


if __name__ == "__main__":
    unittest.main()
