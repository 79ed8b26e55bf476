/* Waiting for an answer that nothing tells this process of: a row that a dispatcher or a sender will
 * change. The handler looks, soon at first and then less often, until the answer is there or the wait
 * is over. What is waited for has an id, which also stands under the idempotency key: a repetition
 * waits for the same.
 *
 *   wait_new, the unit that asks with wait_keep in it, wait_begin once that has committed;
 *   then plan->look reads, and its callback answers, or calls wait_on while !wait_is_over.
 *
 * r->state is the wait from wait_new on. A request that waits holds no connection to Postgres. */
#ifndef BELFRY_API_GATEWAY_WAIT_H
#define BELFRY_API_GATEWAY_WAIT_H

#include "request.h"

struct wait_plan {
	usec_t most_us;           /* how long it may take */
	usec_t first_us, step_us; /* until the first look; between two, at most */
	req_fn look;              /* submits a read of wait_id */
};

/* Sets r->state. The plan stays the caller's, and must outlive the request. */
void wait_new(struct req *r, const struct wait_plan *plan, struct uuid id);
struct uuid wait_id(const struct req *r);
/* Adds to r->unit, which has an effect: under the idempotency key stands what is waited for. */
void wait_keep(struct req *r);
/* The time begins to run. */
void wait_begin(struct req *r);
void wait_on(struct req *r);
/* The deadline has passed, or this process ends. */
bool wait_is_over(const struct req *r);

/* A request that was asked under its key before: waits for what that one waits for. */
void wait_replay(struct req *r, const struct wait_plan *plan);

#endif
