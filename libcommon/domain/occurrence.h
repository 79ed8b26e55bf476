/* When a cron expression fires in a zone: docs/schedules.md. Pure and fast: a question costs well
 * below a microsecond, even for a leap day that is years away. */
#ifndef BELFRY_DOMAIN_OCCURRENCE_H
#define BELFRY_DOMAIN_OCCURRENCE_H

#include "domain/cron.h"
#include "domain/zone.h"

#define OCCURRENCE_KEY_SIZE 19 /* U2026-11-01T13:00Z, with the NUL */

struct occurrence {
	usec_t at;
	/* What the key names, in minutes since 1970: of a fixed-time schedule the nominal local time
	 * (the earliest, where a gap put several on one instant), of an interval the UTC instant. */
	int64_t nominal_min;
	bool is_interval;
};

/* The first one later than `after`; years 1 to 9999. False when there is none. */
bool occurrence_next(const struct cron *c, const struct zone *z, usec_t after,
		     struct occurrence *out);
/* Its identity within a campaign's schedule version. An update of tzdata may move the instant of a
 * fixed time, not its key: L2026-11-01T09:00. An interval's is its instant. */
void occurrence_key(const struct occurrence *o, char out[OCCURRENCE_KEY_SIZE]);

#endif
