/* Units, pool and connections against a private server: what succeeds, what fails, and how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop/loop.h"
#include "pg/pg_codec.h"
#include "pg_fixture.h"
#include "sys/clock.h"

enum { INT4 = 23, INT8 = 20, TEXT = 25, TEXTS = 1009, INT8S = 1016, FLOAT8 = 701 };

static const unsigned one_int8[] = { INT8 }, one_int4[] = { INT4 }, one_text[] = { TEXT },
		      one_float8[] = { FLOAT8 };
static const unsigned rows_oids[] = { INT8S, TEXTS };

#define STMT(name_, sql_, params, n, columns, n_cols)                                              \
	static const struct pg_stmt stmt_##name_ = {                                               \
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
STMT(sleep, "SELECT pg_sleep($1)::text", one_float8, 1, one_text, 1);
STMT(raise, "SELECT raise_state($1)", one_text, 1, one_int4, 1);
STMT(echo, "SELECT $1::int8", one_int8, 1, one_int8, 1);
STMT(wrong_type, "SELECT 1::int8", NULL, 0, one_int4, 1);
STMT(wrong_count, "SELECT 1::int8, 2::int8", NULL, 0, one_int8, 1);
STMT(pid, "SELECT pg_backend_pid()", NULL, 0, one_int4, 1);
STMT(app, "SELECT current_setting('application_name')", NULL, 0, one_text, 1);
STMT(volatile_type, "SELECT v FROM changing", NULL, 0, one_int8, 1);
STMT(insert_many,
     "INSERT INTO item (id, label) SELECT x.id, x.label FROM unnest($1::int8[], $2::text[]) "
     "AS x(id, label)",
     rows_oids, 2, NULL, 0);
STMT(labels, "SELECT label FROM item WHERE id >= $1 ORDER BY id", one_int8, 1, one_text, 1);

static const struct pg_stmt *const stmts[] = {
	&stmt_insert, &stmt_insert_child,  &stmt_delete,      &stmt_count,       &stmt_sleep,
	&stmt_raise,  &stmt_echo,          &stmt_wrong_type,  &stmt_wrong_count, &stmt_pid,
	&stmt_app,    &stmt_volatile_type, &stmt_insert_many, &stmt_labels,      NULL,
};

#define GIVE_UP_US (30 * USEC_PER_SEC)
#define ANSWERS_MAX 64

/* What the callback of one unit was given. */
struct answer {
	struct bench *bench;
	int fired;
	int order; /* among all callbacks of the test */
	struct err e;
	char sqlstate[6];
	char constraint[64];
	int64_t number; /* first column of the first row of the last statement, if it is a number */
	int64_t affected;
	char text[64];
};

struct bench {
	struct pg_fixture *pg;
	struct loop *loop;
	struct pg_pool *pool;
	struct timer *give_up;
	struct answer answers[ANSWERS_MAX];
	int fired, wanted;
	bool frees_pool;
};

static void give_up(void *arg)
{
	const struct bench *b = arg;

	fail_msg("%d of %d callbacks came within the time", b->fired, b->wanted);
}

static int setup_group(void **state)
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

static int teardown_group(void **state)
{
	pg_fixture_free(*state);
	return 0;
}

static struct pg_options options(struct bench *b)
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

static void start(struct bench *b, struct pg_options o)
{
	b->pool = pg_pool_new(b->loop, &o);
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	b->pg = *state;
	b->loop = loop_new();
	b->give_up = timer_new(b->loop, give_up, b);
	pg_fixture_exec(b->pg, "TRUNCATE item, child");
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	struct pg_fixture *f = b->pg;

	pg_pool_free(b->pool);
	timer_free(b->give_up);
	loop_free(b->loop);
	free(b);
	*state = f;
	return 0;
}

/* --- helpers -------------------------------------------------------------------------------- */

