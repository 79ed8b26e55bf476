/* This incarnation among the living senders: its lease, and who else is there. The row in
 * webhook_sender is the truth: who finds its row gone has been judged dead and begins anew under
 * another id. Others judge a sender only one lease after their own connection to Postgres came
 * back, so that an outage of Postgres is not taken for theirs. */
#ifndef BELFRY_WEBHOOK_SENDER_REGISTRY_H
#define BELFRY_WEBHOOK_SENDER_REGISTRY_H

#include "base/err.h"
#include "base/uuid.h"
#include "loop/loop.h"

struct app;

#define REGISTRY_LEASE_US (5 * USEC_PER_SEC)
#define REGISTRY_BEAT_US USEC_PER_SEC
#define REGISTRY_SENDERS_MAX 1000

struct registry {
	struct uuid id; /* of this incarnation */
	bool is_entered;
	bool is_asking; /* a unit is on its way */
	bool is_left;
	usec_t mono_asked_at, mono_lease_until;
	struct timer *beat;
	struct uuid senders[REGISTRY_SENDERS_MAX]; /* those that take endpoints, oldest first */
	size_t n_senders;
};

void registry_start(struct app *app);
void registry_deinit(struct app *app);
/* By the clock, now: may this incarnation claim and send? */
bool registry_is_alive(const struct app *app);
/* Whether an endpoint belongs to this sender, as far as it knows the others. */
bool registry_is_ours(const struct app *app, struct uuid endpoint_id);
/* Tells the others at once that this sender drains. */
void registry_tell_draining(struct app *app);
/* Strikes this sender off; then the loop stops. */
void registry_leave(struct app *app);

#endif
