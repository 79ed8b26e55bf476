/* stdoffset[dst[offset],date[/time],date[/time]]. POSIX counts offsets to the west; everything here
 * counts them to the east. */
#include "domain/zone_rule.h"

#include "base/timefmt.h"

#define HOUR_S 3600
#define DAY_S 86400
#define NAME_MIN 3
#define OFFSET_HOURS_MAX 24
#define TIME_HOURS_MAX 167
#define YEARS_AROUND 2 /* a change may stand a week and a day outside of its year */
#define CHANGES ((size_t)2 * (2 * YEARS_AROUND + 1))

/* --- the text ------------------------------------------------------------------------------- */

struct reader {
	const char *p, *end;
};

static char peek(const struct reader *r)
{
	return r->p < r->end ? *r->p : '\0';
}

static bool take(struct reader *r, char c)
{
	if (peek(r) != c || c == '\0')
		return false;
	r->p++;
	return true;
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool take_number(struct reader *r, int min, int max, int *out)
{
	int v = 0;
	if (!is_digit(peek(r)))
		return false;
	while (is_digit(peek(r))) {
		v = v * 10 + (*r->p++ - '0');
		if (v > max)
			return false;
	}
	*out = v;
	return v >= min;
}

/* The name itself means nothing here. */
static bool take_name(struct reader *r)
{
	bool is_quoted = take(r, '<');
	const char *start = r->p;

	while (is_alpha(peek(r)) ||
	       (is_quoted && (is_digit(peek(r)) || peek(r) == '+' || peek(r) == '-')))
		r->p++;
	return r->p - start >= NAME_MIN && (!is_quoted || take(r, '>'));
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(struct reader *r, int hours_max, int32_t *out)
{
	int sign = take(r, '-') ? -1 : 1, hours, minutes = 0, seconds = 0;

	if (sign == 1)
		(void)take(r, '+'); /* it may be there */
	if (!take_number(r, 0, hours_max, &hours))
		return false;
	if (take(r, ':')) {
		if (!take_number(r, 0, 59, &minutes))
			return false;
		if (take(r, ':') && !take_number(r, 0, 59, &seconds))
			return false;
	}
	*out = sign * (hours * HOUR_S + minutes * 60 + seconds);
	return true;
}

static bool take_offset(struct reader *r, int32_t *out)
{
	int32_t west = 0;
	if (!take_time(r, OFFSET_HOURS_MAX, &west))
		return false;
	*out = -west;
	return true;
}

static bool take_date(struct reader *r, struct zone_date *out)
{
	struct zone_date d = { .kind = ZONE_DATE_ORDINAL, .time_s = 2 * HOUR_S };
	bool ok;

	if (!take(r, ','))
		return false;
	if (take(r, 'J')) {
		d.kind = ZONE_DATE_JULIAN;
		ok = take_number(r, 1, 365, &d.day);
	} else if (take(r, 'M')) {
		d.kind = ZONE_DATE_WEEKDAY;
		ok = take_number(r, 1, 12, &d.month) && take(r, '.') &&
		     take_number(r, 1, 5, &d.week) && take(r, '.') && take_number(r, 0, 6, &d.day);
	} else {
		ok = take_number(r, 0, 365, &d.day);
	}
	if (ok && take(r, '/'))
		ok = take_time(r, TIME_HOURS_MAX, &d.time_s);
	*out = d;
	return ok;
}

static bool take_rule(struct reader *r, struct zone_rule *out)
{
	if (!take_name(r) || !take_offset(r, &out->std_s))
		return false;
	if (r->p == r->end)
		return true;
	out->has_dst = true;
	out->dst_s = out->std_s + HOUR_S;
	if (!take_name(r))
		return false;
	if (peek(r) != ',' && !take_offset(r, &out->dst_s))
		return false;
	return take_date(r, &out->start) && take_date(r, &out->end) && r->p == r->end;
}

struct err zone_rule_parse(struct str text, struct zone_rule *out)
{
	struct reader r = { text.p, text.p + text.n };
	struct zone_rule rule = { .has_dst = false };

	if (text.n == 0 || !take_rule(&r, &rule))
		return ERR(ERR_INVALID, "the footer of a TZif file is no TZ string with its rule");
	*out = rule;
	return OK;
}

/* --- the changes ---------------------------------------------------------------------------- */

struct change {
	int64_t at_s;
	int32_t offset_s;
};

/* Days since 1970-01-01. */
static int64_t day_of(const struct zone_date *d, int year)
{
	int64_t new_year = date_to_days(year, 1, 1);

	switch (d->kind) {
	case ZONE_DATE_ORDINAL:
		return new_year + d->day;
	case ZONE_DATE_JULIAN: {
		bool is_leap = date_to_days(year, 3, 1) - new_year == 60;
		return new_year + d->day - (is_leap && d->day >= 60 ? 0 : 1);
	}
	case ZONE_DATE_WEEKDAY:
		break;
	}
	int64_t first = date_to_days(year, d->month, 1);
	int64_t next_first =
		d->month == 12 ? date_to_days(year + 1, 1, 1) : date_to_days(year, d->month + 1, 1);
	int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
	int64_t day = first + (d->day - weekday + 7) % 7 + (int64_t)(d->week - 1) * 7;
	return day < next_first ? day : day - 7;
}

/* The changes of five years, in order; of two at the same instant, the earlier year's goes first,
 * so that a rule "until the year's end" and "from the year's start" does not interrupt itself. */
static void list_changes(const struct zone_rule *r, int year, struct change out[CHANGES])
{
	for (size_t n = 0; n < CHANGES; n++) {
		int y = year - YEARS_AROUND + (int)(n / 2);
		bool is_start = n % 2 == 0;
		const struct zone_date *d = is_start ? &r->start : &r->end;
		int32_t before_s = is_start ? r->std_s : r->dst_s;
		struct change next = {
			.at_s = day_of(d, y) * DAY_S + d->time_s - before_s,
			.offset_s = is_start ? r->dst_s : r->std_s,
		};
		size_t k = n;
		for (; k > 0 && out[k - 1].at_s > next.at_s; k--)
			out[k] = out[k - 1];
		out[k] = next;
	}
}

/* Keeps of the changes those that change something. */
static size_t merge(struct change c[CHANGES])
{
	size_t n = 0;
	for (size_t i = 0; i < CHANGES; i++) {
		bool is_overruled = i + 1 < CHANGES && c[i + 1].at_s == c[i].at_s;
		if (!is_overruled && (n == 0 || c[n - 1].offset_s != c[i].offset_s))
			c[n++] = c[i];
	}
	return n;
}

void zone_rule_segment(const struct zone_rule *r, int64_t at_s, struct zone_segment *out)
{
	struct change c[CHANGES];
	int year, month, day;

	*out = (struct zone_segment){ ZONE_FIRST_S, ZONE_LAST_S, r->std_s, r->std_s };
	if (!r->has_dst)
		return;
	int64_t local_day = (at_s + r->std_s) / DAY_S;
	date_from_days(local_day, &year, &month, &day);
	list_changes(r, year, c);
	int64_t window_end = c[CHANGES - 1].at_s;
	size_t n = merge(c), i = 0;
	/* the first two of five years lie before the instant in any case */
	while (i + 1 < n && c[i + 1].at_s <= at_s)
		i++;
	out->start_s = c[i].at_s;
	out->end_s = i + 1 < n ? c[i + 1].at_s : window_end;
	out->offset_s = c[i].offset_s;
	out->before_s = i > 0 ? c[i - 1].offset_s : c[i].offset_s;
}
