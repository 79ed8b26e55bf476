/* What the HTTP client refuses or survives: addresses, names, URLs, proxies, crowds, its own end. */
#include "http_receiver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sys/clock.h"

static void a_refused_connection_is_told(void **state)
{
	(void)state;
	struct desk *d = desk_open(desk_defaults, "127.0.0.0/8");
	struct receiver *r = receiver_open(d->loop, "", THEN_HOLD);
	char url[64];
	receiver_url(r, "http", url);
	receiver_close(r);
	desk_post_and_wait(d, url);
	assert_int_equal(d->last.outcome, HTTP_OUT_CONNECT);
	desk_close(d);
}

static void a_blocked_address_sees_no_packet(void **state)
{
	static const char *const hosts[] = { "127.0.0.1",      "localhost", "2130706433",
					     "0x7f000001",     "127.1",     "[::ffff:127.0.0.1]",
					     "0.0.0.0",        "[::1]",     "169.254.169.254",
					     "[::ffff:7f00:1]" };
	(void)state;
	struct desk *d = desk_open(desk_defaults, "");
	struct receiver *r = receiver_open(d->loop, OK200 "Content-Length: 0\r\n\r\n", THEN_HOLD);
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		char url[64];
		snprintf(url, sizeof(url), "http://%s:%d/", hosts[i], r->port);
		desk_post_and_wait(d, url);
		CHECK(d->last.outcome == HTTP_OUT_BLOCKED_IP, "%s: %s", hosts[i],
		      http_outcome_name(d->last.outcome));
		assert_string_equal(d->peer, "");
	}
	run_for(d->loop, 5 * MS);
	assert_int_equal(r->n_peers, 0);
	receiver_close(r);
	desk_close(d);
}

static void a_name_that_does_not_exist_is_told(void **state)
{
	(void)state;
	struct desk *d = desk_open(desk_defaults, "127.0.0.0/8");
	/* a label of 64 characters is refused by the resolver itself, without any network */
	desk_post_and_wait(d,
			   "http://0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
			   ".invalid/");
	assert_int_equal(d->last.outcome, HTTP_OUT_DNS);
	desk_close(d);
}

static void odd_urls_do_not_get_far(void **state)
{
	(void)state;
	struct desk *d = desk_open(desk_defaults, "127.0.0.0/8");
	struct receiver *r = receiver_open(d->loop, OK200 "Content-Length: 0\r\n\r\n", THEN_HOLD);
	char url[64];
	assert_err(desk_post(d, "ftp://127.0.0.1/"), ERR_INVALID);
	assert_err(desk_post(d, "file:///etc/passwd"), ERR_INVALID);
	assert_err(desk_post(d, "127.0.0.1"), ERR_INVALID);
	assert_err(desk_post(d, ""), ERR_INVALID);
	snprintf(url, sizeof(url), "http://user@127.0.0.1:%d/", r->port);
	desk_post_and_wait(d, url);
	assert_int_equal(d->last.outcome, HTTP_OUT_CONNECT);
	desk_post_and_wait(d, "http://127.0.0.1:99999/");
	assert_int_equal(d->last.outcome, HTTP_OUT_CONNECT);
	assert_int_equal(r->n_peers, 0);
	receiver_close(r);
	desk_close(d);
}

static void a_header_with_a_line_break_is_refused(void **state)
{
	(void)state;
	struct desk *d = desk_open(desk_defaults, "127.0.0.0/8");
	struct http_header bad = { "x-id", STR("a\r\nb: c") }, nameless = { "", STR("a") };
	assert_err(http_post(d->client,
			     &(struct http_post){
				     .url = "http://127.0.0.1/", .headers = &bad, .n_headers = 1 },
			     desk_done, d),
		   ERR_INVALID);
	assert_err(http_post(d->client,
			     &(struct http_post){ .url = "http://127.0.0.1/",
						  .headers = &nameless,
						  .n_headers = 1 },
			     desk_done, d),
		   ERR_INVALID);
	assert_int_equal(http_client_in_flight(d->client), 0);
	desk_close(d);
}

static void proxies_of_the_environment_are_ignored(void **state)
{
	(void)state;
	struct desk *d = desk_open(desk_defaults, "127.0.0.0/8");
	struct receiver *proxy =
		receiver_open(d->loop, OK200 "Content-Length: 0\r\n\r\n", THEN_HOLD);
	struct receiver *r = receiver_open(d->loop, OK200 "Content-Length: 0\r\n\r\n", THEN_HOLD);
	char url[64];
	receiver_url(proxy, "http", url);
	setenv("http_proxy", url, 1);
	setenv("ALL_PROXY", url, 1);
	receiver_url(r, "http", url);
	desk_post_and_wait(d, url);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	assert_int_equal(d->last.outcome, HTTP_OUT_RESPONSE);
	assert_int_equal(proxy->n_peers, 0);
	assert_int_equal(r->n_peers, 1);
	receiver_close(proxy);
	receiver_close(r);
	desk_close(d);
}

