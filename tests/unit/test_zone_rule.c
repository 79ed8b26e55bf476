/* The TZ strings in footers: what reads, what does not, and the changes they stand for. */
#include "check.h"

#include "base/timefmt.h"
#include "domain/zone_rule.h"

static struct zone_rule parsed(const char *text)
{
	struct zone_rule r = { .std_s = -1 };
	CHECK(!is_err(zone_rule_parse(str_from(text), &r)), "%s", text);
	return r;
}

static int64_t at(const char *instant)
{
	usec_t us = 0;
	CHECK(!is_err(timefmt_parse(str_from(instant), &us)), "%s", instant);
	return us / USEC_PER_SEC;
}

static void offsets_read(void **state)
{
	static const struct {
		const char *text;
		int32_t std_s, dst_s;
		bool has_dst;
	} rows[] = {
		{ "UTC0", 0, 0, false },
		{ "CET-1", 3600, 0, false },
		{ "<-02>2", -7200, 0, false },
		{ "<+0545>-5:45", 20700, 0, false },
		{ "LMT0:53:28", -3208, 0, false },
		{ "AAA+24:59:59", -89999, 0, false },
		{ "AAA-24:59:59", 89999, 0, false },
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 3600, 7200, true },
		{ "IST-1GMT0,M10.5.0,M3.5.0/1", 3600, 0, true },
		{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", -7200, -3600, true },
		{ "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 37800, 39600, true },
		{ "EST5EDT,0/0,J365/25", -18000, -14400, true },
		{ "AAA-24:59:59BBB,0,1", 89999, 93599, true },
		{ "EET-2EEST,M3.4.4/50,M10.4.4/50", 7200, 10800, true },
		{ "AAA3BBB,M1.1.0/-167,M12.5.6/167:59:59", -10800, -7200, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct zone_rule r = parsed(rows[i].text);
		CHECK(r.std_s == rows[i].std_s && r.has_dst == rows[i].has_dst, "%s", rows[i].text);
		CHECK(!r.has_dst || r.dst_s == rows[i].dst_s, "%s", rows[i].text);
	}
}

static void what_is_no_rule_is_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"UTC",
		"UT0",
		"0",
		"<UTC0",
		"<UT>0",
		"<U T>0",
		"UTC+",
		"UTC25",
		"UTC-25",
		"UTC1:60",
		"UTC1:00:60",
		"UTC1:",
		"UTC0 ",
		"UTC--1",
		":Europe/Berlin",
		"CET-1CEST",
		"CET-1CEST,M3.5.0",
		"CET-1CEST,M3.5.0,M10.5.0/3x",
		"CET-1CEST,M3.5.0,M10.5.0,M1.1.1",
		"CET-1CEST,M0.5.0,M10.5.0",
		"CET-1CEST,M13.5.0,M10.5.0",
		"CET-1CEST,M3.0.0,M10.5.0",
		"CET-1CEST,M3.6.0,M10.5.0",
		"CET-1CEST,M3.5.7,M10.5.0",
		"CET-1CEST,M3.5,M10.5.0",
		"CET-1CEST,M3-5-0,M10.5.0",
		"CET-1CEST,J0,J5",
		"CET-1CEST,J366,J5",
		"CET-1CEST,J,J5",
		"CET-1CEST,366,5",
		"CET-1CEST,99999999999,5",
		"CET-1CEST,-1,5",
		"CET-1CEST,1/168,5",
		"CET-1CEST,1/-168,5",
		"CET-1CEST,1/,5",
		"CET-1CE,1,5",
		"CET-1CEST25,1,5",
		"CET-1CEST;1,5",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct zone_rule r;
		CHECK(zone_rule_parse(str_from(rows[i]), &r).code == ERR_INVALID, "%s", rows[i]);
	}
	struct zone_rule r;
	assert_err(zone_rule_parse(STR("UTC0\0"), &r), ERR_INVALID);
}

