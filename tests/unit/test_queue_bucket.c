/* Token buckets: never more than the limits in any window, all of the tightest limit in the long
 * run, from all buckets or from none. */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "check.h"
#include "queue/bucket.h"
#include "redis_fixture.h"
#include "sys/clock.h"

#define CALLERS 3
#define DIALS_MAX 20000

struct bench;

/* Asks, notes what it got as dialed at once, and asks again when told to. */
struct caller {
	struct bench *bench;
	struct redis *redis;
	struct timer *timer;
	struct bucket_scope scope;
	int64_t wanted;
	bool is_asking;
};

struct bench {
	struct redis_fixture *server;
	struct loop *loop;
	struct caller callers[CALLERS];
	/* of a single question */
	bool is_answered;
	struct err e;
	struct bucket_grant g;
	usec_t mono_before, mono_after; /* around the asking */
	/* of the callers */
	usec_t *mono_dialed, *mono_heard;
	size_t n_dialed, n_heard;
	usec_t mono_end;
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
	struct bench *b = xcalloc(1, sizeof(*b));
	b->server = redis_fixture_new();
	*state = b;
	return 0;
}

static int teardown_server(void **state)
{
	struct bench *b = *state;
	redis_fixture_free(b->server);
	free(b);
	return 0;
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

/* --- helpers -------------------------------------------------------------------------------- */

static struct uuid id_of(uint8_t n)
{
	return (struct uuid){ { n } };
}

static struct bucket_scope scope_of(uint8_t campaign, int64_t c, int64_t w, int64_t n)
{
	return (struct bucket_scope){ .shard = 1,
				      .campaign_id = id_of(campaign),
				      .workspace_id = id_of(101),
				      .number_id = id_of(102),
				      .limits = { c, w, n } };
}

static bool is_answered(void *arg)
{
	return ((struct bench *)arg)->is_answered;
}

static void on_answer(struct err e, const struct bucket_grant *g, void *arg)
{
	struct bench *b = arg;
	b->is_answered = true;
	b->e = e;
	b->g = *g;
}

static int64_t take_aged(struct bench *b, struct bucket_scope s, struct bucket_ask ask)
{
	b->is_answered = false;
	b->mono_before = clock_mono();
	bucket_take(b->callers[0].redis, &s, &ask, on_answer, b);
	b->mono_after = clock_mono();
	assert_false(b->is_answered);
	turn_until(b->loop, is_answered, b);
	assert_ok(b->e);
	return b->g.granted;
}

static int64_t take(struct bench *b, struct bucket_scope s, int64_t wanted)
{
	return take_aged(b, s, (struct bucket_ask){ .wanted = wanted });
}

/* --- one question --------------------------------------------------------------------------- */

static void without_limits_redis_is_not_asked(void **state)
{
	struct bench *b = *state;
	assert_int_equal(take(b, scope_of(1, 0, 0, 0), 1000), 1000);
	assert_int_equal(b->g.mono_good_until, USEC_NEVER);
	assert_int_equal(redis_fixture_int(b->server, "DBSIZE"), 0);
}

static void a_slow_bucket_gives_one_and_says_when_to_come_back(void **state)
{
	struct bench *b = *state;
	const struct bucket_scope s = scope_of(1, 6, 0, 0);
	assert_int_equal(take(b, s, 5), 1);
	assert_in_range(b->g.wait_us, 9900 * USEC_PER_MS, 10000 * USEC_PER_MS);
	assert_int_equal(take(b, s, 5), 0);
	assert_in_range(b->g.wait_us, 5000 * USEC_PER_MS, 10000 * USEC_PER_MS);
	assert_int_equal(redis_fixture_int(b->server, "DBSIZE"), 1);
	int64_t ttl_ms = redis_fixture_int(b->server,
					   "PTTL bf:{1}:b:c:01000000-0000-0000-0000-000000000000");
	assert_in_range(ttl_ms, 5000, 10002);
}

static void a_grant_is_good_for_the_slack_less_its_age(void **state)
{
	struct bench *b = *state;
	static const struct {
		int64_t wanted;
		usec_t lag_us;
	} cases[] = { { 1, 0 }, { 11, 10 * USEC_PER_MS }, { 1000, BUCKET_TOLERANCE_US } };
	/* One each millisecond: a full bucket hands out its youngest. */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bucket_scope s = scope_of((uint8_t)(i + 1), 60000, 0, 0);
		assert_int_equal(take(b, s, cases[i].wanted), min_i64(cases[i].wanted, 51));
		usec_t mono_base = b->g.mono_good_until - (BUCKET_SLACK_US - cases[i].lag_us);
		assert_in_range(mono_base, b->mono_before, b->mono_after);
	}
}

