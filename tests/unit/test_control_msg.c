/* Control messages: every kind and scope there and back, and nothing else is taken. */
#include "check.h"

#include "wire/control_msg.h"

#define NIL "00000000000000000000000000000000"
#define A "0190000000007000800000000000000a"
#define B "0190000000007000800000000000000b"
#define C "0190000000007000800000000000000c"

static struct uuid id_ending(uint8_t last)
{
	return (struct uuid){ { 0x01, 0x90, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, last } };
}

static const struct {
	struct control_msg m;
	const char *text;
} cases[] = {
	{ { .kind = CONTROL_CAMPAIGN_CHANGED, .at = 7 },
	  "1 campaign_changed " A " " NIL " " NIL " none " NIL " 0 7" },
	{ { .kind = CONTROL_CAMPAIGN_HELD, .at = 1764000000123456 },
	  "1 campaign_held " A " " NIL " " NIL " none " NIL " 0 1764000000123456" },
	{ { .kind = CONTROL_CALLS_DROPPED },
	  "1 calls_dropped " A " " NIL " " NIL " none " NIL " 0 0" },
	{ { .kind = CONTROL_HANGUP, .at = 3 }, "1 hangup " A " " NIL " " NIL " none " NIL " 0 3" },
	{ { .kind = CONTROL_TRUNK_TEST, .at = 4 },
	  "1 trunk_test " A " " NIL " " NIL " none " NIL " 0 4" },
	{ { .kind = CONTROL_LIMITS, .scope = CONTROL_SCOPE_CAMPAIGN, .per_min = 30, .at = 1 },
	  "1 limits " A " " NIL " " NIL " campaign " NIL " 30 1" },
	{ { .kind = CONTROL_LIMITS, .scope = CONTROL_SCOPE_WORKSPACE, .per_min = 0, .at = 1 },
	  "1 limits " A " " NIL " " NIL " workspace " NIL " 0 1" },
	{ { .kind = CONTROL_LIMITS, .scope = CONTROL_SCOPE_NUMBER, .per_min = 9, .at = 1 },
	  "1 limits " A " " NIL " " NIL " number " NIL " 9 1" },
};

static void each_kind_and_scope_has_its_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct control_msg m = cases[i].m, back;
		struct strbuf b;
		m.workspace_id = id_ending(10);
		strbuf_init(&b, 512);
		control_msg_encode(&m, &b);
		assert_str(strbuf_str(&b), cases[i].text);
		assert_ok(control_msg_decode(strbuf_str(&b), &back));
		assert_int_equal(back.kind, m.kind);
		assert_int_equal(back.scope, m.scope);
		assert_int_equal(back.per_min, m.per_min);
		assert_int_equal(back.at, m.at);
		assert_true(uuid_eq(back.workspace_id, m.workspace_id));
		strbuf_deinit(&b);
	}
}

static void each_id_comes_back_in_its_own_place(void **state)
{
	(void)state;
	struct control_msg m;
	assert_ok(control_msg_decode(STR("1 limits " NIL " " A " " B " number " C " 5 6"), &m));
	assert_true(uuid_is_nil(m.workspace_id));
	assert_true(uuid_eq(m.campaign_id, id_ending(10)));
	assert_true(uuid_eq(m.call_id, id_ending(11)));
	assert_true(uuid_eq(m.scope_id, id_ending(12)));
}

static void everything_else_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"1",
		"2 limits " A " " NIL " " NIL " none " NIL " 0 0",
		"1 limit " A " " NIL " " NIL " none " NIL " 0 0",
		"1 hang_up " A " " NIL " " NIL " none " NIL " 0 0",
		"1 Limits " A " " NIL " " NIL " none " NIL " 0 0",
		"1 limits " A " " NIL " " NIL " everyone " NIL " 0 0",
		"1 limits " A " " NIL " " NIL " none " NIL " 0",
		"1 limits " A " " NIL " " NIL " none " NIL " 0 0 0",
		"1 limits " A " " NIL " none " NIL " 0 0",
		"1 limits " A " " NIL " " NIL " none " NIL " -1 0",
		"1 limits " A " " NIL " " NIL " none " NIL " 0 007",
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct control_msg m = { .per_min = 42 };
		struct err err = control_msg_decode(str_from(bad[i]), &m);
		CHECK(err.code == ERR_PROTOCOL, "\"%s\"", bad[i]);
		CHECK(m.per_min == 42, "written on failure: \"%s\"", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_and_scope_has_its_text),
		cmocka_unit_test(each_id_comes_back_in_its_own_place),
		cmocka_unit_test(everything_else_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
