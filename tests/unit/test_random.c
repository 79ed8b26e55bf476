/* Randomness and the clock: what can be told without trusting to luck. */
#include "check.h"

#include <string.h>
#include <time.h>

#include "sys/clock.h"
#include "sys/random.h"

static void bytes_of_any_length_are_filled_and_differ(void **state)
{
	(void)state;
	uint8_t a[1000] = { 0 }, b[1000] = { 0 };
	unsigned seen[256] = { 0 }, kinds = 0;
	random_bytes(a, 0);
	assert_int_equal(a[0], 0);
	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	assert_memory_not_equal(a, b, 16);
	assert_memory_not_equal(a + 984, b + 984, 16);
	for (size_t i = 0; i < sizeof(a); i++)
		kinds += seen[a[i]]++ == 0 ? 1 : 0;
	/* of 256 values some 251 appear; under 200 happens never */
	assert_true(kinds > 200);
}

static void units_stay_below_one_and_average_a_half(void **state)
{
	(void)state;
	double sum = 0;
	for (int i = 0; i < 100000; i++) {
		double v = random_unit();
		assert_true(v >= 0 && v < 1);
		sum += v;
	}
	/* ten standard deviations */
	assert_true(sum > 49087 && sum < 50913);
	assert_true(random_u64() != random_u64());
}

static void ids_carry_the_instant_and_rise_within_a_millisecond(void **state)
{
	(void)state;
	usec_t now = INT64_C(1774772400123456);
	struct uuid last = random_id(now);
	for (int i = 0; i < 100000; i++) {
		struct uuid id = random_id(now + i % 500);
		CHECK(uuid_cmp(last, id) < 0, "id %d", i);
		assert_int_equal(id.b[6] >> 4, 7);
		assert_int_equal(id.b[8] >> 6, 2);
		assert_int_equal(uuid_v7_at(id), INT64_C(1774772400123000));
		last = id;
	}
	assert_true(uuid_cmp(last, random_id(now + 1000)) < 0);
	assert_true(uuid_v7_at(random_id(now - 5000)) == INT64_C(1774772400118000));
}

static void ids_of_different_milliseconds_share_nothing(void **state)
{
	(void)state;
	struct uuid a = random_id(1000000), b = random_id(2000000);
	assert_memory_not_equal(a.b + 9, b.b + 9, 7);
}

static void the_clocks_tell_the_time_and_go_forward(void **state)
{
	(void)state;
	usec_t wall = clock_now(), mono = clock_mono(), last = mono;
	time_t seconds = time(NULL);
	assert_in_range(wall / USEC_PER_SEC, (uintmax_t)seconds - 1, (uintmax_t)seconds + 1);
	for (int i = 0; i < 1000; i++) {
		usec_t now = clock_mono();
		assert_true(now >= last);
		last = now;
	}
	assert_true(last - mono < 10 * USEC_PER_SEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_of_any_length_are_filled_and_differ),
		cmocka_unit_test(units_stay_below_one_and_average_a_half),
		cmocka_unit_test(ids_carry_the_instant_and_rise_within_a_millisecond),
		cmocka_unit_test(ids_of_different_milliseconds_share_nothing),
		cmocka_unit_test(the_clocks_tell_the_time_and_go_forward),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
