/* A connection under test and what its callbacks heard, in order. Shared by the tests of redis/. */
#ifndef BELFRY_TESTS_REDIS_BENCH_H
#define BELFRY_TESTS_REDIS_BENCH_H

#include "redis/redis.h"
#include "redis_fixture.h"

#define N_HEARD 64

struct redis_bench {
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
};

/* For the group: one server for all tests. */
int redis_bench_setup(void **state);

/* Each test opens a connection to the emptied server, waits until it is up, and closes it. */
struct redis_bench *redis_bench_open(void **state, struct redis_options o);
void redis_bench_open_url(struct redis_bench *b, const char *url, struct redis_options o);
void redis_bench_close(struct redis_bench *b);

bool redis_bench_is_up(void *bench);
bool redis_bench_is_down(void *bench);

/* Notes the reply as the next one heard. */
void redis_bench_on_reply(struct err e, const struct redis_reply *r, void *bench);
/* Runs the loop until so many were heard since the bench was opened. */
void redis_bench_wait(struct redis_bench *b, size_t n);

void redis_bench_command(struct redis_bench *b, const struct str *argv, size_t n);
#define COMMAND(b, ...)                                                                            \
	redis_bench_command((b), (const struct str[]){ __VA_ARGS__ },                              \
			    ARRAY_LEN(((const struct str[]){ __VA_ARGS__ })))

#endif
