/* Decoder of calling windows, by tables. */
#include "wire/calling_windows.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/parse.h"
#include "base/timefmt.h"

#define ROW_BYTES_MAX ((size_t)64 * 1024)
#define ROW_DEPTH_MAX 8
#define TIMEZONE_MAX 64 /* as sys/zoneinfo.h, which no pure floor may see */
#define POINTER_SIZE 160
#define YEAR_FIRST 1970
#define YEAR_LAST 9999

struct windows_fields {
	struct str timezone;
	const struct json_value *weekly, *blackouts;
};

static const struct json_field windows_table[] = {
	{ .name = "timezone",
	  .kind = JSON_K_STR,
	  .min = 1,
	  .max = TIMEZONE_MAX,
	  .offset = offsetof(struct windows_fields, timezone),
	  .present_offset = SIZE_MAX },
	{ .name = "weekly",
	  .kind = JSON_K_ARRAY,
	  .offset = offsetof(struct windows_fields, weekly),
	  .present_offset = SIZE_MAX },
	{ .name = "blackout_dates",
	  .kind = JSON_K_ARRAY,
	  .offset = offsetof(struct windows_fields, blackouts),
	  .present_offset = SIZE_MAX },
};

struct span_fields {
	const struct json_value *days;
	struct str start, end;
};

static const struct json_field span_table[] = {
	{ .name = "days",
	  .kind = JSON_K_ARRAY,
	  .required = true,
	  .offset = offsetof(struct span_fields, days),
	  .present_offset = SIZE_MAX },
	{ .name = "start",
	  .kind = JSON_K_STR,
	  .required = true,
	  .offset = offsetof(struct span_fields, start),
	  .present_offset = SIZE_MAX },
	{ .name = "end",
	  .kind = JSON_K_STR,
	  .required = true,
	  .offset = offsetof(struct span_fields, end),
	  .present_offset = SIZE_MAX },
};

/* Two digits at p, or -1. */
static int two_digits(const char *p)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return -1;
	return (p[0] - '0') * 10 + (p[1] - '0');
}

/* "09:00" to "24:00" as minutes of the day, or -1. */
static int minute_of_day(struct str s)
{
	if (s.n != 5 || s.p[2] != ':')
		return -1;
	int hour = two_digits(s.p), minute = two_digits(s.p + 3);
	if (hour < 0 || minute < 0 || minute > 59 || hour * 60 + minute > 24 * 60)
		return -1;
	return hour * 60 + minute;
}

static bool parse_date(struct str s, int32_t *out)
{
	int year, month, day;

	if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-')
		return false;
	int century = two_digits(s.p), rest = two_digits(s.p + 2);
	int m = two_digits(s.p + 5), d = two_digits(s.p + 8);
	if (century < 0 || rest < 0 || m < 1 || m > 12 || d < 1 || d > 31 ||
	    century * 100 + rest < YEAR_FIRST)
		return false;
	int64_t days = date_to_days(century * 100 + rest, m, d);
	date_from_days(days, &year, &month, &day); /* February 30 comes back as another date */
	*out = (int32_t)days;
	return month == m && day == d;
}

static uint8_t day_bit(struct str word)
{
	static const char *const words[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_eq(word, str_from(words[i])))
			return (uint8_t)(1U << i);
	}
	return 0;
}

static uint8_t decode_days(const struct json_value *days, const char *base,
			   struct json_faults *faults)
{
	uint8_t bits = 0;
	bool is_good = true;

	for (const struct json_value *v = json_first(days); v != NULL; v = json_next(v)) {
		uint8_t bit = day_bit(json_as_str(v));
		bits |= bit;
		is_good = is_good && bit != 0;
	}
	if (bits == 0 || !is_good)
		json_fault_add(faults, base, "days", "validation_error",
			       "days is a list of mon, tue, wed, thu, fri, sat, sun");
	return bits;
}

static void decode_span(const struct json_value *v, const char *base, struct arena *a,
			struct window_span *out, struct json_faults *faults)
{
	struct span_fields f = { .days = NULL };

