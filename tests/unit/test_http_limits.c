/* The HTTP edge against what is malformed or too much: each violation is answered once. */
#include "http_site.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <sys/resource.h>

static const struct {
	const char *text;
	int status;
	const char *code;
} refused[] = {
	{ "nonsense\r\n\r\n", 400, "malformed_request" },
	{ "\x16\x03\x01\x02", 400, "malformed_request" },
	{ "GET / HTTP/1.1\n" H "\n", 400, "malformed_request" },
	{ "GET / HTTP/1.1\r\n\r\n", 400, "malformed_request" },
	{ GET H "\r\n", 400, "malformed_request" },
	{ GET "Na me: x\r\n\r\n", 400, "malformed_request" },
	{ GET "Content-Length: 3\r\nContent-Length: 30\r\n\r\nabcGET /smuggled HTTP/1.1\r\n" H
	      "\r\n",
	  400, "malformed_request" },
	{ GET "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
	  "malformed_request" },
	{ GET "Transfer-Encoding: gzip\r\n\r\n", 400, "malformed_request" },
	{ "GET / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n", 400, "malformed_request" },
	{ GET "Content-Length: x\r\n\r\n", 400, "malformed_request" },
	{ "GET /%00 HTTP/1.1\r\n" H "\r\n", 400, "malformed_request" },
	{ "GET /a/../b HTTP/1.1\r\n" H "\r\n", 400, "malformed_request" },
	{ "GET http://belfry.test/ HTTP/1.1\r\n" H "\r\n", 400, "malformed_request" },
	{ "BREW /pot HTTP/1.1\r\n" H "\r\n", 501, "not_implemented" },
	{ GET "Transfer-Encoding: chunked\r\n\r\nx\r\n", 400, "malformed_request" },
	{ GET "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n", 400, "malformed_request" },
	{ GET "Content-Length: 65537\r\n\r\n", 413, "payload_too_large" },
	{ GET "Content-Length: 65537\r\nExpect: 100-continue\r\n\r\n", 413, "payload_too_large" },
	{ GET "Content-Length: 99999999999999999999999999\r\n\r\n", 413, "payload_too_large" },
};

static void violations_are_answered_once_and_end_the_connection(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct http_peer *p = site_ask(s, refused[i].text);
		expect_refusal(p, refused[i].status, refused[i].code);
		peer_free(p);
	}
	assert_int_equal(s->n_handled, 0);
	site_close(s);
}

static void a_violation_after_good_requests_is_answered_in_its_turn(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	struct http_peer *p = site_ask(s, "GET /1 HTTP/1.1\r\n" H "\r\n"
					  "GET /2 HTTP/1.1\r\n" H "\r\n"
					  "GET //3 HTTP/1.1\r\n" H "\r\n"
					  "GET /4 HTTP/1.1\r\n" H "\r\n");
	until_closed(p);
	assert_int_equal(peer_count(p, "HTTP/1.1 200"), 2);
	assert_int_equal(peer_count(p, "HTTP/1.1 400"), 1);
	assert_int_equal(s->n_handled, 2);
	peer_free(p);
	site_close(s);
}

static void headers_have_a_limit(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	struct http_peer *p = site_ask(s, GET "A: "); /* a line without an end */
	peer_say_times(p, "0123456789abcdef", KB + 1);
	expect_refusal(p, 431, "headers_too_large");
	peer_free(p);
	p = site_ask(s, "GET /"); /* a target without an end */
	peer_say_times(p, "0123456789abcdef", KB + 1);
	expect_refusal(p, 431, "headers_too_large");
	peer_free(p);
	p = site_ask(s, GET); /* small lines without an end */
	peer_say_times(p, "Name: value\r\n", 2000);
	expect_refusal(p, 431, "headers_too_large");
	peer_free(p);
	p = site_ask(s, GET); /* complete, in one piece, and too large */
	peer_say_times(p,
		       "A: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		       "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n",
		       90);
	peer_say(p, "\r\n");
	expect_refusal(p, 431, "headers_too_large");
	peer_free(p);
	assert_int_equal(s->n_handled, 0);
	site_close(s);
}

static void a_body_up_to_the_limit_is_taken(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	struct http_peer *p = site_ask(s, "POST /1 HTTP/1.1\r\n" H "Content-Length: 65536\r\n\r\n");
	peer_say_times(p, "0123456789abcdef", 4 * KB);
	until_got(p, "[/1|65536|0123456789abcdef");
	peer_say(p, "POST /2 HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n");
	peer_say_times(p, "10\r\n0123456789abcdef\r\n", 4 * KB);
	peer_say(p, "0\r\n\r\n");
	until_got(p, "[/2|65536|0123456789abcdef");
	peer_free(p);
	site_close(s);
}

static void a_chunked_body_over_the_limit_is_refused_on_the_way(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	struct http_peer *p =
		site_ask(s, "POST /1 HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n");
	peer_say_times(p, "10\r\n0123456789abcdef\r\n", 4 * KB + 1);
	expect_refusal(p, 413, "payload_too_large");
	peer_free(p);
	assert_int_equal(s->n_handled, 0);
	site_close(s);
}

