/* Reads of one object by its id. Those of one kind in one workspace that come in the same turn of the
 * loop become one statement over all their ids, which costs Postgres and us little more than one of
 * them did. Nothing is kept: each request is answered from a row that was read after it came. */
#ifndef BELFRY_API_GATEWAY_GATHER_H
#define BELFRY_API_GATEWAY_GATHER_H

#include "pg/pg_codec.h"
#include "request.h"

struct gather;

struct gather_kind {
	/* Adds the statement that reads these objects, as many rows as exist, each with its id in the
	 * first column. */
	void (*add)(struct pg_unit *u, struct uuid workspace_id, struct pg_array ids);
	/* Answers with row i. */
	void (*reply)(struct req *r, const struct pg_result *rows, size_t i);
};

struct gather *gather_new(struct app *app);
void gather_free(struct gather *g);

/* Answers with the object of r->ids[0], or 404. */
void gather_read(struct req *r, const struct gather_kind *k);

#endif
