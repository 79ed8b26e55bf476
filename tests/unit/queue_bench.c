#include "queue_bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "check.h"
#include "sys/clock.h"

bool queue_bench_is_up(void *arg)
{
	return redis_is_up(((struct queue_bench *)arg)->redis);
}

bool queue_bench_is_down(void *arg)
{
	return !queue_bench_is_up(arg);
}

int queue_bench_setup_server(void **state)
{
	return redis_fixture_begin(state, sizeof(struct queue_bench));
}

/* Each test gets the group's bench with a fresh connection, and the server empty. */
int queue_bench_setup(void **state)
{
	struct queue_bench *b = *state;
	struct redis_fixture *server = b->server;
	*b = (struct queue_bench){ .server = server };
	redis_fixture_ready(server);
	b->loop = loop_new();
	b->seen = xcalloc(QUEUE_SEEN_MAX, sizeof(*b->seen));
	b->room = 1000;
	assert_ok(redis_open(b->loop, &(struct redis_options){ .url = redis_fixture_url(server) },
			     &b->redis));
	turn_until(b->loop, queue_bench_is_up, b);
	return 0;
}

int queue_bench_teardown(void **state)
{
	struct queue_bench *b = *state;
	due_reader_close(b->reader);
	redis_close(b->redis);
	loop_free(b->loop);
	free(b->seen);
	return 0;
}

/* --- helpers -------------------------------------------------------------------------------- */

struct uuid queue_bench_id(uint8_t kind, unsigned n)
{
	struct uuid id = { { kind, 0, 0, 0, 0, 0, 0x70, 0, 0x80 } };
	id.b[13] = (uint8_t)(n >> 16);
	id.b[14] = (uint8_t)(n >> 8);
	id.b[15] = (uint8_t)n;
	return id;
}

struct due_entry queue_bench_entry(unsigned call, unsigned campaign)
{
	return (struct due_entry){ .call_id = queue_bench_id(1, call),
				   .campaign_id = queue_bench_id(2, campaign),
				   .workspace_id = queue_bench_id(3, 1),
				   .number_id = queue_bench_id(4, 1),
				   .due_at = 1764000000000000,
				   .limits = { 60, 0, 0 } };
}

static bool nobody_waits(void *arg)
{
	struct queue_bench *b = arg;
	char *text = redis_fixture_text(b->server, "INFO clients");
	bool found = strstr(text, "blocked_clients:0\r") != NULL;
	free(text);
	return found;
}

void queue_bench_stop_reader(struct queue_bench *b)
{
	due_reader_close(b->reader);
	b->reader = NULL;
	turn_for(b->loop, 0); /* the socket is closed in the next turn */
	/* Redis gives what comes with the news of the end to who has gone. */
	turn_until(b->loop, nobody_waits, b);
}

bool queue_bench_is_answered(void *arg)
{
	return ((struct queue_bench *)arg)->is_answered;
}

void queue_bench_on_count(struct err e, int64_t n, void *arg)
{
	struct queue_bench *b = arg;
	assert_false(b->is_answered);
	b->is_answered = true;
	b->e = e;
	b->n = n;
}

int64_t queue_bench_count(struct queue_bench *b)
{
	assert_false(b->is_answered);
	turn_until(b->loop, queue_bench_is_answered, b);
	b->is_answered = false;
	assert_ok(b->e);
	return b->n;
}

int64_t queue_bench_append(struct queue_bench *b, const struct due_entry *v, size_t n)
{
	due_append(b->redis, &(struct due_batch){ QUEUE_SHARD, v, n }, queue_bench_on_count, b);
	return queue_bench_count(b);
}

/* Calls first..first+n-1 of one campaign. */
int64_t queue_bench_append_range(struct queue_bench *b, unsigned first, unsigned n,
				 unsigned campaign)
{
	struct due_entry *v = xcalloc(n, sizeof(*v));
	for (unsigned i = 0; i < n; i++)
		v[i] = queue_bench_entry(first + i, campaign);
	int64_t added = queue_bench_append(b, v, n);
	free(v);
	return added;
}

