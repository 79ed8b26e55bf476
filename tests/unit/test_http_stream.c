/* Bodies that the handler reads in pieces, answers that it writes in pieces: the pace is the slower
 * side's, memory is bounded, and each end of a connection is noticed. */
#include "http_site.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define STREAM_MAX ((size_t)8 * 1024 * 1024)

/* A server whose handler reads /in piece by piece when the test lets it, and answers at the end;
 * of /out it writes pieces when the test says so. */
struct stream {
	struct loop *loop;
	struct http_server *server;
	int port;
	struct http_request *request; /* the one at hand */
	bool reads;                   /* asks for the next piece by itself */
	bool refuses;                 /* answers without reading */
	bool is_quiet;                /* does not ask to be told when the client has gone */
	size_t n_data, n_pieces, largest, n_gone, n_drained;
	bool has_ended;
	int failed; /* status of a failure */
};

static void on_gone(void *arg)
{
	struct stream *s = arg;
	s->n_gone++;
	loop_stop(s->loop);
}

static void finish(struct stream *s, int status)
{
	struct http_request *r = s->request;
	s->request = NULL;
	http_reply(r, status, "text/plain", STR("done"));
}

static void on_piece(struct http_request *r, const struct http_body *b, void *arg)
{
	struct stream *s = arg;
	loop_stop(s->loop);
	switch (b->event) {
	case HTTP_BODY_DATA:
		s->n_pieces++;
		s->n_data += b->data.n;
		s->largest = b->data.n > s->largest ? b->data.n : s->largest;
		for (size_t i = 0; i < b->data.n; i++)
			assert_true(b->data.p[i] == 'x');
		if (s->reads)
			http_body_read(r, on_piece, s);
		return;
	case HTTP_BODY_END:
		s->has_ended = true;
		finish(s, 202);
		return;
	case HTTP_BODY_FAILED:
		s->failed = b->status;
		finish(s, b->status);
		return;
	case HTTP_BODY_EVENT_COUNT:
		break;
	}
	fail();
}

static void on_drained(void *arg)
{
	struct stream *s = arg;
	s->n_drained++;
	loop_stop(s->loop);
}

static void on_request(struct http_request *r, void *arg)
{
	struct stream *s = arg;
	loop_stop(s->loop);
	s->request = r;
	if (!s->is_quiet)
		http_request_on_gone(r, on_gone, s);
	if (str_eq(http_request_path(r), STR("/out"))) {
		http_reply_begin(r, 200, "text/plain", on_drained, s);
	} else if (s->refuses || !http_request_is_streamed(r)) {
		finish(s, s->refuses ? 401 : 200);
	} else if (s->reads) {
		http_body_read(r, on_piece, s);
	}
}

static uint64_t stream_max(struct http_request *r, void *arg)
{
	(void)arg;
	return str_eq(http_request_path(r), STR("/in")) ? STREAM_MAX : 0;
}

static struct stream *stream_open(struct http_server_options o)
{
	struct stream *s = xcalloc(1, sizeof(*s));
	s->loop = loop_new();
	s->reads = true;
	o.handler = on_request;
	o.problem = site_problem;
	o.stream_max = stream_max;
	o.arg = s;
	assert_ok(http_server_open(s->loop, &o, &s->server));
	s->port = http_server_port(s->server);
	return s;
}

static void stream_close(struct stream *s)
{
	http_server_close(s->server);
	loop_free(s->loop);
	free(s);
}

static struct http_peer *ask(struct stream *s, const char *text)
{
	struct http_peer *p = peer_connect(s->loop, s->port);
	peer_say(p, text);
	return p;
}

static void say_x(struct http_peer *p, size_t n)
{
	char *x = xmalloc(n);
	memset(x, 'x', n);
	peer_send(p, (struct str){ x, n });
	free(x);
}

static bool has_request(void *arg)
{
	return ((struct stream *)arg)->request != NULL;
}

static bool was_told(void *arg)
{
	return ((struct stream *)arg)->n_gone > 0;
}

static bool has_drained(void *arg)
{
	return ((struct stream *)arg)->n_drained > 0;
}

static void a_body_comes_in_pieces_and_the_connection_goes_on(void **state)
{
	(void)state;
	struct stream *s = stream_open(site_defaults);
	struct http_peer *p = ask(s, "POST /in HTTP/1.1\r\n" H "Content-Length: 3000000\r\n\r\n");
	say_x(p, 3000000);
	peer_say(p, "POST /in HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
		    "3\r\nxxx\r\n2;a\r\nxx\r\n0\r\n\r\n" GET "\r\n"
		    "POST /in HTTP/1.1\r\n" H "\r\n");
	until_got(p, "HTTP/1.1 200 OK");
	assert_int_equal(s->n_data, 3000005);
	assert_true(s->n_pieces > 30 && s->largest <= 96 * KB);
	while (peer_count(p, "HTTP/1.1 200 OK") < 2)
		assert_int_equal(loop_run(s->loop), 0);
	assert_int_equal(peer_count(p, "HTTP/1.1 202 Accepted"), 2);
	assert_int_equal(peer_count(p, "Connection: close"), 0);
	peer_free(p);
	stream_close(s);
}

