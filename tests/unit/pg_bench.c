/* See pg_bench.h. */
#include "pg_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

enum { INT4 = 23, INT8 = 20, TEXT = 25, TEXTS = 1009, INT8S = 1016, FLOAT8 = 701 };

static const unsigned one_int8[] = { INT8 }, one_int4[] = { INT4 }, one_text[] = { TEXT },
		      one_float8[] = { FLOAT8 };
static const unsigned rows_oids[] = { INT8S, TEXTS };

#define STMT(name_, sql_, params, n, columns, n_cols)                                              \
	const struct pg_stmt pg_bench_##name_ = {                                                  \
		.name = #name_,                                                                    \
		.sql = (sql_),                                                                     \
		.n_params = (n),                                                                   \
		.param_oids = (params),                                                            \
		.n_columns = (n_cols),                                                             \
		.column_oids = (columns),                                                          \
	}

STMT(insert, "INSERT INTO item (id) VALUES ($1)", one_int8, 1, NULL, 0);
STMT(insert_child, "INSERT INTO child (item) VALUES ($1)", one_int8, 1, NULL, 0);
STMT(delete, "DELETE FROM item WHERE id >= $1", one_int8, 1, NULL, 0);
STMT(count, "SELECT count(*) FROM item", NULL, 0, one_int8, 1);
static const struct pg_stmt stmt_sleep = {
	.name = "sleep",
	.sql = "SELECT pg_sleep($1)::text",
	.n_params = 1,
	.param_oids = one_float8,
	.n_columns = 1,
	.column_oids = one_text,
};
STMT(raise, "SELECT raise_state($1)", one_text, 1, one_int4, 1);
STMT(echo, "SELECT $1::int8", one_int8, 1, one_int8, 1);
STMT(wrong_type, "SELECT 1::int8", NULL, 0, one_int4, 1);
STMT(wrong_count, "SELECT 1::int8, 2::int8", NULL, 0, one_int8, 1);
STMT(pid, "SELECT pg_backend_pid()", NULL, 0, one_int4, 1);
STMT(app, "SELECT current_setting('application_name')", NULL, 0, one_text, 1);
STMT(changing, "SELECT v FROM changing", NULL, 0, one_int8, 1);
STMT(insert_many,
     "INSERT INTO item (id, label) SELECT x.id, x.label FROM unnest($1::int8[], $2::text[]) "
     "AS x(id, label)",
     rows_oids, 2, NULL, 0);
STMT(labels, "SELECT label FROM item WHERE id >= $1 ORDER BY id", one_int8, 1, one_text, 1);

static const struct pg_stmt *const stmts[] = {
	&pg_bench_insert,
	&pg_bench_insert_child,
	&pg_bench_delete,
	&pg_bench_count,
	&stmt_sleep,
	&pg_bench_raise,
	&pg_bench_echo,
	&pg_bench_wrong_type,
	&pg_bench_wrong_count,
	&pg_bench_pid,
	&pg_bench_app,
	&pg_bench_changing,
	&pg_bench_insert_many,
	&pg_bench_labels,
	NULL,
};

#define GIVE_UP_US (30 * USEC_PER_SEC)

static void give_up(void *arg)
{
	const struct pg_bench *b = arg;

	fail_msg("%d of %d callbacks came within the time", b->fired, b->wanted);
}

int pg_bench_setup_group(void **state)
{
	struct pg_fixture *f = pg_fixture_new();

	pg_fixture_exec(f,
			"CREATE TABLE item (id int8 PRIMARY KEY, label text);"
			"CREATE TABLE child (item int8 CONSTRAINT child_item REFERENCES item "
			"DEFERRABLE INITIALLY DEFERRED);"
			"CREATE TABLE changing (v int8);"
			"CREATE FUNCTION raise_state(state text) RETURNS int LANGUAGE plpgsql AS "
			"'BEGIN RAISE EXCEPTION ''as asked'' USING ERRCODE = state; END'");
	*state = f;
	return 0;
}

int pg_bench_teardown_group(void **state)
{
	pg_fixture_free(*state);
	return 0;
}

struct pg_options pg_bench_options(struct pg_bench *b)
{
	return (struct pg_options){
		.conninfo = pg_fixture_conninfo(b->pg),
		.application = "test_pg",
		.connections = 1,
		.depth = 1,
		.max_waiting = 20,
		.unit_timeout_us = 10 * USEC_PER_SEC,
		.prepare = true,
		.stmts = stmts,
	};
}