static void a_full_bucket_begins_at_the_instant_of_the_call(void **state)
{
	struct bench *b = *state;
	static const struct {
		usec_t age_us, lag_us;
	} cases[] = { { 0, 0 }, { -1, 0 }, { 3000, 3000 }, { 70000, BUCKET_TOLERANCE_US } };
	/* One each 100 ms: the next stands one interval after the call's instant, not the asking's. */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bucket_scope s = scope_of((uint8_t)(i + 1), 600, 0, 0);
		struct bucket_ask ask = { .wanted = 2, .age_us = cases[i].age_us };
		assert_int_equal(take_aged(b, s, ask), 1);
		usec_t mono_base = b->g.mono_good_until - (BUCKET_SLACK_US - BUCKET_TOLERANCE_US);
		assert_in_range(mono_base, b->mono_before, b->mono_after);
		ask.wanted = 1;
		s.campaign_id = id_of((uint8_t)(i + 51));
		assert_int_equal(take_aged(b, s, ask), 1);
		assert_int_equal(b->g.wait_us, 100 * USEC_PER_MS - cases[i].lag_us);
		mono_base = b->g.mono_good_until - (BUCKET_SLACK_US - cases[i].lag_us);
		assert_in_range(mono_base, b->mono_before, b->mono_after);
		/* Not full any more: the age changes nothing. */
		assert_int_equal(take_aged(b, s, ask), 0);
	}
}

static void a_full_bucket_holds_what_the_tolerance_allows(void **state)
{
	struct bench *b = *state;
	/* One each millisecond; 50 ms of tolerance and the one that is due now. */
	assert_int_equal(take(b, scope_of(1, 60000, 0, 0), 1000), 51);
	assert_in_range(b->g.wait_us, 1, USEC_PER_MS);
}

static void it_is_all_buckets_or_none(void **state)
{
	struct bench *b = *state;
	assert_int_equal(take(b, scope_of(1, 600000, 6, 600000), 10), 1);
	assert_int_equal(redis_fixture_int(b->server, "DBSIZE"), 3);
	/* The workspace is exhausted: the other campaign's bucket is not touched. */
	assert_int_equal(take(b, scope_of(2, 6, 6, 600000), 1), 0);
	assert_in_range(b->g.wait_us, 5000 * USEC_PER_MS, 10000 * USEC_PER_MS);
	assert_int_equal(
		redis_fixture_int(b->server,
				  "EXISTS bf:{1}:b:c:02000000-0000-0000-0000-000000000000"),
		0);
	/* And not the number's either: of 501 tokens one is gone. */
	assert_int_equal(take(b, scope_of(3, 0, 0, 60), 1), 1);
}

static void the_tightest_bucket_decides(void **state)
{
	struct bench *b = *state;
	assert_int_equal(take(b, scope_of(1, 60000, 12000, 30000), 1000), 11);
	assert_in_range(b->g.wait_us, 1, 5 * USEC_PER_MS);
	assert_int_equal(b->g.tight, BUCKET_WORKSPACE);
	(void)take(b, scope_of(2, 600000, 0, 6), 2); /* one at most */
	assert_int_equal(b->g.tight, BUCKET_NUMBER);
	(void)take(b, scope_of(3, 6, 0, 0), 2);
	assert_int_equal(b->g.tight, BUCKET_CAMPAIGN);
	assert_string_equal(bucket_kind_name(BUCKET_CAMPAIGN), "campaign");
}

/* --- giving back ---------------------------------------------------------------------------- */

static void a_token_given_back_is_there_again_once(void **state)
{
	struct bench *b = *state;
	const struct bucket_scope s = scope_of(1, 6, 12, 0);
	assert_int_equal(take(b, s, 1), 1);
	assert_int_equal(take(b, s, 1), 0);
	bucket_give(b->callers[0].redis, &s, 1);
	assert_int_equal(take(b, s, 2), 1);
	assert_int_equal(take(b, s, 1), 0);
}

static void tokens_of_the_past_cannot_be_given_back(void **state)
{
	struct bench *b = *state;
	const struct bucket_scope s = scope_of(1, 60000, 0, 0);
	usec_t mono_first = clock_mono(); /* before Redis looks at its own */
	int64_t first = take(b, s, 1000);
	bucket_give(b->callers[0].redis, &s, 1000000);
	int64_t again = take(b, s, 1000);
	int64_t passed = (clock_mono() - mono_first) / USEC_PER_MS;
	assert_int_equal(first, 51);
	/* The one of now, and those that became due meanwhile. */
	assert_in_range(again, 1, 2 + passed);
}

static void giving_to_a_bucket_that_is_gone_does_nothing(void **state)
{
	struct bench *b = *state;
	const struct bucket_scope s = scope_of(1, 6, 0, 0);
	bucket_give(b->callers[0].redis, &s, 5);
	assert_int_equal(take(b, s, 5), 1);
}

/* --- limits and clocks that change ---------------------------------------------------------- */

