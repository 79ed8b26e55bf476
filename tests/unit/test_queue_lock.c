/* The leader lock: one holder at a time, a change within the term, and nobody believes longer in a
 * term than Redis does. */
#include <stdlib.h>
#include <time.h>

#include "check.h"
#include "queue/leader_lock.h"
#include "redis_fixture.h"
#include "sys/clock.h"

#define N 2
#define TTL_US (300 * USEC_PER_MS)

struct candidate {
	struct redis *redis;
	struct leader_lock *lock;
	int n_won, n_lost;
	bool free_on_won;
};

struct bench {
	struct redis_fixture *server;
	struct loop *loop;
	struct candidate v[N];
	bool is_answered;
};

static int setup_server(void **state)
{
	return redis_fixture_begin(state, sizeof(struct bench));
}

static bool are_up(void *arg)
{
	const struct bench *b = arg;
	return redis_is_up(b->v[0].redis) && redis_is_up(b->v[1].redis);
}

static int setup(void **state)
{
	struct bench *b = *state;
	struct redis_fixture *server = b->server;
	*b = (struct bench){ .server = server, .loop = loop_new() };
	redis_fixture_ready(server);
	for (int i = 0; i < N; i++) {
		const struct redis_options o = { .url = redis_fixture_url(server) };
		assert_ok(redis_open(b->loop, &o, &b->v[i].redis));
	}
	turn_until(b->loop, are_up, b);
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	for (int i = 0; i < N; i++) {
		leader_lock_free(b->v[i].lock);
		redis_close(b->v[i].redis);
	}
	loop_free(b->loop);
	return 0;
}

static bool is_answered(void *arg)
{
	const struct bench *b = arg;
	return b->is_answered;
}

static void on_pong(struct err e, const struct redis_reply *r, void *arg)
{
	struct bench *b = arg;
	(void)r;
	assert_ok(e);
	b->is_answered = true;
}

static void on_won(void *arg)
{
	struct candidate *c = arg;
	c->n_won++;
	if (c->free_on_won) {
		leader_lock_free(c->lock);
		c->lock = NULL;
	}
}

static void on_lost(void *arg)
{
	((struct candidate *)arg)->n_lost++;
}

static struct uuid holder(int i)
{
	return (struct uuid){ { (uint8_t)(i + 1) } };
}

static void stand(struct bench *b, int i)
{
	const struct leader_lock_options o = { .name = "scheduler",
					       .holder = holder(i),
					       .ttl_us = TTL_US,
					       .on_won = on_won,
					       .on_lost = on_lost,
					       .arg = &b->v[i] };
	b->v[i].lock = leader_lock_new(b->loop, b->v[i].redis, &o);
}

static bool holds(const struct bench *b, int i)
{
	return b->v[i].lock != NULL && leader_lock_is_held(b->v[i].lock);
}

static bool first_holds(void *arg)
{
	return holds(arg, 0);
}

static bool second_holds(void *arg)
{
	return holds(arg, 1);
}

static bool somebody_holds(void *arg)
{
	return holds(arg, 0) || holds(arg, 1);
}

static bool first_heard_of_loss(void *arg)
{
	return ((struct bench *)arg)->v[0].n_lost > 0;
}

static bool first_won(void *arg)
{
	return ((struct bench *)arg)->v[0].n_won > 0;
}

/* --- cases ---------------------------------------------------------------------------------- */

static void one_of_two_holds_over_many_terms(void **state)
{
	struct bench *b = *state;
	stand(b, 0);
	turn_until(b->loop, first_holds, b);
	stand(b, 1);
	usec_t mono_end = clock_mono() + 4 * TTL_US;
	while (clock_mono() < mono_end) {
		turn_for(b->loop, 10 * USEC_PER_MS);
		assert_false(holds(b, 0) && holds(b, 1));
	}
	/* On a machine that stalls for a term somebody may have lost it and won again. */
	int n_open = b->v[0].n_won + b->v[1].n_won - b->v[0].n_lost - b->v[1].n_lost;
	assert_in_range(n_open, 0, 1);
	assert_true(redis_fixture_int(b->server, "PTTL bf:lock:scheduler") <= TTL_US / USEC_PER_MS);
}

static void release_hands_over_at_once(void **state)
{
	struct bench *b = *state;
	stand(b, 0);
	turn_until(b->loop, first_holds, b);
	stand(b, 1);
	leader_lock_release(b->v[0].lock);
	assert_false(holds(b, 0));
	turn_until(b->loop, second_holds, b);
	turn_for(b->loop, TTL_US);
	assert_int_equal(b->v[0].n_won, 1); /* it does not stand again */
	assert_int_equal(b->v[0].n_lost, 0);
}

static void release_before_the_answer_leaves_nothing(void **state)
{
	struct bench *b = *state;
	stand(b, 0);
	turn_for(b->loop, 0);
	leader_lock_release(b->v[0].lock);
	/* Once the taking is answered it is released, and answers come in their order. */
	for (int i = 0; i < 2; i++) {
		b->is_answered = false;
		redis_commandf(b->v[0].redis, on_pong, b, "PING");
		turn_until(b->loop, is_answered, b);
	}
	assert_int_equal(redis_fixture_int(b->server, "EXISTS bf:lock:scheduler"), 0);
	assert_false(holds(b, 0));
}

