/* The one table of failures: the word for logs, the HTTP status, whether a retry can help. */
#include "base/err.h"

static const struct {
	const char *name;
	int http_status;
	bool is_retryable;
} codes[ERR_CODE_COUNT] = {
	[ERR_OK] = { "ok", 200, false },
	[ERR_INVALID] = { "invalid", 400, false },
	[ERR_TOO_LARGE] = { "too_large", 413, false },
	[ERR_NOT_FOUND] = { "not_found", 404, false },
	[ERR_CONFLICT] = { "conflict", 409, false },
	[ERR_DENIED] = { "denied", 403, false },
	[ERR_OVERLOADED] = { "overloaded", 503, true },
	[ERR_UNAVAILABLE] = { "unavailable", 503, true },
	[ERR_TIMEOUT] = { "timeout", 503, true },
	[ERR_CANCELLED] = { "cancelled", 503, true },
	[ERR_PROTOCOL] = { "protocol", 500, false },
	[ERR_IO] = { "io", 500, false },
	[ERR_INTERNAL] = { "internal", 500, false },
};

const char *err_name(enum err_code code)
{
	ASSERT((unsigned)code < ERR_CODE_COUNT);
	return codes[code].name;
}

int err_http_status(enum err_code code)
{
	ASSERT((unsigned)code < ERR_CODE_COUNT);
	return codes[code].http_status;
}

bool err_is_retryable(enum err_code code)
{
	ASSERT((unsigned)code < ERR_CODE_COUNT);
	return codes[code].is_retryable;
}
