/* Cron expressions: the grammar's golden cases, the normal form, the search for local minutes. */
#include "check.h"
#include "vectors.h"

#include <string.h>

#include "base/timefmt.h"
#include "domain/cron.h"
#include "json/json_in.h"

/* A fixed sequence, the same in each run. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static int below(uint64_t *state, int n)
{
	return (int)(next_random(state) % (uint64_t)n);
}

static void assert_same(const struct cron *a, const struct cron *b, const char *text)
{
	CHECK(memcmp(a->set, b->set, sizeof(a->set)) == 0 && a->stars == b->stars, "%s", text);
	CHECK(a->is_day_restricted == b->is_day_restricted &&
		      a->is_weekday_restricted == b->is_weekday_restricted,
	      "%s", text);
	CHECK(a->is_interval == b->is_interval && a->is_never == b->is_never, "%s", text);
}

static struct cron parsed(const char *text)
{
	struct cron c = { .stars = 0 };
	struct cron_fault fault;
	CHECK(!is_err(cron_parse(str_from(text), &c, &fault)), "%s", text);
	return c;
}

static void assert_round_trip(const struct cron *c, char normal[CRON_NORMAL_SIZE])
{
	char again[CRON_NORMAL_SIZE];
	cron_print(c, normal);
	struct cron back = parsed(normal);
	assert_same(c, &back, normal);
	cron_print(&back, again);
	assert_string_equal(normal, again);
}

static void what_is_accepted_has_its_normal_form(void **state)
{
	struct json_doc *d = vectors_load("cron_grammar.json");
	int rows = 0;

	(void)state;
	for (const struct json_value *r = vectors_first(d, "accepted"); r != NULL;
	     r = json_next(r), rows++) {
		struct str text = vectors_str(r, "cron");
		struct cron c;
		struct cron_fault fault;
		char normal[CRON_NORMAL_SIZE];
		CHECK(!is_err(cron_parse(text, &c, &fault)), "%.*s", STR_ARG(text));
		assert_round_trip(&c, normal);
		CHECK(str_eq(str_from(normal), vectors_str(r, "normal")), "%.*s: %s", STR_ARG(text),
		      normal);
		CHECK(c.is_interval == vectors_bool(r, "interval"), "%.*s", STR_ARG(text));
		CHECK(c.is_never == vectors_bool(r, "never"), "%.*s", STR_ARG(text));
		CHECK((cron_warning(&c) != NULL) == vectors_bool(r, "warning"), "%.*s",
		      STR_ARG(text));
	}
	assert_true(rows > 30);
	json_doc_free(d);
}

static void what_is_refused_names_field_and_column(void **state)
{
	struct json_doc *d = vectors_load("cron_grammar.json");
	int rows = 0;

	(void)state;
	for (const struct json_value *r = vectors_first(d, "refused"); r != NULL;
	     r = json_next(r), rows++) {
		struct str text = vectors_str(r, "cron");
		struct cron c;
		struct cron_fault fault;
		char told[CRON_FAULT_SIZE];
		struct err e = cron_parse(text, &c, &fault);
		CHECK(e.code == ERR_INVALID, "%.*s", STR_ARG(text));
		assert_string_equal(e.what, fault.what);
		cron_fault_print(&fault, told);
		CHECK(str_eq(str_from(told), vectors_str(r, "fault")), "\"%.*s\": %s",
		      STR_ARG(text), told);
	}
	assert_true(rows > 60);
	json_doc_free(d);
}

static void the_length_has_a_limit(void **state)
{
	static char text[CRON_TEXT_MAX + 2];
	struct cron c;
	struct cron_fault fault;
	char told[CRON_FAULT_SIZE];

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, "0 9 * * *", 9);
	assert_ok(cron_parse((struct str){ text, CRON_TEXT_MAX }, &c, &fault));
	assert_err(cron_parse((struct str){ text, CRON_TEXT_MAX + 1 }, &c, &fault), ERR_INVALID);
	cron_fault_print(&fault, told);
	assert_string_equal(told,
			    "expression, column 1025: an expression has at most 1024 characters");
}

static void bytes_that_end_texts_elsewhere_end_nothing(void **state)
{
	struct cron c;
	struct cron_fault fault;

	(void)state;
	assert_err(cron_parse(STR_NONE, &c, &fault), ERR_INVALID);
	assert_int_equal(fault.column, 1);
	assert_err(cron_parse(STR("\0 9 * * *"), &c, &fault), ERR_INVALID);
	assert_int_equal(fault.column, 1);
	assert_err(cron_parse(STR("0 9 * * *\0"), &c, &fault), ERR_INVALID);
	assert_int_equal(fault.field, CRON_WEEKDAY);
	assert_int_equal(fault.column, 10);
	assert_err(cron_parse(STR("0 9 * * 1 \0"), &c, &fault), ERR_INVALID);
	assert_int_equal(fault.field, CRON_FIELD_COUNT);
}

static void a_failure_leaves_the_output_alone(void **state)
{
	struct cron c = parsed("1 2 3 4 5"), before = c;
	struct cron_fault fault;

	(void)state;
	assert_err(cron_parse(STR("1 2 3 4 8"), &c, &fault), ERR_INVALID);
	assert_same(&c, &before, "kept");
}

/* --- random expressions --------------------------------------------------------------------- */

