/* Tables of fields: kinds, limits, null, absence, and the faults with their pointers. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "json/json_in.h"

struct sample {
	struct str name, number;
	int64_t count, rate;
	usec_t delay, at;
	bool is_on;
	struct uuid agent;
	const struct json_value *object, *array;
	bool has_name, has_count, has_at, has_agent, has_object;
};

#define FIELD(name_, kind_, member, ...)                                                           \
	{                                                                                          \
		.name = (name_), .kind = (kind_), .offset = offsetof(struct sample, member),       \
		__VA_ARGS__                                                                        \
	}
#define NO_FLAG .present_offset = SIZE_MAX
#define FLAG(member) .present_offset = offsetof(struct sample, member)

static const struct json_field fields[] = {
	FIELD("name", JSON_K_STR, name, FLAG(has_name), .nullable = true, .min = 1, .max = 5),
	FIELD("to", JSON_K_E164, number, NO_FLAG, .nullable = true),
	FIELD("count", JSON_K_I64, count, FLAG(has_count), .nullable = true, .min = 1, .max = 10),
	FIELD("rate", JSON_K_I64, rate, NO_FLAG),
	FIELD("delay", JSON_K_SECONDS, delay, NO_FLAG, .min = 0, .max = 60 * USEC_PER_SEC),
	FIELD("at", JSON_K_TIME, at, FLAG(has_at), .nullable = true),
	FIELD("on", JSON_K_BOOL, is_on, NO_FLAG),
	FIELD("agent", JSON_K_ID, agent, FLAG(has_agent), .nullable = true, .id = ID_AGENT),
	FIELD("object", JSON_K_OBJECT, object, FLAG(has_object), .nullable = true),
	FIELD("array", JSON_K_ARRAY, array, NO_FLAG),
};

struct bench {
	struct arena *arena;
	struct json_doc *doc;
	struct json_faults faults;
	struct sample out;
};

static int setup(void **state)
{
	static struct bench bench;
	bench = (struct bench){ .arena = arena_new() };
	*state = &bench;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	json_doc_free(b->doc);
	arena_free(b->arena);
	return 0;
}

static bool decode(struct bench *b, const char *text, bool strict)
{
	json_doc_free(b->doc);
	b->doc = NULL;
	b->faults = (struct json_faults){ .n = 0 };
	b->out = (struct sample){ .count = 3, .is_on = true };
	assert_ok(json_parse(str_from(text), (struct json_limits){ 1 << 20, 8 }, &b->doc, NULL));
	return json_decode(json_doc_root(b->doc),
			   (struct json_decoder){ .fields = fields,
						  .n = ARRAY_LEN(fields),
						  .strict = strict,
						  .base = "/base",
						  .arena = b->arena,
						  .faults = &b->faults },
			   &b->out);
}

static void values_of_every_kind_arrive(void **state)
{
	struct bench *b = *state;
	assert_true(decode(b,
			   "{\"name\":\"Ada\",\"to\":\"+14155550123\",\"count\":10,"
			   "\"rate\":-9223372036854775808,\"delay\":1.5,"
			   "\"at\":\"1970-01-01T00:00:01Z\",\"on\":false,"
			   "\"agent\":\"agt_00000000000000000000000001\",\"object\":{\"x\":1},"
			   "\"array\":[1,2]}",
			   true));
	assert_str(b->out.name, "Ada");
	assert_str(b->out.number, "+14155550123");
	assert_int_equal(b->out.count, 10);
	assert_true(b->out.rate == INT64_MIN);
	assert_int_equal(b->out.delay, 1500000);
	assert_int_equal(b->out.at, USEC_PER_SEC);
	assert_false(b->out.is_on);
	assert_int_equal(b->out.agent.b[15], 1);
	assert_int_equal(json_count(b->out.object), 1);
	assert_int_equal(json_count(b->out.array), 2);
	assert_true(b->out.has_name && b->out.has_count && b->out.has_at && b->out.has_agent &&
		    b->out.has_object);
	assert_int_equal(b->faults.total, 0);
}

static void texts_outlive_the_document(void **state)
{
	struct bench *b = *state;
	assert_true(decode(b, "{\"name\":\"Ada\",\"to\":\"+14155550123\"}", true));
	json_doc_free(b->doc);
	b->doc = NULL;
	assert_str(b->out.name, "Ada");
	assert_str(b->out.number, "+14155550123");
}

static void absent_members_leave_the_defaults(void **state)
{
	struct bench *b = *state;
	assert_true(decode(b, "{}", true));
	assert_null(b->out.name.p);
	assert_int_equal(b->out.count, 3);
	assert_true(b->out.is_on);
	assert_false(b->out.has_name || b->out.has_count || b->out.has_at || b->out.has_agent);
}

static void null_is_present_without_a_value_where_it_is_allowed(void **state)
{
	struct bench *b = *state;
	assert_true(decode(b,
			   "{\"name\":null,\"to\":null,\"count\":null,\"at\":null,\"agent\":null,"
			   "\"object\":null}",
			   true));
	assert_null(b->out.name.p);
	assert_null(b->out.number.p);
	assert_int_equal(b->out.count, 3);
	assert_true(b->out.at == USEC_NEVER);
	assert_true(uuid_is_nil(b->out.agent));
	assert_null(b->out.object);
	assert_true(b->out.has_name && b->out.has_count && b->out.has_at && b->out.has_agent &&
		    b->out.has_object);
}

static void wrong_values_are_faults_at_their_pointer(void **state)
{
	struct bench *b = *state;
	static const struct {
		const char *text, *pointer, *code;
	} rows[] = {
		{ "{\"name\":1}", "/base/name", "validation_error" },
		{ "{\"name\":\"\"}", "/base/name", "validation_error" },
		{ "{\"name\":\"123456\"}", "/base/name", "validation_error" },
		{ "{\"to\":\"4155550123\"}", "/base/to", "invalid_e164" },
		{ "{\"to\":14155550123}", "/base/to", "invalid_e164" },
		{ "{\"count\":0}", "/base/count", "validation_error" },
		{ "{\"count\":11}", "/base/count", "validation_error" },
		{ "{\"count\":1.5}", "/base/count", "validation_error" },
		{ "{\"count\":\"1\"}", "/base/count", "validation_error" },
		{ "{\"count\":9223372036854775808}", "/base/count", "validation_error" },
		{ "{\"rate\":null}", "/base/rate", "validation_error" },
		{ "{\"delay\":-0.1}", "/base/delay", "validation_error" },
		{ "{\"delay\":60.000001}", "/base/delay", "validation_error" },
		{ "{\"delay\":1e300}", "/base/delay", "validation_error" },
		{ "{\"delay\":\"1\"}", "/base/delay", "validation_error" },
		{ "{\"at\":\"2026-02-30T00:00:00Z\"}", "/base/at", "validation_error" },
		{ "{\"at\":0}", "/base/at", "validation_error" },
		{ "{\"on\":1}", "/base/on", "validation_error" },
		{ "{\"on\":null}", "/base/on", "validation_error" },
		{ "{\"agent\":\"num_00000000000000000000000001\"}", "/base/agent",
		  "validation_error" },
		{ "{\"agent\":1}", "/base/agent", "validation_error" },
		{ "{\"object\":[]}", "/base/object", "validation_error" },
		{ "{\"array\":{}}", "/base/array", "validation_error" },
		{ "{\"other\":1}", "/base/other", "validation_error" },
		{ "{\"NAME\":\"Ada\"}", "/base/NAME", "validation_error" },
		{ "{\"a/b~c\":1}", "/base/a~1b~0c", "validation_error" },
		{ "{\"\":1}", "/base/", "validation_error" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CHECK(!decode(b, rows[i].text, true), "%s", rows[i].text);
		CHECK(b->faults.n == 1 && b->faults.total == 1, "%s", rows[i].text);
		assert_string_equal(b->faults.v[0].pointer, rows[i].pointer);
		assert_string_equal(b->faults.v[0].code, rows[i].code);
		assert_true(strlen(b->faults.v[0].detail) > 0);
		assert_false(b->out.has_name || b->out.has_count || b->out.has_at ||
			     b->out.has_agent || b->out.has_object);
	}
}

static void seconds_may_be_written_in_any_form_of_a_number(void **state)
{
	struct bench *b = *state;
	static const struct {
		const char *text;
		usec_t v;
	} rows[] = {
		{ "{\"delay\":0}", 0 },
		{ "{\"delay\":60}", 60000000 },
		{ "{\"delay\":2e1}", 20000000 },
		{ "{\"delay\":1e-1}", 100000 },
		{ "{\"delay\":0.1000000001}", 100000 },
		{ "{\"delay\":0.000001}", 1 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CHECK(decode(b, rows[i].text, true), "%s", rows[i].text);
		CHECK(b->out.delay == rows[i].v, "%s", rows[i].text);
	}
}

static void all_faults_are_found_not_only_the_first(void **state)
{
	struct bench *b = *state;
	assert_false(decode(b, "{\"x\":1,\"name\":1,\"to\":\"1\",\"on\":false}", true));
	assert_int_equal(b->faults.n, 3);
	assert_string_equal(b->faults.v[0].pointer, "/base/x");
	assert_string_equal(b->faults.v[1].pointer, "/base/name");
	assert_string_equal(b->faults.v[2].pointer, "/base/to");
	assert_false(b->out.is_on);
}

static void unknown_members_are_skipped_when_not_strict(void **state)
{
	struct bench *b = *state;
	assert_true(decode(b, "{\"x\":{\"name\":1},\"name\":\"Ada\"}", false));
	assert_str(b->out.name, "Ada");
}

static void required_members_are_asked_for(void **state)
{
	struct bench *b = *state;
	struct required {
		struct str s;
		int64_t i;
	} out = { .i = 0 };
	static const struct json_field required[] = {
		{ .name = "s",
		  .kind = JSON_K_STR,
		  .offset = offsetof(struct required, s),
		  .present_offset = SIZE_MAX,
		  .required = true },
		{ .name = "i",
		  .kind = JSON_K_I64,
		  .offset = offsetof(struct required, i),
		  .present_offset = SIZE_MAX,
		  .required = true },
	};
	assert_ok(json_parse(STR("{\"i\":\"wrong\"}"), (struct json_limits){ 100, 8 }, &b->doc,
			     NULL));
	assert_false(json_decode(
		json_doc_root(b->doc),
		(struct json_decoder){ required, 2, true, "", b->arena, &b->faults }, &out));
	assert_int_equal(b->faults.n, 2);
	assert_string_equal(b->faults.v[0].pointer, "/i");
	assert_string_equal(b->faults.v[1].pointer, "/s");
	assert_string_equal(b->faults.v[1].detail, "is required");
}

static void texts_without_a_limit_of_their_own_have_1024_bytes(void **state)
{
	struct bench *b = *state;
	char text[1200];
	struct str out = STR_NONE;
	static const struct json_field field = { .name = "s",
						 .kind = JSON_K_STR,
						 .present_offset = SIZE_MAX };
	for (int n = 1024; n <= 1025; n++) {
		json_doc_free(b->doc);
		(void)snprintf(text, sizeof(text), "{\"s\":\"%0*d\"}", n, 0);
		assert_ok(
			json_parse(str_from(text), (struct json_limits){ 2000, 8 }, &b->doc, NULL));
		assert_int_equal(json_decode(json_doc_root(b->doc),
					     (struct json_decoder){ &field, 1, true, "", b->arena,
								    &b->faults },
					     &out),
				 n == 1024);
		assert_int_equal(out.n, 1024);
	}
}

static void the_list_of_faults_is_bounded_and_still_counts(void **state)
{
	struct bench *b = *state;
	for (int i = 0; i < JSON_FAULTS_MAX + 5; i++)
		json_fault_add(&b->faults, "", "x", "validation_error", "is wrong");
	assert_int_equal(b->faults.n, JSON_FAULTS_MAX);
	assert_int_equal(b->faults.total, JSON_FAULTS_MAX + 5);
}

static void pointers_are_cut_at_a_whole_character(void **state)
{
	struct bench *b = *state;
	char key[400];
	size_t n = 0;
	/* 159 bytes of room: "/" and 158 more, which 79 times two bytes fill, or not quite */
	while (n < 300) {
		memcpy(key + n, "\xc3\xa9", 2);
		n += 2;
	}
	key[n] = '\0';
	json_fault_add(&b->faults, "", key, "c", "d");
	json_fault_add(&b->faults, "x", key, "c", "d");
	json_fault_add(&b->faults, NULL, NULL, "c", "d");
	assert_int_equal(strlen(b->faults.v[0].pointer), 159);
	assert_int_equal(strlen(b->faults.v[1].pointer), 158);
	assert_true(str_is_utf8(str_from(b->faults.v[1].pointer)));
	assert_string_equal(b->faults.v[2].pointer, "");
	for (n = 150; n < 170; n++) {
		memset(key, '~', sizeof(key));
		key[n] = '\0';
		b->faults.n = 0;
		json_fault_add(&b->faults, n % 2 ? "x" : "", key, "c", "d");
		struct str p = str_from(b->faults.v[0].pointer);
		assert_true(str_ends(p, STR("~0")));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(values_of_every_kind_arrive, setup, teardown),
		cmocka_unit_test_setup_teardown(texts_outlive_the_document, setup, teardown),
		cmocka_unit_test_setup_teardown(absent_members_leave_the_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(null_is_present_without_a_value_where_it_is_allowed,
						setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_values_are_faults_at_their_pointer, setup,
						teardown),
		cmocka_unit_test_setup_teardown(seconds_may_be_written_in_any_form_of_a_number,
						setup, teardown),
		cmocka_unit_test_setup_teardown(all_faults_are_found_not_only_the_first, setup,
						teardown),
		cmocka_unit_test_setup_teardown(unknown_members_are_skipped_when_not_strict, setup,
						teardown),
		cmocka_unit_test_setup_teardown(required_members_are_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(texts_without_a_limit_of_their_own_have_1024_bytes,
						setup, teardown),
		cmocka_unit_test_setup_teardown(the_list_of_faults_is_bounded_and_still_counts,
						setup, teardown),
		cmocka_unit_test_setup_teardown(pointers_are_cut_at_a_whole_character, setup,
						teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
