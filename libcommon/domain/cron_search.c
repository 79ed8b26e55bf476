/* A month's matching days are one mask, so a search costs a few operations per month, and months that
 * are not in the set cost nothing. */
#include "base/timefmt.h"
#include "domain/cron.h"

#define BIT(n) (UINT64_C(1) << (n))
#define MINUTES_PER_DAY 1440
#define NO_MINUTE (-1)
#define WEEK_COPIES UINT64_C(0x0000000810204081) /* a week's bits, six times over */

static int64_t div_floor(int64_t a, int64_t b)
{
	int64_t q = a / b;
	return a % b < 0 ? q - 1 : q;
}

static int lowest(uint64_t set)
{
	return __builtin_ctzll(set);
}

/* The members of a set that are at least n. */
static uint64_t at_least(uint64_t set, int n)
{
	return set & ~(BIT(n) - 1);
}

/* The first minute of the day from `minute` on, or NO_MINUTE. */
static int next_minute(const struct cron *c, int minute)
{
	uint64_t hours = at_least(c->set[CRON_HOUR], minute / 60);

	if ((hours & BIT(minute / 60)) != 0) {
		uint64_t minutes = at_least(c->set[CRON_MINUTE], minute % 60);
		if (minutes != 0)
			return minute / 60 * 60 + lowest(minutes);
		hours &= hours - 1;
	}
	if (hours == 0)
		return NO_MINUTE;
	return lowest(hours) * 60 + lowest(c->set[CRON_MINUTE]);
}

static int month_length(int year, int month)
{
	static const int lengths[13] = { 0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return month == 2 && is_leap ? 29 : lengths[month];
}

/* The days of a month that match, as bits 1 to 31; `first_day` is its first, since 1970. */
static uint64_t matching_days(const struct cron *c, int64_t first_day, int length)
{
	/* 1970-01-01 was a Thursday */
	int weekday = (int)(first_day + 4 - div_floor(first_day + 4, 7) * 7);
	uint64_t by_weekday = (c->set[CRON_WEEKDAY] * WEEK_COPIES >> weekday) << 1;
	uint64_t in_month = BIT(length + 1) - 2;

	if (c->is_day_restricted && c->is_weekday_restricted)
		return (c->set[CRON_DAY] | by_weekday) & in_month;
	return c->set[CRON_DAY] & by_weekday & in_month;
}

/* The first matching date from `day` to `last`. */
static bool next_day(const struct cron *c, int64_t day, int64_t last, int64_t *out)
{
	int year, month, d;

	date_from_days(day, &year, &month, &d);
	int64_t first_day = day - d + 1;
	while (first_day <= last) {
		if ((c->set[CRON_MONTH] & BIT(month)) != 0) {
			uint64_t days = matching_days(c, first_day, month_length(year, month));
			days = at_least(days, d);
			if (days != 0) {
				*out = first_day + lowest(days) - 1;
				return *out <= last;
			}
		}
		uint64_t months = at_least(c->set[CRON_MONTH], month + 1);
		if (months == 0) {
			months = c->set[CRON_MONTH];
			year++;
		}
		month = lowest(months);
		d = 1;
		first_day = date_to_days(year, month, 1);
	}
	return false;
}

bool cron_next_local(const struct cron *c, int64_t from_min, int64_t before_min, int64_t *out)
{
	if (from_min >= before_min)
		return false;
	int64_t day = div_floor(from_min, MINUTES_PER_DAY), found = 0;
	int64_t last = div_floor(before_min - 1, MINUTES_PER_DAY);
	int minute = next_minute(c, (int)(from_min - day * MINUTES_PER_DAY));

	if (minute == NO_MINUTE) {
		minute = next_minute(c, 0);
		day++;
	}
	if (!next_day(c, day, last, &found))
		return false;
	if (found > day)
		minute = next_minute(c, 0);
	int64_t at = found * MINUTES_PER_DAY + minute;
	if (at >= before_min)
		return false;
	*out = at;
	return true;
}
