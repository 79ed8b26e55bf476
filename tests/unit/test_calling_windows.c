/* Calling windows in JSON: what is taken, each fault with its pointer, stored rows. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timefmt.h"
#include "wire/calling_windows.h"

#define TEXT_MAX 65536

enum { SUN = 1, MON = 2, TUE = 4, WED = 8, THU = 16, FRI = 32, SAT = 64 };

struct bench {
	struct arena *arena;
	struct calling_windows w;
	struct json_faults faults;
	bool is_good;
};

static int set_up(void **state)
{
	static struct bench b;
	b = (struct bench){ .arena = arena_new() };
	*state = &b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	arena_free(b->arena);
	return 0;
}

/* Over windows that nothing decodes to: what is left untouched shows. */
static void decode_text(struct bench *b, struct str text)
{
	struct json_doc *d = NULL;
	assert_ok(json_parse(text, (struct json_limits){ TEXT_MAX, 8 }, &d, NULL));
	b->faults = (struct json_faults){ .n = 0 };
	b->w = (struct calling_windows){ .window = { .n_spans = 99 } };
	b->is_good = calling_windows_decode(json_doc_root(d), "/calling_windows", b->arena, &b->w,
					    &b->faults);
	json_doc_free(d);
	CHECK(b->is_good == (b->faults.total == 0), "%.*s", STR_ARG(text));
	CHECK(b->is_good == (b->w.window.n_spans != 99), "%.*s", STR_ARG(text));
}

static void decode(struct bench *b, const char *text)
{
	decode_text(b, str_from(text));
}

static void check_span(const struct window_span *s, unsigned days, int start, int end)
{
	assert_int_equal(s->days, days);
	assert_int_equal(s->start_min, start);
	assert_int_equal(s->end_min, end);
}

static void the_documented_windows_are_read(void **state)
{
	struct bench *b = *state;

	decode(b, "{\"timezone\":\"target\",\"weekly\":["
		  "{\"days\":[\"mon\",\"tue\",\"wed\",\"thu\",\"fri\"],\"start\":\"09:00\","
		  "\"end\":\"20:00\"},"
		  "{\"days\":[\"sat\",\"sun\"],\"start\":\"00:00\",\"end\":\"24:00\"}],"
		  "\"blackout_dates\":[\"2026-12-25\",\"2026-01-01\",\"2026-12-25\"]}");
	assert_true(b->is_good);
	assert_true(b->w.is_by_target);
	assert_null(b->w.timezone.p);
	assert_int_equal(b->w.window.n_spans, 2);
	check_span(&b->w.window.spans[0], MON | TUE | WED | THU | FRI, 540, 1200);
	check_span(&b->w.window.spans[1], SAT | SUN, 0, 1440);
	assert_int_equal(b->w.window.n_blackouts, 2);
	assert_int_equal(b->w.window.blackouts[0], date_to_days(2026, 1, 1));
	assert_int_equal(b->w.window.blackouts[1], date_to_days(2026, 12, 25));
}

static void a_zone_is_kept_by_name(void **state)
{
	struct bench *b = *state;

	decode(b, "{\"timezone\":\"America/New_York\"}");
	assert_true(b->is_good);
	assert_false(b->w.is_by_target);
	assert_str(b->w.timezone, "America/New_York");
	/* a name that no zone has is for another to refuse */
	decode(b, "{\"timezone\":\"Target\"}");
	assert_true(b->is_good);
	assert_false(b->w.is_by_target);
	assert_str(b->w.timezone, "Target");
}

static void all_members_may_be_missing(void **state)
{
	static const char *const texts[] = { "{}", "{\"blackout_dates\":[]}" };
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		decode(b, texts[i]);
		CHECK(b->is_good && b->w.window.n_spans == 0 && b->w.window.n_blackouts == 0 &&
			      b->w.timezone.p == NULL && !b->w.is_by_target,
		      "%s", texts[i]);
	}
}

