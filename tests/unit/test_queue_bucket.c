/* Token buckets, asked one question after the other: what is granted, for how long, what may go back. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "bucket_scope.h"
#include "check.h"
#include "redis_fixture.h"
#include "sys/clock.h"

struct bench {
	struct redis_fixture *server;
	struct loop *loop;
	struct redis *redis;
	bool is_answered;
	struct err e;
	struct bucket_grant g;
	usec_t mono_before, mono_after; /* around the asking */
};

static bool is_up(void *arg)
{
	const struct bench *b = arg;
	return redis_is_up(b->redis);
}

static int setup_server(void **state)
{
	return redis_fixture_begin(state, sizeof(struct bench));
}

static int setup(void **state)
{
	struct bench *b = *state;
	struct redis_fixture *server = b->server;
	const struct redis_options o = { .url = redis_fixture_url(server) };
	*b = (struct bench){ .server = server, .loop = loop_new() };
	redis_fixture_ready(server);
	assert_ok(redis_open(b->loop, &o, &b->redis));
	turn_until(b->loop, is_up, b);
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	redis_close(b->redis);
	loop_free(b->loop);
	return 0;
}

/* --- helpers -------------------------------------------------------------------------------- */

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
	bucket_take(b->redis, &s, &ask, on_answer, b);
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
	/* One each 10 s: the next stands one interval after the call's instant, not the asking's. */
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bucket_scope s = scope_of((uint8_t)(i + 1), 6, 0, 0);
		struct bucket_ask ask = { .wanted = 2, .age_us = cases[i].age_us };
		assert_int_equal(take_aged(b, s, ask), 1);
		usec_t mono_base = b->g.mono_good_until - (BUCKET_SLACK_US - BUCKET_TOLERANCE_US);
		assert_in_range(mono_base, b->mono_before, b->mono_after);
		ask.wanted = 1;
		s.campaign_id = id_of((uint8_t)(i + 51));
		assert_int_equal(take_aged(b, s, ask), 1);
		assert_int_equal(b->g.wait_us, 10 * USEC_PER_SEC - cases[i].lag_us);
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
	/* Two of the three are forgotten 51 ms later, which may pass in asking. */
	int64_t n_keys = 0;
	for (int i = 0; n_keys < 3 && i < 100; i++) {
		free(redis_fixture_text(b->server, "FLUSHALL"));
		assert_int_equal(take(b, scope_of(1, 600000, 6, 600000), 10), 1);
		n_keys = redis_fixture_int(b->server, "DBSIZE");
	}
	assert_int_equal(n_keys, 3);
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

static void give(struct bench *b, struct bucket_scope s, const struct bucket_receipt *r, int64_t n)
{
	bucket_give(b->redis, &s, r, n);
	(void)take(b, scope_of(99, 1, 0, 0), 1); /* answered after it */
}

/* What campaign 1's bucket says, in microseconds; -1 when it is gone. */
static double stored(const struct bench *b)
{
	char *text = redis_fixture_text(b->server, "GET %s",
					"bf:{1}:b:c:01000000-0000-0000-0000-000000000000");
	double v = text != NULL && text[0] != '\0' ? strtod(text, NULL) : -1;
	free(text);
	return v;
}

static void a_token_given_back_is_there_again_once(void **state)
{
	struct bench *b = *state;
	const struct bucket_scope s = scope_of(1, 6, 12, 0);
	assert_int_equal(take(b, s, 1), 1);
	const struct bucket_receipt receipt = b->g.receipt;
	assert_int_equal(take(b, s, 1), 0);
	give(b, s, &receipt, 1);
	assert_int_equal(take(b, s, 2), 1);
	assert_int_equal(take(b, s, 1), 0);
	give(b, s, &receipt, 1);
	assert_int_equal(take(b, s, 1), 0);
}

/* Campaign 1's bucket is forgotten once it is full again, which may be before the next question; this
 * keeps it, unless it has gone already. */
static bool keep(const struct bench *b)
{
	return redis_fixture_int(b->server,
				 "PERSIST bf:{1}:b:c:01000000-0000-0000-0000-000000000000") == 1;
}

