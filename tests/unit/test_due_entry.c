/* Due entries: what is written is read back, in one form only, and nothing else is taken. */
#include "check.h"

#include <string.h>

#include "wire/due_entry.h"

#define A "0190000000007000800000000000000a"
#define B "0190000000007000800000000000000b"
#define C "0190000000007000800000000000000c"
#define D "0190000000007000800000000000000d"
#define GOOD "1 " A " " B " " C " " D " 1764000000123000 1 30 600 0 1763999999000001"

static struct uuid id_ending(uint8_t last)
{
	return (struct uuid){ { 0x01, 0x90, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, last } };
}

static void a_known_entry_has_the_documented_text(void **state)
{
	(void)state;
	const struct due_entry e = { .call_id = id_ending(10),
				     .campaign_id = id_ending(11),
				     .workspace_id = id_ending(12),
				     .number_id = id_ending(13),
				     .due_at = 1764000000123000,
				     .in_line = true,
				     .limits = { 30, 600, 0 },
				     .limits_at = 1763999999000001 };
	struct strbuf b;
	strbuf_init(&b, 1024);
	due_entry_encode(&e, &b);
	assert_str(strbuf_str(&b), GOOD);

	struct due_entry back;
	assert_ok(due_entry_decode(strbuf_str(&b), &back));
	assert_true(uuid_eq(back.call_id, e.call_id));
	assert_true(uuid_eq(back.campaign_id, e.campaign_id));
	assert_true(uuid_eq(back.workspace_id, e.workspace_id));
	assert_true(uuid_eq(back.number_id, e.number_id));
	assert_int_equal(back.due_at, e.due_at);
	assert_true(back.in_line);
	assert_int_equal(back.limits.campaign_per_min, 30);
	assert_int_equal(back.limits.workspace_per_min, 600);
	assert_int_equal(back.limits.number_per_min, 0);
	assert_int_equal(back.limits_at, e.limits_at);
	strbuf_deinit(&b);
}

static void values_beyond_the_limits_are_cut_to_them(void **state)
{
	(void)state;
	const struct due_entry e = { .call_id = id_ending(1),
				     .workspace_id = id_ending(2),
				     .due_at = INT64_MAX,
				     .limits = { INT64_MAX, -5, 1 },
				     .limits_at = -1 };
	struct strbuf b;
	struct due_entry back;
	strbuf_init(&b, 1024);
	due_entry_encode(&e, &b);
	assert_ok(due_entry_decode(strbuf_str(&b), &back));
	assert_int_equal(back.due_at, 253402300799999999);
	assert_int_equal(back.limits.campaign_per_min, 1000000000);
	assert_int_equal(back.limits.workspace_per_min, 0);
	assert_int_equal(back.limits_at, 0);
	strbuf_deinit(&b);
}

static void everything_else_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		" ",
		"1",
		"2"
		" " A " " B " " C " " D " 1 1 30 600 0 1",
		"01 " A " " B " " C " " D " 1 1 30 600 0 1",
		GOOD " ",
		GOOD " 1",
		" " GOOD,
		"1 " A " " B " " C " " D " 1 1 30 600 0",
		"1 " A " " B " " C " " D " 1 1 30 600 0 ",
		"1 " A " " B " " C " " D "  1 1 30 600 0 1",
		"1 " A " " B " " C " " D " 01 1 30 600 0 1",
		"1 " A " " B " " C " " D " -1 1 30 600 0 1",
		"1 " A " " B " " C " " D " -0 1 30 600 0 1",
		"1 " A " " B " " C " " D " 253402300800000000 1 30 600 0 1",
		"1 " A " " B " " C " " D " 1 2 30 600 0 1",
		"1 " A " " B " " C " " D " 1 1 1000000001 600 0 1",
		"1 " A " " B " " C " " D " 1 1 30 600 x 1",
		"1 " A " " B " " C " 0190000000007000800000000000000D 1 1 30 600 0 1",
		"1 " A " " B " " C " 0190000000007000800000000000000 1 1 30 600 0 1",
		"1 " A " " B " " C " 0190000000007000800000000000000dd 1 1 30 600 0 1",
		"1 00000000000000000000000000000000 " B " " C " " D " 1 1 30 600 0 1",
		"1 " A " " B " 00000000000000000000000000000000 " D " 1 1 30 600 0 1",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct due_entry e = { .due_at = 42 };
		struct err err = due_entry_decode(str_from(bad[i]), &e);
		CHECK(err.code == ERR_PROTOCOL, "\"%s\"", bad[i]);
		CHECK(e.due_at == 42, "written on failure: \"%s\"", bad[i]);
	}
}

static void a_cut_entry_is_refused_at_every_length(void **state)
{
	(void)state;
	struct str whole = STR(GOOD);
	struct due_entry e;
	/* The last number may lose digits and stay a number; before it nothing may be missing. */
	size_t last = whole.n - strlen("1763999999000001");
	for (size_t n = 0; n <= last; n++)
		assert_err(due_entry_decode((struct str){ whole.p, n }, &e), ERR_PROTOCOL);
	assert_ok(due_entry_decode(whole, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_known_entry_has_the_documented_text),
		cmocka_unit_test(values_beyond_the_limits_are_cut_to_them),
		cmocka_unit_test(everything_else_is_refused),
		cmocka_unit_test(a_cut_entry_is_refused_at_every_length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
