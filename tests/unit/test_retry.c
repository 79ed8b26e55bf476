/* What follows an attempt: the table of retry.h row by row, budgets, growth, jitter, the carrier's
 * word. */
#include "check.h"

#include "domain/retry.h"

#define S(seconds) ((usec_t)((seconds)*USEC_PER_SEC))
#define BIT(o) (1u << (unsigned)(o))

#define MIDDLE 0.5 /* of the random range: the delay as it is written */

static struct retry_policy without_rules(void)
{
	struct retry_policy p = retry_policy_default();
	return p;
}

static struct retry_policy with_rule(struct retry_rule r)
{
	return (struct retry_policy){ .rules = { r }, .n = 1, .jitter_pct = 0 };
}

/* A call of so many attempts that nothing has become of yet. */
static struct retry_facts fresh(int max_attempts)
{
	return (struct retry_facts){ .max_attempts = max_attempts };
}

static struct retry_decision decide(const struct retry_policy *p, struct retry_facts f,
				    enum outcome o)
{
	return retry_decide(p, &f, o, 0, MIDDLE);
}

static void check_decision(struct retry_decision d, enum retry_next next, bool is_counted,
			   usec_t delay_us, const char *what)
{
	CHECK(d.next == next, "%s: %s, not %s", what, retry_next_name(d.next),
	      retry_next_name(next));
	CHECK(d.is_counted == is_counted, "%s: counted or not", what);
	CHECK(d.delay_us == delay_us, "%s: %" PRId64 " us, not %" PRId64, what, d.delay_us,
	      delay_us);
}

static void each_outcome_without_a_rule_has_its_row(void **state)
{
	static const struct {
		enum outcome o;
		enum retry_next next;
		bool is_counted;
		usec_t delay_us;
	} rows[] = {
		{ OUTCOME_BUSY, RETRY_AGAIN, true, S(900) },
		{ OUTCOME_NO_ANSWER, RETRY_AGAIN, true, S(3600) },
		{ OUTCOME_CARRIER_ERROR, RETRY_AGAIN, false, S(60) },
		{ OUTCOME_RATE_LIMITED, RETRY_AGAIN, false, S(1) },
		{ OUTCOME_AGENT_UNAVAILABLE, RETRY_AGAIN, true, S(120) },
		{ OUTCOME_CONFIG_ERROR, RETRY_BACK, false, 0 },
		{ OUTCOME_NOT_SENT, RETRY_VOID, false, 0 },
		{ OUTCOME_ANSWERED, RETRY_DONE, true, 0 },
		{ OUTCOME_ANSWERED_MACHINE, RETRY_DONE, true, 0 },
		{ OUTCOME_REJECTED, RETRY_FAILED, true, 0 },
		{ OUTCOME_INVALID_NUMBER, RETRY_FAILED, true, 0 },
		{ OUTCOME_SUPPRESSED, RETRY_FAILED, true, 0 },
		{ OUTCOME_UNCERTAIN, RETRY_FAILED, true, 0 },
		{ OUTCOME_EXPIRED, RETRY_FAILED, true, 0 },
		{ OUTCOME_CANCELLED, RETRY_FAILED, true, 0 },
	};
	const struct retry_policy p = without_rules();

	(void)state;
	assert_int_equal(ARRAY_LEN(rows), OUTCOME_COUNT - 1); /* all but none */
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct retry_decision d = decide(&p, fresh(3), rows[i].o);
		check_decision(d, rows[i].next, rows[i].is_counted, rows[i].delay_us,
			       outcome_name(rows[i].o));
		CHECK(d.pause_campaign == (rows[i].o == OUTCOME_CONFIG_ERROR), "%s",
		      outcome_name(rows[i].o));
		CHECK(!retry_policy_names(&p, rows[i].o), "%s", outcome_name(rows[i].o));
	}
}

static void the_last_counted_attempt_ends_the_call(void **state)
{
	static const struct {
		enum outcome o;
		int max_attempts, counted;
		enum retry_next next;
	} rows[] = {
		{ OUTCOME_BUSY, 1, 0, RETRY_FAILED },
		{ OUTCOME_BUSY, 2, 0, RETRY_AGAIN },
		{ OUTCOME_BUSY, 2, 1, RETRY_FAILED },
		{ OUTCOME_NO_ANSWER, 3, 1, RETRY_AGAIN },
		{ OUTCOME_NO_ANSWER, 3, 2, RETRY_FAILED },
		{ OUTCOME_NO_ANSWER, 10, 8, RETRY_AGAIN },
		{ OUTCOME_NO_ANSWER, 10, 9, RETRY_FAILED },
		{ OUTCOME_AGENT_UNAVAILABLE, 1, 0, RETRY_FAILED },
		/* A limit that was lowered below what has been spent. */
		{ OUTCOME_BUSY, 2, 5, RETRY_FAILED },
	};
	const struct retry_policy p = without_rules();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct retry_facts f = fresh(rows[i].max_attempts);
		f.counted = rows[i].counted;
		struct retry_decision d = decide(&p, f, rows[i].o);
		CHECK(d.next == rows[i].next && d.is_counted, "%s, %d of %d",
		      outcome_name(rows[i].o), rows[i].counted, rows[i].max_attempts);
	}
}

