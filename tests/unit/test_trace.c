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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_read_and_written),
		cmocka_unit_test(what_is_no_header_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
