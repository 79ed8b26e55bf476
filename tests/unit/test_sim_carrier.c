/* What the simulated carrier decides, against plans written by hand. */
#include "check.h"

#include <stdio.h>

#include "../../services/dialer-sim/carrier.h"
#include "base/parse.h"
#include "vectors.h"

static struct carrier_settings settings_of(const struct json_value *row)
{
	struct carrier_settings s = { .ring_us = 200 * USEC_PER_MS, .talk_us = USEC_PER_SEC };

	assert_ok(parse_double(vectors_str(row, "scale"), 0, 1000, &s.time_scale));
	assert_ok(carrier_mix_parse(vectors_str(row, "mix"), &s.mix));
	return s;
}

static void check_end(const struct json_value *row, const struct carrier_plan *p)
{
	struct str by = vectors_str(row, "by");
	const char *by_name = dialer_by_name(p->end.by);

	assert_int_equal(p->end_us, vectors_i64(row, "end_ms") * USEC_PER_MS);
	assert_int_equal(p->sip, vectors_i64(row, "sip"));
	assert_int_equal(p->end.q850, vectors_i64(row, "q850"));
	assert_int_equal(p->end.retry_after_us, vectors_i64(row, "retry_after_ms") * USEC_PER_MS);
	assert_str(vectors_str(row, "outcome"), outcome_name(p->end.outcome));
	assert_true(str_eq(by, str_from(by_name ? by_name : "")));
}

/* The carrier says nothing that the mapping of SIP answers would read otherwise. */
static void check_mapping(const struct carrier_plan *p)
{
	const struct outcome_sip sip = { .status = (int)p->sip,
					 .q850 = (int)p->end.q850,
					 .has_rung = p->has_ringing,
					 .has_timed_out = p->end.by == DIALER_BY_US,
					 .has_retry_after = p->end.retry_after_us > 0 };

	if (!p->is_silent && !p->has_answer)
		assert_int_equal(outcome_from_sip(&sip), p->end.outcome);
}

static void plans_are_as_the_vectors(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("sim_carrier.json");
	for (const struct json_value *row = vectors_first(d, "plans"); row; row = json_next(row)) {
		struct carrier_settings s = settings_of(row);
		struct carrier_request r = { .to = vectors_str(row, "to"),
					     .attempt = vectors_i64(row, "attempt"),
					     .ring_limit_us =
						     vectors_i64(row, "ring_s_ms") * USEC_PER_MS,
					     .talk_limit_us =
						     vectors_i64(row, "max_s_ms") * USEC_PER_MS };
		struct carrier_plan p;
		print_message("# %.*s attempt %d\n", STR_ARG(r.to), (int)r.attempt);
		carrier_plan(&s, &r, &p);
		assert_int_equal(p.is_silent, vectors_bool(row, "silent"));
		assert_int_equal(p.is_garbled, vectors_bool(row, "garbled"));
		assert_int_equal(p.has_ringing, vectors_bool(row, "ringing"));
		assert_int_equal(p.has_answer, vectors_bool(row, "answered"));
		assert_int_equal(p.has_bridge, vectors_bool(row, "bridged"));
		assert_int_equal(p.answer_us, vectors_i64(row, "answer_ms") * USEC_PER_MS);
		check_end(row, &p);
		check_mapping(&p);
	}
	json_doc_free(d);
}

static void a_mix_is_outcomes_and_percents(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("sim_carrier.json");
	struct carrier_mix mix;
	for (const struct json_value *row = vectors_first(d, "good_mixes"); row;
	     row = json_next(row))
		assert_ok(carrier_mix_parse(vectors_str(row, "mix"), &mix));
	for (const struct json_value *row = vectors_first(d, "bad_mixes"); row;
	     row = json_next(row)) {
		struct str text = vectors_str(row, "mix");
		CHECK(carrier_mix_parse(text, &mix).code == ERR_INVALID, "%.*s", STR_ARG(text));
	}
	json_doc_free(d);
}

static void a_mix_gives_each_outcome_about_its_share(void **state)
{
	struct carrier_settings s = { .ring_us = 1, .talk_us = 1, .time_scale = 1 };
	size_t n[OUTCOME_COUNT] = { 0 };
	char to[32];

	(void)state;
	assert_ok(carrier_mix_parse(STR("busy=10,no_answer=20,answered_machine=5"), &s.mix));
	for (int i = 0; i < 10000; i++) {
		struct carrier_plan p, again;
		(void)snprintf(to, sizeof(to), "+1555%03d9%03d", i / 1000, i % 1000);
		struct carrier_request r = { .to = str_from(to),
					     .attempt = 1,
					     .ring_limit_us = USEC_PER_SEC,
					     .talk_limit_us = USEC_PER_SEC };
		carrier_plan(&s, &r, &p);
		n[p.end.outcome]++;
		r.attempt = 2;
		carrier_plan(&s, &r, &again);
		assert_int_equal(p.end.outcome, again.end.outcome);
	}
	assert_in_range(n[OUTCOME_BUSY], 800, 1200);
	assert_in_range(n[OUTCOME_NO_ANSWER], 1700, 2300);
	assert_in_range(n[OUTCOME_ANSWERED_MACHINE], 350, 650);
	assert_int_equal(n[OUTCOME_BUSY] + n[OUTCOME_NO_ANSWER] + n[OUTCOME_ANSWERED_MACHINE] +
				 n[OUTCOME_ANSWERED],
			 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans_are_as_the_vectors),
		cmocka_unit_test(a_mix_is_outcomes_and_percents),
		cmocka_unit_test(a_mix_gives_each_outcome_about_its_share),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
