/* Token buckets under many callers: never more than the limits in any window, all of the tightest
 * limit in the long run. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "bucket_scope.h"
#include "check.h"
#include "redis_fixture.h"
#include "sys/clock.h"

#define CALLERS 3
#define DIALS_MAX 20000
#define GIVE_US (200 * USEC_PER_MS)

struct bench;

/* Asks, notes what it got as dialed at once, and asks again when told to. */
struct caller {
	struct bench *bench;
	struct redis *redis;
	struct timer *timer;
	struct bucket_scope scope;
	int64_t wanted;
	bool is_asking;
	/* Dials as late as its tokens are good, in turns with at once: what falls together then is as
	 * much as the line allows. And uses a part of a grant only; the rest goes back some time later. */
	bool is_lax;
	struct bucket_receipt receipt;
	int64_t unused;
	usec_t mono_give_at;
};

struct bench {
	struct redis_fixture *server;
	struct loop *loop;
	struct caller callers[CALLERS];
	usec_t *mono_dialed, *mono_heard;
	size_t n_dialed, n_heard;
	usec_t mono_end;
	uint64_t random;
};

static bool are_up(void *arg)
{
	const struct bench *b = arg;
	int n = 0;
	for (int i = 0; i < CALLERS; i++)
		n += redis_is_up(b->callers[i].redis) ? 1 : 0;
	return n == CALLERS;
}

static int setup_server(void **state)
{
	return redis_fixture_begin(state, sizeof(struct bench));
}

static void ask_again(void *arg);

static int setup(void **state)
{
	struct bench *b = *state;
	struct redis_fixture *server = b->server;
	*b = (struct bench){ .server = server, .loop = loop_new() };
	redis_fixture_ready(server);
	b->mono_dialed = xcalloc(DIALS_MAX, sizeof(usec_t));
	b->mono_heard = xcalloc(DIALS_MAX, sizeof(usec_t));
	for (int i = 0; i < CALLERS; i++) {
		struct caller *c = &b->callers[i];
		const struct redis_options o = { .url = redis_fixture_url(server) };
		*c = (struct caller){ .bench = b, .wanted = 1 };
		c->timer = timer_new(b->loop, ask_again, c);
		assert_ok(redis_open(b->loop, &o, &c->redis));
	}
	turn_until(b->loop, are_up, b);
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	for (int i = 0; i < CALLERS; i++) {
		redis_close(b->callers[i].redis);
		timer_free(b->callers[i].timer);
	}
	loop_free(b->loop);
	free(b->mono_dialed);
	free(b->mono_heard);
	return 0;
}

/* As far as a linear congruential generator is random (Knuth's MMIX). */
static int64_t random_below(struct bench *b, int64_t n)
{
	b->random = b->random * 6364136223846793005u + 1442695040888963407u;
	return (int64_t)((b->random >> 33) % (uint64_t)n);
}

/* How many of the grant it uses. */
static int64_t lax_use(struct caller *c, const struct bucket_grant *g, usec_t mono_now)
{
	if (g->granted == 0 || c->unused > 0)
		return g->granted;
	c->unused = random_below(c->bench, g->granted + 1);
	c->receipt = g->receipt;
	c->mono_give_at = mono_now + random_below(c->bench, GIVE_US);
	return g->granted - c->unused;
}

static void on_grant(struct err e, const struct bucket_grant *g, void *arg)
{
	struct caller *c = arg;
	struct bench *b = c->bench;
	usec_t mono_now = clock_mono();
	c->is_asking = false;
	assert_ok(e);
	assert_true(b->n_heard < DIALS_MAX);
	b->mono_heard[b->n_heard++] = mono_now;
	bool is_late = c->is_lax && mono_now / BUCKET_SLACK_US % 2 == 0;
	int64_t used = c->is_lax ? lax_use(c, g, mono_now) : g->granted;
	for (int64_t i = 0; i < used && mono_now < g->mono_good_until; i++) {
		assert_true(b->n_dialed < DIALS_MAX);
		b->mono_dialed[b->n_dialed++] = is_late ? g->mono_good_until : mono_now;
	}
	c->wanted = c->wanted % 3 + 1;
	if (mono_now < b->mono_end)
		timer_start(c->timer, g->granted > 0 ? 0 : g->wait_us);
}

static void ask_again(void *arg)
{
	struct caller *c = arg;
	c->is_asking = true;
	if (c->unused > 0 && clock_mono() >= c->mono_give_at) {
		bucket_give(c->redis, &c->scope, &c->receipt, c->unused);
		c->unused = 0;
	}
	bucket_take(c->redis, &c->scope, &(struct bucket_ask){ .wanted = c->wanted }, on_grant, c);
}

