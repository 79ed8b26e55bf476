/* What agents, numbers, trunks and webhook endpoints have in common: a statement that reads a page of
 * them or one, and a function that renders a row. */
#ifndef BELFRY_API_GATEWAY_CRUD_H
#define BELFRY_API_GATEWAY_CRUD_H

#include "page.h"
#include "request.h"

struct crud {
	enum id_kind kind;
	/* Adds the reading statement to r->unit; id nil = all. */
	void (*add_read)(struct req *r, struct uuid id, struct uuid before, int64_t most);
	/* Writes a row as an object and returns its id. */
	struct uuid (*render)(struct req *r, struct json_out *j, const struct pg_result *rows,
			      size_t i);
	/* After a change of r->ids[0] was committed; may be NULL. */
	void (*after_patch)(struct req *r, const struct pg_result *rows);
};

void crud_list(struct req *r, const struct crud *c);
void crud_get(struct req *r, const struct crud *c);
/* r->unit holds the UPDATE: adds the reading of what came of it, and answers with that or 404. */
void crud_patch(struct req *r, const struct crud *c);
/* r->unit holds an INSERT; the answer is in r->out, as JSON of the new object. Its secret, if it
 * shows one, is kept sealed under the idempotency key. */
void crud_create(struct req *r, const struct crud *c, struct uuid id, bool is_secret);
/* r->unit holds a DELETE that tells whether it found and deleted; `in_use` explains a refusal. */
void crud_delete(struct req *r, const char *in_use);

#endif
