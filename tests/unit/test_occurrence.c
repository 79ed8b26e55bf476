/* Occurrences: the written answers about gaps, folds and far years, their keys, and a model that goes
 * through each minute around the transitions of all zones. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timefmt.h"
#include "domain/occurrence.h"
#include "sys/zoneinfo.h"

#define TREE "/usr/share/zoneinfo"

static struct zone *load(const char *name)
{
	char *bytes = NULL;
	size_t n = 0;
	struct zone *z = NULL;
	CHECK(!is_err(zoneinfo_read(TREE, str_from(name), &bytes, &n)), "%s", name);
	CHECK(!is_err(zone_read((struct str){ bytes, n }, &z)), "%s", name);
	free(bytes);
	return z;
}

static struct cron parsed(const char *text)
{
	struct cron c = { .stars = 0 };
	struct cron_fault fault;
	CHECK(!is_err(cron_parse(str_from(text), &c, &fault)), "%s", text);
	return c;
}

static usec_t at(const char *instant)
{
	usec_t us = 0;
	CHECK(!is_err(timefmt_parse(str_from(instant), &us)), "%s", instant);
	return us;
}

/* --- by hand -------------------------------------------------------------------------------- */

static const struct row {
	const char *cron, *zone, *from;
	const char *instants; /* separated by blanks, to the minute */
	const char *keys;
} rows[] = {
	/* a gap: 02:30 does not exist, and 02:00 and 02:30 fall on one instant with 03:00 */
	{ "30 2 * * *", "America/New_York", "2025-03-08T08:00:00Z",
	  "2025-03-09T07:00 2025-03-10T06:30", "L2025-03-09T02:30 L2025-03-10T02:30" },
	{ "0,30 2,3 * * *", "America/New_York", "2025-03-09T05:00:00Z",
	  "2025-03-09T07:00 2025-03-09T07:30 2025-03-10T06:00",
	  "L2025-03-09T02:00 L2025-03-09T03:30 L2025-03-10T02:00" },
	{ "0 3 * * *", "America/New_York", "2025-03-09T05:00:00Z", "2025-03-09T07:00",
	  "L2025-03-09T03:00" },
	{ "30 2 * * *", "America/New_York", "2025-03-09T06:59:59Z", "2025-03-09T07:00",
	  "L2025-03-09T02:30" },
	{ "30 2 * * *", "America/New_York", "2025-03-09T07:00:00Z", "2025-03-10T06:30",
	  "L2025-03-10T02:30" },
	{ "*/30 * * * *", "America/New_York", "2025-03-09T06:30:00Z",
	  "2025-03-09T07:00 2025-03-09T07:30", "U2025-03-09T07:00Z U2025-03-09T07:30Z" },
	{ "30 */2 * * *", "America/New_York", "2025-03-09T05:30:00Z", "2025-03-09T08:30",
	  "U2025-03-09T08:30Z" },
	/* a fold: fixed times once, intervals in both passes */
	{ "30 1 * * *", "America/New_York", "2025-11-02T04:00:00Z",
	  "2025-11-02T05:30 2025-11-03T06:30", "L2025-11-02T01:30 L2025-11-03T01:30" },
	{ "30 1 * * *", "America/New_York", "2025-11-02T06:00:00Z", "2025-11-03T06:30",
	  "L2025-11-03T01:30" },
	{ "0 2 * * *", "America/New_York", "2025-11-02T05:00:00Z", "2025-11-02T07:00",
	  "L2025-11-02T02:00" },
	{ "30 * * * *", "America/New_York", "2025-11-02T05:00:00Z",
	  "2025-11-02T05:30 2025-11-02T06:30 2025-11-02T07:30",
	  "U2025-11-02T05:30Z U2025-11-02T06:30Z U2025-11-02T07:30Z" },
	{ "30 0-23 * * *", "America/New_York", "2025-11-02T05:00:00Z",
	  "2025-11-02T05:30 2025-11-02T07:30", "L2025-11-02T01:30 L2025-11-02T02:30" },
	/* Nuuk skips the last hour of a Saturday: on the next local date */
	{ "30 23 * * *", "America/Nuuk", "2025-03-29T12:00:00Z",
	  "2025-03-30T01:00 2025-03-31T00:30", "L2025-03-29T23:30 L2025-03-30T23:30" },
	{ "30 23 * * 6", "America/Nuuk", "2025-03-29T12:00:00Z",
	  "2025-03-30T01:00 2025-04-06T00:30", "L2025-03-29T23:30 L2025-04-05T23:30" },
	{ "30 23 * * 0", "America/Nuuk", "2025-03-29T12:00:00Z", "2025-03-31T00:30",
	  "L2025-03-30T23:30" },
	/* Apia had no December 30 in 2011: dropped, not made up for */
	{ "0 9 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", "2011-12-29T19:00 2011-12-30T19:00",
	  "L2011-12-29T09:00 L2011-12-31T09:00" },
	{ "0 9 30 12 *", "Pacific/Apia", "2011-12-29T00:00:00Z", "2012-12-29T19:00",
	  "L2012-12-30T09:00" },
	{ "0 0 31 12 *", "Pacific/Apia", "2011-12-29T00:00:00Z", "2011-12-30T10:00",
	  "L2011-12-31T00:00" },
	{ "59 * * * *", "Pacific/Apia", "2011-12-30T09:00:00Z", "2011-12-30T09:59 2011-12-30T10:59",
	  "U2011-12-30T09:59Z U2011-12-30T10:59Z" },
	/* Lord Howe moves by half an hour */
	{ "15 2 * * *", "Australia/Lord_Howe", "2024-10-05T00:00:00Z",
	  "2024-10-05T15:30 2024-10-06T15:15", "L2024-10-06T02:15 L2024-10-07T02:15" },
	{ "45 1 * * *", "Australia/Lord_Howe", "2025-04-05T00:00:00Z",
	  "2025-04-05T14:45 2025-04-06T15:15", "L2025-04-06T01:45 L2025-04-07T01:45" },
	{ "45 * * * *", "Australia/Lord_Howe", "2025-04-05T14:00:00Z",
	  "2025-04-05T14:45 2025-04-05T15:15 2025-04-05T16:15",
	  "U2025-04-05T14:45Z U2025-04-05T15:15Z U2025-04-05T16:15Z" },
	/* Troll moves by two hours, three would still count as a gap */
	{ "0,30 1,2 * * *", "Antarctica/Troll", "2025-03-30T00:00:00Z",
	  "2025-03-30T01:00 2025-03-30T23:00", "L2025-03-30T01:00 L2025-03-31T01:00" },
	/* Dublin's rule has the winter as its DST; here far beyond the table of its file */
	{ "30 1 * * *", "Europe/Dublin", "2050-03-26T12:00:00Z",
	  "2050-03-27T01:00 2050-03-28T00:30", "L2050-03-27T01:30 L2050-03-28T01:30" },
	{ "30 1 * * *", "Europe/Dublin", "2050-10-29T12:00:00Z",
	  "2050-10-30T00:30 2050-10-31T01:30", "L2050-10-30T01:30 L2050-10-31T01:30" },
	{ "0 9 * * *", "Europe/Dublin", "2150-07-01T00:00:00Z", "2150-07-01T08:00",
	  "L2150-07-01T09:00" },
	/* Casablanca goes back for Ramadan */
	{ "30 2 * * *", "Africa/Casablanca", "2026-02-14T12:00:00Z",
	  "2026-02-15T01:30 2026-02-16T02:30", "L2026-02-15T02:30 L2026-02-16T02:30" },
	{ "30 2 * * *", "Africa/Casablanca", "2026-03-21T12:00:00Z",
	  "2026-03-22T02:00 2026-03-23T01:30", "L2026-03-22T02:30 L2026-03-23T02:30" },
	/* the calendar */
	{ "0 0 29 2 *", "UTC", "2096-03-01T00:00:00Z", "2104-02-29T00:00 2108-02-29T00:00",
	  "L2104-02-29T00:00 L2108-02-29T00:00" },
	{ "0 9 13 * 5", "Asia/Kolkata", "2026-02-12T00:00:00Z",
	  "2026-02-13T03:30 2026-02-20T03:30 2026-02-27T03:30 2026-03-06T03:30 2026-03-13T03:30",
	  "L2026-02-13T09:00 L2026-02-20T09:00 L2026-02-27T09:00 L2026-03-06T09:00 "
	  "L2026-03-13T09:00" },
	{ "59 23 31 12 *", "UTC", "9998-12-31T23:59:00Z", "9999-12-31T23:59 -",
	  "L9999-12-31T23:59" },
	{ "59 23 31 12 *", "UTC", "9999-12-31T23:59:00Z", "-", "" },
	/* later than, to the microsecond */
	{ "0 9 * * *", "UTC", "2026-01-01T08:59:59.999999Z", "2026-01-01T09:00",
	  "L2026-01-01T09:00" },
	{ "0 9 * * *", "UTC", "2026-01-01T09:00:00.000001Z", "2026-01-02T09:00",
	  "L2026-01-02T09:00" },
	{ "* * * * *", "UTC", "2026-01-01T09:00:00Z", "2026-01-01T09:01", "U2026-01-01T09:01Z" },
	{ "0 0 30 2 *", "UTC", "2026-01-01T09:00:00Z", "-", "" },
};

