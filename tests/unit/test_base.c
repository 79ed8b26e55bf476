/* Assertions and checked arithmetic. */
#include "check.h"

static void assert_something_false(void)
{
	volatile int one = 1;
	ASSERT(one == 2);
}

static void assertion_aborts_and_says_nothing_when_it_holds(void **state)
{
	(void)state;
	ASSERT(1 + 1 == 2);
	assert_true(dies(assert_something_false));
}

static void checked_arithmetic_refuses_what_does_not_fit(void **state)
{
	(void)state;
	int64_t v = 7;
	assert_true(add_checked(INT64_C(1), INT64_C(2), &v));
	assert_int_equal(v, 3);
	assert_false(add_checked(INT64_MAX, INT64_C(1), &v));
	assert_true(mul_checked(INT64_C(-3), INT64_C(5), &v));
	assert_int_equal(v, -15);
	assert_false(mul_checked(INT64_MAX, INT64_C(2), &v));
	assert_int_equal(min_i64(-1, 1), -1);
	assert_int_equal(max_i64(-1, 1), 1);
	assert_int_equal(min_size(3, 2), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(assertion_aborts_and_says_nothing_when_it_holds),
		cmocka_unit_test(checked_arithmetic_refuses_what_does_not_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
