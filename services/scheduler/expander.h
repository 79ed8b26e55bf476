/* Turns the occurrences of recurring campaigns into calls, an hour ahead and a pass more: every
 * BELFRY_PASS_S, and at once when a campaign changed. Plans are found by the index on their next
 * occurrence, a page at a time, the oldest first; nothing of a campaign stays in memory.
 *
 * A page is one transaction under the leader's epoch. It writes nothing of a campaign whose plan is
 * not as it was read, so a repeated pass, another leader and an edit that comes between do no harm.
 * A pass that has much to do ends after a second. The next one goes on: at once where something is
 * due within minutes, else when its time has come. */
#ifndef SCHEDULER_EXPANDER_H
#define SCHEDULER_EXPANDER_H

#include "app.h"

struct expander *expander_new(struct app *app);
void expander_free(struct expander *e);
/* Something changed that a pass should look at now. */
void expander_look(struct expander *e);

#endif
