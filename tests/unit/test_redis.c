/* The connection to Redis: order, deadlines, losing the server and finding it again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "redis/redis_internal.h"
#include "redis_fixture.h"
#include "sys/clock.h"

#define N_HEARD 64

/* What callbacks heard, in order. */
struct bench {
	struct redis_fixture *server;
	struct loop *loop;
	struct redis *redis;
	size_t n_heard;
	enum err_code codes[N_HEARD];
	enum redis_type types[N_HEARD];
	int64_t numbers[N_HEARD];
	char texts[N_HEARD][64];
	int n_up, n_down;
	size_t want;
	bool want_up;
};

static int setup_server(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	assert_non_null(b);
	b->server = redis_fixture_new();
	*state = b;
	return 0;
}

static int teardown_server(void **state)
{
	struct bench *b = *state;
	redis_fixture_free(b->server);
	free(b);
	return 0;
}

static void on_state(bool is_up, void *arg)
{
	struct bench *b = arg;
	if (is_up)
		b->n_up++;
	else
		b->n_down++;
}

static void on_reply(struct err e, const struct redis_reply *r, void *arg)
{
	struct bench *b = arg;
	size_t i = b->n_heard++ % N_HEARD;
	struct str s = redis_str(r);
	b->codes[i] = e.code;
	b->types[i] = redis_type(r);
	b->numbers[i] = redis_type(r) == REDIS_ARRAY ? (int64_t)redis_count(r) : redis_int(r);
	snprintf(b->texts[i], sizeof(b->texts[i]), "%.*s", STR_ARG(s));
}

static bool is_up(void *arg)
{
	return redis_is_up(((struct bench *)arg)->redis);
}

static bool is_down(void *arg)
{
	return !is_up(arg);
}

static bool has_heard(void *arg)
{
	const struct bench *b = arg;
	return b->n_heard >= b->want;
}

static void wait_heard(struct bench *b, size_t n)
{
	b->want = n;
	turn_until(b->loop, has_heard, b);
}

static void open_url(struct bench *b, const char *url, struct redis_options o)
{
	o.url = url;
	assert_ok(redis_open(b->loop, &o, &b->redis));
	redis_on_state(b->redis, on_state, b);
}

static struct bench *open_with(void **state, struct redis_options o)
{
	struct bench *b = *state;
	struct redis_fixture *server = b->server;
	*b = (struct bench){ .server = server, .loop = loop_new() };
	redis_fixture_ready(server);
	open_url(b, redis_fixture_url(server), o);
	turn_until(b->loop, is_up, b);
	return b;
}

static struct bench *open_default(void **state)
{
	return open_with(state, (struct redis_options){ .name = "test" });
}

static void close_bench(struct bench *b)
{
	redis_close(b->redis);
	b->redis = NULL;
	loop_free(b->loop);
	b->loop = NULL;
}

static void command(struct bench *b, const struct str *argv, size_t n)
{
	redis_command(b->redis, &(struct redis_args){ argv, n, 0 },
		      &(struct redis_hook){ .done = on_reply, .arg = b });
}

#define COMMAND(b, ...)                                                                            \
	command((b), (const struct str[]){ __VA_ARGS__ },                                          \
		ARRAY_LEN(((const struct str[]){ __VA_ARGS__ })))

/* --- replies -------------------------------------------------------------------------------- */

static void each_type_of_reply_arrives_in_order(void **state)
{
	struct bench *b = open_default(state);
	COMMAND(b, STR("SET"), STR("k\0\r\n"), STR("v\0\r\nw"));
	COMMAND(b, STR("STRLEN"), STR("k\0\r\n"));
	COMMAND(b, STR("GET"), STR("nothing"));
	redis_commandf(b->redis, on_reply, b, "RPUSH %s %b %d", "list", "a b", (size_t)3, 7);
	redis_commandf(b->redis, on_reply, b, "LRANGE list 0 -1");
	COMMAND(b, STR("LINDEX"), STR("list"), STR("0"));
	COMMAND(b, STR("NO-SUCH-COMMAND"));
	assert_int_equal(b->n_heard, 0); /* never inside the call */
	wait_heard(b, 7);
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
	close_bench(b);
}

