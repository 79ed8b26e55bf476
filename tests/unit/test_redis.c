/* The connection to Redis: order, deadlines, losing the server and finding it again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "check.h"
#include "redis_bench.h"
#include "sys/clock.h"

/* --- replies -------------------------------------------------------------------------------- */

static void each_type_of_reply_arrives_in_order(void **state)
{
	struct redis_bench *b = redis_bench_open(state, (struct redis_options){ .name = "test" });
	COMMAND(b, STR("SET"), STR("k\0\r\n"), STR("v\0\r\nw"));
	COMMAND(b, STR("STRLEN"), STR("k\0\r\n"));
	COMMAND(b, STR("GET"), STR("nothing"));
	redis_commandf(b->redis, redis_bench_on_reply, b, "RPUSH %s %b %d", "list", "a b",
		       (size_t)3, 7);
	redis_commandf(b->redis, redis_bench_on_reply, b, "LRANGE list 0 -1");
	COMMAND(b, STR("LINDEX"), STR("list"), STR("0"));
	COMMAND(b, STR("NO-SUCH-COMMAND"));
	assert_int_equal(b->n_heard, 0); /* never inside the call */
	redis_bench_wait(b, 7);
	assert_int_equal(b->types[0], REDIS_STATUS);
	assert_string_equal(b->texts[0], "OK");
	assert_int_equal(b->types[1], REDIS_INT);
	assert_int_equal(b->numbers[1], 5);
	assert_int_equal(b->types[2], REDIS_NIL);
	assert_int_equal(b->numbers[3], 2);
	assert_int_equal(b->types[4], REDIS_ARRAY);
	assert_int_equal(b->numbers[4], 2);
	assert_string_equal(b->texts[5], "a b");
	assert_int_equal(b->types[6], REDIS_ERROR);
	for (int i = 0; i < 7; i++)
		assert_int_equal(b->codes[i], ERR_OK);
	char *name = redis_fixture_text(b->server, "CLIENT LIST");
	assert_non_null(strstr(name, " name=test "));
	free(name);
	redis_bench_close(b);
}

struct order {
	struct redis_bench *bench;
	int64_t last;
	int n;
};

static void on_ordered(struct err e, const struct redis_reply *r, void *arg)
{
	struct order *o = arg;
	assert_ok(e);
	assert_int_equal(redis_int(r), o->last + 1);
	o->last = redis_int(r);
	o->bench->n_heard = (size_t)++o->n;
}

static void thousands_of_commands_are_answered_in_order(void **state)
{
	struct redis_bench *b = redis_bench_open(state, (struct redis_options){ .name = "test" });
	struct order o = { .bench = b };
	for (int i = 0; i < 9000; i++)
		redis_commandf(b->redis, on_ordered, &o, "INCR n");
	redis_bench_wait(b, 9000);
	redis_bench_close(b);
}

static void a_large_value_goes_both_ways(void **state)
{
	struct redis_bench *b = redis_bench_open(state, (struct redis_options){ .name = "test" });
	size_t n = (size_t)3 << 20;
	char *big = malloc(n);
	assert_non_null(big);
	memset(big, 'x', n);
	COMMAND(b, STR("SET"), STR("big"), ((struct str){ big, n }));
	COMMAND(b, STR("GET"), STR("big"));
	COMMAND(b, STR("STRLEN"), STR("big"));
	redis_bench_wait(b, 3);
	assert_int_equal(b->types[1], REDIS_STR);
	assert_int_equal(b->numbers[2], (int64_t)n);
	free(big);
	redis_bench_close(b);
}

/* --- bounds --------------------------------------------------------------------------------- */

static void more_than_max_pending_is_refused(void **state)
{
	struct redis_bench *b = redis_bench_open(state, (struct redis_options){ .max_pending = 3 });
	for (int i = 0; i < 5; i++)
		COMMAND(b, STR("PING"));
	redis_bench_wait(b, 5);
	size_t refused = 0;
	for (int i = 0; i < 5; i++)
		refused += b->codes[i] == ERR_OVERLOADED ? 1 : 0;
	assert_int_equal(refused, 2);
	COMMAND(b, STR("PING"));
	redis_bench_wait(b, 6);
	assert_int_equal(b->codes[5], ERR_OK);
	redis_bench_close(b);
}

