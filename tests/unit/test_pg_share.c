/* Units in one transaction: they share its round trip and its commit, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "pg_bench.h"

static const struct uuid us = { "us" }, them = { "them" };

/* Submits a unit that goes with others of the same `with`; its answer has the same number as the
 * value that it was given. */
static struct pg_unit *share(struct pg_bench *b, struct uuid with, int i, struct pg_unit *u)
{
	pg_unit_share(u, with);
	return pg_bench_go(b, i, u);
}

static void insert(struct pg_bench *b, struct uuid with, int i, int64_t id)
{
	(void)share(b, with, i, pg_bench_unit_int8(&pg_bench_insert, id)); /* it calls back */
}

static void start(struct pg_bench *b)
{
	struct pg_options o = pg_bench_options(b);

	o.max_waiting = PG_BENCH_ANSWERS;
	pg_bench_start(b, o);
}

static void those_of_one_key_are_one_transaction(void **state)
{
	struct pg_bench *b = *state;

	start(b);
	insert(b, us, 0, 0);
	insert(b, them, 1, 10);
	insert(b, UUID_NIL, 2, 20);
	insert(b, us, 3, 1);
	insert(b, UUID_NIL, 4, 21);
	insert(b, them, 5, 11);
	insert(b, us, 6, 2);
	pg_bench_wait(b, 7);
	for (int i = 0; i < 7; i++) {
		assert_int_equal(b->answers[i].e.code, ERR_OK);
		assert_int_equal(b->answers[i].affected, 1);
	}
	pg_bench_assert_value(b,
			      "SELECT string_agg(ids, ' ' ORDER BY ids) FROM (SELECT "
			      "string_agg(id::text, ',' ORDER BY id) AS ids FROM item "
			      "GROUP BY xmin::text) x",
			      "0,1,2 10,11 20 21");
}

static void each_has_its_own_results(void **state)
{
	struct pg_bench *b = *state;

	start(b);
	for (int i = 0; i < 10; i++) {
		struct pg_unit *u = pg_bench_unit_int8(&pg_bench_echo, 100 + i);
		for (int more = 0; more < i % 3; more++)
			pg_bench_add_int8(u, &pg_bench_echo, -1);
		(void)share(b, us, i, u); /* it calls back */
	}
	pg_bench_wait(b, 10);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(b->answers[i].number, 100 + i);
		assert_int_equal(b->answers[i].order, i + 1);
	}
}

static void no_more_than_the_most_go_together(void **state)
{
	struct pg_bench *b = *state;

	start(b);
	for (int i = 0; i < PG_SHARE_MAX + 4; i++)
		insert(b, us, i, i);
	pg_bench_wait(b, PG_SHARE_MAX + 4);
	pg_bench_assert_value(b,
			      "SELECT string_agg(n::text, ',' ORDER BY n) FROM (SELECT "
			      "count(*) AS n FROM item GROUP BY xmin::text) x",
			      "4,16");
}

static void one_that_is_refused_fails_alone(void **state)
{
	struct pg_bench *b = *state;

	start(b);
	insert(b, us, 0, 1);
	insert(b, us, 1, 1);
	insert(b, us, 2, 2);
	(void)share(b, us, 3, pg_bench_unit(&pg_bench_count)); /* it calls back */
	pg_bench_wait(b, 4);
	assert_int_equal(b->answers[0].e.code, ERR_OK);
	assert_int_equal(b->answers[1].e.code, ERR_CONFLICT);
	assert_string_equal(b->answers[1].sqlstate, "23505");
	assert_string_equal(b->answers[1].constraint, "item_pkey");
	assert_int_equal(b->answers[2].e.code, ERR_OK);
	assert_string_equal(b->answers[2].sqlstate, "");
	assert_int_equal(b->answers[3].number, 2);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(b->answers[i].fired, 1);
		assert_int_equal(b->answers[i].order, i + 1);
	}
	pg_bench_assert_value(b, "SELECT string_agg(id::text, ',' ORDER BY id) FROM item", "1,2");
}

static void one_that_is_refused_at_the_commit_fails_alone(void **state)
{
	struct pg_bench *b = *state;

	start(b);
	insert(b, us, 0, 5);
	(void)share(b, us, 1, pg_bench_unit_int8(&pg_bench_insert_child, 77)); /* it calls back */
	insert(b, us, 2, 6);
	pg_bench_wait(b, 3);
	assert_int_equal(b->answers[0].e.code, ERR_OK);
	assert_int_equal(b->answers[1].e.code, ERR_CONFLICT);
	assert_string_equal(b->answers[1].constraint, "child_item");
	assert_int_equal(b->answers[2].e.code, ERR_OK);
	pg_bench_assert_value(b, "SELECT string_agg(id::text, ',' ORDER BY id) FROM item", "5,6");
}

/* The transaction was committed, so none may go again. */
static void one_with_other_columns_fails_alone(void **state)
{
	struct pg_bench *b = *state;

	start(b);
	insert(b, us, 0, 5);
	(void)share(b, us, 1, pg_bench_unit(&pg_bench_wrong_type)); /* it calls back */
	insert(b, us, 2, 6);
	pg_bench_wait(b, 3);
	assert_int_equal(b->answers[0].e.code, ERR_OK);
	assert_int_equal(b->answers[1].e.code, ERR_INTERNAL);
	assert_int_equal(b->answers[2].e.code, ERR_OK);
	pg_bench_assert_value(b, "SELECT count(DISTINCT xmin::text) || ' ' || count(*) FROM item",
			      "1 2");
}

