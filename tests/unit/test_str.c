/* Borrowed text and the bounded buffer. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

static void comparisons_know_length_case_and_order(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		bool eq, eq_nocase;
		int cmp;
	} rows[] = {
		{ "", "", true, true, 0 },         { "a", "a", true, true, 0 },
		{ "a", "b", false, false, -1 },    { "b", "a", false, false, 1 },
		{ "a", "ab", false, false, -1 },   { "ab", "a", false, false, 1 },
		{ "", "a", false, false, -1 },     { "Bearer", "bEARER", false, true, -1 },
		{ "@", "`", false, false, -1 },    { "[", "{", false, false, -1 },
		{ "a\xff", "a", false, false, 1 }, { "é", "É", false, false, 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str a = str_from(rows[i].a), b = str_from(rows[i].b);
		int cmp = str_cmp(a, b);
		CHECK(str_eq(a, b) == rows[i].eq, "%s %s", rows[i].a, rows[i].b);
		CHECK(str_eq_nocase(a, b) == rows[i].eq_nocase, "%s %s", rows[i].a, rows[i].b);
		CHECK((cmp > 0) - (cmp < 0) == rows[i].cmp, "%s %s", rows[i].a, rows[i].b);
	}
}

static void no_text_equals_empty_text_but_is_told_apart(void **state)
{
	(void)state;
	assert_null(str_from(NULL).p);
	assert_true(str_eq(STR_NONE, STR("")));
	assert_int_equal(str_cmp(STR_NONE, STR("")), 0);
	assert_non_null(STR("").p);
}

static void prefixes_and_suffixes(void **state)
{
	(void)state;
	static const struct {
		const char *s, *part;
		bool starts, ends;
	} rows[] = {
		{ "whsec_x", "whsec_", true, false },
		{ "a.sql", ".sql", false, true },
		{ "a", "", true, true },
		{ "", "", true, true },
		{ "", "a", false, false },
		{ "ab", "abc", false, false },
		{ "aba", "a", true, true },
		{ "abc", "abc", true, true },
		{ "abc", "ABC", false, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str s = str_from(rows[i].s), part = str_from(rows[i].part);
		CHECK(str_starts(s, part) == rows[i].starts, "%s %s", rows[i].s, rows[i].part);
		CHECK(str_ends(s, part) == rows[i].ends, "%s %s", rows[i].s, rows[i].part);
	}
	assert_true(str_ends(STR_NONE, STR_NONE));
}

static void trim_takes_spaces_and_tabs_at_both_ends_only(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "a", "a" }, { "  a\t", "a" }, { "\t a b \t", "a b" },
		{ "", "" },   { " \t ", "" },   { "\na\n", "\na\n" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_str(str_trim(str_from(rows[i][0])), rows[i][1]);
}

static void utf8_as_rfc_3629_has_it(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t good; /* bytes of a well-formed beginning */
		bool is_whole;
	} rows[] = {
		{ "", 0, true },
		{ "plain ASCII, longer than a word", 31, true },
		{ "\xc2\x80\xdf\xbf", 4, true },
		{ "\xe0\xa0\x80\xec\x80\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", 15, true },
		{ "\xf0\x90\x80\x80\xf1\x80\x80\x80\xf4\x8f\xbf\xbf", 12, true },
		{ "abcdefg\xc3\xa9z", 10, true },
		{ "\x80", 0, false },
		{ "a\xbf", 1, false },
		{ "\xc0\x80", 0, false },
		{ "\xc1\xbf", 0, false },
		{ "\xc3", 0, false },
		{ "\xc3(", 0, false },
		{ "\xe0\x9f\xbf", 0, false },
		{ "\xe2\x82", 0, false },
		{ "\xe2(\xa1", 0, false },
		{ "\xe2\x82(", 0, false },
		{ "\xed\xa0\x80", 0, false },
		{ "\xed\xbf\xbf", 0, false },
		{ "\xf0\x8f\xbf\xbf", 0, false },
		{ "\xf0\x90\x80", 0, false },
		{ "\xf0\x90\x80(", 0, false },
		{ "\xf4\x90\x80\x80", 0, false },
		{ "\xf5\x80\x80\x80", 0, false },
		{ "\xff", 0, false },
		{ "eight ok\xff", 8, false },
		{ "sixteen is good!\xc3", 16, false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str s = str_from(rows[i].bytes);
		CHECK(str_utf8_prefix(s) == rows[i].good, "row %zu", i);
		CHECK(str_is_utf8(s) == rows[i].is_whole, "row %zu", i);
	}
}

