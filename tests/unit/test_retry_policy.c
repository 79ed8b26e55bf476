/* Retry policies in JSON: what is taken, each fault with its pointer, stored rows. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "wire/retry_policy.h"

#define S(seconds) ((usec_t)((seconds)*USEC_PER_SEC))
#define BIT(o) (1u << (unsigned)(o))

struct bench {
	struct arena *arena;
	struct retry_policy p;
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

/* Over a policy that nothing decodes to: what is left untouched shows. */
static void decode_text(struct bench *b, struct str text)
{
	struct json_doc *d = NULL;
	assert_ok(json_parse(text, (struct json_limits){ 65536, 8 }, &d, NULL));
	b->faults = (struct json_faults){ .n = 0 };
	b->p = (struct retry_policy){ .n = 99, .jitter_pct = -1 };
	b->is_good =
		retry_policy_decode(json_doc_root(d), "/retry_policy", b->arena, &b->p, &b->faults);
	json_doc_free(d);
	CHECK(b->is_good == (b->faults.total == 0), "%.*s", STR_ARG(text));
	CHECK(b->is_good || b->p.n == 99, "%.*s: written in spite of a fault", STR_ARG(text));
}

static void decode(struct bench *b, const char *text)
{
	decode_text(b, str_from(text));
}

static void check_rule(const struct retry_rule *r, struct retry_rule expected, const char *what)
{
	CHECK(r->outcomes == expected.outcomes, "%s", what);
	CHECK(r->delay_us == expected.delay_us, "%s: %" PRId64, what, r->delay_us);
	CHECK(r->max_delay_us == expected.max_delay_us, "%s: %" PRId64, what, r->max_delay_us);
	CHECK(r->is_exponential == expected.is_exponential, "%s", what);
}

static void the_documented_policy_is_read(void **state)
{
	struct bench *b = *state;
	decode(b, "{\"rules\":[{\"on\":[\"busy\"],\"delay_s\":900},"
		  "{\"on\":[\"no_answer\",\"rejected\"],\"delay_s\":3600,\"backoff\":\"constant\"},"
		  "{\"on\":[\"carrier_error\"],\"delay_s\":60,\"backoff\":\"exponential\","
		  "\"max_delay_s\":900}],\"jitter_pct\":25}");
	assert_true(b->is_good);
	assert_int_equal(b->p.jitter_pct, 25);
	assert_int_equal(b->p.n, 3);
	check_rule(&b->p.rules[0],
		   (struct retry_rule){ .outcomes = BIT(OUTCOME_BUSY), .delay_us = S(900) }, "1");
	check_rule(&b->p.rules[1],
		   (struct retry_rule){ .outcomes = BIT(OUTCOME_NO_ANSWER) | BIT(OUTCOME_REJECTED),
					.delay_us = S(3600) },
		   "2");
	check_rule(&b->p.rules[2],
		   (struct retry_rule){ .outcomes = BIT(OUTCOME_CARRIER_ERROR),
					.delay_us = S(60),
					.max_delay_us = S(900),
					.is_exponential = true },
		   "3");
}

static void what_is_not_said_keeps_its_default(void **state)
{
	static const char *const texts[] = { "{}", "{\"rules\":[]}", "{\"jitter_pct\":10}" };
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		decode(b, texts[i]);
		CHECK(b->is_good && b->p.n == 0 && b->p.jitter_pct == RETRY_JITTER_PCT, "%s",
		      texts[i]);
	}
	decode(b, "{\"jitter_pct\":0}");
	assert_int_equal(b->p.jitter_pct, 0);
}

static void delays_are_seconds_with_fractions(void **state)
{
	static const struct {
		const char *delay;
		usec_t expected_us;
	} rows[] = {
		{ "0", 0 },           { "0.2", 200000 },   { "1.5", 1500000 },
		{ "0.000001", 1 },    { "1e1", 10000000 }, { "604800", RETRY_DELAY_MAX_US },
		{ "15e-1", 1500000 },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[160];
		(void)snprintf(
			text, sizeof(text),
			"{\"rules\":[{\"on\":[\"busy\"],\"delay_s\":%s,\"max_delay_s\":%s}]}",
			rows[i].delay, rows[i].delay);
		decode(b, text);
		CHECK(b->is_good, "%s", text);
		CHECK(b->p.rules[0].delay_us == rows[i].expected_us, "%s: %" PRId64, text,
		      b->p.rules[0].delay_us);
		CHECK(b->p.rules[0].max_delay_us == rows[i].expected_us, "%s", text);
	}
}

