/* Scripts and commands that are spaced, addresses, and what error replies mean. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "redis/redis_internal.h"
#include "redis_bench.h"

/* --- scripts -------------------------------------------------------------------------------- */

static const struct redis_script release_lua = { "proto/lua/lock_release.lua" };

static void release(struct redis_bench *b, const char *holder, usec_t keep_us)
{
	const struct str argv[] = { STR("lock"), str_from(holder) };
	redis_eval(
		b->redis, &release_lua, &(struct redis_args){ argv, 2, 1 },
		&(struct redis_hook){ .done = redis_bench_on_reply, .arg = b, .keep_us = keep_us });
}

static void a_script_runs_in_the_order_of_the_calls(void **state)
{
	struct redis_bench *b = redis_bench_open(state, (struct redis_options){ .name = "test" });
	free(redis_fixture_text(b->server, "SCRIPT FLUSH"));
	COMMAND(b, STR("SET"), STR("lock"), STR("me"));
	release(b, "other", 0);
	release(b, "me", 0);
	COMMAND(b, STR("EXISTS"), STR("lock"));
	redis_bench_wait(b, 4);
	assert_int_equal(b->numbers[1], 0);
	assert_int_equal(b->numbers[2], 1);
	assert_int_equal(b->numbers[3], 0);
	redis_bench_close(b);
}

static void scripts_that_were_flushed_are_sent_again(void **state)
{
	struct redis_bench *b = redis_bench_open(state, (struct redis_options){ .name = "test" });
	release(b, "me", 0);
	redis_bench_wait(b, 1);
	for (size_t i = 2; i < 6; i++) {
		free(redis_fixture_text(b->server, "SCRIPT FLUSH"));
		free(redis_fixture_text(b->server, "SET lock me"));
		release(b, "me", 0);
		redis_bench_wait(b, i);
		assert_int_equal(b->codes[i - 1], ERR_OK);
		assert_int_equal(b->numbers[i - 1], 1);
	}
	redis_bench_close(b);
}

static void a_kept_script_arrives_after_an_outage(void **state)
{
	struct redis_bench *b = redis_bench_open(state, (struct redis_options){ .name = "test" });
	redis_fixture_kill(b->server);
	release(b, "me", 20 * USEC_PER_SEC); /* in flight */
	turn_until(b->loop, redis_bench_is_down, b);
	release(b, "me", 20 * USEC_PER_SEC); /* while it is away */
	release(b, "me", 0);
	release(b, "me", USEC_PER_MS);
	redis_bench_wait(b, 2);
	assert_int_equal(b->codes[0], ERR_UNAVAILABLE);
	assert_int_equal(b->codes[1], ERR_TIMEOUT);
	redis_fixture_start(b->server);
	redis_bench_wait(b, 4);
	assert_int_equal(b->codes[2], ERR_OK);
	assert_int_equal(b->codes[3], ERR_OK);
	redis_bench_close(b);
}

static void what_waits_for_a_connection_is_bounded(void **state)
{
	struct redis_bench *b = redis_bench_open(state, (struct redis_options){ .max_pending = 2 });
	redis_fixture_kill(b->server);
	turn_until(b->loop, redis_bench_is_down, b);
	for (int i = 0; i < 3; i++)
		release(b, "me", 20 * USEC_PER_SEC);
	redis_bench_wait(b, 1);
	assert_int_equal(b->codes[0], ERR_UNAVAILABLE);
	size_t n = (size_t)5 << 20;
	char *big = calloc(1, n + 1);
	assert_non_null(big);
	memset(big, 'x', n);
	redis_bench_close(b); /* cancels the two */
	assert_int_equal(b->n_heard, 3);
	assert_int_equal(b->codes[2], ERR_CANCELLED);

	b = redis_bench_open(state, (struct redis_options){ .max_pending = 10 });
	redis_fixture_kill(b->server);
	turn_until(b->loop, redis_bench_is_down, b);
	release(b, big, 20 * USEC_PER_SEC);
	release(b, big, 20 * USEC_PER_SEC); /* 10 MB are too much */
	redis_bench_wait(b, 1);
	assert_int_equal(b->codes[0], ERR_UNAVAILABLE);
	free(big);
	redis_bench_close(b);
}

/* --- a command that is sent at most so often ------------------------------------------------ */

static bool has_last_of_burst(void *arg)
{
	struct redis_bench *b = arg;
	char *last = redis_fixture_text(b->server, "LINDEX burst 0");
	bool is_there = strcmp(last, "99") == 0;
	free(last);
	return is_there;
}