static void split_cuts_at_the_first_separator(void **state)
{
	(void)state;
	static const struct {
		const char *s, *head, *rest;
		bool found;
	} rows[] = {
		{ "a,b,c", "a", "b,c", true }, { "a", "a", "", false }, { ",a", "", "a", true },
		{ "a,", "a", "", true },       { "", "", "", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct str head, rest;
		bool found = str_split(str_from(rows[i].s), ',', &head, &rest);
		CHECK(found == rows[i].found, "%s", rows[i].s);
		CHECK(str_eq(head, str_from(rows[i].head)), "%s", rows[i].s);
		CHECK(str_eq(rest, str_from(rows[i].rest)), "%s", rows[i].s);
	}
}

static void split_may_write_over_its_own_input(void **state)
{
	(void)state;
	struct str rest = STR("x;y;z"), part;
	size_t n = 0;
	bool more;
	do {
		more = str_split(rest, ';', &part, &rest);
		assert_int_equal(part.n, 1);
		n++;
	} while (more);
	assert_int_equal(n, 3);
}

static void a_buffer_is_always_a_c_string(void **state)
{
	(void)state;
	struct strbuf b;
	strbuf_init(&b, 100);
	assert_str(strbuf_str(&b), "");
	strbuf_add(&b, STR("call"));
	assert_string_equal(b.p, "call");
	strbuf_add_c(&b, '_');
	strbuf_add_bytes(&b, "id", 2);
	strbuf_add(&b, STR_NONE);
	strbuf_add_i64(&b, -7);
	assert_string_equal(b.p, "call_id-7");
	strbuf_reset(&b);
	assert_string_equal(b.p, "");
	assert_str(strbuf_str(&b), "");
	strbuf_deinit(&b);
	strbuf_deinit(&b);
	strbuf_reset(&b);
	assert_str(strbuf_str(&b), "");
}

static void integers_print_to_the_ends_of_their_range(void **state)
{
	(void)state;
	static const struct {
		int64_t v;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 9, "9" },
		{ 10, "10" },
		{ -1, "-1" },
		{ INT64_MAX, "9223372036854775807" },
		{ INT64_MIN, "-9223372036854775808" },
	};
	struct strbuf b;
	strbuf_init(&b, 20);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		strbuf_reset(&b);
		strbuf_add_i64(&b, rows[i].v);
		assert_str(strbuf_str(&b), rows[i].text);
	}
	strbuf_deinit(&b);
}

static void formats_of_any_length(void **state)
{
	(void)state;
	char wide[600];
	struct strbuf b;
	memset(wide, 'w', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	strbuf_init(&b, 2000);
	strbuf_addf(&b, "%d-%s", 42, "x");
	assert_str(strbuf_str(&b), "42-x");
	strbuf_addf(&b, "%s|%s", wide, wide);
	assert_int_equal(b.n, 4 + 599 * 2 + 1);
	assert_int_equal(strlen(b.p), b.n);
	assert_false(strbuf_overflowed(&b));
	strbuf_addf(&b, "%s|%s", wide, wide);
	assert_true(strbuf_overflowed(&b));
	assert_int_equal(b.n, 4 + 599 * 2 + 1);
	strbuf_deinit(&b);
}

static void the_limit_is_exact_and_a_refused_append_leaves_nothing(void **state)
{
	(void)state;
	struct strbuf b;
	strbuf_init(&b, 5);
	strbuf_add(&b, STR("12345"));
	assert_false(strbuf_overflowed(&b));
	strbuf_add(&b, STR(""));
	assert_false(strbuf_overflowed(&b));
	strbuf_add_c(&b, '6');
	assert_true(strbuf_overflowed(&b));
	assert_string_equal(b.p, "12345");
	strbuf_reset(&b);
	assert_false(strbuf_overflowed(&b));
	strbuf_add(&b, STR("123456"));
	assert_true(strbuf_overflowed(&b));
	assert_str(strbuf_str(&b), "");
	strbuf_deinit(&b);
}

static void after_an_overflow_nothing_is_added_so_that_there_is_no_gap(void **state)
{
	(void)state;
	struct strbuf b;
	strbuf_init(&b, 4);
	strbuf_add(&b, STR("ab"));
	strbuf_add(&b, STR("cde"));
	strbuf_add(&b, STR("f"));
	strbuf_add_i64(&b, 1);
	strbuf_addf(&b, "%d", 1);
	assert_str(strbuf_str(&b), "ab");
	strbuf_deinit(&b);
}

static void growth_stays_within_the_limit_and_keeps_the_bytes(void **state)
{
	(void)state;
	struct strbuf b;
	strbuf_init(&b, 1000);
	for (int i = 0; i < 1000; i++)
		strbuf_add_c(&b, (char)('a' + i % 26));
	assert_false(strbuf_overflowed(&b));
	assert_true(b.cap <= 1001);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(b.p[i], 'a' + i % 26);
	strbuf_deinit(&b);
	strbuf_init(&b, SIZE_MAX);
	strbuf_add(&b, STR("no limit"));
	assert_string_equal(b.p, "no limit");
	strbuf_deinit(&b);
}

static void detach_gives_the_bytes_away(void **state)
{
	(void)state;
	struct strbuf b;
	strbuf_init(&b, 10);
	char *empty = strbuf_detach(&b);
	strbuf_add(&b, STR("bytes"));
	char *p = strbuf_detach(&b);
	assert_string_equal(empty, "");
	assert_string_equal(p, "bytes");
	assert_null(b.p);
	strbuf_add(&b, STR("anew"));
	assert_string_equal(b.p, "anew");
	strbuf_deinit(&b);
	free(p);
	free(empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comparisons_know_length_case_and_order),
		cmocka_unit_test(no_text_equals_empty_text_but_is_told_apart),
		cmocka_unit_test(prefixes_and_suffixes),
		cmocka_unit_test(trim_takes_spaces_and_tabs_at_both_ends_only),
		cmocka_unit_test(utf8_as_rfc_3629_has_it),
		cmocka_unit_test(split_cuts_at_the_first_separator),
		cmocka_unit_test(split_may_write_over_its_own_input),
		cmocka_unit_test(a_buffer_is_always_a_c_string),
		cmocka_unit_test(integers_print_to_the_ends_of_their_range),
		cmocka_unit_test(formats_of_any_length),
		cmocka_unit_test(the_limit_is_exact_and_a_refused_append_leaves_nothing),
		cmocka_unit_test(after_an_overflow_nothing_is_added_so_that_there_is_no_gap),
		cmocka_unit_test(growth_stays_within_the_limit_and_keeps_the_bytes),
		cmocka_unit_test(detach_gives_the_bytes_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
