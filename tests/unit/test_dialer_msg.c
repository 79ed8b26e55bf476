/* The messages between dispatcher and dialer. */
#include "check.h"

#include <string.h>

#include "vectors.h"
#include "wire/dialer_msg.h"

#define ATTEMPT "att_01h455vb4pex5vsknk084sn02q"

static struct uuid some_id(void)
{
	struct uuid id;

	assert_ok(id_parse(ID_ATTEMPT, STR(ATTEMPT), &id));
	return id;
}

/* --- golden messages, both directions -------------------------------------------------------- */

typedef struct err (*rewrite_fn)(struct str text, struct arena *a, struct strbuf *out);

static struct err rewrite_op(struct str text, struct arena *a, struct strbuf *out)
{
	struct dialer_op op;

	TRY(dialer_op_decode(text, a, &op));
	dialer_op_encode(&op, out);
	return OK;
}

static struct err rewrite_event(struct str text, struct arena *a, struct strbuf *out)
{
	struct dialer_event ev;

	TRY(dialer_event_decode(text, a, &ev));
	dialer_event_encode(&ev, out);
	return OK;
}

/* Each row's text, read and written again, is the text under `expected`. */
static void check_rewritten(const struct json_doc *d, const char *list, const char *expected,
			    rewrite_fn rewrite)
{
	struct arena *a = arena_new();
	struct strbuf out;

	strbuf_init(&out, DIALER_MSG_MAX);
	for (const struct json_value *row = vectors_first(d, list); row; row = json_next(row)) {
		struct str name = vectors_str(row, "name");
		strbuf_reset(&out);
		struct err e = rewrite(vectors_str(row, "text"), a, &out);
		CHECK(!is_err(e), "%.*s: %s", STR_ARG(name), e.what);
		CHECK(str_eq(strbuf_str(&out), vectors_str(row, expected)), "%.*s: %s",
		      STR_ARG(name), out.p);
		arena_reset(a);
	}
	strbuf_deinit(&out);
	arena_free(a);
}

static void check_refused(const struct json_doc *d, rewrite_fn rewrite)
{
	struct arena *a = arena_new();
	struct strbuf out;

	strbuf_init(&out, DIALER_MSG_MAX);
	for (const struct json_value *row = vectors_first(d, "refused"); row;
	     row = json_next(row)) {
		struct str name = vectors_str(row, "name");
		struct err e = rewrite(vectors_str(row, "text"), a, &out);
		CHECK(e.code == ERR_PROTOCOL, "%.*s: %s", STR_ARG(name), err_name(e.code));
		CHECK(e.what[0] != '\0', "%.*s", STR_ARG(name));
	}
	strbuf_deinit(&out);
	arena_free(a);
}

static void check_file(const char *file, rewrite_fn rewrite)
{
	struct json_doc *d = vectors_load(file);

	check_rewritten(d, "canonical", "text", rewrite);
	check_rewritten(d, "read", "as", rewrite);
	check_refused(d, rewrite);
	json_doc_free(d);
}

static void operations_are_as_the_vectors(void **state)
{
	(void)state;
	check_file("dialer_ops.json", rewrite_op);
}

static void events_are_as_the_vectors(void **state)
{
	(void)state;
	check_file("dialer_events.json", rewrite_event);
}

/* --- members --------------------------------------------------------------------------------- */

static void a_dial_fills_its_struct(void **state)
{
	struct arena *a = arena_new();
	struct dialer_op op;

	(void)state;
	assert_ok(dialer_op_decode(
		STR("{\"op\":\"dial\",\"id\":\"" ATTEMPT "\","
		    "\"call\":\"call_01h455vb4pex5vsknk084sn02r\",\"campaign\":null,\"attempt\":3,"
		    "\"to\":\"+15550120007\",\"from\":\"+15550100000\",\"agent\":{\"a\":1},"
		    "\"trunk\":\"trk_01h455vb4pex5vsknk084sn02s\",\"ring_s\":30,\"max_s\":0.5,"
		    "\"expires_at\":1763892002000001,\"variables\":{}}"),
		a, &op));
	assert_int_equal(op.kind, DIALER_OP_DIAL);
	assert_true(uuid_eq(op.id, some_id()));
	assert_false(uuid_eq(op.dial.call, op.id));
	assert_true(uuid_is_nil(op.dial.campaign));
	assert_int_equal(op.dial.attempt, 3);
	assert_str(op.dial.to, "+15550120007");
	assert_str(op.dial.from, "+15550100000");
	assert_str(op.dial.agent, "{\"a\":1}");
	assert_str(op.dial.variables, "{}");
	assert_int_equal(op.dial.ring_us, 30 * USEC_PER_SEC);
	assert_int_equal(op.dial.max_us, 500 * USEC_PER_MS);
	assert_int_equal(op.dial.expires_at, 1763892002000001);
	arena_free(a);
}

