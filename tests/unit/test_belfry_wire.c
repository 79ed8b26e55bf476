/* What belfry makes of what the API says: problems, streams, pages, retries; and its own file. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "../../services/belfry/again.h"
#include "../../services/belfry/problem.h"
#include "../../services/belfry/session.h"
#include "../../services/belfry/sse.h"
#include "../../services/belfry/view.h"

/* --- again ---------------------------------------------------------------------------------- */

static void what_is_safe_is_sent_again(void **state)
{
	(void)state;
	const struct {
		struct again before;
		struct again_fact fact;
		usec_t wait_us;
	} rows[] = {
		{ { 0, 0, 0 }, { 429, false, false, STR("3") }, 3000000 },
		{ { 0, 0, 0 }, { 503, true, false, STR("0") }, 100000 },
		{ { 0, 0, 0 }, { 503, true, false, STR("") }, 500000 },
		{ { 2, 0, 0 }, { 503, true, false, STR("") }, 2000000 },
		{ { 0, 0, 0 }, { 503, true, false, STR("Wed, 21 Oct 2026 07:28:00 GMT") }, 500000 },
		{ { 0, 0, 0 }, { 503, false, false, STR("1") }, USEC_NEVER },
		{ { 0, 0, 0 }, { 0, true, false, STR("") }, 500000 },
		{ { 0, 0, 0 }, { 0, false, false, STR("") }, USEC_NEVER },
		{ { 2, 2, 0 }, { 0, true, false, STR("") }, USEC_NEVER },
		{ { 0, 0, 0 }, { 500, true, false, STR("1") }, USEC_NEVER },
		{ { 0, 0, 0 }, { 422, true, false, STR("1") }, USEC_NEVER },
		/* somebody else's request under the key is his; the one before was ours */
		{ { 0, 0, 0 }, { 409, true, true, STR("") }, USEC_NEVER },
		{ { 1, 1, 0 }, { 409, true, true, STR("") }, 1000000 },
		{ { 1, 1, 0 }, { 409, true, false, STR("") }, USEC_NEVER },
		/* never longer than a minute in all, nor more than six times */
		{ { 0, 0, 0 }, { 429, true, false, STR("61") }, USEC_NEVER },
		{ { 1, 0, 59000000 }, { 429, true, false, STR("2") }, USEC_NEVER },
		{ { 1, 0, 58000000 }, { 429, true, false, STR("2") }, 2000000 },
		{ { 5, 0, 0 }, { 429, true, false, STR("1") }, USEC_NEVER },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct again a = rows[i].before;
		usec_t wait_us = again_wait(&a, rows[i].fact);
		CHECK(wait_us == rows[i].wait_us, "row %zu: %" PRId64, i, wait_us);
	}
}

/* --- problems ------------------------------------------------------------------------------- */