struct order {
	struct bench *bench;
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
	struct bench *b = open_default(state);
	struct order o = { .bench = b };
	for (int i = 0; i < 9000; i++)
		redis_commandf(b->redis, on_ordered, &o, "INCR n");
	wait_heard(b, 9000);
	close_bench(b);
}

static void a_large_value_goes_both_ways(void **state)
{
	struct bench *b = open_default(state);
	size_t n = (size_t)3 << 20;
	char *big = malloc(n);
	assert_non_null(big);
	memset(big, 'x', n);
	COMMAND(b, STR("SET"), STR("big"), ((struct str){ big, n }));
	COMMAND(b, STR("GET"), STR("big"));
	COMMAND(b, STR("STRLEN"), STR("big"));
	wait_heard(b, 3);
	assert_int_equal(b->types[1], REDIS_STR);
	assert_int_equal(b->numbers[2], (int64_t)n);
	free(big);
	close_bench(b);
}

/* --- bounds --------------------------------------------------------------------------------- */

static void more_than_max_pending_is_refused(void **state)
{
	struct bench *b = open_with(state, (struct redis_options){ .max_pending = 3 });
	for (int i = 0; i < 5; i++)
		COMMAND(b, STR("PING"));
	wait_heard(b, 5);
	size_t refused = 0;
	for (int i = 0; i < 5; i++)
		refused += b->codes[i] == ERR_OVERLOADED ? 1 : 0;
	assert_int_equal(refused, 2);
	COMMAND(b, STR("PING"));
	wait_heard(b, 6);
	assert_int_equal(b->codes[5], ERR_OK);
	close_bench(b);
}

static void what_a_stopped_server_does_not_take_is_bounded(void **state)
{
	struct bench *b = open_with(state, (struct redis_options){ .timeout_us = USEC_PER_SEC });
	size_t n = (size_t)1 << 20;
	char *big = calloc(1, n);
	assert_non_null(big);
	redis_fixture_pause(b->server);
	for (int i = 0; i < 60; i++)
		COMMAND(b, STR("SET"), STR("big"), ((struct str){ big, n }));
	wait_heard(b, 60);
	redis_fixture_resume(b->server);
	size_t refused = 0;
	for (int i = 0; i < 60; i++)
		refused += b->codes[i] == ERR_OVERLOADED ? 1 : 0;
	assert_in_range(refused, 20, 50);
	free(big);
	close_bench(b);
}

/* --- losing the server ---------------------------------------------------------------------- */

static void a_lost_connection_fails_what_is_in_flight_and_comes_back(void **state)
{
	struct bench *b = open_default(state);
	COMMAND(b, STR("BLPOP"), STR("nothing"), STR("0"));
	COMMAND(b, STR("PING"));
	turn_for(b->loop, 5 * USEC_PER_MS);
	assert_int_equal(b->n_heard, 0);
	redis_fixture_kill(b->server);
	wait_heard(b, 2);
	assert_int_equal(b->codes[0], ERR_UNAVAILABLE);
	assert_int_equal(b->codes[1], ERR_UNAVAILABLE);
	assert_false(redis_is_up(b->redis));
	assert_int_equal(b->n_down, 1);

	COMMAND(b, STR("PING"));
	assert_int_equal(b->n_heard, 2);
	wait_heard(b, 3);
	assert_int_equal(b->codes[2], ERR_UNAVAILABLE);

	redis_fixture_start(b->server);
	turn_until(b->loop, is_up, b);
	assert_int_equal(b->n_up, 2);
	COMMAND(b, STR("PING"));
	wait_heard(b, 4);
	assert_int_equal(b->codes[3], ERR_OK);
	close_bench(b);
}

static void a_server_that_is_silent_is_left_after_the_deadline(void **state)
{
	struct bench *b =
		open_with(state, (struct redis_options){ .timeout_us = 100 * USEC_PER_MS });
	redis_fixture_pause(b->server);
	usec_t mono_begin = clock_mono();
	COMMAND(b, STR("PING"));
	COMMAND(b, STR("PING"));
	wait_heard(b, 2);
	usec_t took = clock_mono() - mono_begin;
	assert_int_equal(b->codes[0], ERR_TIMEOUT);
	assert_int_equal(b->codes[1], ERR_UNAVAILABLE);
	assert_true(took >= 100 * USEC_PER_MS);
	assert_true(took < 2 * USEC_PER_SEC);
	assert_false(redis_is_up(b->redis));
	redis_fixture_resume(b->server);
	turn_until(b->loop, is_up, b);
	COMMAND(b, STR("PING"));
	wait_heard(b, 3);
	assert_int_equal(b->codes[2], ERR_OK);
	close_bench(b);
}

