/* The HTTP server as its handlers and honest clients see it: service, pipelining, large answers,
 * the end of a life. */
#include "http_site.h"

#include <string.h>

#include <sys/socket.h>

#include <stdio.h>

static void note_query(struct str name, struct str value, void *arg)
{
	strbuf_addf(arg, "%.*s=%.*s;", STR_ARG(name), STR_ARG(value));
}

static void a_request_is_shown_whole(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	struct http_peer *p = peer_connect(s->loop, s->port);
	struct http_request *r =
		site_hold_one(s, p,
			      "PUT /v1/a%20b?x=1&y=%26&x=2 HTTP/1.1\r\n" H
			      "Authorization: Bearer k\r\nContent-Length: 5\r\n\r\nhello");
	struct strbuf seen;
	strbuf_init(&seen, KB);
	assert_int_equal(http_request_method(r), HTTP_PUT);
	assert_str(http_request_path(r), "/v1/a b");
	assert_str(http_request_uri(r), "/v1/a%20b?x=1&y=%26&x=2");
	assert_str(http_request_query(r, "x"), "1");
	assert_str(http_request_query(r, "y"), "&");
	assert_str(http_request_query(r, "z"), NULL);
	http_request_each_query(r, note_query, &seen);
	assert_str(strbuf_str(&seen), "x=1;y=&;x=2;");
	assert_str(http_request_header(r, "AUTHORIZATION"), "Bearer k");
	assert_str(http_request_header(r, "Cookie"), NULL);
	assert_str(http_request_body(r), "hello");
	assert_str(http_request_peer(r), "127.0.0.1");
	assert_int_equal(http_server_in_flight(s->server), 1);
	site_answer_first(s);
	assert_int_equal(http_server_in_flight(s->server), 0);
	until_got(p, "[/v1/a b|5|hello]");
	assert_true(str_starts(strbuf_str(&p->got), STR("HTTP/1.1 200 OK\r\nDate: ")));
	assert_int_equal(peer_count(p, "\r\nContent-Type: text/plain\r\n"), 1);
	assert_int_equal(peer_count(p, "\r\nContent-Length: 17\r\n"), 1);
	assert_int_equal(peer_count(p, "\r\nX-Test: yes\r\n"), 1);
	assert_int_equal(peer_count(p, "Connection:"), 0);
	strbuf_deinit(&seen);
	peer_free(p);
	site_close(s);
}

static const struct {
	const char *text, *want;
} accepted[] = {
	{ "\r\n\r\nGET /a HTTP/1.1\r\n" H "\r\n", "[/a|0|]" },
	{ "GET /a?b HTTP/1.0\r\n" H "\r\n", "[/a|0|]" },
	{ "POST /a HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", "[/a|0|]" },
	{ "POST /a HTTP/1.1\r\n" H "\r\n", "[/a|0|]" },
	{ "GET /a HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nhi", "[/a|2|hi]" },
	{ "POST /a HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n"
	  "3;x=y\r\nabc\r\n4\r\ndefg\r\n0\r\nT: u\r\n\r\n",
	  "[/a|7|abcdefg]" },
	{ "POST /a HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "[/a|0|]" },
};

static void odd_but_clear_requests_are_served(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
		struct http_peer *p = site_ask(s, accepted[i].text);
		until_got(p, accepted[i].want);
		assert_int_equal(peer_count(p, "HTTP/1.1 200 OK\r\n"), 1);
		peer_free(p);
	}
	site_close(s);
}

static void a_request_may_come_byte_by_byte(void **state)
{
	(void)state;
	static const char text[] = "POST /slow HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n"
				   "5\r\nhello\r\n0\r\n\r\n"
				   "POST /again HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc";
	struct site *s = site_open(site_defaults);
	struct http_peer *p = peer_connect(s->loop, s->port);
	for (const char *c = text; *c; c++) {
		peer_send(p, (struct str){ c, 1 });
		assert_int_equal(loop_run(s->loop), 0); /* ends when it was sent */
	}
	until_got(p, "[/slow|5|hello]");
	until_got(p, "[/again|3|abc]");
	peer_free(p);
	site_close(s);
}

static void head_and_empty_answers_have_no_body(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	struct http_peer *p = site_ask(s, "HEAD /h HTTP/1.1\r\n" H "\r\n");
	until_got(p, "\r\n\r\n");
	assert_int_equal(peer_count(p, "Content-Length: 7\r\n"), 1);
	assert_int_equal(peer_count(p, "[/h|0|]"), 0);
	s->status = 204;
	peer_say(p, "DELETE /d HTTP/1.1\r\n" H "\r\n");
	until_got(p, "HTTP/1.1 204 No Content\r\n");
	s->status = 200;
	peer_say(p, "GET /next HTTP/1.1\r\n" H "\r\n");
	until_got(p, "[/next|0|]");
	assert_int_equal(peer_count(p, "[/d|0|]"), 0);
	assert_int_equal(peer_count(p, "Content-Length:"), 2);
	peer_free(p);
	site_close(s);
}

