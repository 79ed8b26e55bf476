/* Errors as application/problem+json (RFC 9457): one table of codes with their status and title. */
#ifndef BELFRY_API_GATEWAY_PROBLEM_H
#define BELFRY_API_GATEWAY_PROBLEM_H

#include "json/json_in.h"
#include "json/json_out.h"

enum problem_code {
	PROBLEM_INTERNAL = 0,
	PROBLEM_MALFORMED_JSON,
	PROBLEM_MALFORMED_REQUEST,
	PROBLEM_CURSOR_MISMATCH,
	PROBLEM_IDEMPOTENCY_KEY_REQUIRED,
	PROBLEM_UNAUTHORIZED,
	PROBLEM_INSUFFICIENT_CREDIT,
	PROBLEM_MISSING_SCOPE,
	PROBLEM_NUMBER_NOT_OWNED,
	PROBLEM_CROSS_SITE,
	PROBLEM_NOT_FOUND,
	PROBLEM_METHOD_NOT_ALLOWED,
	PROBLEM_REQUEST_TIMEOUT,
	PROBLEM_INVALID_STATE_TRANSITION,
	PROBLEM_NO_TARGETS,
	PROBLEM_CAMPAIGN_IMMUTABLE,
	PROBLEM_TARGET_IMMUTABLE,
	PROBLEM_NUMBER_TAKEN,
	PROBLEM_IDEMPOTENCY_IN_PROGRESS,
	PROBLEM_PRECONDITION_FAILED,
	PROBLEM_PAYLOAD_TOO_LARGE,
	PROBLEM_UNSUPPORTED_MEDIA_TYPE,
	PROBLEM_VALIDATION_ERROR,
	PROBLEM_INVALID_E164,
	PROBLEM_INVALID_CRON,
	PROBLEM_INVALID_TIMEZONE,
	PROBLEM_UNKNOWN_EVENT_TYPE,
	PROBLEM_IDEMPOTENCY_KEY_REUSED,
	PROBLEM_RATE_LIMITED,
	PROBLEM_HEADERS_TOO_LARGE,
	PROBLEM_NOT_IMPLEMENTED,
	PROBLEM_OVERLOADED,
	PROBLEM_UNAVAILABLE,
	PROBLEM_CODE_COUNT
};

struct problem {
	enum problem_code code;
	const char *detail;
	struct str instance, request_id;  /* STR_NONE leaves them out */
	const struct json_faults *faults; /* NULL = none */
	const char *scope;                /* the one that was missing */
	const char *current_status;       /* with what may be done from there */
	const char *const *allowed;
	size_t n_allowed;
};

#define PROBLEM_TYPE "application/problem+json"

int problem_status(enum problem_code code);
const char *problem_name(enum problem_code code); /* "not_found" */
/* The code of that name; `fallback` for a name that the table lacks. */
enum problem_code problem_from_name(const char *name, enum problem_code fallback);
void problem_render(const struct problem *p, struct strbuf *out);

#endif
