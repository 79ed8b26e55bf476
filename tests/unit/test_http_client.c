/* The HTTP client and its receivers: what each kind of answer, and of silence, is called. */
#include "http_receiver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sys/clock.h"

static const struct {
	const char *name, *text;
	enum ending ending;
	enum http_outcome outcome;
	int status;
	const char *excerpt;
} receivers[] = {
	{ "well", OK200 "Content-Length: 2\r\n\r\nok", THEN_HOLD, HTTP_OUT_RESPONSE, 200, "ok" },
	{ "no body", "HTTP/1.1 204 No Content\r\n\r\n", THEN_HOLD, HTTP_OUT_RESPONSE, 204, "" },
	{ "closes", OK200 "\r\nthat is all", THEN_CLOSE, HTTP_OUT_RESPONSE, 200, "that is all" },
	{ "1.0", "HTTP/1.0 200\r\n\r\nold", THEN_CLOSE, HTTP_OUT_RESPONSE, 200, "old" },
	{ "chunked",
	  OK200 "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nRetry-After: 7\r\n\r\n",
	  THEN_HOLD, HTTP_OUT_RESPONSE, 200, "abc" },
	{ "interim",
	  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK200
	  "Content-Length: 0\r\n\r\n",
	  THEN_HOLD, HTTP_OUT_RESPONSE, 200, "" },
	{ "error", "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops", THEN_HOLD,
	  HTTP_OUT_RESPONSE, 500, "oops" },
	{ "gone", "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", THEN_HOLD, HTTP_OUT_RESPONSE,
	  410, "" },
	{ "cut", OK200 "Content-Length: 100\r\n\r\nshort", THEN_CLOSE, HTTP_OUT_RESPONSE, 200,
	  "short" },
	{ "cut by a reset", OK200 "Content-Length: 100\r\n\r\nshort", THEN_RESET, HTTP_OUT_RESPONSE,
	  200, NULL },
	{ "cut in a chunk", OK200 "Transfer-Encoding: chunked\r\n\r\n9\r\nabc", THEN_CLOSE,
	  HTTP_OUT_RESPONSE, 200, "abc" },
	{ "broken chunks", OK200 "Transfer-Encoding: chunked\r\n\r\nzz\r\n", THEN_HOLD,
	  HTTP_OUT_RESPONSE, 200, "" },
	{ "not UTF-8", OK200 "Content-Length: 4\r\n\r\na\xff\xc3\xa9", THEN_HOLD, HTTP_OUT_RESPONSE,
	  200, "a?\xc3\xa9" },
	{ "says nothing", "", THEN_CLOSE, HTTP_OUT_RESET, 0, "" },
	{ "resets", "", THEN_RESET, HTTP_OUT_RESET, 0, "" },
	{ "resets at once", "", RESET_AT_ONCE, HTTP_OUT_RESET, 0, "" },
	{ "half a status", "HTTP/1.1 20", THEN_CLOSE, HTTP_OUT_RESET, 0, NULL },
	{ "half of the headers, then a reset", OK200 "Content-", THEN_RESET, HTTP_OUT_RESET, 0,
	  "" },
	{ "interim only", "HTTP/1.1 100 Continue\r\n\r\n", THEN_CLOSE, HTTP_OUT_RESET, 0, "" },
	{ "not HTTP", "220 mail.test ESMTP\r\n", THEN_CLOSE, HTTP_OUT_BAD_RESPONSE, 0, "" },
	{ "from the future", "HTTP/9.9 200 OK\r\n\r\n", THEN_HOLD, HTTP_OUT_BAD_RESPONSE, 0, "" },
	{ "status out of range", "HTTP/1.1 99 Eh\r\n\r\n", THEN_CLOSE, HTTP_OUT_BAD_RESPONSE, 0,
	  "" },
};