static void a_deadline_of_its_own_outlasts_the_default(void **state)
{
	struct bench *b =
		open_with(state, (struct redis_options){ .timeout_us = 50 * USEC_PER_MS });
	const struct str argv[] = { STR("BLPOP"), STR("nothing"), STR("0.2") };
	redis_command(
		b->redis, &(struct redis_args){ argv, 3, 0 },
		&(struct redis_hook){ .done = on_reply, .arg = b, .timeout_us = 5 * USEC_PER_SEC });
	wait_heard(b, 1);
	assert_int_equal(b->codes[0], ERR_OK);
	assert_int_equal(b->types[0], REDIS_NIL);
	close_bench(b);
}

static void a_server_that_starts_late_is_found(void **state)
{
	struct bench *b = *state;
	redis_fixture_kill(b->server);
	*b = (struct bench){ .server = b->server, .loop = loop_new() };
	open_url(b, redis_fixture_url(b->server), (struct redis_options){ .name = "late" });
	turn_for(b->loop, 100 * USEC_PER_MS);
	assert_false(redis_is_up(b->redis));
	assert_int_equal(b->n_up + b->n_down, 0);
	redis_fixture_start(b->server);
	turn_until(b->loop, is_up, b);
	assert_int_equal(b->n_up, 1);
	close_bench(b);
}

/* --- leaving -------------------------------------------------------------------------------- */

static void closing_cancels_from_the_loop(void **state)
{
	struct bench *b = open_default(state);
	COMMAND(b, STR("BLPOP"), STR("nothing"), STR("0"));
	redis_commandf(b->redis, NULL, NULL, "PING");
	redis_close(b->redis);
	assert_int_equal(b->n_heard, 0);
	wait_heard(b, 1);
	assert_int_equal(b->codes[0], ERR_CANCELLED);
	loop_free(b->loop);
}

static void on_reply_close(struct err e, const struct redis_reply *r, void *arg)
{
	struct bench *b = arg;
	on_reply(e, r, arg);
	redis_close(b->redis);
}

static void closing_inside_a_callback_is_allowed(void **state)
{
	struct bench *b = open_default(state);
	redis_commandf(b->redis, on_reply_close, b, "PING");
	COMMAND(b, STR("PING"));
	wait_heard(b, 2);
	assert_int_equal(b->codes[0], ERR_OK);
	assert_int_equal(b->codes[1], ERR_CANCELLED);
	loop_free(b->loop);
}

static void what_was_forgotten_does_not_fire(void **state)
{
	struct bench *b = open_default(state);
	struct bench other = { .n_heard = 0 };
	redis_commandf(b->redis, on_reply, &other, "PING");
	COMMAND(b, STR("PING"));
	redis_forget(b->redis, &other);
	wait_heard(b, 1);
	redis_fixture_kill(b->server);
	turn_until(b->loop, is_down, b);
	redis_commandf(b->redis, on_reply, &other, "PING");
	redis_forget(b->redis, &other);
	COMMAND(b, STR("PING"));
	wait_heard(b, 2);
	assert_int_equal(other.n_heard, 0);
	redis_fixture_start(b->server);
	close_bench(b);
}

static void drop_count(void *arg)
{
	++*(int *)arg;
}

static void forgetting_an_owner_drops_its_request(void **state)
{
	struct bench *b = open_default(state);
	const struct str ping = STR("PING");
	int n_dropped = 0, owner = 0;
	struct redis_hook h = {
		.done = on_reply, .arg = &n_dropped, .owner = &owner, .drop = drop_count
	};
	redis_command(b->redis, &(struct redis_args){ &ping, 1, 0 }, &h);
	redis_answer(b->redis, OK, &h);
	redis_forget(b->redis, &owner);
	assert_int_equal(n_dropped, 2);
	COMMAND(b, STR("PING"));
	wait_heard(b, 1);
	close_bench(b);
}

/* --- scripts -------------------------------------------------------------------------------- */

static const struct redis_script release_lua = { "proto/lua/lock_release.lua" };

