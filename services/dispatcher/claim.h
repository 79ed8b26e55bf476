/* Claims calls that have tokens, in batches, one transaction at a time: all that gathers while one
 * is on its way goes into the next, so the batch grows with the load by itself. */
#ifndef DISPATCHER_CLAIM_H
#define DISPATCHER_CLAIM_H

#include "app.h"
#include "call.h"

struct claims *claims_new(struct app *app);
void claims_free(struct claims *cs);

void claim_add(struct claims *cs, struct call *c); /* in state CALL_GRANTED from now */
/* How many more calls make sense before the claim on its way has answered. */
size_t claim_room(const struct claims *cs);
bool claims_are_idle(const struct claims *cs);

#endif