static void copy_result(struct answer *a, const struct pg_unit *u, size_t i)
{
	const struct pg_result *r = pg_unit_result(u, i);

	a->affected = pg_result_affected(r);
	if (pg_result_rows(r) == 0)
		return;
	struct str raw = pg_get_text(r, 0, 0);
	a->number = pg_get_int(r, 0, 0);
	snprintf(a->text, sizeof(a->text), "%.*s", STR_ARG(raw));
}

static void on_done(struct err e, const struct pg_unit *u, void *arg)
{
	struct answer *a = arg;
	struct bench *b = a->bench;

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

static struct answer *answer(struct bench *b, int i)
{
	assert_in_range(i, 0, ANSWERS_MAX - 1);
	b->answers[i].bench = b;
	return &b->answers[i];
}

static struct err submit(struct bench *b, int i, struct pg_unit *u)
{
	return pg_submit(b->pool, u, on_done, answer(b, i));
}

/* Submits a unit whose answer goes to place i. */
static struct pg_unit *go(struct bench *b, int i, struct pg_unit *u)
{
	struct err e = submit(b, i, u);

	if (is_err(e))
		fail_msg("%s", e.what);
	return u;
}

/* Runs until so many callbacks have fired since the test began. */
static void wait_for(struct bench *b, int n)
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

static void turn_for(struct bench *b, usec_t us)
{
	struct timer *t = timer_new(b->loop, stop, b->loop);

	timer_start(t, us);
	loop_run(b->loop);
	timer_free(t);
}

static void add_int8(struct pg_unit *u, const struct pg_stmt *s, int64_t v)
{
	pg_unit_begin(u, s);
	pg_bind_int8(u, v);
	pg_unit_end(u);
}

static void add_plain(struct pg_unit *u, const struct pg_stmt *s)
{
	pg_unit_begin(u, s);
	pg_unit_end(u);
}

static struct pg_unit *unit_int8(const struct pg_stmt *s, int64_t v)
{
	struct pg_unit *u = pg_unit_new();

	add_int8(u, s, v);
	return u;
}

static struct pg_unit *unit_plain(const struct pg_stmt *s)
{
	struct pg_unit *u = pg_unit_new();

	add_plain(u, s);
	return u;
}

static struct pg_unit *unit_sleep(double seconds)
{
	struct pg_unit *u = pg_unit_new();

	pg_unit_begin(u, &stmt_sleep);
	pg_bind_float8(u, seconds);
	pg_unit_end(u);
	return u;
}

static void assert_value(struct bench *b, const char *sql, const char *wanted)
{
	char *value = pg_fixture_value(b->pg, sql);

	assert_string_equal(value, wanted);
	free(value);
}

/* --- units ---------------------------------------------------------------------------------- */

static void a_unit_is_one_transaction(void **state)
{
	struct bench *b = *state;
	struct pg_unit *u = pg_unit_new();

	start(b, options(b));
	for (int64_t id = 1; id <= 3; id++)
		add_int8(u, &stmt_insert, id);
	add_int8(u, &stmt_delete, 2);
	go(b, 0, u);
	assert_int_equal(b->fired, 0);
	wait_for(b, 1);
	assert_int_equal(b->answers[0].e.code, ERR_OK);
	assert_int_equal(b->answers[0].affected, 1);
	assert_string_equal(b->answers[0].sqlstate, "");
	go(b, 1, unit_plain(&stmt_count));
	wait_for(b, 2);
	assert_int_equal(b->answers[1].number, 1);
	assert_value(b, "SELECT count(DISTINCT xmin::text) FROM item", "1");
}

static void a_failed_statement_takes_its_unit_with_it_and_no_other(void **state)
{
	struct bench *b = *state;
	struct pg_options o = options(b);
	struct pg_unit *u = pg_unit_new();

	o.depth = 4;
	start(b, o);
	go(b, 0, unit_int8(&stmt_insert, 1));
	add_int8(u, &stmt_insert, 2);
	add_int8(u, &stmt_insert, 1);
	add_int8(u, &stmt_insert, 3);
	go(b, 1, u);
	go(b, 2, unit_int8(&stmt_insert, 4));
	wait_for(b, 3);
	assert_int_equal(b->answers[0].e.code, ERR_OK);
	assert_int_equal(b->answers[1].e.code, ERR_CONFLICT);
	assert_string_equal(b->answers[1].sqlstate, "23505");
	assert_string_equal(b->answers[1].constraint, "item_pkey");
	assert_int_equal(b->answers[2].e.code, ERR_OK);
	assert_value(b, "SELECT string_agg(id::text, ',' ORDER BY id) FROM item", "1,4");
}

static void a_failure_at_commit_fails_the_unit(void **state)
{
	struct bench *b = *state;
	struct pg_options o = options(b);
	struct pg_unit *u = pg_unit_new();

	o.depth = 4;
	start(b, o);
	add_int8(u, &stmt_insert, 5);
	add_int8(u, &stmt_insert_child, 77);
	go(b, 0, u);
	go(b, 1, unit_plain(&stmt_count));
	wait_for(b, 2);
	assert_int_equal(b->answers[0].e.code, ERR_CONFLICT);
	assert_string_equal(b->answers[0].sqlstate, "23503");
	assert_string_equal(b->answers[0].constraint, "child_item");
	assert_int_equal(b->answers[1].e.code, ERR_OK);
	assert_int_equal(b->answers[1].number, 0);
}

static void the_servers_codes_become_ours(void **state)
{
	static const struct {
		const char *sqlstate;
		enum err_code code;
	} cases[] = {
		{ "23514", ERR_CONFLICT },    { "40001", ERR_OVERLOADED },
		{ "40P01", ERR_OVERLOADED },  { "57014", ERR_TIMEOUT },
		{ "55P03", ERR_TIMEOUT },     { "53300", ERR_OVERLOADED },
		{ "22023", ERR_INVALID },     { "42501", ERR_DENIED },
		{ "P0001", ERR_INTERNAL },    { "42P01", ERR_INTERNAL },
		{ "25006", ERR_UNAVAILABLE }, { "08006", ERR_UNAVAILABLE },
	};
	struct bench *b = *state;

	start(b, options(b));
	for (int i = 0; i < (int)ARRAY_LEN(cases); i++) {
		struct pg_unit *u = pg_unit_new();
		pg_unit_begin(u, &stmt_raise);
		pg_bind_text(u, str_from(cases[i].sqlstate));
		pg_unit_end(u);
		go(b, i, u);
	}
	wait_for(b, ARRAY_LEN(cases));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(b->answers[i].sqlstate, cases[i].sqlstate);
		assert_int_equal(b->answers[i].e.code, cases[i].code);
	}
}

