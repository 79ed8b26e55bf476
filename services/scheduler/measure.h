/* What the scheduler counts: its own work, and, while it leads, how much waits in the due streams and
 * in the outbox. */
#ifndef SCHEDULER_MEASURE_H
#define SCHEDULER_MEASURE_H

#include "app.h"

struct measures;

/* Opens the operators' port too. */
struct err measures_open(struct app *app) MUST_USE;
void measures_close(struct app *app);

/* The process took the lead. */
void measure_lead(struct measures *ms);
/* Every campaign was looked at. */
void measure_pass(struct measures *ms);
/* A batch of a line was planned, in so much time. */
void measure_made(struct measures *ms, int64_t calls, usec_t took_us);
/* Occurrences of recurring campaigns were planned. */
void measure_expanded(struct measures *ms, int64_t calls);
/* Entries were appended to the streams by the feeder. */
void measure_fed(struct measures *ms, size_t n);
/* Entries of dead dispatchers were put back. */
void measure_requeued(struct measures *ms, int64_t n);
/* An attempt that nobody could ask about was judged. */
void measure_orphaned(struct measures *ms, bool is_uncertain);
/* A partition of history was made, or dropped. */
void measure_history(struct measures *ms, bool is_made);
/* One could not be: the table was in use, or worse. */
void measure_history_failed(struct measures *ms);
/* How long the partitions last from now on, where they end first; how many there are; how many of them
 * are past their time and needed. */
void measure_history_state(struct measures *ms, usec_t left_us, int64_t spans, int64_t kept);

#endif
