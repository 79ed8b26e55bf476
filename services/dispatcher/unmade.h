/* Calls that the claim refused for good, or for long: those that are too late, suppressed or without
 * credit, and those that met a closed calling window. The first end, each with its outcome. Of the
 * others those of a bulk campaign are due again when the window opens; where it never does, and in a
 * recurring campaign, whose next occurrence comes anyway, they end as `expired` too. In batches, one
 * transaction at a time. */
#ifndef DISPATCHER_UNMADE_H
#define DISPATCHER_UNMADE_H

#include "app.h"
#include "call.h"

struct unmade *unmade_new(struct app *app);
void unmade_free(struct unmade *um);

/* A call in state CALL_CLAIMING, no longer in a claim, that ends without being dialed. */
void unmade_add_ended(struct unmade *um, struct call *c, enum outcome ends_as);
/* Closed: opens_at says when it is due again; USEC_NEVER ends it. */
void unmade_add_closed(struct unmade *um, struct call *c);
/* More wait than a few transactions take: nothing new is claimed until they are fewer. */
bool unmade_is_behind(const struct unmade *um);

#endif
