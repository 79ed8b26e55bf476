/* Calling windows: at which local times a campaign may dial, by day of the week, and on which dates
 * it may not at all. Local means in the zone that the caller hands in: the windows' own, the
 * target's, or the campaign's. docs/schedules.md. */
#ifndef BELFRY_DOMAIN_WINDOW_H
#define BELFRY_DOMAIN_WINDOW_H

#include "domain/zone.h"

#define WINDOW_SPANS_MAX 28
#define WINDOW_BLACKOUTS_MAX 400
#define WINDOW_LOOK_AHEAD_DAYS 800 /* an opening later than that is none */

struct window_span {
	uint8_t days;               /* bit 0: Sunday ... bit 6: Saturday */
	int16_t start_min, end_min; /* of the local day, [start, end); 0 <= start < end <= 1440 */
};

struct window {
	size_t n_spans; /* 0: every day, all day */
	struct window_span spans[WINDOW_SPANS_MAX];
	size_t n_blackouts;
	int32_t blackouts
		[WINDOW_BLACKOUTS_MAX]; /* local dates as days since 1970-01-01, ascending */
};

/* What holds at an instant. */
struct window_state {
	bool is_open;
	usec_t until; /* it stays so up to here (exclusive), at least; if closed: the next opening, or
		       * USEC_NEVER when there is none within WINDOW_LOOK_AHEAD_DAYS */
};

/* An instant is inside by the local wall-clock minute that it falls in: of a minute that clocks skip
 * nothing is left, of one that they repeat both passes are inside. */
struct window_state window_at(const struct window *w, const struct zone *z, usec_t at);

#endif
