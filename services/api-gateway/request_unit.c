/* A request's units in Postgres: sent, failed, mapped to an answer. */
#include <string.h>

#include "audit.h"
#include "idempotency.h"
#include "request.h"
#include "route.h"
#include "store_gen.h"
#include "sys/log.h"
#include "sys/random.h"

#define SQLSTATE_UNEXPECTED "BF010" /* of expect() */
#define LOOKS_MAX 5

const struct uuid requests_readers = { "readers" };

struct pg_unit *req_read(struct req *r)
{
	ASSERT(r->unit == NULL);
	r->unit = pg_unit_new();
	r->has_guard = false;
	r->n_kept = 0;
	r->on_unit_failed = NULL;
	return r->unit;
}

struct pg_unit *req_effect(struct req *r)
{
	struct pg_unit *u = req_read(r);
	if (r->idem_key.p != NULL) {
		r->has_guard = true;
		r->n_kept++;
		add_api_idempotency_begin(
			u, &(struct api_idempotency_begin_args){
				   .workspace_id = r->who.workspace_id, .key = r->idem_key });
	}
	return u;
}

static struct str seal(struct req *r, struct str body)
{
	struct strbuf sealed;
	uint8_t nonce[SECRETBOX_NONCE];
	random_bytes(nonce, sizeof(nonce));
	strbuf_init(&sealed, 2 * SECRETBOX_PLAIN_MAX);
	struct err e = secretbox_seal(r->app->box, idempotency_identity(r), body, nonce, &sealed);
	ASSERT(!is_err(e)); /* answers with secrets are far below SECRETBOX_PLAIN_MAX */
	struct str text = arena_str(r->arena, strbuf_str(&sealed));
	strbuf_deinit(&sealed);
	return text;
}

void req_effect_keep(struct req *r, int status, bool is_secret)
{
	if (r->idem_key.p == NULL)
		return;
	struct str body = strbuf_str(&r->out);
	r->n_kept++;
	add_api_idempotency_put(r->unit,
				&(struct api_idempotency_put_args){
					.workspace_id = r->who.workspace_id,
					.key = r->idem_key,
					.request_hash = { (const char *)r->idem_hash, SHA256_SIZE },
					.status = status,
					.body = is_secret ? seal(r, body) : body,
					.is_sealed = is_secret });
}

static void on_unit(struct err e, const struct pg_unit *u, void *arg)
{
	struct req *r = arg;
	req_unit_fn fn = r->on_unit, failed = r->on_unit_failed;
	loop_refresh_time(r->app->loop);
	if (!is_err(e)) {
		fn(r, u);
		return;
	}
	if (r->has_guard && idempotency_lost(r, u))
		return;
	if (failed != NULL && pg_unit_sqlstate(u)[0] != '\0') {
		failed(r, u);
		return;
	}
	req_fail_unit(r, u, e);
}

void req_makes(struct req *r, enum id_kind kind, struct uuid id)
{
	r->made_kind = kind;
	r->made_id = id;
}

struct err requests_submit(struct app *app, struct pg_unit *u, pg_done_fn done, void *arg)
{
	if (pg_pool_is_ready(app->pg))
		return pg_submit(app->pg, u, done, arg);
	pg_unit_free(u);
	return ERR(ERR_UNAVAILABLE, "the database is away");
}

void req_fail_submit(struct req *r, struct err e)
{
	if (e.code == ERR_UNAVAILABLE)
		req_fail(r, PROBLEM_UNAVAILABLE, "The database is away. Nothing was changed.");
	else
		req_fail(r, e.code == ERR_OVERLOADED ? PROBLEM_OVERLOADED : PROBLEM_UNAVAILABLE,
			 "Too many requests wait for the database. Nothing was changed.");
}

/* Effects share with those of their own workspace only: its requests are sent again when one of them
 * is refused, and its events are numbered under a lock, which a transaction of several would take in
 * any order. */