void pg_bench_start(struct pg_bench *b, struct pg_options o)
{
	b->pool = pg_pool_new(b->loop, &o);
}

int pg_bench_setup(void **state)
{
	struct pg_bench *b = calloc(1, sizeof(*b));

	b->pg = *state;
	b->loop = loop_new();
	b->give_up = timer_new(b->loop, give_up, b);
	pg_fixture_exec(b->pg, "TRUNCATE item, child");
	*state = b;
	return 0;
}

int pg_bench_teardown(void **state)
{
	struct pg_bench *b = *state;
	struct pg_fixture *f = b->pg;

	pg_pool_free(b->pool);
	timer_free(b->give_up);
	loop_free(b->loop);
	free(b);
	*state = f;
	return 0;
}

/* --- helpers -------------------------------------------------------------------------------- */

static void copy_result(struct pg_bench_answer *a, const struct pg_unit *u, size_t i)
{
	const struct pg_result *r = pg_unit_result(u, i);

	a->affected = pg_result_affected(r);
	if (pg_result_rows(r) == 0)
		return;
	struct str raw = pg_get_text(r, 0, 0);
	a->number = pg_get_int(r, 0, 0);
	snprintf(a->text, sizeof(a->text), "%.*s", STR_ARG(raw));
}

void pg_bench_on_done(struct err e, const struct pg_unit *u, void *arg)
{
	struct pg_bench_answer *a = arg;
	struct pg_bench *b = a->bench;

	a->fired++;
	a->order = ++b->fired;
	a->e = e;
	snprintf(a->sqlstate, sizeof(a->sqlstate), "%s", pg_unit_sqlstate(u));
	snprintf(a->constraint, sizeof(a->constraint), "%s", pg_unit_constraint(u));
	if (!is_err(e))
		copy_result(a, u, 0);
	if (b->frees_pool) {
		pg_pool_free(b->pool);
		b->pool = NULL;
		b->frees_pool = false;
	}
	if (b->fired >= b->wanted)
		loop_stop(b->loop);
}

struct pg_bench_answer *pg_bench_answer(struct pg_bench *b, int i)
{
	assert_in_range(i, 0, PG_BENCH_ANSWERS - 1);
	b->answers[i].bench = b;
	return &b->answers[i];
}

struct err pg_bench_submit(struct pg_bench *b, int i, struct pg_unit *u)
{
	return pg_submit(b->pool, u, pg_bench_on_done, pg_bench_answer(b, i));
}

struct pg_unit *pg_bench_go(struct pg_bench *b, int i, struct pg_unit *u)
{
	struct err e = pg_bench_submit(b, i, u);

	if (is_err(e))
		fail_msg("%s", e.what);
	return u;
}

void pg_bench_wait(struct pg_bench *b, int n)
{
	b->wanted = n;
	if (b->fired >= n)
		return;
	timer_start(b->give_up, GIVE_UP_US);
	loop_run(b->loop);
	timer_stop(b->give_up);
}

static void stop(void *arg)
{
	loop_stop(arg);
}

void pg_bench_turn(struct pg_bench *b, usec_t us)
{
	struct timer *t = timer_new(b->loop, stop, b->loop);

	timer_start(t, us);
	loop_run(b->loop);
	timer_free(t);
}

void pg_bench_add_int8(struct pg_unit *u, const struct pg_stmt *s, int64_t v)
{
	pg_unit_begin(u, s);
	pg_bind_int8(u, v);
	pg_unit_end(u);
}

void pg_bench_add(struct pg_unit *u, const struct pg_stmt *s)
{
	pg_unit_begin(u, s);
	pg_unit_end(u);
}

struct pg_unit *pg_bench_unit_int8(const struct pg_stmt *s, int64_t v)
{
	struct pg_unit *u = pg_unit_new();

	pg_bench_add_int8(u, s, v);
	return u;
}

struct pg_unit *pg_bench_unit(const struct pg_stmt *s)
{
	struct pg_unit *u = pg_unit_new();

	pg_bench_add(u, s);
	return u;
}

struct pg_unit *pg_bench_unit_sleep(double seconds)
{
	struct pg_unit *u = pg_bench_unit(&pg_bench_pid);

	pg_unit_begin(u, &stmt_sleep);
	pg_bind_float8(u, seconds);
	pg_unit_end(u);
	return u;
}

void pg_bench_assert_value(struct pg_bench *b, const char *sql, const char *wanted)
{
	char *value = pg_fixture_value(b->pg, sql);

	assert_string_equal(value, wanted);
	free(value);
}