static void what_is_not_asked_for_stays_with_the_client(void **state)
{
	(void)state;
	struct stream *s = stream_open(site_defaults);
	s->reads = false;
	struct http_peer *p = ask(s, "POST /in HTTP/1.1\r\n" H "Content-Length: 8000000\r\n\r\n");
	say_x(p, 8000000);
	until(s->loop, has_request, s);
	run_for(s->loop, 100 * MS);
	assert_int_equal(s->n_pieces, 0);
	assert_true(p->out.n > p->out_at); /* the sockets are full, and nobody reads */
	s->reads = true;
	http_body_read(s->request, on_piece, s);
	until_got(p, "HTTP/1.1 202 Accepted");
	assert_int_equal(s->n_data, 8000000);
	peer_free(p);
	stream_close(s);
}

static void a_body_is_asked_for_only_when_it_is_read(void **state)
{
	(void)state;
	struct stream *s = stream_open(site_defaults);
	s->reads = false;
	struct http_peer *p = ask(s, "POST /in HTTP/1.1\r\n" H
				     "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	until(s->loop, has_request, s);
	run_for(s->loop, 20 * MS);
	assert_int_equal(p->got.n, 0);
	http_body_read(s->request, on_piece, s);
	s->reads = true;
	until_got(p, "HTTP/1.1 100 Continue\r\n\r\n");
	peer_say(p, "xxx");
	until_got(p, "HTTP/1.1 202 Accepted");
	assert_int_equal(peer_count(p, "100 Continue"), 1);
	peer_free(p);
	stream_close(s);
}

static void who_answers_before_the_end_ends_the_connection(void **state)
{
	(void)state;
	struct stream *s = stream_open(site_defaults);
	s->refuses = true;
	struct http_peer *p = ask(s, "POST /in HTTP/1.1\r\n" H "Content-Length: 1000000\r\n\r\n");
	say_x(p, 500000);
	until_closed(p);
	assert_int_equal(peer_count(p, "HTTP/1.1 401 Unauthorized"), 1);
	assert_int_equal(peer_count(p, "Connection: close"), 1);
	assert_false(p->is_reset);
	peer_free(p);
	stream_close(s);
}

static void limits_and_framing_hold_for_streams(void **state)
{
	(void)state;
	struct stream *s = stream_open(site_defaults);
	struct http_peer *p = ask(s, "POST /in HTTP/1.1\r\n" H "Content-Length: 8388609\r\n\r\n");
	expect_refusal(p, 413, "payload_too_large");
	peer_free(p);
	p = ask(s, "POST /in HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n900000\r\n");
	say_x(p, 0x900000);
	until_closed(p);
	assert_int_equal(s->failed, 413);
	assert_int_equal(peer_count(p, "HTTP/1.1 413 "), 1);
	peer_free(p);
	p = ask(s, "POST /in HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n2\r\nxxx\r\n");
	until_closed(p);
	assert_int_equal(s->failed, 400);
	peer_free(p);
	stream_close(s);
}

static void a_body_that_stalls_fails(void **state)
{
	(void)state;
	struct http_server_options o = site_defaults;
	o.body_timeout_us = 150 * MS;
	struct stream *s = stream_open(o);
	struct http_peer *p = ask(s, "POST /in HTTP/1.1\r\n" H "Content-Length: 20\r\n\r\nxxxx");
	until_closed(p);
	assert_int_equal(s->failed, 408);
	assert_int_equal(peer_count(p, "HTTP/1.1 408 "), 1);
	peer_free(p);

	/* while the handler takes its time, the client has all of its own */
	s->reads = false;
	s->failed = 0;
	p = ask(s, "POST /in HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\nxx");
	until(s->loop, has_request, s);
	run_for(s->loop, 400 * MS);
	assert_int_equal(s->failed, 0);
	s->reads = true;
	http_body_read(s->request, on_piece, s);
	peer_say(p, "xx");
	until_got(p, "HTTP/1.1 202 Accepted");
	peer_free(p);
	stream_close(s);
}

static void a_client_that_goes_is_told_of_once(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"POST /in HTTP/1.1\r\n" H "Content-Length: 20\r\n\r\nxxxx",
		"POST /in HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n4\r\nxx",
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct stream *s = stream_open(site_defaults);
		struct http_peer *p = ask(s, texts[i]);
		until(s->loop, has_request, s);
		peer_shutdown(p);
		until(s->loop, was_told, s);
		assert_int_equal(s->n_gone, 1);
		assert_true(http_request_is_gone(s->request));
		http_body_read(s->request, on_piece, s); /* no callback, no harm */
		finish(s, 202);
		assert_int_equal(http_server_in_flight(s->server), 0);
		peer_free(p);
		stream_close(s);
	}
}

