/* The due streams as writers and the scheduler see them: each call once, counted, healed, put back. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "check.h"
#include "queue_bench.h"

/* --- append --------------------------------------------------------------------------------- */

static void a_call_stands_once(void **state)
{
	struct queue_bench *b = *state;
	const struct due_entry twice[] = { queue_bench_entry(1, 1), queue_bench_entry(2, 1),
					   queue_bench_entry(1, 1) };
	assert_int_equal(queue_bench_append(b, twice, 3), 2);
	assert_int_equal(queue_bench_append(b, twice, 3), 0);
	assert_int_equal(queue_bench_append_range(b, 1, 4, 1), 2);
	assert_int_equal(queue_bench_backlog(b), 4);
	assert_int_equal(queue_bench_queued(b, 1), 4);
	/* Another shard knows nothing of it. */
	due_append(b->redis, &(struct due_batch){ 0, twice, 1 }, queue_bench_on_count, b);
	assert_int_equal(queue_bench_count(b), 1);
}

static void the_largest_batch_is_added_and_counted(void **state)
{
	struct queue_bench *b = *state;
	struct due_entry *v = xcalloc(DUE_APPEND_MAX, sizeof(*v));
	for (unsigned i = 0; i < DUE_APPEND_MAX; i++)
		v[i] = queue_bench_entry(i + 1, 1 + i % 3);
	assert_int_equal(queue_bench_append(b, v, DUE_APPEND_MAX), DUE_APPEND_MAX);
	assert_int_equal(queue_bench_backlog(b), DUE_APPEND_MAX);
	assert_int_equal(b->n_rows, 3);
	assert_int_equal(queue_bench_queued(b, 1), 334);
	assert_int_equal(queue_bench_queued(b, 2), 333);
	assert_int_equal(queue_bench_queued(b, 3), 333);
	free(v);
}

static void a_call_without_campaign_is_counted_under_nil(void **state)
{
	struct queue_bench *b = *state;
	struct due_entry e = queue_bench_entry(1, 1);
	e.campaign_id = UUID_NIL;
	assert_int_equal(queue_bench_append(b, &e, 1), 1);
	assert_int_equal(queue_bench_backlog(b), 1);
	assert_int_equal(b->n_rows, 1);
	assert_true(uuid_is_nil(b->rows[0].campaign_id));
}

static void a_call_whose_entry_is_gone_is_added_again(void **state)
{
	struct queue_bench *b = *state;
	queue_bench_append_range(b, 1, 2, 1);
	free(redis_fixture_text(b->server, "XTRIM bf:{2}:due MAXLEN 1"));
	assert_int_equal(queue_bench_append_range(b, 1, 2, 1), 1);
	assert_int_equal(queue_bench_backlog(b), 2);
	assert_int_equal(queue_bench_queued(b, 1), 2);
}

static void counts_over_an_empty_stream_heal(void **state)
{
	struct queue_bench *b = *state;
	queue_bench_append_range(b, 1, 3, 1);
	free(redis_fixture_text(b->server, "XTRIM bf:{2}:due MAXLEN 0"));
	assert_int_equal(redis_fixture_int(b->server, "HLEN bf:{2}:held"), 3);
	assert_int_equal(queue_bench_backlog(b), 0);
	assert_int_equal(b->n_rows, 0);
	assert_int_equal(redis_fixture_int(b->server, "EXISTS bf:{2}:held bf:{2}:queued"), 0);
}

static void an_append_fails_while_redis_is_away(void **state)
{
	struct queue_bench *b = *state;
	const struct due_entry e = queue_bench_entry(1, 1);
	redis_fixture_kill(b->server);
	due_append(b->redis, &(struct due_batch){ QUEUE_SHARD, &e, 1 }, queue_bench_on_count, b);
	turn_until(b->loop, queue_bench_is_answered, b);
	assert_int_equal(b->e.code, ERR_UNAVAILABLE);
	assert_int_equal(b->n, 0);
}

static void an_append_to_a_full_redis_says_so(void **state)
{
	struct queue_bench *b = *state;
	const struct due_entry e = queue_bench_entry(1, 1);
	due_ensure(b->redis, QUEUE_SHARD, queue_bench_on_count, b);
	queue_bench_count(b);
	free(redis_fixture_text(b->server, "CONFIG SET maxmemory 1"));
	due_append(b->redis, &(struct due_batch){ QUEUE_SHARD, &e, 1 }, queue_bench_on_count, b);
	turn_until(b->loop, queue_bench_is_answered, b);
	free(redis_fixture_text(b->server, "CONFIG SET maxmemory 0"));
	assert_int_equal(b->e.code, ERR_UNAVAILABLE);
}

