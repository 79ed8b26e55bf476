#include "redis_bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

int redis_bench_setup(void **state)
{
	return redis_fixture_begin(state, sizeof(struct redis_bench));
}

static void on_state(bool redis_bench_is_up, void *arg)
{
	struct redis_bench *b = arg;
	if (redis_bench_is_up)
		b->n_up++;
	else
		b->n_down++;
}

void redis_bench_on_reply(struct err e, const struct redis_reply *r, void *arg)
{
	struct redis_bench *b = arg;
	size_t i = b->n_heard++ % N_HEARD;
	struct str s = redis_str(r);
	b->codes[i] = e.code;
	b->types[i] = redis_type(r);
	b->numbers[i] = redis_type(r) == REDIS_ARRAY ? (int64_t)redis_count(r) : redis_int(r);
	snprintf(b->texts[i], sizeof(b->texts[i]), "%.*s", STR_ARG(s));
}

bool redis_bench_is_up(void *arg)
{
	return redis_is_up(((struct redis_bench *)arg)->redis);
}

bool redis_bench_is_down(void *arg)
{
	return !redis_bench_is_up(arg);
}

static bool has_heard(void *arg)
{
	const struct redis_bench *b = arg;
	return b->n_heard >= b->want;
}

void redis_bench_wait(struct redis_bench *b, size_t n)
{
	b->want = n;
	turn_until(b->loop, has_heard, b);
}

void redis_bench_open_url(struct redis_bench *b, const char *url, struct redis_options o)
{
	o.url = url;
	assert_ok(redis_open(b->loop, &o, &b->redis));
	redis_on_state(b->redis, on_state, b);
}

struct redis_bench *redis_bench_open(void **state, struct redis_options o)
{
	struct redis_bench *b = *state;
	struct redis_fixture *server = b->server;
	*b = (struct redis_bench){ .server = server, .loop = loop_new() };
	redis_fixture_ready(server);
	redis_bench_open_url(b, redis_fixture_url(server), o);
	turn_until(b->loop, redis_bench_is_up, b);
	return b;
}

void redis_bench_close(struct redis_bench *b)
{
	redis_close(b->redis);
	b->redis = NULL;
	loop_free(b->loop);
	b->loop = NULL;
}

void redis_bench_command(struct redis_bench *b, const struct str *argv, size_t n)
{
	redis_command(b->redis, &(struct redis_args){ argv, n, 0 },
		      &(struct redis_hook){ .done = redis_bench_on_reply, .arg = b });
}