static void a_status_has_its_exit_code(void **state)
{
	(void)state;
	static const struct {
		int status, code;
	} rows[] = {
		{ 200, 0 }, { 204, 0 }, { 400, 1 }, { 401, 3 }, { 402, 1 }, { 403, 3 },
		{ 404, 4 }, { 408, 6 }, { 409, 5 }, { 412, 5 }, { 413, 1 }, { 422, 1 },
		{ 429, 6 }, { 500, 6 }, { 503, 6 }, { 0, 6 },   { 302, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(problem_exit_code(rows[i].status) == rows[i].code, "%d", rows[i].status);
}

static void a_problem_is_told_in_its_words(void **state)
{
	(void)state;
	static const enum option options[] = { OPT_FROM, OPT_END };
	static const struct {
		const char *body, *text;
	} rows[] = {
		{ "{\"code\":\"validation_error\",\"detail\":\"two faults\",\"title\":\"t\","
		  "\"errors\":[{\"pointer\":\"/from_number\",\"code\":\"invalid_e164\","
		  "\"detail\":\"must be E.164\"},{\"parameter\":\"limit\",\"code\":\"v\"},"
		  "{\"pointer\":\"/targets/3/to_number\",\"code\":\"invalid_e164\"}],"
		  "\"request_id\":\"r-1\"}",
		  "belfry: two faults (422 validation_error)\n"
		  "  /from_number (--from): must be E.164 [invalid_e164]\n"
		  "  limit: v\n"
		  "  /targets/3/to_number: invalid_e164\n"
		  "  request r-1\n" },
		{ "{\"code\":\"invalid_state_transition\",\"title\":\"Not now\","
		  "\"current_status\":\"draft\",\"allowed\":[\"start\",\"cancel\"]}",
		  "belfry: Not now (422 invalid_state_transition)\n"
		  "  it is draft; possible now: start, cancel\n" },
		{ "{\"code\":\"x\",\"detail\":\"d\",\"current_status\":\"done\",\"allowed\":[]}",
		  "belfry: d (422 x)\n  it is done; possible now: nothing\n" },
		{ "{\"code\":\"missing_scope\",\"detail\":\"d\",\"scope\":\"admin\"}",
		  "belfry: d (422 missing_scope)\n  it needs the scope admin\n" },
		{ "{\"code\":\"x\",\"detail\":\"a\\u001b[31m\"}",
		  "belfry: a\xef\xbf\xbd[31m (422 x)\n" },
		{ "<html>\nBad Gateway",
		  "belfry: the answer is 422, and not one of Belfry's: <html> Bad Gateway\n" },
		{ "[1]", "belfry: the answer is 422, and not one of Belfry's: [1]\n" },
		{ "{}", "belfry: the answer is 422, and not one of Belfry's: {}\n" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strbuf b;
		strbuf_init(&b, 8192);
		problem_render(str_from(rows[i].body), 422, options, &b);
		CHECK(strcmp(b.p, rows[i].text) == 0, "row %zu: %s", i, b.p);
		strbuf_deinit(&b);
	}
	assert_true(problem_is(STR("{\"code\":\"x\"}"), "x"));
	assert_false(problem_is(STR("{\"code\":\"x\"}"), "y"));
	assert_false(problem_is(STR("no"), "x"));
	assert_false(problem_is(STR("[]"), "x"));
}

/* --- streams -------------------------------------------------------------------------------- */

struct seen {
	struct strbuf text;
};

static void on_event(const struct sse_event *e, void *arg)
{
	struct seen *s = arg;

	strbuf_addf(&s->text, "<%.*s|%.*s>", STR_ARG(e->type), STR_ARG(e->data));
}

static void events_come_whole_however_they_are_cut(void **state)
{
	(void)state;
	static const char stream[] = ": hello\n\nid: 1\nevent: state\ndata: {\"a\":1}\n\n"
				     "data:two\r\ndata: lines\r\nid:2\r\n\r\n"
				     "event: nothing\n\nretry: 5\ndata\n\nid: 3\ndata: half";
	for (size_t step = 1; step < sizeof(stream); step++) {
		struct seen seen;
		struct sse s;
		strbuf_init(&seen.text, 4096);
		sse_init(&s, on_event, &seen);
		for (size_t at = 0; at + 1 < sizeof(stream); at += step)
			assert_ok(sse_feed(
				&s, (struct str){ stream + at,
						  min_size(step, sizeof(stream) - 1 - at) }));
		assert_str(strbuf_str(&seen.text), "<state|{\"a\":1}><|two\nlines><|>");
		assert_string_equal(s.id, "3");
		/* what was half there is not joined to the next connection's */
		sse_reset(&s);
		assert_ok(sse_feed(&s, STR("\n")));
		assert_str(strbuf_str(&seen.text), "<state|{\"a\":1}><|two\nlines><|>");
		sse_deinit(&s);
		strbuf_deinit(&seen.text);
	}
}

static void a_line_without_end_is_refused(void **state)
{
	(void)state;
	static char piece[65536];
	struct seen seen;
	struct sse s;

	memset(piece, 'x', sizeof(piece));
	sse_init(&s, on_event, &seen);
	for (size_t n = 0; n + sizeof(piece) <= SSE_LINE_MAX; n += sizeof(piece))
		assert_ok(sse_feed(&s, (struct str){ piece, sizeof(piece) }));
	assert_err(sse_feed(&s, (struct str){ piece, 1 }), ERR_TOO_LARGE);
	sse_deinit(&s);
}

/* --- pages ---------------------------------------------------------------------------------- */

static bool on_element(struct str bytes, void *arg)
{
	struct strbuf *out = arg;

	strbuf_addf(out, "<%.*s>", STR_ARG(bytes));
	return true;
}

static void elements_are_the_bytes_that_stand_there(void **state)
{
	(void)state;
	static const struct {
		const char *page, *elements;
	} rows[] = {
		{ "{\"data\":[],\"has_more\":false}", "" },
		{ "{\"data\":[{\"a\":\"]}\\\"\"},{\"b\": [1, {}]}]}",
		  "<{\"a\":\"]}\\\"\"}><{\"b\": [1, {}]}>" },
		{ " { \"x\" : {\"data\":[1]} , \"data\" : [ 1 , \"two\" , null ] }",
		  "<1 ><\"two\"><null >" },
		{ "{\"x\":\"data\",\"y\":[[]],\"data\":{}}", "" },
		{ "{}", "" },
		{ "[]", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strbuf b;
		strbuf_init(&b, 4096);
		strbuf_add(&b, STR(""));
		view_each_element(str_from(rows[i].page), on_element, &b);
		CHECK(str_eq(strbuf_str(&b), str_from(rows[i].elements)), "row %zu: %.*s", i,
		      STR_ARG(strbuf_str(&b)));
		strbuf_deinit(&b);
	}
}

static void check_view(const char *json, const char *expected)
{
	struct json_doc *d;
	struct strbuf b;

	assert_ok(json_parse(str_from(json), (struct json_limits){ 65536, 32 }, &d, NULL));
	strbuf_init(&b, 65536);
	view_object(json_doc_root(d), (struct table_look){ .with_head = true }, &b);
	assert_str(strbuf_str(&b), expected);
	strbuf_deinit(&b);
	json_doc_free(d);
}

static void an_object_is_a_line_for_each_member(void **state)
{
	(void)state;
	check_view("{\"id\":\"x\",\"from_number\":\"+1\",\"at\":\"2026-03-29T08:30:00.000Z\","
		   "\"is\":true,\"none\":null,\"n\":1.50,\"counts\":{\"a\":1,\"b\":2},\"empty\":{},"
		   "\"words\":[\"a\",\"b\"]}",
		   "id           x\n"
		   "from number  +1\n"
		   "at           2026-03-29 08:30:00Z\n"
		   "is           yes\n"
		   "none         -\n"
		   "n            1.50\n"
		   "counts       a 1, b 2\n"
		   "empty        -\n"
		   "words        a, b\n");
}

static void arrays_of_objects_are_tables_below(void **state)
{
	(void)state;
	check_view("{\"log\":[{\"n\":1,\"outcome\":null},{\"n\":12,\"outcome\":\"busy\",\"x\":7}],"
		   "\"id\":\"a\",\"policy\":{\"rules\":[{\"on\":[\"busy\"]}],\"jitter\":10},"
		   "\"more\":{\"rules\":[{\"n\":1}]}}",
		   "id      a\n"
		   "policy  jitter 10\n"
		   "more    (below)\n"
		   "\nlog\n"
		   " n  outcome  x\n"
		   " 1  -        -\n"
		   "12  busy     7\n"
		   "\npolicy rules\n"
		   "on\n"
		   "busy\n"
		   "\nmore rules\n"
		   "n\n"
		   "1\n");
}

static void an_event_is_one_line(void **state)
{
	(void)state;
	struct json_doc *d;
	struct strbuf b;

	assert_ok(json_parse(STR("{\"id\":\"evt_1\",\"type\":\"scheduled_call.failed\","
				 "\"timestamp\":\"2026-03-29T08:30:00.123Z\",\"sequence\":7,"
				 "\"data\":{\"scheduled_call\":{\"id\":\"call_1\","
				 "\"to_number\":\"+1\",\"outcome\":\"busy\"},"
				 "\"campaign\":{\"id\":\"cmp_1\"}}}"),
			     (struct json_limits){ 65536, 32 }, &d, NULL));
	strbuf_init(&b, 65536);
	view_event(json_doc_root(d), false, &b);
	assert_str(strbuf_str(&b), "2026-03-29 08:30:00Z  7  scheduled_call.failed  call_1  +1  "
				   "busy  cmp_1\n");
	strbuf_deinit(&b);
	json_doc_free(d);
}

/* --- the session's file --------------------------------------------------------------------- */

static void a_session_is_read_strictly(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool ok;
	} rows[] = {
		{ "BELFRY_URL=https://api.example.com/\nBELFRY_API_KEY=bf_live_x\n", true },
		{ "# a comment\n\nBELFRY_URL=http://127.0.0.1:8080", true },
		{ "", true },
		{ "BELFRY_URL", false },
		{ "BELFRY_URL=ftp://x.example\n", false },
		{ "BELFRY_URL=https://\n", false },
		{ "BELFRY_URL=https://x.example/?a=b\n", false },
		{ "BELFRY_URL=https://x.example/ y\n", false },
		{ "BELFRY_API_KEY=\n", false },
		{ "BELFRY_API_KEY=a b\n", false },
		{ "BELFRY_API_KEY=a\r\nX-Other: 1\n", false },
		{ "BELFRY_OTHER=1\n", false },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct session s = { .url = "" };
		struct err e = session_parse(str_from(rows[i].text), &s);
		CHECK(is_err(e) != rows[i].ok, "row %zu: %s", i, e.what);
	}
	struct session s = { .url = "" };
	assert_ok(session_parse(str_from(rows[0].text), &s));
	assert_string_equal(s.url, "https://api.example.com");
	assert_string_equal(s.key, "bf_live_x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_safe_is_sent_again),
		cmocka_unit_test(a_status_has_its_exit_code),
		cmocka_unit_test(a_problem_is_told_in_its_words),
		cmocka_unit_test(events_come_whole_however_they_are_cut),
		cmocka_unit_test(a_line_without_end_is_refused),
		cmocka_unit_test(elements_are_the_bytes_that_stand_there),
		cmocka_unit_test(an_object_is_a_line_for_each_member),
		cmocka_unit_test(arrays_of_objects_are_tables_below),
		cmocka_unit_test(an_event_is_one_line),
		cmocka_unit_test(a_session_is_read_strictly),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
