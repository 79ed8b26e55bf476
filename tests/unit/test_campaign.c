/* The lifecycle of a campaign, every action in every state. */
#include "check.h"

#include "domain/campaign.h"

static void each_action_in_each_state_has_its_verdict(void **state)
{
	static const struct {
		const char *status;
		const char *verdicts; /* start pause resume cancel: moves, same, no */
	} rows[] = {
		{ "draft", "mnnm" },     { "active", "smsm" },    { "paused", "nsmm" },
		{ "completed", "nnnn" }, { "cancelled", "nnns" },
	};
	static const enum campaign_status targets[] = { CAMPAIGN_ACTIVE, CAMPAIGN_PAUSED,
							CAMPAIGN_ACTIVE, CAMPAIGN_CANCELLED };

	(void)state;
	assert_int_equal(ARRAY_LEN(rows), CAMPAIGN_STATUS_COUNT);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum campaign_status from;
		assert_ok(campaign_status_parse(str_from(rows[i].status), &from));
		for (int a = 0; a < CAMPAIGN_ACTION_COUNT; a++) {
			enum campaign_action action = (enum campaign_action)a;
			enum campaign_status next = CAMPAIGN_STATUS_COUNT;
			enum campaign_verdict v = campaign_decide(from, action, &next);
			char seen = v == CAMPAIGN_MOVES ? 'm' : v == CAMPAIGN_REPEATED ? 's' : 'n';
			CHECK(seen == rows[i].verdicts[a], "%s in %s: %c",
			      campaign_action_name(action), rows[i].status, seen);
			CHECK(next == (v == CAMPAIGN_FORBIDDEN ? CAMPAIGN_STATUS_COUNT
							       : targets[a]),
			      "%s in %s", campaign_action_name(action), rows[i].status);
			assert_int_equal(campaign_action_target(action), targets[a]);
		}
	}
}

static void every_status_reads_back_and_other_words_are_refused(void **state)
{
	static const char *const words[] = { "", "Draft", "running", "active " };

	(void)state;
	for (int i = 0; i < CAMPAIGN_STATUS_COUNT; i++) {
		enum campaign_status s = CAMPAIGN_STATUS_COUNT;
		assert_ok(campaign_status_parse(
			str_from(campaign_status_name((enum campaign_status)i)), &s));
		assert_int_equal(s, i);
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		enum campaign_status s = CAMPAIGN_PAUSED;
		assert_err(campaign_status_parse(str_from(words[i]), &s), ERR_INVALID);
		assert_int_equal(s, CAMPAIGN_PAUSED);
	}
}

static void the_names_of_actions_are_their_paths(void **state)
{
	(void)state;
	assert_string_equal(campaign_action_name(CAMPAIGN_START), "start");
	assert_string_equal(campaign_action_name(CAMPAIGN_PAUSE), "pause");
	assert_string_equal(campaign_action_name(CAMPAIGN_RESUME), "resume");
	assert_string_equal(campaign_action_name(CAMPAIGN_CANCEL), "cancel");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_action_in_each_state_has_its_verdict),
		cmocka_unit_test(every_status_reads_back_and_other_words_are_refused),
		cmocka_unit_test(the_names_of_actions_are_their_paths),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
