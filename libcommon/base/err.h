/* Failures as values. What can fail returns a struct err; `what` is a literal that says what to
 * do, fit to be shown to an operator. Library code returns failures, services log them, once. */
#ifndef BELFRY_BASE_ERR_H
#define BELFRY_BASE_ERR_H

#include "base/base.h"

enum err_code {
	ERR_OK = 0,
	ERR_INVALID,   /* the input is wrong; a retry cannot help */
	ERR_TOO_LARGE, /* the input or the result exceeds its limit */
	ERR_NOT_FOUND,
	ERR_CONFLICT,    /* a unique key or a state stands in the way */
	ERR_DENIED,      /* not allowed: credentials, scope, blocked address */
	ERR_OVERLOADED,  /* a bound was reached: come back later */
	ERR_UNAVAILABLE, /* the peer is away or the connection was lost */
	ERR_TIMEOUT,     /* a deadline passed */
	ERR_CANCELLED,   /* the caller, or a drain, ended it */
	ERR_PROTOCOL,    /* the peer broke its contract */
	ERR_IO,          /* the operating system refused */
	ERR_INTERNAL,    /* a bug or a state that should not be */
	ERR_CODE_COUNT
};

struct err {
	enum err_code code;
	const char *what;
};

#define OK ((struct err){ ERR_OK, "" })
#define ERR(c, w) ((struct err){ (c), (w) })

static inline bool is_err(struct err e)
{
	return e.code != ERR_OK;
}

/* Passes a failure up to the caller's caller. */
#define TRY(call)                                                                                  \
	do {                                                                                       \
		struct err try_e_ = (call);                                                        \
		if (is_err(try_e_))                                                                \
			return try_e_;                                                             \
	} while (0)

const char *err_name(enum err_code code); /* "unavailable", as in log lines */

#endif