static void a_holder_that_vanishes_is_followed_after_its_term(void **state)
{
	struct bench *b = *state;
	stand(b, 0);
	turn_until(b->loop, first_holds, b);
	leader_lock_free(b->v[0].lock);
	b->v[0].lock = NULL;
	usec_t mono_begin = clock_mono();
	stand(b, 1);
	turn_until(b->loop, second_holds, b);
	assert_true(clock_mono() - mono_begin > TTL_US / 3);
}

static void a_silent_redis_ends_the_term(void **state)
{
	struct bench *b = *state;
	stand(b, 0);
	turn_until(b->loop, first_holds, b);
	redis_fixture_pause(b->server);
	usec_t mono_begin = clock_mono();
	turn_until(b->loop, first_heard_of_loss, b);
	usec_t took = clock_mono() - mono_begin;
	assert_true(took <= TTL_US + 8 * USEC_PER_SEC);
	assert_false(holds(b, 0));
	redis_fixture_resume(b->server);
	turn_until(b->loop, first_holds, b);
	assert_int_equal(b->v[0].n_won, 2);
}

static void a_dead_redis_ends_the_term(void **state)
{
	struct bench *b = *state;
	stand(b, 0);
	turn_until(b->loop, first_holds, b);
	redis_fixture_kill(b->server);
	turn_until(b->loop, first_heard_of_loss, b);
	redis_fixture_start(b->server);
	turn_until(b->loop, first_holds, b);
}

static void one_who_sleeps_through_its_term_knows_at_once(void **state)
{
	struct bench *b = *state;
	stand(b, 0);
	turn_until(b->loop, first_holds, b);
	/* The loop does not turn. Redis may outlast our belief, never the other way round. */
	usec_t mono_end = clock_mono() + 10 * USEC_PER_SEC;
	while (holds(b, 0) && clock_mono() < mono_end) {
		bool is_there = redis_fixture_int(b->server, "EXISTS bf:lock:scheduler") == 1;
		assert_true(is_there || !holds(b, 0));
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	assert_false(holds(b, 0));
	turn_until(b->loop, first_heard_of_loss, b);
	turn_until(b->loop, first_holds, b);
}

static void a_lock_that_somebody_else_has_is_lost(void **state)
{
	struct bench *b = *state;
	stand(b, 0);
	turn_until(b->loop, first_holds, b);
	free(redis_fixture_text(b->server, "SET bf:lock:scheduler thief PX 200"));
	turn_until(b->loop, first_heard_of_loss, b);
	turn_until(b->loop, first_holds, b);
	leader_lock_release(b->v[0].lock);
	turn_for(b->loop, 10 * USEC_PER_MS);
	free(redis_fixture_text(b->server, "SET bf:lock:scheduler thief"));
	stand(b, 1);
	turn_for(b->loop, 50 * USEC_PER_MS);
	leader_lock_release(b->v[1].lock);
	turn_for(b->loop, 10 * USEC_PER_MS);
	/* Another's lock is not released. */
	assert_int_equal(redis_fixture_int(b->server, "EXISTS bf:lock:scheduler"), 1);
}

static void ones_own_lock_is_taken_again(void **state)
{
	struct bench *b = *state;
	char own[UUID_TEXT_SIZE];
	/* The answer to the first request was lost: the key is ours already. */
	uuid_format(holder(0), own);
	free(redis_fixture_text(b->server, "SET bf:lock:scheduler %s PX 600000", own));
	stand(b, 0);
	turn_until(b->loop, first_holds, b);
}

static void after_flushall_one_holds(void **state)
{
	struct bench *b = *state;
	stand(b, 0);
	stand(b, 1);
	for (int i = 0; i < 5; i++) {
		free(redis_fixture_text(b->server, "FLUSHALL"));
		turn_for(b->loop, TTL_US);
		assert_false(holds(b, 0) && holds(b, 1));
		turn_until(b->loop, somebody_holds, b);
	}
}

static void a_lock_may_be_freed_by_its_callback(void **state)
{
	struct bench *b = *state;
	b->v[0].free_on_won = true;
	stand(b, 0);
	turn_until(b->loop, first_won, b);
	turn_for(b->loop, TTL_US);
	assert_int_equal(b->v[0].n_won, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_of_two_holds_over_many_terms),
		TEST(release_hands_over_at_once),
		TEST(release_before_the_answer_leaves_nothing),
		TEST(a_holder_that_vanishes_is_followed_after_its_term),
		TEST(a_silent_redis_ends_the_term),
		TEST(a_dead_redis_ends_the_term),
		TEST(one_who_sleeps_through_its_term_knows_at_once),
		TEST(a_lock_that_somebody_else_has_is_lost),
		TEST(ones_own_lock_is_taken_again),
		TEST(after_flushall_one_holds),
		TEST(a_lock_may_be_freed_by_its_callback),
	};
	return cmocka_run_group_tests(tests, setup_server, redis_fixture_end);
}
