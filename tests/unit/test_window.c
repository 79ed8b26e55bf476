/* Calling windows: their edges on days when clocks change, dates without calls, and the answers
 * beside a walk through each minute. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timefmt.h"
#include "domain/window.h"
#include "sys/zoneinfo.h"

#define TREE "/usr/share/zoneinfo"
#define DAY_US (86400 * USEC_PER_SEC)
#define MINUTE_US (60 * USEC_PER_SEC)
#define HM(h, m) ((int16_t)((h)*60 + (m)))

enum { SUN = 1, MON = 2, TUE = 4, WED = 8, THU = 16, FRI = 32, SAT = 64, ALL = 127 };

static struct zone *load(const char *name)
{
	char *bytes = NULL;
	size_t n = 0;
	struct zone *z = NULL;

	assert_ok(zoneinfo_read(TREE, str_from(name), &bytes, &n));
	assert_ok(zone_read((struct str){ bytes, n }, &z));
	free(bytes);
	return z;
}

static usec_t instant(const char *text)
{
	usec_t at = 0;
	assert_ok(timefmt_parse(str_from(text), &at));
	return at;
}

static struct window one_span(unsigned days, int16_t start_min, int16_t end_min)
{
	return (struct window){ .n_spans = 1, .spans = { { (uint8_t)days, start_min, end_min } } };
}

static void check_state(const struct window *w, const struct zone *z, const char *at, bool is_open,
			const char *until)
{
	char text[TIMEFMT_SIZE];
	struct window_state s = window_at(w, z, instant(at));

	timefmt_rfc3339(s.until, text);
	CHECK(s.is_open == is_open, "%s", at);
	CHECK(s.until == instant(until), "%s: until %s, not %s", at, text, until);
}

/* Closed just before the first instant, open from it to just before the second. */
static void check_opening(const struct window *w, const struct zone *z, const char *from,
			  const char *to)
{
	usec_t from_at = instant(from), to_at = instant(to);
	const usec_t at[] = { from_at - 1, from_at, to_at - 1, to_at };
	const bool is_open[] = { false, true, true, false };
	const usec_t until[] = { from_at, to_at, to_at };

	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		struct window_state s = window_at(w, z, at[i]);
		CHECK(s.is_open == is_open[i], "%s %s: %zu", from, to, i);
		if (i < ARRAY_LEN(until))
			CHECK(s.until == until[i], "%s %s: %zu", from, to, i);
	}
}

static void an_office_day_has_two_edges(void **state)
{
	static const struct {
		const char *zone, *from, *to;
	} rows[] = {
		{ "UTC", "2026-03-02T09:00:00Z", "2026-03-02T17:30:00Z" },
		{ "America/New_York", "2026-03-02T14:00:00Z", "2026-03-02T22:30:00Z" },
		{ "America/New_York", "2026-03-09T13:00:00Z", "2026-03-09T21:30:00Z" },
		{ "Asia/Kathmandu", "2026-03-02T03:15:00Z", "2026-03-02T11:45:00Z" },
		{ "Asia/Kolkata", "2026-03-02T03:30:00Z", "2026-03-02T12:00:00Z" },
		{ "Pacific/Kiritimati", "2026-03-01T19:00:00Z", "2026-03-02T03:30:00Z" },
		{ "Pacific/Pago_Pago", "2026-03-02T20:00:00Z", "2026-03-03T04:30:00Z" },
		/* an offset of 44 minutes and 30 seconds */
		{ "Africa/Monrovia", "1971-03-01T09:44:30Z", "1971-03-01T18:14:30Z" },
	};
	struct window w = one_span(MON, HM(9, 0), HM(17, 30));

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct zone *z = load(rows[i].zone);
		check_opening(&w, z, rows[i].from, rows[i].to);
		zone_free(z);
	}
}

