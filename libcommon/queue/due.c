/* Writing and tending of the due streams: each operation is one script, so that stream, hash of
 * held calls and counts change together. */
#include "queue/due.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "sys/log.h"
#include "wire/stream_keys.h"

#define GROUP STR(STREAM_DUE_GROUP)
#define N_KEYS 3
#define ENTRY_MAX 1024
/* An acknowledgement that is lost would keep its call from being appended again for as long as its
 * reader lives; so it outlasts an outage. Longer ones end with the hashes gone or the entries
 * requeued. */
#define ACK_KEEP_US (60 * USEC_PER_SEC)

static const struct redis_script due_append_lua = { "proto/lua/due_append.lua" };
static const struct redis_script due_ack_lua = { "proto/lua/due_ack.lua" };
static const struct redis_script due_ensure_lua = { "proto/lua/due_ensure.lua" };
static const struct redis_script due_backlog_lua = { "proto/lua/due_backlog.lua" };
static const struct redis_script due_depth_lua = { "proto/lua/due_depth.lua" };
static const struct redis_script due_requeue_lua = { "proto/lua/due_requeue.lua" };

struct shard_keys {
	char due[STREAM_KEY_SIZE], held[STREAM_KEY_SIZE], queued[STREAM_KEY_SIZE];
};

static void put_keys(int shard, struct shard_keys *k, struct str argv[N_KEYS])
{
	argv[0] = stream_key_due(shard, k->due);
	argv[1] = stream_key_held(shard, k->held);
	argv[2] = stream_key_queued(shard, k->queued);
}

static struct str raw_id(const struct uuid *id)
{
	return (struct str){ (const char *)id->b, sizeof(id->b) };
}

/* --- callbacks that get a count ------------------------------------------------------------- */

struct count_request {
	due_count_fn done;
	void *arg;
};

static void on_count(struct err e, const struct redis_reply *reply, void *arg)
{
	struct count_request q = *(struct count_request *)arg;
	free(arg);
	e = redis_check(e, reply);
	if (!is_err(e) && redis_type(reply) != REDIS_INT)
		e = ERR(ERR_PROTOCOL, "Redis did not answer with a number");
	if (q.done != NULL)
		q.done(e, is_err(e) ? 0 : redis_int(reply), q.arg);
}

static struct redis_hook count_hook(due_count_fn done, void *arg)
{
	struct count_request *q = xcalloc(1, sizeof(*q));
	*q = (struct count_request){ done, arg };
	return (struct redis_hook){ .done = on_count, .arg = q, .owner = arg, .drop = free };
}

/* --- append and acknowledge ----------------------------------------------------------------- */

void due_append(struct redis *r, const struct due_batch *b, due_count_fn done, void *arg)
{
	const struct due_entry *v = b->v;
	size_t n = b->n;
	ASSERT(n > 0 && n <= DUE_APPEND_MAX);
	struct shard_keys keys;
	struct str *argv = xcalloc(N_KEYS + 3 * n, sizeof(*argv));
	struct strbuf text;
	strbuf_init(&text, n * ENTRY_MAX);
	size_t *ends = xcalloc(n, sizeof(*ends));

	put_keys(b->shard, &keys, argv);
	for (size_t i = 0; i < n; i++) {
		due_entry_encode(&v[i], &text);
		ends[i] = text.n;
	}
	/* Only now does the text stay where it is. */
	for (size_t i = 0; i < n; i++) {
		size_t begin = i == 0 ? 0 : ends[i - 1];
		argv[N_KEYS + 3 * i] = raw_id(&v[i].call_id);
		argv[N_KEYS + 3 * i + 1] = raw_id(&v[i].campaign_id);
		argv[N_KEYS + 3 * i + 2] = (struct str){ text.p + begin, ends[i] - begin };
	}
	struct redis_hook hook = count_hook(done, arg);
	redis_eval(r, &due_append_lua, &(struct redis_args){ argv, N_KEYS + 3 * n, N_KEYS }, &hook);
	free(ends);
	strbuf_deinit(&text);
	free(argv);
}

