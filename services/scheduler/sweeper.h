/* Finds what fell through: calls that are overdue and in nobody's hands (Redis lost its memory, a
 * cursor moved past a late commit), the entries of dead dispatchers, and attempts that nobody could
 * adopt. Bounded in each run. */
#ifndef SCHEDULER_SWEEPER_H
#define SCHEDULER_SWEEPER_H

#include "app.h"

struct sweeper *sweeper_new(struct app *app);
void sweeper_free(struct sweeper *s);
/* Looks at everything overdue again, from the oldest: a campaign dials again whose calls were passed
 * over, or this process leads anew. */
void sweeper_rewind(struct sweeper *s);

#endif
