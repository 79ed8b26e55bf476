/* Election: SET NX PX on one key, value-checked renewal every third of the TTL. It only elects; the
 * epoch in Postgres is what protects (store: leader_take). Steps down by the monotonic clock,
 * counted from before the last successful renewal was sent. */
#ifndef BELFRY_QUEUE_LEADER_LOCK_H
#define BELFRY_QUEUE_LEADER_LOCK_H

#include "base/uuid.h"
#include "redis/redis.h"

struct leader_lock;

struct leader_lock_options {
	const char *name; /* "scheduler" */
	struct uuid holder;
	usec_t ttl_us; /* 5 s */
	void (*on_won)(void *arg);
	void (*on_lost)(void *arg); /* also when the connection outlives the TTL without renewal */
	void *arg;
};

struct leader_lock *leader_lock_new(struct loop *l, struct redis *r,
				    const struct leader_lock_options *o);
bool leader_lock_is_held(const struct leader_lock *k); /* by the clock, now */
void leader_lock_release(struct leader_lock *k);       /* gives it up at once, for a drain */
void leader_lock_free(struct leader_lock *k);

#endif