static void without_windows_it_is_always_open(void **state)
{
	struct window w = { .n_spans = 0 };
	struct zone *z = load("Europe/Berlin");
	struct window_state s = window_at(&w, z, instant("2026-01-01T00:00:00Z"));

	(void)state;
	assert_true(s.is_open);
	assert_true(s.until == USEC_NEVER);
	zone_free(z);
}

static void windows_that_touch_are_one(void **state)
{
	struct window w = { .n_spans = 5,
			    .spans = { { MON, HM(12, 0), HM(13, 0) },
				       { MON | TUE, HM(20, 0), HM(24, 0) },
				       { MON, HM(9, 0), HM(12, 0) },
				       { TUE, HM(0, 0), HM(2, 0) },
				       { MON, HM(12, 30), HM(12, 45) } } };
	struct zone *z = load("UTC");

	(void)state;
	check_opening(&w, z, "2026-03-02T09:00:00Z", "2026-03-02T13:00:00Z");
	check_opening(&w, z, "2026-03-02T20:00:00Z", "2026-03-03T02:00:00Z");
	check_opening(&w, z, "2026-03-03T20:00:00Z", "2026-03-04T00:00:00Z");
	check_state(&w, z, "2026-03-04T00:00:00Z", false, "2026-03-09T09:00:00Z");
	zone_free(z);
}

/* On 2025-03-09 New York has no local time from 02:00 to 03:00. */
static void of_a_gap_nothing_is_left(void **state)
{
	struct zone *z = load("America/New_York");
	struct window inside = one_span(SUN, HM(2, 0), HM(3, 0));
	struct window into = one_span(ALL, HM(1, 30), HM(2, 30));
	struct window out_of = one_span(ALL, HM(2, 30), HM(4, 0));
	struct window across = one_span(ALL, HM(1, 0), HM(4, 0));
	struct window beside = {
		.n_spans = 2, .spans = { { SUN, HM(1, 0), HM(2, 0) }, { SUN, HM(3, 0), HM(4, 0) } }
	};

	(void)state;
	check_state(&inside, z, "2025-03-09T06:59:59Z", false, "2025-03-16T06:00:00Z");
	check_opening(&into, z, "2025-03-09T06:30:00Z", "2025-03-09T07:00:00Z");
	check_opening(&into, z, "2025-03-10T05:30:00Z", "2025-03-10T06:30:00Z");
	check_opening(&out_of, z, "2025-03-09T07:00:00Z", "2025-03-09T08:00:00Z");
	check_opening(&across, z, "2025-03-09T06:00:00Z", "2025-03-09T08:00:00Z");
	check_opening(&beside, z, "2025-03-09T06:00:00Z", "2025-03-09T08:00:00Z");
	zone_free(z);
}

/* On 2025-11-02 New York has the local time from 01:00 to 02:00 twice, from 05:00Z and 06:00Z. */
static void of_a_fold_both_passes_are_inside(void **state)
{
	struct zone *z = load("America/New_York");
	struct window all = one_span(SUN, HM(1, 0), HM(2, 0));
	struct window part = one_span(SUN, HM(1, 30), HM(1, 45));
	struct window to = one_span(SUN, HM(0, 0), HM(1, 30));
	struct window from = one_span(SUN, HM(1, 30), HM(3, 0));

	(void)state;
	check_opening(&all, z, "2025-11-02T05:00:00Z", "2025-11-02T07:00:00Z");
	check_opening(&part, z, "2025-11-02T05:30:00Z", "2025-11-02T05:45:00Z");
	check_opening(&part, z, "2025-11-02T06:30:00Z", "2025-11-02T06:45:00Z");
	check_opening(&to, z, "2025-11-02T04:00:00Z", "2025-11-02T05:30:00Z");
	check_opening(&to, z, "2025-11-02T06:00:00Z", "2025-11-02T06:30:00Z");
	check_opening(&from, z, "2025-11-02T05:30:00Z", "2025-11-02T06:00:00Z");
	check_opening(&from, z, "2025-11-02T06:30:00Z", "2025-11-02T08:00:00Z");
	zone_free(z);
}

