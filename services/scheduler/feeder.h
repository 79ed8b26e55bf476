/* Appends calls that fall due within the horizon to the due streams, several times a second: those
 * in line by slot, those with an instant of their own by instant. Nothing is written to Postgres:
 * the cursors are in memory, the sweeper finds what they missed, and an entry that stands already
 * is not appended again. A campaign has no more entries in its stream than its tightest limit takes
 * within the horizon; a line that fell behind meanwhile is moved, not rushed. */
#ifndef SCHEDULER_FEEDER_H
#define SCHEDULER_FEEDER_H

#include "app.h"
#include "book.h"
#include "store_gen.h"

#define FEEDER_HORIZON_US (10 * USEC_PER_SEC)

struct feeder *feeder_new(struct app *app);
void feeder_free(struct feeder *f);
/* A new leader, or the streams were lost: everything due soon is fed again. */
void feeder_begin_again(struct feeder *f);
/* A campaign dials again: what of it falls due within the horizon was passed over. */
void feeder_rewind_due(struct feeder *f);

/* Entries of calls in line, and of calls with an instant of their own (rows of due_feed or of
 * recurring_due): for others too. */
void feeder_append_line(struct app *app, const struct pg_result *r, struct line *const *lines);
void feeder_append_due(struct app *app, const struct pg_result *r);
/* Are calls being dialed at more than a trickle? Then planning takes its time. */
bool feeder_is_busy(const struct app *app);

#endif
