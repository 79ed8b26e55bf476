/* Connections that die, fall silent, no longer fit or cannot begin; and the server's clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pg_bench.h"
#include "sys/clock.h"

/* --- loss ----------------------------------------------------------------------------------- */

static void a_lost_connection_fails_what_was_on_it_and_comes_back(void **state)
{
	struct pg_bench *b = *state;
	struct pg_options o = pg_bench_options(b);
	char sql[80];

	o.depth = 2;
	pg_bench_start(b, o);
	pg_bench_go(b, 0, pg_bench_unit(&pg_bench_pid));
	pg_bench_wait(b, 1);
	usec_t mono_connected = pg_pool_mono_connected_at(b->pool);
	assert_true(mono_connected > 0 && pg_pool_is_ready(b->pool));
	while (pg_pool_pending(b->pool) > 0) /* what the pool itself asks */
		pg_bench_turn(b, USEC_PER_MS);
	pg_bench_go(b, 1, pg_bench_unit_sleep(20));
	pg_bench_go(b, 2, pg_bench_unit_int8(&pg_bench_insert, 1));
	pg_bench_go(b, 3,
		    pg_bench_unit_int8(&pg_bench_echo,
				       3)); /* no room on the wire: waits, and survives */
	pg_bench_turn(b, 50 * USEC_PER_MS);
	snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d)", (int)b->answers[0].number);
	pg_fixture_exec(b->pg, sql);
	pg_bench_wait(b, 4);
	assert_int_equal(b->answers[1].e.code, ERR_UNAVAILABLE);
	assert_int_equal(b->answers[2].e.code, ERR_UNAVAILABLE);
	assert_int_equal(b->answers[3].e.code, ERR_OK);
	assert_true(pg_pool_mono_connected_at(b->pool) > mono_connected);
	pg_bench_assert_value(b, "SELECT count(*) FROM item", "0");
}

/* What waits here behind the first one cannot be left behind in a pooler's session. */
static void without_prepared_statements_one_unit_is_on_the_wire(void **state)
{
	struct pg_bench *b = *state;
	struct pg_options o = pg_bench_options(b);
	char sql[80];

	o.prepare = false;
	o.depth = 4;
	pg_bench_start(b, o);
	pg_bench_go(b, 0, pg_bench_unit(&pg_bench_pid));
	pg_bench_wait(b, 1);
	pg_bench_go(b, 1, pg_bench_unit_sleep(20));
	pg_bench_go(b, 2, pg_bench_unit_int8(&pg_bench_echo, 2));
	pg_bench_go(b, 3, pg_bench_unit_int8(&pg_bench_echo, 3));
	pg_bench_turn(b, 50 * USEC_PER_MS);
	snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d)", (int)b->answers[0].number);
	pg_fixture_exec(b->pg, sql);
	pg_bench_wait(b, 4);
	assert_int_equal(b->answers[1].e.code, ERR_UNAVAILABLE);
	assert_int_equal(b->answers[2].e.code, ERR_OK);
	assert_int_equal(b->answers[3].e.code, ERR_OK);
}

static void an_idle_connection_that_dies_is_replaced(void **state)
{
	struct pg_bench *b = *state;
	char sql[80];

	pg_bench_start(b, pg_bench_options(b));
	pg_bench_go(b, 0, pg_bench_unit(&pg_bench_pid));
	pg_bench_wait(b, 1);
	usec_t mono_connected = pg_pool_mono_connected_at(b->pool);
	snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d)", (int)b->answers[0].number);
	pg_fixture_exec(b->pg, sql);
	/* The server ends it when it comes to it; until then nobody can know. */
	for (int i = 0; i < 2000 && pg_pool_is_ready(b->pool) &&
			pg_pool_mono_connected_at(b->pool) == mono_connected;
	     i++)
		pg_bench_turn(b, 5 * USEC_PER_MS);
	pg_bench_go(b, 1, pg_bench_unit(&pg_bench_pid));
	pg_bench_wait(b, 2);
	assert_int_equal(b->answers[1].e.code, ERR_OK);
	assert_int_not_equal(b->answers[1].number, b->answers[0].number);
}

static void a_server_that_says_nothing_is_given_up(void **state)
{
	struct pg_bench *b = *state;
	struct pg_options o = pg_bench_options(b);

	if (!pg_fixture_is_private(b->pg))
		skip();
	o.unit_timeout_us = 500 * USEC_PER_MS;
	pg_bench_start(b, o);
	while (!pg_pool_is_ready(b->pool))
		pg_bench_turn(b, 20 * USEC_PER_MS);
	pg_bench_go(b, 0, pg_bench_unit(&pg_bench_pid));
	pg_bench_wait(b, 1);
	assert_int_equal(b->answers[0].e.code, ERR_OK);
	pid_t backend = (pid_t)b->answers[0].number;
	assert_true(backend > 0);
	usec_t mono_asked = clock_mono();
	assert_int_equal(kill(backend, SIGSTOP), 0);
	pg_bench_go(b, 1, pg_bench_unit_int8(&pg_bench_insert, 1));
	pg_bench_wait(b, 2);
	assert_int_equal(b->answers[1].e.code, ERR_TIMEOUT);
	/* It has a second more to give the statement up. */
	assert_true(pg_pool_is_ready(b->pool) || clock_mono() - mono_asked > 1400 * USEC_PER_MS);
	for (int i = 0; pg_pool_is_ready(b->pool) && i < 100; i++)
		pg_bench_turn(b, 50 * USEC_PER_MS);
	while (!pg_pool_is_ready(b->pool))
		pg_bench_turn(b, 20 * USEC_PER_MS);
	pg_bench_go(b, 2, pg_bench_unit(&pg_bench_pid));
	pg_bench_wait(b, 3);
	assert_int_equal(kill(backend, SIGCONT), 0);
	assert_int_equal(b->answers[2].e.code, ERR_OK);
	assert_int_not_equal(b->answers[2].number, backend);
}

