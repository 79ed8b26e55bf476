/* Records what became of items, in batches: outcomes, deliveries given back, and what the attempts
 * said about their endpoints. One unit is one commit. An item stays in hand until its unit has
 * committed. What Postgres could not take is tried again until it can; what others have taken over
 * meanwhile it leaves alone. */
#ifndef BELFRY_WEBHOOK_SENDER_RECORD_H
#define BELFRY_WEBHOOK_SENDER_RECORD_H

#include "base/list.h"
#include "loop/loop.h"

struct app;
struct item;
struct owed_range;

#define RECORD_UNITS 2   /* on their way at a time */
#define RECORD_BATCH 256 /* items in one unit */
/* So long an outcome waits for others at most: a commit costs the server the same for one row as for
 * two hundred. Under full load a batch fills up sooner. */
#define RECORD_LINGER_US (20 * USEC_PER_MS)
/* So long a range that is done with waits for outcomes whose commit deletes it too. */
#define RECORD_CLOSE_LINGER_US USEC_PER_SEC
#define RECORD_RETRY_US (200 * USEC_PER_MS)

struct record {
	struct list pending;
	struct list closing; /* ranges to delete */
	size_t limit;        /* items in the next unit */
	int units;
	struct timer *timer;
	bool is_due; /* what is pending has lingered long enough */
	bool is_close_due;
	struct timer *close_timer;
	bool is_waiting; /* for a retry after a failure */
	int64_t n_delivered, n_failed, n_dead, n_given_back;
};

void record_init(struct app *app);
void record_deinit(struct app *app);
/* Takes the item, with its result set. */
void record_add(struct app *app, struct item *it);
/* Takes the range, of which everything is recorded: deletes it with the next outcomes, or soon. */
void record_close(struct app *app, struct owed_range *range);
/* An endpoint leaves: what is to be deleted is deleted now. */
void record_hurry(struct app *app);

#endif
