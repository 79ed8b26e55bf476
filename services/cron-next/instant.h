/* Instants as cron-next's lines have them: 2026-03-29T08:30:00Z, years 0001 to 9999. */
#ifndef BELFRY_CRON_NEXT_INSTANT_H
#define BELFRY_CRON_NEXT_INSTANT_H

#include "base/err.h"
#include "base/str.h"

#define INSTANT_SIZE 21 /* with the NUL */

struct err instant_parse(struct str text, usec_t *out) MUST_USE;
void instant_print(usec_t at, char out[INSTANT_SIZE]);

#endif
