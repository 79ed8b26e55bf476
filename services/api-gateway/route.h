/* The way in: a request finds its route, shows its key, passes the rate and the scope, has its body
 * read, and meets an answer stored under its idempotency key; then its handler runs. */
#ifndef BELFRY_API_GATEWAY_ROUTE_H
#define BELFRY_API_GATEWAY_ROUTE_H

#include "request.h"

enum route_body {
	BODY_IGNORED = 0,
	BODY_EMPTY,    /* none, or {} */
	BODY_OPTIONAL, /* none, or an object */
	BODY_OBJECT,
	BODY_CSV, /* text/csv, which the handler reads by itself */
	BODY_RAW  /* read whole; the handler judges it */
};

#define ROUTE_FILTERS_MAX 6

struct route {
	enum http_method method;
	const char *pattern; /* "/v1/campaigns/{cmp}/targets/{tgt}": ids by their prefix */
	enum scope scope;
	enum route_body body;
	req_fn handle;
	/* Query parameters that it takes. A list also takes limit and cursor, and its cursors are
	 * bound to the others. */
	bool is_list;
	const char *filters[ROUTE_FILTERS_MAX];
	bool needs_key; /* refused without an Idempotency-Key */
	/* Its units touch few rows, by their keys, and so go in one transaction with those of other
	 * requests that came in the same turn: reads with reads, effects with effects of the same
	 * workspace. */
	bool is_brief;
	/* What the audit trail calls it, "campaign.start"; NULL = it changes nothing. */
	const char *action;
	/* The change shows in other rows than the path's object's: each commit counts as one. */
	bool changes_others;
	/* Adds reads to the unit that looks for a stored answer, before it is known whether the handler
	 * runs; that one finds their results in r->looked, behind the first. It answers nothing. */
	req_fn prepare;
	/* Path of what it makes, where that is not its own; such an answer has a Location. */
	const char *made_at;
	/* Renders what an action stored under an idempotency key; NULL = it stored the body. */
	req_fn replay;
};

extern const struct route routes[]; /* ends with a NULL pattern */

const char *route_method_name(enum http_method m);

/* The server's handler. `arg` is the app. */
void route_request(struct http_request *http, void *arg);
/* The server's own answers, in the API's form. */
void route_problem(const struct http_violation *v, struct strbuf *body,
		   char request_id[HTTP_REQUEST_ID_SIZE], void *arg);
/* The most bytes of a body that its handler reads; 0 for the others. */
uint64_t route_stream_max(struct http_request *http, void *arg);
/* The last step of the way in, also for idempotency.c. */
void route_handle(struct req *r);

#endif
