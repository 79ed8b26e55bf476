/* Lanes on a clock of the test's own: what they ask for, and how long they live. The modules around
 * them, the timers and Redis are replaced by functions below that note what they were asked. lane.c
 * is compiled in here, with other names for those: the real ones are linked too, since what unit tests
 * share needs them. */
#define loop_mono world_mono
#define timer_new world_timer_new
#define timer_free world_timer_free
#define timer_start world_timer_start
#define timer_start_at world_timer_start_at
#define timer_stop world_timer_stop
#define bucket_take world_bucket_take
#define bucket_give world_bucket_give

#include "check.h"

#include "../../services/dispatcher/lane.c"

#define TIMERS_MAX 4
#define CLAIMED_MAX 16

struct timer {
	loop_fn fn;
	void *arg;
	usec_t mono_at; /* USEC_NEVER = not armed */
};

/* One test at a time; what the replaced functions share. */
static struct world {
	usec_t mono;
	struct timer timers[TIMERS_MAX];
	size_t n_timers;
	bucket_fn done; /* of the question on its way; NULL = none */
	void *done_arg;
	int64_t wanted, given_back;
	int64_t given_of; /* the receipt: answer() numbers them in its limit */
	int64_t n_answers;
	struct call *claimed[CLAIMED_MAX];
	size_t n_claimed;
} w;

usec_t loop_mono(const struct loop *l)
{
	(void)l; /* one clock for all */
	return w.mono;
}

usec_t app_now(const struct app *app)
{
	(void)app; /* the wall clock is the other one here */
	return w.mono;
}

struct timer *timer_new(struct loop *l, loop_fn fn, void *arg)
{
	(void)l; /* advance() is the loop */
	assert_true(w.n_timers < TIMERS_MAX);
	w.timers[w.n_timers] = (struct timer){ .fn = fn, .arg = arg, .mono_at = USEC_NEVER };
	return &w.timers[w.n_timers++];
}

void timer_free(struct timer *t)
{
	t->mono_at = USEC_NEVER;
}

void timer_start(struct timer *t, usec_t in_us)
{
	t->mono_at = w.mono + in_us;
}

void timer_start_at(struct timer *t, usec_t mono_at)
{
	t->mono_at = mono_at;
}

void timer_stop(struct timer *t)
{
	t->mono_at = USEC_NEVER;
}

void bucket_take(struct redis *r, const struct bucket_scope *s, const struct bucket_ask *ask,
		 bucket_fn done, void *arg)
{
	(void)r; /* there is none */
	(void)s; /* one campaign */
	assert_true(w.done == NULL);
	w.done = done;
	w.done_arg = arg;
	w.wanted = ask->wanted;
}

void bucket_give(struct redis *r, const struct bucket_scope *s,
		 const struct bucket_receipt *receipt, int64_t n)
{
	(void)r; /* there is none */
	(void)s; /* one campaign */
	w.given_back += n;
	w.given_of = receipt->limits.campaign_per_min;
}

void claim_add(struct claims *cs, struct call *c)
{
	(void)cs; /* there is none */
	assert_true(w.n_claimed < CLAIMED_MAX);
	c->state = CALL_GRANTED;
	w.claimed[w.n_claimed++] = c;
}

size_t claim_room(const struct claims *cs)
{
	(void)cs; /* there is none */
	return 200;
}

void attempt_has_tokens(struct attempts *as, struct call *c)
{
	(void)as; /* there are none */
	(void)c;
	fail_msg("no call here has an attempt");
}

void measure_wait(struct measures *m, const struct bucket_grant *g)
{
	(void)m; /* there are none */
	(void)g;
}

/* --- the bench ------------------------------------------------------------------------------- */

static struct app app;

static int setup(void **state)
{
	(void)state; /* w and app are it */
	w = (struct world){ .mono = 1000 * USEC_PER_SEC };
	app = (struct app){ .is_closing = false };
	app.lanes = lanes_new(&app);
	return 0;
}

static int teardown(void **state)
{
	(void)state; /* w and app are it */
	lanes_free(app.lanes);
	return 0;
}

static struct call call_of(uint8_t campaign)
{
	struct call c = { .entry = { .campaign_id = { { campaign } },
				     .call_id = { { campaign, 1 } },
				     .due_at = w.mono,
				     .limits_at = 1,
				     .limits = { .campaign_per_min = 60 } } };
	return c;
}

/* The clock goes on by so much at once, as after a stop of the process; then what is due runs. */
static void advance(usec_t by)
{
	w.mono += by;
	for (size_t i = 0; i < w.n_timers; i++) {
		struct timer *t = &w.timers[i];
		if (t->mono_at > w.mono)
			continue;
		t->mono_at = USEC_NEVER;
		t->fn(t->arg);
	}
}

