/* What a terminal shows: widths, tables, bars. */
#include "check.h"

#include <string.h>

#include "../../services/belfry/bar.h"
#include "../../services/belfry/table.h"
#include "../../services/belfry/text.h"

static void a_text_is_as_wide_as_its_cells(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t width;
	} rows[] = {
		{ "", 0 },
		{ "abc", 3 },
		{ "J\xc3\xb6rg", 4 },
		{ "e\xcc\x81", 1 },
		{ "\xe6\x97\xa5\xe6\x9c\xac", 4 },
		{ "\xf0\x9f\x93\x9e", 2 },
		{ "\xf0\x9f", 2 }, /* two bytes that are no character */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(text_width(str_from(rows[i].text)) == rows[i].width, "row %zu: %zu", i,
		      text_width(str_from(rows[i].text)));
}

static void nothing_moves_the_cursor(void **state)
{
	(void)state;
	const struct {
		struct str text;
		const char *clean;
	} rows[] = {
		{ STR("plain"), "plain" },
		{ STR("two\nlines\tand\r"), "two lines and " },
		{ STR("\033[2J"), "\xef\xbf\xbd[2J" },
		{ STR("a\0b"), "a\xef\xbf\xbd"
			       "b" },
		{ STR("\x7f"), "\xef\xbf\xbd" },
		{ STR("\xc2\x9b"), "\xef\xbf\xbd" },             /* CSI in one character */
		{ STR("\xe2\x80\xae"), "\xef\xbf\xbd" },         /* writes from the right */
		{ STR("\xff\xfe"), "\xef\xbf\xbd\xef\xbf\xbd" }, /* no UTF-8 */
		{ STR("J\xc3\xb6rg"), "J\xc3\xb6rg" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strbuf b;
		strbuf_init(&b, 200);
		text_clean(rows[i].text, &b);
		CHECK(strcmp(b.p, rows[i].clean) == 0, "row %zu: %s", i, b.p);
		strbuf_deinit(&b);
	}
}

static void what_is_cut_ends_in_an_ellipsis(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t width;
		const char *cut;
		size_t cells;
	} rows[] = {
		{ "abcdef", 6, "abcdef", 6 },
		{ "abcdef", 5, "abcd\xe2\x80\xa6", 5 },
		{ "abcdef", 1, "\xe2\x80\xa6", 1 },
		{ "abcdef", 0, "", 0 },
		/* a wide character is not halved: a cell stays free */
		{ "\xe6\x97\xa5\xe6\x9c\xac", 3, "\xe6\x97\xa5\xe2\x80\xa6", 3 },
		{ "\xe6\x97\xa5\xe6\x9c\xac", 2, "\xe2\x80\xa6", 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strbuf b;
		strbuf_init(&b, 200);
		strbuf_add(&b, STR(""));
		size_t cells = text_cut(str_from(rows[i].text), rows[i].width, &b);
		CHECK(cells == rows[i].cells && str_eq(strbuf_str(&b), str_from(rows[i].cut)),
		      "row %zu: %zu %.*s", i, cells, STR_ARG(strbuf_str(&b)));
		strbuf_deinit(&b);
	}
}

static void add_rows(struct table *t)
{
	table_init(t);
	table_column(t, "ID", 0);
	table_column(t, "NAME", TABLE_FLEXIBLE);
	table_column(t, "N", TABLE_RIGHT);
	table_column(t, "STATUS", TABLE_STATE);
	static const char *const cells[] = {
		"cmp_1", "a name that is long", "7", "active", "cmp_22", "b", "123", "-"
	};
	for (size_t i = 0; i < ARRAY_LEN(cells); i++)
		table_cell(t, str_from(cells[i]));
}

static void check_table(struct table_look look, const char *expected)
{
	struct table t;
	struct strbuf b;

	add_rows(&t);
	assert_int_equal(table_rows(&t), 2);
	strbuf_init(&b, 4096);
	table_render(&t, look, &b);
	assert_str(strbuf_str(&b), expected);
	assert_int_equal(table_rows(&t), 0);
	strbuf_deinit(&b);
	table_deinit(&t);
}

static void a_table_is_as_wide_as_its_cells(void **state)
{
	(void)state;
	check_table((struct table_look){ .with_head = true },
		    "ID      NAME                   N  STATUS\n"
		    "cmp_1   a name that is long    7  active\n"
		    "cmp_22  b                    123  -\n");
}

static void what_does_not_fit_is_taken_from_flexible_columns(void **state)
{
	(void)state;
	check_table((struct table_look){ .width = 35, .with_head = true },
		    "ID      NAME              N  STATUS\n"
		    "cmp_1   a name that i\xe2\x80\xa6    7  active\n"
		    "cmp_22  b               123  -\n");
	/* never less than six cells, and ids stay whole */
	check_table((struct table_look){ .width = 10 }, "cmp_1   a nam\xe2\x80\xa6    7  active\n"
							"cmp_22  b       123  -\n");
}

static void spare_columns_are_left_out_from_the_right(void **state)
{
	(void)state;
	static const struct {
		size_t width;
		const char *lines;
	} rows[] = {
		{ 0, "a-long-id  a long name  12  done  spare\n" },
		{ 39, "a-long-id  a long name  12  done  spare\n" },
		{ 34, "a-long-id  a lon\xe2\x80\xa6  12  done  spare\n" },
		{ 33, "a-long-id  a long name  12  done\n" },
		{ 26, "a-long-id  a long n\xe2\x80\xa6  done\n" },
		{ 23, "a-long-id  a lon\xe2\x80\xa6  done\n" },
		{ 5, "a-long-id  a lon\xe2\x80\xa6  done\n" }, /* it cannot be less */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct table t;
		struct strbuf b;
		table_init(&t);
		table_column(&t, "I", 0);
		table_column(&t, "N", TABLE_FLEXIBLE);
		table_column(&t, "A", TABLE_SPARE | TABLE_RIGHT);
		table_column(&t, "S", TABLE_STATE);
		table_column(&t, "X", TABLE_SPARE);
		static const char *const cells[] = { "a-long-id", "a long name", "12", "done",
						     "spare" };
		for (size_t c = 0; c < ARRAY_LEN(cells); c++)
			table_cell(&t, str_from(cells[c]));
		strbuf_init(&b, 4096);
		table_render(&t, (struct table_look){ .width = rows[i].width }, &b);
		CHECK(strcmp(b.p, rows[i].lines) == 0, "%zu: %s", rows[i].width, b.p);
		strbuf_deinit(&b);
		table_deinit(&t);
	}
}

static void states_are_coloured_where_they_may(void **state)
{
	(void)state;
	check_table((struct table_look){ .coloured = true },
		    "cmp_1   a name that is long    7  \033[32mactive\033[0m\n"
		    "cmp_22  b                    123  -\n");
	assert_string_equal(table_colour_of(STR("failed")), "\033[31m");
	assert_string_equal(table_colour_of(STR("something new")), "");
}

static void pages_of_a_list_stay_in_line(void **state)
{
	(void)state;
	struct table t;
	struct strbuf b;

	add_rows(&t);
	strbuf_init(&b, 4096);
	table_render(&t, (struct table_look){ .width = 0 }, &b);
	strbuf_reset(&b);
	static const char *const cells[] = { "c", "d", "1", "paused" };
	for (size_t i = 0; i < ARRAY_LEN(cells); i++)
		table_cell(&t, str_from(cells[i]));
	table_render(&t, (struct table_look){ .width = 0 }, &b);
	assert_str(strbuf_str(&b), "c       d                      1  paused\n");
	strbuf_deinit(&b);
	table_deinit(&t);
}

static void a_bar_tells_how_far_it_is(void **state)
{
	(void)state;
	static const struct {
		struct bar bar;
		const char *line;
	} rows[] = {
		{ { "rows", BAR_COUNT, 0, 100, 0, 40 }, "rows  [>             ]    0 %  0 of 100" },
		{ { "rows", BAR_COUNT, 50, 100, 0, 40 },
		  "rows  [======>      ]   50 %  50 of 100" },
		{ { "rows", BAR_COUNT, 100, 100, 0, 40 },
		  "rows  [============]  100 %  100 of 100" },
		{ { "rows", BAR_COUNT, 0, 0, 0, 40 }, "rows  [================]  100 %  0 of 0" },
		{ { "sending", BAR_BYTES, 1 << 20, 4 << 20, 2000000, 80 },
		  "sending  [====>             ]   25 %  1.0 MiB of 4.0 MiB  512.0 KiB/s  7 s "
		  "left" },
		/* no room for a bar; no room for all of it */
		{ { "rows", BAR_COUNT, 50, 100, 0, 25 }, "rows   50 %  50 of 100" },
		{ { "rows", BAR_COUNT, 50, 100, 0, 12 }, "rows   50 %" },
		/* nobody knows how much there is */
		{ { "received", BAR_BYTES, 500, -1, 0, 80 }, "received  500 B" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strbuf b;
		strbuf_init(&b, 400);
		bar_render(&rows[i].bar, &b);
		CHECK(str_eq(str_trim(strbuf_str(&b)), str_from(rows[i].line)), "row %zu: '%s'", i,
		      b.p);
		CHECK(text_width(strbuf_str(&b)) < rows[i].bar.width, "row %zu is too wide", i);
		strbuf_deinit(&b);
	}
}

static void what_is_left_is_told_in_its_unit(void **state)
{
	(void)state;
	static const struct {
		int64_t total;
		const char *end;
	} rows[] = {
		{ 110, "  1.0/s  101 s left" },
		{ 1210, "  1.0/s  20 min left" },
		{ 36010, "  1.0/s  10 h left" },
		{ 10000000, "  1.0/s" }, /* months: nobody believes that */
		{ 10, "  1.0/s" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct bar bar = { "x", BAR_COUNT, 10, rows[i].total, 10 * USEC_PER_SEC, 80 };
		struct strbuf b;
		strbuf_init(&b, 400);
		bar_render(&bar, &b);
		CHECK(str_ends(strbuf_str(&b), str_from(rows[i].end)), "row %zu: '%s'", i, b.p);
		strbuf_deinit(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_as_wide_as_its_cells),
		cmocka_unit_test(nothing_moves_the_cursor),
		cmocka_unit_test(what_is_cut_ends_in_an_ellipsis),
		cmocka_unit_test(a_table_is_as_wide_as_its_cells),
		cmocka_unit_test(what_does_not_fit_is_taken_from_flexible_columns),
		cmocka_unit_test(spare_columns_are_left_out_from_the_right),
		cmocka_unit_test(states_are_coloured_where_they_may),
		cmocka_unit_test(pages_of_a_list_stay_in_line),
		cmocka_unit_test(a_bar_tells_how_far_it_is),
		cmocka_unit_test(what_is_left_is_told_in_its_unit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