static void what_a_stopped_server_does_not_take_is_bounded(void **state)
{
	struct redis_bench *b =
		redis_bench_open(state, (struct redis_options){ .timeout_us = USEC_PER_SEC });
	size_t n = (size_t)1 << 20;
	char *big = calloc(1, n);
	assert_non_null(big);
	redis_fixture_pause(b->server);
	for (int i = 0; i < 60; i++)
		COMMAND(b, STR("SET"), STR("big"), ((struct str){ big, n }));
	redis_bench_wait(b, 60);
	redis_fixture_resume(b->server);
	size_t refused = 0;
	for (int i = 0; i < 60; i++)
		refused += b->codes[i] == ERR_OVERLOADED ? 1 : 0;
	assert_in_range(refused, 20, 50);
	free(big);
	redis_bench_close(b);
}

/* --- losing the server ---------------------------------------------------------------------- */

static void a_lost_connection_fails_what_is_in_flight_and_comes_back(void **state)
{
	struct redis_bench *b = redis_bench_open(state, (struct redis_options){ .name = "test" });
	COMMAND(b, STR("BLPOP"), STR("nothing"), STR("0"));
	COMMAND(b, STR("PING"));
	turn_for(b->loop, 5 * USEC_PER_MS);
	assert_int_equal(b->n_heard, 0);
	redis_fixture_kill(b->server);
	redis_bench_wait(b, 2);
	assert_int_equal(b->codes[0], ERR_UNAVAILABLE);
	assert_int_equal(b->codes[1], ERR_UNAVAILABLE);
	assert_false(redis_is_up(b->redis));
	assert_int_equal(b->n_down, 1);

	COMMAND(b, STR("PING"));
	assert_int_equal(b->n_heard, 2);
	redis_bench_wait(b, 3);
	assert_int_equal(b->codes[2], ERR_UNAVAILABLE);

	redis_fixture_start(b->server);
	turn_until(b->loop, redis_bench_is_up, b);
	assert_int_equal(b->n_up, 2);
	COMMAND(b, STR("PING"));
	redis_bench_wait(b, 4);
	assert_int_equal(b->codes[3], ERR_OK);
	redis_bench_close(b);
}

static void a_server_that_is_silent_is_left_after_the_deadline(void **state)
{
	struct redis_bench *b =
		redis_bench_open(state, (struct redis_options){ .timeout_us = USEC_PER_SEC });
	redis_fixture_pause(b->server);
	usec_t mono_begin = clock_mono();
	COMMAND(b, STR("PING"));
	COMMAND(b, STR("PING"));
	redis_bench_wait(b, 2);
	usec_t took = clock_mono() - mono_begin;
	assert_int_equal(b->codes[0], ERR_TIMEOUT);
	assert_int_equal(b->codes[1], ERR_UNAVAILABLE);
	assert_true(took >= USEC_PER_SEC);
	assert_true(took < 8 * USEC_PER_SEC);
	assert_false(redis_is_up(b->redis));
	redis_fixture_resume(b->server);
	turn_until(b->loop, redis_bench_is_up, b);
	COMMAND(b, STR("PING"));
	redis_bench_wait(b, 3);
	assert_int_equal(b->codes[2], ERR_OK);
	redis_bench_close(b);
}

static void a_deadline_of_its_own_outlasts_the_default(void **state)
{
	struct redis_bench *b =
		redis_bench_open(state, (struct redis_options){ .timeout_us = 50 * USEC_PER_MS });
	const struct str argv[] = { STR("BLPOP"), STR("nothing"), STR("0.2") };
	redis_command(b->redis, &(struct redis_args){ argv, 3, 0 },
		      &(struct redis_hook){ .done = redis_bench_on_reply,
					    .arg = b,
					    .timeout_us = 5 * USEC_PER_SEC });
	redis_bench_wait(b, 1);
	assert_int_equal(b->codes[0], ERR_OK);
	assert_int_equal(b->types[0], REDIS_NIL);
	redis_bench_close(b);
}

