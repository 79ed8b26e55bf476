/* The command line: `belfry-admin NOUN [VERB] [--option value]...`, one table of options for all
 * commands; each command says which ones it takes and needs. */
#ifndef BELFRY_ADMIN_OPTIONS_H
#define BELFRY_ADMIN_OPTIONS_H

#include "base/err.h"
#include "base/uuid.h"

enum option {
	OPT_WAIT = 0,
	OPT_NAME,
	OPT_WORKSPACE,
	OPT_TRUNK,
	OPT_TIMEZONE,
	OPT_SCOPES,
	OPT_DIALER,
	OPT_E164,
	OPT_CALLS_PER_MINUTE,
	OPT_MAX_CONCURRENT,
	OPT_REQUESTS_PER_MINUTE,
	OPT_CREDIT_S,
	OPT_BILLING_INCREMENT_S,
	OPT_ADD_S,
	OPT_RATE_PER_MINUTE,
	OPT_TEST,
	OPT_COUNT
};

#define OPT_BIT(o) (1U << (o))

/* Numbers are PG_NULL_I64 and texts STR_NONE where nothing, or "none", was given. */
struct options {
	unsigned given; /* OPT_BITs */
	int64_t number[OPT_COUNT];
	struct str text[OPT_COUNT];
	struct uuid workspace, trunk;
};

/* Parses argv from its first option on. A fault is printed, with what is allowed. */
struct err options_parse(int argc, char **argv, unsigned allowed, unsigned required,
			 struct options *out) MUST_USE;
/* Prints the allowed options with their values: "--name N [--timezone ZONE]". */
void options_print(unsigned allowed, unsigned required);

#endif