static void check_row(const struct row *row, size_t i)
{
	struct cron c = parsed(row->cron);
	struct zone *z = load(row->zone);
	struct str instants = str_from(row->instants), keys = str_from(row->keys), instant, key;
	struct occurrence o = { .at = at(row->from) };

	while (instants.n > 0) {
		char text[TIMEFMT_SIZE], found[OCCURRENCE_KEY_SIZE];
		(void)str_split(instants, ' ', &instant, &instants);
		(void)str_split(keys, ' ', &key, &keys);
		bool ok = occurrence_next(&c, z, o.at, &o);
		CHECK(ok == !str_eq(instant, STR("-")), "row %zu", i);
		if (!ok)
			break;
		timefmt_rfc3339(o.at, text);
		CHECK(str_starts(str_from(text), instant) && strcmp(text + 16, ":00.000Z") == 0,
		      "row %zu: %s", i, text);
		occurrence_key(&o, found);
		CHECK(str_eq(str_from(found), key), "row %zu: %s", i, found);
	}
	zone_free(z);
}

static void gaps_folds_and_years_have_their_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(&rows[i], i);
}

static void time_begins_and_ends(void **state)
{
	struct cron each = parsed("* * * * *"), fixed = parsed("0 0 1 1 *");
	struct zone *z = load("UTC");
	struct occurrence o;
	char key[OCCURRENCE_KEY_SIZE];

	(void)state;
	assert_true(occurrence_next(&each, z, INT64_MIN, &o));
	occurrence_key(&o, key);
	assert_string_equal(key, "U0001-01-01T00:00Z");
	assert_true(occurrence_next(&fixed, z, o.at, &o));
	occurrence_key(&o, key);
	assert_string_equal(key, "L0002-01-01T00:00");
	assert_false(occurrence_next(&each, z, INT64_MAX, &o));
	zone_free(z);
}

