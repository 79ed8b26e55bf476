/* Asks Redis for tokens: which buckets, and how the answer becomes instants of our own clock. */
#include "queue/bucket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/stream_keys.h"

#define BUCKETS_MAX BUCKET_KIND_COUNT
#define NUMBERS_MAX 3
#define NUMBER_SIZE 24
#define TAKE_FIXED 4 /* values of the answer before those of each key */

static const struct redis_script bucket_take_lua = { "proto/lua/bucket_take.lua" };
static const struct redis_script bucket_give_lua = { "proto/lua/bucket_give.lua" };

/* Arguments of a script call: keys, numbers of its own, a rate for each key, and what it adds. */
struct bucket_args {
	char keys[BUCKETS_MAX][STREAM_KEY_SIZE];
	char numbers[NUMBERS_MAX + BUCKETS_MAX][NUMBER_SIZE];
	struct str argv[3 * BUCKETS_MAX + NUMBERS_MAX];
	enum bucket_kind kinds[BUCKETS_MAX];
	size_t n_keys, n;
};

const char *bucket_kind_name(enum bucket_kind k)
{
	static const char *const names[] = { "campaign", "workspace", "number" };

	return names[k];
}

static struct str number_text(int64_t v, char out[NUMBER_SIZE])
{
	int n = snprintf(out, NUMBER_SIZE, "%" PRId64, v);
	return (struct str){ out, (size_t)n };
}

static void add_number(struct bucket_args *a, size_t i, int64_t v)
{
	a->argv[a->n++] = number_text(v, a->numbers[i]);
}

static void collect(const struct bucket_scope *s, const int64_t *own, size_t n_own,
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
	a->n_keys = a->n = 0;
	for (size_t i = 0; i < BUCKETS_MAX; i++) {
		if (buckets[i].per_min <= 0)
			continue;
		rates[a->n_keys] = buckets[i].per_min;
		a->kinds[a->n_keys] = (enum bucket_kind)i;
		a->argv[a->n++] = stream_key_bucket(s->shard, buckets[i].kind, *buckets[i].id,
						    a->keys[a->n_keys]);
		a->n_keys++;
	}
	for (size_t i = 0; i < n_own; i++)
		add_number(a, i, own[i]);
	for (size_t i = 0; i < a->n_keys; i++)
		add_number(a, n_own + i, rates[i]);
}

struct take_request {
	bucket_fn done;
	void *arg;
	int64_t wanted;
	usec_t mono_sent;
	struct due_limits limits;
	size_t n_keys;
	enum bucket_kind kinds[BUCKETS_MAX]; /* of the script's keys, in their order */
};

static void read_receipt(const struct take_request *q, const struct redis_reply *reply,
			 struct bucket_receipt *out)
{
	out->limits = q->limits;
	for (size_t i = 0; i < q->n_keys; i++) {
		struct str left = redis_str(redis_at(reply, TAKE_FIXED + i));
		(void)snprintf(out->left[i], sizeof(out->left[i]), "%.*s", STR_ARG(left));
	}
}

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
	} else if (!is_err(e) && redis_count(reply) >= TAKE_FIXED) {
		g.granted = redis_int(redis_at(reply, 0));
		g.wait_us = redis_int(redis_at(reply, 2));
		int64_t key = redis_int(redis_at(reply, 3));
		g.tight = q.kinds[key >= 1 && key <= BUCKETS_MAX ? key - 1 : 0];
		/* Redis looked at its clock after this instant: its own reading is later, so the
		 * token's nominal instant is not earlier than this says. */
		usec_t lag_us = redis_int(redis_at(reply, 1));
		g.mono_good_until = q.mono_sent - lag_us + BUCKET_SLACK_US;
		if (redis_count(reply) == TAKE_FIXED + q.n_keys)
			read_receipt(&q, reply, &g.receipt);
	} else if (!is_err(e)) {
		e = ERR(ERR_PROTOCOL, "Redis' answer is no grant");
	}
	q.done(e, &g, q.arg);
}

void bucket_take(struct redis *r, const struct bucket_scope *s, const struct bucket_ask *ask,
		 bucket_fn done, void *arg)
{
	const int64_t own[] = { ask->wanted, BUCKET_TOLERANCE_US, max_i64(0, ask->age_us) };
	struct bucket_args a;
	collect(s, own, ARRAY_LEN(own), &a);
	struct take_request *q = xcalloc(1, sizeof(*q));
	*q = (struct take_request){ .done = done,
				    .arg = arg,
				    .wanted = ask->wanted,
				    .mono_sent = loop_mono(redis_loop(r)),
				    .limits = s->limits,
				    .n_keys = a.n_keys };
	memcpy(q->kinds, a.kinds, a.n_keys * sizeof(a.kinds[0]));
	struct redis_hook hook = { .done = on_take, .arg = q, .owner = arg, .drop = free };
	if (a.n_keys == 0 || ask->wanted <= 0)
		redis_answer(r, OK, &hook);
	else
		redis_eval(r, &bucket_take_lua, &(struct redis_args){ a.argv, a.n, a.n_keys },
			   &hook);
}

void bucket_give(struct redis *r, const struct bucket_scope *s,
		 const struct bucket_receipt *receipt, int64_t n)
{
	struct bucket_scope then = *s;
	struct bucket_args a;

	then.limits = receipt->limits;
	collect(&then, &n, 1, &a);
	for (size_t i = 0; i < a.n_keys; i++)
		a.argv[a.n++] = str_from(receipt->left[i]);
	/* Nobody hears of a failure, no more than of a token that was lost. */
	if (a.n_keys > 0 && n > 0)
		redis_eval(r, &bucket_give_lua, &(struct redis_args){ a.argv, a.n, a.n_keys },
			   NULL);
}
