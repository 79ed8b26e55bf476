/* Reading a group's share of all due streams on one connection: XREADGROUP that blocks, again and
 * again. On each connection the first reads go over our own pending entries behind the last one
 * that arrived: what the server had handed out when the connection broke would otherwise wait for
 * as long as this consumer lives. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "queue/due.h"
#include "sys/log.h"
#include "wire/stream_keys.h"

/* How long a lost group goes unnoticed over an idle stream. */
#define BLOCK_MS STR("2000")
#define READ_TIMEOUT_US (5 * USEC_PER_SEC)
#define REFUSED_WAIT_US (500 * USEC_PER_MS)
#define CONSUMER_SIZE 64
#define BATCH_MAX 1000

struct shard {
	char key[STREAM_KEY_SIZE];
	char last[sizeof(((struct due_ticket *)NULL)->entry_id)]; /* the last that arrived */
};

enum reader_state {
	READER_IDLE = 0,  /* no connection, or in between */
	READER_READING,   /* a read is under way */
	READER_PAUSED,    /* no room */
	READER_REPAIRING, /* groups are being made */
	READER_WAITING    /* refused; a timer runs */
};

struct due_reader {
	struct loop *loop;
	struct redis *redis;
	struct due_reader_options o;
	char consumer[CONSUMER_SIZE];
	enum reader_state state;
	bool is_recovered; /* nothing of ours lies behind what arrived */
	bool is_closed;
	struct shard shards[WIRE_SHARDS];
	struct timer *again_timer;
	struct repair {
		int n_waiting; /* answers to come */
	} repair;
};

static void read_next(void *reader);

static void wait_and_read(struct due_reader *d, struct err e)
{
	/* A lost connection comes back by itself and starts us then. */
	if (!redis_is_up(d->redis) || e.code == ERR_CANCELLED)
		return;
	d->state = READER_WAITING;
	timer_start(d->again_timer, REFUSED_WAIT_US);
}

/* --- groups that are gone ------------------------------------------------------------------- */

static void on_ensured(struct err e, int64_t n_made, void *arg)
{
	struct due_reader *d = CONTAINER_OF(arg, struct due_reader, repair);
	(void)n_made; /* lost is lost, whoever was the first to make it again */
	if (is_err(e)) {
		redis_forget(d->redis, &d->repair);
		wait_and_read(d, e);
		return;
	}
	if (--d->repair.n_waiting > 0)
		return;
	log_info("due_groups_made", LS("consumer", d->consumer));
	for (int i = 0; i < WIRE_SHARDS; i++)
		memcpy(d->shards[i].last, "0", 2);
	d->is_recovered = true;
	if (d->o.on_lost != NULL)
		d->o.on_lost(d->o.arg);
	if (!d->is_closed)
		read_next(d);
}

static void repair_groups(struct due_reader *d)
{
	d->state = READER_REPAIRING;
	d->repair.n_waiting = WIRE_SHARDS;
	for (int i = 0; i < WIRE_SHARDS; i++)
		due_ensure(d->redis, i, on_ensured, &d->repair);
}

/* --- entries -------------------------------------------------------------------------------- */

static struct str field_of(const struct redis_reply *fields, struct str name)
{
	for (size_t i = 0; i + 1 < redis_count(fields); i += 2) {
		if (str_eq(redis_str(redis_at(fields, i)), name))
			return redis_str(redis_at(fields, i + 1));
	}
	return STR_NONE;
}

static struct uuid raw_id(struct str s)
{
	struct uuid id = UUID_NIL;
	if (s.n == sizeof(id.b))
		memcpy(id.b, s.p, s.n);
	return id;
}

/* An entry that nobody can use, or one that was deleted while it was ours (without fields). */
static void put_away(struct due_reader *d, const struct redis_reply *fields,
		     const struct due_ticket *ticket, struct err e)
{
	log_warn("due_entry_skipped", LS("entry", ticket->entry_id), LERR(e));
	struct due_done done = { .ticket = *ticket,
				 .call_id = raw_id(field_of(fields, STR("c"))),
				 .campaign_id = raw_id(field_of(fields, STR("m"))) };
	due_ack(d->redis, &done, 1);
}

/* False when it was left as if it were not there. */
static bool on_entry(struct due_reader *d, int shard, const struct redis_reply *entry)
{
	const struct redis_reply *fields = redis_at(entry, 1);
	struct str id = redis_str(redis_at(entry, 0));
	struct due_ticket ticket = { .shard = shard };
	struct due_entry e;
	if (id.n == 0 || id.n >= sizeof(ticket.entry_id)) {
		log_error("due_entry_id_unusable", LT("entry", id));
		return false;
	}
	memcpy(ticket.entry_id, id.p, id.n);
	memcpy(d->shards[shard].last, ticket.entry_id, sizeof(ticket.entry_id));
	struct err err = due_entry_decode(field_of(fields, STR("e")), &e);
	if (is_err(err))
		put_away(d, fields, &ticket, err);
	else
		d->o.on_entry(&e, &ticket, d->o.arg);
	return true;
}

