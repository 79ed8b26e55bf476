/* Expansion: a virtual clock goes through a year pass by pass, and what the passes plan together is
 * the sequence of the occurrences, once each; keys are found again; what a new time zone database
 * moves is neither planned twice nor lost. */
#include "check.h"

#include <stdlib.h>

#include "base/timefmt.h"
#include "domain/expansion.h"
#include "sys/zoneinfo.h"

#define TREE "/usr/share/zoneinfo"
#define HOUR_US (3600 * USEC_PER_SEC)
#define MINUTE_US (60 * USEC_PER_SEC)
#define MOST 20

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

static struct expansion_plan from(usec_t after)
{
	return (struct expansion_plan){ after, EXPANSION_NO_NOMINAL, after };
}

/* --- a virtual clock ------------------------------------------------------------------------- */

static const char *const zones[] = { "America/New_York", "Europe/Dublin",   "Africa/Casablanca",
				     "America/Nuuk",     "Asia/Kolkata",    "Australia/Lord_Howe",
				     "Africa/Cairo",     "Pacific/Chatham", "America/Santiago" };
static const char *const crons[] = { "0 9 * * 1-5",   "30 2 * * *",    "0,30 0-3,23 * * *",
				     "*/7 * * * *",   "0 * * * *",     "15 */5 * * sun",
				     "59 23 31 12 *", "0-59 1,2 * * *" };

/* Passes from half a minute to three hours apart: each plans what it must, in pieces if `most` cuts
 * it off, and nothing that it need not. */
static void drive(const struct expansion_rule *r, usec_t begin, usec_t end)
{
	struct expansion_plan plan = from(begin);
	struct expansion_item items[MOST];
	struct occurrence expected;
	usec_t after = begin, step = 30 * USEC_PER_SEC;

	for (usec_t now = begin; now < end; now += step) {
		usec_t until = now + HOUR_US;
		step = (step * 7 + 11 * USEC_PER_SEC) % (3 * HOUR_US) + 30 * USEC_PER_SEC;
		if (plan.next_at > until)
			continue; /* the index does not even show it */
		do {
			size_t n = expansion_step(r, until, &plan, items, MOST);
			for (size_t i = 0; i < n; i++) {
				bool is_one = occurrence_next(r->cron, r->zone, after, &expected);
				CHECK(is_one && expected.at == items[i].at.at &&
					      expected.nominal_min == items[i].at.nominal_min,
				      "at %lld", (long long)items[i].at.at);
				CHECK(items[i].at.at <= until, "planned too early");
				after = expected.at;
				is_one = occurrence_next(r->cron, r->zone, after, &expected);
				usec_t before = is_one && expected.at < r->end_at ? expected.at
										  : USEC_NEVER;
				CHECK(items[i].before == before, "the one that follows");
			}
		} while (plan.next_at <= until);
		bool is_one = occurrence_next(r->cron, r->zone, after, &expected);
		CHECK(!is_one || expected.at > until || expected.at >= r->end_at, "one is lost");
	}
}

static void a_year_of_passes_plans_each_occurrence_once(void **state)
{
	(void)state;
	for (size_t z = 0; z < ARRAY_LEN(zones); z++) {
		struct zone *zone = load(zones[z]);
		for (size_t c = 0; c < ARRAY_LEN(crons); c++) {
			struct cron cron = parsed(crons[c]);
			drive(&(struct expansion_rule){ &cron, zone, USEC_NEVER },
			      at("2026-01-01T00:00:00Z"), at("2027-01-02T00:00:00Z"));
			drive(&(struct expansion_rule){ &cron, zone, at("2026-03-29T01:30:00Z") },
			      at("2026-03-01T00:00:00Z"), at("2026-04-02T00:00:00Z"));
		}
		zone_free(zone);
	}
}