/* --- groups --------------------------------------------------------------------------------- */

static void a_missing_group_is_made_once(void **state)
{
	struct queue_bench *b = *state;
	due_ensure(b->redis, QUEUE_SHARD, queue_bench_on_count, b);
	assert_int_equal(queue_bench_count(b), 1);
	due_ensure(b->redis, QUEUE_SHARD, queue_bench_on_count, b);
	assert_int_equal(queue_bench_count(b), 0);
	assert_int_equal(redis_fixture_int(b->server, "XLEN bf:{2}:due"), 0);
}

static void a_new_stream_forgets_what_was_held(void **state)
{
	struct queue_bench *b = *state;
	queue_bench_append_range(b, 1, 2, 1);
	free(redis_fixture_text(b->server, "DEL bf:{2}:due"));
	due_ensure(b->redis, QUEUE_SHARD, queue_bench_on_count, b);
	assert_int_equal(queue_bench_count(b), 1);
	assert_int_equal(redis_fixture_int(b->server, "EXISTS bf:{2}:held bf:{2}:queued"), 0);
	assert_int_equal(queue_bench_append_range(b, 1, 2, 1), 2);
	assert_int_equal(queue_bench_backlog(b), 2);
	assert_int_equal(queue_bench_queued(b, 1), 2);
}

static void a_new_group_over_old_entries_reads_them(void **state)
{
	struct queue_bench *b = *state;
	queue_bench_append_range(b, 1, 2, 1);
	queue_bench_start_reader(b, "one");
	queue_bench_wait_seen(b, 2);
	assert_int_equal(queue_bench_append_range(b, 1, 2, 1), 0);
	assert_int_equal(b->n_lost, 1); /* there was no group */
}

/* --- putting back --------------------------------------------------------------------------- */

static void a_dead_consumers_entries_go_to_the_living(void **state)
{
	struct queue_bench *b = *state;
	const unsigned n = DUE_REQUEUE_MAX + 3;
	queue_bench_start_reader(b, "dead");
	queue_bench_append_range(b, 1, n, 1);
	queue_bench_wait_seen(b, n);
	queue_bench_ack(b, 0, 1);
	due_reader_close(b->reader);
	queue_bench_start_reader(b, "alive");
	/* It is a consumer once it has asked, on a connection of its own. */
	for (int i = 0; i < 10000 && queue_bench_consumers(b) < 2; i++)
		;
	assert_int_equal(queue_bench_requeue(b, "dead"), DUE_REQUEUE_MAX);
	assert_int_equal(queue_bench_consumers(b), 2);
	assert_int_equal(queue_bench_requeue(b, "dead"), 2);
	assert_int_equal(queue_bench_consumers(b), 1);
	assert_string_equal(b->names[0], "alive");
	queue_bench_wait_seen(b, 2 * n - 1);
	assert_int_equal(b->seen[n].e.call_id.b[15], 2);
	assert_int_equal(queue_bench_backlog(b), n - 1);
	assert_int_equal(queue_bench_queued(b, 1), n - 1);
	/* The calls are held by their new entries. */
	assert_int_equal(queue_bench_append_range(b, 1, n, 1), 1);
	queue_bench_wait_seen(b, 2 * n);
	queue_bench_ack(b, n, n);
	assert_int_equal(queue_bench_backlog(b), 0);
	assert_int_equal(redis_fixture_int(b->server, "HLEN bf:{2}:held"), 0);
}

static void requeueing_nobody_is_nothing(void **state)
{
	struct queue_bench *b = *state;
	assert_int_equal(queue_bench_requeue(b, "nobody"), 0); /* no stream */
	assert_int_equal(queue_bench_consumers(b), 0);
	queue_bench_append_range(b, 1, 1, 1);
	assert_int_equal(queue_bench_requeue(b, "nobody"), 0); /* no group */
	assert_int_equal(queue_bench_consumers(b), 0);
	queue_bench_start_reader(b, "one");
	queue_bench_wait_seen(b, 1);
	assert_int_equal(queue_bench_requeue(b, "nobody"), 0);
	assert_int_equal(queue_bench_consumers(b), 1);
	assert_int_equal(queue_bench_pending(b, "one"), 1);
}

