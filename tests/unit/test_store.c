/* The schema and the statements: every migration applies, once, and every statement is prepared
 * against the migrated database and takes and gives what its file declares. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop/loop.h"
#include "pg_fixture.h"
#include "store/migrate.h"
#include "store_gen.h"

#define GIVE_UP_US (60 * USEC_PER_SEC)

struct bench {
	struct pg_fixture *pg;
	struct loop *loop;
	struct pg_pool *pool;
	struct timer *give_up;
};

struct outcome {
	struct bench *bench;
	bool is_done;
	struct err e;
	int n_applied, n_present;
	char path[128], reason[256];
};

static void give_up(void *arg)
{
	(void)arg;
	fail_msg("no answer in time");
}

static int setup_group(void **state)
{
	*state = pg_fixture_new();
	return 0;
}

static int teardown_group(void **state)
{
	pg_fixture_free(*state);
	return 0;
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->pg = *state;
	b->loop = loop_new();
	b->give_up = timer_new(b->loop, give_up, b);
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

/* --- migrations ----------------------------------------------------------------------------- */

static void open_pool(struct bench *b, const char *conninfo)
{
	b->pool = pg_pool_new(b->loop, &(struct pg_options){
					       .conninfo = conninfo,
					       .application = "test_store",
					       .connections = 2,
					       .depth = 1,
					       .max_waiting = 10,
					       .unit_timeout_us = 30 * USEC_PER_SEC,
				       });
}

static void on_migrated(struct err e, const struct migrate_report *r, void *arg)
{
	struct outcome *o = arg;

	o->is_done = true;
	o->e = e;
	o->n_applied = r->n_applied;
	o->n_present = r->n_present;
	snprintf(o->path, sizeof(o->path), "%s", r->path);
	snprintf(o->reason, sizeof(o->reason), "%s", r->reason);
	loop_stop(o->bench->loop);
}

static struct migrate *begin(struct outcome *o, const struct embed_file *files, usec_t wait_us)
{
	const struct migrate_options options = { .files = files, .lock_wait_us = wait_us };
	struct migrate *m;
	struct err e = migrate_start(o->bench->pool, &options, on_migrated, o, &m);

	if (is_err(e))
		fail_msg("%s", e.what);
	return m;
}

static void wait_for(struct outcome *o)
{
	timer_start(o->bench->give_up, GIVE_UP_US);
	while (!o->is_done)
		loop_run(o->bench->loop);
	timer_stop(o->bench->give_up);
}

static struct outcome migrate(struct bench *b, const struct embed_file *files)
{
	struct outcome o = { .bench = b };
	struct migrate *m = begin(&o, files, 10 * USEC_PER_SEC);

	wait_for(&o);
	migrate_free(m);
	return o;
}

/* STR() is no constant expression, as static tables need. */
#define SQL_FILE(name, text)                                                                       \
	{                                                                                          \
		"proto/schema/" name,                                                              \
		{                                                                                  \
			text, sizeof(text) - 1                                                     \
		}                                                                                  \
	}

static const struct embed_file two_files[] = {
	{ "proto/lua/other.lua", { "not sql", 7 } },
	SQL_FILE("0001_one.sql", "CREATE TABLE one (a int); INSERT INTO one VALUES (1);"),
	SQL_FILE("0002_two.sql",
		 "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 7; $$;\n"
		 "ALTER TABLE one ADD b int DEFAULT f(); -- the last line has no end"),
	{ NULL, { NULL, 0 } },
};

static void migrations_apply_once_and_in_order(void **state)
{
	struct bench *b = *state;
	char *conninfo = pg_fixture_database(b->pg, "test_migrations");

	open_pool(b, conninfo);
	struct outcome o = migrate(b, two_files);
	if (is_err(o.e))
		fail_msg("%s: %s", o.path, o.reason);
	assert_int_equal(o.n_applied, 2);
	o = migrate(b, two_files);
	assert_int_equal(o.e.code, ERR_OK);
	assert_int_equal(o.n_applied, 0);
	assert_int_equal(o.n_present, 2);
	free(conninfo);
}