static const struct {
	int min, max;
} bounds[CRON_FIELD_COUNT] = { { 0, 59 }, { 0, 23 }, { 1, 31 }, { 1, 12 }, { 0, 7 } };

static void add_item(uint64_t *seed, int f, struct strbuf *b)
{
	int min = bounds[f].min, max = bounds[f].max;
	int low = min + below(seed, max - min + 1), high = low + below(seed, max - low + 1);

	switch (below(seed, 6)) {
	case 0:
		strbuf_addf(b, "*");
		break;
	case 1:
		strbuf_addf(b, "*/%d", 1 + below(seed, max));
		break;
	case 2:
		strbuf_addf(b, "%d-%d", low, high);
		break;
	case 3:
		strbuf_addf(b, "%d-%d/%d", low, high, 1 + below(seed, max));
		break;
	default:
		strbuf_addf(b, "%d", low);
		break;
	}
}

static void random_expression(uint64_t *seed, struct strbuf *b)
{
	strbuf_reset(b);
	for (int f = 0; f < CRON_FIELD_COUNT; f++) {
		int items = below(seed, 3) == 0 ? 1 + below(seed, 4) : 1;
		if (f > 0)
			strbuf_add_c(b, ' ');
		if (f >= CRON_DAY && below(seed, 2) == 0) {
			strbuf_add_c(b, '*');
			continue;
		}
		for (int i = 0; i < items; i++) {
			if (i > 0)
				strbuf_add_c(b, ',');
			add_item(seed, f, b);
		}
	}
}

static void random_expressions_survive_the_round_trip(void **state)
{
	uint64_t seed = 0x5eed;
	struct strbuf b;
	char normal[CRON_NORMAL_SIZE];

	(void)state;
	strbuf_init(&b, 4096);
	for (int i = 0; i < 100000; i++) {
		random_expression(&seed, &b);
		struct cron c = parsed(b.p);
		assert_round_trip(&c, normal);
	}
	strbuf_deinit(&b);
}

static void the_longest_normal_form_fits(void **state)
{
	uint64_t seed = 0xf00d;
	size_t longest = 0;

	(void)state;
	/* sets without any pattern; the longest have no two neighbours */
	for (int i = 0; i < 20000; i++) {
		struct cron c = { .is_day_restricted = true, .is_weekday_restricted = true };
		char normal[CRON_NORMAL_SIZE];
		for (int f = 0; f < CRON_FIELD_COUNT; f++) {
			int max = f == CRON_WEEKDAY ? 6 : bounds[f].max;
			for (int v = bounds[f].min; v <= max; v++)
				if (i == 0 ? v % 2 == 0 || v == max : below(&seed, 4) > 0)
					c.set[f] |= UINT64_C(1) << v;
			if (c.set[f] == 0)
				c.set[f] |= UINT64_C(1) << max;
		}
		cron_print(&c, normal);
		struct cron back = parsed(normal);
		assert_same(&c, &back, normal);
		longest = strlen(normal) > longest ? strlen(normal) : longest;
	}
	assert_true(longest > 120 && longest < CRON_NORMAL_SIZE);
}

