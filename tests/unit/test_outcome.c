/* The words of the outcomes and the table from SIP and Q.850. */
#include "check.h"

#include "domain/outcome.h"
#include "vectors.h"

static void every_outcome_but_none_reads_back(void **state)
{
	(void)state;
	for (int i = OUTCOME_NONE + 1; i < OUTCOME_COUNT; i++) {
		enum outcome o = OUTCOME_NONE;
		assert_ok(outcome_parse(str_from(outcome_name((enum outcome)i)), &o));
		assert_int_equal(o, i);
	}
}

static void other_words_are_refused(void **state)
{
	static const char *const words[] = {
		"", "none", "Busy", "busy ", "no-answer", "answeredx"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		enum outcome o = OUTCOME_UNCERTAIN;
		CHECK(outcome_parse(str_from(words[i]), &o).code == ERR_INVALID, "%s", words[i]);
		assert_int_equal(o, OUTCOME_UNCERTAIN);
	}
}

static void a_carriers_answer_leads_to_the_outcome_of_the_table(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("dialer_outcomes.json");
	for (const struct json_value *row = vectors_first(d, "outcomes"); row;
	     row = json_next(row)) {
		const struct outcome_sip s = { .status = (int)vectors_i64(row, "status"),
					       .q850 = (int)vectors_i64(row, "q850"),
					       .was_answered = vectors_bool(row, "answered"),
					       .has_rung = vectors_bool(row, "rung"),
					       .has_timed_out = vectors_bool(row, "timed_out"),
					       .has_retry_after =
						       vectors_bool(row, "retry_after") };
		struct str expected = vectors_str(row, "outcome");
		const char *name = outcome_name(outcome_from_sip(&s));
		CHECK(str_eq(expected, str_from(name)), "status %d q850 %d: %s, expected %.*s",
		      s.status, s.q850, name, STR_ARG(expected));
	}
	json_doc_free(d);
}

static void every_answer_has_an_outcome(void **state)
{
	(void)state;
	for (int status = 0; status < 800; status++) {
		for (int q850 = 0; q850 < 128; q850++) {
			for (unsigned facts = 0; facts < 16; facts++) {
				const struct outcome_sip s = { .status = status,
							       .q850 = q850,
							       .was_answered = facts & 1,
							       .has_rung = facts & 2,
							       .has_timed_out = facts & 4,
							       .has_retry_after = facts & 8 };
				enum outcome o = outcome_from_sip(&s);
				CHECK(o > OUTCOME_NONE && o <= OUTCOME_CONFIG_ERROR, "%d %d",
				      status, q850);
				CHECK(!s.was_answered || o == OUTCOME_ANSWERED, "%d %d", status,
				      q850);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_outcome_but_none_reads_back),
		cmocka_unit_test(other_words_are_refused),
		cmocka_unit_test(a_carriers_answer_leads_to_the_outcome_of_the_table),
		cmocka_unit_test(every_answer_has_an_outcome),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
