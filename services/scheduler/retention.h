/* What is old goes, as far as it goes row by row: answers under idempotency keys, traces, and what of the
 * finished stands in no partition of its own time (see history.h). Bounded batches, one after another; deleting twice changes nothing, so no epoch is needed. */
#ifndef SCHEDULER_RETENTION_H
#define SCHEDULER_RETENTION_H

#include "app.h"

struct retention;

struct retention *retention_new(struct app *app);
void retention_free(struct retention *r);

#endif