static void on_ack(struct err e, const struct redis_reply *reply, void *arg)
{
	(void)arg;
	e = redis_check(e, reply);
	if (is_err(e) && e.code != ERR_CANCELLED)
		log_warn("due_ack_failed", LERR(e));
}

/* All of one shard. */
static void ack_shard(struct redis *r, int shard, const struct due_done *v, size_t n)
{
	struct shard_keys keys;
	struct str *argv = xcalloc(N_KEYS + 1 + 3 * n, sizeof(*argv));
	size_t argc = N_KEYS + 1;
	put_keys(shard, &keys, argv);
	argv[N_KEYS] = GROUP;
	for (size_t i = 0; i < n; i++) {
		if (v[i].ticket.shard != shard)
			continue;
		argv[argc++] = str_from(v[i].ticket.entry_id);
		argv[argc++] = raw_id(&v[i].call_id);
		argv[argc++] = raw_id(&v[i].campaign_id);
	}
	if (argc > N_KEYS + 1)
		redis_eval(r, &due_ack_lua, &(struct redis_args){ argv, argc, N_KEYS },
			   &(struct redis_hook){ .done = on_ack, .keep_us = ACK_KEEP_US });
	free(argv);
}

void due_ack(struct redis *r, const struct due_done *v, size_t n)
{
	for (size_t at = 0; at < n; at += DUE_APPEND_MAX) {
		size_t part = min_size(n - at, DUE_APPEND_MAX);
		for (int shard = 0; shard < WIRE_SHARDS; shard++)
			ack_shard(r, shard, v + at, part);
	}
}

/* --- tending -------------------------------------------------------------------------------- */

void due_ensure(struct redis *r, int shard, due_count_fn done, void *arg)
{
	struct shard_keys keys;
	struct str argv[N_KEYS + 1];
	put_keys(shard, &keys, argv);
	argv[N_KEYS] = GROUP;
	struct redis_hook hook = count_hook(done, arg);
	redis_eval(r, &due_ensure_lua, &(struct redis_args){ argv, N_KEYS + 1, N_KEYS }, &hook);
}

void due_requeue(struct redis *r, int shard, const char *consumer, due_count_fn done, void *arg)
{
	struct shard_keys keys;
	struct str argv[N_KEYS + 3];
	struct strbuf number;
	strbuf_init(&number, 32);
	strbuf_add_i64(&number, DUE_REQUEUE_MAX);
	put_keys(shard, &keys, argv);
	argv[N_KEYS] = GROUP;
	argv[N_KEYS + 1] = str_from(consumer);
	argv[N_KEYS + 2] = strbuf_str(&number);
	struct redis_hook hook = count_hook(done, arg);
	redis_eval(r, &due_requeue_lua, &(struct redis_args){ argv, N_KEYS + 3, N_KEYS }, &hook);
	strbuf_deinit(&number);
}

struct backlog_request {
	due_backlog_fn done;
	void *arg;
};

static void on_backlog(struct err e, const struct redis_reply *reply, void *arg)
{
	struct backlog_request q = *(struct backlog_request *)arg;
	free(arg);
	e = redis_check(e, reply);
	if (!is_err(e) && redis_count(reply) % 2 != 1)
		e = ERR(ERR_PROTOCOL, "Redis' answer is no backlog");
	if (is_err(e)) {
		q.done(e, 0, NULL, 0, q.arg);
		return;
	}
	size_t most = redis_count(reply) / 2, n = 0;
	struct due_backlog_row *rows = xcalloc(most + 1, sizeof(*rows));
	for (size_t i = 0; i < most; i++) {
		struct str id = redis_str(redis_at(reply, 1 + 2 * i));
		int64_t count;
		struct str text = redis_str(redis_at(reply, 2 + 2 * i));
		if (id.n != sizeof(rows[n].campaign_id.b) ||
		    is_err(parse_i64(text, INT64_MIN, INT64_MAX, &count)))
			continue; /* not ours */
		memcpy(rows[n].campaign_id.b, id.p, id.n);
		rows[n++].n = count;
	}
	q.done(OK, redis_int(redis_at(reply, 0)), rows, n, q.arg);
	free(rows);
}

