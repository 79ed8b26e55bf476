/* The control and wake streams: what is published arrives, from now on, in order; both stay short;
 * neither a bad message nor an outage stops the reading. */
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "queue/control.h"
#include "redis_fixture.h"

struct bench {
	struct redis_fixture *server;
	struct loop *loop;
	struct redis *redis;
	struct control_reader *reader;
	struct control_msg last;
	size_t n_messages, want_messages;
	size_t n_wakes, want_wakes;
	bool close_on_message;
};

static bool is_up(void *arg)
{
	return redis_is_up(((struct bench *)arg)->redis);
}

static int setup_server(void **state)
{
	return redis_fixture_begin(state, sizeof(struct bench));
}

static int setup(void **state)
{
	struct bench *b = *state;
	struct redis_fixture *server = b->server;
	*b = (struct bench){ .server = server, .loop = loop_new() };
	redis_fixture_ready(server);
	assert_ok(redis_open(b->loop, &(struct redis_options){ .url = redis_fixture_url(server) },
			     &b->redis));
	turn_until(b->loop, is_up, b);
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	control_reader_close(b->reader);
	redis_close(b->redis);
	loop_free(b->loop);
	return 0;
}

static void on_message(const struct control_msg *m, void *arg)
{
	struct bench *b = arg;
	/* per_min numbers them. */
	assert_int_equal(m->per_min, b->last.per_min + 1);
	b->last = *m;
	b->n_messages++;
	if (b->close_on_message) {
		control_reader_close(b->reader);
		b->reader = NULL;
	}
}

static void on_wake(void *arg)
{
	((struct bench *)arg)->n_wakes++;
}

static bool is_blocked(void *arg)
{
	struct bench *b = arg;
	char *list = redis_fixture_text(b->server, "INFO clients");
	struct str s = str_from(list), line, rest = s;
	bool is_there = false;
	while (rest.n > 0) {
		str_split(rest, '\n', &line, &rest);
		is_there = is_there || str_starts(line, STR("blocked_clients:1"));
	}
	free(list);
	return is_there;
}

/* Returns when the reader waits at the server. */
static void start_reader(struct bench *b, control_fn message, loop_fn wake)
{
	const struct control_reader_options o = { .url = redis_fixture_url(b->server),
						  .on_message = message,
						  .on_wake = wake,
						  .arg = b };
	assert_ok(control_reader_open(b->loop, &o, &b->reader));
	turn_until(b->loop, is_blocked, b);
}

static bool has_messages(void *arg)
{
	const struct bench *b = arg;
	return b->n_messages >= b->want_messages;
}

static void wait_messages(struct bench *b, size_t n)
{
	b->want_messages = n;
	turn_until(b->loop, has_messages, b);
	assert_int_equal(b->n_messages, n);
}

static bool has_wakes(void *arg)
{
	const struct bench *b = arg;
	return b->n_wakes >= b->want_wakes;
}

static bool is_done(void *arg)
{
	return redis_fixture_int(((struct bench *)arg)->server, "EXISTS done") == 1;
}

static void publish(struct bench *b, int64_t number)
{
	struct control_msg m = { .kind = CONTROL_LIMITS,
				 .workspace_id = { { 1 } },
				 .scope = CONTROL_SCOPE_NUMBER,
				 .scope_id = { { 2 } },
				 .per_min = number,
				 .at = 3 };
	control_publish(b->redis, &m);
}

static void messages_arrive_in_order_from_now_on(void **state)
{
	struct bench *b = *state;
	free(redis_fixture_text(b->server, "XADD bf:control * e old"));
	start_reader(b, on_message, NULL);
	for (int i = 1; i <= 250; i++)
		publish(b, i);
	wait_messages(b, 250);
	assert_int_equal(b->last.kind, CONTROL_LIMITS);
	assert_int_equal(b->last.scope, CONTROL_SCOPE_NUMBER);
	assert_int_equal(b->last.scope_id.b[0], 2);
	assert_int_equal(b->last.at, 3);
}

static void an_empty_redis_is_read_from_its_first_message(void **state)
{
	struct bench *b = *state;
	start_reader(b, on_message, on_wake);
	publish(b, 1);
	wait_messages(b, 1);
	publish(b, 2);
	wait_messages(b, 2);
	assert_int_equal(b->n_wakes, 0);
}