/* --- the search ----------------------------------------------------------------------------- */

/* The rules again, for one minute, in the plainest way. */
static bool matches(const struct cron *c, int64_t local_min)
{
	int year, month, day;
	int64_t days = (local_min - ((local_min % 1440) + 1440) % 1440) / 1440;
	int minute = (int)(local_min - days * 1440);

	date_from_days(days, &year, &month, &day);
	int weekday = (int)(((days + 4) % 7 + 7) % 7);
	bool is_day = (c->set[CRON_DAY] >> day & 1) != 0;
	bool is_weekday = (c->set[CRON_WEEKDAY] >> weekday & 1) != 0;
	bool is_date = c->is_day_restricted && c->is_weekday_restricted ? is_day || is_weekday
									: is_day && is_weekday;
	return is_date && (c->set[CRON_MONTH] >> month & 1) != 0 &&
	       (c->set[CRON_HOUR] >> (minute / 60) & 1) != 0 &&
	       (c->set[CRON_MINUTE] >> (minute % 60) & 1) != 0;
}

static void the_search_finds_what_a_walk_finds(void **state)
{
	uint64_t seed = 0xc0ffee;
	struct strbuf b;
	int found = 0;

	(void)state;
	strbuf_init(&b, 4096);
	for (int i = 0; i < 3000; i++) {
		random_expression(&seed, &b);
		struct cron c = parsed(b.p);
		/* from 1870 to 2170, and over the ends of months, years and leap days */
		int64_t from = -52596000 + (int64_t)(next_random(&seed) % 157788000);
		int64_t before = from + below(&seed, 1440 * 45), at = from, got = -1;
		while (at < before && !matches(&c, at))
			at++;
		bool ok = cron_next_local(&c, from, before, &got);
		CHECK(ok == (at < before), "%s from %" PRId64, b.p, from);
		CHECK(!ok || got == at, "%s from %" PRId64 ": %" PRId64, b.p, from, got);
		found += ok;
	}
	strbuf_deinit(&b);
	assert_true(found > 1000 && found < 3000);
}

static void the_search_reaches_far(void **state)
{
	static const struct {
		const char *cron;
		int year, month, day, to_year, to_month, to_day;
	} rows[] = {
		{ "0 0 29 2 *", 2096, 3, 1, 2104, 2, 29 }, /* 2100 is no leap year */
		{ "0 0 29 2 *", 1999, 12, 31, 2000, 2, 29 },
		{ "0 0 29 2 *", 1896, 3, 1, 1904, 2, 29 },
		{ "0 0 31 12 *", 2026, 1, 1, 2026, 12, 31 },
		{ "0 0 31 1 *", 2026, 2, 1, 2027, 1, 31 },
		{ "0 0 1 1 *", 1, 1, 2, 2, 1, 1 },
		{ "0 0 13 * 5", 2026, 2, 14, 2026, 2, 20 },
	};
	struct cron leap = parsed("0 0 29 2 *");
	int64_t at;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct cron c = parsed(rows[i].cron);
		int64_t from = date_to_days(rows[i].year, rows[i].month, rows[i].day) * 1440;
		int64_t to = date_to_days(rows[i].to_year, rows[i].to_month, rows[i].to_day) * 1440;
		CHECK(cron_next_local(&c, from, to + 1, &at) && at == to, "row %zu", i);
		CHECK(!cron_next_local(&c, from, to, &at), "row %zu", i);
		CHECK(cron_next_local(&c, to, to + 1, &at) && at == to, "row %zu", i);
	}
	assert_false(cron_next_local(&leap, 5, 5, &at));
	assert_false(cron_next_local(&leap, 5, 4, &at));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_accepted_has_its_normal_form),
		cmocka_unit_test(what_is_refused_names_field_and_column),
		cmocka_unit_test(the_length_has_a_limit),
		cmocka_unit_test(bytes_that_end_texts_elsewhere_end_nothing),
		cmocka_unit_test(a_failure_leaves_the_output_alone),
		cmocka_unit_test(random_expressions_survive_the_round_trip),
		cmocka_unit_test(the_longest_normal_form_fits),
		cmocka_unit_test(the_search_finds_what_a_walk_finds),
		cmocka_unit_test(the_search_reaches_far),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
