/* How a measurement of the server's clock corrects ours. */
#include "check.h"

#include "pg/pg.h"

static void a_correction_is_the_least_that_a_sample_allows(void **state)
{
	(void)state;
	static const struct {
		usec_t offset_ms, error_ms, correction_ms;
	} rows[] = {
		{ 0, 0, 0 },
		{ 49, 0, 0 },
		{ -49, 0, 0 },
		{ 50, 0, 50 },
		{ -50, 0, -50 },
		/* The machine stood still between the question and the answer. */
		{ 80, 75, 0 },
		{ -80, 75, 0 },
		{ 300, 300, 0 },
		/* The clocks do differ: never ahead of the server's. */
		{ 3000, 100, 2900 },
		{ -3000, 100, -3100 },
		{ 120, 60, 60 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		usec_t got = pg_clock_correction(rows[i].offset_ms * USEC_PER_MS,
						 rows[i].error_ms * USEC_PER_MS);

		CHECK(got == rows[i].correction_ms * USEC_PER_MS, "row %zu: %lld us", i,
		      (long long)got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_correction_is_the_least_that_a_sample_allows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
