/* The partitions of what is finished, by time: made ahead, dropped whole once they are older than what
 * is kept and nothing open or owed needs them (proto/schema/0017_history_partitions.sql). Each is made or
 * dropped by one statement, a transaction under the leader's epoch: whoever dies in the middle has done
 * nothing, and of two who do it at once the second finds it done. */
#ifndef SCHEDULER_HISTORY_H
#define SCHEDULER_HISTORY_H

#include "app.h"

struct history;

struct history *history_new(struct app *app);
void history_free(struct history *h);
/* Soon, not only when the time has come: this process leads now. */
void history_look(struct history *h);

#endif
