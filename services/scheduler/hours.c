/* The row's windows, decoded once for each version of the campaign. */
#include "hours.h"

#include "base/mem.h"
#include "sys/log.h"
#include "wire/calling_windows.h"

struct hours {
	struct arena *arena; /* the zone's text */
	struct str zone;
	struct calling_windows windows;
};

struct hours *hours_new(struct uuid campaign_id, struct str calling_windows, struct str timezone)
{
	if (calling_windows.n == 0)
		return NULL;
	struct hours *h = xcalloc(1, sizeof(*h));
	h->arena = arena_new();
	struct err e = calling_windows_from_row(calling_windows, h->arena, &h->windows);
	if (is_err(e))
		log_error("calling_windows_damaged", LID("campaign", ID_CAMPAIGN, campaign_id),
			  LERR(e));
	if (is_err(e) || h->windows.is_by_target) {
		hours_free(h);
		return NULL;
	}
	h->zone = h->windows.timezone.n > 0 ? h->windows.timezone : arena_str(h->arena, timezone);
	return h;
}

void hours_free(struct hours *h)
{
	if (h == NULL)
		return;
	arena_free(h->arena);
	free(h);
}

struct window_state hours_at(const struct hours *h, struct zone_table *zones, usec_t at)
{
	const struct zone *z = zone_table_find(zones, h->zone);

	if (z == NULL)
		return (struct window_state){ .is_open = true, .until = USEC_NEVER };
	return window_at(&h->windows.window, z, at);
}