static struct uuid company(const struct req *r)
{
	if (!r->route->is_brief)
		return UUID_NIL;
	return pg_unit_writes(r->unit) == 0 ? requests_readers : r->who.workspace_id;
}

void req_submit(struct req *r, req_unit_fn fn)
{
	audit_add(r);
	pg_unit_share(r->unit, company(r));
	struct pg_unit *u = r->unit;
	r->unit = NULL;
	r->on_unit = fn;
	struct err e = requests_submit(r->app, u, on_unit, r);
	if (is_err(e))
		req_fail_submit(r, e);
}

static void on_unexpected(struct req *r, const struct pg_unit *u)
{
	if (strcmp(pg_unit_sqlstate(u), SQLSTATE_UNEXPECTED) == 0 && r->n_looks++ < LOOKS_MAX)
		r->look_again(r);
	else
		req_fail_unit(r, u, ERR(ERR_CONFLICT, "the unit was refused"));
}

void req_submit_expecting(struct req *r, req_fn again, req_unit_fn fn)
{
	r->look_again = again;
	r->on_unit_failed = on_unexpected;
	req_submit(r, fn);
}

const struct pg_result *req_result(const struct req *r, const struct pg_unit *u, size_t i)
{
	return pg_unit_result(u, i + (r->has_guard ? 1 : 0));
}

/* What a violated constraint means to a caller. */
static const struct {
	const char *constraint;
	enum problem_code code;
	const char *pointer, *detail;
} meanings[] = {
	{ "number_owner", PROBLEM_NUMBER_TAKEN, "e164", "This number is in use already." },
	{ "number_workspace_id_trunk_id_fkey", PROBLEM_NOT_FOUND, "trunk_id",
	  "There is no such trunk in this workspace." },
	{ "campaign_workspace_id_agent_id_fkey", PROBLEM_NOT_FOUND, "agent_id",
	  "There is no such agent in this workspace." },
	{ "campaign_workspace_id_number_id_fkey", PROBLEM_NUMBER_NOT_OWNED, "from_number",
	  "This number does not belong to this workspace." },
};

static bool fail_by_constraint(struct req *r, const struct pg_unit *u)
{
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
		if (strcmp(pg_unit_constraint(u), meanings[i].constraint) != 0)
			continue;
		struct problem p = { .code = meanings[i].code, .detail = meanings[i].detail };
		req_fault(r, "", meanings[i].pointer, problem_name(p.code), p.detail);
		p.faults = r->faults;
		req_fail_with(r, &p);
		return true;
	}
	return false;
}

void req_fail_unit(struct req *r, const struct pg_unit *u, struct err e)
{
	const char *state = pg_unit_sqlstate(u);
	if (fail_by_constraint(r, u))
		return;
	log_warn("unit_failed", LS("request_id", r->request_id), LERR(e), LS("sqlstate", state),
		 LS("constraint", pg_unit_constraint(u)), LS("message", pg_unit_message(u)));
	if (strncmp(state, "22", 2) == 0) {
		req_fail(r, PROBLEM_VALIDATION_ERROR,
			 "A value in the request is beyond what can be stored.");
	} else if (strncmp(state, "40", 2) == 0 || strncmp(state, "57", 2) == 0 ||
		   strncmp(state, "53", 2) == 0 || strcmp(state, SQLSTATE_UNEXPECTED) == 0) {
		req_fail(r, PROBLEM_UNAVAILABLE,
			 "The database could not do this now. Nothing was changed.");
	} else if (state[0] != '\0') {
		req_fail(r, PROBLEM_INTERNAL, "Something went wrong. Nothing was changed.");
	} else if (e.code == ERR_OVERLOADED) {
		req_fail(r, PROBLEM_OVERLOADED,
			 "Too many requests wait for the database. Nothing was changed.");
	} else {
		req_fail(r, PROBLEM_UNAVAILABLE,
			 "The connection to the database was lost: the effect is not known.");
	}
}
