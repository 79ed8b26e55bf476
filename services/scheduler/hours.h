/* The calling windows of one bulk campaign, as far as they hold its whole line. */
#ifndef SCHEDULER_HOURS_H
#define SCHEDULER_HOURS_H

#include "base/uuid.h"
#include "domain/window.h"
#include "sys/zone_table.h"

struct hours;

/* From the campaign's row; NULL when nothing holds the line: it has no windows, or they go by each
 * target's zone, or they cannot be read (logged; the claims refuse its calls then). */
struct hours *hours_new(struct uuid campaign_id, struct str calling_windows, struct str timezone);
void hours_free(struct hours *h);

/* Open without end when the zone is not in the table: the claim judges. */
struct window_state hours_at(const struct hours *h, struct zone_table *zones, usec_t at);

#endif
