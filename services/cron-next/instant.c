/* base/timefmt begins in 1970, as the API does. The calendar repeats itself after 400 years, so what
 * lies before is read and written five such periods later. */
#include "instant.h"

#include <string.h>

#include "base/timefmt.h"

#define SHIFT_CENTURIES 20
#define SHIFT_US (INT64_C(5) * 146097 * 86400 * USEC_PER_SEC)
#define LENGTH (INSTANT_SIZE - 1)

static int century(const char *text)
{
	return (text[0] - '0') * 10 + (text[1] - '0');
}

static void set_century(char *text, int v)
{
	text[0] = (char)('0' + v / 10);
	text[1] = (char)('0' + v % 10);
}

struct err instant_parse(struct str text, usec_t *out)
{
	char copy[INSTANT_SIZE];

	if (text.n != LENGTH || text.p[0] < '0' || text.p[0] > '9' || text.p[1] < '0' ||
	    text.p[1] > '9' || text.p[LENGTH - 1] != 'Z')
		return ERR(ERR_INVALID, "an instant has the form 2026-03-29T08:30:00Z");
	memcpy(copy, text.p, LENGTH);
	copy[LENGTH] = '\0';
	bool is_old = century(copy) < SHIFT_CENTURIES;
	if (is_old)
		set_century(copy, century(copy) + SHIFT_CENTURIES);
	TRY(timefmt_parse((struct str){ copy, LENGTH }, out));
	if (is_old)
		*out -= SHIFT_US;
	return OK;
}

void instant_print(usec_t at, char out[INSTANT_SIZE])
{
	char text[TIMEFMT_SIZE];

	timefmt_rfc3339(at < 0 ? at + SHIFT_US : at, text);
	if (at < 0)
		set_century(text, century(text) - SHIFT_CENTURIES);
	memcpy(out, text, LENGTH - 1); /* without the milliseconds */
	out[LENGTH - 1] = 'Z';
	out[LENGTH] = '\0';
}