static void every_receiver_has_its_outcome(void **state)
{
	(void)state;
	struct desk *d = desk_open(desk_defaults, "127.0.0.0/8");
	for (size_t i = 0; i < ARRAY_LEN(receivers); i++) {
		char url[64];
		struct receiver *r = receiver_open(d->loop, receivers[i].text, receivers[i].ending);
		receiver_url(r, "http", url);
		desk_post_and_wait(d, url);
		CHECK(d->last.outcome == receivers[i].outcome, "%s: %s", receivers[i].name,
		      http_outcome_name(d->last.outcome));
		CHECK(d->last.status == receivers[i].status, "%s: %d", receivers[i].name,
		      d->last.status);
		CHECK(!receivers[i].excerpt || str_eq((struct str){ d->excerpt, d->n_excerpt },
						      str_from(receivers[i].excerpt)),
		      "%s: %.*s", receivers[i].name, (int)d->n_excerpt, d->excerpt);
		CHECK(strcmp(d->peer, "127.0.0.1") == 0, "%s: %s", receivers[i].name, d->peer);
		CHECK(r->n_peers == 1, "%s: %zu connections", receivers[i].name, r->n_peers);
		receiver_close(r);
	}
	desk_close(d);
}

static void the_request_is_as_asked(void **state)
{
	(void)state;
	struct desk *d = desk_open(desk_defaults, "127.0.0.0/8");
	struct receiver *r = receiver_open(d->loop, OK200 "Content-Length: 0\r\n\r\n", THEN_HOLD);
	char url[64], host[64];
	receiver_url(r, "http", url);
	desk_post_and_wait(d, url);
	const struct http_peer *p = r->peers[0];
	snprintf(host, sizeof(host), "\r\nHost: 127.0.0.1:%d\r\n", r->port);
	assert_true(str_starts(strbuf_str(&p->got), STR("POST /hook?x=1 HTTP/1.1\r\n")));
	assert_int_equal(peer_count(p, host), 1);
	assert_int_equal(peer_count(p, "\r\ncontent-type: application/json\r\n"), 1);
	assert_int_equal(peer_count(p, "\r\nwebhook-id: evt_1\r\n"), 1);
	assert_int_equal(peer_count(p, "\r\nconnection: close\r\n"), 1);
	assert_int_equal(peer_count(p, "\r\nContent-Length: 7\r\n"), 1);
	assert_true(str_ends(strbuf_str(&p->got), STR("\r\n\r\n{\"a\":1}")));
	assert_false(str_has(strbuf_str(&p->got), "xpect"));
	assert_false(str_has(strbuf_str(&p->got), "urlencoded"));
	assert_true(d->last.duration_us >= 0 && d->last.duration_us < 5 * USEC_PER_SEC);
	receiver_close(r);
	desk_close(d);
}

static void a_large_body_is_sent_without_asking(void **state)
{
	(void)state;
	struct desk *d = desk_open(desk_defaults, "127.0.0.0/8");
	struct receiver *r = receiver_open(d->loop, OK200 "Content-Length: 0\r\n\r\n", THEN_HOLD);
	size_t n = 3 * KB * KB;
	char *body = xmalloc(n);
	char url[64];
	memset(body, 'b', n);
	receiver_url(r, "http", url);
	assert_ok(http_post(d->client, &(struct http_post){ .url = url, .body = { body, n } },
			    desk_done, d));
	until(d->loop, desk_is_done, d);
	assert_int_equal(d->last.status, 200);
	assert_false(str_has((struct str){ r->peers[0]->got.p, KB }, "xpect"));
	assert_int_equal(peer_count(r->peers[0], "Content-Length: 3145728\r\n"), 1);
	free(body);
	receiver_close(r);
	desk_close(d);
}

