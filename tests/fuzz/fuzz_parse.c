/* Numbers against libc's converters, which take more forms but must agree on ours. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "pieces.h"

static void try_integer(struct str text, const char *c)
{
	int64_t v;
	uint64_t u;
	char *end;
	if (!is_err(parse_i64(text, INT64_MIN, INT64_MAX, &v))) {
		errno = 0;
		ASSERT(strtoll(c, &end, 10) == v && errno == 0 && *end == '\0');
		ASSERT(is_err(parse_i64(text, v < INT64_MAX ? v + 1 : INT64_MAX, INT64_MAX, &v)) ||
		       v == INT64_MAX);
	}
	if (!is_err(parse_u64(text, 0, UINT64_MAX, &u))) {
		errno = 0;
		ASSERT(strtoull(c, &end, 10) == u && errno == 0 && *end == '\0');
	}
}

static void try_fraction(struct str text, const char *c)
{
	double d;
	usec_t us;
	char *end;
	bool is_double = !is_err(parse_double(text, -HUGE_VAL, HUGE_VAL, &d));
	if (is_double)
		ASSERT(!(fabs(strtod(c, &end) - d) > 0) && *end == '\0');
	if (!is_err(parse_seconds(text, INT64_MIN, INT64_MAX, &us))) {
		/* what fits in microseconds is a decimal, and the same one up to a double's
		 * rounding */
		ASSERT(is_double || text.n > 100);
		ASSERT(!is_double || fabs(d * 1e6 - (double)us) <= fabs(d) * 1e-9 + 1e-3);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size }, text;
	while (next_piece(&rest, &text)) {
		char *c = xstrndup(text);
		bool v;
		try_integer(text, c);
		try_fraction(text, c);
		if (!is_err(parse_bool(text, &v)))
			ASSERT(text.n <= 5);
		if (parse_is_e164(text)) {
			uint64_t number;
			struct err e = parse_u64((struct str){ text.p + 1, text.n - 1 }, 1000000,
						 999999999999999, &number);
			ASSERT(text.p[0] == '+' && !is_err(e));
		}
		free(c);
	}
	return 0;
}