static void times_are_minutes_of_a_day(void **state)
{
	static const struct {
		const char *start, *end;
		int start_min, end_min;
		const char *fault; /* the member, or NULL */
	} rows[] = {
		{ "00:00", "00:01", 0, 1, NULL },       { "23:59", "24:00", 1439, 1440, NULL },
		{ "09:05", "10:59", 545, 659, NULL },   { "24:00", "24:00", 0, 0, "start" },
		{ "25:00", "20:00", 0, 0, "start" },    { "9:00", "20:00", 0, 0, "start" },
		{ "09:60", "20:00", 0, 0, "start" },    { "09.00", "20:00", 0, 0, "start" },
		{ "0a:00", "20:00", 0, 0, "start" },    { "a0:00", "20:00", 0, 0, "start" },
		{ "09:00:00", "20:00", 0, 0, "start" }, { " 9:00", "20:00", 0, 0, "start" },
		{ "-1:00", "20:00", 0, 0, "start" },    { "", "20:00", 0, 0, "start" },
		{ "09:00", "24:01", 0, 0, "end" },      { "09:00", "09:00", 0, 0, "end" },
		{ "20:00", "09:00", 0, 0, "end" },      { "09:00", "00:00", 0, 0, "end" },
		{ "09:00", "8 pm", 0, 0, "end" },       { "09:00", "20:0", 0, 0, "end" },
		{ "09:00", "99:99", 0, 0, "end" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[160], pointer[64];
		(void)snprintf(
			text, sizeof(text),
			"{\"weekly\":[{\"days\":[\"wed\"],\"start\":\"%s\",\"end\":\"%s\"}]}",
			rows[i].start, rows[i].end);
		decode(b, text);
		CHECK(b->is_good == (rows[i].fault == NULL), "%s", text);
		if (rows[i].fault == NULL) {
			check_span(&b->w.window.spans[0], WED, rows[i].start_min, rows[i].end_min);
			continue;
		}
		(void)snprintf(pointer, sizeof(pointer), "/calling_windows/weekly/0/%s",
			       rows[i].fault);
		CHECK(b->faults.total == 1, "%s: %zu faults", text, b->faults.total);
		CHECK(strcmp(b->faults.v[0].pointer, pointer) == 0, "%s: %s", text,
		      b->faults.v[0].pointer);
	}
}

static void each_day_has_its_bit(void **state)
{
	static const char *const words[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		char text[160];
		(void)snprintf(text, sizeof(text),
			       "{\"weekly\":[{\"days\":[\"%s\",\"%s\"],\"start\":\"09:00\","
			       "\"end\":\"20:00\"}]}",
			       words[i], words[i]);
		decode(b, text);
		CHECK(b->is_good, "%s", text);
		check_span(&b->w.window.spans[0], 1U << i, 540, 1200);
	}
}

static void dates_are_dates(void **state)
{
	static const struct {
		const char *text;
		bool is_good;
	} rows[] = {
		{ "1970-01-01", true },   { "9999-12-31", true },  { "2028-02-29", true },
		{ "2000-02-29", true },   { "2027-02-29", false }, { "2100-02-29", false },
		{ "2026-04-31", false },  { "2026-13-01", false }, { "2026-00-01", false },
		{ "2026-01-00", false },  { "2026-01-32", false }, { "1969-12-31", false },
		{ "0000-01-01", false },  { "26-01-01", false },   { "2026-1-1", false },
		{ "2026/01/01", false },  { "2026-01/01", false }, { "20260101", false },
		{ "2026-01-01T", false }, { "xx26-01-01", false }, { "20xx-01-01", false },
		{ "2026-xx-01", false },  { "2026-01-xx", false }, { "", false },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[80];
		(void)snprintf(text, sizeof(text), "{\"blackout_dates\":[\"%s\"]}", rows[i].text);
		decode(b, text);
		CHECK(b->is_good == rows[i].is_good, "%s", text);
		CHECK(b->is_good || strcmp(b->faults.v[0].pointer,
					   "/calling_windows/blackout_dates/0") == 0,
		      "%s: %s", text, b->faults.v[0].pointer);
	}
}

static void each_fault_is_told_where_it_stands(void **state)
{
#define SPAN "\"start\":\"09:00\",\"end\":\"20:00\""
	static const struct {
		const char *text, *pointer;
	} rows[] = {
		{ "[]", "" },
		{ "null", "" },
		{ "\"mon\"", "" },
		{ "{\"weekdays\":[]}", "/weekdays" },
		{ "{\"timezone\":3}", "/timezone" },
		{ "{\"timezone\":null}", "/timezone" },
		{ "{\"timezone\":\"\"}", "/timezone" },
		{ "{\"timezone\":\"01234567890123456789012345678901234567890123456789"
		  "012345678901234\"}",
		  "/timezone" },
		{ "{\"weekly\":{}}", "/weekly" },
		{ "{\"weekly\":null}", "/weekly" },
		{ "{\"weekly\":[]}", "/weekly" },
		{ "{\"weekly\":[\"mon\"]}", "/weekly/0" },
		{ "{\"weekly\":[[]]}", "/weekly/0" },
		{ "{\"weekly\":[{" SPAN "}]}", "/weekly/0/days" },
		{ "{\"weekly\":[{\"days\":[]," SPAN "}]}", "/weekly/0/days" },
		{ "{\"weekly\":[{\"days\":\"mon\"," SPAN "}]}", "/weekly/0/days" },
		{ "{\"weekly\":[{\"days\":[\"Mon\"]," SPAN "}]}", "/weekly/0/days" },
		{ "{\"weekly\":[{\"days\":[\"mon\",\"monday\",1]," SPAN "}]}", "/weekly/0/days" },
		{ "{\"weekly\":[{\"days\":[\"mon\",null]," SPAN "}]}", "/weekly/0/days" },
		{ "{\"weekly\":[{\"days\":[\"mon\"],\"start\":\"09:00\"}]}", "/weekly/0/end" },
		{ "{\"weekly\":[{\"days\":[\"mon\"],\"end\":\"09:00\"}]}", "/weekly/0/start" },
		{ "{\"weekly\":[{\"days\":[\"mon\"],\"start\":900,\"end\":\"09:00\"}]}",
		  "/weekly/0/start" },
		{ "{\"weekly\":[{\"days\":[\"mon\"]," SPAN ",\"timezone\":\"UTC\"}]}",
		  "/weekly/0/timezone" },
		{ "{\"weekly\":[{\"days\":[\"mon\"]," SPAN "},{\"days\":[\"x\"]," SPAN "}]}",
		  "/weekly/1/days" },
		{ "{\"blackout_dates\":\"2026-12-25\"}", "/blackout_dates" },
		{ "{\"blackout_dates\":null}", "/blackout_dates" },
		{ "{\"blackout_dates\":[\"2026-12-25\",20261225]}", "/blackout_dates/1" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char pointer[80];
		(void)snprintf(pointer, sizeof(pointer), "/calling_windows%s", rows[i].pointer);
		decode(b, rows[i].text);
		CHECK(b->faults.total == 1, "%s: %zu faults", rows[i].text, b->faults.total);
		CHECK(strcmp(b->faults.v[0].pointer, pointer) == 0, "%s: %s", rows[i].text,
		      b->faults.v[0].pointer);
		assert_string_equal(b->faults.v[0].code, "validation_error");
	}
}

static void all_faults_are_told_at_once(void **state)
{
	static const char *const pointers[] = {
		"/calling_windows/timezone",         "/calling_windows/weekly/0/start",
		"/calling_windows/weekly/0/end",     "/calling_windows/weekly/0/days",
		"/calling_windows/weekly/1",         "/calling_windows/weekly/3/end",
		"/calling_windows/blackout_dates/0", "/calling_windows/blackout_dates/2",
	};
	struct bench *b = *state;

	decode(b, "{\"timezone\":1,\"weekly\":[{\"days\":[\"x\"],\"start\":\"x\",\"end\":\"x\"},7,"
		  "{\"days\":[\"mon\"]," SPAN "},"
		  "{\"days\":[\"mon\"],\"start\":\"10:00\",\"end\":\"09:00\"}],"
		  "\"blackout_dates\":[\"x\",\"2026-12-25\",null]}");
	assert_int_equal(b->faults.total, ARRAY_LEN(pointers));
	for (size_t i = 0; i < ARRAY_LEN(pointers); i++)
		assert_string_equal(b->faults.v[i].pointer, pointers[i]);
}

static void so_many_windows_and_dates_are_the_most(void **state)
{
	struct bench *b = *state;
	struct strbuf text;

	for (size_t n = WINDOW_SPANS_MAX; n <= WINDOW_SPANS_MAX + 2; n++) {
		strbuf_init(&text, TEXT_MAX);
		for (size_t i = 0; i < n; i++)
			strbuf_addf(&text, "%s{\"days\":[\"mon\"]," SPAN "}",
				    i ? "," : "{\"weekly\":[");
		strbuf_add(&text, STR("]}"));
		decode_text(b, strbuf_str(&text));
		assert_int_equal(b->faults.total, n == WINDOW_SPANS_MAX ? 0 : 1);
		if (n > WINDOW_SPANS_MAX)
			assert_string_equal(b->faults.v[0].pointer, "/calling_windows/weekly");
		strbuf_deinit(&text);
	}
	for (size_t n = WINDOW_BLACKOUTS_MAX; n <= WINDOW_BLACKOUTS_MAX + 2; n++) {
		strbuf_init(&text, TEXT_MAX);
		for (size_t i = 0; i < n; i++)
			strbuf_addf(&text, "%s\"%zu-06-01\"", i ? "," : "{\"blackout_dates\":[",
				    9000 - i);
		strbuf_add(&text, STR("]}"));
		decode_text(b, strbuf_str(&text));
		assert_int_equal(b->faults.total, n == WINDOW_BLACKOUTS_MAX ? 0 : 1);
		if (n > WINDOW_BLACKOUTS_MAX)
			assert_string_equal(b->faults.v[0].pointer,
					    "/calling_windows/blackout_dates");
		else
			assert_int_equal(b->w.window.blackouts[0],
					 date_to_days(9001 - WINDOW_BLACKOUTS_MAX, 6, 1));
		strbuf_deinit(&text);
	}
}

static void a_stored_row_is_read(void **state)
{
	struct bench *b = *state;

	assert_ok(calling_windows_from_row(STR("{\"weekly\": [{\"end\": \"20:00\", \"days\": "
					       "[\"mon\"], \"start\": \"09:00\"}],"
					       " \"timezone\": \"Asia/Kathmandu\"}"),
					   b->arena, &b->w));
	assert_str(b->w.timezone, "Asia/Kathmandu");
	assert_int_equal(b->w.window.n_spans, 1);
	check_span(&b->w.window.spans[0], MON, 540, 1200);
}

static void a_damaged_row_is_told(void **state)
{
	static const char *const texts[] = {
		"", "{", "[]", "null", "{\"weekly\":[7]}", "{\"mood\":1}", "{} ,"
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct calling_windows w = { .window = { .n_spans = 99 } };
		assert_err(calling_windows_from_row(str_from(texts[i]), b->arena, &w), ERR_INVALID);
		CHECK(w.window.n_spans == 99, "%s", texts[i]);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_documented_windows_are_read),
		TEST(a_zone_is_kept_by_name),
		TEST(all_members_may_be_missing),
		TEST(times_are_minutes_of_a_day),
		TEST(each_day_has_its_bit),
		TEST(dates_are_dates),
		TEST(each_fault_is_told_where_it_stands),
		TEST(all_faults_are_told_at_once),
		TEST(so_many_windows_and_dates_are_the_most),
		TEST(a_stored_row_is_read),
		TEST(a_damaged_row_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
