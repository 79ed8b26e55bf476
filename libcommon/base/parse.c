/* Numbers from text, by hand: libc's converters take blanks, signs, prefixes and locales. */
#include "base/parse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DOUBLE_TEXT_MAX 128

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Only digits, at least one; false when they exceed 64 bits. */
static bool digits_to_u64(struct str s, uint64_t *out)
{
	uint64_t v = 0;
	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!is_digit(s.p[i]) || !mul_checked(v, UINT64_C(10), &v) ||
		    !add_checked(v, (uint64_t)(s.p[i] - '0'), &v))
			return false;
	}
	*out = v;
	return true;
}

struct err parse_i64(struct str s, int64_t min, int64_t max, int64_t *out)
{
	bool is_negative = s.n > 0 && s.p[0] == '-';
	struct str digits = is_negative ? (struct str){ s.p + 1, s.n - 1 } : s;
	uint64_t magnitude;
	if (!digits_to_u64(digits, &magnitude))
		return ERR(ERR_INVALID, "not an integer of 64 bits");
	if (magnitude > (uint64_t)INT64_MAX + (is_negative ? 1 : 0))
		return ERR(ERR_INVALID, "not an integer of 64 bits");
	int64_t v = (int64_t)(is_negative ? 0 - magnitude : magnitude);
	if (v < min || v > max)
		return ERR(ERR_INVALID, "the number is out of range");
	*out = v;
	return OK;
}

struct err parse_u64(struct str s, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t v;
	if (!digits_to_u64(s, &v))
		return ERR(ERR_INVALID, "not an unsigned integer of 64 bits");
	if (v < min || v > max)
		return ERR(ERR_INVALID, "the number is out of range");
	*out = v;
	return OK;
}

struct err parse_seconds(struct str s, usec_t min, usec_t max, usec_t *out)
{
	static const struct err bad = { ERR_INVALID, "not a number of seconds" };
	bool is_negative = s.n > 0 && s.p[0] == '-';
	struct str text = is_negative ? (struct str){ s.p + 1, s.n - 1 } : s;
	struct str whole, fraction;
	bool has_point = str_split(text, '.', &whole, &fraction);
	uint64_t seconds, part = 0;
	if (!digits_to_u64(whole, &seconds))
		return bad;
	if (has_point) {
		if (fraction.n > 6 || !digits_to_u64(fraction, &part))
			return bad;
		for (size_t i = fraction.n; i < 6; i++)
			part *= 10;
	}
	int64_t v;
	if (!mul_checked(seconds, USEC_PER_SEC, &v) || !add_checked(v, part, &v))
		return ERR(ERR_INVALID, "the number of seconds is out of range");
	v = is_negative ? -v : v;
	if (v < min || v > max)
		return ERR(ERR_INVALID, "the number of seconds is out of range");
	*out = v;
	return OK;
}

static size_t count_digits(struct str s, size_t at)
{
	size_t n = 0;
	while (at + n < s.n && is_digit(s.p[at + n]))
		n++;
	return n;
}

/* -?digits[.digits][(e|E)[+-]digits] */
static bool is_decimal(struct str s)
{
	size_t at = s.n > 0 && s.p[0] == '-' ? 1 : 0;
	size_t n = count_digits(s, at);
	if (n == 0)
		return false;
	at += n;
	if (at < s.n && s.p[at] == '.') {
		n = count_digits(s, ++at);
		if (n == 0)
			return false;
		at += n;
	}
	if (at < s.n && (s.p[at] == 'e' || s.p[at] == 'E')) {
		at++;
		if (at < s.n && (s.p[at] == '+' || s.p[at] == '-'))
			at++;
		n = count_digits(s, at);
		if (n == 0)
			return false;
		at += n;
	}
	return at == s.n;
}

struct err parse_double(struct str s, double min, double max, double *out)
{
	char text[DOUBLE_TEXT_MAX + 1];
	if (s.n > DOUBLE_TEXT_MAX || !is_decimal(s))
		return ERR(ERR_INVALID, "not a decimal number");
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	/* The form is known to be plain, and no Belfry program calls setlocale, so the point is a
	 * point; what strtod adds is correct rounding. */
	double v = strtod(text, NULL);
	if (!isfinite(v) || v < min || v > max)
		return ERR(ERR_INVALID, "the number is out of range");
	*out = v;
	return OK;
}

struct err parse_bool(struct str s, bool *out)
{
	bool is_true = str_eq(s, STR("1")) || str_eq(s, STR("true")) || str_eq(s, STR("on"));
	if (!is_true && !str_eq(s, STR("0")) && !str_eq(s, STR("false")) && !str_eq(s, STR("off")))
		return ERR(ERR_INVALID, "not one of 1 0 true false on off");
	*out = is_true;
	return OK;
}

bool parse_is_e164(struct str s)
{
	if (s.n < 8 || s.n > 16 || s.p[0] != '+' || s.p[1] == '0')
		return false;
	return count_digits(s, 1) == s.n - 1;
}
