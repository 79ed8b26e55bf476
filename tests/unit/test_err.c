/* The table of failures. */
#include "check.h"

static void each_failure_has_a_name(void **state)
{
	(void)state;
	static const struct {
		enum err_code code;
		const char *name;
	} rows[] = {
		{ ERR_OK, "ok" },
		{ ERR_INVALID, "invalid" },
		{ ERR_TOO_LARGE, "too_large" },
		{ ERR_NOT_FOUND, "not_found" },
		{ ERR_CONFLICT, "conflict" },
		{ ERR_DENIED, "denied" },
		{ ERR_OVERLOADED, "overloaded" },
		{ ERR_UNAVAILABLE, "unavailable" },
		{ ERR_TIMEOUT, "timeout" },
		{ ERR_CANCELLED, "cancelled" },
		{ ERR_PROTOCOL, "protocol" },
		{ ERR_IO, "io" },
		{ ERR_INTERNAL, "internal" },
	};
	assert_int_equal(ARRAY_LEN(rows), ERR_CODE_COUNT);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_string_equal(err_name(rows[i].code), rows[i].name);
	}
	assert_false(is_err(OK));
	assert_true(is_err(ERR(ERR_IO, "x")));
}

static struct err passes_up(struct err e, int *reached)
{
	TRY(e);
	*reached = 1;
	return OK;
}

static void try_passes_a_failure_up_and_goes_on_otherwise(void **state)
{
	(void)state;
	int reached = 0;
	assert_err(passes_up(ERR(ERR_TIMEOUT, "late"), &reached), ERR_TIMEOUT);
	assert_int_equal(reached, 0);
	assert_ok(passes_up(OK, &reached));
	assert_int_equal(reached, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_failure_has_a_name),
		cmocka_unit_test(try_passes_a_failure_up_and_goes_on_otherwise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
