/* The rules of webhook deliveries; see the header. */
#include "domain/delivery.h"

#include <string.h>

#include "base/parse.h"
#include "base/timefmt.h"

/* --- the schedule --------------------------------------------------------------------------- */

struct err delivery_schedule_parse(struct str text, double scale, struct delivery_schedule *out)
{
	struct delivery_schedule s = { { 0 } };
	struct str head, rest = text;
	bool more = true;
	size_t n = 0;

	if (!(scale >= 0 && scale <= 1000))
		return ERR(ERR_INVALID, "the time scale is 0 to 1000");
	for (; more; n++) {
		more = str_split(rest, ',', &head, &rest);
		if (n == DELIVERY_ATTEMPTS)
			return ERR(ERR_INVALID, "the schedule has more than six delays");
		if (is_err(parse_seconds(str_trim(head), 0, DELIVERY_DELAY_MAX_US, &s.delay_us[n])))
			return ERR(ERR_INVALID,
				   "a delay of the schedule is not 0 to 30 days in seconds");
		s.delay_us[n] = (usec_t)((double)s.delay_us[n] * scale);
	}
	if (n < DELIVERY_ATTEMPTS)
		return ERR(ERR_INVALID, "the schedule has fewer than six delays");
	*out = s;
	return OK;
}

usec_t delivery_delay(const struct delivery_schedule *s, int number, double unit_random)
{
	ASSERT(number >= 1 && number <= DELIVERY_ATTEMPTS);
	return (usec_t)((double)s->delay_us[number - 1] * (0.8 + 0.4 * unit_random));
}

/* --- Retry-After ---------------------------------------------------------------------------- */

struct date_parts {
	int day, year, hour, minute, second, month;
};

static bool take_digit(char c, int *part)
{
	if (c < '0' || c > '9')
		return false;
	*part = *part * 10 + (c - '0');
	return true;
}

/* The number that a letter of a form stands for, or NULL when it stands for itself. */
static int *part_of(struct date_parts *p, char letter)
{
	switch (letter) {
	case 'd':
		return &p->day;
	case 'y':
		return &p->year;
	case 'h':
		return &p->hour;
	case 'm':
		return &p->minute;
	case 's':
		return &p->second;
	default:
		return NULL;
	}
}

/* `NNN` is the name of a month, `www` any three characters, `dd` may begin with a blank. */
static bool match_date(struct str s, struct str form, struct date_parts *out)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct date_parts p = { 0 };

	if (s.n != form.n)
		return false;
	for (size_t i = 0; i < form.n; i++) {
		int *part = part_of(&p, form.p[i]);

		if (form.p[i] == 'N') {
			while (p.month < 12 &&
			       memcmp(months + (size_t)p.month * 3, s.p + i, 3) != 0)
				p.month++;
			i += 2;
		} else if (form.p[i] == 'w' || (part == &p.day && s.p[i] == ' ' && p.day == 0)) {
			continue;
		} else if (part != NULL ? !take_digit(s.p[i], part) : s.p[i] != form.p[i]) {
			return false;
		}
	}
	*out = p;
	return p.month < 12;
}

/* The three forms of RFC 9110, 5.6.7. The name of the day is not checked against the date. */
static bool parse_http_date(struct str s, usec_t now, usec_t *out)
{
	struct date_parts p;
	struct str name, rest;

	if (!str_split(s, ',', &name, &rest)) {
		if (!match_date(s, STR("www NNN dd hh:mm:ss yyyy"), &p))
			return false;
	} else if (match_date(rest, STR(" dd-NNN-yy hh:mm:ss GMT"), &p)) {
		/* Two digits that seem to be over fifty years ahead are of the past. */
		int64_t year = 1970 + now / USEC_PER_SEC / (365 * 24 * 3600);

		p.year += (int)(year - year % 100);
		if (p.year > year + 50)
			p.year -= 100;
	} else if (!match_date(rest, STR(" dd NNN yyyy hh:mm:ss GMT"), &p)) {
		return false;
	}
	if (p.day < 1 || p.day > 31 || p.year < 1970 || p.hour > 23 || p.minute > 59 ||
	    p.second > 60)
		return false;
	*out = ((date_to_days(p.year, p.month + 1, p.day) * 24 + p.hour) * 60 + p.minute) * 60 *
		       USEC_PER_SEC +
	       p.second * USEC_PER_SEC;
	return true;
}