static void three_carrier_errors_are_free_even_of_a_single_attempt(void **state)
{
	const struct retry_policy p = without_rules();
	struct retry_facts f = fresh(1);

	(void)state;
	for (int n = 0; n < RETRY_FREE_CARRIER_ERRORS; n++) {
		f.carrier_errors = n;
		check_decision(decide(&p, f, OUTCOME_CARRIER_ERROR), RETRY_AGAIN, false, S(60) << n,
			       "a free one");
	}
	f.carrier_errors = RETRY_FREE_CARRIER_ERRORS;
	check_decision(decide(&p, f, OUTCOME_CARRIER_ERROR), RETRY_FAILED, true, 0, "the fourth");
	f.max_attempts = 2;
	check_decision(decide(&p, f, OUTCOME_CARRIER_ERROR), RETRY_AGAIN, true, S(480),
		       "the fourth of two attempts");
	/* What was counted before does not make the free ones cost anything. */
	f = (struct retry_facts){ .max_attempts = 3, .counted = 2, .carrier_errors = 1 };
	check_decision(decide(&p, f, OUTCOME_CARRIER_ERROR), RETRY_AGAIN, false, S(120),
		       "the second after two others");
}

static void carrier_errors_double_up_to_their_cap(void **state)
{
	static const int64_t expected_s[] = { 60, 120, 240, 480, 900, 900, 900 };
	const struct retry_policy p = without_rules();
	struct retry_facts f = fresh(1000);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(expected_s); i++) {
		f.carrier_errors = (int)i;
		assert_int_equal(decide(&p, f, OUTCOME_CARRIER_ERROR).delay_us, S(expected_s[i]));
	}
	f.carrier_errors = 1000000;
	assert_int_equal(decide(&p, f, OUTCOME_CARRIER_ERROR).delay_us, S(900));
}

static void an_exponential_rule_doubles_with_the_attempts_that_counted(void **state)
{
	static const struct {
		usec_t delay_us, max_delay_us;
		int counted;
		usec_t expected_us;
	} rows[] = {
		{ S(10), S(70), 0, S(10) },
		{ S(10), S(70), 1, S(20) },
		{ S(10), S(70), 2, S(40) },
		{ S(10), S(70), 3, S(70) },
		{ S(10), S(70), 8, S(70) },
		{ S(100), S(70), 0, S(70) }, /* a cap below the delay itself */
		{ S(86400), 0, 2, S(4 * 86400) },
		{ S(86400), 0, 3, RETRY_DELAY_MAX_US }, /* no cap of its own */
		{ 0, S(70), 5, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct retry_policy p =
			with_rule((struct retry_rule){ .outcomes = BIT(OUTCOME_BUSY),
						       .delay_us = rows[i].delay_us,
						       .max_delay_us = rows[i].max_delay_us,
						       .is_exponential = true });
		struct retry_facts f = fresh(100);
		f.counted = rows[i].counted;
		CHECK(decide(&p, f, OUTCOME_BUSY).delay_us == rows[i].expected_us, "row %zu", i);
	}
}

static void a_constant_rule_does_not_grow_and_its_cap_is_idle(void **state)
{
	const struct retry_policy p = with_rule((struct retry_rule){
		.outcomes = BIT(OUTCOME_CARRIER_ERROR), .delay_us = S(5), .max_delay_us = S(1) });
	struct retry_facts f = fresh(100);

	(void)state;
	for (f.carrier_errors = 0; f.carrier_errors < 10; f.carrier_errors++)
		assert_int_equal(decide(&p, f, OUTCOME_CARRIER_ERROR).delay_us, S(5));
}

static void a_rule_replaces_the_defaults_of_what_it_names_and_no_others(void **state)
{
	const struct retry_policy p = {
		.rules = { { .outcomes = BIT(OUTCOME_BUSY) | BIT(OUTCOME_NO_ANSWER),
			     .delay_us = S(7) },
			   { .outcomes = BIT(OUTCOME_BUSY), .delay_us = S(9) } },
		.n = 2,
	};

	(void)state;
	/* Of two rules that name an outcome the first applies. */
	assert_int_equal(decide(&p, fresh(3), OUTCOME_BUSY).delay_us, S(7));
	assert_int_equal(decide(&p, fresh(3), OUTCOME_NO_ANSWER).delay_us, S(7));
	assert_int_equal(decide(&p, fresh(3), OUTCOME_CARRIER_ERROR).delay_us, S(60));
	assert_true(retry_policy_names(&p, OUTCOME_BUSY));
	assert_true(retry_policy_names(&p, OUTCOME_NO_ANSWER));
	assert_false(retry_policy_names(&p, OUTCOME_CARRIER_ERROR));
}

static void what_is_never_retried_is_when_a_rule_names_it(void **state)
{
	static const enum outcome outcomes[] = { OUTCOME_REJECTED, OUTCOME_UNCERTAIN,
						 OUTCOME_ANSWERED_MACHINE };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
		const struct retry_policy p = with_rule(
			(struct retry_rule){ .outcomes = BIT(outcomes[i]), .delay_us = S(3) });
		struct retry_facts f = fresh(2);
		check_decision(decide(&p, f, outcomes[i]), RETRY_AGAIN, true, S(3),
			       outcome_name(outcomes[i]));
		f.counted = 1;
		check_decision(decide(&p, f, outcomes[i]),
			       outcomes[i] == OUTCOME_ANSWERED_MACHINE ? RETRY_DONE : RETRY_FAILED,
			       true, 0, outcome_name(outcomes[i]));
	}
}

