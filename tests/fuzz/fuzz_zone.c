/* Bytes that read as a TZif file give segments that join, at any time, and occurrences in order. What
 * does not begin like a file is taken for lines of TZ strings. */
#include "domain/occurrence.h"
#include "domain/zone_rule.h"
#include "pieces.h"

#define STEPS 12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const int64_t starts_s[] = { ZONE_FIRST_S,   -4000000000, 0,
				    1770000000,     4100000000,  INT64_C(250000000000),
				    ZONE_LAST_S - 1 };

static void check_one(const struct zone_segment *s, int64_t at_s)
{
	ASSERT(s->start_s <= at_s && s->end_s > at_s);
	ASSERT(s->offset_s >= ZONE_OFFSET_MIN_S && s->offset_s <= ZONE_OFFSET_MAX_S);
	ASSERT(s->before_s >= ZONE_OFFSET_MIN_S && s->before_s <= ZONE_OFFSET_MAX_S);
}

static void check_rule(const struct zone_rule *r)
{
	for (size_t i = 0; i < ARRAY_LEN(starts_s); i++) {
		struct zone_segment s;
		int64_t at_s = starts_s[i];
		for (int k = 0; k < STEPS && at_s < ZONE_LAST_S; k++) {
			zone_rule_segment(r, at_s, &s);
			check_one(&s, at_s);
			at_s = s.end_s;
		}
	}
}

static void check_segments(const struct zone *z)
{
	for (size_t i = 0; i < ARRAY_LEN(starts_s); i++) {
		struct zone_segment s, next;
		zone_segment_at(z, starts_s[i], &s);
		check_one(&s, starts_s[i]);
		for (int k = 0; k < STEPS && s.end_s < ZONE_LAST_S; k++, s = next) {
			zone_segment_at(z, s.end_s, &next);
			check_one(&next, s.end_s);
			ASSERT(next.offset_s == s.offset_s || next.start_s == s.end_s);
			ASSERT(next.start_s != s.end_s || next.before_s == s.offset_s);
		}
	}
}

static void check_occurrences(const struct zone *z)
{
	static const char *const crons[] = { "30 2 * * *", "*/20 * * * *", "0 0 29 2 *",
					     "0 1,23 * * 0" };

	for (size_t i = 0; i < ARRAY_LEN(crons); i++) {
		struct cron c;
		struct cron_fault fault;
		struct occurrence o = { .at = INT64_C(1770000000) * USEC_PER_SEC }, next;
		ASSERT(!is_err(cron_parse(str_from(crons[i]), &c, &fault)));
		for (int k = 0; k < STEPS && occurrence_next(&c, z, o.at, &next); k++, o = next)
			ASSERT(next.at > o.at);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = { (const char *)data, size }, line;
	struct zone *z = NULL;
	struct zone_rule rule;

	if (str_starts(bytes, STR("TZif"))) {
		if (is_err(zone_read(bytes, &z)))
			return 0;
		check_segments(z);
		check_occurrences(z);
		zone_free(z);
		return 0;
	}
	while (next_piece(&bytes, &line))
		if (!is_err(zone_rule_parse(line, &rule)))
			check_rule(&rule);
	return 0;
}