static void retry_after_is_told(void **state)
{
	(void)state;
	struct desk *d = desk_open(desk_defaults, "127.0.0.0/8");
	struct receiver *r = receiver_open(d->loop,
					   "HTTP/1.1 103 Early Hints\r\nRetry-After: 1\r\n\r\n"
					   "HTTP/1.1 503 Busy\r\nretry-AFTER: \t 120 \r\n"
					   "Content-Length: 0\r\n\r\n",
					   THEN_HOLD);
	char url[64];
	receiver_url(r, "http", url);
	desk_post_and_wait(d, url);
	assert_int_equal(d->last.status, 503);
	assert_string_equal(d->retry_after, "120");
	receiver_close(r);
	r = receiver_open(d->loop, OK200 "Content-Length: 0\r\n\r\n", THEN_HOLD);
	receiver_url(r, "http", url);
	desk_post_and_wait(d, url);
	assert_ptr_equal(d->last.retry_after.p, NULL); /* nothing is left of the last one */
	receiver_close(r);
	desk_close(d);
}

static void a_redirect_is_not_followed(void **state)
{
	(void)state;
	struct desk *d = desk_open(desk_defaults, "127.0.0.0/8");
	struct receiver *elsewhere = receiver_open(d->loop, OK200 "\r\n", THEN_CLOSE);
	char url[64], text[256];
	receiver_url(elsewhere, "http", url);
	snprintf(text, sizeof(text),
		 "HTTP/1.1 307 Elsewhere\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", url);
	struct receiver *r = receiver_open(d->loop, text, THEN_HOLD);
	receiver_url(r, "http", url);
	desk_post_and_wait(d, url);
	assert_int_equal(d->last.outcome, HTTP_OUT_RESPONSE);
	assert_int_equal(d->last.status, 307);
	run_for(d->loop, 5 * MS);
	assert_int_equal(elsewhere->n_peers, 0);
	receiver_close(r);
	receiver_close(elsewhere);
	desk_close(d);
}

static void every_request_has_a_connection_of_its_own(void **state)
{
	(void)state;
	struct desk *d = desk_open(desk_defaults, "127.0.0.0/8");
	struct receiver *r = receiver_open(
		d->loop, OK200 "Connection: keep-alive\r\nContent-Length: 0\r\n\r\n", THEN_HOLD);
	char url[64];
	receiver_url(r, "http", url);
	for (int i = 0; i < 5; i++)
		desk_post_and_wait(d, url);
	assert_int_equal(r->n_peers, 5);
	receiver_close(r);
	desk_close(d);
}

static void a_body_is_read_up_to_the_limit(void **state)
{
	(void)state;
	struct desk *d = desk_open(desk_defaults, "127.0.0.0/8");
	struct receiver *r = receiver_open(d->loop, OK200 "\r\n", THEN_FLOOD);
	char url[64];
	r->filler = "0123456789abcdef";
	receiver_url(r, "http", url);
	desk_post_and_wait(d, url);
	assert_int_equal(d->last.outcome, HTTP_OUT_RESPONSE);
	assert_int_equal(d->last.status, 200);
	assert_int_equal(d->n_excerpt, 2 * KB);
	assert_memory_equal(d->excerpt, "0123456789abcdef0123", 20);
	receiver_close(r);
	desk_close(d);
}

static void a_slow_body_is_waited_for_two_seconds(void **state)
{
	(void)state;
	struct desk *d = desk_open(desk_defaults, "127.0.0.0/8");
	struct receiver *r = receiver_open(d->loop, OK200 "\r\n", THEN_DRIP);
	char url[64];
	usec_t mono_started = clock_mono();
	receiver_url(r, "http", url);
	desk_post_and_wait(d, url);
	usec_t took = clock_mono() - mono_started;
	assert_int_equal(d->last.outcome, HTTP_OUT_RESPONSE);
	assert_true(took >= 1900 * MS && took < 7 * USEC_PER_SEC);
	assert_true(d->last.duration_us < 1500 * MS); /* until the headers */
	assert_true(d->n_excerpt > 0 && d->excerpt[0] == 'x');
	receiver_close(r);
	desk_close(d);
}