static void release(struct bench *b, const char *holder, usec_t keep_us)
{
	const struct str argv[] = { STR("lock"), str_from(holder) };
	redis_eval(b->redis, &release_lua, &(struct redis_args){ argv, 2, 1 },
		   &(struct redis_hook){ .done = on_reply, .arg = b, .keep_us = keep_us });
}

static void a_script_runs_in_the_order_of_the_calls(void **state)
{
	struct bench *b = open_default(state);
	free(redis_fixture_text(b->server, "SCRIPT FLUSH"));
	COMMAND(b, STR("SET"), STR("lock"), STR("me"));
	release(b, "other", 0);
	release(b, "me", 0);
	COMMAND(b, STR("EXISTS"), STR("lock"));
	wait_heard(b, 4);
	assert_int_equal(b->numbers[1], 0);
	assert_int_equal(b->numbers[2], 1);
	assert_int_equal(b->numbers[3], 0);
	close_bench(b);
}

static void scripts_that_were_flushed_are_sent_again(void **state)
{
	struct bench *b = open_default(state);
	release(b, "me", 0);
	wait_heard(b, 1);
	for (size_t i = 2; i < 6; i++) {
		free(redis_fixture_text(b->server, "SCRIPT FLUSH"));
		free(redis_fixture_text(b->server, "SET lock me"));
		release(b, "me", 0);
		wait_heard(b, i);
		assert_int_equal(b->codes[i - 1], ERR_OK);
		assert_int_equal(b->numbers[i - 1], 1);
	}
	close_bench(b);
}

static void a_kept_script_arrives_after_an_outage(void **state)
{
	struct bench *b = open_default(state);
	redis_fixture_kill(b->server);
	release(b, "me", 20 * USEC_PER_SEC); /* in flight */
	turn_until(b->loop, is_down, b);
	release(b, "me", 20 * USEC_PER_SEC); /* while it is away */
	release(b, "me", 0);
	release(b, "me", USEC_PER_MS);
	wait_heard(b, 2);
	assert_int_equal(b->codes[0], ERR_UNAVAILABLE);
	assert_int_equal(b->codes[1], ERR_TIMEOUT);
	redis_fixture_start(b->server);
	wait_heard(b, 4);
	assert_int_equal(b->codes[2], ERR_OK);
	assert_int_equal(b->codes[3], ERR_OK);
	close_bench(b);
}

/* --- a command that is sent at most so often ------------------------------------------------ */

static bool has_last_of_burst(void *arg)
{
	struct bench *b = arg;
	char *last = redis_fixture_text(b->server, "LINDEX burst 0");
	bool is_there = strcmp(last, "99") == 0;
	free(last);
	return is_there;
}

static void a_spaced_command_goes_first_and_last(void **state)
{
	struct bench *b = open_default(state);
	for (int i = 0; i < 100; i++) {
		char text[8];
		snprintf(text, sizeof(text), "%d", i);
		const struct str argv[] = { STR("LPUSH"), STR("burst"), str_from(text) };
		redis_command_spaced(b->redis, &(struct redis_args){ argv, 3, 0 },
				     20 * USEC_PER_MS);
	}
	turn_until(b->loop, has_last_of_burst, b);
	assert_int_equal(redis_fixture_int(b->server, "LLEN burst"), 2);
	close_bench(b);
}

/* --- addresses ------------------------------------------------------------------------------ */

