/* What is old goes: events, finished deliveries with their attempts, answers under idempotency keys.
 * Bounded batches, one after another; deleting twice changes nothing, so no epoch is needed. */
#ifndef SCHEDULER_RETENTION_H
#define SCHEDULER_RETENTION_H

#include "app.h"

struct retention;

struct retention *retention_new(struct app *app);
void retention_free(struct retention *r);

#endif
