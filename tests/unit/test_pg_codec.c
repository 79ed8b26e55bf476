/* Every type to the server and back, in binary, held against what the server itself understood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "loop/loop.h"
#include "pg/pg_codec.h"
#include "pg_fixture.h"

enum {
	BOOL = 16,
	BYTEA = 17,
	INT8 = 20,
	INT2 = 21,
	INT4 = 23,
	TEXT = 25,
	FLOAT8 = 701,
	BOOLS = 1000,
	BYTEAS = 1001,
	INT2S = 1005,
	INT4S = 1007,
	TEXTS = 1009,
	INT8S = 1016,
	TIMESTAMPTZ = 1184,
	TIMESTAMPTZS = 1185,
	UUID = 2950,
	UUIDS = 2951,
	JSONB = 3802,
	JSONBS = 3807
};

static const unsigned scalar_oids[] = { BOOL, INT2,  INT4,  INT8,        FLOAT8,
					TEXT, JSONB, BYTEA, TIMESTAMPTZ, UUID };
/* Back as they came, and as the server prints them. */
static const unsigned scalar_columns[] = { BOOL,  INT2,  INT4,        INT8, FLOAT8, TEXT,
					   JSONB, BYTEA, TIMESTAMPTZ, UUID, TEXT };
static const struct pg_stmt stmt_scalars = {
	.name = "scalars",
	.sql = "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, "
	       "format('%s|%s|%s|%s|%s|%s|%s|%s|%s|%s', $1::bool, $2::int2, $3::int4, $4::int8, "
	       "$5::float8, $6::text, $7::jsonb, $8::bytea, $9::timestamptz, $10::uuid)",
	.n_params = ARRAY_LEN(scalar_oids),
	.param_oids = scalar_oids,
	.n_columns = ARRAY_LEN(scalar_columns),
	.column_oids = scalar_columns,
};

static const unsigned array_oids[] = { BOOLS,  INT2S,  INT4S,        INT8S, TEXTS,
				       JSONBS, BYTEAS, TIMESTAMPTZS, UUIDS };
static const unsigned array_columns[] = { TEXT, TEXTS, INT8 };
static const struct pg_stmt stmt_arrays = {
	.name = "arrays",
	.sql = "SELECT format('%s|%s|%s|%s|%s|%s|%s|%s|%s', $1::bool[], $2::int2[], $3::int4[], "
	       "$4::int8[], $5::text[], $6::jsonb[], $7::bytea[], $8::timestamptz[], $9::uuid[]), "
	       "$5::text[], coalesce(cardinality($4::int8[]), -1)::int8",
	.n_params = ARRAY_LEN(array_oids),
	.param_oids = array_oids,
	.n_columns = ARRAY_LEN(array_columns),
	.column_oids = array_columns,
};

static const unsigned odd_columns[] = { TEXTS, TEXTS, TEXTS, TIMESTAMPTZ, TIMESTAMPTZ, FLOAT8 };
static const struct pg_stmt stmt_odd = {
	.name = "odd",
	.sql = "SELECT NULL::text[], '{}'::text[], '{{a,b},{c,d}}'::text[], "
	       "'infinity'::timestamptz, "
	       "'1969-12-31 23:59:59.999999+00'::timestamptz, 'NaN'::float8",
	.n_columns = ARRAY_LEN(odd_columns),
	.column_oids = odd_columns,
};

static const unsigned int_oids[] = { INT2, INT4S };
static const struct pg_stmt stmt_ints = {
	.name = "ints", .sql = "SELECT $1, $2", .n_params = 2, .param_oids = int_oids
};

static const struct pg_stmt *const stmts[] = { &stmt_scalars, &stmt_arrays, &stmt_odd, &stmt_ints,
					       NULL };

struct bench {
	struct pg_fixture *pg;
	struct loop *loop;
	struct pg_pool *pool;
	struct timer *give_up;
	void (*check)(const struct pg_result *r);
};