static void urls_are_read_strictly(void **state)
{
	static const struct {
		const char *url;
		const char *host;
		int port;
		const char *user, *password;
		int64_t db;
	} good[] = {
		{ "redis://h", "h", 6379, "", "", 0 },
		{ "redis://h/", "h", 6379, "", "", 0 },
		{ "redis://h:1/7", "h", 1, "", "", 7 },
		{ "redis://:p@h", "h", 6379, "", "p", 0 },
		{ "redis://u:p%40%2f:q@h.example:6380", "h.example", 6380, "u", "p@/:q", 0 },
		{ "redis://[::1]:6380/1", "::1", 6380, "", "", 1 },
		{ "redis://[fe80::1]", "fe80::1", 6379, "", "", 0 },
	};
	static const char *const bad[] = {
		"",
		"h",
		"http://h",
		"rediss://h",
		"redis://",
		"redis://h:0",
		"redis://h:65536",
		"redis://h:x",
		"redis://h:",
		"redis://u@h",
		"redis://h/x",
		"redis://h/-1",
		"redis://[::1",
		"redis://[::1]x",
		"redis://:p%4@h",
		"redis://:p%00@h",
		"unix://",
		"unix://relative",
		"unix:///0123456789012345678901234567890123456789012345678901234567890123456789"
		"01234567890123456789012345678901234567890123456789",
	};
	struct redis_url u;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_ok(redis_url_parse(str_from(good[i].url), &u));
		CHECK(strcmp(u.host, good[i].host) == 0, "%s", good[i].url);
		CHECK(u.port == good[i].port, "%s", good[i].url);
		CHECK(strcmp(u.user, good[i].user) == 0, "%s", good[i].url);
		CHECK(strcmp(u.password, good[i].password) == 0, "%s", good[i].url);
		CHECK(u.db == good[i].db && !u.is_unix, "%s", good[i].url);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err e = redis_url_parse(str_from(bad[i]), &u);
		CHECK(e.code == ERR_INVALID, "\"%s\"", bad[i]);
	}
	assert_ok(redis_url_parse(STR("unix:///run/a%20b"), &u));
	assert_true(u.is_unix);
	assert_string_equal(u.path, "/run/a b");
}

static void a_password_a_name_and_a_database_over_tcp(void **state)
{
	struct redis_fixture *server = redis_fixture_new_tcp("s3cret/");
	struct bench b = { .server = server, .loop = loop_new() };
	char url[128];
	(void)state;
	snprintf(url, sizeof(url), "redis://:s3cret%%2F@localhost:%d/5",
		 redis_fixture_port(server));
	open_url(&b, url, (struct redis_options){ .name = "tcp" });
	turn_until(b.loop, is_up, &b);
	COMMAND(&b, STR("SET"), STR("k"), STR("v"));
	wait_heard(&b, 1);
	free(redis_fixture_text(server, "SELECT 5"));
	assert_int_equal(redis_fixture_int(server, "EXISTS k"), 1);
	close_bench(&b);

	b = (struct bench){ .server = server, .loop = loop_new() };
	snprintf(url, sizeof(url), "redis://:wrong@127.0.0.1:%d", redis_fixture_port(server));
	open_url(&b, url, (struct redis_options){ .name = "tcp" });
	COMMAND(&b, STR("PING"));
	wait_heard(&b, 1);
	assert_int_equal(b.codes[0], ERR_UNAVAILABLE);
	turn_for(b.loop, 100 * USEC_PER_MS);
	assert_int_equal(b.n_up, 0);
	close_bench(&b);
	redis_fixture_free(server);
}

static void an_error_reply_has_its_meaning(void **state)
{
	struct bench *b = open_default(state);
	assert_err(redis_check(ERR(ERR_TIMEOUT, ""), NULL), ERR_TIMEOUT);
	assert_ok(redis_check(OK, NULL));
	assert_false(redis_is_error(NULL, "ERR"));
	free(redis_fixture_text(b->server, "CONFIG SET maxmemory 1"));
	release(b, "me", 0);
	COMMAND(b, STR("SET"), STR("k"), STR("v"));
	wait_heard(b, 2);
	assert_int_equal(b->types[1], REDIS_ERROR);
	free(redis_fixture_text(b->server, "CONFIG SET maxmemory 0"));
	close_bench(b);
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
		cmocka_unit_test(closing_cancels_from_the_loop),
		cmocka_unit_test(closing_inside_a_callback_is_allowed),
		cmocka_unit_test(what_was_forgotten_does_not_fire),
		cmocka_unit_test(forgetting_an_owner_drops_its_request),
		cmocka_unit_test(a_script_runs_in_the_order_of_the_calls),
		cmocka_unit_test(scripts_that_were_flushed_are_sent_again),
		cmocka_unit_test(a_kept_script_arrives_after_an_outage),
		cmocka_unit_test(a_spaced_command_goes_first_and_last),
		cmocka_unit_test(urls_are_read_strictly),
		cmocka_unit_test(a_password_a_name_and_a_database_over_tcp),
		cmocka_unit_test(an_error_reply_has_its_meaning),
	};
	return cmocka_run_group_tests(tests, setup_server, teardown_server);
}