static void a_server_that_starts_late_is_found(void **state)
{
	struct redis_bench *b = *state;
	redis_fixture_kill(b->server);
	*b = (struct redis_bench){ .server = b->server, .loop = loop_new() };
	redis_bench_open_url(b, redis_fixture_url(b->server),
			     (struct redis_options){ .name = "late" });
	turn_for(b->loop, 100 * USEC_PER_MS);
	assert_false(redis_is_up(b->redis));
	assert_int_equal(b->n_up + b->n_down, 0);
	redis_fixture_start(b->server);
	turn_until(b->loop, redis_bench_is_up, b);
	assert_int_equal(b->n_up, 1);
	redis_bench_close(b);
}

/* --- leaving -------------------------------------------------------------------------------- */

static void closing_cancels_from_the_loop(void **state)
{
	struct redis_bench *b = redis_bench_open(state, (struct redis_options){ .name = "test" });
	COMMAND(b, STR("BLPOP"), STR("nothing"), STR("0"));
	redis_commandf(b->redis, NULL, NULL, "PING");
	redis_close(b->redis);
	assert_int_equal(b->n_heard, 0);
	redis_bench_wait(b, 1);
	assert_int_equal(b->codes[0], ERR_CANCELLED);
	loop_free(b->loop);
}

static void on_reply_close(struct err e, const struct redis_reply *r, void *arg)
{
	struct redis_bench *b = arg;
	redis_bench_on_reply(e, r, arg);
	redis_close(b->redis);
}

static void closing_inside_a_callback_is_allowed(void **state)
{
	struct redis_bench *b = redis_bench_open(state, (struct redis_options){ .name = "test" });
	redis_commandf(b->redis, on_reply_close, b, "PING");
	COMMAND(b, STR("PING"));
	redis_bench_wait(b, 2);
	assert_int_equal(b->codes[0], ERR_OK);
	assert_int_equal(b->codes[1], ERR_CANCELLED);
	loop_free(b->loop);
}

static void what_was_forgotten_does_not_fire(void **state)
{
	struct redis_bench *b = redis_bench_open(state, (struct redis_options){ .name = "test" });
	struct redis_bench other = { .n_heard = 0 };
	redis_commandf(b->redis, redis_bench_on_reply, &other, "PING");
	COMMAND(b, STR("PING"));
	redis_forget(b->redis, &other);
	redis_bench_wait(b, 1);
	redis_fixture_kill(b->server);
	turn_until(b->loop, redis_bench_is_down, b);
	redis_commandf(b->redis, redis_bench_on_reply, &other, "PING");
	redis_forget(b->redis, &other);
	COMMAND(b, STR("PING"));
	redis_bench_wait(b, 2);
	assert_int_equal(other.n_heard, 0);
	redis_fixture_start(b->server);
	redis_bench_close(b);
}

static void drop_count(void *arg)
{
	++*(int *)arg;
}

static void forgetting_an_owner_drops_its_request(void **state)
{
	struct redis_bench *b = redis_bench_open(state, (struct redis_options){ .name = "test" });
	const struct str ping = STR("PING");
	int n_dropped = 0, owner = 0;
	struct redis_hook h = {
		.done = redis_bench_on_reply, .arg = &n_dropped, .owner = &owner, .drop = drop_count
	};
	redis_command(b->redis, &(struct redis_args){ &ping, 1, 0 }, &h);
	redis_answer(b->redis, OK, &h);
	redis_forget(b->redis, &owner);
	assert_int_equal(n_dropped, 2);
	COMMAND(b, STR("PING"));
	redis_bench_wait(b, 1);
	redis_bench_close(b);
}

/* --- a server that breaks the protocol ------------------------------------------------------ */

/* Greets like Redis, and answers whatever comes then with `answer`. */
struct liar {
	struct loop *loop;
	struct evconnlistener *listener;
	struct bufferevent *bev;
	const char *answer;
	bool has_greeted;
};

