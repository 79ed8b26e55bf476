/* From one time with a constant offset to the next. Only at the border of two, fixed times need a
 * second look: those that the clock skipped fire at the border, those that it repeats are over. */
#include "domain/occurrence.h"

#include <stdio.h>

#include "base/timefmt.h"

#define MINUTE_S 60
#define MINUTES_PER_DAY 1440
#define GAP_MAX_S (3 * 3600)
#define BEGIN_S (-INT64_C(62135596800)) /* 0001-01-01 */
#define END_S INT64_C(253402300800)     /* 10000-01-01 */

static int64_t div_floor(int64_t a, int64_t b)
{
	int64_t q = a / b;
	return a % b < 0 ? q - 1 : q;
}

static int64_t div_ceil(int64_t a, int64_t b)
{
	int64_t q = a / b;
	return a % b > 0 ? q + 1 : q;
}

/* The first local minute of a schedule in [from_s, before_s) of local time. */
static bool next_between(const struct cron *c, int64_t from_s, int64_t before_s, int64_t *out)
{
	return cron_next_local(c, div_ceil(from_s, MINUTE_S), div_ceil(before_s, MINUTE_S), out);
}

/* The first at or after t_s within the segment. */
static bool next_in_segment(const struct cron *c, const struct zone_segment *s, int64_t t_s,
			    struct occurrence *out)
{
	int64_t from_s = t_s + s->offset_s, local_min = 0;
	int64_t end_s = min_i64(s->end_s, END_S) + s->offset_s;
	int32_t jump_s = s->offset_s - s->before_s;

	if (!c->is_interval && jump_s > 0 && jump_s <= GAP_MAX_S && t_s <= s->start_s &&
	    next_between(c, s->start_s + s->before_s, s->start_s + s->offset_s, &local_min)) {
		*out = (struct occurrence){ .at = s->start_s * USEC_PER_SEC,
					    .nominal_min = local_min };
		return true;
	}
	if (!c->is_interval && jump_s < 0)
		from_s = max_i64(from_s, s->start_s + s->before_s);
	if (!next_between(c, from_s, end_s, &local_min))
		return false;
	int64_t at_s = local_min * MINUTE_S - s->offset_s;
	*out = (struct occurrence){
		.at = at_s * USEC_PER_SEC,
		.nominal_min = c->is_interval ? div_floor(at_s, MINUTE_S) : local_min,
		.is_interval = c->is_interval,
	};
	return true;
}

bool occurrence_next(const struct cron *c, const struct zone *z, usec_t after,
		     struct occurrence *out)
{
	if (c->is_never)
		return false;
	int64_t t_s = max_i64(div_floor(after, USEC_PER_SEC) + 1, BEGIN_S);
	while (t_s < END_S) {
		struct zone_segment s;
		zone_segment_at(z, t_s, &s);
		if (next_in_segment(c, &s, t_s, out))
			return true;
		t_s = s.end_s;
	}
	return false;
}

void occurrence_key(const struct occurrence *o, char out[OCCURRENCE_KEY_SIZE])
{
	int year, month, day;
	int64_t days = div_floor(o->nominal_min, MINUTES_PER_DAY);
	unsigned minute = (unsigned)(o->nominal_min - days * MINUTES_PER_DAY);

	date_from_days(days, &year, &month, &day);
	/* every part is in its range, which the modulus tells the compiler */
	(void)snprintf(out, OCCURRENCE_KEY_SIZE, "%c%04u-%02u-%02uT%02u:%02u%s",
		       o->is_interval ? 'U' : 'L', (unsigned)year % 10000, (unsigned)month % 100,
		       (unsigned)day % 100, minute / 60 % 24, minute % 60,
		       o->is_interval ? "Z" : "");
}
