/* The incarnation's lease in Postgres, and the adoption of what dead incarnations left open.
 *
 * A dispatcher whose lease lapsed holds nothing any more: the scheduler puts its entries back, live
 * dispatchers adopt its attempts. When it comes to itself it starts over as a new incarnation. While it
 * lives it adopts its own that it does not know, however that came about, 10 to 20 s after the claim. */
#ifndef DISPATCHER_LEASE_H
#define DISPATCHER_LEASE_H

#include "app.h"

/* Registers as soon as Postgres is there; then calls app_begin, renews and adopts. */
struct lease *lease_new(struct app *app);
void lease_free(struct lease *l);
/* Ends the lease now, so that others adopt at once; done fires when Postgres has it. */
void lease_leave(struct lease *l, loop_fn done, void *arg);

#endif
