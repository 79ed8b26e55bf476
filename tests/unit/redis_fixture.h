/* A Redis of a test's own: a server on a socket in a temporary directory, gone when the test
 * program ends however it ends. It can be killed, started again, stopped and continued. Every
 * failure ends the test. */
#ifndef BELFRY_TESTS_REDIS_FIXTURE_H
#define BELFRY_TESTS_REDIS_FIXTURE_H

#include "base/base.h"
#include "loop/loop.h"

struct redis_fixture;

struct redis_fixture *redis_fixture_new(void);
/* On a TCP port as well, with that password. */
struct redis_fixture *redis_fixture_new_tcp(const char *password);
void redis_fixture_free(struct redis_fixture *f);
const char *redis_fixture_url(const struct redis_fixture *f); /* unix:// */
int redis_fixture_port(const struct redis_fixture *f);

void redis_fixture_kill(struct redis_fixture *f);
void redis_fixture_start(struct redis_fixture *f); /* after a kill: empty */
void redis_fixture_pause(struct redis_fixture *f); /* SIGSTOP */
void redis_fixture_resume(struct redis_fixture *f);
/* Running and empty, whatever the test before left. */
void redis_fixture_ready(struct redis_fixture *f);

/* A command on a connection apart from those under test, as hiredis formats it. An integer as it
 * is, text as a number, nil as -1, of an array the count. */
int64_t redis_fixture_int(struct redis_fixture *f, const char *fmt, ...);
/* Text, "" for nil; freed by the caller. */
char *redis_fixture_text(struct redis_fixture *f, const char *fmt, ...);

/* For a group of tests: *state is a bench of so many zeroed bytes, whose first member is its server. */
int redis_fixture_begin(void **state, size_t bench_size);
int redis_fixture_end(void **state);

/* Runs the loop until the condition holds, looking about each millisecond; fails the test when it
 * does not within 10 s. */
void turn_until(struct loop *l, bool (*is_done)(void *arg), void *arg);
/* Runs the loop for so long: for what must not happen. */
void turn_for(struct loop *l, usec_t span_us);

#endif
