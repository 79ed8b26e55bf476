/* The transaction that records a batch, as arrays: building it and reading its sums. */
#ifndef DISPATCHER_RECORD_UNIT_H
#define DISPATCHER_RECORD_UNIT_H

#include "app.h"
#include "store_gen.h"

#define RECORD_BATCH_MAX 400

struct attempt;

struct record_batch {
	struct attempt *bridges[RECORD_BATCH_MAX];
	struct attempt *ends[RECORD_BATCH_MAX];
	size_t n_bridges, n_ends;
	size_t held_at, bridged_at, ended_at; /* results in the unit; SIZE_MAX = not in it */
};

void record_unit_build(struct pg_unit *u, const struct app *app, struct record_batch *b);
int64_t record_unit_deliveries(const struct pg_unit *u, const struct record_batch *b);

#endif