static void on_liar_read(struct bufferevent *bev, void *arg)
{
	struct liar *l = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	evbuffer_drain(in, evbuffer_get_length(in));
	const char *answer = l->has_greeted ? l->answer : "+PONG\r\n";
	l->has_greeted = true;
	bufferevent_write(bev, answer, strlen(answer));
}

static void on_liar_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa,
			   int n, void *arg)
{
	struct liar *l = arg;
	(void)listener;
	(void)sa;
	(void)n;
	if (l->bev != NULL)
		bufferevent_free(l->bev);
	l->bev = bufferevent_socket_new(loop_base(l->loop), fd, BEV_OPT_CLOSE_ON_FREE);
	l->has_greeted = false;
	bufferevent_setcb(l->bev, on_liar_read, NULL, NULL, l);
	bufferevent_enable(l->bev, EV_READ | EV_WRITE);
}

static void a_server_that_breaks_the_protocol_is_left(void **state)
{
	static const struct {
		const char *answer;
		enum err_code first, second;
	} cases[] = {
		{ "?what\r\n", ERR_PROTOCOL, ERR_UNAVAILABLE },
		{ "+PONG\r\n?\r\n", ERR_OK, ERR_PROTOCOL },
		{ "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", ERR_PROTOCOL,
		  ERR_UNAVAILABLE },
		{ "+1\r\n+2\r\n+3\r\n", ERR_OK, ERR_OK }, /* one too many */
		{ "$100\r\nshort", ERR_TIMEOUT, ERR_UNAVAILABLE },
		{ "", ERR_TIMEOUT, ERR_UNAVAILABLE },
	};
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/belfry-liar-XXXXXX", url[128];
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/s", dir);
	snprintf(url, sizeof(url), "unix://%s", sa.sun_path);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct redis_bench b = { .loop = loop_new() };
		struct liar l = { .loop = b.loop, .answer = cases[i].answer };
		l.listener = evconnlistener_new_bind(loop_base(b.loop), on_liar_accept, &l,
						     LEV_OPT_CLOSE_ON_FREE, 4,
						     (struct sockaddr *)(void *)&sa, sizeof(sa));
		assert_non_null(l.listener);
		redis_bench_open_url(&b, url,
				     (struct redis_options){ .timeout_us = 100 * USEC_PER_MS });
		turn_until(b.loop, redis_bench_is_up, &b);
		COMMAND(&b, STR("PING"));
		COMMAND(&b, STR("PING"));
		redis_bench_wait(&b, 2);
		CHECK(b.codes[0] == cases[i].first, "%s", cases[i].answer);
		CHECK(b.codes[1] == cases[i].second, "%s", cases[i].answer);
		/* Each of them was reason to leave; and then it is tried again. */
		turn_until(b.loop, redis_bench_is_down, &b);
		turn_until(b.loop, redis_bench_is_up, &b);
		redis_close(b.redis);
		bufferevent_free(l.bev);
		evconnlistener_free(l.listener);
		loop_free(b.loop);
		unlink(sa.sun_path);
	}
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_type_of_reply_arrives_in_order),
		cmocka_unit_test(thousands_of_commands_are_answered_in_order),
		cmocka_unit_test(a_large_value_goes_both_ways),
		cmocka_unit_test(more_than_max_pending_is_refused),
		cmocka_unit_test(what_a_stopped_server_does_not_take_is_bounded),
		cmocka_unit_test(a_lost_connection_fails_what_is_in_flight_and_comes_back),
		cmocka_unit_test(a_server_that_is_silent_is_left_after_the_deadline),
		cmocka_unit_test(a_deadline_of_its_own_outlasts_the_default),
		cmocka_unit_test(a_server_that_starts_late_is_found),
		cmocka_unit_test(a_server_that_breaks_the_protocol_is_left),
		cmocka_unit_test(closing_cancels_from_the_loop),
		cmocka_unit_test(closing_inside_a_callback_is_allowed),
		cmocka_unit_test(what_was_forgotten_does_not_fire),
		cmocka_unit_test(forgetting_an_owner_drops_its_request),
	};
	return cmocka_run_group_tests(tests, redis_bench_setup, redis_fixture_end);
}
