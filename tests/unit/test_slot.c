/* The line of a bulk campaign: slots to instants and back. */
#include "check.h"

#include "domain/slot.h"

static const int64_t rates[] = { 1,     2,     3,      7,      11,     13,    30,    59,
				 60,    61,    97,     120,    600,    997,   999,   1000,
				 1001,  3599,  3600,   6000,   7919,   24000, 30000, 59999,
				 60000, 60001, 119999, 120000, 599999, 600000 };

static void a_slot_has_its_instant(void **state)
{
	static const struct {
		int64_t slot, rate_per_min;
		usec_t offset_ms;
	} rows[] = {
		{ 0, 1, 0 },
		{ 1, 1, 60000 },
		{ 1, 30, 2000 },
		{ 999, 30, 1998000 },
		{ 1, 7, 8571 }, /* 8571.43 */
		{ 2, 7, 17142 },
		{ 7, 7, 60000 },
		{ 1, 60000, 1 },
		{ 1, 600000, 0 }, /* ten slots in each millisecond */
		{ 9, 600000, 0 },
		{ 10, 600000, 1 },
		{ (int64_t)1 << 37, 60000, (int64_t)1 << 37 },
		{ (int64_t)1 << 37, 1, ((int64_t)1 << 37) * 60000 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK(slot_offset(rows[i].slot, rows[i].rate_per_min) ==
			      rows[i].offset_ms * USEC_PER_MS,
		      "slot %" PRId64 " at %" PRId64, rows[i].slot, rows[i].rate_per_min);
}

static void a_thousand_at_thirty_a_minute_stand_two_seconds_apart(void **state)
{
	(void)state;
	for (int64_t s = 0; s < 1000; s++)
		assert_int_equal(slot_offset(s, 30), s * 2 * USEC_PER_SEC);
}

static void instants_are_whole_milliseconds_in_order_and_never_early_by_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		usec_t before = 0;
		for (int64_t s = 0; s < 3000; s++) {
			usec_t at = slot_offset(s, rates[i]);
			double exact = (double)s * 60e6 / (double)rates[i];
			CHECK(at % USEC_PER_MS == 0, "slot %" PRId64 " at %" PRId64, s, rates[i]);
			CHECK(at >= before, "slot %" PRId64 " at %" PRId64, s, rates[i]);
			CHECK((double)at <= exact + 0.001 &&
				      (double)at > exact - (double)USEC_PER_MS - 0.001,
			      "slot %" PRId64 " at %" PRId64, s, rates[i]);
			before = at;
		}
	}
}

/* The first slot later than s's instant, by going through them. */
static int64_t next_later(int64_t s, int64_t rate)
{
	usec_t at = slot_offset(s, rate);
	while (slot_offset(s, rate) == at)
		s++;
	return s;
}

static void the_slot_after_an_instant_is_the_first_later_one(void **state)
{
	static const int64_t beginnings[] = { 0, 12345, (int64_t)1 << 24, (int64_t)1 << 37 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		for (size_t k = 0; k < ARRAY_LEN(beginnings); k++) {
			for (int64_t s = beginnings[k]; s < beginnings[k] + 500; s++) {
				int64_t after = slot_after(slot_offset(s, rates[i]), rates[i]);
				CHECK(after == next_later(s, rates[i]),
				      "slot %" PRId64 " at %" PRId64 ": %" PRId64, s, rates[i],
				      after);
				/* Up to one slot a millisecond that is simply the next one. */
				CHECK(rates[i] > 60000 || after == s + 1,
				      "slot %" PRId64 " at %" PRId64, s, rates[i]);
			}
		}
	}
}

static void within_a_millisecond_the_answer_is_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		for (int64_t ms = 0; ms < 200; ms++) {
			int64_t first = slot_after(ms * USEC_PER_MS, rates[i]);
			CHECK(slot_after(ms * USEC_PER_MS + 999, rates[i]) == first,
			      "%" PRId64 " ms at %" PRId64, ms, rates[i]);
			CHECK(slot_offset(first, rates[i]) > ms * USEC_PER_MS,
			      "%" PRId64 " ms at %" PRId64, ms, rates[i]);
			CHECK(first == 0 || slot_offset(first - 1, rates[i]) <= ms * USEC_PER_MS,
			      "%" PRId64 " ms at %" PRId64, ms, rates[i]);
		}
	}
}

static void before_the_line_begins_its_first_slot_is_next(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		assert_int_equal(slot_after(-1, rates[i]), 0);
		assert_int_equal(slot_after(INT64_MIN, rates[i]), 0);
	}
}

static void offset_of_a_negative_slot(void)
{
	(void)slot_offset(-1, 30); /* dies before it answers */
}

static void offset_without_a_rate(void)
{
	(void)slot_offset(1, 0); /* dies before it answers */
}

static void a_slot_or_a_rate_that_is_none_is_a_bug(void **state)
{
	(void)state;
	assert_true(dies(offset_of_a_negative_slot));
	assert_true(dies(offset_without_a_rate));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slot_has_its_instant),
		cmocka_unit_test(a_thousand_at_thirty_a_minute_stand_two_seconds_apart),
		cmocka_unit_test(instants_are_whole_milliseconds_in_order_and_never_early_by_more),
		cmocka_unit_test(the_slot_after_an_instant_is_the_first_later_one),
		cmocka_unit_test(within_a_millisecond_the_answer_is_the_same),
		cmocka_unit_test(before_the_line_begins_its_first_slot_is_next),
		cmocka_unit_test(a_slot_or_a_rate_that_is_none_is_a_bug),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