static void what_nobody_waits_for_is_not_sent_again(void **state)
{
	struct pg_bench *b = *state;
	struct pg_unit *cancelled = pg_bench_unit_int8(&pg_bench_insert, 7);

	start(b);
	pg_bench_go(b, 0, pg_bench_unit_int8(&pg_bench_insert, 1));
	pg_bench_wait(b, 1);
	(void)share(b, us, 1, pg_bench_unit_sleep(2)); /* it calls back */
	(void)share(b, us, 2, cancelled);              /* it is cancelled */
	insert(b, us, 3, 1);
	pg_bench_turn(b, 50 * USEC_PER_MS);
	pg_cancel(cancelled);
	pg_bench_wait(b, 3);
	assert_int_equal(b->answers[1].e.code, ERR_OK);
	assert_int_equal(b->answers[2].fired, 0);
	assert_int_equal(b->answers[3].e.code, ERR_CONFLICT);
	pg_bench_assert_value(b, "SELECT string_agg(id::text, ',') FROM item", "1");
}

static void a_lost_connection_fails_all(void **state)
{
	struct pg_bench *b = *state;
	char sql[80];

	start(b);
	pg_bench_go(b, 0, pg_bench_unit(&pg_bench_pid));
	pg_bench_wait(b, 1);
	insert(b, us, 1, 1);
	(void)share(b, us, 2, pg_bench_unit_sleep(20)); /* it calls back */
	insert(b, us, 3, 3);
	pg_bench_turn(b, 50 * USEC_PER_MS);
	snprintf(sql, sizeof(sql), "SELECT pg_terminate_backend(%d)", (int)b->answers[0].number);
	pg_fixture_exec(b->pg, sql);
	pg_bench_wait(b, 4);
	for (int i = 1; i < 4; i++)
		assert_int_equal(b->answers[i].e.code, ERR_UNAVAILABLE);
	pg_bench_assert_value(b, "SELECT count(*) FROM item", "0");
}

/* A session that is no good is nobody's fault: all learn of it, and it is replaced. */
static void a_stale_session_fails_all(void **state)
{
	struct pg_bench *b = *state;

	start(b);
	pg_bench_go(b, 0, pg_bench_unit(&pg_bench_pid));
	pg_bench_wait(b, 1);
	insert(b, us, 1, 1);
	struct pg_unit *u = pg_unit_new();
	pg_unit_begin(u, &pg_bench_raise);
	pg_bind_text(u, STR("25006"));
	pg_unit_end(u);
	(void)share(b, us, 2, u); /* it calls back */
	insert(b, us, 3, 3);
	pg_bench_wait(b, 4);
	for (int i = 1; i < 4; i++) {
		assert_int_equal(b->answers[i].e.code, ERR_UNAVAILABLE);
		assert_string_equal(b->answers[i].sqlstate, "25006");
	}
	pg_bench_go(b, 4, pg_bench_unit(&pg_bench_pid));
	pg_bench_wait(b, 5);
	assert_int_not_equal(b->answers[4].number, b->answers[0].number);
	pg_bench_assert_value(b, "SELECT count(*) FROM item", "0");
}

static void a_callback_among_them_may_free_the_pool(void **state)
{
	struct pg_bench *b = *state;

	start(b);
	b->frees_pool = true;
	for (int i = 0; i < 6; i++)
		insert(b, us, i, i);
	pg_bench_wait(b, 6);
	assert_int_equal(b->answers[0].e.code, ERR_OK);
	for (int i = 1; i < 6; i++)
		assert_int_equal(b->answers[i].e.code, ERR_CANCELLED);
}

static void they_share_without_prepared_statements(void **state)
{
	struct pg_bench *b = *state;
	struct pg_options o = pg_bench_options(b);

	o.prepare = false;
	pg_bench_start(b, o);
	for (int i = 0; i < 4; i++)
		insert(b, us, i, i);
	pg_bench_wait(b, 4);
	pg_bench_assert_value(b, "SELECT count(DISTINCT xmin::text) || ' ' || count(*) FROM item",
			      "1 4");
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, pg_bench_setup, pg_bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(those_of_one_key_are_one_transaction),
		CASE(each_has_its_own_results),
		CASE(no_more_than_the_most_go_together),
		CASE(one_that_is_refused_fails_alone),
		CASE(one_that_is_refused_at_the_commit_fails_alone),
		CASE(one_with_other_columns_fails_alone),
		CASE(what_nobody_waits_for_is_not_sent_again),
		CASE(a_lost_connection_fails_all),
		CASE(a_stale_session_fails_all),
		CASE(a_callback_among_them_may_free_the_pool),
		CASE(they_share_without_prepared_statements),
	};

	return cmocka_run_group_tests_name("pg_share", tests, pg_bench_setup_group,
					   pg_bench_teardown_group);
}
