/* The table is by ISO code; nations that share +1 share their rules, too. */
#include "domain/region.h"

#include <string.h>

#include "base/parse.h"

#define DIGITS_MAX 20 /* of a number with prefixes; E.164 has 15 */

struct region {
	char code[3];
	const char *calling;       /* country code */
	const char *trunk;         /* dialed before a national number; "" = nothing is */
	const char *international; /* dialed before an international one */
	size_t min, max;           /* digits of a national number without the prefix */
};

static const struct region regions[] = {
	{ "AE", "971", "0", "00", 8, 9 },  { "AR", "54", "0", "00", 10, 11 },
	{ "AT", "43", "0", "00", 4, 13 },  { "AU", "61", "0", "0011", 9, 9 },
	{ "BD", "880", "0", "00", 8, 10 }, { "BE", "32", "0", "00", 8, 9 },
	{ "BG", "359", "0", "00", 7, 9 },  { "BR", "55", "0", "00", 10, 11 },
	{ "CA", "1", "1", "011", 10, 10 }, { "CH", "41", "0", "00", 9, 9 },
	{ "CL", "56", "", "00", 9, 9 },    { "CN", "86", "0", "00", 10, 11 },
	{ "CO", "57", "0", "00", 10, 10 }, { "CZ", "420", "", "00", 9, 9 },
	{ "DE", "49", "0", "00", 6, 11 },  { "DK", "45", "", "00", 8, 8 },
	{ "EE", "372", "", "00", 7, 8 },   { "EG", "20", "0", "00", 8, 10 },
	{ "ES", "34", "", "00", 9, 9 },    { "FI", "358", "0", "00", 5, 11 },
	{ "FR", "33", "0", "00", 9, 9 },   { "GB", "44", "0", "00", 9, 10 },
	{ "GH", "233", "0", "00", 9, 9 },  { "GR", "30", "", "00", 10, 10 },
	{ "HK", "852", "", "001", 8, 8 },  { "HR", "385", "0", "00", 8, 9 },
	{ "HU", "36", "06", "00", 8, 9 },  { "ID", "62", "0", "00", 8, 12 },
	{ "IE", "353", "0", "00", 7, 10 }, { "IL", "972", "0", "00", 8, 9 },
	{ "IN", "91", "0", "00", 10, 10 }, { "IT", "39", "", "00", 6, 11 },
	{ "JP", "81", "0", "010", 9, 10 }, { "KE", "254", "0", "000", 9, 9 },
	{ "KR", "82", "0", "00", 8, 10 },  { "LK", "94", "0", "00", 9, 9 },
	{ "LT", "370", "0", "00", 8, 8 },  { "LV", "371", "", "00", 8, 8 },
	{ "MA", "212", "0", "00", 9, 9 },  { "MX", "52", "", "00", 10, 10 },
	{ "MY", "60", "0", "00", 8, 10 },  { "NG", "234", "0", "009", 8, 10 },
	{ "NL", "31", "0", "00", 9, 9 },   { "NO", "47", "", "00", 8, 8 },
	{ "NP", "977", "0", "00", 8, 10 }, { "NZ", "64", "0", "00", 8, 10 },
	{ "PE", "51", "0", "00", 8, 9 },   { "PH", "63", "0", "00", 8, 10 },
	{ "PK", "92", "0", "00", 9, 10 },  { "PL", "48", "", "00", 9, 9 },
	{ "PT", "351", "", "00", 9, 9 },   { "RO", "40", "0", "00", 9, 9 },
	{ "RS", "381", "0", "00", 7, 10 }, { "SA", "966", "0", "00", 8, 9 },
	{ "SE", "46", "0", "00", 7, 10 },  { "SG", "65", "", "000", 8, 8 },
	{ "SI", "386", "0", "00", 8, 8 },  { "SK", "421", "0", "00", 9, 9 },
	{ "TH", "66", "0", "001", 8, 9 },  { "TR", "90", "0", "00", 10, 10 },
	{ "TW", "886", "0", "002", 8, 9 }, { "TZ", "255", "0", "000", 9, 9 },
	{ "UA", "380", "0", "00", 9, 9 },  { "UG", "256", "0", "000", 9, 9 },
	{ "US", "1", "1", "011", 10, 10 }, { "VN", "84", "0", "00", 9, 10 },
	{ "ZA", "27", "0", "00", 9, 9 },
};

const struct region *region_find(struct str code)
{
	for (size_t i = 0; i < ARRAY_LEN(regions); i++) {
		if (str_eq(code, str_from(regions[i].code)))
			return &regions[i];
	}
	return NULL;
}

/* The digits alone; *is_plus when a plus sign stood before the first. */
static bool take_digits(struct str number, char digits[DIGITS_MAX], size_t *n, bool *is_plus)
{
	*n = 0;
	*is_plus = false;
	for (size_t i = 0; i < number.n; i++) {
		char c = number.p[i];
		if (c == '+' && *n == 0 && !*is_plus) {
			*is_plus = true;
		} else if (c >= '0' && c <= '9') {
			if (*n == DIGITS_MAX)
				return false;
			digits[(*n)++] = c;
		} else if (c == '\0' || memchr(" -./()", c, 6) == NULL) {
			return false;
		}
	}
	return true;
}

static bool put_number(const char *calling, struct str rest, char out[REGION_E164_SIZE])
{
	size_t n = strlen(calling);
	if (1 + n + rest.n >= REGION_E164_SIZE)
		return false;
	out[0] = '+';
	memcpy(out + 1, calling, n);
	if (rest.n > 0)
		memcpy(out + 1 + n, rest.p, rest.n);
	out[1 + n + rest.n] = '\0';
	return parse_is_e164(str_from(out));
}

/* Cuts the prefix off; false when the text does not begin with it or it is empty. */
static bool cut(struct str *s, const char *prefix)
{
	struct str p = str_from(prefix);
	if (p.n == 0 || !str_starts(*s, p))
		return false;
	s->p += p.n;
	s->n -= p.n;
	return true;
}

static bool fits(const struct region *r, struct str national)
{
	return national.n >= r->min && national.n <= r->max;
}

bool region_to_e164(const struct region *region, struct str number, char out[REGION_E164_SIZE])
{
	char digits[DIGITS_MAX];
	struct str all = { digits, 0 };
	bool is_plus;
	if (!take_digits(number, digits, &all.n, &is_plus))
		return false;
	struct str rest = all;
	if (is_plus || cut(&rest, region->international))
		return put_number("", rest, out);
	if (cut(&rest, region->trunk) && fits(region, rest))
		return put_number(region->calling, rest, out);
	if (fits(region, all))
		return put_number(region->calling, all, out);
	rest = all;
	if (cut(&rest, region->calling) && fits(region, rest))
		return put_number("", all, out);
	return false;
}