static bool all_done(void *arg)
{
	const struct desk *d = arg;
	return d->n_done == 300;
}

static void many_are_in_flight_and_the_next_is_refused(void **state)
{
	(void)state;
	struct desk *d = desk_open(desk_defaults, "127.0.0.0/8");
	struct receiver *r = receiver_open(d->loop, OK200 "Content-Length: 0\r\n\r\n", THEN_HOLD);
	char url[64];
	receiver_url(r, "http", url);
	for (int i = 0; i < 300; i++)
		assert_ok(desk_post(d, url));
	assert_int_equal(http_client_in_flight(d->client), 300);
	assert_err(desk_post(d, url), ERR_OVERLOADED);
	until(d->loop, all_done, d);
	run_for(d->loop, 5 * MS);
	assert_int_equal(d->n_done, 300); /* each exactly once */
	assert_int_equal(r->n_peers, 300);
	assert_int_equal(http_client_in_flight(d->client), 0);
	receiver_close(r);
	desk_close(d);
}

static void who_hangs_delays_nobody_else(void **state)
{
	(void)state;
	struct desk *d = desk_open(desk_defaults, "127.0.0.0/8");
	struct receiver *slow = receiver_open(d->loop, "", THEN_HOLD);
	struct receiver *r = receiver_open(d->loop, OK200 "Content-Length: 0\r\n\r\n", THEN_HOLD);
	char url[64];
	receiver_url(slow, "http", url);
	for (int i = 0; i < 100; i++)
		assert_ok(desk_post(d, url));
	receiver_url(r, "http", url);
	usec_t mono_started = clock_mono();
	assert_ok(desk_post(d, url));
	until(d->loop, desk_is_done, d);
	assert_int_equal(d->last.outcome, HTTP_OUT_RESPONSE);
	assert_true(clock_mono() - mono_started < 5 * USEC_PER_SEC);
	assert_int_equal(http_client_in_flight(d->client), 100);
	http_client_free(d->client); /* a hundred in flight end without a word */
	d->client = NULL;
	run_for(d->loop, 5 * MS);
	assert_int_equal(d->n_done, 1);
	receiver_close(slow);
	receiver_close(r);
	desk_close(d);
}

static void post_again(const struct http_answer *a, void *arg)
{
	struct desk *d = arg;
	(void)a;
	assert_ok(desk_post(d, "http://127.0.0.1:1/"));
}

static void free_client(const struct http_answer *a, void *arg)
{
	struct desk *d = arg;
	assert_int_equal(a->outcome, HTTP_OUT_CONNECT);
	http_client_free(d->client);
	d->client = NULL;
	desk_done(a, d);
}

static void the_callback_may_post_again_or_end_it_all(void **state)
{
	(void)state;
	struct desk *d = desk_open(desk_defaults, "127.0.0.0/8");
	struct receiver *r = receiver_open(d->loop, "", THEN_HOLD);
	char refused[64], url[64];
	receiver_url(r, "http", refused);
	struct receiver *other = receiver_open(d->loop, "", THEN_HOLD); /* has another port */
	receiver_close(r);
	assert_ok(http_post(d->client, &(struct http_post){ .url = refused }, post_again, d));
	until(d->loop, desk_is_done, d);
	r = other;
	receiver_url(r, "http", url);
	assert_ok(desk_post(d, url)); /* will be in flight when the client ends */
	assert_ok(http_post(d->client, &(struct http_post){ .url = refused }, free_client, d));
	d->n_done = 0;
	until(d->loop, desk_is_done, d);
	run_for(d->loop, 5 * MS);
	assert_int_equal(d->n_done, 1);
	receiver_close(r);
	desk_close(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refused_connection_is_told),
		cmocka_unit_test(a_blocked_address_sees_no_packet),
		cmocka_unit_test(a_name_that_does_not_exist_is_told),
		cmocka_unit_test(odd_urls_do_not_get_far),
		cmocka_unit_test(a_header_with_a_line_break_is_refused),
		cmocka_unit_test(proxies_of_the_environment_are_ignored),
		cmocka_unit_test(many_are_in_flight_and_the_next_is_refused),
		cmocka_unit_test(who_hangs_delays_nobody_else),
		cmocka_unit_test(the_callback_may_post_again_or_end_it_all),
	};

	return cmocka_run_group_tests_name("http_client_guards", tests, NULL, NULL);
}