	if (json_type(v) != JSON_OBJECT) {
		json_fault_add(faults, base, NULL, "validation_error",
			       "a window is an object with days, start and end");
		return;
	}
	/* the faults are counted by who asked for all of it */
	(void)json_decode(
		v,
		(struct json_decoder){ span_table, ARRAY_LEN(span_table), true, base, a, faults },
		&f);
	int start = minute_of_day(f.start), end = minute_of_day(f.end);
	if (f.start.p != NULL && (start < 0 || start == 24 * 60))
		json_fault_add(faults, base, "start", "validation_error",
			       "start is a local time from 00:00 to 23:59");
	if (f.end.p != NULL && end < 0)
		json_fault_add(faults, base, "end", "validation_error",
			       "end is a local time from 00:01 to 24:00");
	else if (f.end.p != NULL && start >= 0 && start < 24 * 60 && end <= start)
		json_fault_add(faults, base, "end", "validation_error",
			       "end is later than start; a window over midnight is two");
	uint8_t days = f.days != NULL ? decode_days(f.days, base, faults) : 0;
	*out = (struct window_span){ .days = days,
				     .start_min = (int16_t)start,
				     .end_min = (int16_t)end };
}

static void decode_weekly(const struct json_value *weekly, const char *base, struct arena *a,
			  struct window *w, struct json_faults *faults)
{
	char at[POINTER_SIZE];

	/* Taken as it stands it would never let a call out, left away it lets all. */
	if (json_count(weekly) == 0)
		json_fault_add(faults, base, "weekly", "validation_error",
			       "weekly lists at least one window; without it every hour is open");
	for (const struct json_value *v = json_first(weekly); v != NULL; v = json_next(v)) {
		if (w->n_spans == WINDOW_SPANS_MAX) {
			json_fault_add(faults, base, "weekly", "validation_error",
				       "at most 28 windows");
			return;
		}
		(void)snprintf(at, sizeof(at), "%s/weekly/%zu", base, w->n_spans); /* or cut */
		decode_span(v, at, a, &w->spans[w->n_spans++], faults);
	}
}

static int compare_days(const void *a, const void *b)
{
	const int32_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static void decode_blackouts(const struct json_value *dates, const char *base, struct window *w,
			     struct json_faults *faults)
{
	char at[POINTER_SIZE];
	size_t i = 0, n = 0;

	for (const struct json_value *v = json_first(dates); v != NULL; v = json_next(v), i++) {
		if (i == WINDOW_BLACKOUTS_MAX) {
			json_fault_add(faults, base, "blackout_dates", "validation_error",
				       "at most 400 dates");
			return;
		}
		(void)snprintf(at, sizeof(at), "%s/blackout_dates/%zu", base, i); /* or cut */
		if (parse_date(json_as_str(v), &w->blackouts[w->n_blackouts]))
			w->n_blackouts++;
		else
			json_fault_add(faults, at, NULL, "validation_error",
				       "a date has the form 2026-12-25");
	}
	qsort(w->blackouts, w->n_blackouts, sizeof(w->blackouts[0]), compare_days);
	for (i = 0; i < w->n_blackouts; i++) {
		if (n == 0 || w->blackouts[n - 1] != w->blackouts[i])
			w->blackouts[n++] = w->blackouts[i];
	}
	w->n_blackouts = n;
}

bool calling_windows_decode(const struct json_value *v, const char *base, struct arena *a,
			    struct calling_windows *out, struct json_faults *faults)
{
	struct calling_windows c = { .timezone = STR_NONE };
	struct windows_fields f = { .timezone = STR_NONE };
	size_t before = faults->total;

	if (json_type(v) != JSON_OBJECT) {
		json_fault_add(faults, base, NULL, "validation_error",
			       "calling_windows is an object with timezone, weekly and "
			       "blackout_dates");
		return false;
	}
	/* the faults are counted at the end */
	(void)json_decode(v,
			  (struct json_decoder){ windows_table, ARRAY_LEN(windows_table), true,
						 base, a, faults },
			  &f);
	c.is_by_target = str_eq(f.timezone, STR("target"));
	c.timezone = c.is_by_target ? STR_NONE : f.timezone;
	if (f.weekly != NULL)
		decode_weekly(f.weekly, base, a, &c.window, faults);
	if (f.blackouts != NULL)
		decode_blackouts(f.blackouts, base, &c.window, faults);
	if (faults->total != before)
		return false;
	*out = c;
	return true;
}

struct err calling_windows_from_row(struct str json, struct arena *a, struct calling_windows *out)
{
	struct json_faults faults = { .n = 0 };
	struct json_doc *doc = NULL;

	if (is_err(json_parse(json, (struct json_limits){ ROW_BYTES_MAX, ROW_DEPTH_MAX }, &doc,
			      NULL)))
		return ERR(ERR_INVALID, "the calling windows of a row are no JSON");
	bool is_good = calling_windows_decode(json_doc_root(doc), "", a, out, &faults);
	json_doc_free(doc);
	return is_good ? OK : ERR(ERR_INVALID, "the calling windows of a row are damaged");
}