void due_backlog(struct redis *r, int shard, due_backlog_fn done, void *arg)
{
	struct shard_keys keys;
	struct str argv[N_KEYS];
	put_keys(shard, &keys, argv);
	struct backlog_request *q = xcalloc(1, sizeof(*q));
	*q = (struct backlog_request){ done, arg };
	redis_eval(
		r, &due_backlog_lua, &(struct redis_args){ argv, N_KEYS, N_KEYS },
		&(struct redis_hook){ .done = on_backlog, .arg = q, .owner = arg, .drop = free });
}

struct depth_request {
	due_depth_fn done;
	void *arg;
};

static void on_depth(struct err e, const struct redis_reply *reply, void *arg)
{
	struct depth_request q = *(struct depth_request *)arg;
	struct due_depth d = { .entries = 0 };

	free(arg);
	e = redis_check(e, reply);
	if (!is_err(e) && redis_count(reply) != 3)
		e = ERR(ERR_PROTOCOL, "Redis' answer is no depth");
	if (!is_err(e))
		d = (struct due_depth){ .entries = redis_int(redis_at(reply, 0)),
					.undelivered = redis_int(redis_at(reply, 1)),
					.lag_us = redis_int(redis_at(reply, 2)) * USEC_PER_MS };
	q.done(e, &d, q.arg);
}

void due_depth(struct redis *r, int shard, due_depth_fn done, void *arg)
{
	char key[STREAM_KEY_SIZE];
	struct str argv[] = { stream_key_due(shard, key), GROUP };
	struct depth_request *q = xcalloc(1, sizeof(*q));

	*q = (struct depth_request){ done, arg };
	redis_eval(r, &due_depth_lua, &(struct redis_args){ argv, ARRAY_LEN(argv), 1 },
		   &(struct redis_hook){ .done = on_depth, .arg = q, .owner = arg, .drop = free });
}

struct consumers_request {
	due_consumers_fn done;
	void *arg;
};

/* The value behind a name in a flat list of names and values. */
static struct str field_of(const struct redis_reply *list, struct str name)
{
	for (size_t i = 0; i + 1 < redis_count(list); i += 2) {
		if (str_eq(redis_str(redis_at(list, i)), name))
			return redis_str(redis_at(list, i + 1));
	}
	return STR_NONE;
}

static void on_consumers(struct err e, const struct redis_reply *reply, void *arg)
{
	struct consumers_request q = *(struct consumers_request *)arg;
	free(arg);
	/* No stream or no group, no consumers. */
	bool is_gone = redis_is_error(reply, "NOGROUP") || redis_is_error(reply, "ERR");
	if (is_err(e) || !is_gone)
		e = redis_check(e, reply);
	size_t most = redis_count(reply), n = 0;
	struct str *names = xcalloc(most + 1, sizeof(*names));
	for (size_t i = 0; i < most; i++) {
		struct str name = field_of(redis_at(reply, i), STR("name"));
		if (name.n > 0)
			names[n++] = name;
	}
	q.done(e, names, n, q.arg);
	free(names);
}

void due_consumers(struct redis *r, int shard, due_consumers_fn done, void *arg)
{
	struct shard_keys keys;
	struct str argv[] = { STR("XINFO"), STR("CONSUMERS"), stream_key_due(shard, keys.due),
			      GROUP };
	struct consumers_request *q = xcalloc(1, sizeof(*q));
	*q = (struct consumers_request){ done, arg };
	redis_command(
		r, &(struct redis_args){ argv, ARRAY_LEN(argv), 0 },
		&(struct redis_hook){ .done = on_consumers, .arg = q, .owner = arg, .drop = free });
}
