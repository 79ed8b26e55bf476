/* The POSIX TZ string in the footer of a TZif file: a standard offset and, if there is one, the rule
 * by which another alternates with it, year after year. With RFC 9636's extensions: names in angle
 * brackets, times of day from -167 to 167 hours. A part of domain/zone.h. */
#ifndef BELFRY_DOMAIN_ZONE_RULE_H
#define BELFRY_DOMAIN_ZONE_RULE_H

#include "domain/zone.h"

#define ZONE_OFFSET_MIN_S (-89999) /* -24:59:59 */
#define ZONE_OFFSET_MAX_S 93599    /* 25:59:59 */

enum zone_date_kind {
	ZONE_DATE_JULIAN,  /* Jn: 1-365, never February 29 */
	ZONE_DATE_ORDINAL, /* n: 0-365, with February 29 */
	ZONE_DATE_WEEKDAY  /* Mm.w.d: week 5 is the last */
};

struct zone_date {
	enum zone_date_kind kind;
	int day; /* of the year, or of the week: 0 is Sunday */
	int month, week;
	int32_t time_s; /* of the day, in the local time before the change */
};

struct zone_rule {
	int32_t std_s, dst_s; /* offsets from UTC; "dst" may be the lesser one */
	bool has_dst;
	struct zone_date start, end; /* of dst */
};

struct err zone_rule_parse(struct str text, struct zone_rule *out) MUST_USE;
/* The segment of a rule that holds for all time. at_s between ZONE_FIRST_S and ZONE_LAST_S. A rule
 * whose changes cancel each other gives segments of some years, all with the same offset. */
void zone_rule_segment(const struct zone_rule *r, int64_t at_s, struct zone_segment *out);

#endif
