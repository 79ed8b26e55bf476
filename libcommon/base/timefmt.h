/* RFC 3339 instants in UTC, as the API speaks them: 2026-03-29T08:30:00.000Z. Years 1970-9999. */
#ifndef BELFRY_BASE_TIMEFMT_H
#define BELFRY_BASE_TIMEFMT_H

#include "base/err.h"
#include "base/str.h"

#define TIMEFMT_SIZE 25 /* with the NUL */

/* Milliseconds, rounded down. */
void timefmt_rfc3339(usec_t at, char out[TIMEFMT_SIZE]);
/* Any offset, 0-9 fraction digits (truncated to microseconds); a leap second 60 is refused. */
struct err timefmt_parse(struct str s, usec_t *out) MUST_USE;

/* Days since 1970-01-01 of a proleptic Gregorian date, and back (Hinnant's algorithms). */
int64_t date_to_days(int year, int month, int day);
void date_from_days(int64_t days, int *year, int *month, int *day);

#endif