static void each_outcome_may_be_named_or_not(void **state)
{
	static const struct {
		enum outcome o;
		bool may;
	} rows[] = {
		{ OUTCOME_ANSWERED, false },
		{ OUTCOME_ANSWERED_MACHINE, true },
		{ OUTCOME_BUSY, true },
		{ OUTCOME_NO_ANSWER, true },
		{ OUTCOME_REJECTED, true },
		{ OUTCOME_INVALID_NUMBER, false },
		{ OUTCOME_CARRIER_ERROR, true },
		{ OUTCOME_RATE_LIMITED, true },
		{ OUTCOME_AGENT_UNAVAILABLE, true },
		{ OUTCOME_CONFIG_ERROR, false },
		{ OUTCOME_EXPIRED, false },
		{ OUTCOME_SUPPRESSED, false },
		{ OUTCOME_CANCELLED, false },
		{ OUTCOME_UNCERTAIN, true },
		{ OUTCOME_NOT_SENT, false },
	};
	struct bench *b = *state;

	assert_int_equal(ARRAY_LEN(rows), OUTCOME_COUNT - 1);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[160];
		(void)snprintf(text, sizeof(text), "{\"rules\":[{\"on\":[\"%s\"],\"delay_s\":1}]}",
			       outcome_name(rows[i].o));
		decode(b, text);
		CHECK(b->is_good == rows[i].may, "%s", text);
		CHECK(!rows[i].may || b->p.rules[0].outcomes == BIT(rows[i].o), "%s", text);
		CHECK(rows[i].may ||
			      strcmp(b->faults.v[0].pointer, "/retry_policy/rules/0/on") == 0,
		      "%s: %s", text, b->faults.v[0].pointer);
	}
}

static void each_fault_is_told_where_it_stands(void **state)
{
	static const struct {
		const char *text, *pointer;
	} rows[] = {
		{ "[]", "/retry_policy" },
		{ "null", "/retry_policy" },
		{ "\"busy\"", "/retry_policy" },
		{ "{\"rule\":[]}", "/retry_policy/rule" },
		{ "{\"rules\":{}}", "/retry_policy/rules" },
		{ "{\"rules\":null}", "/retry_policy/rules" },
		{ "{\"jitter_pct\":51}", "/retry_policy/jitter_pct" },
		{ "{\"jitter_pct\":-1}", "/retry_policy/jitter_pct" },
		{ "{\"jitter_pct\":1.5}", "/retry_policy/jitter_pct" },
		{ "{\"jitter_pct\":\"10\"}", "/retry_policy/jitter_pct" },
		{ "{\"rules\":[7]}", "/retry_policy/rules/0" },
		{ "{\"rules\":[[]]}", "/retry_policy/rules/0" },
		{ "{\"rules\":[{\"delay_s\":1}]}", "/retry_policy/rules/0/on" },
		{ "{\"rules\":[{\"on\":[],\"delay_s\":1}]}", "/retry_policy/rules/0/on" },
		{ "{\"rules\":[{\"on\":\"busy\",\"delay_s\":1}]}", "/retry_policy/rules/0/on" },
		{ "{\"rules\":[{\"on\":[\"Busy\"],\"delay_s\":1}]}", "/retry_policy/rules/0/on" },
		{ "{\"rules\":[{\"on\":[\"none\"],\"delay_s\":1}]}", "/retry_policy/rules/0/on" },
		{ "{\"rules\":[{\"on\":[3],\"delay_s\":1}]}", "/retry_policy/rules/0/on" },
		{ "{\"rules\":[{\"on\":[\"busy\"]}]}", "/retry_policy/rules/0/delay_s" },
		{ "{\"rules\":[{\"on\":[\"busy\"],\"delay_s\":-0.001}]}",
		  "/retry_policy/rules/0/delay_s" },
		{ "{\"rules\":[{\"on\":[\"busy\"],\"delay_s\":604800.001}]}",
		  "/retry_policy/rules/0/delay_s" },
		{ "{\"rules\":[{\"on\":[\"busy\"],\"delay_s\":1e300}]}",
		  "/retry_policy/rules/0/delay_s" },
		{ "{\"rules\":[{\"on\":[\"busy\"],\"delay_s\":\"1\"}]}",
		  "/retry_policy/rules/0/delay_s" },
		{ "{\"rules\":[{\"on\":[\"busy\"],\"delay_s\":1,\"max_delay_s\":604801}]}",
		  "/retry_policy/rules/0/max_delay_s" },
		{ "{\"rules\":[{\"on\":[\"busy\"],\"delay_s\":1,\"backoff\":\"linear\"}]}",
		  "/retry_policy/rules/0/backoff" },
		{ "{\"rules\":[{\"on\":[\"busy\"],\"delay_s\":1,\"backoff\":\"\"}]}",
		  "/retry_policy/rules/0/backoff" },
		{ "{\"rules\":[{\"on\":[\"busy\"],\"delay_s\":1,\"max_attempts\":3}]}",
		  "/retry_policy/rules/0/max_attempts" },
		{ "{\"rules\":[{\"on\":[\"busy\"],\"delay_s\":1},{\"on\":[\"busy\"]}]}",
		  "/retry_policy/rules/1/delay_s" },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		decode(b, rows[i].text);
		CHECK(b->faults.total == 1, "%s: %zu faults", rows[i].text, b->faults.total);
		CHECK(strcmp(b->faults.v[0].pointer, rows[i].pointer) == 0, "%s: %s", rows[i].text,
		      b->faults.v[0].pointer);
		assert_string_equal(b->faults.v[0].code, "validation_error");
	}
}

