#include "http/http_excerpt.h"

#include <string.h>

/* Bytes of the sequence that this byte would begin. */
static size_t sequence_size(unsigned char c)
{
	if (c >= 0xf0 && c <= 0xf4)
		return 4;
	if (c >= 0xe0)
		return 3;
	return c >= 0xc2 ? 2 : 1;
}

static bool is_cut_off(struct str rest)
{
	size_t size = sequence_size((unsigned char)rest.p[0]);
	if ((unsigned char)rest.p[0] > 0xf4 || rest.n >= size)
		return false;
	for (size_t i = 1; i < rest.n; i++) {
		if (((unsigned char)rest.p[i] & 0xc0) != 0x80)
			return false;
	}
	return true;
}

size_t http_excerpt_clean(struct str raw, char *out)
{
	size_t n = 0;
	while (raw.n) {
		size_t good = str_utf8_prefix(raw);
		for (size_t i = 0; i < good; i++)
			out[n++] = raw.p[i] ? raw.p[i] : '?';
		raw = (struct str){ raw.p + good, raw.n - good };
		if (raw.n == 0 || is_cut_off(raw))
			break;
		out[n++] = '?';
		raw = (struct str){ raw.p + 1, raw.n - 1 };
	}
	return n;
}