static void an_end_fills_its_struct(void **state)
{
	struct arena *a = arena_new();
	struct dialer_event ev;

	(void)state;
	assert_ok(dialer_event_decode(
		STR("{\"ev\":\"ended\",\"id\":\"" ATTEMPT "\",\"t_us\":7,\"seq\":17,"
		    "\"outcome\":\"rate_limited\",\"sip\":503,\"q850\":42,\"retry_after_s\":2,"
		    "\"ring_s\":0.25,\"talk_s\":1.5,\"by\":\"carrier\",\"provider_ref\":\"r\"}"),
		a, &ev));
	assert_int_equal(ev.kind, DIALER_EV_ENDED);
	assert_true(uuid_eq(ev.id, some_id()));
	assert_int_equal(ev.t_us, 7);
	assert_int_equal(ev.sip, 503);
	assert_str(ev.provider_ref, "r");
	assert_int_equal(ev.end.seq, 17);
	assert_int_equal(ev.end.outcome, OUTCOME_RATE_LIMITED);
	assert_int_equal(ev.end.q850, 42);
	assert_int_equal(ev.end.retry_after_us, 2 * USEC_PER_SEC);
	assert_int_equal(ev.end.ring_us, 250 * USEC_PER_MS);
	assert_int_equal(ev.end.talk_us, 1500 * USEC_PER_MS);
	assert_int_equal(ev.end.by, DIALER_BY_CARRIER);
	arena_free(a);
}

static void a_dial_without_json_members_sends_empty_objects(void **state)
{
	const struct dialer_op op = { .kind = DIALER_OP_DIAL,
				      .id = some_id(),
				      .dial = { .attempt = 1, .to = STR("1"), .from = STR("2") } };
	struct strbuf out;

	(void)state;
	strbuf_init(&out, DIALER_MSG_MAX);
	dialer_op_encode(&op, &out);
	assert_non_null(strstr(out.p, "\"agent\":{},"));
	assert_non_null(strstr(out.p, "\"variables\":{}}"));
	strbuf_deinit(&out);
}

static void a_message_over_the_limit_is_refused(void **state)
{
	struct arena *a = arena_new();
	struct dialer_op op;
	struct strbuf text;

	(void)state;
	strbuf_init(&text, 2 * DIALER_MSG_MAX);
	strbuf_add(&text, STR("{\"op\":\"query\",\"id\":\"" ATTEMPT "\",\"x\":\""));
	while (text.n < DIALER_MSG_MAX)
		strbuf_add_c(&text, 'x');
	strbuf_add(&text, STR("\"}"));
	assert_err(dialer_op_decode(strbuf_str(&text), a, &op), ERR_PROTOCOL);
	strbuf_deinit(&text);
	arena_free(a);
}

static void an_output_that_does_not_fit_says_so(void **state)
{
	const struct dialer_event ev = { .kind = DIALER_EV_RINGING, .id = some_id(), .sip = 180 };
	struct strbuf out;

	(void)state;
	strbuf_init(&out, 20);
	dialer_event_encode(&ev, &out);
	assert_true(strbuf_overflowed(&out));
	strbuf_deinit(&out);
}

static void names_are_the_words_of_the_protocol(void **state)
{
	(void)state;
	assert_string_equal(dialer_op_name(DIALER_OP_HANGUP), "hangup");
	assert_string_equal(dialer_event_name(DIALER_EV_BRIDGED), "bridged");
	assert_string_equal(dialer_state_name(DIALER_STATE_NEVER_SENT), "never_sent");
	assert_string_equal(dialer_by_name(DIALER_BY_US), "us");
	assert_null(dialer_by_name(DIALER_BY_NONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operations_are_as_the_vectors),
		cmocka_unit_test(events_are_as_the_vectors),
		cmocka_unit_test(a_dial_fills_its_struct),
		cmocka_unit_test(an_end_fills_its_struct),
		cmocka_unit_test(a_dial_without_json_members_sends_empty_objects),
		cmocka_unit_test(a_message_over_the_limit_is_refused),
		cmocka_unit_test(an_output_that_does_not_fit_says_so),
		cmocka_unit_test(names_are_the_words_of_the_protocol),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