static void columns_other_than_declared_fail_the_unit(void **state)
{
	struct bench *b = *state;

	start(b, options(b));
	go(b, 0, unit_plain(&stmt_wrong_type));
	go(b, 1, unit_plain(&stmt_wrong_count));
	go(b, 2, unit_int8(&stmt_echo, 9));
	wait_for(b, 3);
	assert_int_equal(b->answers[0].e.code, ERR_INTERNAL);
	assert_int_equal(b->answers[1].e.code, ERR_INTERNAL);
	assert_int_equal(b->answers[2].number, 9);
}

static void units_answer_in_the_order_of_their_connection(void **state)
{
	struct bench *b = *state;
	struct pg_options o = options(b);

	o.depth = 8;
	start(b, o);
	for (int i = 0; i < 20; i++)
		go(b, i, unit_int8(&stmt_echo, i));
	assert_int_equal(pg_pool_pending(b->pool), 20);
	wait_for(b, 20);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(b->answers[i].number, i);
		assert_int_equal(b->answers[i].order, i + 1);
	}
	assert_int_equal(pg_pool_pending(b->pool), 0);
}

#define MANY 20000

static void on_labels(struct err e, const struct pg_unit *u, void *arg)
{
	const struct pg_result *r = pg_unit_result(u, 0);

	assert_int_equal(e.code, ERR_OK);
	assert_int_equal(pg_result_rows(r), MANY);
	for (size_t i = 0; i < MANY; i += 1000) {
		assert_int_equal(pg_get_text(r, i, 0).n, 200);
		assert_int_equal(pg_get_text(r, i, 0).p[0], 'a' + (char)(i % 26));
	}
	on_done(e, u, arg);
}

