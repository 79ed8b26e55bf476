/* A unit collects statements, then results. It is freed after its callback, whichever way that
 * comes about; one whose caller lost interest stays on its connection until the sync. */
#include "pg/pg_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"

struct pg_unit *pg_unit_new(void)
{
	struct pg_unit *u = xcalloc(1, sizeof(*u));

	u->arena = arena_new();
	u->bad = OK;
	u->failure = OK;
	u->constraint = "";
	u->message = "";
	return u;
}

struct arena *pg_unit_arena(struct pg_unit *u)
{
	return u->arena;
}

void pg_unit_expect(struct pg_unit *u, size_t n)
{
	u->results = arena_array(u->arena, n, sizeof(*u->results));
	u->n_expected = n;
}

static void clear_results(struct pg_unit *u)
{
	for (size_t i = 0; i < u->n_results; i++)
		PQclear(u->results[i].res);
	u->n_results = 0;
	u->n_seen = 0;
}

void pg_unit_renew(struct pg_unit *u)
{
	clear_results(u);
	u->failure = OK;
	u->sqlstate[0] = '\0';
	u->constraint = "";
	u->message = "";
}

void pg_unit_free(struct pg_unit *u)
{
	if (u == NULL)
		return;
	clear_results(u);
	arena_free(u->arena);
	free(u->calls);
	free(u);
}

/* --- results -------------------------------------------------------------------------------- */

struct sqlstate_rule {
	const char *prefix;
	enum err_code code;
	const char *what;
};

/* First match. ERR_UNAVAILABLE alone leaves the effect unknown; the codes here are certain that
 * there was none, save where the server goes away. */
static const struct sqlstate_rule sqlstate_rules[] = {
	{ "23", ERR_CONFLICT, "a constraint of the database refused it" },
	{ "40001", ERR_OVERLOADED, "the transaction lost against another one" },
	{ "40P01", ERR_OVERLOADED, "the transaction lost a deadlock" },
	{ "57014", ERR_TIMEOUT, "the database cancelled a statement that took too long" },
	{ "55P03", ERR_TIMEOUT, "a lock was not to be had in time" },
	{ "57P", ERR_UNAVAILABLE, "the database is going away" },
	{ "25006", ERR_UNAVAILABLE, "the database is read-only: a standby" },
	{ "26000", ERR_UNAVAILABLE, "the session lost its prepared statements" },
	{ "0A000", ERR_UNAVAILABLE, "a prepared statement no longer fits the schema" },
	{ "53", ERR_OVERLOADED, "the database is out of resources" },
	{ "22", ERR_INVALID, "the database refused a value" },
	{ "42501", ERR_DENIED, "the database role lacks a right" },
	{ "", ERR_INTERNAL, "a statement failed" },
};

static struct err classify(const char *sqlstate)
{
	const struct sqlstate_rule *r = sqlstate_rules;

	while (!str_starts(str_from(sqlstate), str_from(r->prefix)))
		r++; /* the last one matches all */
	return ERR(r->code, r->what);
}

static const char *copy_field(struct pg_unit *u, const PGresult *res, int field)
{
	const char *text = PQresultErrorField(res, field);

	return text == NULL ? "" : arena_cstr(u->arena, str_from(text));
}

static void note_failure(struct pg_unit *u, const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	if (is_err(u->failure))
		return;
	/* Class 08 is a pooler's word for a server that it lost: what became of the unit it cannot
	 * know either. */
	bool is_lost = state != NULL && strncmp(state, "08", 2) == 0;
	if (is_lost || state == NULL || strlen(state) != sizeof(u->sqlstate) - 1) {
		u->failure = ERR(ERR_UNAVAILABLE, "the connection to the database broke");
		u->message = arena_cstr(u->arena, str_from(PQresultErrorMessage(res)));
		return;
	}
	memcpy(u->sqlstate, state, sizeof(u->sqlstate));
	u->failure = classify(u->sqlstate);
	u->constraint = copy_field(u, res, PG_DIAG_CONSTRAINT_NAME);
	u->message = copy_field(u, res, PG_DIAG_MESSAGE_PRIMARY);
}

/* The decoders trust the declared types, so what arrives is held against them first. */
static bool fits(const struct pg_stmt *s, const PGresult *res)
{
	if (PQnfields(res) != s->n_columns)
		return false;
	for (int i = 0; i < s->n_columns; i++) {
		if (PQftype(res, i) != s->column_oids[i])
			return false;
	}
	return true;
}

void pg_unit_take_result(struct pg_unit *u, PGresult *res)
{
	ExecStatusType status = PQresultStatus(res);

	u->n_seen++;
	if (status == PGRES_FATAL_ERROR)
		note_failure(u, res);
	bool is_good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
	if (!is_good || u->n_results == u->n_expected) {
		if (is_good && !is_err(u->failure))
			u->failure = ERR(ERR_PROTOCOL, "the database sent more results than asked");
		PQclear(res);
		return;
	}
	if (u->n_calls > 0 && !fits(u->calls[u->n_results].stmt, res) && !is_err(u->failure)) {
		u->failure = ERR(ERR_INTERNAL, "a statement's columns are not the declared ones");
		u->message = u->calls[u->n_results].stmt->name;
	}
	u->results[u->n_results++].res = res;
}

const struct pg_result *pg_unit_result(const struct pg_unit *u, size_t i)
{
	ASSERT(i < u->n_results);
	return &u->results[i];
}

size_t pg_result_rows(const struct pg_result *r)
{
	return (size_t)PQntuples(r->res);
}

int64_t pg_result_affected(const struct pg_result *r)
{
	int64_t n = 0;

	/* Empty for commands that affect no rows, and then zero is right. */
	if (is_err(parse_i64(str_from(PQcmdTuples(r->res)), 0, INT64_MAX, &n)))
		return 0;
	return n;
}

const char *pg_unit_sqlstate(const struct pg_unit *u)
{
	return u->sqlstate;
}

const char *pg_unit_constraint(const struct pg_unit *u)
{
	return u->constraint;
}

const char *pg_unit_message(const struct pg_unit *u)
{
	return u->message;
}

/* --- the callback --------------------------------------------------------------------------- */

void pg_unit_fire(struct pg_unit *u, struct err e)
{
	pg_done_fn done = u->done;

	if (u->pool != NULL)
		list_remove(&u->pool->by_age, &u->age);
	u->done = NULL;
	if (done == NULL)
		return;
	if (u->pool != NULL)
		pg_pool_note_unit(u->pool, u, is_err(e) && e.code != ERR_CONFLICT);
	done(e, u, u->arg);
}

void pg_unit_finish(struct pg_unit *u, struct err e)
{
	u->state = PG_UNIT_DONE;
	pg_unit_fire(u, e);
	pg_unit_free(u);
}
