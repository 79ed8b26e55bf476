/* Takes entries from the due streams, merges them by call, and lets each go to its lane at its
 * instant: never before, and in the order of instants. */
#ifndef DISPATCHER_INTAKE_H
#define DISPATCHER_INTAKE_H

#include "app.h"
#include "call.h"

/* A little more than the scheduler's horizon: what is given an instant sooner than this the
 * scheduler does not feed any more. */
#define INTAKE_HORIZON_US (12 * USEC_PER_SEC)

struct intake *intake_new(struct app *app);
void intake_free(struct intake *in);

void intake_take(struct intake *in, const struct due_entry *e, const struct due_ticket *t);
/* How many more entries may be read now. */
size_t intake_room(const struct intake *in);
size_t intake_count(const struct intake *in);

/* The call is settled for this dispatcher: acknowledges its entry and forgets it. */
void intake_settle(struct intake *in, struct call *c);
/* The call has another instant now, and its own: waits for it here, or, if that is so late that the
 * scheduler feeds it anew, is settled. */
void intake_postpone(struct intake *in, struct call *c, usec_t due_at);
/* Drops what a pause, cancel or skip made moot. */
void intake_drop_campaign(struct intake *in, struct uuid campaign_id);
void intake_drop_call(struct intake *in, struct uuid call_id);

#endif