static void more_than_a_socket_holds_goes_both_ways(void **state)
{
	struct bench *b = *state;
	struct pg_unit *u = pg_unit_new();
	int64_t *ids = calloc(MANY, sizeof(*ids));
	struct str *labels = calloc(MANY, sizeof(*labels));
	char letters[26][200];

	for (int i = 0; i < 26; i++)
		memset(letters[i], 'a' + i, sizeof(letters[i]));
	for (int i = 0; i < MANY; i++) {
		ids[i] = i;
		labels[i] = (struct str){ letters[i % 26], 200 };
	}
	start(b, options(b));
	pg_unit_begin(u, &stmt_insert_many);
	pg_bind_int8_array(u, (struct pg_array){ ids, MANY });
	pg_bind_text_array(u, (struct pg_array){ labels, MANY });
	pg_unit_end(u);
	go(b, 0, u);
	u = unit_int8(&stmt_labels, 0);
	assert_int_equal(pg_submit(b->pool, u, on_labels, answer(b, 1)).code, ERR_OK);
	wait_for(b, 2);
	assert_int_equal(b->answers[0].affected, MANY);
	free(ids);
	free(labels);
}

static void units_work_without_prepared_statements(void **state)
{
	struct bench *b = *state;
	struct pg_options o = options(b);

	o.prepare = false;
	o.depth = 4;
	start(b, o);
	go(b, 0, unit_int8(&stmt_echo, 3));
	go(b, 1, unit_plain(&stmt_app));
	wait_for(b, 2);
	assert_int_equal(b->answers[0].number, 3);
	assert_string_equal(b->answers[1].text, "test_pg");
	assert_value(b, "SELECT count(*) FROM item", "0");
}

/* --- deadlines, bounds, cancelling ---------------------------------------------------------- */

static void a_slow_statement_times_out_and_frees_its_connection(void **state)
{
	struct bench *b = *state;
	struct pg_options o = options(b);

	o.unit_timeout_us = USEC_PER_SEC;
	start(b, o);
	go(b, 0, unit_int8(&stmt_echo, 1));
	wait_for(b, 1);
	usec_t mono = clock_mono();
	usec_t mono_connected = pg_pool_mono_connected_at(b->pool);
	go(b, 1, unit_sleep(20));
	wait_for(b, 2);
	assert_int_equal(b->answers[1].e.code, ERR_TIMEOUT);
	assert_true(clock_mono() - mono >= 999 * USEC_PER_MS);
	assert_true(clock_mono() - mono < 10 * USEC_PER_SEC);
	/* The server gave the statement up by itself: the same connection goes on. */
	turn_for(b, 200 * USEC_PER_MS);
	go(b, 2, unit_int8(&stmt_echo, 2));
	wait_for(b, 3);
	assert_int_equal(b->answers[2].number, 2);
	assert_int_equal(pg_pool_mono_connected_at(b->pool), mono_connected);
}

static void waiting_for_a_server_that_is_not_there_times_out(void **state)
{
	struct bench *b = *state;
	struct pg_options o = options(b);

	o.conninfo = "host=/nonexistent user=nobody";
	o.unit_timeout_us = 50 * USEC_PER_MS;
	start(b, o);
	go(b, 0, unit_int8(&stmt_echo, 1));
	wait_for(b, 1);
	assert_int_equal(b->answers[0].e.code, ERR_TIMEOUT);
	assert_false(pg_pool_is_ready(b->pool));
	assert_int_equal(pg_pool_mono_connected_at(b->pool), 0);
}

