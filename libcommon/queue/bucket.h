/* Pacing: up to three token buckets (campaign, workspace, number) taken together or not at all, by
 * one Lua call on Redis' clock. GCRA in its late form: token k has a nominal instant, one interval
 * after token k-1, and may be taken up to `tolerance` after that instant; it is lost after. A full
 * bucket hands out its youngest tokens, which stay good for longest.
 *
 * What bounds the rate at the carrier is the time between a token's nominal instant and the dial:
 * BUCKET_SLACK_US until the dialer is told, BUCKET_CARRY_US until it acts. A dial that is later asks
 * again, or is refused by the dialer. So in any window w at most rate * (w + 0.1 s) + 1 dials. */
#ifndef BELFRY_QUEUE_BUCKET_H
#define BELFRY_QUEUE_BUCKET_H

#include "redis/redis.h"
#include "wire/due_entry.h"

#define BUCKET_TOLERANCE_US (50 * USEC_PER_MS) /* how late a token may be taken */
#define BUCKET_SLACK_US (80 * USEC_PER_MS)     /* nominal instant until the dialer is told */
#define BUCKET_CARRY_US (20 * USEC_PER_MS)     /* from there until the dialer acts */

enum bucket_kind { BUCKET_CAMPAIGN = 0, BUCKET_WORKSPACE, BUCKET_NUMBER, BUCKET_KIND_COUNT };

const char *bucket_kind_name(enum bucket_kind k); /* "campaign" */

struct bucket_scope {
	int shard;
	struct uuid campaign_id, workspace_id, number_id;
	struct due_limits limits; /* 0 = that bucket is not asked */
};

struct bucket_ask {
	int64_t wanted;
	/* How long the first of the wanted calls has been due. A bucket that was full begins its line
	 * of tokens there, so that calls with instants of their own do not wait for a line that began
	 * at whatever moment somebody asked. Beyond the tolerance it counts as the tolerance. */
	usec_t age_us;
};

#define BUCKET_LEFT_SIZE 24 /* microseconds since 1970 with three decimals, NUL */

/* What a grant left in the buckets that it came from. */
struct bucket_receipt {
	struct due_limits limits;                       /* as they were when it was asked for */
	char left[BUCKET_KIND_COUNT][BUCKET_LEFT_SIZE]; /* of the buckets asked, in their order */
};

struct bucket_grant {
	int64_t granted;        /* 0..wanted */
	usec_t wait_us;         /* from now until the next token, when granted < wanted */
	enum bucket_kind tight; /* the bucket that the wait is for */
	usec_t mono_good_until; /* of the granted ones: dial before this or ask again */
	struct bucket_receipt receipt;
};

typedef void (*bucket_fn)(struct err e, const struct bucket_grant *g, void *arg);

/* With no limit at all everything is granted, from the loop, without asking Redis. */
void bucket_take(struct redis *r, const struct bucket_scope *s, const struct bucket_ask *ask,
		 bucket_fn done, void *arg);
/* Of the tokens of one grant n were not used, because the claim was lost. They go back to each bucket
 * from which nobody has taken since, and are lost to the others: a token given back beside a later
 * one would let the rate be exceeded. So at once, all that a grant has left, and one time only: a
 * second giving of the same receipt does nothing. */
void bucket_give(struct redis *r, const struct bucket_scope *s,
		 const struct bucket_receipt *receipt, int64_t n);

#endif