static void a_rule_cannot_bring_back_an_answer_or_a_number_that_is_none(void **state)
{
	const struct retry_policy p = with_rule((struct retry_rule){
		.outcomes = BIT(OUTCOME_ANSWERED) | BIT(OUTCOME_INVALID_NUMBER),
		.delay_us = S(3) });

	(void)state;
	check_decision(decide(&p, fresh(9), OUTCOME_ANSWERED), RETRY_DONE, true, 0, "answered");
	check_decision(decide(&p, fresh(9), OUTCOME_INVALID_NUMBER), RETRY_FAILED, true, 0,
		       "invalid_number");
}

static void the_agent_is_waited_for_once_unless_a_rule_says_otherwise(void **state)
{
	const struct retry_policy none = without_rules();
	const struct retry_policy own = with_rule((struct retry_rule){
		.outcomes = BIT(OUTCOME_AGENT_UNAVAILABLE), .delay_us = S(4) });
	struct retry_facts f = { .max_attempts = 9, .counted = 1, .agent_unavailable = 1 };

	(void)state;
	check_decision(decide(&none, f, OUTCOME_AGENT_UNAVAILABLE), RETRY_FAILED, true, 0,
		       "the second time");
	check_decision(decide(&own, f, OUTCOME_AGENT_UNAVAILABLE), RETRY_AGAIN, true, S(4),
		       "the second time under a rule");
	f.counted = f.agent_unavailable = 8;
	check_decision(decide(&own, f, OUTCOME_AGENT_UNAVAILABLE), RETRY_FAILED, true, 0,
		       "the last attempt under a rule");
}

static void a_conversation_ends_the_call_whatever_came_after_it(void **state)
{
	const struct retry_policy p = { .rules = { { .outcomes = UINT32_MAX, .delay_us = S(1) } },
					.n = 1 };

	(void)state;
	for (int o = OUTCOME_NONE + 1; o < OUTCOME_COUNT; o++) {
		struct retry_facts f = { .max_attempts = 9, .has_talked = true };
		struct retry_decision d = retry_decide(&p, &f, (enum outcome)o, S(30), MIDDLE);
		check_decision(d, RETRY_DONE, true, 0, outcome_name((enum outcome)o));
		CHECK(!d.pause_campaign, "%s", outcome_name((enum outcome)o));
	}
}

static void a_wrong_setting_pauses_the_campaign_and_fails_a_call_without_one(void **state)
{
	const struct retry_policy p = without_rules();
	struct retry_facts f = { .max_attempts = 1, .counted = 1 };

	(void)state;
	struct retry_decision d = decide(&p, f, OUTCOME_CONFIG_ERROR);
	check_decision(d, RETRY_BACK, false, 0, "with a campaign");
	assert_true(d.pause_campaign);
	f.is_ad_hoc = true;
	d = decide(&p, f, OUTCOME_CONFIG_ERROR);
	check_decision(d, RETRY_FAILED, false, 0, "without one");
	assert_false(d.pause_campaign);
}

