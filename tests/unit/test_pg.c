/* Units and the pool against a private server: what succeeds, what fails, and the bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pg_bench.h"
#include "sys/clock.h"

/* --- units ---------------------------------------------------------------------------------- */

static void a_unit_is_one_transaction(void **state)
{
	struct pg_bench *b = *state;
	struct pg_unit *u = pg_unit_new();

	pg_bench_start(b, pg_bench_options(b));
	for (int64_t id = 1; id <= 3; id++)
		pg_bench_add_int8(u, &pg_bench_insert, id);
	pg_bench_add_int8(u, &pg_bench_delete, 2);
	pg_bench_go(b, 0, u);
	assert_int_equal(b->fired, 0);
	pg_bench_wait(b, 1);
	assert_int_equal(b->answers[0].e.code, ERR_OK);
	assert_int_equal(b->answers[0].affected, 1);
	assert_string_equal(b->answers[0].sqlstate, "");
	pg_bench_go(b, 1, pg_bench_unit(&pg_bench_count));
	pg_bench_wait(b, 2);
	assert_int_equal(b->answers[1].number, 1);
	pg_bench_assert_value(b, "SELECT count(DISTINCT xmin::text) FROM item", "1");
}

static void a_failed_statement_takes_its_unit_with_it_and_no_other(void **state)
{
	struct pg_bench *b = *state;
	struct pg_options o = pg_bench_options(b);
	struct pg_unit *u = pg_unit_new();

	o.depth = 4;
	pg_bench_start(b, o);
	pg_bench_go(b, 0, pg_bench_unit_int8(&pg_bench_insert, 1));
	pg_bench_add_int8(u, &pg_bench_insert, 2);
	pg_bench_add_int8(u, &pg_bench_insert, 1);
	pg_bench_add_int8(u, &pg_bench_insert, 3);
	pg_bench_go(b, 1, u);
	pg_bench_go(b, 2, pg_bench_unit_int8(&pg_bench_insert, 4));
	pg_bench_wait(b, 3);
	assert_int_equal(b->answers[0].e.code, ERR_OK);
	assert_int_equal(b->answers[1].e.code, ERR_CONFLICT);
	assert_string_equal(b->answers[1].sqlstate, "23505");
	assert_string_equal(b->answers[1].constraint, "item_pkey");
	assert_int_equal(b->answers[2].e.code, ERR_OK);
	pg_bench_assert_value(b, "SELECT string_agg(id::text, ',' ORDER BY id) FROM item", "1,4");
}

static void a_failure_at_commit_fails_the_unit(void **state)
{
	struct pg_bench *b = *state;
	struct pg_options o = pg_bench_options(b);
	struct pg_unit *u = pg_unit_new();

	o.depth = 4;
	pg_bench_start(b, o);
	pg_bench_add_int8(u, &pg_bench_insert, 5);
	pg_bench_add_int8(u, &pg_bench_insert_child, 77);
	pg_bench_go(b, 0, u);
	pg_bench_go(b, 1, pg_bench_unit(&pg_bench_count));
	pg_bench_wait(b, 2);
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
	struct pg_bench *b = *state;

	pg_bench_start(b, pg_bench_options(b));
	for (int i = 0; i < (int)ARRAY_LEN(cases); i++) {
		struct pg_unit *u = pg_unit_new();
		pg_unit_begin(u, &pg_bench_raise);
		pg_bind_text(u, str_from(cases[i].sqlstate));
		pg_unit_end(u);
		pg_bench_go(b, i, u);
	}
	pg_bench_wait(b, ARRAY_LEN(cases));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		/* A connection that is lost somewhere has no verdict of the server's. */
		bool is_lost = strncmp(cases[i].sqlstate, "08", 2) == 0;
		assert_string_equal(b->answers[i].sqlstate, is_lost ? "" : cases[i].sqlstate);
		assert_int_equal(b->answers[i].e.code, cases[i].code);
	}
}

static void columns_other_than_declared_fail_the_unit(void **state)
{
	struct pg_bench *b = *state;

	pg_bench_start(b, pg_bench_options(b));
	pg_bench_go(b, 0, pg_bench_unit(&pg_bench_wrong_type));
	pg_bench_go(b, 1, pg_bench_unit(&pg_bench_wrong_count));
	pg_bench_go(b, 2, pg_bench_unit_int8(&pg_bench_echo, 9));
	pg_bench_wait(b, 3);
	assert_int_equal(b->answers[0].e.code, ERR_INTERNAL);
	assert_int_equal(b->answers[1].e.code, ERR_INTERNAL);
	assert_int_equal(b->answers[2].number, 9);
}

static void a_statement_the_pool_does_not_know_is_refused(void **state)
{
	static const struct pg_stmt stranger = { .name = "stranger", .sql = "SELECT" };
	struct pg_bench *b = *state;

	pg_bench_start(b, pg_bench_options(b));
	assert_int_equal(pg_bench_submit(b, 0, pg_bench_unit(&stranger)).code, ERR_INTERNAL);
	pg_bench_go(b, 1, pg_bench_unit_int8(&pg_bench_echo, 1));
	pg_bench_wait(b, 1);
	assert_int_equal(b->answers[0].fired, 0);
}