/* In Apia Thursday 2011-12-29 was followed by Saturday, at 10:00Z. */
static void a_day_that_a_zone_skips_has_no_windows(void **state)
{
	struct zone *z = load("Pacific/Apia");
	struct window friday = one_span(FRI, HM(9, 0), HM(17, 0));
	struct window evening = { .n_spans = 2,
				  .spans = { { THU, HM(22, 0), HM(24, 0) },
					     { SAT, HM(0, 0), HM(2, 0) } } };
	struct window daily = one_span(ALL, HM(9, 0), HM(17, 0));

	(void)state;
	check_state(&friday, z, "2011-12-30T09:59:59Z", false, "2012-01-05T19:00:00Z");
	check_state(&friday, z, "2011-12-30T10:00:00Z", false, "2012-01-05T19:00:00Z");
	check_opening(&evening, z, "2011-12-30T08:00:00Z", "2011-12-30T12:00:00Z");
	daily.n_blackouts = 1;
	daily.blackouts[0] = (int32_t)date_to_days(2011, 12, 30);
	check_opening(&daily, z, "2011-12-29T19:00:00Z", "2011-12-30T03:00:00Z");
	check_opening(&daily, z, "2011-12-30T19:00:00Z", "2011-12-31T03:00:00Z");
	zone_free(z);
}

/* Nuuk's clocks go from Saturday 23:00 to Sunday 00:00. */
static void a_gap_may_end_on_another_date(void **state)
{
	struct zone *z = load("America/Nuuk");
	struct window late = one_span(SAT, HM(22, 30), HM(24, 0));

	(void)state;
	check_opening(&late, z, "2025-03-30T00:30:00Z", "2025-03-30T01:00:00Z");
	late.blackouts[late.n_blackouts++] = (int32_t)date_to_days(2025, 3, 29);
	check_state(&late, z, "2025-03-30T00:30:00Z", false, "2025-04-05T23:30:00Z");
	zone_free(z);
}

static void blackout_dates_are_local(void **state)
{
	struct zone *z = load("Asia/Kolkata");
	struct window daily = { .n_blackouts = 3,
				.blackouts = { (int32_t)date_to_days(2026, 12, 25),
					       (int32_t)date_to_days(2026, 12, 26),
					       (int32_t)date_to_days(2027, 1, 1) } };
	struct window office = daily;

	(void)state;
	check_state(&daily, z, "2026-12-24T12:00:00Z", true, "2026-12-24T18:30:00Z");
	check_state(&daily, z, "2026-12-24T18:30:00Z", false, "2026-12-26T18:30:00Z");
	check_state(&daily, z, "2026-12-26T18:30:00Z", true, "2026-12-31T18:30:00Z");
	office.n_spans = 1;
	office.spans[0] = (struct window_span){ ALL, HM(9, 0), HM(20, 0) };
	check_state(&office, z, "2026-12-24T14:30:00Z", false, "2026-12-27T03:30:00Z");
	zone_free(z);
}

/* Sundays only, and each of `weeks` Sundays without calls. */
static struct window_state sundays_without(const struct zone *z, size_t weeks, usec_t at)
{
	struct window w = one_span(SUN, HM(0, 0), HM(1, 0));

	for (; w.n_blackouts < weeks; w.n_blackouts++)
		w.blackouts[w.n_blackouts] =
			(int32_t)(date_to_days(2026, 3, 1) + 7 * (int64_t)w.n_blackouts);
	return window_at(&w, z, at);
}