static void give_up(void *arg)
{
	(void)arg;
	fail_msg("no answer within 20 s");
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	b->pg = pg_fixture_new();
	b->loop = loop_new();
	b->give_up = timer_new(b->loop, give_up, b);
	b->pool = pg_pool_new(b->loop, &(struct pg_options){
					       .conninfo = pg_fixture_conninfo(b->pg),
					       .application = "test",
					       .connections = 1,
					       .depth = 1,
					       .max_waiting = 10,
					       .unit_timeout_us = 10 * USEC_PER_SEC,
					       .prepare = true,
					       .stmts = stmts,
				       });
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	pg_pool_free(b->pool);
	timer_free(b->give_up);
	loop_free(b->loop);
	pg_fixture_free(b->pg);
	free(b);
	return 0;
}

static void on_done(struct err e, const struct pg_unit *u, void *arg)
{
	struct bench *b = arg;

	if (is_err(e))
		fail_msg("%s: %s", e.what, pg_unit_message(u));
	b->check(pg_unit_result(u, 0));
	loop_stop(b->loop);
}

static void run(struct bench *b, struct pg_unit *u, void (*check)(const struct pg_result *r))
{
	b->check = check;
	assert_int_equal(pg_submit(b->pool, u, on_done, b).code, ERR_OK);
	timer_start(b->give_up, 20 * USEC_PER_SEC);
	loop_run(b->loop);
}

static void assert_str(struct str s, const char *wanted)
{
	if (s.n != strlen(wanted) || memcmp(s.p, wanted, s.n) != 0)
		fail_msg("'%.*s' is not '%s'", STR_ARG(s), wanted);
}

static const struct uuid some_id = { { 0x01, 0x8f, 0, 1, 2, 3, 0x74, 5, 0x86, 7, 8, 9, 10, 11, 12,
				       0xff } };
#define SOME_ID_TEXT "018f0001-0203-7405-8607-08090a0b0cff"
#define SOME_AT INT64_C(1774773000123456) /* 2026-03-29 08:30:00.123456 */

static void check_values(const struct pg_result *r)
{
	assert_int_equal(pg_result_rows(r), 1);
	assert_true(pg_get_bool(r, 0, 0));
	assert_int_equal(pg_get_int(r, 0, 1), -32768);
	assert_int_equal(pg_get_int(r, 0, 2), 2147483647);
	assert_int_equal(pg_get_int(r, 0, 3), INT64_C(-9007199254740993));
	assert_true(fabs(pg_get_float8(r, 0, 4) - 1.5) < 1e-12);
	assert_str(pg_get_text(r, 0, 5), "Zoë O'Neil \\");
	assert_str(pg_get_jsonb(r, 0, 6), "{\"a\": [1, null]}");
	assert_int_equal(pg_get_bytea(r, 0, 7).n, 3);
	assert_memory_equal(pg_get_bytea(r, 0, 7).p, "\0\1\xff", 3);
	assert_int_equal(pg_get_timestamptz(r, 0, 8), SOME_AT);
	assert_true(uuid_eq(pg_get_uuid(r, 0, 9), some_id));
	assert_str(pg_get_text(r, 0, 10),
		   "t|-32768|2147483647|-9007199254740993|1.5|Zoë O'Neil \\|{\"a\": [1, null]}|"
		   "\\x0001ff|2026-03-29 08:30:00.123456+00|" SOME_ID_TEXT);
}

static void values_go_there_and_back(void **state)
{
	struct pg_unit *u = pg_unit_new();

	pg_unit_begin(u, &stmt_scalars);
	pg_bind_bool(u, true);
	pg_bind_int2(u, -32768);
	pg_bind_int4(u, 2147483647);
	pg_bind_int8(u, INT64_C(-9007199254740993));
	pg_bind_float8(u, 1.5);
	pg_bind_text(u, STR("Zoë O'Neil \\"));
	pg_bind_jsonb(u, STR("{\"a\":[1,null]}"));
	pg_bind_bytea(u, (struct str){ "\0\1\xff", 3 });
	pg_bind_timestamptz(u, SOME_AT);
	pg_bind_uuid(u, some_id);
	pg_unit_end(u);
	run(*state, u, check_values);
}

