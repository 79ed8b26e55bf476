/* Ends things: campaigns that have nothing left to do, what a cancelled campaign still has
 * standing, and finished calls, which move to the archive. */
#ifndef SCHEDULER_FINISHER_H
#define SCHEDULER_FINISHER_H

#include "app.h"

struct finisher *finisher_new(struct app *app);
void finisher_free(struct finisher *f);
/* A campaign was cancelled. */
void finisher_look(struct finisher *f);

#endif