/* At least two of `wanted`, and they are kept. */
static struct bucket_receipt take_some(struct bench *b, struct bucket_scope s, int64_t wanted)
{
	for (int i = 0; i < 100; i++) {
		free(redis_fixture_text(b->server, "FLUSHALL"));
		assert_true(take(b, s, wanted) >= 2);
		if (keep(b))
			return b->g.receipt;
	}
	fail_msg("the bucket is always gone");
	return b->g.receipt;
}

static void nothing_goes_back_beside_a_later_token(void **state)
{
	struct bench *b = *state;
	const struct bucket_scope s = scope_of(1, 60000, 0, 0);
	struct bucket_receipt receipt;
	do {
		receipt = take_some(b, s, 3);
		while (take(b, s, 1) == 0)
			;
	} while (!keep(b));
	double left = stored(b);
	give(b, s, &receipt, 1);
	assert_true(stored(b) == left);
}

/* Half of it is given, another takes that and leaves the bucket where the receipt says. */
static void a_receipt_holds_for_one_giving(void **state)
{
	struct bench *b = *state;
	const struct bucket_scope s = scope_of(1, 6000, 0, 0);
	struct bucket_receipt receipt;
	do {
		receipt = take_some(b, s, 4);
		double left = stored(b);
		give(b, s, &receipt, 1);
		assert_in_range(llround(left - stored(b)), 9998, 10000);
		assert_int_equal(take(b, s, 1), 1);
	} while (!keep(b));
	double again = stored(b);
	give(b, s, &receipt, 1);
	assert_true(stored(b) == again);
}

static void a_limit_that_changed_gives_back_by_the_old_one(void **state)
{
	struct bench *b = *state;
	assert_int_equal(take(b, scope_of(1, 12, 0, 0), 1), 1);
	double left = stored(b);
	const struct bucket_receipt receipt = b->g.receipt;
	give(b, scope_of(1, 6, 0, 0), &receipt, 1);
	assert_in_range(llround(left - stored(b)), 4999998, 5000000);
}

/* Each bucket has its own line: one that stood still takes its token back, beside one that did not. */
static void each_bucket_is_given_back_by_itself(void **state)
{
	struct bench *b = *state;
	assert_int_equal(take(b, scope_of(1, 6, 60000, 0), 1), 1);
	const struct bucket_receipt receipt = b->g.receipt;
	while (take(b, scope_of(2, 0, 60000, 0), 1) == 0)
		;
	double left = stored(b);
	give(b, scope_of(1, 6, 60000, 0), &receipt, 1);
	assert_in_range(llround(left - stored(b)), 9999998, 10000000);
}

static void giving_to_a_bucket_that_is_gone_does_nothing(void **state)
{
	struct bench *b = *state;
	const struct bucket_scope s = scope_of(1, 60000, 0, 0);
	struct bucket_receipt receipt = { .limits = { .campaign_per_min = 60000 } };
	give(b, s, &receipt, 5);
	assert_true(stored(b) == -1);
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
	assert_true(b->g.wait_us > 5 * USEC_PER_SEC); /* by the old limit a millisecond */
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
	assert_int_equal(take(b, scope_of(1, 6, 0, 0), 1), 1);
	assert_int_equal(take(b, scope_of(1, 6, 0, 0), 1), 0);
}

static void redis_away_is_an_error(void **state)
{
	struct bench *b = *state;
	const struct bucket_scope s = scope_of(1, 6, 0, 0);
	redis_fixture_kill(b->server);
	bucket_take(b->redis, &s, &(struct bucket_ask){ .wanted = 1 }, on_answer, b);
	turn_until(b->loop, is_answered, b);
	assert_int_equal(b->e.code, ERR_UNAVAILABLE);
	assert_int_equal(b->g.granted, 0);
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
		TEST(nothing_goes_back_beside_a_later_token),
		TEST(a_receipt_holds_for_one_giving),
		TEST(a_limit_that_changed_gives_back_by_the_old_one),
		TEST(each_bucket_is_given_back_by_itself),
		TEST(giving_to_a_bucket_that_is_gone_does_nothing),
		TEST(a_raised_limit_is_in_force_at_once),
		TEST(a_lowered_limit_is_in_force_after_one_more),
		TEST(a_clock_that_jumped_back_does_not_stop_dialing),
		TEST(nonsense_in_a_bucket_is_an_empty_history),
		TEST(redis_away_is_an_error),
	};
	return cmocka_run_group_tests(tests, setup_server, redis_fixture_end);
}