static void each_key_is_found_at_its_instant(void **state)
{
	(void)state;
	for (size_t z = 0; z < ARRAY_LEN(zones); z++) {
		struct zone *zone = load(zones[z]);
		for (size_t c = 0; c < ARRAY_LEN(crons); c++) {
			struct cron cron = parsed(crons[c]);
			struct expansion_rule r = { &cron, zone, USEC_NEVER };
			struct occurrence o, next;
			struct expansion_item found;
			char key[OCCURRENCE_KEY_SIZE];
			usec_t after = at("2026-01-01T00:00:00Z");
			while (occurrence_next(&cron, zone, after, &o) &&
			       o.at < at("2026-12-01T00:00:00Z")) {
				occurrence_key(&o, key);
				CHECK(expansion_find(&r, str_from(key), &found), "%s %s", zones[z],
				      key);
				CHECK(found.at.at == o.at, "%s %s", zones[z], key);
				CHECK(occurrence_next(&cron, zone, o.at, &next) &&
					      next.at == found.before,
				      "%s %s", zones[z], key);
				after = o.at;
			}
		}
		zone_free(zone);
	}
}

/* --- by hand --------------------------------------------------------------------------------- */

static void an_occurrence_at_the_end_is_none(void **state)
{
	(void)state;
	struct zone *utc = load("UTC");
	struct cron cron = parsed("0 * * * *");
	struct expansion_item items[MOST];
	struct expansion_rule r = { &cron, utc, at("2026-05-01T12:00:00Z") };
	struct expansion_plan plan = from(at("2026-05-01T09:30:00Z"));

	assert_int_equal(expansion_step(&r, at("2026-05-01T20:00:00Z"), &plan, items, MOST), 2);
	assert_true(items[0].before == at("2026-05-01T11:00:00Z"));
	assert_true(items[1].at.at == at("2026-05-01T11:00:00Z"));
	assert_true(items[1].before == USEC_NEVER);
	assert_true(plan.next_at == USEC_NEVER);
	assert_true(plan.after == at("2026-05-01T11:00:00Z"));
	zone_free(utc);
}

static void nothing_to_plan_leaves_the_plan(void **state)
{
	(void)state;
	struct zone *utc = load("UTC");
	struct cron cron = parsed("0 0 1 1 *"), never = parsed("0 0 30 2 *");
	struct expansion_item items[MOST];
	struct expansion_rule r = { &cron, utc, USEC_NEVER };
	struct expansion_plan plan = from(at("2026-05-01T09:30:00Z"));

	assert_int_equal(expansion_step(&r, at("2026-05-01T10:30:00Z"), &plan, items, MOST), 0);
	assert_true(plan.next_at == at("2027-01-01T00:00:00Z"));
	assert_true(plan.after == at("2026-05-01T09:30:00Z"));
	r.cron = &never;
	assert_int_equal(expansion_step(&r, at("2026-05-01T10:30:00Z"), &plan, items, MOST), 0);
	assert_true(plan.next_at == USEC_NEVER);
	zone_free(utc);
}

/* As after an update of the database by which the zone is an hour further west, respectively east:
 * the same cron in two zones that differ by an hour. */
static void a_moved_zone_plans_no_local_time_twice(void **state)
{
	(void)state;
	struct zone *east = load("Etc/GMT-3"), *west = load("Etc/GMT-2");
	struct cron cron = parsed("0,20,40 0-23 * * *");
	struct expansion_item items[MOST];
	struct expansion_rule r = { &cron, east, USEC_NEVER };
	usec_t now = at("2026-05-01T09:10:00Z");
	struct expansion_plan plan = from(now);

	/* 12:20, 12:40, 13:00 in the east */
	assert_int_equal(expansion_step(&r, now + HOUR_US, &plan, items, MOST), 3);
	/* The clock went back an hour: those three lie an hour later now, nothing new until then. */
	r.zone = west;
	plan.after = now;
	struct expansion_plan later = plan;
	assert_int_equal(expansion_step(&r, now + HOUR_US, &plan, items, MOST), 0);
	assert_true(plan.next_at == at("2026-05-01T10:20:00Z"));
	assert_int_equal(
		expansion_step(&r, now + 2 * HOUR_US + 10 * MINUTE_US, &later, items, MOST), 1);
	assert_true(items[0].at.at == at("2026-05-01T11:20:00Z"));
	/* It went forward an hour: what was planned is over, what follows lies where that was. */
	struct zone *further = load("Etc/GMT-4");
	r.zone = further;
	plan = (struct expansion_plan){ now, items[0].at.nominal_min - 20, now };
	assert_int_equal(expansion_step(&r, now + HOUR_US, &plan, items, MOST), 3);
	assert_true(items[0].at.at == at("2026-05-01T09:20:00Z"));
	zone_free(further);
	zone_free(east);
	zone_free(west);
}

