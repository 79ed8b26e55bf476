/* The control and wake streams: short, trimmed, read by everyone from now on. */
#include "queue/control.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "sys/log.h"
#include "wire/stream_keys.h"

#define MESSAGE_MAX 512
#define CONTROL_KEPT STR("1000")
#define WAKES_KEPT STR("16")
#define WAKE_EVERY_US (20 * USEC_PER_MS)
#define READ_BATCH STR("100")
#define BLOCK_MS STR("5000")
#define READ_TIMEOUT_US (8 * USEC_PER_SEC)
#define STREAM_ID_SIZE 48
#define REFUSED_WAIT_US USEC_PER_SEC

/* --- writing -------------------------------------------------------------------------------- */

void control_publish(struct redis *r, const struct control_msg *m)
{
	struct strbuf text;
	strbuf_init(&text, MESSAGE_MAX);
	control_msg_encode(m, &text);
	const struct str argv[] = { STR("XADD"), STR(STREAM_CONTROL), STR("MAXLEN"),
				    STR("~"),    CONTROL_KEPT,        STR("*"),
				    STR("e"),    strbuf_str(&text) };
	/* A message that is lost is a look that comes later. */
	redis_command(r, &(struct redis_args){ argv, ARRAY_LEN(argv), 0 }, NULL);
	strbuf_deinit(&text);
}

void control_wake_senders(struct redis *r)
{
	const struct str argv[] = { STR("XADD"), STR(STREAM_WAKE), STR("MAXLEN"), STR("~"),
				    WAKES_KEPT,  STR("*"),         STR("e"),      STR("1") };
	redis_command_spaced(r, &(struct redis_args){ argv, ARRAY_LEN(argv), 0 }, WAKE_EVERY_US);
}

/* --- reading --------------------------------------------------------------------------------
 *
 * On each connection first the place: the newest entry of each stream, unless a place is known and
 * the stream has not been begun anew behind it. Then XREAD from there, again and again. `$` would
 * lose what is written between two reads. */

enum { CONTROL_SOURCE = 0, WAKE_SOURCE, SOURCE_COUNT };

struct source {
	struct control_reader *reader;
	struct str key;
	bool is_wanted;
	bool is_known;             /* `last` is a place of some connection's */
	char last[STREAM_ID_SIZE]; /* the newest entry that was seen */
};

struct control_reader {
	struct loop *loop;
	struct redis *redis;
	struct control_reader_options o;
	struct timer *again_timer;
	struct source sources[SOURCE_COUNT];
	size_t n_unplaced; /* answers to come before reading begins */
	bool is_closed;
};

/* "1526919030474-55" into its two numbers. */
static bool parse_stream_id(struct str s, uint64_t out[2])
{
	struct str ms, seq;
	return s.n < STREAM_ID_SIZE && str_split(s, '-', &ms, &seq) &&
	       !is_err(parse_u64(ms, 0, UINT64_MAX, &out[0])) &&
	       !is_err(parse_u64(seq, 0, UINT64_MAX, &out[1]));
}

static bool is_later(struct str a, struct str b)
{
	uint64_t x[2], y[2];
	if (!parse_stream_id(a, x) || !parse_stream_id(b, y))
		return false;
	return x[0] != y[0] ? x[0] > y[0] : x[1] > y[1];
}

static void set_last(struct source *s, struct str id)
{
	uint64_t numbers[2];
	if (!parse_stream_id(id, numbers))
		return;
	memcpy(s->last, id.p, id.n);
	s->last[id.n] = '\0';
	s->is_known = true;
}

static void try_again(struct control_reader *c, struct err e)
{
	/* A lost connection comes back by itself and starts us then. */
	if (redis_is_up(c->redis) && e.code != ERR_CANCELLED)
		timer_start(c->again_timer, REFUSED_WAIT_US);
}

static void on_entry(struct control_reader *c, const struct source *s,
		     const struct redis_reply *fields)
{
	struct control_msg m;
	if (s == &c->sources[WAKE_SOURCE])
		return; /* told once per read */
	struct err e = control_msg_decode(redis_str(redis_at(fields, 1)), &m);
	if (is_err(e))
		log_warn("control_message_skipped", LERR(e));
	else
		c->o.on_message(&m, c->o.arg);
}

static void on_stream(struct control_reader *c, struct source *s, const struct redis_reply *entries)
{
	for (size_t i = 0; i < redis_count(entries) && !c->is_closed; i++) {
		const struct redis_reply *entry = redis_at(entries, i);
		set_last(s, redis_str(redis_at(entry, 0)));
		on_entry(c, s, redis_at(entry, 1));
	}
	if (s == &c->sources[WAKE_SOURCE] && redis_count(entries) > 0 && !c->is_closed)
		c->o.on_wake(c->o.arg);
}