static void an_opening_is_looked_for_so_far_ahead(void **state)
{
	struct zone *z = load("UTC");
	usec_t at = instant("2026-03-01T00:00:00Z");
	struct window never = { .n_spans = 1, .spans = { { 0, 0, HM(24, 0) } } };
	struct window_state s = window_at(&never, z, at);

	(void)state;
	assert_false(s.is_open);
	assert_true(s.until == USEC_NEVER);
	s = sundays_without(z, 114, at);
	assert_false(s.is_open);
	assert_true(s.until == at + 114 * 7 * DAY_US);
	s = sundays_without(z, 115, at);
	assert_true(s.until == USEC_NEVER);
	/* five days later the opening on day 805 is 800 days ahead */
	assert_true(sundays_without(z, 115, at + 5 * DAY_US).until == at + 805 * DAY_US);
	assert_true(sundays_without(z, 115, at + 5 * DAY_US - MINUTE_US).until == USEC_NEVER);
	zone_free(z);
}

static void what_never_closes_is_open_for_days(void **state)
{
	struct window w = { .n_spans = 2,
			    .spans = { { ALL, HM(12, 0), HM(24, 0) }, { ALL, 0, HM(12, 0) } } };
	struct zone *z = load("Europe/Berlin");
	usec_t at = instant("2026-03-27T00:00:00Z");
	struct window_state s = window_at(&w, z, at);

	(void)state;
	assert_true(s.is_open);
	assert_true(s.until >= at + 7 * DAY_US && s.until < USEC_NEVER);
	zone_free(z);
}

static void the_ends_of_time_are_instants_too(void **state)
{
	static const usec_t ends[] = { INT64_MIN, INT64_MIN + 1, -1, 0, INT64_MAX - 1, INT64_MAX };
	struct window open = one_span(ALL, 0, HM(24, 0)), closed = one_span(0, 0, HM(24, 0));
	struct zone *z = load("America/New_York");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct window_state s = window_at(&open, z, ends[i]);
		CHECK(s.is_open, "%zu", i);
		CHECK(s.until > ends[i] || ends[i] >= INT64_MAX - 1, "%zu", i);
		s = window_at(&closed, z, ends[i]);
		CHECK(!s.is_open && s.until == USEC_NEVER, "%zu", i);
	}
	zone_free(z);
}

/* --- beside a walk through each minute ------------------------------------------------------ */

#define WALK_DAYS 24
#define WALK_MINUTES (WALK_DAYS * 1440)

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed >> 3;
}

static int16_t any_minute(uint64_t *seed)
{
	/* often whole hours, so that windows touch and meet the clocks' changes */
	return (int16_t)(next_random(seed) % 3 ? next_random(seed) % 24 * 60
					       : next_random(seed) % 1440);
}

static struct window any_window(uint64_t *seed, int64_t day)
{
	struct window w = { .n_spans = next_random(seed) % 6 };

	for (size_t i = 0; i < w.n_spans; i++) {
		struct window_span *s = &w.spans[i];
		s->days = (uint8_t)(1 + next_random(seed) % 127);
		s->start_min = any_minute(seed);
		do
			s->end_min = next_random(seed) % 4 ? any_minute(seed) : HM(24, 0);
		while (s->end_min <= s->start_min);
	}
	for (int64_t d = day - 1; d < day + WALK_DAYS; d++) {
		if (next_random(seed) % 5 == 0)
			w.blackouts[w.n_blackouts++] = (int32_t)d;
	}
	return w;
}

/* Sakamoto's method; 0 is Sunday. */
static unsigned weekday_of(int year, int month, int day)
{
	static const int shift[] = { 0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4 };
	int y = month < 3 ? year - 1 : year;
	return (unsigned)((y + y / 4 - y / 100 + y / 400 + shift[month - 1] + day) % 7);
}

static bool is_open_plainly(const struct window *w, const struct zone *z, usec_t at)
{
	int64_t local_s = at / USEC_PER_SEC + zone_offset_s(z, at);
	int64_t minute = local_s % 86400 / 60;
	int year, month, day;

	date_from_days(local_s / 86400, &year, &month, &day);
	for (size_t i = 0; i < w->n_blackouts; i++) {
		if (w->blackouts[i] == local_s / 86400)
			return false;
	}
	for (size_t i = 0; i < w->n_spans; i++) {
		const struct window_span *s = &w->spans[i];
		if ((s->days >> weekday_of(year, month, day) & 1) != 0 && minute >= s->start_min &&
		    minute < s->end_min)
			return true;
	}
	return w->n_spans == 0;
}