static void check_nulls(const struct pg_result *r)
{
	assert_false(pg_get_bool(r, 0, 0));
	for (int col = 1; col <= 3; col++)
		assert_true(pg_get_int(r, 0, col) == PG_NULL_I64);
	assert_true(isinf(pg_get_float8(r, 0, 4)));
	assert_null(pg_get_text(r, 0, 5).p);
	assert_null(pg_get_jsonb(r, 0, 6).p);
	assert_null(pg_get_bytea(r, 0, 7).p);
	assert_true(pg_get_timestamptz(r, 0, 8) == USEC_NEVER);
	assert_true(uuid_is_nil(pg_get_uuid(r, 0, 9)));
	assert_str(pg_get_text(r, 0, 10), "f||||-Infinity|||||");
}

static void nulls_go_there_and_back(void **state)
{
	struct pg_unit *u = pg_unit_new();

	pg_unit_begin(u, &stmt_scalars);
	pg_bind_bool(u, false);
	pg_bind_int2(u, PG_NULL_I64);
	pg_bind_int4(u, PG_NULL_I64);
	pg_bind_int8(u, PG_NULL_I64);
	pg_bind_float8(u, -(double)INFINITY);
	pg_bind_text(u, STR_NONE);
	pg_bind_jsonb(u, STR_NONE);
	pg_bind_bytea(u, STR_NONE);
	pg_bind_timestamptz(u, USEC_NEVER);
	pg_bind_uuid(u, UUID_NIL);
	pg_unit_end(u);
	run(*state, u, check_nulls);
}

static void check_empty_texts(const struct pg_result *r)
{
	assert_non_null(pg_get_text(r, 0, 5).p);
	assert_int_equal(pg_get_text(r, 0, 5).n, 0);
	assert_str(pg_get_text(r, 0, 10), "t|0|0|0|0|||\\x|1970-01-01 00:00:00+00|" SOME_ID_TEXT);
}

static void empty_is_not_null(void **state)
{
	struct pg_unit *u = pg_unit_new();

	pg_unit_begin(u, &stmt_scalars);
	pg_bind_bool(u, true);
	pg_bind_int2(u, 0);
	pg_bind_int4(u, 0);
	pg_bind_int8(u, 0);
	pg_bind_float8(u, 0);
	pg_bind_text(u, STR(""));
	pg_bind_jsonb(u, STR_NONE);
	pg_bind_bytea(u, STR(""));
	pg_bind_timestamptz(u, 0);
	pg_bind_uuid(u, some_id);
	pg_unit_end(u);
	run(*state, u, check_empty_texts);
}

static void check_arrays(const struct pg_result *r)
{
	struct arena *a = arena_new();
	struct pg_array texts = pg_get_text_array(r, 0, 1, a);
	const struct str *v = texts.v;

	assert_str(pg_get_text(r, 0, 0),
		   "{t,f}|{1,NULL,-3}|{70000}|{9007199254740993,-1}|{\"a,b\",NULL,\"\"}|"
		   "{\"{\\\"x\\\": 1}\",NULL}|{\"\\\\x00ff\",NULL}|"
		   "{\"2026-03-29 08:30:00.123456+00\",NULL}|{" SOME_ID_TEXT ",NULL}");
	assert_int_equal(texts.n, 3);
	assert_str(v[0], "a,b");
	assert_null(v[1].p);
	assert_non_null(v[2].p);
	assert_int_equal(v[2].n, 0);
	assert_int_equal(pg_get_int(r, 0, 2), 2);
	arena_free(a);
}

#define ARRAY_OF(v) ((struct pg_array){ (v), ARRAY_LEN(v) })

static void arrays_are_built_in_place(void **state)
{
	const bool bools[] = { true, false };
	const int64_t int2s[] = { 1, PG_NULL_I64, -3 }, int4s[] = { 70000 };
	const int64_t int8s[] = { INT64_C(9007199254740993), -1 };
	const struct str texts[] = { STR("a,b"), STR_NONE, STR("") };
	const struct str jsonbs[] = { STR("{\"x\":1}"), STR_NONE };
	const struct str byteas[] = { { "\0\xff", 2 }, STR_NONE };
	const usec_t times[] = { SOME_AT, USEC_NEVER };
	const struct uuid ids[] = { some_id, UUID_NIL };
	struct pg_unit *u = pg_unit_new();

	pg_unit_begin(u, &stmt_arrays);
	pg_bind_bool_array(u, ARRAY_OF(bools));
	pg_bind_int2_array(u, ARRAY_OF(int2s));
	pg_bind_int4_array(u, ARRAY_OF(int4s));
	pg_bind_int8_array(u, ARRAY_OF(int8s));
	pg_bind_text_array(u, ARRAY_OF(texts));
	pg_bind_jsonb_array(u, ARRAY_OF(jsonbs));
	pg_bind_bytea_array(u, ARRAY_OF(byteas));
	pg_bind_timestamptz_array(u, ARRAY_OF(times));
	pg_bind_uuid_array(u, ARRAY_OF(ids));
	pg_unit_end(u);
	run(*state, u, check_arrays);
}