/* Monrovia's offset was 44 minutes and 30 seconds until 1972: a local minute begins at such a second,
 * and the key of an interval keeps its minute. */
static void offsets_may_have_seconds(void **state)
{
	struct cron fixed = parsed("0 9 * * *"), each = parsed("*/30 * * * *");
	struct cron skipped = parsed("30 0 * * *");
	struct zone *z = load("Africa/Monrovia");
	struct occurrence o;
	char key[OCCURRENCE_KEY_SIZE];

	(void)state;
	assert_true(occurrence_next(&fixed, z, at("1971-05-05T00:00:00Z"), &o));
	assert_int_equal(o.at, at("1971-05-05T09:44:30Z"));
	occurrence_key(&o, key);
	assert_string_equal(key, "L1971-05-05T09:00");
	assert_true(occurrence_next(&each, z, at("1971-05-05T00:00:00Z"), &o));
	assert_int_equal(o.at, at("1971-05-05T00:14:30Z"));
	occurrence_key(&o, key);
	assert_string_equal(key, "U1971-05-05T00:14Z");
	/* from 00:00:00 straight to 00:44:30 */
	assert_true(occurrence_next(&skipped, z, at("1972-01-06T12:00:00Z"), &o));
	assert_int_equal(o.at, at("1972-01-07T00:44:30Z"));
	occurrence_key(&o, key);
	assert_string_equal(key, "L1972-01-07T00:30");
	zone_free(z);
}