static void units_answer_in_the_order_of_their_connection(void **state)
{
	struct pg_bench *b = *state;
	struct pg_options o = pg_bench_options(b);

	o.depth = 8;
	pg_bench_start(b, o);
	for (int i = 0; i < 20; i++)
		pg_bench_go(b, i, pg_bench_unit_int8(&pg_bench_echo, i));
	assert_int_equal(pg_pool_pending(b->pool), 20);
	pg_bench_wait(b, 20);
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
	pg_bench_on_done(e, u, arg);
}

static void more_than_a_socket_holds_goes_both_ways(void **state)
{
	struct pg_bench *b = *state;
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
	pg_bench_start(b, pg_bench_options(b));
	pg_unit_begin(u, &pg_bench_insert_many);
	pg_bind_int8_array(u, (struct pg_array){ ids, MANY });
	pg_bind_text_array(u, (struct pg_array){ labels, MANY });
	pg_unit_end(u);
	pg_bench_go(b, 0, u);
	u = pg_bench_unit_int8(&pg_bench_labels, 0);
	assert_int_equal(pg_submit(b->pool, u, on_labels, pg_bench_answer(b, 1)).code, ERR_OK);
	pg_bench_wait(b, 2);
	assert_int_equal(b->answers[0].affected, MANY);
	free(ids);
	free(labels);
}

static void units_work_without_prepared_statements(void **state)
{
	struct pg_bench *b = *state;
	struct pg_options o = pg_bench_options(b);

	o.prepare = false;
	o.depth = 4;
	pg_bench_start(b, o);
	pg_bench_go(b, 0, pg_bench_unit_int8(&pg_bench_echo, 3));
	pg_bench_go(b, 1, pg_bench_unit(&pg_bench_app));
	pg_bench_wait(b, 2);
	assert_int_equal(b->answers[0].number, 3);
	assert_string_equal(b->answers[1].text, "test_pg");
	pg_bench_assert_value(b, "SELECT count(*) FROM item", "0");
}

/* --- deadlines, bounds, cancelling ---------------------------------------------------------- */

static void a_slow_statement_times_out_and_frees_its_connection(void **state)
{
	struct pg_bench *b = *state;
	struct pg_options o = pg_bench_options(b);

	o.unit_timeout_us = USEC_PER_SEC;
	pg_bench_start(b, o);
	while (!pg_pool_is_ready(b->pool))
		pg_bench_turn(b, 20 * USEC_PER_MS);
	pg_bench_go(b, 0, pg_bench_unit_int8(&pg_bench_echo, 1));
	pg_bench_wait(b, 1);
	assert_int_equal(b->answers[0].number, 1);
	usec_t mono = clock_mono();
	usec_t mono_connected = pg_pool_mono_connected_at(b->pool);
	pg_bench_go(b, 1, pg_bench_unit_sleep(20));
	pg_bench_wait(b, 2);
	assert_int_equal(b->answers[1].e.code, ERR_TIMEOUT);
	usec_t took = clock_mono() - mono;
	assert_in_range(took, 999 * USEC_PER_MS, 10 * USEC_PER_SEC);
	/* The server gave the statement up by itself: the same connection goes on. */
	pg_bench_turn(b, 200 * USEC_PER_MS);
	pg_bench_go(b, 2, pg_bench_unit_int8(&pg_bench_echo, 2));
	pg_bench_wait(b, 3);
	assert_int_equal(b->answers[2].number, 2);
	/* A second after its time it is given up, which a machine that stands still can use up. */
	assert_true(pg_pool_mono_connected_at(b->pool) == mono_connected ||
		    took > 1500 * USEC_PER_MS);
}

static void waiting_for_a_server_that_is_not_there_times_out(void **state)
{
	struct pg_bench *b = *state;
	struct pg_options o = pg_bench_options(b);

	o.conninfo = "host=/nonexistent user=nobody";
	o.unit_timeout_us = 50 * USEC_PER_MS;
	pg_bench_start(b, o);
	pg_bench_go(b, 0, pg_bench_unit_int8(&pg_bench_echo, 1));
	pg_bench_wait(b, 1);
	assert_int_equal(b->answers[0].e.code, ERR_TIMEOUT);
	assert_false(pg_pool_is_ready(b->pool));
	assert_int_equal(pg_pool_mono_connected_at(b->pool), 0);
}