static void on_backlog(struct err e, int64_t total, const struct due_backlog_row *v, size_t n,
		       void *arg)
{
	struct queue_bench *b = arg;
	assert_ok(e);
	assert_true(n <= ARRAY_LEN(b->rows));
	b->is_answered = true;
	b->total = total;
	b->n_rows = n;
	for (size_t i = 0; i < n; i++)
		b->rows[i] = v[i];
}

int64_t queue_bench_backlog(struct queue_bench *b)
{
	due_backlog(b->redis, QUEUE_SHARD, on_backlog, b);
	turn_until(b->loop, queue_bench_is_answered, b);
	b->is_answered = false;
	return b->total;
}

/* Of one campaign, after queue_bench_backlog(). */
int64_t queue_bench_queued(const struct queue_bench *b, unsigned campaign)
{
	for (size_t i = 0; i < b->n_rows; i++) {
		if (uuid_eq(b->rows[i].campaign_id, queue_bench_id(2, campaign)))
			return b->rows[i].n;
	}
	return 0;
}

static void on_consumers(struct err e, const struct str *names, size_t n, void *arg)
{
	struct queue_bench *b = arg;
	assert_ok(e);
	assert_true(n <= ARRAY_LEN(b->names));
	b->is_answered = true;
	b->n_names = n;
	for (size_t i = 0; i < n; i++)
		snprintf(b->names[i], sizeof(b->names[i]), "%.*s", STR_ARG(names[i]));
}

size_t queue_bench_consumers(struct queue_bench *b)
{
	due_consumers(b->redis, QUEUE_SHARD, on_consumers, b);
	turn_until(b->loop, queue_bench_is_answered, b);
	b->is_answered = false;
	return b->n_names;
}

static size_t room(void *arg)
{
	return ((struct queue_bench *)arg)->room;
}

static void on_entry(const struct due_entry *e, const struct due_ticket *t, void *arg)
{
	struct queue_bench *b = arg;
	assert_true(b->n_seen < QUEUE_SEEN_MAX);
	b->seen[b->n_seen++] = (struct queue_seen){ *e, *t, clock_mono() };
	if (b->close_on_entry) {
		due_reader_close(b->reader);
		b->reader = NULL;
	}
}

static void on_lost(void *arg)
{
	((struct queue_bench *)arg)->n_lost++;
}

static bool has_seen(void *arg)
{
	const struct queue_bench *b = arg;
	return b->n_seen >= b->want_seen;
}

void queue_bench_wait_seen(struct queue_bench *b, size_t n)
{
	b->want_seen = n;
	turn_until(b->loop, has_seen, b);
	assert_int_equal(b->n_seen, n);
}

static bool has_lost(void *arg)
{
	const struct queue_bench *b = arg;
	return b->n_lost >= b->want_lost;
}

void queue_bench_wait_lost(struct queue_bench *b, int n)
{
	b->want_lost = n;
	turn_until(b->loop, has_lost, b);
}

void queue_bench_start_reader(struct queue_bench *b, const char *consumer)
{
	const struct due_reader_options o = { .url = redis_fixture_url(b->server),
					      .consumer = consumer,
					      .batch = 100,
					      .room = room,
					      .on_entry = on_entry,
					      .on_lost = on_lost,
					      .arg = b };
	assert_ok(due_reader_open(b->loop, &o, &b->reader));
}

void queue_bench_ack(struct queue_bench *b, size_t first, size_t n)
{
	struct due_done *v = xcalloc(n, sizeof(*v));
	for (size_t i = 0; i < n; i++) {
		const struct queue_seen *s = &b->seen[first + i];
		v[i] = (struct due_done){ s->t, s->e.call_id, s->e.campaign_id };
	}
	due_ack(b->redis, v, n);
	free(v);
}

int64_t queue_bench_pending(struct queue_bench *b, const char *consumer)
{
	return redis_fixture_int(b->server, "XPENDING bf:{2}:due dispatchers - + 1000 %s",
				 consumer);
}

int64_t queue_bench_requeue(struct queue_bench *b, const char *consumer)
{
	due_requeue(b->redis, QUEUE_SHARD, consumer, queue_bench_on_count, b);
	return queue_bench_count(b);
}
