/* From one change of the local clock's meaning to the next: within a time of one offset, local
 * minutes follow each other, so a day's windows give the next edge. At its end the walk goes on with
 * the new offset, and only what is found there decides. */
#include "domain/window.h"

#define MINUTE_S 60
#define DAY_S 86400
#define DAY_MIN 1440
#define THURSDAY 4 /* 1970-01-01 was one */

/* Windows that never close would be followed to the end of the look-ahead each time. */
#define OPEN_LOOK_AHEAD_DAYS 8

static int64_t div_floor(int64_t a, int64_t b)
{
	int64_t q = a / b;
	return a % b < 0 ? q - 1 : q;
}

static bool is_blackout(const struct window *w, int64_t day)
{
	size_t from = 0, to = w->n_blackouts;

	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (w->blackouts[middle] < day)
			from = middle + 1;
		else
			to = middle;
	}
	return from < w->n_blackouts && w->blackouts[from] == day;
}

/* The end of the open time that minute is in; minute itself when it is in none. Spans that touch or
 * overlap are one. */
static int open_until(const struct window *w, uint8_t weekday, int minute)
{
	int end = minute;

	for (int before = -1; before != end;) {
		before = end;
		for (size_t i = 0; i < w->n_spans; i++) {
			const struct window_span *s = &w->spans[i];
			if ((s->days & weekday) != 0 && s->start_min <= end && s->end_min > end)
				end = s->end_min;
		}
	}
	return end;
}

static int closed_until(const struct window *w, uint8_t weekday, int minute)
{
	int end = DAY_MIN;

	for (size_t i = 0; i < w->n_spans; i++) {
		const struct window_span *s = &w->spans[i];
		if ((s->days & weekday) != 0 && s->start_min > minute && s->start_min < end)
			end = s->start_min;
	}
	return end;
}

/* Whether a local minute is inside, and up to which minute of its day that stays so. */
static bool is_open_at(const struct window *w, int64_t day, int minute, int *until_out)
{
	int64_t since_sunday = (day + THURSDAY) - div_floor(day + THURSDAY, 7) * 7;
	uint8_t weekday = (uint8_t)(1U << (unsigned)since_sunday);

	*until_out = DAY_MIN;
	if (is_blackout(w, day))
		return false;
	if (w->n_spans == 0)
		return true;
	*until_out = open_until(w, weekday, minute);
	if (*until_out > minute)
		return true;
	*until_out = closed_until(w, weekday, minute);
	return false;
}

struct walk {
	const struct window *w;
	const struct zone *z;
	struct zone_segment segment; /* t_s is in it, or at its end */
	int64_t t_s;
};

/* Whether the walk stands inside; it goes on to where the answer may change. */
static bool step(struct walk *k)
{
	int until;

	if (k->t_s >= k->segment.end_s)
		zone_segment_at(k->z, k->t_s, &k->segment);
	int64_t local_s = k->t_s + k->segment.offset_s, day = div_floor(local_s, DAY_S);
	int minute = (int)((local_s - day * DAY_S) / MINUTE_S);
	bool is_open = is_open_at(k->w, day, minute, &until);
	int64_t until_s = day * DAY_S + until * MINUTE_S - k->segment.offset_s;
	k->t_s = min_i64(until_s, k->segment.end_s);
	return is_open;
}

struct window_state window_at(const struct window *w, const struct zone *z, usec_t at)
{
	const int64_t from_s = div_floor(at, USEC_PER_SEC);
	struct walk k = { .w = w, .z = z, .segment = { .end_s = from_s }, .t_s = from_s };

	if (w->n_spans == 0 && w->n_blackouts == 0)
		return (struct window_state){ .is_open = true, .until = USEC_NEVER };
	bool is_open = step(&k);
	int64_t days = is_open ? OPEN_LOOK_AHEAD_DAYS : WINDOW_LOOK_AHEAD_DAYS;
	int64_t limit_s = min_i64(from_s + days * DAY_S, USEC_NEVER / USEC_PER_SEC);
	while (k.t_s <= limit_s) {
		int64_t here_s = k.t_s;
		if (step(&k) != is_open)
			return (struct window_state){ is_open, here_s * USEC_PER_SEC };
	}
	return (struct window_state){ is_open, is_open ? limit_s * USEC_PER_SEC : USEC_NEVER };
}