static void the_waiting_list_is_bounded(void **state)
{
	struct pg_bench *b = *state;
	struct pg_options o = pg_bench_options(b);

	o.max_waiting = 2;
	pg_bench_start(b, o);
	pg_bench_go(b, 0, pg_bench_unit_int8(&pg_bench_echo, 0));
	pg_bench_go(b, 1, pg_bench_unit_int8(&pg_bench_echo, 1));
	assert_int_equal(pg_bench_submit(b, 2, pg_bench_unit_int8(&pg_bench_echo, 2)).code,
			 ERR_OVERLOADED);
	pg_bench_wait(b, 2);
	/* Connected and idle: one more may stand on the connection itself. */
	for (int i = 3; i < 6; i++)
		pg_bench_go(b, i, pg_bench_unit_int8(&pg_bench_echo, i));
	assert_int_equal(pg_bench_submit(b, 6, pg_bench_unit_int8(&pg_bench_echo, 6)).code,
			 ERR_OVERLOADED);
	pg_bench_wait(b, 5);
	for (int i = 0; i < 6; i++)
		assert_int_equal(b->answers[i].fired, i == 2 ? 0 : 1);
	assert_int_equal(b->answers[6].fired, 0);
}

static void a_cancelled_unit_never_calls_back(void **state)
{
	struct pg_bench *b = *state;
	struct pg_options o = pg_bench_options(b);

	o.depth = 2;
	pg_bench_start(b, o);
	struct pg_unit *waiting = pg_bench_go(b, 0, pg_bench_unit_int8(&pg_bench_insert, 1));
	pg_cancel(waiting);
	assert_int_equal(pg_pool_pending(b->pool), 0);
	pg_bench_go(b, 1, pg_bench_unit_int8(&pg_bench_echo, 1));
	pg_bench_wait(b, 1);
	struct pg_unit *sent = pg_bench_go(b, 2, pg_bench_unit_sleep(2));
	pg_bench_turn(b, 50 * USEC_PER_MS);
	pg_cancel(sent);
	pg_bench_go(b, 3, pg_bench_unit_int8(&pg_bench_echo, 3));
	pg_bench_wait(b, 2);
	assert_int_equal(b->answers[0].fired + b->answers[2].fired, 0);
	assert_int_equal(b->answers[3].number, 3);
	pg_bench_assert_value(b, "SELECT count(*) FROM item", "0");
}

static void freeing_the_pool_cancels_what_is_pending(void **state)
{
	struct pg_bench *b = *state;
	struct pg_options o = pg_bench_options(b);

	pg_bench_start(b, o);
	pg_bench_go(b, 0, pg_bench_unit_int8(&pg_bench_echo, 0));
	pg_bench_wait(b, 1);
	pg_bench_go(b, 1, pg_bench_unit_sleep(5));
	pg_bench_turn(b, 20 * USEC_PER_MS);
	pg_bench_go(b, 2, pg_bench_unit_int8(&pg_bench_echo, 2));
	struct pg_unit *forgotten = pg_bench_go(b, 3, pg_bench_unit_int8(&pg_bench_echo, 3));
	pg_pool_free(b->pool);
	assert_int_equal(b->fired, 1);
	assert_int_equal(pg_bench_submit(b, 4, pg_bench_unit_int8(&pg_bench_echo, 4)).code,
			 ERR_CANCELLED);
	pg_cancel(forgotten);
	b->pool = NULL;
	pg_bench_wait(b, 3);
	assert_int_equal(b->answers[1].e.code, ERR_CANCELLED);
	assert_int_equal(b->answers[2].e.code, ERR_CANCELLED);
	assert_int_equal(b->answers[3].fired + b->answers[4].fired, 0);
}

static void a_callback_may_free_the_pool(void **state)
{
	struct pg_bench *b = *state;
	struct pg_options o = pg_bench_options(b);

	o.depth = 3;
	pg_bench_start(b, o);
	b->frees_pool = true;
	for (int i = 0; i < 6; i++)
		pg_bench_go(b, i, pg_bench_unit_int8(&pg_bench_echo, i));
	pg_bench_wait(b, 6);
	assert_int_equal(b->answers[0].e.code, ERR_OK);
	for (int i = 1; i < 6; i++)
		assert_int_equal(b->answers[i].e.code, ERR_CANCELLED);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, pg_bench_setup, pg_bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_unit_is_one_transaction),
		CASE(a_failed_statement_takes_its_unit_with_it_and_no_other),
		CASE(a_failure_at_commit_fails_the_unit),
		CASE(the_servers_codes_become_ours),
		CASE(columns_other_than_declared_fail_the_unit),
		CASE(a_statement_the_pool_does_not_know_is_refused),
		CASE(units_answer_in_the_order_of_their_connection),
		CASE(more_than_a_socket_holds_goes_both_ways),
		CASE(units_work_without_prepared_statements),
		CASE(a_slow_statement_times_out_and_frees_its_connection),
		CASE(waiting_for_a_server_that_is_not_there_times_out),
		CASE(the_waiting_list_is_bounded),
		CASE(a_cancelled_unit_never_calls_back),
		CASE(freeing_the_pool_cancels_what_is_pending),
		CASE(a_callback_may_free_the_pool),
	};

	return cmocka_run_group_tests_name("pg", tests, pg_bench_setup_group,
					   pg_bench_teardown_group);
}
