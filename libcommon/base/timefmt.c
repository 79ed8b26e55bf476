/* Calendar dates without libc: its functions read the zone from the environment. */
#include "base/timefmt.h"

#define DAYS_PER_ERA 146097
#define EPOCH_SHIFT 719468 /* days from 0000-03-01 to 1970-01-01 */
#define USEC_PER_DAY (INT64_C(86400) * USEC_PER_SEC)
#define AT_MAX (INT64_C(253402300800) * USEC_PER_SEC - 1) /* the end of year 9999 */

/* Both count years from March, so that the leap day is the last one and months follow the
 * 153-days-in-5-months pattern. Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
int64_t date_to_days(int year, int month, int day)
{
	int64_t y = (int64_t)year - (month <= 2 ? 1 : 0);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * DAYS_PER_ERA + day_of_era - EPOCH_SHIFT;
}

void date_from_days(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + EPOCH_SHIFT;
	int64_t era = (z >= 0 ? z : z - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
	int64_t day_of_era = z - era * DAYS_PER_ERA;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t shifted = (5 * day_of_year + 2) / 153;
	int m = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
	*year = (int)(year_of_era + era * 400 + (m <= 2 ? 1 : 0));
	*month = m;
	*day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
}

static char *put_digits(char *p, int v, int n)
{
	for (int i = n - 1; i >= 0; i--) {
		p[i] = (char)('0' + v % 10);
		v /= 10;
	}
	return p + n;
}

void timefmt_rfc3339(usec_t at, char out[TIMEFMT_SIZE])
{
	usec_t t = max_i64(0, min_i64(at, AT_MAX));
	int year, month, day;
	date_from_days(t / USEC_PER_DAY, &year, &month, &day);
	int ms = (int)(t % USEC_PER_DAY / USEC_PER_MS);
	char *p = put_digits(out, year, 4);
	*p++ = '-';
	p = put_digits(p, month, 2);
	*p++ = '-';
	p = put_digits(p, day, 2);
	*p++ = 'T';
	p = put_digits(p, ms / 3600000, 2);
	*p++ = ':';
	p = put_digits(p, ms / 60000 % 60, 2);
	*p++ = ':';
	p = put_digits(p, ms / 1000 % 60, 2);
	*p++ = '.';
	p = put_digits(p, ms % 1000, 3);
	*p++ = 'Z';
	*p = '\0';
}

/* Takes n digits off the front. */
static bool take_digits(struct str *s, size_t n, int *out)
{
	int v = 0;
	if (s->n < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		v = v * 10 + (s->p[i] - '0');
	}
	s->p += n;
	s->n -= n;
	*out = v;
	return true;
}

static bool take_char(struct str *s, const char *any_of)
{
	for (const char *c = any_of; s->n && *c; c++) {
		if (s->p[0] == *c) {
			s->p++;
			s->n--;
			return true;
		}
	}
	return false;
}

static bool take_date(struct str *s, int64_t *days)
{
	static const int month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year, month, day;
	if (!take_digits(s, 4, &year) || !take_char(s, "-") || !take_digits(s, 2, &month) ||
	    !take_char(s, "-") || !take_digits(s, 2, &day))
		return false;
	if (year < 1970 || month < 1 || month > 12)
		return false;
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	if (day < 1 || day > month_days[month - 1] + (is_leap && month == 2 ? 1 : 0))
		return false;
	*days = date_to_days(year, month, day);
	return true;
}

static bool take_fraction(struct str *s, usec_t *out)
{
	usec_t v = 0;
	size_t n = 0;
	int digit;
	if (!take_char(s, "."))
		return true;
	while (n < 10 && take_digits(s, 1, &digit)) {
		if (n++ < 6)
			v = v * 10 + digit;
	}
	for (size_t i = n; i < 6; i++)
		v *= 10;
	*out = v;
	return n >= 1 && n <= 9;
}

static bool take_offset(struct str *s, usec_t *out)
{
	int hours, minutes;
	if (take_char(s, "Zz"))
		return true;
	bool is_west = s->n && s->p[0] == '-';
	if (!take_char(s, "+-") || !take_digits(s, 2, &hours) || !take_char(s, ":") ||
	    !take_digits(s, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*out = (hours * 60 + minutes) * 60 * USEC_PER_SEC * (is_west ? -1 : 1);
	return true;
}

struct err timefmt_parse(struct str s, usec_t *out)
{
	static const struct err bad = { ERR_INVALID,
					"not an RFC 3339 time such as 2026-03-29T08:30:00.000Z" };
	int64_t days;
	int hour, minute, second;
	usec_t fraction = 0, offset = 0;
	if (!take_date(&s, &days) || !take_char(&s, "Tt ") || !take_digits(&s, 2, &hour) ||
	    !take_char(&s, ":") || !take_digits(&s, 2, &minute) || !take_char(&s, ":") ||
	    !take_digits(&s, 2, &second) || !take_fraction(&s, &fraction) ||
	    !take_offset(&s, &offset) || s.n != 0)
		return bad;
	if (hour > 23 || minute > 59 || second > 59)
		return bad;
	usec_t at = days * USEC_PER_DAY + ((hour * 60 + minute) * 60 + second) * USEC_PER_SEC +
		    fraction - offset;
	if (at < 0 || at > AT_MAX)
		return ERR(ERR_INVALID, "the time is outside the years 1970-9999");
	*out = at;
	return OK;
}
