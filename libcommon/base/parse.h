/* Text to numbers: the whole input, an explicit range, no locale, no leading blanks or plus. */
#ifndef BELFRY_BASE_PARSE_H
#define BELFRY_BASE_PARSE_H

#include "base/err.h"
#include "base/str.h"

struct err parse_i64(struct str s, int64_t min, int64_t max, int64_t *out) MUST_USE;
struct err parse_u64(struct str s, uint64_t min, uint64_t max, uint64_t *out) MUST_USE;
/* Decimal with an optional fraction of at most 6 digits, as microseconds: "0.25" -> 250000. */
struct err parse_seconds(struct str s, usec_t min, usec_t max, usec_t *out) MUST_USE;
struct err parse_double(struct str s, double min, double max, double *out) MUST_USE;
struct err parse_bool(struct str s, bool *out) MUST_USE; /* 1 0 true false on off */
/* The form of an E.164 number, not its numbering plan: '+', 7 to 15 digits, the first not 0. */
bool parse_is_e164(struct str s);

#endif