static void headers_have_a_limit(void **state)
{
	static const struct {
		const char *text, *filler;
	} rows[] = {
		{ OK200, "X-Filler: 0123456789abcdef0123456789abcdef\r\n" }, /* lines */
		{ OK200 "X-Filler: ", "0123456789abcdef" },                  /* one line */
		{ "HTTP/1.1 200 ", "very fine indeed " },                    /* the status */
		{ "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n" },
	};
	(void)state;
	struct desk *d = desk_open(desk_defaults, "127.0.0.0/8");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct receiver *r = receiver_open(d->loop, rows[i].text, THEN_FLOOD);
		char url[64];
		r->filler = rows[i].filler;
		receiver_url(r, "http", url);
		desk_post_and_wait(d, url);
		CHECK(d->last.outcome == HTTP_OUT_BAD_RESPONSE, "row %zu: %s", i,
		      http_outcome_name(d->last.outcome));
		receiver_close(r);
	}
	desk_close(d);
}

static void who_does_not_answer_runs_into_the_deadline(void **state)
{
	static const struct {
		const char *text;
		enum ending ending;
	} rows[] = {
		{ "", THEN_HOLD },
		{ "HTTP/1.1 200 OK\r\n", THEN_HOLD },
		{ "HTTP/1.1 100 Continue\r\n\r\n", THEN_HOLD },
		{ "HTTP/1.1 200 OK\r\nX: ", THEN_DRIP },
	};
	(void)state;
	struct http_client_options o = desk_defaults;
	o.total_timeout_us = 200 * MS;
	struct desk *d = desk_open(o, "127.0.0.0/8");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct receiver *r = receiver_open(d->loop, rows[i].text, rows[i].ending);
		char url[64];
		usec_t mono_started = clock_mono();
		receiver_url(r, "http", url);
		desk_post_and_wait(d, url);
		CHECK(d->last.outcome == HTTP_OUT_TIMEOUT, "row %zu: %s", i,
		      http_outcome_name(d->last.outcome));
		assert_true(clock_mono() - mono_started >= 190 * MS);
		assert_true(d->last.duration_us >= 190 * MS);
		receiver_close(r);
	}
	desk_close(d);
}

static void outcomes_have_names(void **state)
{
	(void)state;
	assert_string_equal(http_outcome_name(HTTP_OUT_RESPONSE), "response");
	assert_string_equal(http_outcome_name(HTTP_OUT_TIMEOUT), "timeout");
	assert_string_equal(http_outcome_name(HTTP_OUT_DNS), "dns_error");
	assert_string_equal(http_outcome_name(HTTP_OUT_CONNECT), "connect_error");
	assert_string_equal(http_outcome_name(HTTP_OUT_TLS), "tls_error");
	assert_string_equal(http_outcome_name(HTTP_OUT_BLOCKED_IP), "blocked_ip");
	assert_string_equal(http_outcome_name(HTTP_OUT_RESET), "reset");
	assert_string_equal(http_outcome_name(HTTP_OUT_BAD_RESPONSE), "bad_response");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_receiver_has_its_outcome),
		cmocka_unit_test(the_request_is_as_asked),
		cmocka_unit_test(a_large_body_is_sent_without_asking),
		cmocka_unit_test(retry_after_is_told),
		cmocka_unit_test(a_redirect_is_not_followed),
		cmocka_unit_test(every_request_has_a_connection_of_its_own),
		cmocka_unit_test(a_body_is_read_up_to_the_limit),
		cmocka_unit_test(a_slow_body_is_waited_for_two_seconds),
		cmocka_unit_test(headers_have_a_limit),
		cmocka_unit_test(who_does_not_answer_runs_into_the_deadline),
		cmocka_unit_test(outcomes_have_names),
	};

	return cmocka_run_group_tests_name("http_client", tests, NULL, NULL);
}