/* --- a model -------------------------------------------------------------------------------- */

#define MODEL_DAYS 6
#define MODEL_MINUTES (MODEL_DAYS * 1440)
#define LOCAL_MARGIN 2880
#define LOCAL_MINUTES (MODEL_MINUTES + 2 * LOCAL_MARGIN)
#define GAP_MAX_MIN 180

/* What schedules.md says, minute by minute: from `begin` on, UTC minutes since 1970. */
struct model {
	int64_t begin;
	int64_t local[MODEL_MINUTES]; /* the local minute of each */
	int16_t first[LOCAL_MINUTES]; /* the first that has this local minute; -1: none */
	int64_t fires[MODEL_MINUTES]; /* the nominal minute, or -1 */
};

static int64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (int64_t)(*state >> 2);
}

static bool matches(const struct cron *c, int64_t local_min)
{
	int year, month, day;
	int64_t days = local_min / 1440;
	int minute = (int)(local_min % 1440);

	date_from_days(days, &year, &month, &day);
	int weekday = (int)((days + 4) % 7);
	bool is_day = (c->set[CRON_DAY] >> day & 1) != 0;
	bool is_weekday = (c->set[CRON_WEEKDAY] >> weekday & 1) != 0;
	bool is_date = c->is_day_restricted && c->is_weekday_restricted ? is_day || is_weekday
									: is_day && is_weekday;
	return is_date && (c->set[CRON_MONTH] >> month & 1) != 0 &&
	       (c->set[CRON_HOUR] >> (minute / 60) & 1) != 0 &&
	       (c->set[CRON_MINUTE] >> (minute % 60) & 1) != 0;
}

static void model_clock(struct model *m, const struct zone *z, int64_t begin)
{
	int64_t origin = begin - LOCAL_MARGIN;

	m->begin = begin;
	for (int i = 0; i < LOCAL_MINUTES; i++)
		m->first[i] = -1;
	for (int i = 0; i < MODEL_MINUTES; i++) {
		usec_t instant = (begin + i) * 60 * USEC_PER_SEC;
		m->local[i] = begin + i + zone_offset_s(z, instant) / 60;
		int16_t *first = &m->first[m->local[i] - origin];
		if (*first < 0)
			*first = (int16_t)i;
	}
}

static void fire(struct model *m, int i, int64_t nominal)
{
	if (m->fires[i] < 0 || nominal < m->fires[i])
		m->fires[i] = nominal;
}

static void model_schedule(struct model *m, const struct cron *c)
{
	int64_t origin = m->begin - LOCAL_MARGIN;

	for (int i = 0; i < MODEL_MINUTES; i++)
		m->fires[i] = -1;
	for (int i = 0; i < MODEL_MINUTES; i++) {
		int64_t local = m->local[i];
		if (c->is_interval) {
			if (matches(c, local))
				fire(m, i, m->begin + i);
			continue;
		}
		if (m->first[local - origin] == i && matches(c, local))
			fire(m, i, local);
		if (i == 0 || local - m->local[i - 1] - 1 > GAP_MAX_MIN)
			continue;
		for (int64_t skipped = m->local[i - 1] + 1; skipped < local; skipped++)
			if (m->first[skipped - origin] < 0 && matches(c, skipped))
				fire(m, i, skipped);
	}
}

/* All occurrences of the model's middle days, in order. */
static int compare(const struct model *m, const struct cron *c, const struct zone *z,
		   const char *what)
{
	int64_t from = m->begin + 1440 * 2, to = m->begin + 1440 * 4;
	struct occurrence o = { .at = from * 60 * USEC_PER_SEC - 1 };
	int found = 0;

	for (int64_t t = from; t < to; t++) {
		if (m->fires[t - m->begin] < 0)
			continue;
		CHECK(occurrence_next(c, z, o.at, &o), "%s", what);
		CHECK(o.at == t * 60 * USEC_PER_SEC, "%s: minute %" PRId64 ", not %" PRId64, what,
		      o.at / USEC_PER_SEC / 60, t);
		CHECK(o.nominal_min == m->fires[t - m->begin], "%s at %" PRId64, what, t);
		CHECK(o.is_interval == c->is_interval, "%s", what);
		found++;
	}
	CHECK(!occurrence_next(c, z, o.at, &o) || o.at >= to * 60 * USEC_PER_SEC, "%s", what);
	return found;
}