/* Gives away what came, and says how many there were. */
static size_t take_streams(struct due_reader *d, const struct redis_reply *streams)
{
	size_t n = 0;
	for (size_t i = 0; i < redis_count(streams); i++) {
		const struct redis_reply *entries = redis_at(redis_at(streams, i), 1);
		struct str key = redis_str(redis_at(redis_at(streams, i), 0));
		int shard = 0;
		while (shard < WIRE_SHARDS && !str_eq(str_from(d->shards[shard].key), key))
			shard++;
		for (size_t j = 0; shard < WIRE_SHARDS && j < redis_count(entries); j++) {
			if (d->is_closed)
				return n;
			n += on_entry(d, shard, redis_at(entries, j)) ? 1 : 0;
		}
	}
	return n;
}

/* --- reading -------------------------------------------------------------------------------- */

/* Before the read, or, in two forms, while it was blocked. */
static bool is_group_gone(const struct redis_reply *reply)
{
	return redis_is_error(reply, "NOGROUP") || redis_is_error(reply, "UNBLOCKED");
}

static void on_read(struct err e, const struct redis_reply *reply, void *arg)
{
	struct due_reader *d = arg;
	d->state = READER_IDLE;
	if (is_group_gone(reply)) {
		repair_groups(d);
		return;
	}
	e = redis_check(e, reply);
	if (is_err(e)) {
		wait_and_read(d, e);
		return;
	}
	size_t n = take_streams(d, reply);
	if (d->is_closed)
		return;
	d->is_recovered = d->is_recovered || n == 0;
	read_next(d);
}

/* XREADGROUP GROUP dispatchers <consumer> COUNT <n> [BLOCK <ms>] STREAMS <keys> <ids> */
static void read_next(void *arg)
{
	struct due_reader *d = arg;
	size_t room = d->o.room(d->o.arg);
	if (d->is_closed)
		return;
	if (room == 0) {
		d->state = READER_PAUSED;
		return;
	}
	char count[24];
	size_t each = min_size(room / WIRE_SHARDS, min_size(d->o.batch, BATCH_MAX));
	int len = snprintf(count, sizeof(count), "%zu", each > 0 ? each : 1);
	struct str argv[9 + 2 * WIRE_SHARDS] = { STR("XREADGROUP"),     STR("GROUP"),
						 STR(STREAM_DUE_GROUP), str_from(d->consumer),
						 STR("COUNT"),          { count, (size_t)len } };
	size_t n = 6;
	/* What was handed out already is there at once. */
	if (d->is_recovered) {
		argv[n++] = STR("BLOCK");
		argv[n++] = BLOCK_MS;
	}
	argv[n++] = STR("STREAMS");
	for (int i = 0; i < WIRE_SHARDS; i++, n++) {
		argv[n] = str_from(d->shards[i].key);
		argv[n + WIRE_SHARDS] = d->is_recovered ? STR(">") : str_from(d->shards[i].last);
	}
	d->state = READER_READING;
	redis_command(
		d->redis, &(struct redis_args){ argv, n + WIRE_SHARDS, 0 },
		&(struct redis_hook){ .done = on_read, .arg = d, .timeout_us = READ_TIMEOUT_US });
}

void due_reader_resume(struct due_reader *d)
{
	if (d->state == READER_PAUSED)
		read_next(d);
}

static void on_redis_state(bool is_up, void *arg)
{
	struct due_reader *d = arg;
	timer_stop(d->again_timer);
	d->state = READER_IDLE;
	d->is_recovered = false;
	if (is_up)
		read_next(d);
}

/* --- life ----------------------------------------------------------------------------------- */

struct err due_reader_open(struct loop *l, const struct due_reader_options *o,
			   struct due_reader **out)
{
	struct redis *redis;
	size_t n = strlen(o->consumer);
	if (n == 0 || n >= CONSUMER_SIZE)
		return ERR(ERR_INVALID, "the name of the consumer is empty or too long");
	TRY(redis_open(l, &(struct redis_options){ .url = o->url, .name = "belfry-due" }, &redis));
	struct due_reader *d = xcalloc(1, sizeof(*d));
	d->loop = l;
	d->redis = redis;
	d->o = *o;
	memcpy(d->consumer, o->consumer, n);
	for (int i = 0; i < WIRE_SHARDS; i++) {
		stream_key_due(i, d->shards[i].key);
		memcpy(d->shards[i].last, "0", 2);
	}
	d->again_timer = timer_new(l, read_next, d);
	redis_on_state(redis, on_redis_state, d);
	*out = d;
	return OK;
}

void due_reader_close(struct due_reader *d)
{
	if (d == NULL)
		return;
	d->is_closed = true;
	redis_forget(d->redis, d);
	redis_forget(d->redis, &d->repair);
	redis_close(d->redis);
	timer_free(d->again_timer);
	loop_defer_free(d->loop, d, free);
}
