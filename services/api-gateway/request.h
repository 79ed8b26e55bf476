/* One request on its way through the gateway: what the route and the key said about it, its body,
 * its unit in Postgres, and its one answer. It lives in the HTTP request's arena and ends with the
 * answer; every road through a handler ends in exactly one req_reply or req_fail. */
#ifndef BELFRY_API_GATEWAY_REQUEST_H
#define BELFRY_API_GATEWAY_REQUEST_H

#include "app.h"
#include "auth.h"
#include "http/http_server.h"
#include "pg/pg.h"
#include "problem.h"
#include "wire/trace.h"
#include "json/json_in.h"
#include "json/json_out.h"

#define REQUEST_ID_MAX 64
#define REQUEST_IDS_MAX 2
/* Of an answer: a page of 200 rows with all their texts at their limits stays below. */
#define RESPONSE_MAX ((size_t)32 * 1024 * 1024)

struct req;
struct route;

typedef void (*req_fn)(struct req *r);
/* The unit's results, borrowed until it returns. */
typedef void (*req_unit_fn)(struct req *r, const struct pg_unit *u);

struct req {
	struct app *app;
	struct http_request *http;
	struct arena *arena;
	const struct route *route;
	usec_t mono_began;
	usec_t now; /* Postgres' clock */
	char request_id[REQUEST_ID_MAX + 1];
	struct trace trace;
	struct uuid span;              /* of the request in that trace */
	bool has_trace;                /* the caller named it; else it is our own */
	uint8_t key_hash[SHA256_SIZE]; /* of what was shown: an API key, or a session's cookie */
	bool has_cookie;
	struct principal who;
	struct uuid ids[REQUEST_IDS_MAX]; /* of the path, in their order */
	bool has_bad_id;                  /* one of them has no valid form: it cannot exist */
	struct json_doc *doc;             /* the body, parsed; an object */
	const struct json_value *body;
	struct json_faults *faults; /* NULL until the first */
	struct strbuf out;
	struct str idem_key; /* STR_NONE = none */
	uint8_t idem_hash[SHA256_SIZE];
	req_fn after_look;            /* once no answer is stored under it */
	const struct pg_unit *looked; /* of route.prepare; until the handler returns */
	struct pg_unit *unit;         /* being built */
	bool has_guard;               /* its first statement is the idempotency key's */
	size_t n_kept;                /* its statements that only serve the idempotency key */
	struct uuid made_id;          /* the object that the request makes; nil = none */
	enum id_kind made_kind;
	struct uuid audit_id; /* of its line in the audit trail; nil = not yet */
	req_unit_fn on_unit;
	req_unit_fn on_unit_failed; /* may answer; NULL = the general mapping */
	req_fn look_again;          /* of req_submit_expecting */
	unsigned n_looks;
	void *state; /* the handler's own, in the arena */
};

/* --- answers ------------------------------------------------------------------------------ */

/* What every answer has, also one in pieces: the request's id, its trace, nosniff. */
void req_reply_headers(struct req *r);
void req_fail(struct req *r, enum problem_code code, const char *detail);
void req_fail_with(struct req *r, struct problem *p); /* fills in instance and request id */
void req_not_found(struct req *r);
void req_fail_scope(struct req *r, enum scope missing);
/* 402: the workspace has no seconds of conversation left. */
void req_fail_credit(struct req *r);
/* 422 with the faults collected; its code is theirs when all have the same. */
void req_fail_validation(struct req *r);

/* JSON into r->out, then req_reply_json. */
void req_json(struct req *r, struct json_out *j);
void req_reply_json(struct req *r, int status);
void req_reply(struct req *r, int status, const char *content_type, struct str body);
/* 200, or 304 without a content type, of what anybody may keep as `cache_control` says. */
void req_reply_public(struct req *r, const char *content_type, struct str body,
		      const char *cache_control);
/* 201 with the Location of the new object. */
void req_reply_created(struct req *r, enum id_kind kind, struct uuid id);

/* --- input --------------------------------------------------------------------------------- */

struct json_faults *req_faults(struct req *r);
void req_fault(struct req *r, const char *base, const char *key, const char *code,
	       const char *detail);
bool req_has_faults(const struct req *r);
/* Decodes the body by the table; faults are collected, unknown members are faults. */
void req_decode(struct req *r, const struct json_field *fields, size_t n, void *out);
/* Whether the Content-Type is this one, whatever its parameters. */
bool req_content_is(struct req *r, const char *type);
/* The text as JSON into r->body, any value; false when it has answered. */
bool req_parse(struct req *r, struct str text);
/* A member that must be there, whatever it holds. */
void req_require(struct req *r, const char *key);
/* Canonical text of an object, in the arena; STR_NONE for NULL. Larger than `max` is a fault. */
struct str req_object_text(struct req *r, const struct json_value *v, const char *key, size_t max);
/* A query parameter that is one of `words`; another is a fault. STR_NONE when absent. */
struct str req_query_word(struct req *r, const char *name, const char *const *words, size_t n);
/* A text parameter of at least so many characters (and at most 200 bytes). */
struct str req_query_text(struct req *r, const char *name, size_t min_chars);
/* A fault of a query parameter. */
void req_query_fault(struct req *r, const char *name, const char *detail);
/* The same with a code of its own, "validation_error" otherwise. */
void req_query_fault_as(struct req *r, const char *name, const char *code, const char *detail);
/* For LIKE: %text% with its own wildcards escaped; STR_NONE stays. */
struct str req_like(struct req *r, struct str text);

/* --- Postgres ------------------------------------------------------------------------------ */

/* Begins a unit, or one with an effect that carries the idempotency key. In both req_submit adds the
 * line of the audit trail where a statement may change rows. */
struct pg_unit *req_read(struct req *r);
struct pg_unit *req_effect(struct req *r);
/* Stores the answer in r->out (status, JSON) under the key, if there is one, as the unit's last
 * statement. */
void req_effect_keep(struct req *r, int status, bool is_secret);
/* Names the object that the unit makes, before req_submit: the audit trail's subject. */
void req_makes(struct req *r, enum id_kind kind, struct uuid id);
/* Sends r->unit. fn gets the results; failures are answered. */
void req_submit(struct req *r, req_unit_fn fn);
/* The same for a unit that expects something to be as it was read (expect() of the schema): where it
 * is not, `again` reads anew, a few times. */
void req_submit_expecting(struct req *r, req_fn again, req_unit_fn fn);
/* The i-th result of the handler's own statements. */
const struct pg_result *req_result(const struct req *r, const struct pg_unit *u, size_t i);
/* What brief reads share a transaction by (pg_unit_share). */
extern const struct uuid requests_readers;
/* A unit of several requests: pg_submit, but for ERR_UNAVAILABLE while there is no database. On failure
 * each of them is answered by req_fail_submit. */
struct err requests_submit(struct app *app, struct pg_unit *u, pg_done_fn done, void *arg) MUST_USE;
void req_fail_submit(struct req *r, struct err e);
/* Answers a failed unit by the general mapping. */
void req_fail_unit(struct req *r, const struct pg_unit *u, struct err e);

#endif