/* One segment per row: where it begins and ends, its offset, the one before. */
static const struct {
	const char *text, *asked, *start, *end;
	int32_t offset_s, before_s;
} changes[] = {
	{ "CET-1CEST,M3.5.0,M10.5.0/3", "2040-07-01T00:00:00Z", "2040-03-25T01:00:00Z",
	  "2040-10-28T01:00:00Z", 7200, 3600 },
	{ "CET-1CEST,M3.5.0,M10.5.0/3", "2040-12-31T23:59:59Z", "2040-10-28T01:00:00Z",
	  "2041-03-31T01:00:00Z", 3600, 7200 },
	{ "CET-1CEST,M3.5.0,M10.5.0/3", "2040-03-25T00:59:59Z", "2039-10-30T01:00:00Z",
	  "2040-03-25T01:00:00Z", 3600, 7200 },
	{ "CET-1CEST,M3.5.0,M10.5.0/3", "2040-03-25T01:00:00Z", "2040-03-25T01:00:00Z",
	  "2040-10-28T01:00:00Z", 7200, 3600 },
	/* Dublin: what is called DST is the winter */
	{ "IST-1GMT0,M10.5.0,M3.5.0/1", "2050-01-01T00:00:00Z", "2049-10-31T01:00:00Z",
	  "2050-03-27T01:00:00Z", 0, 3600 },
	{ "IST-1GMT0,M10.5.0,M3.5.0/1", "2050-07-01T00:00:00Z", "2050-03-27T01:00:00Z",
	  "2050-10-30T01:00:00Z", 3600, 0 },
	/* Nuuk: 22:00 on the Saturday before */
	{ "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2040-05-01T00:00:00Z", "2040-03-25T01:00:00Z",
	  "2040-10-28T01:00:00Z", -3600, -7200 },
	/* the southern half: over the new year */
	{ "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2050-01-01T00:00:00Z", "2049-10-02T15:30:00Z",
	  "2050-04-02T15:00:00Z", 39600, 37800 },
	/* Gaza: 50 hours after the fourth Thursday begins */
	{ "EET-2EEST,M3.4.4/50,M10.4.4/50", "2042-06-01T00:00:00Z", "2042-03-29T00:00:00Z",
	  "2042-10-24T23:00:00Z", 10800, 7200 },
	/* J60 is March 1 in every year, 59 is it in common years only */
	{ "AAA0BBB,J60/0,J300/0", "2023-03-05T00:00:00Z", "2023-03-01T00:00:00Z",
	  "2023-10-26T23:00:00Z", 3600, 0 },
	{ "AAA0BBB,J60/0,J300/0", "2024-03-05T00:00:00Z", "2024-03-01T00:00:00Z",
	  "2024-10-26T23:00:00Z", 3600, 0 },
	{ "AAA0BBB,J59/0,J300/0", "2024-03-05T00:00:00Z", "2024-02-28T00:00:00Z",
	  "2024-10-26T23:00:00Z", 3600, 0 },
	{ "AAA0BBB,59/0,300/0", "2023-03-05T00:00:00Z", "2023-03-01T00:00:00Z",
	  "2023-10-27T23:00:00Z", 3600, 0 },
	{ "AAA0BBB,59/0,300/0", "2024-03-05T00:00:00Z", "2024-02-29T00:00:00Z",
	  "2024-10-26T23:00:00Z", 3600, 0 },
	{ "AAA0BBB,365/0,100/0", "2024-12-31T12:00:00Z", "2024-12-31T00:00:00Z",
	  "2025-04-10T23:00:00Z", 3600, 0 },
	/* the first week of a month that begins on that weekday, and the last of five */
	{ "AAA0BBB,M9.1.0/0,M12.5.0/0", "2024-10-01T00:00:00Z", "2024-09-01T00:00:00Z",
	  "2024-12-28T23:00:00Z", 3600, 0 },
	{ "AAA0BBB,M9.4.0/0,M12.5.2/0", "2024-10-01T00:00:00Z", "2024-09-22T00:00:00Z",
	  "2024-12-30T23:00:00Z", 3600, 0 },
	/* changes that stand outside of their year */
	{ "AAA0BBB,M1.1.0/-167,M7.1.0/0", "2023-12-31T12:00:00Z", "2023-12-31T01:00:00Z",
	  "2024-07-06T23:00:00Z", 3600, 0 },
	{ "AAA0BBB,M7.1.0/0,M12.5.6/167", "2024-01-04T00:00:00Z", "2023-07-02T00:00:00Z",
	  "2024-01-05T22:00:00Z", 3600, 0 },
};

