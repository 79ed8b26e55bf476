/* Borrowed text and the bounded buffer that builds it. */
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct str str_from(const char *cstr)
{
	return cstr ? (struct str){ cstr, strlen(cstr) } : STR_NONE;
}

bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static unsigned char ascii_lower(char c)
{
	unsigned char u = (unsigned char)c;
	return u >= 'A' && u <= 'Z' ? (unsigned char)(u + ('a' - 'A')) : u;
}

bool str_eq_nocase(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	}
	return true;
}

int str_cmp(struct str a, struct str b)
{
	size_t n = min_size(a.n, b.n);
	int order = n ? memcmp(a.p, b.p, n) : 0;
	if (order != 0)
		return order;
	return a.n < b.n ? -1 : a.n > b.n;
}

bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq((struct str){ s.p, prefix.n }, prefix);
}

bool str_ends(struct str s, struct str suffix)
{
	if (s.n < suffix.n)
		return false;
	return suffix.n == 0 || memcmp(s.p + (s.n - suffix.n), suffix.p, suffix.n) == 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
	while (s.n && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Length of the well-formed sequence at p, 0 when there is none. The second byte carries all the
 * special ranges (RFC 3629, table of section 4). */
static size_t utf8_sequence(const unsigned char *p, size_t n)
{
	unsigned char lo = 0x80, hi = 0xbf;
	size_t len;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		len = 2;
	} else if (p[0] >= 0xe0 && p[0] <= 0xef) {
		len = 3;
		lo = p[0] == 0xe0 ? 0xa0 : 0x80;
		hi = p[0] == 0xed ? 0x9f : 0xbf;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		len = 4;
		lo = p[0] == 0xf0 ? 0x90 : 0x80;
		hi = p[0] == 0xf4 ? 0x8f : 0xbf;
	} else {
		return 0;
	}
	if (n < len || p[1] < lo || p[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

size_t str_utf8_prefix(struct str s)
{
	size_t i = 0;
	while (i < s.n) {
		/* most text is ASCII: eight bytes at a time */
		uint64_t word;
		if (s.n - i >= sizeof(word)) {
			memcpy(&word, s.p + i, sizeof(word));
			if ((word & UINT64_C(0x8080808080808080)) == 0) {
				i += sizeof(word);
				continue;
			}
		}
		size_t len = utf8_sequence((const unsigned char *)s.p + i, s.n - i);
		if (!len)
			break;
		i += len;
	}
	return i;
}

bool str_is_utf8(struct str s)
{
	return str_utf8_prefix(s) == s.n;
}

bool str_split(struct str s, char sep, struct str *head, struct str *rest)
{
	const char *at = s.n ? memchr(s.p, sep, s.n) : NULL;
	if (!at) {
		*head = s;
		*rest = STR_NONE;
		return false;
	}
	size_t n = (size_t)(at - s.p);
	*head = (struct str){ s.p, n };
	*rest = (struct str){ at + 1, s.n - n - 1 };
	return true;
}

/* --- strbuf ------------------------------------------------------------------------------- */

void strbuf_init(struct strbuf *b, size_t max)
{
	*b = (struct strbuf){ .max = max };
}

void strbuf_deinit(struct strbuf *b)
{
	free(b->p);
	*b = (struct strbuf){ .max = b->max };
}

void strbuf_reset(struct strbuf *b)
{
	b->n = 0;
	b->overflowed = false;
	if (b->p)
		b->p[0] = '\0';
}

/* Room for n more bytes and the NUL. Once one append was refused all are: what is there stays a
 * clean beginning of what was meant. */
static bool strbuf_reserve(struct strbuf *b, size_t n)
{
	if (b->overflowed || n > b->max - b->n) {
		b->overflowed = true;
		return false;
	}
	size_t need = b->n + n + 1;
	if (need <= b->cap)
		return true;
	size_t cap = b->cap ? b->cap : 64;
	while (cap < need)
		cap *= 2;
	/* no further than the limit allows; max + 1 may not be representable */
	if (cap - 1 > b->max)
		cap = need > b->max ? need : b->max + 1;
	b->p = xrealloc(b->p, cap, 1);
	b->cap = cap;
	return true;
}

void strbuf_add_bytes(struct strbuf *b, const void *p, size_t n)
{
	if (!strbuf_reserve(b, n))
		return;
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void strbuf_add(struct strbuf *b, struct str s)
{
	strbuf_add_bytes(b, s.p, s.n);
}

void strbuf_add_i64(struct strbuf *b, int64_t v)
{
	char text[20];
	size_t at = sizeof(text);
	uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	do {
		text[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (v < 0)
		text[--at] = '-';
	strbuf_add_bytes(b, text + at, sizeof(text) - at);
}

void strbuf_addf(struct strbuf *b, const char *fmt, ...)
{
	char small[256];
	va_list args, again;
	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(small, sizeof(small), fmt, args);
	va_end(args);
	ASSERT(n >= 0);
	size_t len = (size_t)n;
	if (len < sizeof(small)) {
		strbuf_add_bytes(b, small, len);
	} else if (strbuf_reserve(b, len)) {
		(void)vsnprintf(b->p + b->n, len + 1, fmt, again); /* measured above */
		b->n += len;
	}
	va_end(again);
}

struct str strbuf_str(const struct strbuf *b)
{
	return b->p ? (struct str){ b->p, b->n } : STR("");
}

bool strbuf_overflowed(const struct strbuf *b)
{
	return b->overflowed;
}

char *strbuf_detach(struct strbuf *b)
{
	char *p = b->p ? b->p : xstrdup("");
	*b = (struct strbuf){ .max = b->max };
	return p;
}
