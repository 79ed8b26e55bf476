/* What the tests of pg share: a few statements, a pool on a private server, units whose answers are
 * kept by number, and ways to run the loop until they came. Every wait has a deadline. */
#ifndef BELFRY_TESTS_PG_BENCH_H
#define BELFRY_TESTS_PG_BENCH_H

#include "loop/loop.h"
#include "pg/pg_codec.h"
#include "pg_fixture.h"

#define PG_BENCH_ANSWERS 64

/* item (id int8 PRIMARY KEY, label text); child (item) refers to it, checked at commit. */
extern const struct pg_stmt pg_bench_insert;       /* an item; $1 int8 */
extern const struct pg_stmt pg_bench_insert_child; /* $1 int8 */
extern const struct pg_stmt pg_bench_delete;       /* items from $1 int8 on */
extern const struct pg_stmt pg_bench_count;        /* of items */
extern const struct pg_stmt pg_bench_insert_many;  /* $1 int8[], $2 text[] */
extern const struct pg_stmt pg_bench_labels;       /* of items from $1 int8 on */
extern const struct pg_stmt pg_bench_raise;        /* fails with SQLSTATE $1 text */
extern const struct pg_stmt pg_bench_echo;         /* $1 int8 */
extern const struct pg_stmt pg_bench_wrong_type;   /* declared otherwise than it answers */
extern const struct pg_stmt pg_bench_wrong_count;
extern const struct pg_stmt pg_bench_pid;      /* of the backend */
extern const struct pg_stmt pg_bench_app;      /* application_name */
extern const struct pg_stmt pg_bench_changing; /* reads a table whose column changes its type */

/* What the callback of one unit was given. */
struct pg_bench_answer {
	struct pg_bench *bench;
	int fired;
	int order; /* among all callbacks of the test */
	struct err e;
	char sqlstate[6];
	char constraint[64];
	int64_t number; /* first column of the first row of the first statement, if a number */
	int64_t affected;
	char text[64];
};

struct pg_bench {
	struct pg_fixture *pg;
	struct loop *loop;
	struct pg_pool *pool;
	struct timer *give_up;
	struct pg_bench_answer answers[PG_BENCH_ANSWERS];
	int fired, wanted;
	bool frees_pool; /* the next callback frees the pool */
};

/* cmocka's fixtures: the server for the group, the rest for each test. */
int pg_bench_setup_group(void **state);
int pg_bench_teardown_group(void **state);
int pg_bench_setup(void **state);
int pg_bench_teardown(void **state);

/* One connection, one unit at a time, all statements prepared. */
struct pg_options pg_bench_options(struct pg_bench *b);
void pg_bench_start(struct pg_bench *b, struct pg_options o);

void pg_bench_add_int8(struct pg_unit *u, const struct pg_stmt *s, int64_t v);
void pg_bench_add(struct pg_unit *u, const struct pg_stmt *s);
struct pg_unit *pg_bench_unit_int8(const struct pg_stmt *s, int64_t v);
struct pg_unit *pg_bench_unit(const struct pg_stmt *s);
/* The backend's pid, then a nap. */
struct pg_unit *pg_bench_unit_sleep(double seconds);

struct pg_bench_answer *pg_bench_answer(struct pg_bench *b, int i);
void pg_bench_on_done(struct err e, const struct pg_unit *u, void *arg);
/* Submits a unit whose answer goes to place i; `go` fails the test when it is refused. */
struct err pg_bench_submit(struct pg_bench *b, int i, struct pg_unit *u);
struct pg_unit *pg_bench_go(struct pg_bench *b, int i, struct pg_unit *u);
/* Runs until so many callbacks have fired since the test began. */
void pg_bench_wait(struct pg_bench *b, int n);
void pg_bench_turn(struct pg_bench *b, usec_t us);
/* Asks the server on another connection. */
void pg_bench_assert_value(struct pg_bench *b, const char *sql, const char *wanted);

#endif
