/* The table of failures. */
#include "check.h"

static void each_failure_has_a_name_a_status_and_a_verdict(void **state)
{
	(void)state;
	static const struct {
		enum err_code code;
		const char *name;
		int status;
		bool retry;
	} rows[] = {
		{ ERR_OK, "ok", 200, false },
		{ ERR_INVALID, "invalid", 400, false },
		{ ERR_TOO_LARGE, "too_large", 413, false },
		{ ERR_NOT_FOUND, "not_found", 404, false },
		{ ERR_CONFLICT, "conflict", 409, false },
		{ ERR_DENIED, "denied", 403, false },
		{ ERR_OVERLOADED, "overloaded", 503, true },
		{ ERR_UNAVAILABLE, "unavailable", 503, true },
		{ ERR_TIMEOUT, "timeout", 503, true },
		{ ERR_CANCELLED, "cancelled", 503, true },
		{ ERR_PROTOCOL, "protocol", 500, false },
		{ ERR_IO, "io", 500, false },
		{ ERR_INTERNAL, "internal", 500, false },
	};
	assert_int_equal(ARRAY_LEN(rows), ERR_CODE_COUNT);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_string_equal(err_name(rows[i].code), rows[i].name);
		CHECK(err_http_status(rows[i].code) == rows[i].status, "%s", rows[i].name);
		CHECK(err_is_retryable(rows[i].code) == rows[i].retry, "%s", rows[i].name);
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
		cmocka_unit_test(each_failure_has_a_name_a_status_and_a_verdict),
		cmocka_unit_test(try_passes_a_failure_up_and_goes_on_otherwise),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
