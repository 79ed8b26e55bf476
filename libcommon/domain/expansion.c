/* Steps from occurrence to occurrence, one ahead, since each brings the instant of the one after. */
#include "domain/expansion.h"

#include <string.h>

#include "base/timefmt.h"

#define MINUTE_S 60
#define MINUTE_US (MINUTE_S * USEC_PER_SEC)
#define OFFSET_MAX_S (26 * 3600)

static bool next_of(const struct expansion_rule *r, usec_t after, struct occurrence *out)
{
	return occurrence_next(r->cron, r->zone, after, out) && out->at < r->end_at;
}

size_t expansion_step(const struct expansion_rule *r, usec_t until, struct expansion_plan *plan,
		      struct expansion_item *out, size_t most)
{
	struct occurrence o, next;
	size_t n = 0;
	bool is_one = next_of(r, plan->after, &o);

	for (; is_one && o.at <= until && n < most; o = next) {
		bool is_planned = !o.is_interval && o.nominal_min <= plan->nominal_min;
		is_one = next_of(r, o.at, &next);
		plan->after = o.at;
		if (is_planned)
			continue;
		if (!o.is_interval)
			plan->nominal_min = o.nominal_min;
		out[n++] = (struct expansion_item){ o, is_one ? next.at : USEC_NEVER };
	}
	plan->next_at = is_one ? o.at : USEC_NEVER;
	return n;
}

/* "L2026-11-01T09:00", "U2026-11-01T13:00Z" */
static bool read_key(struct str key, bool *is_interval, int64_t *nominal_min)
{
	char text[TIMEFMT_SIZE] = { 0 };
	usec_t at;

	*is_interval = key.n > 0 && key.p[0] == 'U';
	size_t n = *is_interval ? OCCURRENCE_KEY_SIZE - 1 : OCCURRENCE_KEY_SIZE - 2;
	if (key.n != n || key.p[11] != 'T' || (!*is_interval && key.p[0] != 'L'))
		return false;
	/* The same digits as an instant's. */
	memcpy(text, key.p + 1, 16);
	memcpy(text + 16, ":00Z", 4);
	if (is_err(timefmt_parse(str_from(text), &at)))
		return false;
	*nominal_min = at / MINUTE_US;
	return true;
}

/* The first instant at which the local time is local_s, or the end of the gap that it lies in. */
static bool instant_of(const struct zone *z, int64_t local_s, int64_t *out)
{
	struct zone_segment s;

	for (int64_t at_s = local_s - OFFSET_MAX_S; at_s <= local_s + OFFSET_MAX_S;
	     at_s = s.end_s) {
		zone_segment_at(z, at_s, &s);
		if (local_s < s.start_s + s.offset_s) {
			*out = s.start_s;
			return true;
		}
		if (local_s < s.end_s + s.offset_s) {
			*out = local_s - s.offset_s;
			return true;
		}
	}
	return false;
}

bool expansion_find(const struct expansion_rule *r, struct str key, struct expansion_item *out)
{
	bool is_interval;
	int64_t nominal_min, at_s;
	struct occurrence o, next;

	if (!read_key(key, &is_interval, &nominal_min) || is_interval != r->cron->is_interval)
		return false;
	at_s = nominal_min * MINUTE_S;
	if (!is_interval && !instant_of(r->zone, nominal_min * MINUTE_S, &at_s))
		return false;
	/* The last word has the planner: what was dropped or merged away is not found. An interval of
	 * a zone with odd seconds lies within its key's minute. */
	if (!next_of(r, at_s * USEC_PER_SEC - 1, &o) || o.nominal_min != nominal_min)
		return false;
	bool is_next = next_of(r, o.at, &next);
	*out = (struct expansion_item){ o, is_next ? next.at : USEC_NEVER };
	return true;
}