static void check_empty_arrays(const struct pg_result *r)
{
	struct arena *a = arena_new();

	assert_str(pg_get_text(r, 0, 0), "{}|{}|{}|{}|{}|{}|{}|{}|{}");
	assert_int_equal(pg_get_text_array(r, 0, 1, a).n, 0);
	assert_int_equal(pg_get_int(r, 0, 2), 0);
	arena_free(a);
}

static void empty_arrays_are_empty_arrays(void **state)
{
	const struct pg_array none = { NULL, 0 };
	struct pg_unit *u = pg_unit_new();

	pg_unit_begin(u, &stmt_arrays);
	pg_bind_bool_array(u, none);
	pg_bind_int2_array(u, none);
	pg_bind_int4_array(u, none);
	pg_bind_int8_array(u, none);
	pg_bind_text_array(u, none);
	pg_bind_jsonb_array(u, none);
	pg_bind_bytea_array(u, none);
	pg_bind_timestamptz_array(u, none);
	pg_bind_uuid_array(u, none);
	pg_unit_end(u);
	run(*state, u, check_empty_arrays);
}

static void check_odd(const struct pg_result *r)
{
	struct arena *a = arena_new();

	for (int col = 0; col < 3; col++)
		assert_int_equal(pg_get_text_array(r, 0, col, a).n, 0);
	assert_true(pg_get_timestamptz(r, 0, 3) == USEC_NEVER);
	assert_int_equal(pg_get_timestamptz(r, 0, 4), -1);
	assert_true(isnan(pg_get_float8(r, 0, 5)));
	arena_free(a);
}

static void odd_values_have_an_answer(void **state)
{
	struct pg_unit *u = pg_unit_new();

	pg_unit_begin(u, &stmt_odd);
	pg_unit_end(u);
	run(*state, u, check_odd);
}

static void never_called(struct err e, const struct pg_unit *u, void *arg)
{
	(void)e;
	(void)u;
	(void)arg;
	fail_msg("a refused unit called back");
}

static void numbers_out_of_range_are_refused_before_they_travel(void **state)
{
	struct bench *b = *state;
	const struct {
		int64_t one, element;
		bool fits;
	} cases[] = {
		{ 32767, 2147483647, true },
		{ -32768, -2147483648LL, true },
		{ 32768, 0, false },
		{ -32769, 0, false },
		{ 0, 2147483648LL, false },
		{ 0, -2147483649LL, false },
		{ PG_NULL_I64, PG_NULL_I64, true },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pg_unit *u = pg_unit_new();
		pg_unit_begin(u, &stmt_ints);
		pg_bind_int2(u, cases[i].one);
		pg_bind_int4_array(u, (struct pg_array){ &cases[i].element, 1 });
		pg_unit_end(u);
		struct err e = pg_submit(b->pool, u, never_called, b);
		assert_int_equal(e.code, cases[i].fits ? ERR_OK : ERR_INVALID);
		if (cases[i].fits)
			pg_cancel(u);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_go_there_and_back),
		cmocka_unit_test(nulls_go_there_and_back),
		cmocka_unit_test(empty_is_not_null),
		cmocka_unit_test(arrays_are_built_in_place),
		cmocka_unit_test(empty_arrays_are_empty_arrays),
		cmocka_unit_test(odd_values_have_an_answer),
		cmocka_unit_test(numbers_out_of_range_are_refused_before_they_travel),
	};

	return cmocka_run_group_tests_name("pg_codec", tests, setup, teardown);
}
