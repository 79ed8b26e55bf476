/* The due streams: calls that fall due soon, from whoever planned them to the dispatchers.
 *
 * Appending adds an entry unless one for the same call stands already (a hash beside the stream
 * knows), and counts the entries by campaign, so that a feeder can bound a backlog. Reading is by
 * consumer group; an entry stays until its reader acknowledges it, which also deletes it. A dead
 * consumer's entries are put back by due_requeue. Groups and streams are made again when they are
 * gone (FLUSHALL); `on_lost` of a reader tells. */
#ifndef BELFRY_QUEUE_DUE_H
#define BELFRY_QUEUE_DUE_H

#include "redis/redis.h"
#include "wire/due_entry.h"

#define DUE_APPEND_MAX 1000 /* entries in one call */

/* All entries belong to the shard. 1 <= n <= DUE_APPEND_MAX. */
struct due_batch {
	int shard;
	const struct due_entry *v;
	size_t n;
};

/* n = entries that did not stand already; fires once for the whole batch. done may be NULL. */
typedef void (*due_count_fn)(struct err e, int64_t n, void *arg);
void due_append(struct redis *r, const struct due_batch *b, due_count_fn done, void *arg);

/* What a reader was given: acknowledge it by this. */
struct due_ticket {
	char entry_id[32]; /* stream entry id, NUL-terminated */
	int shard;
};

/* Acknowledges and deletes; call_id and campaign_id of `e` find the hash fields. */
struct due_done {
	struct due_ticket ticket;
	struct uuid call_id, campaign_id;
};
void due_ack(struct redis *r, const struct due_done *v, size_t n);

/* --- reading: on a connection of its own ---------------------------------------------------- */
struct due_reader;

/* An entry that does not decode is acknowledged, logged and skipped by the reader itself. */
typedef void (*due_entry_fn)(const struct due_entry *e, const struct due_ticket *t, void *arg);

struct due_reader_options {
	const char *url;      /* Redis */
	const char *consumer; /* the dispatcher's incarnation */
	size_t batch;         /* entries per shard and read */
	/* Asked before each read: how many entries may be taken now; each shard gives at least
	 * one, so a room of 1 may bring WIRE_SHARDS. 0 pauses reading until due_reader_resume. */
	size_t (*room)(void *arg);
	due_entry_fn on_entry;
	void (*on_lost)(void *arg); /* stream or group was gone and has been made again */
	void *arg;
};

struct err due_reader_open(struct loop *l, const struct due_reader_options *o,
			   struct due_reader **out) MUST_USE;
void due_reader_resume(struct due_reader *d);
void due_reader_close(struct due_reader *d); /* what was read and not acknowledged stays pending */

/* --- for the scheduler ---------------------------------------------------------------------- */

/* Ensures stream and group exist. n = 1 when they were missing (then everything must be fed
 * again), else 0. */
void due_ensure(struct redis *r, int shard, due_count_fn done, void *arg);

/* How many entries stand in the shard, in all and by campaign. */
struct due_backlog_row {
	struct uuid campaign_id;
	int64_t n;
};
typedef void (*due_backlog_fn)(struct err e, int64_t total, const struct due_backlog_row *v,
			       size_t n, void *arg);
void due_backlog(struct redis *r, int shard, due_backlog_fn done, void *arg);

/* Entries in the shard, those that no dispatcher was given, and how long the oldest of these waits. */
struct due_depth {
	int64_t entries, undelivered;
	usec_t lag_us;
};
typedef void (*due_depth_fn)(struct err e, const struct due_depth *d, void *arg);
void due_depth(struct redis *r, int shard, due_depth_fn done, void *arg);

/* The consumers of the group (incarnations as text), so that the dead ones can be requeued. */
typedef void (*due_consumers_fn)(struct err e, const struct str *names, size_t n, void *arg);
void due_consumers(struct redis *r, int shard, due_consumers_fn done, void *arg);

#define DUE_REQUEUE_MAX 500 /* entries in one call */

/* Puts entries of a dead consumer back at the end of the stream, and removes the consumer once it
 * holds none. n = entries dealt with; call again while n == DUE_REQUEUE_MAX. */
void due_requeue(struct redis *r, int shard, const char *consumer, due_count_fn done, void *arg);

#endif