static void the_waiting_list_is_bounded(void **state)
{
	struct bench *b = *state;
	struct pg_options o = options(b);

	o.max_waiting = 2;
	start(b, o);
	go(b, 0, unit_int8(&stmt_echo, 0));
	go(b, 1, unit_int8(&stmt_echo, 1));
	assert_int_equal(submit(b, 2, unit_int8(&stmt_echo, 2)).code, ERR_OVERLOADED);
	wait_for(b, 2);
	/* Connected and idle: one more may stand on the connection itself. */
	for (int i = 3; i < 6; i++)
		go(b, i, unit_int8(&stmt_echo, i));
	assert_int_equal(submit(b, 6, unit_int8(&stmt_echo, 6)).code, ERR_OVERLOADED);
	wait_for(b, 5);
	for (int i = 0; i < 6; i++)
		assert_int_equal(b->answers[i].fired, i == 2 ? 0 : 1);
	assert_int_equal(b->answers[6].fired, 0);
}

static void a_cancelled_unit_never_calls_back(void **state)
{
	struct bench *b = *state;
	struct pg_options o = options(b);

	o.depth = 2;
	start(b, o);
	struct pg_unit *waiting = go(b, 0, unit_int8(&stmt_insert, 1));
	pg_cancel(waiting);
	assert_int_equal(pg_pool_pending(b->pool), 0);
	go(b, 1, unit_int8(&stmt_echo, 1));
	wait_for(b, 1);
	struct pg_unit *sent = go(b, 2, unit_sleep(0.2));
	turn_for(b, 50 * USEC_PER_MS);
	pg_cancel(sent);
	go(b, 3, unit_int8(&stmt_echo, 3));
	wait_for(b, 2);
	assert_int_equal(b->answers[0].fired + b->answers[2].fired, 0);
	assert_int_equal(b->answers[3].number, 3);
	assert_value(b, "SELECT count(*) FROM item", "0");
}

static void freeing_the_pool_cancels_what_is_pending(void **state)
{
	struct bench *b = *state;
	struct pg_options o = options(b);

	start(b, o);
	go(b, 0, unit_int8(&stmt_echo, 0));
	wait_for(b, 1);
	go(b, 1, unit_sleep(5));
	turn_for(b, 20 * USEC_PER_MS);
	go(b, 2, unit_int8(&stmt_echo, 2));
	struct pg_unit *forgotten = go(b, 3, unit_int8(&stmt_echo, 3));
	pg_pool_free(b->pool);
	assert_int_equal(b->fired, 1);
	assert_int_equal(submit(b, 4, unit_int8(&stmt_echo, 4)).code, ERR_CANCELLED);
	pg_cancel(forgotten);
	b->pool = NULL;
	wait_for(b, 3);
	assert_int_equal(b->answers[1].e.code, ERR_CANCELLED);
	assert_int_equal(b->answers[2].e.code, ERR_CANCELLED);
	assert_int_equal(b->answers[3].fired + b->answers[4].fired, 0);
}

static void a_callback_may_free_the_pool(void **state)
{
	struct bench *b = *state;
	struct pg_options o = options(b);

	o.depth = 3;
	start(b, o);
	b->frees_pool = true;
	for (int i = 0; i < 6; i++)
		go(b, i, unit_int8(&stmt_echo, i));
	wait_for(b, 6);
	assert_int_equal(b->answers[0].e.code, ERR_OK);
	for (int i = 1; i < 6; i++)
		assert_int_equal(b->answers[i].e.code, ERR_CANCELLED);
}

/* --- loss ----------------------------------------------------------------------------------- */

