/* The HTTP edge against clients that dawdle, stop reading or go away. */
#include "http_site.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "sys/clock.h"

/* Whether the other side still holds the connection, without reading from it. */
static bool is_established(const struct http_peer *p)
{
	struct tcp_info info;
	socklen_t size = sizeof(info);
	assert_int_equal(getsockopt(p->fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	return info.tcpi_state == TCP_ESTABLISHED;
}

static void who_pipelines_and_never_reads_is_cut_off(void **state)
{
	(void)state;
	struct http_server_options o = site_defaults;
	o.body_timeout_us = 300 * MS;
	struct site *s = site_open(o);
	struct http_peer *p = peer_connect(s->loop, s->port);
	s->body_size = 15 * KB; /* sockets buffer some hundreds of them */
	peer_stop_reading(p);
	peer_say_times(p, "GET /x HTTP/1.1\r\n" H "\r\n", 20000);
	for (int i = 0; i < 500 && is_established(p); i++)
		run_for(s->loop, 20 * MS);
	assert_false(is_established(p));
	size_t n_handled = s->n_handled;
	assert_true(n_handled > 0 && n_handled < 5000);
	peer_go_on_reading(p);
	until_closed(p);
	assert_int_equal(s->n_handled, n_handled);
	peer_free(p);
	site_close(s);
}

struct drip {
	struct http_peer *peer;
	struct timer *timer;
};

static void drip_on(void *arg)
{
	struct drip *d = arg;
	if (!d->peer->is_closed)
		peer_say(d->peer, "a");
	timer_start(d->timer, 10 * MS);
}

/* Sends a byte every 10 ms until it is closed; returns how long that took. */
static usec_t drip_until_closed(struct http_peer *p)
{
	struct drip d = { .peer = p };
	usec_t mono_started = clock_mono();
	d.timer = timer_new(p->loop, drip_on, &d);
	timer_start(d.timer, 0);
	until_closed(p);
	timer_free(d.timer);
	return clock_mono() - mono_started;
}

static void dripping_headers_have_an_absolute_deadline(void **state)
{
	(void)state;
	struct http_server_options o = site_defaults;
	o.header_timeout_us = 150 * MS;
	struct site *s = site_open(o);
	struct http_peer *p = site_ask(s, "GET /");
	assert_true(drip_until_closed(p) >= 140 * MS);
	expect_refusal(p, 408, "request_timeout");
	peer_free(p);
	/* and for a later request on the same connection */
	p = site_ask(s, "GET /1 HTTP/1.1\r\n" H "\r\n");
	until_got(p, "[/1|0|]");
	strbuf_reset(&p->got);
	peer_say(p, "GET /");
	(void)drip_until_closed(p);
	expect_refusal(p, 408, "request_timeout");
	peer_free(p);
	site_close(s);
}

static void a_dripping_body_has_an_absolute_deadline(void **state)
{
	(void)state;
	struct http_server_options o = site_defaults;
	o.body_timeout_us = 150 * MS;
	struct site *s = site_open(o);
	struct http_peer *p = site_ask(s, GET "Content-Length: 60000\r\n\r\n");
	assert_true(drip_until_closed(p) >= 140 * MS);
	expect_refusal(p, 408, "request_timeout");
	peer_free(p);
	assert_int_equal(s->n_handled, 0);
	site_close(s);
}

static void who_says_nothing_is_closed_without_a_word(void **state)
{
	(void)state;
	struct http_server_options o = site_defaults;
	o.header_timeout_us = 50 * MS;
	o.idle_timeout_us = 100 * MS;
	struct site *s = site_open(o);
	struct http_peer *p = peer_connect(s->loop, s->port);
	usec_t mono_started = clock_mono();
	until_closed(p);
	assert_int_equal(p->got.n, 0);
	assert_true(clock_mono() - mono_started >= 45 * MS);
	peer_free(p);
	mono_started = clock_mono();
	p = site_ask(s, "GET /1 HTTP/1.1\r\n" H "\r\n");
	until_got(p, "[/1|0|]");
	size_t n = p->got.n;
	until_closed(p);
	assert_int_equal(p->got.n, n);
	assert_true(clock_mono() - mono_started >= 95 * MS);
	peer_free(p);
	site_close(s);
}

static void a_handler_may_take_longer_than_any_deadline(void **state)
{
	(void)state;
	struct http_server_options o = site_defaults;
	o.header_timeout_us = o.body_timeout_us = o.idle_timeout_us = 200 * MS;
	struct site *s = site_open(o);
	struct http_peer *p = peer_connect(s->loop, s->port);
	(void)site_hold_one(s, p, GET "\r\n");
	run_for(s->loop, 1000 * MS);
	assert_false(p->is_closed);
	site_answer_first(s);
	until_got(p, "[/|0|]");
	peer_free(p);
	site_close(s);
}

static bool someone_went(void *arg)
{
	const struct site *s = arg;
	return s->n_gone > 0;
}

static void a_client_that_resets_is_reported_once(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	struct http_peer *p = peer_connect(s->loop, s->port);
	struct http_request *r = site_hold_one(s, p, GET "\r\n");
	peer_reset(p);
	assert_false(http_request_is_gone(r));
	until(s->loop, someone_went, s);
	assert_true(http_request_is_gone(r));
	assert_int_equal(http_server_in_flight(s->server), 1);
	site_answer_first(s); /* dropped in silence */
	assert_int_equal(http_server_in_flight(s->server), 0);
	run_for(s->loop, 5 * MS);
	assert_int_equal(s->n_gone, 1);
	peer_free(p);
	site_close(s);
}

static void a_client_that_closes_is_reported_once(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	struct http_peer *p = peer_connect(s->loop, s->port);
	(void)site_hold_one(s, p, GET "\r\n");
	peer_free(p);
	until(s->loop, someone_went, s);
	site_answer_first(s);
	run_for(s->loop, 5 * MS);
	assert_int_equal(s->n_gone, 1);
	p = site_ask(s, GET "\r\n");
	s->holds = false;
	until_got(p, "[/|0|]");
	peer_free(p);
	site_close(s);
}

static void a_client_that_only_stopped_sending_is_answered(void **state)
{
	(void)state;
	struct site *s = site_open(site_defaults);
	struct http_peer *p =
		site_ask(s, "GET /1 HTTP/1.1\r\n" H "\r\nGET /2 HTTP/1.1\r\n" H "\r\n");
	while (p->out.n)
		assert_int_equal(loop_run(s->loop), 0);
	peer_shutdown(p);
	until_closed(p);
	assert_int_equal(peer_count(p, "[/1|0|]") + peer_count(p, "[/2|0|]"), 2);
	peer_free(p);
	p = peer_connect(s->loop, s->port);
	(void)site_hold_one(s, p, "GET /3 HTTP/1.1\r\n" H "\r\n");
	peer_shutdown(p);
	until(s->loop, someone_went, s);
	site_answer_first(s);
	until_closed(p);
	assert_int_equal(peer_count(p, "[/3|0|]"), 1);
	peer_free(p);
	site_close(s);
}

static void a_client_that_goes_in_the_middle_leaves_nothing(void **state)
{
	static const char *const parts[] = { "", "GET", GET, GET "Content-Length: 5\r\n\r\nab",
					     GET "Transfer-Encoding: chunked\r\n\r\n3\r\na" };
	(void)state;
	struct site *s = site_open(site_defaults);
	for (size_t i = 0; i < ARRAY_LEN(parts) * 2; i++) {
		struct http_peer *p = peer_connect(s->loop, s->port);
		if (parts[i / 2][0]) {
			peer_say(p, parts[i / 2]);
			while (p->out.n)
				assert_int_equal(loop_run(s->loop), 0);
		}
		run_for(s->loop, 2 * MS);
		if (i % 2) {
			peer_reset(p);
			run_for(s->loop, 2 * MS);
		} else {
			peer_shutdown(p);
			until_closed(p);
			assert_int_equal(p->got.n, 0);
		}
		peer_free(p);
	}
	assert_int_equal(s->n_handled, 0);
	site_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_pipelines_and_never_reads_is_cut_off),
		cmocka_unit_test(dripping_headers_have_an_absolute_deadline),
		cmocka_unit_test(a_dripping_body_has_an_absolute_deadline),
		cmocka_unit_test(who_says_nothing_is_closed_without_a_word),
		cmocka_unit_test(a_handler_may_take_longer_than_any_deadline),
		cmocka_unit_test(a_client_that_resets_is_reported_once),
		cmocka_unit_test(a_client_that_closes_is_reported_once),
		cmocka_unit_test(a_client_that_only_stopped_sending_is_answered),
		cmocka_unit_test(a_client_that_goes_in_the_middle_leaves_nothing),
	};

	return cmocka_run_group_tests_name("http_deadlines", tests, NULL, NULL);
}