static bool is_over(void *arg)
{
	const struct bench *b = arg;
	bool is_busy = false;
	for (int i = 0; i < CALLERS; i++)
		is_busy = is_busy || timer_is_armed(b->callers[i].timer) || b->callers[i].is_asking;
	return clock_mono() > b->mono_end && !is_busy;
}

static int usec_order(const void *a, const void *b)
{
	usec_t x = *(const usec_t *)a, y = *(const usec_t *)b;
	return (x > y) - (x < y);
}

/* In any window from one dial to another: n <= rate * (w + slack) + 1. With x = n - rate * t that
 * is a bound on how far x rises over its lowest point so far. */
static void check_windows(const struct bench *b, double per_us)
{
	double lowest = 0;
	for (size_t i = 0; i < b->n_dialed; i++) {
		double x = (double)i - per_us * (double)(b->mono_dialed[i] - b->mono_dialed[0]);
		lowest = i == 0 || x < lowest ? x : lowest;
		CHECK(x - lowest <= per_us * (double)BUCKET_SLACK_US + 0.001,
		      "dial %zu is %.1f over the line", i, x - lowest);
	}
}

/* All of the rate, but for the times when nobody asked because the machine had no time for us. */
static void check_rate(const struct bench *b, double per_us)
{
	usec_t span_us = b->mono_heard[b->n_heard - 1] - b->mono_heard[0];
	for (size_t i = 1; i < b->n_heard; i++) {
		usec_t gap_us = b->mono_heard[i] - b->mono_heard[i - 1];
		if (gap_us > BUCKET_TOLERANCE_US / 2)
			span_us -= gap_us;
	}
	CHECK((double)b->n_dialed >= 0.98 * per_us * (double)span_us - 3, "%zu dials in %lld us",
	      b->n_dialed, (long long)span_us);
}

static void run_callers(struct bench *b, usec_t span_us, double per_min)
{
	b->mono_end = clock_mono() + span_us;
	for (int i = 0; i < CALLERS; i++)
		timer_start(b->callers[i].timer, 0);
	turn_until(b->loop, is_over, b);
	check_windows(b, per_min / 60e6);
	check_rate(b, per_min / 60e6);
}

static void many_callers_share_one_limit(void **state)
{
	struct bench *b = *state;
	for (int i = 0; i < CALLERS; i++)
		b->callers[i].scope = scope_of(1, 60000, 0, 0);
	run_callers(b, 800 * USEC_PER_MS, 60000);
}

static void campaigns_share_the_limit_of_their_workspace(void **state)
{
	struct bench *b = *state;
	for (int i = 0; i < CALLERS; i++)
		b->callers[i].scope = scope_of((uint8_t)(i + 1), 60000, 40000, 50000);
	run_callers(b, 800 * USEC_PER_MS, 40000);
}

/* Neither how late within its time a token is used nor what is given back lets a window hold more. */
static void tokens_given_back_keep_the_limit(void **state)
{
	struct bench *b = *state;
	for (int i = 0; i < CALLERS; i++) {
		b->callers[i].scope = scope_of((uint8_t)(i + 1), 0, 6000, 0);
		b->callers[i].is_lax = true;
	}
	b->mono_end = clock_mono() + 2 * USEC_PER_SEC;
	for (int i = 0; i < CALLERS; i++)
		timer_start(b->callers[i].timer, 0);
	turn_until(b->loop, is_over, b);
	qsort(b->mono_dialed, b->n_dialed, sizeof(usec_t), usec_order);
	check_windows(b, 6000 / 60e6);
	assert_true(b->n_dialed > 5);
}

static void a_slow_limit_is_kept_to_the_token(void **state)
{
	struct bench *b = *state;
	for (int i = 0; i < CALLERS; i++)
		b->callers[i].scope = scope_of((uint8_t)(i + 1), 0, 0, 1200);
	run_callers(b, 600 * USEC_PER_MS, 1200);
	assert_in_range(b->n_dialed, 2, 15);
}

static void one_who_waits_as_told_gets_every_token(void **state)
{
	struct bench *b = *state;
	for (int i = 0; i < CALLERS; i++)
		b->callers[i].scope = scope_of((uint8_t)(i + 1), 3000, 0, 0);
	b->mono_end = clock_mono() + 500 * USEC_PER_MS;
	timer_start(b->callers[0].timer, 0);
	turn_until(b->loop, is_over, b);
	check_windows(b, 3000 / 60e6);
	check_rate(b, 3000 / 60e6);
	/* Told when to come back, it asks about twice per token, and does not poll. */
	assert_true(b->n_heard <= 3 * b->n_dialed + 10);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(many_callers_share_one_limit),
		TEST(campaigns_share_the_limit_of_their_workspace),
		TEST(tokens_given_back_keep_the_limit),
		TEST(a_slow_limit_is_kept_to_the_token),
		TEST(one_who_waits_as_told_gets_every_token),
	};
	return cmocka_run_group_tests(tests, setup_server, redis_fixture_end);
}