static void compare_walk(const char *name, const struct window *w, const struct zone *z, usec_t at)
{
	static bool is_open[WALK_MINUTES];
	usec_t change_at = USEC_NEVER, end_at = at + (WALK_MINUTES - 1) * MINUTE_US;

	for (int i = 0; i < WALK_MINUTES; i++)
		is_open[i] = is_open_plainly(w, z, at + i * MINUTE_US);
	for (int i = WALK_MINUTES - 2; i >= 0; i--) {
		usec_t here_at = at + i * MINUTE_US;
		if (is_open[i] != is_open[i + 1])
			change_at = here_at + MINUTE_US;
		struct window_state s = window_at(w, z, here_at + (i % 3) * 29 * USEC_PER_SEC);
		CHECK(s.is_open == is_open[i], "%s at %" PRId64, name, here_at);
		/* an open time is told for so many days at least, and never beyond its end */
		bool is_long = s.is_open && s.until > here_at + 7 * DAY_US;
		if (change_at == USEC_NEVER)
			CHECK(is_long || s.until >= end_at, "%s at %" PRId64, name, here_at);
		else
			CHECK(s.until == change_at || (is_long && s.until < change_at),
			      "%s at %" PRId64 ": %" PRId64, name, here_at, s.until);
	}
}

static void any_windows_are_as_a_walk_finds_them(void **state)
{
	static const struct {
		const char *zone, *around;
	} rows[] = {
		{ "America/New_York", "2025-03-01T00:00:00Z" },
		{ "America/New_York", "2025-10-25T00:00:00Z" },
		{ "Europe/Berlin", "2026-03-20T00:00:00Z" },
		{ "Asia/Kathmandu", "2026-05-01T00:00:00Z" },
		{ "Asia/Kathmandu", "1985-12-25T00:00:00Z" },
		{ "Pacific/Apia", "2011-12-22T00:00:00Z" },
		{ "Pacific/Kwajalein", "1993-08-12T00:00:00Z" },
		{ "Australia/Lord_Howe", "2026-03-28T00:00:00Z" },
		{ "America/Nuuk", "2025-03-20T00:00:00Z" },
		{ "America/Nuuk", "2025-10-18T00:00:00Z" },
		{ "Africa/Casablanca", "2026-02-10T00:00:00Z" },
		{ "Antarctica/Troll", "2026-03-20T00:00:00Z" },
		{ "America/Sao_Paulo", "2018-10-28T00:00:00Z" },
	};
	uint64_t seed = 0x5eedca11;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct zone *z = load(rows[i].zone);
		usec_t at = instant(rows[i].around);
		for (int k = 0; k < 12; k++) {
			struct window w = any_window(&seed, at / DAY_US);
			compare_walk(rows[i].zone, &w, z, at);
		}
		zone_free(z);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_office_day_has_two_edges),
		cmocka_unit_test(without_windows_it_is_always_open),
		cmocka_unit_test(windows_that_touch_are_one),
		cmocka_unit_test(of_a_gap_nothing_is_left),
		cmocka_unit_test(of_a_fold_both_passes_are_inside),
		cmocka_unit_test(a_day_that_a_zone_skips_has_no_windows),
		cmocka_unit_test(a_gap_may_end_on_another_date),
		cmocka_unit_test(blackout_dates_are_local),
		cmocka_unit_test(an_opening_is_looked_for_so_far_ahead),
		cmocka_unit_test(what_never_closes_is_open_for_days),
		cmocka_unit_test(the_ends_of_time_are_instants_too),
		cmocka_unit_test(any_windows_are_as_a_walk_finds_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
