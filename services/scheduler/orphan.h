/* Attempts whose dispatcher is dead and whose dialer nobody could reach for a while: uncertain, or,
 * where a conversation had begun, completed as lost. Never right after Postgres came back: the
 * leases could not be renewed while it was away. */
#ifndef SCHEDULER_ORPHAN_H
#define SCHEDULER_ORPHAN_H

#include "app.h"

/* After Postgres was away, nobody's lease is judged for this long. */
#define SWEEPER_PATIENCE_US (6 * USEC_PER_SEC)

struct orphans;
struct orphans *orphans_new(struct app *app);
void orphans_free(struct orphans *o);

#endif