static void an_answer_leaves_in_chunks(void **state)
{
	(void)state;
	struct stream *s = stream_open(site_defaults);
	struct http_peer *p = ask(s, "GET /out HTTP/1.1\r\n" H "\r\n" GET "\r\n");
	until(s->loop, has_drained, s);
	http_reply_write(s->request, STR("hello"));
	http_reply_write(s->request, STR_NONE); /* no chunk: it would be the last one */
	until_got(p, "5\r\nhello\r\n");
	assert_int_equal(http_reply_unsent(s->request), 0);
	http_reply_write(s->request, STR("0123456789abcdef"));
	http_reply_end(s->request);
	until_got(p, "10\r\n0123456789abcdef\r\n0\r\n\r\nHTTP/1.1 200 OK");
	assert_int_equal(peer_count(p, "Transfer-Encoding: chunked\r\n"), 1);
	assert_int_equal(peer_count(p, "Content-Length:"), 1); /* of the second answer */
	assert_int_equal(s->n_gone, 0);
	peer_free(p);

	p = ask(s, "GET /out HTTP/1.0\r\n" H "\r\n");
	until_got(p, "\r\n\r\n");
	http_reply_write(s->request, STR("hello"));
	http_reply_end(s->request);
	until_closed(p);
	assert_true(str_ends(strbuf_str(&p->got), STR("\r\n\r\nhello")));
	assert_false(p->is_reset);
	peer_free(p);

	p = ask(s, "HEAD /out HTTP/1.1\r\n" H "\r\n");
	until_got(p, "\r\n\r\n");
	http_reply_write(s->request, STR("hello"));
	http_reply_end(s->request);
	peer_say(p, GET "\r\n");
	until_got(p, "HTTP/1.1 200 OK\r\nDate");
	assert_int_equal(peer_count(p, "hello"), 0);
	peer_free(p);
	stream_close(s);
}

static void an_answer_that_breaks_off_is_noticed(void **state)
{
	(void)state;
	struct stream *s = stream_open(site_defaults);
	struct http_peer *p = ask(s, "GET /out HTTP/1.0\r\n" H "\r\n");
	until_got(p, "\r\n\r\n");
	http_reply_abort(s->request);
	until_closed(p);
	assert_true(p->is_reset);
	assert_int_equal(http_server_in_flight(s->server), 0);
	peer_free(p);
	stream_close(s);
}

static void a_reader_that_stalls_is_cut_off(void **state)
{
	(void)state;
	struct http_server_options o = site_defaults;
	o.body_timeout_us = 200 * MS;
	struct stream *s = stream_open(o);
	struct http_peer *p = ask(s, "GET /out HTTP/1.1\r\n" H "\r\n");
	until(s->loop, has_drained, s);
	run_for(s->loop, 400 * MS); /* nothing is written: nobody is slow */
	assert_int_equal(s->n_gone, 0);
	char *x = xcalloc(1, 20000000);
	peer_stop_reading(p);
	s->n_drained = 0;
	http_reply_write(s->request, (struct str){ x, 20000000 });
	free(x);
	until(s->loop, was_told, s);
	assert_true(http_request_is_gone(s->request));
	assert_int_equal(s->n_drained, 0);
	http_reply_end(s->request);
	peer_free(p);

	s->is_quiet = true; /* then whoever waits for room is told */
	p = ask(s, "GET /out HTTP/1.1\r\n" H "\r\n");
	until(s->loop, has_drained, s);
	s->n_drained = 0;
	http_reply_write(s->request, STR("x"));
	peer_reset(p);
	until(s->loop, has_drained, s);
	while (!http_request_is_gone(s->request))
		assert_int_equal(loop_run(s->loop), 0);
	http_reply_end(s->request);
	peer_free(p);
	stream_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_comes_in_pieces_and_the_connection_goes_on),
		cmocka_unit_test(what_is_not_asked_for_stays_with_the_client),
		cmocka_unit_test(a_body_is_asked_for_only_when_it_is_read),
		cmocka_unit_test(who_answers_before_the_end_ends_the_connection),
		cmocka_unit_test(limits_and_framing_hold_for_streams),
		cmocka_unit_test(a_body_that_stalls_fails),
		cmocka_unit_test(a_client_that_goes_is_told_of_once),
		cmocka_unit_test(an_answer_leaves_in_chunks),
		cmocka_unit_test(an_answer_that_breaks_off_is_noticed),
		cmocka_unit_test(a_reader_that_stalls_is_cut_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