static void an_answer_that_came_while_we_stood_still_counts(void **state)
{
	struct pg_bench *b = *state;
	struct pg_options o = pg_bench_options(b);

	o.unit_timeout_us = 4 * USEC_PER_SEC;
	pg_bench_start(b, o);
	pg_bench_go(b, 0, pg_bench_unit(&pg_bench_pid));
	pg_bench_wait(b, 1);
	while (pg_pool_pending(b->pool) > 0) /* what the pool itself asks */
		pg_bench_turn(b, USEC_PER_MS);
	pg_bench_go(b, 1, pg_bench_unit_sleep(0.3));
	pg_bench_turn(b, USEC_PER_MS); /* it goes out */
	/* The standstill is what is tested: nothing turns the loop until the unit's deadline has passed,
	 * and the connection's a second later. */
	usec_t mono_end = clock_mono() + o.unit_timeout_us + 1200 * USEC_PER_MS;
	while (clock_mono() < mono_end)
		usleep(50 * USEC_PER_MS);
	pg_bench_wait(b, 2);
	assert_int_equal(b->answers[1].e.code, ERR_OK);
	pg_bench_go(b, 2, pg_bench_unit(&pg_bench_pid));
	pg_bench_wait(b, 3);
	assert_int_equal(b->answers[2].number, b->answers[0].number);
}

static void a_schema_that_moved_on_costs_one_unit(void **state)
{
	struct pg_bench *b = *state;

	pg_bench_start(b, pg_bench_options(b));
	pg_bench_go(b, 0, pg_bench_unit(&pg_bench_changing));
	pg_bench_wait(b, 1);
	assert_int_equal(b->answers[0].e.code, ERR_OK);
	pg_fixture_exec(b->pg, "ALTER TABLE changing ALTER v TYPE int4");
	pg_bench_go(b, 1, pg_bench_unit(&pg_bench_changing));
	pg_bench_wait(b, 2);
	assert_int_equal(b->answers[1].e.code, ERR_UNAVAILABLE);
	assert_string_equal(b->answers[1].sqlstate, "0A000");
	pg_fixture_exec(b->pg, "ALTER TABLE changing ALTER v TYPE int8");
	pg_bench_go(b, 2, pg_bench_unit(&pg_bench_changing));
	pg_bench_wait(b, 3);
	assert_int_equal(b->answers[2].e.code, ERR_OK);
}

static void a_statement_that_cannot_be_prepared_keeps_the_pool_away(void **state)
{
	static const struct pg_stmt bad = { .name = "bad", .sql = "SELECT FROM nowhere" };
	static const struct pg_stmt *const list[] = { &pg_bench_echo, &bad, NULL };
	struct pg_bench *b = *state;
	struct pg_options o = pg_bench_options(b);

	o.stmts = list;
	o.unit_timeout_us = 300 * USEC_PER_MS;
	pg_bench_start(b, o);
	pg_bench_go(b, 0, pg_bench_unit_int8(&pg_bench_echo, 0));
	pg_bench_wait(b, 1);
	assert_int_equal(b->answers[0].e.code, ERR_TIMEOUT);
	assert_false(pg_pool_is_ready(b->pool));
}

static void units_spread_over_the_connections(void **state)
{
	struct pg_bench *b = *state;
	struct pg_options o = pg_bench_options(b);
	bool are_apart = false;

	o.connections = 3;
	pg_bench_start(b, o);
	/* Round by round, until all three have connected. */
	for (int n = 0; !are_apart && n + 3 <= PG_BENCH_ANSWERS; n += 3) {
		for (int i = n; i < n + 3; i++) {
			pg_bench_go(b, i, pg_bench_unit_sleep(0.05));
		}
		pg_bench_wait(b, n + 3);
		const struct pg_bench_answer *a = &b->answers[n];
		are_apart = a[0].number != a[1].number && a[1].number != a[2].number &&
			    a[0].number != a[2].number;
	}
	assert_true(are_apart);
}

/* --- clock ---------------------------------------------------------------------------------- */

static void the_servers_clock_is_measured(void **state)
{
	struct pg_bench *b = *state;
	struct pg_options o = pg_bench_options(b);
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
	pg_bench_start(b, o);
	pg_bench_go(b, 0, pg_bench_unit(&fake));
	pg_bench_wait(b, 1);
	pg_pool_free(b->pool);
	o.prepare = true;
	pg_bench_start(b, o);
	for (int i = 0; pg_pool_clock_correction(b->pool) == 0 && i < 500; i++)
		pg_bench_turn(b, 20 * USEC_PER_MS);
	usec_t off = pg_pool_clock_correction(b->pool) - 3600 * USEC_PER_SEC;
	assert_true(off > -USEC_PER_SEC && off < USEC_PER_SEC);
	free(conninfo);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, pg_bench_setup, pg_bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_lost_connection_fails_what_was_on_it_and_comes_back),
		CASE(without_prepared_statements_one_unit_is_on_the_wire),
		CASE(an_idle_connection_that_dies_is_replaced),
		CASE(a_server_that_says_nothing_is_given_up),
		CASE(an_answer_that_came_while_we_stood_still_counts),
		CASE(a_schema_that_moved_on_costs_one_unit),
		CASE(a_statement_that_cannot_be_prepared_keeps_the_pool_away),
		CASE(units_spread_over_the_connections),
		CASE(the_servers_clock_is_measured),
	};

	return cmocka_run_group_tests_name("pg_loss", tests, pg_bench_setup_group,
					   pg_bench_teardown_group);
}
