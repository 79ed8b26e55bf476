/* The writer: bytes in the order of the calls. */
#include "check.h"

#include "json/json_in.h"
#include "json/json_out.h"

struct bench {
	struct strbuf b;
	struct json_out j;
};

static int setup(void **state)
{
	static struct bench bench;
	strbuf_init(&bench.b, 10000);
	json_out_init(&bench.j, &bench.b);
	*state = &bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *t = *state;
	strbuf_deinit(&t->b);
	return 0;
}

/* What was written, which is then forgotten. */
static void expect(struct bench *t, const char *text)
{
	assert_str(strbuf_str(&t->b), text);
	strbuf_reset(&t->b);
	json_out_init(&t->j, &t->b);
}

static void commas_stand_where_they_belong(void **state)
{
	struct bench *t = *state;
	struct json_out *j = &t->j;
	json_object_begin(j);
	json_key(j, "empty_object");
	json_object_begin(j);
	json_object_end(j);
	json_key(j, "empty_array");
	json_array_begin(j);
	json_array_end(j);
	json_key(j, "list");
	json_array_begin(j);
	json_i64(j, 1);
	json_array_begin(j);
	json_array_end(j);
	json_object_begin(j);
	json_kv_i64(j, "x", 2);
	json_object_end(j);
	json_null(j);
	json_array_end(j);
	json_kv_bool(j, "last", true);
	json_object_end(j);
	expect(t, "{\"empty_object\":{},\"empty_array\":[],\"list\":[1,[],{\"x\":2},null],"
		  "\"last\":true}");
}

static void pairs_of_every_kind(void **state)
{
	struct bench *t = *state;
	struct json_out *j = &t->j;
	json_object_begin(j);
	json_kv_str(j, "str", STR("a"));
	json_kv_str(j, "no_str", STR_NONE);
	json_kv_cstr(j, "cstr", "b");
	json_kv_cstr(j, "no_cstr", NULL);
	json_kv_i64(j, "i64", -1);
	json_kv_bool(j, "bool", false);
	json_kv_null(j, "null");
	json_kv_raw(j, "raw", STR("{\"k\":[]}"));
	json_kv_raw(j, "no_raw", STR_NONE);
	json_kv_id(j, "id", ID_CAMPAIGN, (struct uuid){ { [15] = 1 } });
	json_kv_id(j, "no_id", ID_CAMPAIGN, UUID_NIL);
	json_kv_time(j, "time", 1500000);
	json_kv_time(j, "never", USEC_NEVER);
	json_object_end(j);
	expect(t, "{\"str\":\"a\",\"no_str\":null,\"cstr\":\"b\",\"no_cstr\":null,\"i64\":-1,"
		  "\"bool\":false,\"null\":null,\"raw\":{\"k\":[]},\"no_raw\":null,"
		  "\"id\":\"cmp_00000000000000000000000001\",\"no_id\":null,"
		  "\"time\":\"1970-01-01T00:00:01.500Z\",\"never\":null}");
}

static void text_is_escaped_where_json_asks_for_it_only(void **state)
{
	struct bench *t = *state;
	json_str(&t->j, STR("a\"b\\c/\b\f\n\r\t\x01\x1f\x7f\xc3\xa9\xf0\x9f\x98\x80"));
	expect(t, "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9\xf0\x9f\x98\x80\"");
	json_str(&t->j, STR(""));
	expect(t, "\"\"");
	json_str(&t->j, (struct str){ "x\0y", 3 });
	expect(t, "\"x\\u0000y\"");
	json_object_begin(&t->j);
	json_key(&t->j, "a\"b");
	json_null(&t->j);
	json_object_end(&t->j);
	expect(t, "{\"a\\\"b\":null}");
}

static void integers_beyond_2_to_the_53_are_strings(void **state)
{
	struct bench *t = *state;
	static const struct {
		int64_t v;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ -7, "-7" },
		{ INT64_C(9007199254740992), "9007199254740992" },
		{ INT64_C(9007199254740993), "\"9007199254740993\"" },
		{ INT64_C(-9007199254740992), "-9007199254740992" },
		{ INT64_C(-9007199254740993), "\"-9007199254740993\"" },
		{ INT64_MAX, "\"9223372036854775807\"" },
		{ INT64_MIN, "\"-9223372036854775808\"" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_i64(&t->j, rows[i].v);
		expect(t, rows[i].text);
	}
}

static void seconds_have_up_to_three_decimals(void **state)
{
	struct bench *t = *state;
	static const struct {
		usec_t v;
		const char *text;
	} rows[] = {
		{ 0, "0" },           { 1500000, "1.5" },     { 2000000, "2" },
		{ 1234567, "1.234" }, { 1000, "0.001" },      { 999, "0" },
		{ 10000000, "10" },   { 100000, "0.1" },      { -1500000, "-1.5" },
		{ -100000, "-0.1" },  { 3600000000, "3600" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_seconds(&t->j, rows[i].v);
		expect(t, rows[i].text);
	}
}

static void an_overflow_is_told_by_the_buffer(void **state)
{
	(void)state;
	struct strbuf b;
	struct json_out j;
	strbuf_init(&b, 8);
	json_out_init(&j, &b);
	json_object_begin(&j);
	json_kv_cstr(&j, "key", "too long a value");
	json_object_end(&j);
	assert_true(strbuf_overflowed(&b));
	strbuf_deinit(&b);
}

static void what_is_written_is_read_again(void **state)
{
	struct bench *t = *state;
	struct json_doc *d = NULL;
	char all[127 + 1] = { 0 };
	for (int c = 1; c < 128; c++)
		all[c - 1] = (char)c;
	json_array_begin(&t->j);
	json_cstr(&t->j, all);
	json_i64(&t->j, INT64_C(1) << 53);
	json_seconds(&t->j, -1);
	json_array_end(&t->j);
	assert_ok(json_parse(strbuf_str(&t->b), (struct json_limits){ 4096, 8 }, &d, NULL));
	assert_str(json_as_str(json_first(json_doc_root(d))), all);
	json_doc_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(commas_stand_where_they_belong, setup, teardown),
		cmocka_unit_test_setup_teardown(pairs_of_every_kind, setup, teardown),
		cmocka_unit_test_setup_teardown(text_is_escaped_where_json_asks_for_it_only, setup,
						teardown),
		cmocka_unit_test_setup_teardown(integers_beyond_2_to_the_53_are_strings, setup,
						teardown),
		cmocka_unit_test_setup_teardown(seconds_have_up_to_three_decimals, setup, teardown),
		cmocka_unit_test(an_overflow_is_told_by_the_buffer),
		cmocka_unit_test_setup_teardown(what_is_written_is_read_again, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