static void read_next(struct control_reader *c);

static void on_read(struct err e, const struct redis_reply *reply, void *arg)
{
	struct control_reader *c = arg;
	e = redis_check(e, reply);
	if (is_err(e)) {
		try_again(c, e);
		return;
	}
	for (size_t i = 0; i < redis_count(reply) && !c->is_closed; i++) {
		const struct redis_reply *stream = redis_at(reply, i);
		for (size_t j = 0; j < SOURCE_COUNT; j++) {
			if (str_eq(redis_str(redis_at(stream, 0)), c->sources[j].key))
				on_stream(c, &c->sources[j], redis_at(stream, 1));
		}
	}
	if (!c->is_closed)
		read_next(c);
}

static void read_next(struct control_reader *c)
{
	struct str argv[6 + 2 * SOURCE_COUNT] = { STR("XREAD"), STR("COUNT"), READ_BATCH,
						  STR("BLOCK"), BLOCK_MS,     STR("STREAMS") };
	size_t n = 6, wanted = 0;
	for (size_t i = 0; i < SOURCE_COUNT; i++)
		wanted += c->sources[i].is_wanted ? 1 : 0;
	for (size_t i = 0; i < SOURCE_COUNT; i++) {
		const struct source *s = &c->sources[i];
		if (!s->is_wanted)
			continue;
		argv[n] = s->key;
		argv[n + wanted] = str_from(s->last);
		n++;
	}
	redis_command(
		c->redis, &(struct redis_args){ argv, n + wanted, 0 },
		&(struct redis_hook){ .done = on_read, .arg = c, .timeout_us = READ_TIMEOUT_US });
}

/* The newest entry of a stream, as XREVRANGE tells it. */
static void on_place(struct err e, const struct redis_reply *reply, void *arg)
{
	struct source *s = arg;
	struct control_reader *c = s->reader;
	e = redis_check(e, reply);
	if (is_err(e)) {
		try_again(c, e);
		return;
	}
	struct str newest = redis_str(redis_at(redis_at(reply, 0), 0));
	if (newest.n == 0)
		newest = STR("0-0");
	if (!s->is_known || is_later(str_from(s->last), newest))
		set_last(s, newest);
	if (--c->n_unplaced == 0)
		read_next(c);
}

static void start(void *arg)
{
	struct control_reader *c = arg;
	c->n_unplaced = 0;
	for (size_t i = 0; i < SOURCE_COUNT; i++) {
		struct source *s = &c->sources[i];
		if (!s->is_wanted)
			continue;
		/* Answers to an earlier start must not be taken for this one's. */
		redis_forget(c->redis, s);
		c->n_unplaced++;
		const struct str argv[] = { STR("XREVRANGE"), s->key,       STR("+"),
					    STR("-"),         STR("COUNT"), STR("1") };
		redis_command(c->redis, &(struct redis_args){ argv, ARRAY_LEN(argv), 0 },
			      &(struct redis_hook){ .done = on_place, .arg = s });
	}
}

static void on_redis_state(bool is_up, void *arg)
{
	struct control_reader *c = arg;
	timer_stop(c->again_timer);
	if (is_up)
		start(c);
}

struct err control_reader_open(struct loop *l, const struct control_reader_options *o,
			       struct control_reader **out)
{
	struct redis *redis;
	ASSERT(o->on_message != NULL || o->on_wake != NULL);
	TRY(redis_open(l, &(struct redis_options){ .url = o->url, .name = "belfry-control" },
		       &redis));
	struct control_reader *c = xcalloc(1, sizeof(*c));
	c->loop = l;
	c->redis = redis;
	c->o = *o;
	c->sources[CONTROL_SOURCE] = (struct source){ .reader = c,
						      .key = STR(STREAM_CONTROL),
						      .is_wanted = o->on_message != NULL };
	c->sources[WAKE_SOURCE] = (struct source){ .reader = c,
						   .key = STR(STREAM_WAKE),
						   .is_wanted = o->on_wake != NULL };
	c->again_timer = timer_new(l, start, c);
	redis_on_state(redis, on_redis_state, c);
	*out = c;
	return OK;
}

void control_reader_close(struct control_reader *c)
{
	if (c == NULL)
		return;
	c->is_closed = true;
	redis_forget(c->redis, c);
	for (size_t i = 0; i < SOURCE_COUNT; i++)
		redis_forget(c->redis, &c->sources[i]);
	redis_close(c->redis);
	timer_free(c->again_timer);
	loop_defer_free(c->loop, c, free);
}
