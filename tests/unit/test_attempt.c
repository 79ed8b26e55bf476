/* The life of an attempt: forward only, and how long the dialer may be silent. */
#include "check.h"

#include "domain/attempt.h"

#define RING_US (30 * USEC_PER_SEC)
#define TALK_US (600 * USEC_PER_SEC)

static void reports_move_an_attempt_forward_only(void **state)
{
	/* After a report of the column's state, in the row's state. */
	static const char table[ATTEMPT_STATE_COUNT][ATTEMPT_STATE_COUNT + 1] = {
		"cdrabe", "ddrabe", "rrrabe", "aaaabe", "bbbbbe", "eeeeee",
	};

	(void)state;
	for (int now = 0; now < ATTEMPT_STATE_COUNT; now++) {
		for (int said = 0; said < ATTEMPT_STATE_COUNT; said++) {
			enum attempt_state next =
				attempt_advance((enum attempt_state)now, (enum attempt_state)said);
			CHECK(attempt_state_name(next)[0] == table[now][said], "%s, told %s: %s",
			      attempt_state_name((enum attempt_state)now),
			      attempt_state_name((enum attempt_state)said),
			      attempt_state_name(next));
		}
	}
}

static void the_names_are_those_of_the_log(void **state)
{
	static const char *const names[] = { "claimed",  "dialing", "ringing",
					     "answered", "bridged", "ended" };

	(void)state;
	assert_int_equal(ARRAY_LEN(names), ATTEMPT_STATE_COUNT);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_string_equal(attempt_state_name((enum attempt_state)i), names[i]);
}

static void the_dialer_has_the_ring_and_ten_seconds_then_the_talk_and_thirty(void **state)
{
	static const struct {
		enum attempt_state s;
		int64_t expected_s;
	} rows[] = {
		{ ATTEMPT_CLAIMED, 40 },  { ATTEMPT_DIALING, 40 },  { ATTEMPT_RINGING, 40 },
		{ ATTEMPT_ANSWERED, 40 }, { ATTEMPT_BRIDGED, 630 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(attempt_deadline_us(rows[i].s, RING_US, TALK_US) ==
			      rows[i].expected_s * USEC_PER_SEC,
		      "%s", attempt_state_name(rows[i].s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_move_an_attempt_forward_only),
		cmocka_unit_test(the_names_are_those_of_the_log),
		cmocka_unit_test(the_dialer_has_the_ring_and_ten_seconds_then_the_talk_and_thirty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
