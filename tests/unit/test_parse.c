/* Text to numbers. */
#include "check.h"

#include <math.h>
#include <string.h>

#include "base/parse.h"

static void integers_whole_input_and_range(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t min, max;
		bool ok;
		int64_t v;
	} rows[] = {
		{ "0", 0, 0, true, 0 },
		{ "-0", 0, 0, true, 0 },
		{ "007", 0, 10, true, 7 },
		{ "10", 0, 10, true, 10 },
		{ "11", 0, 10, false, 0 },
		{ "-1", 0, 10, false, 0 },
		{ "-5", -5, 10, true, -5 },
		{ "-6", -5, 10, false, 0 },
		{ "9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX },
		{ "9223372036854775808", INT64_MIN, INT64_MAX, false, 0 },
		{ "-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN },
		{ "-9223372036854775809", INT64_MIN, INT64_MAX, false, 0 },
		{ "18446744073709551616", INT64_MIN, INT64_MAX, false, 0 },
		{ "", INT64_MIN, INT64_MAX, false, 0 },
		{ "-", INT64_MIN, INT64_MAX, false, 0 },
		{ "--1", INT64_MIN, INT64_MAX, false, 0 },
		{ "+1", INT64_MIN, INT64_MAX, false, 0 },
		{ " 1", INT64_MIN, INT64_MAX, false, 0 },
		{ "1 ", INT64_MIN, INT64_MAX, false, 0 },
		{ "1.0", INT64_MIN, INT64_MAX, false, 0 },
		{ "1e3", INT64_MIN, INT64_MAX, false, 0 },
		{ "0x1", INT64_MIN, INT64_MAX, false, 0 },
		{ "1,000", INT64_MIN, INT64_MAX, false, 0 },
		{ "\xd9\xa1", INT64_MIN, INT64_MAX, false, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t v = 77;
		struct err e = parse_i64(str_from(rows[i].text), rows[i].min, rows[i].max, &v);
		CHECK(is_err(e) != rows[i].ok, "'%s'", rows[i].text);
		CHECK(v == (rows[i].ok ? rows[i].v : 77), "'%s'", rows[i].text);
	}
}

static void unsigned_integers(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t min, max;
		bool ok;
		uint64_t v;
	} rows[] = {
		{ "0", 0, UINT64_MAX, true, 0 },
		{ "18446744073709551615", 0, UINT64_MAX, true, UINT64_MAX },
		{ "18446744073709551616", 0, UINT64_MAX, false, 0 },
		{ "18446744073709551620", 0, UINT64_MAX, false, 0 },
		{ "-0", 0, UINT64_MAX, false, 0 },
		{ "", 0, UINT64_MAX, false, 0 },
		{ "5", 6, 9, false, 0 },
		{ "10", 6, 9, false, 0 },
		{ "6", 6, 9, true, 6 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t v = 77;
		struct err e = parse_u64(str_from(rows[i].text), rows[i].min, rows[i].max, &v);
		CHECK(is_err(e) != rows[i].ok, "'%s'", rows[i].text);
		CHECK(v == (rows[i].ok ? rows[i].v : 77), "'%s'", rows[i].text);
	}
}

static void seconds_become_microseconds_exactly(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool ok;
		usec_t v;
	} rows[] = {
		{ "0", true, 0 },
		{ "1", true, 1000000 },
		{ "0.25", true, 250000 },
		{ "0.1", true, 100000 },
		{ "0.000001", true, 1 },
		{ "0.0000001", false, 0 },
		{ "-1.5", true, -1500000 },
		{ "-2.000001", false, 0 },
		{ "100", true, 100000000 },
		{ "100.000001", false, 0 },
		{ "9223372036854.775808", false, 0 },
		{ "99999999999999999999", false, 0 },
		{ "9300000000000", false, 0 },
		{ "", false, 0 },
		{ ".5", false, 0 },
		{ "5.", false, 0 },
		{ "1.2.3", false, 0 },
		{ "1e3", false, 0 },
		{ "1s", false, 0 },
		{ "1.-5", false, 0 },
		{ " 1", false, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		usec_t v = 77;
		struct err e = parse_seconds(str_from(rows[i].text), -2 * USEC_PER_SEC,
					     100 * USEC_PER_SEC, &v);
		CHECK(is_err(e) != rows[i].ok, "'%s'", rows[i].text);
		CHECK(v == (rows[i].ok ? rows[i].v : 77), "'%s'", rows[i].text);
	}
	usec_t v;
	assert_ok(parse_seconds(STR("9223372036854.775807"), 0, INT64_MAX, &v));
	assert_int_equal(v, INT64_MAX);
}

static void doubles_in_plain_decimal(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool ok;
		double v;
	} rows[] = {
		{ "0", true, 0 },       { "-0.5", true, -0.5 },  { "1e3", true, 1000 },
		{ "1E+3", true, 1000 }, { "25e-2", true, 0.25 }, { "1000", true, 1000 },
		{ "1000.1", false, 0 }, { "-1001", false, 0 },   { "1e999", false, 0 },
		{ "inf", false, 0 },    { "nan", false, 0 },     { "0x1p3", false, 0 },
		{ "", false, 0 },       { "-", false, 0 },       { ".5", false, 0 },
		{ "5.", false, 0 },     { "1e", false, 0 },      { "1e+", false, 0 },
		{ "1,5", false, 0 },    { " 1", false, 0 },      { "1 ", false, 0 },
		{ "+1", false, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		double v = 77;
		struct err e = parse_double(str_from(rows[i].text), -1000, 1000, &v);
		CHECK(is_err(e) != rows[i].ok, "'%s'", rows[i].text);
		CHECK(fabs(v - (rows[i].ok ? rows[i].v : 77)) < 1e-12, "'%s'", rows[i].text);
	}
	char digits[130];
	double v;
	memset(digits, '0', sizeof(digits));
	assert_ok(parse_double((struct str){ digits, 128 }, 0, 1, &v));
	assert_err(parse_double((struct str){ digits, 129 }, 0, 1, &v), ERR_INVALID);
}

static void booleans_are_six_words(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int v; /* -1 = refused */
	} rows[] = {
		{ "1", 1 },    { "true", 1 },  { "0", 0 },   { "false", 0 }, { "", -1 },
		{ "yes", -1 }, { "TRUE", -1 }, { "2", -1 },  { "01", -1 },   { "true ", -1 },
		{ "on", 1 },   { "off", 0 },   { "ON", -1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool v = false;
		struct err e = parse_bool(str_from(rows[i].text), &v);
		CHECK(is_err(e) == (rows[i].v < 0), "'%s'", rows[i].text);
		CHECK(v == (rows[i].v == 1), "'%s'", rows[i].text);
	}
}

static void e164_is_a_matter_of_form(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool ok;
	} rows[] = {
		{ "+14155550123", true },
		{ "+1234567", true },
		{ "+123456", false },
		{ "+123456789012345", true },
		{ "+1234567890123456", false },
		{ "+04155550123", false },
		{ "14155550123", false },
		{ "", false },
		{ "+", false },
		{ "++4155550123", false },
		{ "+1415555012a", false },
		{ "+1 4155550123", false },
		{ "+1-415-555-0123", false },
		{ " +14155550123", false },
		{ "+14155550123 ", false },
		{ "0014155550123", false },
		{ "+9999999", true },
		{ "+1415555\xd9\xa1", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(parse_is_e164(str_from(rows[i].text)) == rows[i].ok, "'%s'", rows[i].text);
	assert_false(parse_is_e164(STR_NONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_whole_input_and_range),
		cmocka_unit_test(unsigned_integers),
		cmocka_unit_test(seconds_become_microseconds_exactly),
		cmocka_unit_test(doubles_in_plain_decimal),
		cmocka_unit_test(booleans_are_six_words),
		cmocka_unit_test(e164_is_a_matter_of_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
