/* Idempotency-Key: the answer to a POST is stored in the transaction of its effect, and given again
 * to whoever repeats it within 24 hours. */
#ifndef BELFRY_API_GATEWAY_IDEMPOTENCY_H
#define BELFRY_API_GATEWAY_IDEMPOTENCY_H

#include "request.h"

/* Reads the header; looks for a stored answer and gives it, else calls `next`. */
void idempotency_check(struct req *r, req_fn next);
/* A unit failed at the guard or at storing its answer: another request under the same key is in
 * flight, or was first. True when this was so; then it answers. */
bool idempotency_lost(struct req *r, const struct pg_unit *u);
/* The text under which a secret answer of this key is sealed. */
struct str idempotency_identity(struct req *r);

#endif
