/* The live bulk campaigns, as the last read of Postgres gave them, with the cursors of the feeder.
 * Read anew every few seconds, and one by one when the control stream names it. A new leader's
 * book is empty: every cursor is found again from the rows. */
#ifndef SCHEDULER_BOOK_H
#define SCHEDULER_BOOK_H

#include "app.h"
#include "base/list.h"

/* A bulk campaign's line: call `slot` is due at line_at + slot * 60 s / rate. */
struct line {
	struct uuid workspace_id, id, number_id;
	int shard;
	struct due_limits limits;
	usec_t limits_at;
	bool is_active;
	usec_t line_at;        /* USEC_NEVER = not set yet */
	int64_t next_slot;     /* of the next materialized target */
	int64_t position;      /* targets up to here are materialized */
	int64_t last_position; /* of the last appended target */
	int64_t feed_slot;     /* fed up to here; -1 = to be found */
	int64_t sweep_slot;    /* below it nothing is left in line */
	int64_t queued;        /* entries that stand in the due stream */
	bool is_starting;      /* its line is being set */
	struct list_node node; /* waits for the materializer */
	uint64_t seen;         /* generation of the last read that had it */
	usec_t campaign_at;    /* the version of the campaign that its hours are of */
	struct hours *hours;   /* NULL: it may dial at any time, or the claim judges */
};

struct book *book_new(struct app *app);
void book_free(struct book *b);
void book_forget_all(struct book *b);
/* Reads one campaign now (a change), besides the regular reads. */
void book_look_at(struct book *b, struct uuid campaign_id);
/* Reads all of them soon: limits changed. */
void book_read_soon(struct book *b);
struct line *book_find(const struct book *b, struct uuid campaign_id);
struct line *book_next(const struct book *b, size_t *it);

usec_t line_instant(const struct line *l, int64_t slot);
/* The first slot due after `at`. */
int64_t line_slot_after(const struct line *l, usec_t at);
/* Dials a minute under the tightest of its limits. */
int64_t line_tightest(const struct line *l);
/* Lets the line begin anew from now at from_slot, or (-1) at its first call not yet claimed. */
void line_restart(struct app *app, struct line *l, int64_t from_slot);
/* Lets the line go on from from_slot at an instant: its calling window opens then. */
void line_move(struct app *app, struct line *l, int64_t from_slot, usec_t begin_at);

#endif