static void a_changed_or_inserted_migration_is_refused(void **state)
{
	static const struct embed_file changed[] = {
		SQL_FILE("0001_one.sql", "CREATE TABLE one (a int8)"),
		{ NULL, { NULL, 0 } },
	};
	static const struct embed_file late_one[] = {
		SQL_FILE("0002_two.sql", "SELECT 1"),
		{ NULL, { NULL, 0 } },
	};
	static const struct embed_file late_two[] = {
		SQL_FILE("0001_one.sql", "SELECT 1"),
		{ NULL, { NULL, 0 } },
	};
	struct bench *b = *state;
	char *conninfo = pg_fixture_database(b->pg, "test_refused");

	open_pool(b, conninfo);
	assert_int_equal(migrate(b, late_one).e.code, ERR_OK);
	struct outcome o = migrate(b, late_two);
	assert_int_equal(o.e.code, ERR_CONFLICT);
	assert_string_equal(o.path, "proto/schema/0001_one.sql");
	assert_non_null(strstr(o.reason, "0001_one.sql comes before"));
	pg_pool_free(b->pool);
	free(conninfo);
	conninfo = pg_fixture_database(b->pg, "test_changed");
	open_pool(b, conninfo);
	assert_int_equal(migrate(b, two_files).e.code, ERR_OK);
	o = migrate(b, changed);
	assert_int_equal(o.e.code, ERR_CONFLICT);
	assert_non_null(strstr(o.reason, "0001_one.sql was applied as another text"));
	free(conninfo);
}

static void a_migration_that_fails_leaves_nothing(void **state)
{
	static const struct embed_file broken[] = {
		SQL_FILE("0001_one.sql", "CREATE TABLE one (a int)"),
		SQL_FILE("0002_bad.sql",
			 "CREATE TABLE two (a int); INSERT INTO nowhere VALUES (1)"),
		{ NULL, { NULL, 0 } },
	};
	static const struct embed_file mended[] = {
		SQL_FILE("0001_one.sql", "CREATE TABLE one (a int)"),
		SQL_FILE("0002_bad.sql", "CREATE TABLE two (a int)"),
		{ NULL, { NULL, 0 } },
	};
	struct bench *b = *state;
	char *conninfo = pg_fixture_database(b->pg, "test_broken");

	open_pool(b, conninfo);
	struct outcome o = migrate(b, broken);
	assert_int_equal(o.e.code, ERR_INTERNAL);
	assert_int_equal(o.n_applied, 1);
	assert_string_equal(o.path, "proto/schema/0002_bad.sql");
	assert_non_null(strstr(o.reason, "nowhere"));
	o = migrate(b, mended);
	assert_int_equal(o.e.code, ERR_OK);
	assert_int_equal(o.n_applied, 1);
	free(conninfo);
}

static void migrators_take_turns(void **state)
{
	struct bench *b = *state;
	struct outcome o[2] = { { .bench = b }, { .bench = b } };
	char *conninfo = pg_fixture_database(b->pg, "test_turns");

	open_pool(b, conninfo); /* of two connections */
	struct migrate *m[2] = { begin(&o[0], two_files, 10 * USEC_PER_SEC),
				 begin(&o[1], two_files, 10 * USEC_PER_SEC) };
	wait_for(&o[0]);
	wait_for(&o[1]);
	assert_int_equal(o[0].e.code, ERR_OK);
	assert_int_equal(o[1].e.code, ERR_OK);
	assert_int_equal(o[0].n_applied + o[1].n_applied, 2);
	assert_int_equal(o[0].n_present + o[1].n_present, 2);
	migrate_free(m[0]);
	migrate_free(m[1]);
	free(conninfo);
}

static void a_busy_lock_is_waited_for_in_vain_only_so_long(void **state)
{
	struct bench *b = *state;
	struct outcome o = { .bench = b };
	char *conninfo = pg_fixture_database(b->pg, "test_busy");
	PGconn *other = PQconnectdb(conninfo);

	PQclear(PQexec(other, "SELECT pg_advisory_lock("
			      "hashtextextended('belfry schema migration', 0))"));
	open_pool(b, conninfo);
	struct migrate *m = begin(&o, two_files, 100 * USEC_PER_MS);
	wait_for(&o);
	migrate_free(m);
	assert_int_equal(o.e.code, ERR_TIMEOUT);
	PQfinish(other);
	o = migrate(b, two_files);
	assert_int_equal(o.e.code, ERR_OK);
	free(conninfo);
}

