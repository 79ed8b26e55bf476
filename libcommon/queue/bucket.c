/* Asks Redis for tokens: which buckets, and how the answer becomes instants of our own clock. */
#include "queue/bucket.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "wire/stream_keys.h"

#define BUCKETS_MAX 3
#define NUMBER_SIZE 24
/* How old a token may be that is given back, see bucket_give.lua: slack and carry use all of the
 * promised 0.1 s, so nothing is left for tokens of the past. */
#define BUCKET_GIVE_US 0

static const struct redis_script bucket_take_lua = { "proto/lua/bucket_take.lua" };
static const struct redis_script bucket_give_lua = { "proto/lua/bucket_give.lua" };

/* Arguments of a script call: n keys, two numbers, n rates. */
struct bucket_args {
	char keys[BUCKETS_MAX][STREAM_KEY_SIZE];
	char numbers[2 + BUCKETS_MAX][NUMBER_SIZE];
	struct str argv[2 * BUCKETS_MAX + 2];
	size_t n;
};

static struct str number_text(int64_t v, char out[NUMBER_SIZE])
{
	int n = snprintf(out, NUMBER_SIZE, "%" PRId64, v);
	return (struct str){ out, (size_t)n };
}

static void collect(const struct bucket_scope *s, int64_t first, int64_t second,
		    struct bucket_args *a)
{
	const struct {
		enum stream_bucket kind;
		const struct uuid *id;
		int64_t per_min;
	} buckets[BUCKETS_MAX] = {
		{ STREAM_BUCKET_CAMPAIGN, &s->campaign_id, s->limits.campaign_per_min },
		{ STREAM_BUCKET_WORKSPACE, &s->workspace_id, s->limits.workspace_per_min },
		{ STREAM_BUCKET_NUMBER, &s->number_id, s->limits.number_per_min },
	};
	int64_t rates[BUCKETS_MAX] = { 0 };
	a->n = 0;
	for (size_t i = 0; i < BUCKETS_MAX; i++) {
		if (buckets[i].per_min <= 0)
			continue;
		rates[a->n] = buckets[i].per_min;
		a->argv[a->n] =
			stream_key_bucket(s->shard, buckets[i].kind, *buckets[i].id, a->keys[a->n]);
		a->n++;
	}
	a->argv[a->n] = number_text(first, a->numbers[0]);
	a->argv[a->n + 1] = number_text(second, a->numbers[1]);
	for (size_t i = 0; i < a->n; i++)
		a->argv[a->n + 2 + i] = number_text(rates[i], a->numbers[2 + i]);
}

struct take_request {
	bucket_fn done;
	void *arg;
	int64_t wanted;
	usec_t mono_sent;
};

/* Without a reply when no bucket had to be asked. */
static void on_take(struct err e, const struct redis_reply *reply, void *arg)
{
	struct take_request q = *(struct take_request *)arg;
	free(arg);
	struct bucket_grant g = { .granted = 0 };
	e = redis_check(e, reply);
	if (!is_err(e) && reply == NULL) {
		g.granted = q.wanted;
		g.mono_good_until = USEC_NEVER;
	} else if (!is_err(e) && redis_count(reply) == 3) {
		g.granted = redis_int(redis_at(reply, 0));
		g.wait_us = redis_int(redis_at(reply, 2));
		/* Redis looked at its clock after this instant: its own reading is later, so the
		 * token's nominal instant is not earlier than this says. */
		usec_t lag_us = redis_int(redis_at(reply, 1));
		g.mono_good_until = q.mono_sent - lag_us + BUCKET_SLACK_US;
	} else if (!is_err(e)) {
		e = ERR(ERR_PROTOCOL, "Redis' answer is no grant");
	}
	q.done(e, &g, q.arg);
}

void bucket_take(struct redis *r, const struct bucket_scope *s, int64_t wanted, bucket_fn done,
		 void *arg)
{
	struct bucket_args a;
	collect(s, wanted, BUCKET_TOLERANCE_US, &a);
	struct take_request *q = xcalloc(1, sizeof(*q));
	*q = (struct take_request){ done, arg, wanted, loop_mono(redis_loop(r)) };
	struct redis_hook hook = { .done = on_take, .arg = q, .owner = arg, .drop = free };
	if (a.n == 0 || wanted <= 0)
		redis_answer(r, OK, &hook);
	else
		redis_eval(r, &bucket_take_lua, &(struct redis_args){ a.argv, 2 * a.n + 2, a.n },
			   &hook);
}

void bucket_give(struct redis *r, const struct bucket_scope *s, int64_t n)
{
	struct bucket_args a;
	collect(s, n, BUCKET_GIVE_US, &a);
	/* Nobody hears of a failure: tokens that are not given back make dialing slower for a
	 * moment, never faster. */
	if (a.n > 0 && n > 0)
		redis_eval(r, &bucket_give_lua, &(struct redis_args){ a.argv, 2 * a.n + 2, a.n },
			   NULL);
}
