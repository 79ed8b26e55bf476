/* From the sets alone. A field that contained a star gets one again, since that decides the kind of
 * a schedule and whether a day field is free; the rest is written as runs and steps. */
#include <stdio.h>

#include "domain/cron.h"

#define BIT(n) (UINT64_C(1) << (n))
#define FIELD_SIZE 200

static const struct {
	int min, max, step_max;
} bounds[CRON_FIELD_COUNT] = {
	[CRON_MINUTE] = { 0, 59, 59 }, [CRON_HOUR] = { 0, 23, 23 },  [CRON_DAY] = { 1, 31, 31 },
	[CRON_MONTH] = { 1, 12, 12 },  [CRON_WEEKDAY] = { 0, 6, 7 },
};

struct writer {
	char *p;
	size_t n, size;
};

static void put(struct writer *w, char c)
{
	ASSERT(w->n + 1 < w->size);
	w->p[w->n++] = c;
	w->p[w->n] = '\0';
}

static void put_number(struct writer *w, int v)
{
	if (v >= 10)
		put(w, (char)('0' + v / 10));
	put(w, (char)('0' + v % 10));
}

static void put_comma(struct writer *w, bool *is_first)
{
	if (!*is_first)
		put(w, ',');
	*is_first = false;
}

static uint64_t steps(int from, int to, int step)
{
	uint64_t set = 0;
	for (int v = from; v <= to; v += step)
		set |= BIT(v);
	return set;
}

static int lowest(uint64_t set)
{
	return __builtin_ctzll(set);
}

/* Three values or more at equal distances, and nothing else: a-b/s. */
static bool put_progression(struct writer *w, uint64_t set)
{
	int first = lowest(set);
	uint64_t others = set & (set - 1);
	if ((others & (others - 1)) == 0)
		return false;
	int step = lowest(others) - first, last = 63 - __builtin_clzll(set);
	if (step < 2 || set != steps(first, last, step))
		return false;
	put_number(w, first);
	put(w, '-');
	put_number(w, last);
	put(w, '/');
	put_number(w, step);
	return true;
}

/* Runs of three and more as ranges, the others one by one. */
static void put_runs(struct writer *w, uint64_t set, bool is_first)
{
	while (set != 0) {
		int from = lowest(set), to = from;
		while ((set & BIT(to + 1)) != 0)
			to++;
		if (to - from < 2)
			to = from;
		put_comma(w, &is_first);
		put_number(w, from);
		if (to > from) {
			put(w, '-');
			put_number(w, to);
		}
		set &= ~(BIT(to + 1) - 1);
	}
}

/* The star of the smallest step that is within the set, then what it leaves. */
static void put_star(struct writer *w, const struct cron *c, enum cron_field f)
{
	bool is_restricted = (f == CRON_DAY && c->is_day_restricted) ||
			     (f == CRON_WEEKDAY && c->is_weekday_restricted);
	uint64_t set = c->set[f], covered;
	int step = 0;

	do {
		step++;
		ASSERT(step <= bounds[f].step_max);
		covered = steps(bounds[f].min, bounds[f].max, step);
	} while ((covered & ~set) != 0);
	put(w, '*');
	if (step > 1) {
		put(w, '/');
		put_number(w, step);
	} else if (is_restricted) { /* a list that adds nothing, but no bare star either */
		put(w, ',');
		put_number(w, bounds[f].min);
	}
	put_runs(w, set & ~covered, false);
}

void cron_print(const struct cron *c, char out[CRON_NORMAL_SIZE])
{
	struct writer w = { .p = out, .size = CRON_NORMAL_SIZE };

	for (int i = 0; i < CRON_FIELD_COUNT; i++) {
		enum cron_field f = (enum cron_field)i;
		if (f != CRON_MINUTE)
			put(&w, ' ');
		if ((c->stars & BIT(f)) != 0)
			put_star(&w, c, f);
		else if (!put_progression(&w, c->set[f]))
			put_runs(&w, c->set[f], true);
	}
}