static void rules_change_when_they_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		struct zone_rule r = parsed(changes[i].text);
		struct zone_segment s;
		zone_rule_segment(&r, at(changes[i].asked), &s);
		CHECK(s.start_s == at(changes[i].start), "row %zu: %" PRId64, i, s.start_s);
		CHECK(s.end_s == at(changes[i].end), "row %zu: %" PRId64, i, s.end_s);
		CHECK(s.offset_s == changes[i].offset_s && s.before_s == changes[i].before_s,
		      "row %zu", i);
	}
}

static void rules_that_cancel_themselves_have_one_offset(void **state)
{
	static const struct {
		const char *text;
		int32_t offset_s;
	} rows[] = {
		{ "UTC0", 0 },
		{ "EST5EDT,0/0,J365/25", -14400 },    /* summer all year, as RFC 9636 writes it */
		{ "AAA0BBB0,M3.5.0,M10.5.0", 0 },     /* two names, one offset */
		{ "AAA0BBB,M3.5.0/1,M3.5.0/2", 0 },   /* over as it begins */
		{ "AAA-2<+01>-1,0/0,J365/23", 3600 }, /* a negative one, all year */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct zone_rule r = parsed(rows[i].text);
		int64_t t = at("1980-01-01T00:00:00Z"), until = at("2080-01-01T00:00:00Z");
		while (t < until) {
			struct zone_segment s;
			zone_rule_segment(&r, t, &s);
			CHECK(s.start_s <= t && s.end_s > t, "%s", rows[i].text);
			CHECK(s.offset_s == rows[i].offset_s, "%s at %" PRId64, rows[i].text, t);
			CHECK(s.before_s == s.offset_s, "%s at %" PRId64, rows[i].text, t);
			t = s.end_s;
		}
	}
}

static void segments_join_without_end(void **state)
{
	static const char *const rules[] = {
		"CET-1CEST,M3.5.0,M10.5.0/3", "AAA0BBB,M1.1.0/-167,M12.5.6/167",
		"AAA0BBB,J1/0,J365/167",      "AAA0BBB,365/167,0/-167",
		"AAA24BBB-24,M12.5.0,M1.1.0",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		struct zone_rule r = parsed(rules[i]);
		struct zone_segment s, next;
		zone_rule_segment(&r, at("1970-01-01T00:00:00Z"), &s);
		for (int k = 0; k < 3000; k++, s = next) {
			zone_rule_segment(&r, s.end_s - 1, &next);
			CHECK(next.end_s == s.end_s && next.offset_s == s.offset_s, "%s %d",
			      rules[i], k);
			zone_rule_segment(&r, s.end_s, &next);
			CHECK(next.start_s <= s.end_s && next.end_s > s.end_s, "%s %d", rules[i],
			      k);
			CHECK(next.offset_s == s.offset_s ||
				      (next.start_s == s.end_s && next.before_s == s.offset_s),
			      "%s %d", rules[i], k);
		}
	}
	struct zone_rule r = parsed(rules[0]);
	struct zone_segment s;
	zone_rule_segment(&r, ZONE_FIRST_S, &s);
	assert_true(s.end_s > ZONE_FIRST_S);
	zone_rule_segment(&r, ZONE_LAST_S, &s);
	assert_true(s.start_s <= ZONE_LAST_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offsets_read),
		cmocka_unit_test(what_is_no_rule_is_refused),
		cmocka_unit_test(rules_change_when_they_say),
		cmocka_unit_test(rules_that_cancel_themselves_have_one_offset),
		cmocka_unit_test(segments_join_without_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