static bool is_all_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return s.n > 0;
}

usec_t delivery_retry_after(struct str text, usec_t now)
{
	struct str s = str_trim(text);
	int64_t seconds;
	usec_t at;

	if (is_all_digits(s)) {
		/* A number too large to read is still a wish for the longest wait. */
		if (is_err(parse_i64(s, 0, DELIVERY_GATE_MAX_US / USEC_PER_SEC, &seconds)))
			return s.n > 0 && s.p[0] == '0' ? 0 : DELIVERY_GATE_MAX_US;
		return seconds * USEC_PER_SEC;
	}
	if (!parse_http_date(s, now, &at) || at <= now)
		return 0;
	return min_i64(at - now, DELIVERY_GATE_MAX_US);
}

/* --- the outcome table ---------------------------------------------------------------------- */

static enum delivery_streak streak_of(const struct delivery_facts *f)
{
	switch (f->answer) {
	case DELIVERY_ANSWERED:
		return DELIVERY_STREAK_ENDS;
	case DELIVERY_TIMEOUT:
		return DELIVERY_STREAK_GROWS;
	case DELIVERY_NOT_CONNECTED:
	case DELIVERY_BROKEN:
		return f->duration_us >= DELIVERY_QUICK_US ? DELIVERY_STREAK_GROWS
							   : DELIVERY_STREAK_KEEP;
	case DELIVERY_BLOCKED:
	case DELIVERY_ANSWER_COUNT:
		break;
	}
	return DELIVERY_STREAK_KEEP;
}

struct delivery_verdict delivery_judge(const struct delivery_schedule *s,
				       const struct delivery_facts *f, usec_t now,
				       double unit_random)
{
	struct delivery_verdict v = { .next = DELIVERY_RETRY, .streak = streak_of(f) };
	bool answered = f->answer == DELIVERY_ANSWERED;

	if (answered && f->status >= 200 && f->status <= 299) {
		v.next = DELIVERY_DELIVERED;
		return v;
	}
	if (answered && f->status == 410) {
		v.next = DELIVERY_DEAD;
		v.reason = "gone";
		v.disables_endpoint = true;
		return v;
	}
	if (answered && (f->status == 429 || f->status == 503))
		v.gate_us = delivery_retry_after(f->retry_after, now);
	if (f->number >= DELIVERY_ATTEMPTS) {
		v.next = DELIVERY_DEAD;
		v.reason = "attempts_exhausted";
		return v;
	}
	v.delay_us = max_i64(delivery_delay(s, f->number + 1, unit_random), v.gate_us);
	return v;
}

/* --- pace and place ------------------------------------------------------------------------- */

int delivery_parallel(int streak, int proven, int sender_limit)
{
	int64_t n = DELIVERY_ENDPOINT_PARALLEL;

	if (streak >= DELIVERY_STREAK_LIMIT)
		return 1;
	n = min_i64(n, max_i64(1, sender_limit / 8));
	n = min_i64(n, 1 + (int64_t)max_i64(0, proven));
	return (int)n;
}

/* A finaliser with full avalanche (the one of MurmurHash3): ids of one batch share most bits. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ (x >> 33);
}

static uint64_t fold(struct uuid id)
{
	uint64_t half[2];

	memcpy(half, id.b, sizeof(half));
	return mix(half[0]) ^ half[1];
}

struct uuid delivery_sender_of(struct uuid endpoint_id, const struct uuid *senders, size_t n)
{
	uint64_t endpoint = mix(fold(endpoint_id));
	uint64_t best_weight = 0;
	size_t best = 0;

	ASSERT(n > 0);
	for (size_t i = 0; i < n; i++) {
		uint64_t weight = mix(endpoint ^ mix(fold(senders[i])));

		if (i == 0 || weight > best_weight ||
		    (weight == best_weight && uuid_cmp(senders[i], senders[best]) < 0)) {
			best = i;
			best_weight = weight;
		}
	}
	return senders[best];
}