static void a_second_entry_of_a_held_call_is_not_put_back(void **state)
{
	struct queue_bench *b = *state;
	queue_bench_start_reader(b, "dead");
	queue_bench_append_range(b, 1, 1, 1);
	queue_bench_wait_seen(b, 1);
	/* The hash was lost, and the call was appended again. */
	free(redis_fixture_text(b->server, "DEL bf:{2}:held"));
	queue_bench_stop_reader(b);
	queue_bench_append_range(b, 1, 1, 1);
	assert_int_equal(queue_bench_backlog(b), 2);
	assert_int_equal(queue_bench_requeue(b, "dead"), 1);
	assert_int_equal(queue_bench_backlog(b), 1);
	assert_int_equal(queue_bench_queued(b, 1), 1);
	assert_int_equal(queue_bench_append_range(b, 1, 1, 1), 0);
}

static void an_entry_deleted_while_pending_leaves_the_consumer(void **state)
{
	struct queue_bench *b = *state;
	queue_bench_start_reader(b, "dead");
	queue_bench_append_range(b, 1, 2, 1);
	queue_bench_wait_seen(b, 2);
	free(redis_fixture_text(b->server, "XDEL bf:{2}:due %s", b->seen[0].t.entry_id));
	queue_bench_stop_reader(b);
	assert_int_equal(queue_bench_requeue(b, "dead"), 2);
	assert_int_equal(queue_bench_consumers(b), 0);
	assert_int_equal(queue_bench_backlog(b), 1);
}

/* --- depth ---------------------------------------------------------------------------------- */

struct depth_answer {
	struct queue_bench *b;
	struct due_depth d;
};

static void on_depth(struct err e, const struct due_depth *d, void *arg)
{
	struct depth_answer *a = arg;
	a->b->e = e;
	a->d = *d;
	a->b->is_answered = true;
}

static struct due_depth depth(struct queue_bench *b)
{
	struct depth_answer a = { .b = b };
	due_depth(b->redis, QUEUE_SHARD, on_depth, &a);
	turn_until(b->loop, queue_bench_is_answered, b);
	b->is_answered = false;
	assert_ok(b->e);
	return a.d;
}

static void depth_tells_what_nobody_was_given(void **state)
{
	struct queue_bench *b = *state;
	struct due_depth d = depth(b);
	assert_int_equal(d.entries + d.undelivered + d.lag_us, 0); /* no stream */
	queue_bench_start_reader(b, "one");
	queue_bench_append_range(b, 1, 3, 1);
	queue_bench_wait_seen(b, 3);
	d = depth(b);
	assert_int_equal(d.entries, 3);
	assert_int_equal(d.undelivered + d.lag_us, 0);
	queue_bench_stop_reader(b);
	queue_bench_append_range(b, 4, 2, 1);
	for (int i = 0; i < 100000 && d.lag_us < 20 * USEC_PER_MS; i++)
		d = depth(b);
	assert_true(d.lag_us >= 20 * USEC_PER_MS);
	d = depth(b);
	assert_int_equal(d.entries, 5);
	assert_int_equal(d.undelivered, 2);
	queue_bench_ack(b, 0, 3);
	d = depth(b);
	assert_int_equal(d.entries, 2);
	assert_int_equal(d.undelivered, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, queue_bench_setup, queue_bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_call_stands_once),
		TEST(the_largest_batch_is_added_and_counted),
		TEST(a_call_without_campaign_is_counted_under_nil),
		TEST(a_call_whose_entry_is_gone_is_added_again),
		TEST(counts_over_an_empty_stream_heal),
		TEST(an_append_fails_while_redis_is_away),
		TEST(an_append_to_a_full_redis_says_so),
		TEST(a_missing_group_is_made_once),
		TEST(a_new_stream_forgets_what_was_held),
		TEST(a_new_group_over_old_entries_reads_them),
		TEST(a_dead_consumers_entries_go_to_the_living),
		TEST(requeueing_nobody_is_nothing),
		TEST(a_second_entry_of_a_held_call_is_not_put_back),
		TEST(an_entry_deleted_while_pending_leaves_the_consumer),
		TEST(depth_tells_what_nobody_was_given),
	};
	return cmocka_run_group_tests(tests, queue_bench_setup_server, redis_fixture_end);
}
