/* The one table of failures: the words for logs. */
#include "base/err.h"

static const char *const names[ERR_CODE_COUNT] = {
	[ERR_OK] = "ok",
	[ERR_INVALID] = "invalid",
	[ERR_TOO_LARGE] = "too_large",
	[ERR_NOT_FOUND] = "not_found",
	[ERR_CONFLICT] = "conflict",
	[ERR_DENIED] = "denied",
	[ERR_OVERLOADED] = "overloaded",
	[ERR_UNAVAILABLE] = "unavailable",
	[ERR_TIMEOUT] = "timeout",
	[ERR_CANCELLED] = "cancelled",
	[ERR_PROTOCOL] = "protocol",
	[ERR_IO] = "io",
	[ERR_INTERNAL] = "internal",
};

const char *err_name(enum err_code code)
{
	ASSERT((unsigned)code < ERR_CODE_COUNT);
	return names[code];
}