static void what_was_never_sent_counts_for_nothing(void **state)
{
	const struct retry_policy p = without_rules();
	const struct retry_facts f = { .max_attempts = 1,
				       .counted = 1,
				       .carrier_errors = 9,
				       .rate_limited = 20,
				       .is_ad_hoc = true };

	(void)state;
	check_decision(decide(&p, f, OUTCOME_NOT_SENT), RETRY_VOID, false, 0, "not_sent");
}

static void a_carriers_limit_is_obeyed_twenty_times_and_never_counts(void **state)
{
	static const int64_t expected_s[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
	const struct retry_policy p = without_rules();
	struct retry_facts f = { .max_attempts = 1, .counted = 1 };

	(void)state;
	for (int n = 0; n < RETRY_RATE_LIMITED_MAX; n++) {
		f.rate_limited = n;
		size_t i =
			(size_t)n < ARRAY_LEN(expected_s) ? (size_t)n : ARRAY_LEN(expected_s) - 1;
		check_decision(decide(&p, f, OUTCOME_RATE_LIMITED), RETRY_AGAIN, false,
			       S(expected_s[i]), "within the limit");
	}
	f.rate_limited = RETRY_RATE_LIMITED_MAX;
	check_decision(decide(&p, f, OUTCOME_RATE_LIMITED), RETRY_FAILED, false, 0,
		       "the twenty-first");
}

static void retry_after_is_the_least_that_is_waited(void **state)
{
	static const struct {
		usec_t rule_us; /* 0 = no rule */
		usec_t retry_after_us, expected_us;
	} rows[] = {
		{ 0, S(2), S(2) },       { 0, S(7200), S(7200) }, { S(10), S(2), S(10) },
		{ S(10), S(30), S(30) }, { S(10), 0, S(10) },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct retry_policy p = with_rule((struct retry_rule){
			.outcomes = BIT(OUTCOME_RATE_LIMITED), .delay_us = rows[i].rule_us });
		p.n = rows[i].rule_us > 0 ? 1 : 0;
		struct retry_facts f = fresh(3);
		struct retry_decision d =
			retry_decide(&p, &f, OUTCOME_RATE_LIMITED, rows[i].retry_after_us, MIDDLE);
		check_decision(d, RETRY_AGAIN, false, rows[i].expected_us, "Retry-After");
	}
}

static void no_jitter_takes_a_dial_below_retry_after(void **state)
{
	struct retry_policy p = with_rule(
		(struct retry_rule){ .outcomes = BIT(OUTCOME_RATE_LIMITED), .delay_us = S(10) });
	const struct retry_facts f = fresh(3);

	(void)state;
	p.jitter_pct = 50;
	for (int i = 0; i < 1000; i++) {
		usec_t d = retry_decide(&p, &f, OUTCOME_RATE_LIMITED, S(9), i / 1000.0).delay_us;
		CHECK(d >= S(9) && d < S(15), "%d: %" PRId64, i, d);
	}
}

static void jitter_stays_within_its_share_on_both_sides_in_whole_milliseconds(void **state)
{
	static const int pcts[] = { 0, 1, 10, 50 };
	const struct retry_facts f = fresh(3);

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(pcts); k++) {
		struct retry_policy p = with_rule((struct retry_rule){
			.outcomes = BIT(OUTCOME_BUSY), .delay_us = S(1) + 1234 });
		p.jitter_pct = pcts[k];
		usec_t delay = p.rules[0].delay_us, least = INT64_MAX, most = 0;
		usec_t share = delay * pcts[k] / 100;
		for (int i = 0; i < 1000; i++) {
			usec_t d = retry_decide(&p, &f, OUTCOME_BUSY, 0, i / 1000.0).delay_us;
			CHECK(d % USEC_PER_MS == 0, "%" PRId64, d);
			/* Rounded down to a millisecond. */
			CHECK(d > delay - share - USEC_PER_MS && d <= delay + share,
			      "%d %%: %" PRId64, pcts[k], d);
			least = min_i64(least, d);
			most = max_i64(most, d);
		}
		/* And it uses the whole of it. */
		CHECK(most - least >= share * 2 * 99 / 100 - USEC_PER_MS, "%d %%", pcts[k]);
	}
}

