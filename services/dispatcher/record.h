/* Writes what became of attempts: conversations that began and attempts that ended, in batches, one
 * transaction at a time, with counters and events in the same one. Only then is the dialer told
 * that its word was taken. What could not be written is written again; the statements change
 * nothing twice. */
#ifndef DISPATCHER_RECORD_H
#define DISPATCHER_RECORD_H

#include "app.h"

struct attempt;
struct link;

struct records *records_new(struct app *app);
void records_free(struct records *rs);
void record_bridge(struct records *rs, struct attempt *a);
void record_end(struct records *rs, struct attempt *a);
/* A terminal event of an attempt that is not held here: acknowledged if it is in the books. */
void record_stray(struct records *rs, struct link *l, struct uuid attempt_id, int64_t seq);
/* More wait than a few transactions take: nothing new is claimed until they are fewer. */
bool records_are_behind(const struct records *rs);
bool records_are_idle(const struct records *rs);

#endif