static void all_faults_are_told_at_once(void **state)
{
	static const char *const pointers[] = {
		"/retry_policy/jitter_pct",      "/retry_policy/rules/0/on",
		"/retry_policy/rules/0/backoff", "/retry_policy/rules/1",
		"/retry_policy/rules/3/delay_s",
	};
	struct bench *b = *state;

	decode(b, "{\"jitter_pct\":99,\"rules\":[{\"on\":[\"answered\"],\"delay_s\":1,"
		  "\"backoff\":\"x\"},null,{\"on\":[\"busy\"],\"delay_s\":1},"
		  "{\"on\":[\"busy\"],\"delay_s\":-1}]}");
	assert_int_equal(b->faults.total, ARRAY_LEN(pointers));
	for (size_t i = 0; i < ARRAY_LEN(pointers); i++)
		assert_string_equal(b->faults.v[i].pointer, pointers[i]);
}

static void sixteen_rules_are_the_most(void **state)
{
	struct bench *b = *state;
	struct strbuf text;

	for (int n = RETRY_RULES_MAX; n <= RETRY_RULES_MAX + 2; n++) {
		strbuf_init(&text, 4096);
		strbuf_add(&text, STR("{\"rules\":["));
		for (int i = 0; i < n; i++)
			strbuf_addf(&text, "%s{\"on\":[\"busy\"],\"delay_s\":%d}", i ? "," : "", i);
		strbuf_add(&text, STR("]}"));
		decode_text(b, strbuf_str(&text));
		strbuf_deinit(&text);
		if (n == RETRY_RULES_MAX) {
			assert_true(b->is_good);
			assert_int_equal(b->p.n, RETRY_RULES_MAX);
			assert_int_equal(b->p.rules[RETRY_RULES_MAX - 1].delay_us,
					 S(RETRY_RULES_MAX - 1));
		} else {
			assert_int_equal(b->faults.total, 1);
			assert_string_equal(b->faults.v[0].pointer, "/retry_policy/rules");
		}
	}
}

static void a_stored_policy_is_read(void **state)
{
	(void)state;
	struct retry_policy p = retry_policy_from_row(
		STR("{\"rules\": [{\"on\": [\"busy\"], \"delay_s\": 0.25}], \"jitter_pct\": 0}"));
	assert_int_equal(p.n, 1);
	assert_int_equal(p.rules[0].delay_us, 250000);
	assert_int_equal(p.jitter_pct, 0);
}

static void a_stored_row_that_cannot_be_read_gives_the_defaults(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"null",
		"{\"rules\":[{\"on\":[\"busy\"],\"delay_s\":1},{}]}",
		"{\"rules\":[{\"on\":[\"a word of later\"],\"delay_s\":1}],\"jitter_pct\":0}",
		"{\"rules\":[],\"jitter_pct\":0,\"mood\":1}",
		"{\"rules\":[],\"jitter_pct\":0} ,",
	};
	char *huge = test_malloc(20001);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct retry_policy p = retry_policy_from_row(str_from(texts[i]));
		CHECK(p.n == 0 && p.jitter_pct == RETRY_JITTER_PCT, "%s", texts[i]);
	}
	/* Good, but longer than any row that this release stores. */
	memset(huge, ' ', 20000);
	memcpy(huge, "{\"jitter_pct\":0}", 16);
	assert_int_equal(retry_policy_from_row((struct str){ huge, 16 }).jitter_pct, 0);
	assert_int_equal(retry_policy_from_row((struct str){ huge, 20000 }).jitter_pct,
			 RETRY_JITTER_PCT);
	test_free(huge);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_documented_policy_is_read),
		TEST(what_is_not_said_keeps_its_default),
		TEST(delays_are_seconds_with_fractions),
		TEST(each_outcome_may_be_named_or_not),
		TEST(each_fault_is_told_where_it_stands),
		TEST(all_faults_are_told_at_once),
		TEST(sixteen_rules_are_the_most),
		TEST(a_stored_policy_is_read),
		TEST(a_stored_row_that_cannot_be_read_gives_the_defaults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
