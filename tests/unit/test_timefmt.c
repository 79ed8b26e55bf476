/* Instants as text, dates as days. The vectors come from Python's datetime. */
#include "check.h"

#include <string.h>

#include "base/timefmt.h"
#include "vectors.h"

static void valid_texts_give_their_instant_and_print_in_utc(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("times.json");
	for (const struct json_value *row = vectors_first(d, "valid"); row; row = json_next(row)) {
		struct str text = vectors_str(row, "text");
		char printed[TIMEFMT_SIZE];
		usec_t at = 0;
		CHECK(!is_err(timefmt_parse(text, &at)), "%s", text.p);
		CHECK(at == vectors_i64(row, "us"), "%s", text.p);
		timefmt_rfc3339(at, printed);
		CHECK(str_eq(str_from(printed), vectors_str(row, "utc")), "%s %s", text.p, printed);
	}
	json_doc_free(d);
}

static void other_texts_are_refused_and_write_nothing(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("times.json");
	for (const struct json_value *row = vectors_first(d, "invalid"); row;
	     row = json_next(row)) {
		usec_t at = 77;
		struct err e = timefmt_parse(vectors_str(row, "text"), &at);
		CHECK(e.code == ERR_INVALID && at == 77, "%s: %s", vectors_str(row, "text").p,
		      vectors_str(row, "why").p);
	}
	json_doc_free(d);
}

static void every_beginning_of_a_time_is_refused(void **state)
{
	(void)state;
	struct str whole = STR("2026-03-29T08:30:00.123+05:30");
	usec_t at;
	for (size_t n = 0; n < whole.n; n++)
		assert_err(timefmt_parse((struct str){ whole.p, n }, &at), ERR_INVALID);
	assert_ok(timefmt_parse(whole, &at));
}

static void instants_outside_the_years_print_as_their_ends(void **state)
{
	(void)state;
	char text[TIMEFMT_SIZE];
	timefmt_rfc3339(-1, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	timefmt_rfc3339(USEC_NEVER, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

static void dates_and_days_are_inverse_over_the_whole_calendar(void **state)
{
	(void)state;
	int64_t days = date_to_days(-1, 1, 1);
	static const int length[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	for (int y = -1; y <= 2500; y++) {
		bool is_leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
		for (int m = 1; m <= 12; m++) {
			int last = length[m - 1] + (m == 2 && is_leap ? 1 : 0);
			for (int d = 1; d <= last; d++, days++) {
				int year, month, day;
				date_from_days(days, &year, &month, &day);
				CHECK(date_to_days(y, m, d) == days && year == y && month == m &&
					      day == d,
				      "%d-%d-%d", y, m, d);
			}
		}
	}
	assert_int_equal(date_to_days(1970, 1, 1), 0);
	assert_int_equal(date_to_days(2000, 3, 1), 11017);
	assert_int_equal(date_to_days(-400, 3, 1), -719468 - 146097);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_texts_give_their_instant_and_print_in_utc),
		cmocka_unit_test(other_texts_are_refused_and_write_nothing),
		cmocka_unit_test(every_beginning_of_a_time_is_refused),
		cmocka_unit_test(instants_outside_the_years_print_as_their_ends),
		cmocka_unit_test(dates_and_days_are_inverse_over_the_whole_calendar),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
