/* Targets as a request gives them: row by row good or bad, the good ones without repetitions and
 * ready to be inserted, the bad ones with their reasons. */
#ifndef BELFRY_API_GATEWAY_TARGET_ROWS_H
#define BELFRY_API_GATEWAY_TARGET_ROWS_H

#include "pg/pg_codec.h"
#include "request.h"

#define TARGETS_MAX 10000
#define TARGET_ERRORS_MAX 1000
#define VARIABLES_MAX ((size_t)16 * 1024)

struct target_error {
	size_t index;
	char *pointer;
	const char *code, *detail;
};

struct target_rows {
	size_t received, rejected, dupes; /* dupes: repeated within the request */
	size_t n;                         /* good ones; the columns have this length */
	struct uuid *ids;
	struct str *to_numbers, *names, *external_ids, *timezones, *variables;
	struct target_error *errors;
	size_t n_errors;
};

/* Reads the array at the body's "targets". A fault of the whole (no array, too long) is collected
 * and gives false. */
bool target_rows_read(struct req *r, const struct json_value *array, struct target_rows *out);

/* The answer in three parts around the two numbers that only the database knows:
 * head inserted mid deduped tail. Appended to `b`. */
void target_rows_head(const struct target_rows *t, struct strbuf *b);
void target_rows_mid(struct strbuf *b);
void target_rows_tail(const struct target_rows *t, struct strbuf *b);

#endif