static void a_spaced_command_goes_first_and_last(void **state)
{
	struct redis_bench *b = redis_bench_open(state, (struct redis_options){ .name = "test" });
	for (int i = 0; i < 100; i++) {
		char text[16];
		snprintf(text, sizeof(text), "%d", i);
		const struct str argv[] = { STR("LPUSH"), STR("burst"), str_from(text) };
		redis_command_spaced(b->redis, &(struct redis_args){ argv, 3, 0 },
				     20 * USEC_PER_MS);
	}
	turn_until(b->loop, has_last_of_burst, b);
	assert_int_equal(redis_fixture_int(b->server, "LLEN burst"), 2);
	redis_bench_close(b);
}

/* --- addresses ------------------------------------------------------------------------------ */

#define TEN "0123456789"
#define UNIX_PATH_TOO_LONG "unix:///" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

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
		UNIX_PATH_TOO_LONG,
	};
	struct redis_url u;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_ok(redis_url_parse(str_from(good[i].url), &u));
		CHECK(strcmp(u.hosts[0].name, good[i].host) == 0, "%s", good[i].url);
		CHECK(u.hosts[0].port == good[i].port, "%s", good[i].url);
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
	struct redis_bench b = { .server = server, .loop = loop_new() };
	char url[128];
	(void)state;
	snprintf(url, sizeof(url), "redis://:s3cret%%2F@localhost:%d/5",
		 redis_fixture_port(server));
	redis_bench_open_url(&b, url, (struct redis_options){ .name = "tcp" });
	turn_until(b.loop, redis_bench_is_up, &b);
	COMMAND(&b, STR("SET"), STR("k"), STR("v"));
	redis_bench_wait(&b, 1);
	free(redis_fixture_text(server, "SELECT 5"));
	assert_int_equal(redis_fixture_int(server, "EXISTS k"), 1);
	redis_bench_close(&b);

	b = (struct redis_bench){ .server = server, .loop = loop_new() };
	snprintf(url, sizeof(url), "redis://:wrong@127.0.0.1:%d", redis_fixture_port(server));
	redis_bench_open_url(&b, url, (struct redis_options){ .name = "tcp" });
	COMMAND(&b, STR("PING"));
	redis_bench_wait(&b, 1);
	assert_int_equal(b.codes[0], ERR_UNAVAILABLE);
	turn_for(b.loop, 100 * USEC_PER_MS);
	assert_int_equal(b.n_up, 0);
	redis_bench_close(&b);
	redis_fixture_free(server);
}

static void on_reply_checked(struct err e, const struct redis_reply *r, void *arg)
{
	redis_bench_on_reply(redis_check(e, r), r, arg);
}

static void an_error_reply_has_its_meaning(void **state)
{
	struct redis_bench *b = redis_bench_open(state, (struct redis_options){ .name = "test" });
	assert_err(redis_check(ERR(ERR_TIMEOUT, ""), NULL), ERR_TIMEOUT);
	assert_ok(redis_check(OK, NULL));
	assert_false(redis_is_error(NULL, "ERR"));
	redis_commandf(b->redis, on_reply_checked, b, "PING");
	redis_commandf(b->redis, on_reply_checked, b, "CONFIG SET maxmemory 1");
	redis_commandf(b->redis, on_reply_checked, b, "SET k v"); /* OOM */
	redis_commandf(b->redis, on_reply_checked, b, "CONFIG SET maxmemory 0");
	redis_commandf(b->redis, on_reply_checked, b, "LPUSH list x");
	redis_commandf(b->redis, on_reply_checked, b, "GET list"); /* WRONGTYPE */
	redis_bench_wait(b, 6);
	assert_int_equal(b->codes[0], ERR_OK);
	assert_int_equal(b->codes[2], ERR_UNAVAILABLE);
	assert_int_equal(b->codes[4], ERR_OK);
	assert_int_equal(b->codes[5], ERR_PROTOCOL);
	redis_bench_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_script_runs_in_the_order_of_the_calls),
		cmocka_unit_test(scripts_that_were_flushed_are_sent_again),
		cmocka_unit_test(a_kept_script_arrives_after_an_outage),
		cmocka_unit_test(what_waits_for_a_connection_is_bounded),
		cmocka_unit_test(a_spaced_command_goes_first_and_last),
		cmocka_unit_test(urls_are_read_strictly),
		cmocka_unit_test(a_password_a_name_and_a_database_over_tcp),
		cmocka_unit_test(an_error_reply_has_its_meaning),
	};
	return cmocka_run_group_tests(tests, redis_bench_setup, redis_fixture_end);
}