static void a_lost_connection_fails_what_was_on_it_and_comes_back(void **state)
{
	struct bench *b = *state;
	struct pg_options o = options(b);
	char sql[80];

	o.depth = 2;
	start(b, o);
	go(b, 0, unit_plain(&stmt_pid));
	wait_for(b, 1);
	usec_t mono_connected = pg_pool_mono_connected_at(b->pool);
	assert_true(mono_connected > 0 && pg_pool_is_ready(b->pool));
	go(b, 1, unit_sleep(20));
	go(b, 2, unit_int8(&stmt_insert, 1));
	go(b, 3, unit_int8(&stmt_echo, 3)); /* no room on the wire: waits, and survives */
	turn_for(b, 50 * USEC_PER_MS);
	snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d)", (int)b->answers[0].number);
	pg_fixture_exec(b->pg, sql);
	wait_for(b, 4);
	assert_int_equal(b->answers[1].e.code, ERR_UNAVAILABLE);
	assert_int_equal(b->answers[2].e.code, ERR_UNAVAILABLE);
	assert_int_equal(b->answers[3].e.code, ERR_OK);
	assert_true(pg_pool_mono_connected_at(b->pool) > mono_connected);
	assert_value(b, "SELECT count(*) FROM item", "0");
}

static void an_idle_connection_that_dies_is_replaced(void **state)
{
	struct bench *b = *state;
	char sql[80];

	start(b, options(b));
	go(b, 0, unit_plain(&stmt_pid));
	wait_for(b, 1);
	snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d)", (int)b->answers[0].number);
	pg_fixture_exec(b->pg, sql);
	turn_for(b, 20 * USEC_PER_MS);
	go(b, 1, unit_plain(&stmt_pid));
	wait_for(b, 2);
	assert_int_equal(b->answers[1].e.code, ERR_OK);
	assert_int_not_equal(b->answers[1].number, b->answers[0].number);
}

static void a_server_that_says_nothing_is_given_up(void **state)
{
	struct bench *b = *state;
	struct pg_options o = options(b);

	if (!pg_fixture_is_private(b->pg))
		skip();
	o.unit_timeout_us = 500 * USEC_PER_MS;
	start(b, o);
	go(b, 0, unit_plain(&stmt_pid));
	wait_for(b, 1);
	pid_t backend = (pid_t)b->answers[0].number;
	assert_int_equal(kill(backend, SIGSTOP), 0);
	go(b, 1, unit_int8(&stmt_insert, 1));
	wait_for(b, 2);
	assert_int_equal(b->answers[1].e.code, ERR_TIMEOUT);
	assert_true(pg_pool_is_ready(b->pool));
	for (int i = 0; pg_pool_is_ready(b->pool) && i < 100; i++)
		turn_for(b, 50 * USEC_PER_MS);
	while (!pg_pool_is_ready(b->pool))
		turn_for(b, 20 * USEC_PER_MS);
	go(b, 2, unit_plain(&stmt_pid));
	wait_for(b, 3);
	assert_int_equal(kill(backend, SIGCONT), 0);
	assert_int_equal(b->answers[2].e.code, ERR_OK);
	assert_int_not_equal(b->answers[2].number, backend);
}

static void a_schema_that_moved_on_costs_one_unit(void **state)
{
	struct bench *b = *state;

	start(b, options(b));
	go(b, 0, unit_plain(&stmt_volatile_type));
	wait_for(b, 1);
	assert_int_equal(b->answers[0].e.code, ERR_OK);
	pg_fixture_exec(b->pg, "ALTER TABLE changing ALTER v TYPE int4");
	go(b, 1, unit_plain(&stmt_volatile_type));
	wait_for(b, 2);
	assert_int_equal(b->answers[1].e.code, ERR_UNAVAILABLE);
	assert_string_equal(b->answers[1].sqlstate, "0A000");
	pg_fixture_exec(b->pg, "ALTER TABLE changing ALTER v TYPE int8");
	go(b, 2, unit_plain(&stmt_volatile_type));
	wait_for(b, 3);
	assert_int_equal(b->answers[2].e.code, ERR_OK);
}