static void a_raised_limit_is_in_force_at_once(void **state)
{
	struct bench *b = *state;
	assert_int_equal(take(b, scope_of(1, 1, 0, 0), 1), 1);
	assert_true(b->g.wait_us > 50 * USEC_PER_SEC);
	int64_t granted = take(b, scope_of(1, 6000, 0, 0), 1);
	assert_true(granted == 1 || b->g.wait_us <= 10 * USEC_PER_MS);
}

static void a_lowered_limit_is_in_force_after_one_more(void **state)
{
	struct bench *b = *state;
	assert_int_equal(take(b, scope_of(1, 60000, 0, 0), 1000), 51);
	int64_t granted = 0;
	usec_t mono_end = clock_mono() + 100 * USEC_PER_MS;
	for (int i = 0; i < 20 || clock_mono() < mono_end; i++)
		granted += take(b, scope_of(1, 6, 0, 0), 1000);
	assert_int_equal(granted, 1);
	assert_true(b->g.wait_us > 9 * USEC_PER_SEC);
}

static void a_clock_that_jumped_back_does_not_stop_dialing(void **state)
{
	struct bench *b = *state;
	free(redis_fixture_text(b->server, "SET %s %lld",
				"bf:{1}:b:c:01000000-0000-0000-0000-000000000000",
				(long long)(clock_now() + 3600 * USEC_PER_SEC)));
	int64_t granted = take(b, scope_of(1, 600, 0, 0), 1);
	assert_true(granted == 1 || b->g.wait_us <= 100 * USEC_PER_MS);
}

static void nonsense_in_a_bucket_is_an_empty_history(void **state)
{
	struct bench *b = *state;
	free(redis_fixture_text(b->server, "SET %s nonsense",
				"bf:{1}:b:c:01000000-0000-0000-0000-000000000000"));
	bucket_give(b->callers[0].redis, &(struct bucket_scope){ .shard = 1 }, 1);
	assert_int_equal(take(b, scope_of(1, 6, 0, 0), 1), 1);
	assert_int_equal(take(b, scope_of(1, 6, 0, 0), 1), 0);
}

static void redis_away_is_an_error(void **state)
{
	struct bench *b = *state;
	const struct bucket_scope s = scope_of(1, 6, 0, 0);
	redis_fixture_kill(b->server);
	bucket_take(b->callers[0].redis, &s, &(struct bucket_ask){ .wanted = 1 }, on_answer, b);
	turn_until(b->loop, is_answered, b);
	assert_int_equal(b->e.code, ERR_UNAVAILABLE);
	assert_int_equal(b->g.granted, 0);
}

/* --- many callers --------------------------------------------------------------------------- */

static void on_grant(struct err e, const struct bucket_grant *g, void *arg)
{
	struct caller *c = arg;
	struct bench *b = c->bench;
	usec_t mono_now = clock_mono();
	c->is_asking = false;
	assert_ok(e);
	assert_true(b->n_heard < DIALS_MAX);
	b->mono_heard[b->n_heard++] = mono_now;
	for (int64_t i = 0; i < g->granted && mono_now < g->mono_good_until; i++) {
		assert_true(b->n_dialed < DIALS_MAX);
		b->mono_dialed[b->n_dialed++] = mono_now;
	}
	c->wanted = c->wanted % 3 + 1;
	if (mono_now < b->mono_end)
		timer_start(c->timer, g->granted > 0 ? 0 : g->wait_us);
}

static void ask_again(void *arg)
{
	struct caller *c = arg;
	c->is_asking = true;
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
		TEST(without_limits_redis_is_not_asked),
		TEST(a_slow_bucket_gives_one_and_says_when_to_come_back),
		TEST(a_grant_is_good_for_the_slack_less_its_age),
		TEST(a_full_bucket_begins_at_the_instant_of_the_call),
		TEST(a_full_bucket_holds_what_the_tolerance_allows),
		TEST(it_is_all_buckets_or_none),
		TEST(the_tightest_bucket_decides),
		TEST(a_token_given_back_is_there_again_once),
		TEST(tokens_of_the_past_cannot_be_given_back),
		TEST(giving_to_a_bucket_that_is_gone_does_nothing),
		TEST(a_raised_limit_is_in_force_at_once),
		TEST(a_lowered_limit_is_in_force_after_one_more),
		TEST(a_clock_that_jumped_back_does_not_stop_dialing),
		TEST(nonsense_in_a_bucket_is_an_empty_history),
		TEST(redis_away_is_an_error),
		TEST(many_callers_share_one_limit),
		TEST(campaigns_share_the_limit_of_their_workspace),
		TEST(a_slow_limit_is_kept_to_the_token),
		TEST(one_who_waits_as_told_gets_every_token),
	};
	return cmocka_run_group_tests(tests, setup_server, teardown_server);
}
