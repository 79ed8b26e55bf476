/* The due streams as a dispatcher sees them: read promptly, acknowledged, and found again after
 * connections broke or Redis lost everything. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "check.h"
#include "queue_bench.h"
#include "sys/clock.h"

/* --- read and acknowledge ------------------------------------------------------------------- */

static void an_entry_is_read_as_it_was_written(void **state)
{
	struct queue_bench *b = *state;
	struct due_entry e = queue_bench_entry(7, 8);
	e.in_line = true;
	e.limits = (struct due_limits){ 1, 2, 3 };
	e.limits_at = 99;
	queue_bench_start_reader(b, "one");
	queue_bench_wait_lost(b, 1);
	queue_bench_append(b, &e, 1);
	queue_bench_wait_seen(b, 1);
	const struct due_entry *got = &b->seen[0].e;
	assert_true(uuid_eq(got->call_id, e.call_id));
	assert_true(uuid_eq(got->campaign_id, e.campaign_id));
	assert_true(got->in_line);
	assert_int_equal(got->limits.number_per_min, 3);
	assert_int_equal(got->limits_at, 99);
	assert_int_equal(b->seen[0].t.shard, QUEUE_SHARD);
	assert_int_equal(queue_bench_pending(b, "one"), 1);
}

static void reading_is_prompt(void **state)
{
	struct queue_bench *b = *state;
	usec_t best = USEC_NEVER;
	queue_bench_start_reader(b, "one");
	queue_bench_wait_lost(b, 1);
	for (unsigned i = 1; i <= 50; i++) {
		const struct due_entry e = queue_bench_entry(i, 1);
		usec_t mono_sent = clock_mono();
		due_append(b->redis, &(struct due_batch){ QUEUE_SHARD, &e, 1 },
			   queue_bench_on_count, b);
		queue_bench_wait_seen(b, i);
		best = min_i64(best, b->seen[i - 1].mono_at - mono_sent);
		turn_until(b->loop, queue_bench_is_answered, b);
		b->is_answered = false;
	}
	/* The best of many: a busy machine delays some. */
	assert_true(best < USEC_PER_MS);
}

static void all_shards_are_read_by_one_reader(void **state)
{
	struct queue_bench *b = *state;
	queue_bench_start_reader(b, "one");
	for (int shard = 0; shard < WIRE_SHARDS; shard++) {
		struct due_entry e = queue_bench_entry((unsigned)shard + 1, 1);
		due_append(b->redis, &(struct due_batch){ shard, &e, 1 }, NULL, NULL);
	}
	queue_bench_wait_seen(b, WIRE_SHARDS);
	int sum = 0;
	for (size_t i = 0; i < WIRE_SHARDS; i++)
		sum += 1 << b->seen[i].t.shard;
	assert_int_equal(sum, (1 << WIRE_SHARDS) - 1);
}

static void an_acknowledged_entry_is_gone_and_its_call_free(void **state)
{
	struct queue_bench *b = *state;
	queue_bench_start_reader(b, "one");
	queue_bench_append_range(b, 1, 5, 1);
	queue_bench_wait_seen(b, 5);
	queue_bench_ack(b, 0, 3);
	assert_int_equal(queue_bench_backlog(b), 2);
	assert_int_equal(queue_bench_queued(b, 1), 2);
	assert_int_equal(queue_bench_pending(b, "one"), 2);
	queue_bench_ack(b, 0, 3); /* again: changes nothing */
	assert_int_equal(queue_bench_backlog(b), 2);
	assert_int_equal(queue_bench_queued(b, 1), 2);
	assert_int_equal(queue_bench_append_range(b, 1, 5, 1), 3);
	queue_bench_wait_seen(b, 8);
	/* The first entry of call 1 once more: its new entry stays held. */
	queue_bench_ack(b, 0, 1);
	assert_int_equal(queue_bench_backlog(b), 5);
	assert_int_equal(queue_bench_append_range(b, 1, 1, 1), 0);
	queue_bench_ack(b, 3, 5);
	assert_int_equal(queue_bench_backlog(b), 0);
	assert_int_equal(b->n_rows, 0);
	assert_int_equal(redis_fixture_int(b->server, "HLEN bf:{2}:held"), 0);
}