static void a_program_without_migrations_says_so(void **state)
{
	static const struct embed_file none[] = { { NULL, { NULL, 0 } } };
	static const struct embed_file misnamed[] = {
		SQL_FILE("first.sql", "SELECT 1"),
		{ NULL, { NULL, 0 } },
	};
	struct bench *b = *state;
	struct outcome o = { .bench = b };
	struct migrate *m;

	open_pool(b, pg_fixture_conninfo(b->pg));
	assert_int_equal(migrate_start(b->pool, &(struct migrate_options){ .files = none },
				       on_migrated, &o, &m)
				 .code,
			 ERR_NOT_FOUND);
	assert_int_equal(migrate_start(b->pool, &(struct migrate_options){ .files = misnamed },
				       on_migrated, &o, &m)
				 .code,
			 ERR_INTERNAL);
}

/* --- statements ----------------------------------------------------------------------------- */

/* Prepares one statement and compares; prints each fault and returns how many there are. */
static int check_statement(PGconn *conn, const struct pg_stmt *s)
{
	int faults = 0;
	PGresult *res = PQprepare(conn, s->name, s->sql, s->n_params, s->param_oids);

	if (PQresultStatus(res) != PGRES_COMMAND_OK) {
		print_error("%s: %s", s->name, PQresultErrorMessage(res));
		PQclear(res);
		return 1;
	}
	PQclear(res);
	res = PQdescribePrepared(conn, s->name);
	assert_int_equal(PQresultStatus(res), PGRES_COMMAND_OK);
	if (PQnparams(res) != s->n_params) {
		print_error("%s: %d parameters, %d declared\n", s->name, PQnparams(res),
			    s->n_params);
		faults++;
	}
	for (int i = 0; i < PQnparams(res) && i < s->n_params; i++) {
		if (PQparamtype(res, i) == s->param_oids[i])
			continue;
		print_error("%s: $%d is of type %u, declared %u\n", s->name, i + 1,
			    PQparamtype(res, i), s->param_oids[i]);
		faults++;
	}
	if (PQnfields(res) != s->n_columns) {
		print_error("%s: %d columns, %d declared\n", s->name, PQnfields(res), s->n_columns);
		faults++;
	}
	for (int i = 0; i < PQnfields(res) && i < s->n_columns; i++) {
		if (PQftype(res, i) == s->column_oids[i])
			continue;
		print_error("%s: column %s is of type %u, declared %u\n", s->name, PQfname(res, i),
			    PQftype(res, i), s->column_oids[i]);
		faults++;
	}
	PQclear(res);
	return faults;
}

static void every_statement_fits_the_migrated_schema(void **state)
{
	struct bench *b = *state;
	char *conninfo = pg_fixture_database(b->pg, "test_statements");
	int n = 0, faults = 0;

	open_pool(b, conninfo);
	struct outcome o = migrate(b, embed_files);
	if (is_err(o.e))
		fail_msg("%s: %s: %s", o.path, o.e.what, o.reason);
	assert_true(o.n_applied > 0);
	PGconn *conn = PQconnectdb(conninfo);
	assert_int_equal(PQstatus(conn), CONNECTION_OK);
	/* What admin_migration_apply and admin_role_apply call exists in a session only. */
	PQclear(PQexec(conn, stmt_admin_migration_function.sql));
	PQclear(PQexec(conn, stmt_admin_role_function.sql));
	for (; store_all_stmts[n] != NULL; n++)
		faults += check_statement(conn, store_all_stmts[n]);
	PQfinish(conn);
	free(conninfo);
	assert_true(n > 0);
	assert_int_equal(faults, 0);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(migrations_apply_once_and_in_order),
		CASE(a_changed_or_inserted_migration_is_refused),
		CASE(a_migration_that_fails_leaves_nothing),
		CASE(migrators_take_turns),
		CASE(a_busy_lock_is_waited_for_in_vain_only_so_long),
		CASE(a_program_without_migrations_says_so),
		CASE(every_statement_fits_the_migrated_schema),
	};

	return cmocka_run_group_tests_name("store", tests, setup_group, teardown_group);
}