static void a_bad_message_is_skipped(void **state)
{
	struct bench *b = *state;
	start_reader(b, on_message, NULL);
	free(redis_fixture_text(b->server, "XADD bf:control * e nonsense"));
	free(redis_fixture_text(b->server, "XADD bf:control * x y"));
	publish(b, 1);
	wait_messages(b, 1);
}

static void wakes_are_bundled(void **state)
{
	struct bench *b = *state;
	start_reader(b, NULL, on_wake);
	for (int i = 0; i < 1000; i++)
		control_wake_senders(b->redis);
	b->want_wakes = 2; /* the first at once, the rest together */
	turn_until(b->loop, has_wakes, b);
	turn_for(b->loop, 50 * USEC_PER_MS);
	assert_int_equal(b->n_wakes, 2);
	control_wake_senders(b->redis);
	b->want_wakes = 3;
	turn_until(b->loop, has_wakes, b);
}

static void both_streams_stay_short(void **state)
{
	struct bench *b = *state;
	for (int i = 0; i < 3000; i++)
		publish(b, i);
	for (int i = 0; i < 400; i++)
		free(redis_fixture_text(b->server, "XADD bf:wake * e 1"));
	control_wake_senders(b->redis);
	redis_commandf(b->redis, NULL, NULL, "SET done 1");
	turn_until(b->loop, is_done, b);
	assert_in_range(redis_fixture_int(b->server, "XLEN bf:control"), 1000, 1200);
	assert_in_range(redis_fixture_int(b->server, "XLEN bf:wake"), 16, 200);
}

static void reading_survives_flushall_and_a_broken_connection(void **state)
{
	struct bench *b = *state;
	start_reader(b, on_message, NULL);
	publish(b, 1);
	wait_messages(b, 1);
	/* The stream begins anew, and an entry of the same millisecond would have the id of the last. */
	turn_for(b->loop, 2 * USEC_PER_MS);
	free(redis_fixture_text(b->server, "FLUSHALL"));
	publish(b, 2);
	wait_messages(b, 2);
	free(redis_fixture_text(b->server, "CLIENT KILL TYPE normal SKIPME yes"));
	/* Published while nobody reads. */
	free(redis_fixture_text(b->server, "XADD bf:control * e %s",
				"1 limits 01000000000000000000000000000000 "
				"00000000000000000000000000000000 "
				"00000000000000000000000000000000 none "
				"00000000000000000000000000000000 3 0"));
	wait_messages(b, 3);
	turn_until(b->loop, is_up, b);
	publish(b, 4);
	wait_messages(b, 4);
}

static void a_stream_begun_anew_behind_our_place_is_read(void **state)
{
	struct bench *b = *state;
	free(redis_fixture_text(b->server, "XADD bf:control 99999999999999-1 e far-ahead"));
	start_reader(b, on_message, NULL);
	redis_fixture_kill(b->server);
	turn_for(b->loop, 20 * USEC_PER_MS);
	redis_fixture_start(b->server);
	turn_until(b->loop, is_up, b);
	turn_until(b->loop, is_blocked, b);
	publish(b, 1);
	wait_messages(b, 1);
}

static void a_reader_may_be_closed_by_its_callback(void **state)
{
	struct bench *b = *state;
	b->close_on_message = true;
	start_reader(b, on_message, on_wake);
	publish(b, 1);
	publish(b, 2);
	wait_messages(b, 1);
	turn_for(b->loop, 10 * USEC_PER_MS);
	assert_int_equal(b->n_messages, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(messages_arrive_in_order_from_now_on),
		TEST(an_empty_redis_is_read_from_its_first_message),
		TEST(a_bad_message_is_skipped),
		TEST(wakes_are_bundled),
		TEST(both_streams_stay_short),
		TEST(reading_survives_flushall_and_a_broken_connection),
		TEST(a_stream_begun_anew_behind_our_place_is_read),
		TEST(a_reader_may_be_closed_by_its_callback),
	};
	return cmocka_run_group_tests(tests, setup_server, redis_fixture_end);
}
