/* W3C Trace Context, by the examples and rules of its specification. */
#include "check.h"

#include <string.h>

#include "wire/trace.h"

#define GOOD "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static void a_header_is_read_and_written(void **state)
{
	(void)state;
	struct trace t;
	struct uuid span = { { 9, 9, 9, 9, 9, 9, 9, 9, 0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 2, 0xb7 } };
	char header[TRACEPARENT_SIZE], text[TRACE_TEXT_SIZE];

	assert_true(trace_parse(STR(GOOD), &t));
	assert_int_equal(t.flags, 1);
	assert_string_equal(trace_text(t.id, text), "4bf92f3577b34da6a3ce929d0e0e4736");
	assert_string_equal(trace_format(t, span, header), GOOD);
	assert_true(trace_parse(STR("  " GOOD " "), &t));
	/* A version to come: what this one knows is taken. */
	assert_true(trace_parse(STR("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-more"),
				&t));
	assert_int_equal(t.flags, 0);
}

static void what_is_no_header_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"00",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
		"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more",
		"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
		"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e473600-f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
	};
	struct trace t = { .flags = 77 };

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK(!trace_parse(str_from(bad[i]), &t), "%s", bad[i]);
	assert_false(trace_parse(STR_NONE, &t));
	assert_int_equal(t.flags, 77);
}

static void a_link_names_a_span_of_another_trace(void **state)
{
	(void)state;
	struct trace t;
	struct uuid span = { { 9, 9, 9, 9, 9, 9, 9, 9, 0, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 2, 0xb7 } };
	char link[TRACE_LINK_SIZE];

	assert_true(trace_parse(STR(GOOD), &t));
	assert_string_equal(trace_link(t.id, span, link),
			    "belfry=4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7");
	assert_true(trace_state_is_valid(str_from(link)));
}

static void a_state_is_judged(void **state)
{
	(void)state;
	static const char *const good[] = {
		"rojo=00f067aa0ba902b7",
		"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
		" rojo=1 ,\tcongo=2,",
		",a=1,,b=2",
		"fw529a3039@dt=FfAz a:1;2\"",
		"1t@a=x",
		"a_-*/9= x",
	};
	static const char *const bad[] = {
		"",     ",",     " ",       "a",           "a=",         "=1",         "A=1",
		"1=1",  "a b=1", "a=1=2",   "a=1,a=2",     "a=1;b=\x7f", "a=\xc3\xa9", "a@=1",
		"@a=1", "a@1=1", "a@b@c=1", "a=1\r\nx: y", "a=1\t2",
	};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		CHECK(trace_state_is_valid(str_from(good[i])), "%s", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		CHECK(!trace_state_is_valid(str_from(bad[i])), "%s", bad[i]);
	assert_false(trace_state_is_valid(STR_NONE));
}

/* n members of that many bytes and a comma each, the last without. */
static struct str members(struct strbuf *b, size_t n, size_t bytes)
{
	strbuf_reset(b);
	for (size_t i = 0; i < n; i++) {
		strbuf_addf(b, "%sk%03zu=", i > 0 ? "," : "", i);
		for (size_t k = 5; k < bytes; k++)
			strbuf_add_c(b, 'v');
	}
	return strbuf_str(b);
}

static void a_state_has_bounds(void **state)
{
	(void)state;
	struct strbuf b;

	strbuf_init(&b, 4096);
	assert_true(trace_state_is_valid(members(&b, 32, 6)));
	assert_false(trace_state_is_valid(members(&b, 33, 6)));
	assert_true(trace_state_is_valid(members(&b, 1, 5 + 256)));
	assert_false(trace_state_is_valid(members(&b, 1, 5 + 257)));
	/* 512 bytes, and one more. */
	(void)members(&b, 2, 255);
	strbuf_addf(&b, ",");
	assert_int_equal(b.n, TRACESTATE_MAX);
	assert_true(trace_state_is_valid(strbuf_str(&b)));
	strbuf_addf(&b, ",");
	assert_false(trace_state_is_valid(strbuf_str(&b)));
	/* A key of 256, and of 257. */
	for (size_t n = 256; n < 258; n++) {
		strbuf_reset(&b);
		for (size_t k = 0; k < n; k++)
			strbuf_add_c(&b, 'k');
		strbuf_addf(&b, "=1");
		assert_int_equal(trace_state_is_valid(strbuf_str(&b)), n == 256);
	}
	strbuf_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_read_and_written),
		cmocka_unit_test(what_is_no_header_is_refused),
		cmocka_unit_test(a_link_names_a_span_of_another_trace),
		cmocka_unit_test(a_state_is_judged),
		cmocka_unit_test(a_state_has_bounds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