static void a_retry_at_the_next_occurrence_or_later_is_not_made(void **state)
{
	const usec_t now = S(1700000000);
	static const struct {
		enum outcome o;
		usec_t delay_us, retry_after_us, before_us; /* before_us: from now; 0 = any time */
		enum retry_next next;
	} rows[] = {
		{ OUTCOME_BUSY, S(20), 0, S(20) + 1, RETRY_AGAIN },
		{ OUTCOME_BUSY, S(20), 0, S(20), RETRY_FAILED },
		{ OUTCOME_BUSY, S(20), 0, S(-5), RETRY_FAILED },
		{ OUTCOME_BUSY, S(20), 0, 0, RETRY_AGAIN },
		{ OUTCOME_BUSY, S(20), 0, USEC_NEVER, RETRY_AGAIN },
		{ OUTCOME_ANSWERED_MACHINE, S(20), 0, S(10), RETRY_DONE },
		{ OUTCOME_RATE_LIMITED, S(1), S(30), S(31), RETRY_AGAIN },
		{ OUTCOME_RATE_LIMITED, S(1), S(30), S(30), RETRY_FAILED },
		{ OUTCOME_CARRIER_ERROR, S(60), 0, S(59), RETRY_FAILED },
		/* Not retries: what did not reach a phone is not made up for by the next one. */
		{ OUTCOME_NOT_SENT, S(20), 0, S(-5), RETRY_VOID },
		{ OUTCOME_CONFIG_ERROR, S(20), 0, S(-5), RETRY_BACK },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct retry_policy p = with_rule((struct retry_rule){
			.outcomes = BIT(rows[i].o), .delay_us = rows[i].delay_us });
		usec_t before = rows[i].before_us;
		struct retry_facts f = fresh(9);
		f.now = now;
		f.retry_before = before == 0 || before == USEC_NEVER ? before : now + before;
		struct retry_decision d =
			retry_decide(&p, &f, rows[i].o, rows[i].retry_after_us, MIDDLE);
		CHECK(d.next == rows[i].next, "row %zu: %s", i, retry_next_name(d.next));
		/* The attempt itself costs what it costs. */
		f.retry_before = 0;
		CHECK(d.is_counted ==
			      retry_decide(&p, &f, rows[i].o, rows[i].retry_after_us, MIDDLE)
				      .is_counted,
		      "row %zu", i);
	}
}

static void the_longest_delays_stay_exact(void **state)
{
	const struct retry_policy p = with_rule((struct retry_rule){
		.outcomes = BIT(OUTCOME_BUSY), .delay_us = RETRY_DELAY_MAX_US });

	(void)state;
	assert_int_equal(decide(&p, fresh(3), OUTCOME_BUSY).delay_us, RETRY_DELAY_MAX_US);
}

static void the_names_are_those_of_the_statements(void **state)
{
	static const char *const names[] = { "done", "failed", "retry", "back", "void" };

	(void)state;
	assert_int_equal(ARRAY_LEN(names), RETRY_NEXT_COUNT);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_string_equal(retry_next_name((enum retry_next)i), names[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_outcome_without_a_rule_has_its_row),
		cmocka_unit_test(the_last_counted_attempt_ends_the_call),
		cmocka_unit_test(three_carrier_errors_are_free_even_of_a_single_attempt),
		cmocka_unit_test(carrier_errors_double_up_to_their_cap),
		cmocka_unit_test(an_exponential_rule_doubles_with_the_attempts_that_counted),
		cmocka_unit_test(a_constant_rule_does_not_grow_and_its_cap_is_idle),
		cmocka_unit_test(a_rule_replaces_the_defaults_of_what_it_names_and_no_others),
		cmocka_unit_test(what_is_never_retried_is_when_a_rule_names_it),
		cmocka_unit_test(a_rule_cannot_bring_back_an_answer_or_a_number_that_is_none),
		cmocka_unit_test(the_agent_is_waited_for_once_unless_a_rule_says_otherwise),
		cmocka_unit_test(a_conversation_ends_the_call_whatever_came_after_it),
		cmocka_unit_test(a_wrong_setting_pauses_the_campaign_and_fails_a_call_without_one),
		cmocka_unit_test(what_was_never_sent_counts_for_nothing),
		cmocka_unit_test(a_carriers_limit_is_obeyed_twenty_times_and_never_counts),
		cmocka_unit_test(retry_after_is_the_least_that_is_waited),
		cmocka_unit_test(no_jitter_takes_a_dial_below_retry_after),
		cmocka_unit_test(jitter_stays_within_its_share_on_both_sides_in_whole_milliseconds),
		cmocka_unit_test(a_retry_at_the_next_occurrence_or_later_is_not_made),
		cmocka_unit_test(the_longest_delays_stay_exact),
		cmocka_unit_test(the_names_are_those_of_the_statements),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