static void a_key_moves_with_its_zone(void **state)
{
	(void)state;
	struct zone *east = load("Etc/GMT-3"), *york = load("America/New_York");
	struct cron fixed = parsed("0,30 2,3 * * *"), interval = parsed("*/30 * * * *");
	struct expansion_rule r = { &fixed, east, USEC_NEVER };
	struct expansion_item found;

	assert_true(expansion_find(&r, STR("L2025-03-09T02:30"), &found));
	assert_true(found.at.at == at("2025-03-08T23:30:00Z"));
	r.zone = york; /* 02:30 falls into a gap and merges with 02:00; so does 03:00 */
	assert_true(expansion_find(&r, STR("L2025-03-09T02:00"), &found));
	assert_true(found.at.at == at("2025-03-09T07:00:00Z"));
	assert_true(found.before == at("2025-03-09T07:30:00Z"));
	assert_false(expansion_find(&r, STR("L2025-03-09T02:30"), &found));
	assert_false(expansion_find(&r, STR("L2025-03-09T03:00"), &found));
	assert_true(expansion_find(&r, STR("L2025-03-09T03:30"), &found));
	r.end_at = at("2025-03-09T07:30:00Z");
	assert_false(expansion_find(&r, STR("L2025-03-09T03:30"), &found));
	r = (struct expansion_rule){ &interval, york, USEC_NEVER };
	assert_true(expansion_find(&r, STR("U2025-03-09T07:30Z"), &found));
	assert_false(expansion_find(&r, STR("U2025-03-09T07:31Z"), &found));
	assert_false(expansion_find(&r, STR("L2025-03-09T07:30"), &found));
	zone_free(east);
	zone_free(york);
}

static void what_is_no_key_is_not_found(void **state)
{
	(void)state;
	struct zone *utc = load("UTC");
	struct cron fixed = parsed("0 9 * * *"), interval = parsed("0 * * * *");
	struct expansion_rule r = { &fixed, utc, USEC_NEVER };
	struct expansion_item found;
	static const char *const keys[] = { "",
					    "L",
					    "U",
					    "L2026-05-01T09:00Z",
					    "L2026-05-01T9:00",
					    "L2026-05-01 09:00",
					    "L2026-13-01T09:00",
					    "X2026-05-01T09:00",
					    "L2026-05-01T09:00:00",
					    "U2026-05-01T09:00" };

	assert_true(expansion_find(&r, STR("L2026-05-01T09:00"), &found));
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		r.cron = &fixed;
		CHECK(!expansion_find(&r, str_from(keys[i]), &found), "%s", keys[i]);
		r.cron = &interval;
		CHECK(!expansion_find(&r, str_from(keys[i]), &found), "%s", keys[i]);
	}
	zone_free(utc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_year_of_passes_plans_each_occurrence_once),
		cmocka_unit_test(each_key_is_found_at_its_instant),
		cmocka_unit_test(an_occurrence_at_the_end_is_none),
		cmocka_unit_test(nothing_to_plan_leaves_the_plan),
		cmocka_unit_test(a_moved_zone_plans_no_local_time_twice),
		cmocka_unit_test(a_key_moves_with_its_zone),
		cmocka_unit_test(what_is_no_key_is_not_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