static void answer(int64_t granted, usec_t wait_us)
{
	bucket_fn done = w.done;
	struct bucket_grant g = { .granted = granted,
				  .wait_us = wait_us,
				  .mono_good_until = w.mono + BUCKET_SLACK_US,
				  .receipt.limits.campaign_per_min = ++w.n_answers };
	assert_true(done != NULL);
	w.done = NULL;
	done(OK, &g, w.done_arg);
}

/* --- the tests ------------------------------------------------------------------------------- */

static void calls_are_granted_in_their_order(void **state)
{
	(void)state; /* w and app are it */
	struct call a = call_of(1), b = call_of(1), c = call_of(1);

	lane_push(app.lanes, &a);
	lane_push(app.lanes, &b);
	lane_push(app.lanes, &c);
	lanes_pump(app.lanes);
	assert_int_equal(w.wanted, 3);
	answer(2, USEC_PER_SEC);
	assert_int_equal(w.n_claimed, 2);
	assert_ptr_equal(w.claimed[0], &a);
	assert_ptr_equal(w.claimed[1], &b);
	assert_true(w.done == NULL);
	advance(USEC_PER_SEC);
	assert_int_equal(w.wanted, 1);
	lane_forget(&a);
	lane_forget(&b);
	lane_forget(&c);
	answer(1, 0); /* for nobody: c was dropped while the question was on its way */
	assert_int_equal(w.given_back, 1);
}

static void a_lane_outlives_its_calls_by_a_minute(void **state)
{
	(void)state; /* w and app are it */
	struct call a = call_of(1), b = call_of(1), c = call_of(2);

	lane_push(app.lanes, &a);
	const struct lane *first = a.lane;
	lanes_pump(app.lanes);
	answer(1, 0);
	lane_forget(&a);
	assert_null(a.lane);
	advance(50 * USEC_PER_SEC);
	lane_push(app.lanes, &b);
	assert_ptr_equal(b.lane, first);
	lane_push(app.lanes, &c);
	assert_ptr_not_equal(c.lane, first);
	lane_forget(&b);
	lane_forget(&c);
}

static void a_lane_stays_while_a_claim_has_its_calls(void **state)
{
	(void)state; /* w and app are it */
	struct call a = call_of(1), b = call_of(1);
	struct call *pushed = &a;

	lane_push(app.lanes, &a);
	const struct lane *lane = a.lane;
	lanes_pump(app.lanes);
	answer(1, 0);
	/* The process stands still, and the answer of the claim comes after all that is due. */
	advance(120 * USEC_PER_SEC);
	lane_push(app.lanes, &b);
	assert_ptr_equal(b.lane, lane);
	lane_push_back(app.lanes, &pushed, 1, USEC_PER_SEC);
	advance(USEC_PER_SEC);
	answer(2, 0);
	assert_int_equal(w.n_claimed, 3);
	assert_ptr_equal(w.claimed[1], &a);
	assert_ptr_equal(w.claimed[2], &b);
	lane_forget(&a);
	lane_forget(&b);
}

static void tokens_spared_go_back_with_their_receipt_before_the_next_question(void **state)
{
	(void)state; /* w and app are it */
	struct call a = call_of(1), b = call_of(1), c = call_of(1), d = call_of(1);

	lane_push(app.lanes, &a);
	lane_push(app.lanes, &b);
	lanes_pump(app.lanes);
	answer(2, 0);
	lane_push(app.lanes, &c);
	lane_push(app.lanes, &d);
	lanes_pump(app.lanes);
	answer(0, 10 * USEC_PER_SEC); /* none yet; the receipt is still the first one's */
	lane_spare(a.lane, a.grant);
	lane_spare(b.lane, b.grant);
	assert_int_equal(w.given_back, 0);
	lanes_pump(app.lanes);
	assert_int_equal(w.given_back, 2);
	assert_int_equal(w.given_of, 1);
	assert_int_equal(w.wanted, 2); /* at once, not when the last answer said */
	answer(1, 10 * USEC_PER_SEC);
	lane_spare(a.lane, a.grant); /* of a grant after which there was another */
	lanes_pump(app.lanes);
	assert_int_equal(w.given_back, 2);
	assert_true(w.done == NULL);
	lane_spare(c.lane, c.grant);
	lanes_pump(app.lanes);
	assert_int_equal(w.given_back, 3);
	assert_int_equal(w.given_of, 3);
	answer(0, 0);
	lane_forget(&a);
	lane_forget(&b);
	lane_forget(&c);
	lane_forget(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(calls_are_granted_in_their_order, setup, teardown),
		cmocka_unit_test_setup_teardown(a_lane_outlives_its_calls_by_a_minute, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			tokens_spared_go_back_with_their_receipt_before_the_next_question, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_lane_stays_while_a_claim_has_its_calls, setup,
						teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