static void acknowledging_survives_an_outage(void **state)
{
	struct queue_bench *b = *state;
	queue_bench_start_reader(b, "one");
	queue_bench_append_range(b, 1, 2, 1);
	queue_bench_wait_seen(b, 2);
	/* Every connection breaks, the data stay. */
	free(redis_fixture_text(b->server, "CLIENT KILL TYPE normal SKIPME yes"));
	queue_bench_ack(b, 0, 2);
	turn_until(b->loop, queue_bench_is_down, b);
	queue_bench_ack(b, 0, 1);
	turn_until(b->loop, queue_bench_is_up, b);
	assert_int_equal(queue_bench_backlog(b), 0);
	assert_int_equal(queue_bench_append_range(b, 1, 1, 1), 1);
	queue_bench_wait_seen(b, 3);
}

static bool is_closed_and_up(void *arg)
{
	return ((struct queue_bench *)arg)->reader == NULL;
}

static void a_reader_may_be_closed_by_its_callback(void **state)
{
	struct queue_bench *b = *state;
	queue_bench_append_range(b, 1, 3, 1);
	b->close_on_entry = true;
	queue_bench_start_reader(b, "one");
	turn_until(b->loop, is_closed_and_up, b);
	turn_for(b->loop, 10 * USEC_PER_MS);
	assert_int_equal(b->n_seen, 1);
	assert_int_equal(queue_bench_pending(b, "one"), 3);
}

static void no_room_pauses_until_resumed(void **state)
{
	struct queue_bench *b = *state;
	b->room = 0;
	queue_bench_start_reader(b, "one");
	queue_bench_append_range(b, 1, 30, 1);
	turn_for(b->loop, 50 * USEC_PER_MS);
	assert_int_equal(b->n_seen, 0);
	b->room = 8;
	due_reader_resume(b->reader);
	queue_bench_wait_seen(b, 30); /* two at a time: room is shared by the shards */
	b->room = 0;
	queue_bench_append_range(b, 31, 1, 1);
	turn_for(b->loop, 20 * USEC_PER_MS);
	size_t n = b->n_seen; /* the read that was under way may have taken it */
	queue_bench_append_range(b, 32, 1, 1);
	turn_for(b->loop, 20 * USEC_PER_MS);
	assert_int_equal(b->n_seen, n);
	b->room = 1;
	due_reader_resume(b->reader);
	queue_bench_wait_seen(b, 32);
}

static void an_entry_that_nobody_can_read_is_put_away(void **state)
{
	struct queue_bench *b = *state;
	queue_bench_start_reader(b, "one");
	queue_bench_wait_lost(b, 1);
	free(redis_fixture_text(b->server, "XADD bf:{2}:due * e %s", "99 whatever"));
	free(redis_fixture_text(b->server, "XADD bf:{2}:due * x y"));
	queue_bench_append_range(b, 1, 1, 1);
	queue_bench_wait_seen(b, 1);
	assert_int_equal(b->seen[0].e.call_id.b[15], 1);
	queue_bench_ack(b, 0, 1);
	turn_for(b->loop, 10 * USEC_PER_MS);
	assert_int_equal(queue_bench_backlog(b), 0);
	assert_int_equal(queue_bench_pending(b, "one"), 0);
}

/* --- losses --------------------------------------------------------------------------------- */

static void a_reader_takes_up_what_its_broken_connection_lost(void **state)
{
	struct queue_bench *b = *state;
	queue_bench_start_reader(b, "one");
	queue_bench_append_range(b, 1, 2, 1);
	queue_bench_wait_seen(b, 2);
	b->room = 0;
	queue_bench_append_range(b, 3, 1, 1);
	queue_bench_wait_seen(b, 3); /* the read that was under way; now it is paused */
	queue_bench_append_range(b, 4, 3, 1);
	assert_int_equal(redis_fixture_int(b->server,
					   "XREADGROUP GROUP dispatchers one STREAMS bf:{2}:due >"),
			 1);
	assert_int_equal(queue_bench_pending(b, "one"), 6);
	free(redis_fixture_text(b->server, "CLIENT KILL TYPE normal SKIPME yes"));
	b->room = 100;
	queue_bench_wait_seen(b, 6); /* and not the first three again */
	turn_until(b->loop, queue_bench_is_up, b);
	queue_bench_append_range(b, 7, 1, 1);
	queue_bench_wait_seen(b, 7);
}