/* Clients that send everything before they read must find the answer, not a reset. */
static void a_refused_upload_may_go_on_to_its_end(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	struct http_peer *p =
		site_ask(s, "POST /1 HTTP/1.1\r\n" H "Content-Length: 9000000\r\n\r\n");
	struct strbuf big;
	peer_stop_reading(p);
	strbuf_init(&big, 9000000);
	while (big.n < 9000000)
		strbuf_add(&big, STR("0123456789abcdef"
				     "0123456789abcdef0123456789abcdef0123456789abcdef"));
	peer_send(p, strbuf_str(&big));
	while (p->out.n)
		assert_int_equal(loop_run(s->loop), 0);
	peer_go_on_reading(p);
	expect_refusal(p, 413, "payload_too_large");
	peer_free(p);
	strbuf_deinit(&big);
	site_close(s);
}

static void all_bodies_together_have_a_limit(void **state)
{
	(void)state;
	struct http_server_options o = site_defaults;
	o.max_buffered = 100 * KB;
	struct site *s = site_open(o);
	struct http_peer *a = site_ask(s, "POST /a HTTP/1.1\r\n" H "Content-Length: 60000\r\n\r\n");
	s->holds = true;
	peer_say_times(a, "0123456789", 6000);
	while (list_is_empty(&s->held))
		assert_int_equal(loop_run(s->loop), 0);
	struct http_peer *b = site_ask(s, "POST /b HTTP/1.1\r\n" H "Content-Length: 60000\r\n\r\n");
	peer_say_times(b, "0123456789", 6000);
	expect_refusal(b, 503, "overloaded");
	site_answer_first(s);
	until_got(a, "[/a|60000|");
	s->holds = false;
	peer_say(a, "POST /c HTTP/1.1\r\n" H "Content-Length: 60000\r\n\r\n");
	peer_say_times(a, "0123456789", 6000);
	until_got(a, "[/c|60000|");
	peer_free(a);
	peer_free(b);
	site_close(s);
}

static void at_the_cap_the_next_connection_waits(void **state)
{
	(void)state;
	struct http_server_options o = site_defaults;
	o.max_connections = 2;
	struct site *s = site_open(o);
	struct http_peer *a = site_ask(s, GET "\r\n");
	struct http_peer *b = site_ask(s, GET "\r\n");
	until_got(a, "[/|0|]");
	until_got(b, "[/|0|]");
	struct http_peer *c = site_ask(s, GET "\r\n");
	run_for(s->loop, 50 * MS);
	assert_int_equal(c->got.n, 0);
	assert_false(c->is_closed);
	peer_free(a);
	until_got(c, "[/|0|]");
	peer_free(b);
	peer_free(c);
	site_close(s);
}

static void one_address_cannot_take_all(void **state)
{
	(void)state;
	struct http_server_options o = site_defaults;
	o.max_per_address = 2;
	struct site *s = site_open(o);
	struct http_peer *a = site_ask(s, GET "\r\n");
	struct http_peer *b = site_ask(s, GET "\r\n");
	until_got(a, "[/|0|]");
	until_got(b, "[/|0|]");
	struct http_peer *c = peer_connect(s->loop, s->port);
	until_closed(c);
	assert_int_equal(c->got.n, 0);
	peer_free(c);
	peer_free(a);
	peer_free(b);
	run_for(s->loop, 5 * MS);
	c = site_ask(s, GET "\r\n");
	until_got(c, "[/|0|]");
	peer_free(c);
	site_close(s);
}

/* Of ten connections the first address gets three: a fourth would leave less for others than it has. */
static void one_address_leaves_the_half_of_what_is_left(void **state)
{
	(void)state;
	struct http_server_options o = site_defaults;
	o.max_connections = o.max_per_address = 10;
	struct site *s = site_open(o);
	struct http_peer *p[4];
	for (size_t i = 0; i < 3; i++) {
		p[i] = site_ask(s, GET "\r\n");
		until_got(p[i], "[/|0|]");
	}
	p[3] = peer_connect(s->loop, s->port);
	until_closed(p[3]);
	assert_int_equal(p[3]->got.n, 0);
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		peer_free(p[i]);
	site_close(s);
}

static void without_descriptors_the_listener_waits(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	struct http_peer *p = site_ask(s, GET "\r\n");
	struct rlimit was, none;
	int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(next >= 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	clock_t started = clock();
	run_for(s->loop, 100 * MS);
	double busy_s = (double)(clock() - started) / CLOCKS_PER_SEC;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(s->n_handled, 0);
	assert_true(busy_s < 0.05); /* it does not spin */
	until_got(p, "[/|0|]");
	peer_free(p);
	site_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(violations_are_answered_once_and_end_the_connection),
		cmocka_unit_test(a_violation_after_good_requests_is_answered_in_its_turn),
		cmocka_unit_test(headers_have_a_limit),
		cmocka_unit_test(a_body_up_to_the_limit_is_taken),
		cmocka_unit_test(a_chunked_body_over_the_limit_is_refused_on_the_way),
		cmocka_unit_test(a_refused_upload_may_go_on_to_its_end),
		cmocka_unit_test(all_bodies_together_have_a_limit),
		cmocka_unit_test(at_the_cap_the_next_connection_waits),
		cmocka_unit_test(one_address_cannot_take_all),
		cmocka_unit_test(one_address_leaves_the_half_of_what_is_left),
		cmocka_unit_test(without_descriptors_the_listener_waits),
	};

	return cmocka_run_group_tests_name("http_limits", tests, NULL, NULL);
}