static void a_large_body_is_asked_for_when_expected(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	struct http_peer *p = site_ask(s, "POST /e HTTP/1.1\r\n" H
					  "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
	until_got(p, "HTTP/1.1 100 Continue\r\n\r\n");
	assert_int_equal(s->n_handled, 0);
	peer_say(p, "hello");
	until_got(p, "[/e|5|hello]");
	/* the body came along: nobody waits to be asked */
	peer_say(p, "POST /e HTTP/1.1\r\n" H "Expect: 100-continue\r\n"
		    "Content-Length: 2\r\n\r\nhi");
	until_got(p, "[/e|2|hi]");
	assert_int_equal(peer_count(p, "100 Continue"), 1);
	peer_free(p);
	site_close(s);
}

static void a_connection_serves_until_one_side_ends_it(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	struct http_peer *p = site_ask(s, "GET /1 HTTP/1.1\r\n" H "\r\n");
	until_got(p, "[/1|0|]");
	peer_say(p, "GET /2 HTTP/1.1\r\n" H "\r\n");
	until_got(p, "[/2|0|]");
	peer_say(p, "GET /3 HTTP/1.1\r\n" H "Connection: close\r\n\r\n");
	until_got(p, "[/3|0|]");
	until_closed(p);
	assert_int_equal(peer_count(p, "Connection: close\r\n"), 1);
	peer_free(p);
	p = site_ask(s, "GET /4 HTTP/1.0\r\n" H "\r\n");
	until_closed(p);
	assert_int_equal(peer_count(p, "[/4|0|]"), 1);
	peer_free(p);
	p = site_ask(s, "GET /5 HTTP/1.0\r\n" H "Connection: keep-alive\r\n\r\n");
	until_got(p, "Connection: keep-alive\r\n");
	peer_say(p, "GET /6 HTTP/1.0\r\n" H "\r\n");
	until_closed(p);
	assert_int_equal(peer_count(p, "[/6|0|]"), 1);
	peer_free(p);
	site_close(s);
}

static void a_header_value_cannot_begin_a_line(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	struct http_peer *p = peer_connect(s->loop, s->port);
	struct http_request *r = site_hold_one(s, p, GET "\r\n");
	http_reply_header(r, "X-Echo", "a\r\nSet-Cookie: b");
	http_reply(r, 599, NULL, STR("body"));
	until_got(p, "\r\n\r\nbody");
	assert_int_equal(peer_count(p, "\r\nSet-Cookie"), 0);
	assert_int_equal(peer_count(p, "X-Echo: a  Set-Cookie: b\r\n"), 1);
	assert_int_equal(peer_count(p, "Content-Type"), 0);
	assert_true(str_starts(strbuf_str(&p->got), STR("HTTP/1.1 599 Status\r\n")));
	peer_free(p);
	site_close(s);
}

static void pipelined_requests_are_answered_in_order_one_at_a_time(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	struct http_peer *p = peer_connect(s->loop, s->port);
	(void)site_hold_one(s, p,
			    "GET /1 HTTP/1.1\r\n" H "\r\n"
			    "POST /2 HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"
			    "GET /3 HTTP/1.1\r\n" H "\r\n");
	for (int i = 1; i <= 3; i++) {
		char want[16];
		while (list_is_empty(&s->held))
			assert_int_equal(loop_run(s->loop), 0);
		run_for(s->loop, 5 * MS);
		assert_int_equal(http_server_in_flight(s->server), 1);
		assert_int_equal(s->n_handled, i);
		site_answer_first(s);
		snprintf(want, sizeof(want), "[/%d|", i);
		until_got(p, want);
	}
	assert_int_equal(peer_count(p, "HTTP/1.1 200"), 3);
	peer_free(p);
	site_close(s);
}

static bool handled_all(void *arg)
{
	const struct site *s = arg;
	return s->n_handled == 1000;
}

static void many_pipelined_requests_are_all_served(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	struct http_peer *p = peer_connect(s->loop, s->port);
	peer_say_times(p, "GET /x HTTP/1.1\r\n" H "\r\n", 1000);
	until(s->loop, handled_all, s);
	while (peer_count(p, "[/x|0|]") < 1000)
		assert_int_equal(loop_run(s->loop), 0);
	peer_free(p);
	site_close(s);
}

static void a_large_answer_reaches_a_slow_reader(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	struct http_peer *p = peer_connect(s->loop, s->port);
	s->body_size = 12 * KB * KB;
	peer_stop_reading(p);
	peer_say(p, "GET /x HTTP/1.1\r\n" H "Connection: close\r\n\r\n");
	while (!s->n_handled)
		assert_int_equal(loop_run(s->loop), 0);
	run_for(s->loop, 50 * MS);
	peer_go_on_reading(p);
	until_closed(p);
	assert_false(p->is_reset);
	size_t n_head = (size_t)(strstr(p->got.p, "\r\n\r\n") - p->got.p) + 4;
	assert_int_equal(p->got.n - n_head, s->body_size);
	for (size_t i = 0; i < s->body_size; i++)
		assert_int_equal(p->got.p[n_head + i], "0123456789abcdef"[i % 16]);
	peer_free(p);
	site_close(s);
}

static void a_draining_server_finishes_what_it_has(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	struct http_peer *idle = site_ask(s, GET "\r\n");
	until_got(idle, "[/|0|]");
	struct http_peer *busy = peer_connect(s->loop, s->port);
	(void)site_hold_one(s, busy, GET "\r\n");
	/* a request that has arrived and was not yet read */
	struct http_peer *late = site_ask(s, "");
	s->holds = false;
	peer_say(late, GET "\r\n");
	until_got(late, "[/|0|]");
	strbuf_reset(&late->got);
	assert_int_equal(send(late->fd, GET "\r\n", strlen(GET "\r\n"), 0), strlen(GET "\r\n"));
	http_server_stop_accepting(s->server);
	until_closed(idle);
	assert_false(busy->is_closed);
	site_answer_first(s);
	until_closed(late);
	assert_int_equal(peer_count(late, "[/|0|]"), 1);
	assert_int_equal(peer_count(late, "Connection: close\r\n"), 1);
	peer_free(late);
	until_closed(busy);
	assert_int_equal(peer_count(busy, "Connection: close\r\n"), 1);
	assert_int_equal(peer_count(busy, "[/|0|]"), 1);
	http_server_stop_accepting(s->server); /* a second time is harmless */
	peer_free(idle);
	peer_free(busy);
	site_close(s);
}

static void a_request_outlives_its_server(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	struct http_peer *p = peer_connect(s->loop, s->port);
	(void)site_hold_one(s, p, "POST / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc");
	http_server_close(s->server);
	s->server = NULL;
	until_closed(p);
	assert_int_equal(s->n_gone, 0);
	site_answer_first(s);
	peer_free(p);
	site_close(s);
}

static void close_in_handler(struct http_request *r, void *arg)
{
	struct site *s = arg;
	http_server_close(s->server);
	s->server = NULL;
	http_reply(r, 200, NULL, STR("never seen"));
	loop_stop(s->loop);
}

static void a_server_closed_by_its_handler_is_gone(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	struct http_server_options o = site_defaults;
	http_server_close(s->server);
	o.handler = close_in_handler;
	o.problem = site_problem;
	o.arg = s;
	assert_ok(http_server_open(s->loop, &o, &s->server));
	s->port = http_server_port(s->server);
	struct http_peer *p = site_ask(s, GET "\r\n" GET "\r\n");
	until_closed(p);
	assert_null(s->server);
	peer_free(p);
	site_close(s);
}

static void a_bad_place_to_listen_is_refused(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	struct http_server *other;
	struct http_server_options o = site_defaults;
	o.port = s->port;
	assert_err(http_server_open(s->loop, &o, &other), ERR_CONFLICT);
	o.port = 65536;
	assert_err(http_server_open(s->loop, &o, &other), ERR_INVALID);
	o.port = 0;
	o.bind = "localhost";
	assert_err(http_server_open(s->loop, &o, &other), ERR_INVALID);
	o.bind = "192.0.2.1";
	assert_err(http_server_open(s->loop, &o, &other), ERR_IO);
	http_server_close(NULL);
	site_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_shown_whole),
		cmocka_unit_test(odd_but_clear_requests_are_served),
		cmocka_unit_test(a_request_may_come_byte_by_byte),
		cmocka_unit_test(head_and_empty_answers_have_no_body),
		cmocka_unit_test(a_large_body_is_asked_for_when_expected),
		cmocka_unit_test(a_connection_serves_until_one_side_ends_it),
		cmocka_unit_test(a_header_value_cannot_begin_a_line),
		cmocka_unit_test(pipelined_requests_are_answered_in_order_one_at_a_time),
		cmocka_unit_test(many_pipelined_requests_are_all_served),
		cmocka_unit_test(a_large_answer_reaches_a_slow_reader),
		cmocka_unit_test(a_draining_server_finishes_what_it_has),
		cmocka_unit_test(a_request_outlives_its_server),
		cmocka_unit_test(a_server_closed_by_its_handler_is_gone),
		cmocka_unit_test(a_bad_place_to_listen_is_refused),
	};

	return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