static void an_entry_with_an_id_too_long_does_not_hold_up_the_others(void **state)
{
	struct queue_bench *b = *state;
	queue_bench_start_reader(b, "one");
	queue_bench_append_range(b, 1, 1, 1);
	queue_bench_wait_seen(b, 1);
	b->room = 0;
	queue_bench_append_range(b, 2, 1, 1);
	queue_bench_wait_seen(b, 2);
	free(redis_fixture_text(b->server,
				"XADD bf:{2}:due 99999999999999-18446744073709551000 e x"));
	assert_int_equal(redis_fixture_int(b->server,
					   "XREADGROUP GROUP dispatchers one STREAMS bf:{2}:due >"),
			 1);
	free(redis_fixture_text(b->server, "CLIENT KILL TYPE normal SKIPME yes"));
	b->room = 100;
	turn_until(b->loop, queue_bench_is_down, b);
	turn_until(b->loop, queue_bench_is_up, b);
	due_append(b->redis,
		   &(struct due_batch){ 1, (struct due_entry[]){ queue_bench_entry(4, 1) }, 1 },
		   NULL, NULL);
	queue_bench_wait_seen(b, 3);
	assert_int_equal(b->seen[2].e.call_id.b[15], 4);
}

static void flushall_is_noticed_and_reading_goes_on(void **state)
{
	struct queue_bench *b = *state;
	queue_bench_start_reader(b, "one");
	queue_bench_wait_lost(b, 1);
	queue_bench_append_range(b, 1, 2, 1);
	queue_bench_wait_seen(b, 2);
	free(redis_fixture_text(b->server, "FLUSHALL"));
	/* An idle stream: noticed when the blocking read ends. */
	queue_bench_wait_lost(b, 2);
	assert_int_equal(queue_bench_append_range(b, 1, 2, 1), 2);
	queue_bench_wait_seen(b, 4);
	free(redis_fixture_text(b->server, "FLUSHALL"));
	/* A busy one: noticed at once, and nothing is skipped. */
	queue_bench_append_range(b, 5, 3, 1);
	queue_bench_wait_seen(b, 7);
	queue_bench_wait_lost(b, 3);
	queue_bench_ack(b, 4, 3);
	assert_int_equal(queue_bench_backlog(b), 0);
}

static void a_restart_is_survived(void **state)
{
	struct queue_bench *b = *state;
	queue_bench_start_reader(b, "one");
	queue_bench_append_range(b, 1, 1, 1);
	queue_bench_wait_seen(b, 1);
	redis_fixture_kill(b->server);
	turn_for(b->loop, 50 * USEC_PER_MS);
	redis_fixture_start(b->server);
	turn_until(b->loop, queue_bench_is_up, b);
	queue_bench_wait_lost(b, 2);
	queue_bench_append_range(b, 1, 1, 1);
	queue_bench_wait_seen(b, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, queue_bench_setup, queue_bench_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_entry_is_read_as_it_was_written),
		TEST(reading_is_prompt),
		TEST(all_shards_are_read_by_one_reader),
		TEST(an_acknowledged_entry_is_gone_and_its_call_free),
		TEST(acknowledging_survives_an_outage),
		TEST(a_reader_may_be_closed_by_its_callback),
		TEST(no_room_pauses_until_resumed),
		TEST(an_entry_that_nobody_can_read_is_put_away),
		TEST(a_reader_takes_up_what_its_broken_connection_lost),
		TEST(an_entry_with_an_id_too_long_does_not_hold_up_the_others),
		TEST(flushall_is_noticed_and_reading_goes_on),
		TEST(a_restart_is_survived),
	};
	return cmocka_run_group_tests(tests, queue_bench_setup_server, redis_fixture_end);
}
