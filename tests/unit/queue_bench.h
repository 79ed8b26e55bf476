/* Due streams under test: a connection that writes, a reader that notes what it is given, and what
 * callbacks answered. Shared by the tests of queue/. */
#ifndef BELFRY_TESTS_QUEUE_BENCH_H
#define BELFRY_TESTS_QUEUE_BENCH_H

#include "queue/due.h"
#include "redis_fixture.h"

#define QUEUE_SHARD 2 /* where the helpers append; its keys begin with bf:{2}: */
#define QUEUE_SEEN_MAX 4096

struct queue_seen {
	struct due_entry e;
	struct due_ticket t;
	usec_t mono_at;
};

struct queue_bench {
	struct redis_fixture *server;
	struct loop *loop;
	struct redis *redis;
	struct due_reader *reader;
	/* of the last callback */
	bool is_answered;
	struct err e;
	int64_t n;
	int64_t total;
	struct due_backlog_row rows[8];
	size_t n_rows;
	char names[8][64];
	size_t n_names;
	/* of the reader */
	struct queue_seen *seen;
	size_t n_seen, want_seen;
	size_t room;
	int n_lost, want_lost;
	bool close_on_entry;
};

/* For the group: one server. For each test: the server emptied, a fresh connection. */
int queue_bench_setup_server(void **state);
int queue_bench_setup(void **state);
int queue_bench_teardown(void **state);

bool queue_bench_is_up(void *bench);
bool queue_bench_is_down(void *bench);
bool queue_bench_is_answered(void *bench);

struct uuid queue_bench_id(uint8_t kind, unsigned n);
struct due_entry queue_bench_entry(unsigned call, unsigned campaign);

void queue_bench_on_count(struct err e, int64_t n, void *bench);
int64_t queue_bench_count(struct queue_bench *b); /* waits for it */
int64_t queue_bench_append(struct queue_bench *b, const struct due_entry *v, size_t n);
/* Calls first..first+n-1 of one campaign. */
int64_t queue_bench_append_range(struct queue_bench *b, unsigned first, unsigned n,
				 unsigned campaign);
int64_t queue_bench_backlog(struct queue_bench *b); /* fills rows */
int64_t queue_bench_queued(const struct queue_bench *b, unsigned campaign);
size_t queue_bench_consumers(struct queue_bench *b); /* fills names */
int64_t queue_bench_pending(struct queue_bench *b, const char *consumer);
int64_t queue_bench_requeue(struct queue_bench *b, const char *consumer);

void queue_bench_start_reader(struct queue_bench *b, const char *consumer);
void queue_bench_stop_reader(struct queue_bench *b); /* returns when Redis knows */
/* Until exactly so many entries were given to the reader, or so many losses told. */
void queue_bench_wait_seen(struct queue_bench *b, size_t n);
void queue_bench_wait_lost(struct queue_bench *b, int n);
/* Acknowledges n of the seen ones. */
void queue_bench_ack(struct queue_bench *b, size_t first, size_t n);

#endif