static void a_statement_that_cannot_be_prepared_keeps_the_pool_away(void **state)
{
	static const struct pg_stmt bad = { .name = "bad", .sql = "SELECT FROM nowhere" };
	static const struct pg_stmt *const list[] = { &stmt_echo, &bad, NULL };
	struct bench *b = *state;
	struct pg_options o = options(b);

	o.stmts = list;
	o.unit_timeout_us = 300 * USEC_PER_MS;
	start(b, o);
	go(b, 0, unit_int8(&stmt_echo, 0));
	wait_for(b, 1);
	assert_int_equal(b->answers[0].e.code, ERR_TIMEOUT);
	assert_false(pg_pool_is_ready(b->pool));
}

static void units_spread_over_the_connections(void **state)
{
	struct bench *b = *state;
	struct pg_options o = options(b);
	bool are_apart = false;

	o.connections = 3;
	start(b, o);
	/* Round by round, until all three have connected. */
	for (int n = 0; !are_apart && n + 3 <= ANSWERS_MAX; n += 3) {
		for (int i = n; i < n + 3; i++) {
			struct pg_unit *u = unit_plain(&stmt_pid);
			pg_unit_begin(u, &stmt_sleep);
			pg_bind_float8(u, 0.05);
			pg_unit_end(u);
			go(b, i, u);
		}
		wait_for(b, n + 3);
		const struct answer *a = &b->answers[n];
		are_apart = a[0].number != a[1].number && a[1].number != a[2].number &&
			    a[0].number != a[2].number;
	}
	assert_true(are_apart);
}

/* --- clock ---------------------------------------------------------------------------------- */

static void the_servers_clock_is_measured(void **state)
{
	struct bench *b = *state;
	struct pg_options o = options(b);
	char *conninfo = pg_fixture_database(b->pg, "test_pg_clock");

	/* A server one hour ahead, as far as this database can tell. */
	pg_fixture_exec(b->pg, "ALTER DATABASE test_pg_clock SET search_path = public, pg_catalog");
	o.conninfo = conninfo;
	static const struct pg_stmt fake = {
		.name = "fake",
		.sql = "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql "
		       "AS "
		       "'SELECT pg_catalog.clock_timestamp() + interval ''1 hour'''",
	};
	static const struct pg_stmt *const none[] = { NULL };
	o.stmts = none;
	o.prepare = false;
	start(b, o);
	go(b, 0, unit_plain(&fake));
	wait_for(b, 1);
	pg_pool_free(b->pool);
	o.prepare = true;
	start(b, o);
	for (int i = 0; pg_pool_clock_offset(b->pool) == 0 && i < 500; i++)
		turn_for(b, 20 * USEC_PER_MS);
	usec_t off = pg_pool_clock_offset(b->pool) - 3600 * USEC_PER_SEC;
	assert_true(off > -USEC_PER_SEC && off < USEC_PER_SEC);
	free(conninfo);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_unit_is_one_transaction),
		CASE(a_failed_statement_takes_its_unit_with_it_and_no_other),
		CASE(a_failure_at_commit_fails_the_unit),
		CASE(the_servers_codes_become_ours),
		CASE(columns_other_than_declared_fail_the_unit),
		CASE(units_answer_in_the_order_of_their_connection),
		CASE(more_than_a_socket_holds_goes_both_ways),
		CASE(units_work_without_prepared_statements),
		CASE(a_slow_statement_times_out_and_frees_its_connection),
		CASE(waiting_for_a_server_that_is_not_there_times_out),
		CASE(the_waiting_list_is_bounded),
		CASE(a_cancelled_unit_never_calls_back),
		CASE(freeing_the_pool_cancels_what_is_pending),
		CASE(a_callback_may_free_the_pool),
		CASE(a_lost_connection_fails_what_was_on_it_and_comes_back),
		CASE(an_idle_connection_that_dies_is_replaced),
		CASE(a_server_that_says_nothing_is_given_up),
		CASE(a_schema_that_moved_on_costs_one_unit),
		CASE(a_statement_that_cannot_be_prepared_keeps_the_pool_away),
		CASE(units_spread_over_the_connections),
		CASE(the_servers_clock_is_measured),
	};

	return cmocka_run_group_tests_name("pg", tests, setup_group, teardown_group);
}
