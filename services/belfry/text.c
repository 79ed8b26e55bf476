/* Widths by a short table of ranges: the scripts that terminals draw wide, and the marks that join
 * the character before. wcwidth() would depend on the locale. */
#include "text.h"

#define REPLACEMENT STR("\xef\xbf\xbd")
#define ELLIPSIS STR("\xe2\x80\xa6")

struct range {
	uint32_t first, last;
};

static const struct range joining[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd },   { 0x064b, 0x065f },
	{ 0x093a, 0x093a }, { 0x093c, 0x093c }, { 0x0941, 0x0948 },   { 0x094d, 0x094d },
	{ 0x0e31, 0x0e31 }, { 0x0e34, 0x0e3a }, { 0x0e47, 0x0e4e },   { 0x200b, 0x200f },
	{ 0x202a, 0x202e }, { 0x2060, 0x2064 }, { 0x2066, 0x2069 },   { 0x20d0, 0x20f0 },
	{ 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0xe0100, 0xe01ef },
};

static const struct range wide[] = {
	{ 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0x33ff },   { 0x3400, 0x4dbf },
	{ 0x4e00, 0x9fff },   { 0xa000, 0xa4cf },   { 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },
	{ 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },   { 0x1f300, 0x1f64f },
	{ 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};

static bool is_in(const struct range *v, size_t n, uint32_t c)
{
	for (size_t i = 0; i < n; i++) {
		if (c >= v[i].first && c <= v[i].last)
			return true;
	}
	return false;
}

/* Bytes of the character at the beginning; 0 where it is none. */
static size_t take(struct str s, uint32_t *c_out)
{
	static const uint8_t masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	unsigned char first = s.n > 0 ? (unsigned char)s.p[0] : 0;
	size_t n = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	struct str one = { s.p, n };

	if (s.n < n || str_utf8_prefix(one) != n)
		return 0;
	uint32_t c = first & masks[n];
	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)s.p[i] & 0x3f);
	*c_out = c;
	return n;
}

static size_t cells_of(uint32_t c)
{
	if (is_in(joining, ARRAY_LEN(joining), c))
		return 0;
	return is_in(wide, ARRAY_LEN(wide), c) ? 2 : 1;
}

size_t text_width(struct str s)
{
	size_t cells = 0;

	while (s.n > 0) {
		uint32_t c = 0;
		size_t n = take(s, &c);
		cells += n == 0 ? 1 : cells_of(c);
		n = n == 0 ? 1 : n;
		s = (struct str){ s.p + n, s.n - n };
	}
	return cells;
}

/* Controls of ASCII and of Latin-1, and those that turn the direction of writing. */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0x2028 || c == 0x2029;
}

void text_clean(struct str s, struct strbuf *out)
{
	while (s.n > 0) {
		uint32_t c = 0;
		size_t n = take(s, &c);
		if (n == 1 && (c == '\t' || c == '\n' || c == '\r'))
			strbuf_add_c(out, ' ');
		else if (n == 0 || is_control(c))
			strbuf_add(out, REPLACEMENT);
		else
			strbuf_add_bytes(out, s.p, n);
		n = n == 0 ? 1 : n;
		s = (struct str){ s.p + n, s.n - n };
	}
}

size_t text_cut(struct str s, size_t width, struct strbuf *out)
{
	size_t cells = 0;

	if (text_width(s) <= width) {
		strbuf_add(out, s);
		return text_width(s);
	}
	while (s.n > 0) {
		uint32_t c = 0;
		size_t n = take(s, &c);
		size_t more = n == 0 ? 1 : cells_of(c);
		n = n == 0 ? 1 : n;
		if (cells + more + 1 > width)
			break;
		strbuf_add_bytes(out, s.p, n);
		cells += more;
		s = (struct str){ s.p + n, s.n - n };
	}
	if (width > cells) {
		strbuf_add(out, ELLIPSIS);
		cells++;
	}
	return cells;
}