static const char *const zones[] = {
	"Africa/Cairo",     "Africa/Casablanca",  "Africa/El_Aaiun",   "America/Anchorage",
	"America/Asuncion", "America/Caracas",    "America/Havana",    "America/New_York",
	"America/Nuuk",     "America/Santiago",   "America/Sao_Paulo", "America/Scoresbysund",
	"America/St_Johns", "Antarctica/Casey",   "Antarctica/Troll",  "Antarctica/Vostok",
	"Asia/Amman",       "Asia/Beirut",        "Asia/Gaza",         "Asia/Kathmandu",
	"Asia/Pyongyang",   "Asia/Tehran",        "Atlantic/Azores",   "Australia/Lord_Howe",
	"Australia/Sydney", "Europe/Berlin",      "Europe/Dublin",     "Europe/Istanbul",
	"Europe/London",    "Europe/Moscow",      "Europe/Volgograd",  "Kwajalein",
	"Pacific/Apia",     "Pacific/Chatham",    "Pacific/Easter",    "Pacific/Enderbury",
	"Pacific/Fakaofo",  "Pacific/Kiritimati", "Pacific/Norfolk",   "Pacific/Tongatapu",
};

/* Mostly a few times of day around the small hours, on most days, so that transitions are hit. */
static void random_expression(uint64_t *seed, char *out, size_t size)
{
	static const char *const minutes[] = { "0",  "30",   "0,30",    "15,45", "1",
					       "59", "*/20", "5-55/10", "*",     "7" };
	static const char *const hours[] = { "0",   "1",     "2", "3",   "23",   "0-3",  "1,2",
					     "2,3", "22-23", "*", "*/2", "0-23", "0,23", "9" };
	static const char *const days[] = { "* * *",     "* * *",     "* * *",     "* * 0,6",
					    "*/2 * *",   "1-7 * 0",   "25-31 * *", "* 3,4,10,11 *",
					    "*/3 * 0-3", "1,15 * */2" };

	(void)snprintf(out, size, "%s %s %s",
		       minutes[next_random(seed) % (int64_t)ARRAY_LEN(minutes)],
		       hours[next_random(seed) % (int64_t)ARRAY_LEN(hours)],
		       days[next_random(seed) % (int64_t)ARRAY_LEN(days)]);
}

/* The transitions from 1972 (offsets are whole minutes since) to 2060, and as many plain days. */
static void compare_zone(const char *name, uint64_t *seed, struct model *m, int *found)
{
	struct zone *z = load(name);
	struct zone_segment s;

	zone_segment_at(z, date_to_days(1972, 2, 1) * 86400, &s);
	for (int i = 0; s.end_s < date_to_days(2060, 1, 1) * 86400; i++) {
		int64_t t = s.end_s / 60;
		zone_segment_at(z, s.end_s, &s);
		if (i % 2 != 0 && next_random(seed) % 3 == 0)
			t = date_to_days(1980, 1, 1) * 1440 + next_random(seed) % (80 * 525960);
		model_clock(m, z, t - MODEL_MINUTES / 2 + next_random(seed) % 1440 - 720);
		for (int k = 0; k < 6; k++) {
			char text[64], what[160];
			random_expression(seed, text, sizeof(text));
			struct cron c = parsed(text);
			(void)snprintf(what, sizeof(what), "%s in %s around minute %" PRId64, text,
				       name, t);
			model_schedule(m, &c);
			*found += compare(m, &c, z, what);
		}
	}
	zone_free(z);
}

static void occurrences_are_those_of_a_walk_through_all_minutes(void **state)
{
	uint64_t seed = 0xbe1f;
	struct model *m = malloc(sizeof(*m));
	int found = 0;

	(void)state;
	assert_non_null(m);
	for (size_t i = 0; i < ARRAY_LEN(zones); i++)
		compare_zone(zones[i], &seed, m, &found);
	free(m);
	assert_true(found > 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gaps_folds_and_years_have_their_answers),
		cmocka_unit_test(time_begins_and_ends),
		cmocka_unit_test(offsets_may_have_seconds),
		cmocka_unit_test(occurrences_are_those_of_a_walk_through_all_minutes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
