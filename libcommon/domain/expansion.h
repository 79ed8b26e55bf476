/* What a pass of the scheduler plans of one recurring campaign: the occurrences up to a horizon that
 * are not planned yet, and where its plan then stands. And after an update of the time zone database:
 * which instant an occurrence has now, by its key. Pure; docs/schedules.md says what must hold. */
#ifndef BELFRY_DOMAIN_EXPANSION_H
#define BELFRY_DOMAIN_EXPANSION_H

#include "domain/occurrence.h"

#define EXPANSION_NO_NOMINAL INT64_MIN

struct expansion_rule {
	const struct cron *cron;
	const struct zone *zone;
	usec_t end_at; /* an occurrence at or after it is none; USEC_NEVER: without end */
};

struct expansion_plan {
	usec_t after;        /* occurrences up to here are planned, or passed over for good */
	int64_t nominal_min; /* of the last fixed time planned, or EXPANSION_NO_NOMINAL: what a new
			      * database moves behind `after` is not planned again */
	usec_t next_at;      /* the first one that is not planned; USEC_NEVER: none is left */
};

struct expansion_item {
	struct occurrence at;
	usec_t before; /* the occurrence that follows: no retry is made from then on; or USEC_NEVER */
};

/* Plans what lies after plan->after and not after `until`, at most `most` of it, and moves the plan.
 * Where `most` cut it off, plan->next_at is not after `until`. Returns the number of items. */
size_t expansion_step(const struct expansion_rule *r, usec_t until, struct expansion_plan *plan,
		      struct expansion_item *out, size_t most);

/* The occurrence that has this key under the rule's zone. False: there is none (any more). */
bool expansion_find(const struct expansion_rule *r, struct str key, struct expansion_item *out);

#endif
