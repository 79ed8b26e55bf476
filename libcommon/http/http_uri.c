/* The target of a request: path and query, percent-decoded once, refused when ambiguous. */
#include <string.h>

#include "http/http_framing.h"

#define NO_FAULT ((struct http_fault){ 0, NULL, NULL })
#define MALFORMED(text) ((struct http_fault){ 400, "malformed_request", (text) })

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decodes into the arena; false for a broken escape. */
static bool decode(struct str s, bool plus_is_blank, struct arena *a, struct str *out)
{
	char *p = arena_cstr(a, s);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '+' && plus_is_blank)
			c = ' ';
		if (c == '%') {
			int hi = s.n - i > 2 ? hex_digit(s.p[i + 1]) : -1;
			int lo = s.n - i > 2 ? hex_digit(s.p[i + 2]) : -1;
			if (hi < 0 || lo < 0)
				return false;
			c = (char)(hi * 16 + lo);
			i += 2;
		}
		p[n++] = c;
	}
	p[n] = '\0';
	*out = (struct str){ p, n };
	return true;
}

static bool has_control(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < 0x20 || c == 0x7f)
			return true;
	}
	return false;
}

static bool has_pair(struct str s, char c)
{
	for (size_t i = 0; i + 1 < s.n; i++) {
		if (s.p[i] == c && s.p[i + 1] == c)
			return true;
	}
	return false;
}

static struct http_fault parse_path(struct str raw, struct arena *a, struct str *out)
{
	if (!decode(raw, false, a, out))
		return MALFORMED("the path has a broken percent escape");
	if (has_control(*out))
		return MALFORMED("the path has a NUL or control byte");
	if (has_pair(*out, '/') || has_pair(*out, '.'))
		return MALFORMED("the path has // or ..");
	if (!str_is_utf8(*out))
		return MALFORMED("the path is not UTF-8");
	return NO_FAULT;
}

struct http_fault http_uri_parse(struct str uri, struct arena *a, struct str *path,
				 struct str *query)
{
	struct str raw_path, decoded;
	if (uri.n == 0 || uri.p[0] != '/')
		return MALFORMED("the path does not begin with /");
	if (has_control(uri) || memchr(uri.p, '#', uri.n))
		return MALFORMED("the request target has a byte that does not belong there");
	(void)str_split(uri, '?', &raw_path, query); /* no query is an empty one */
	struct http_fault fault = parse_path(raw_path, a, path);
	if (fault.status)
		return fault;
	if (!decode(*query, true, a, &decoded))
		return MALFORMED("the query has a broken percent escape");
	if (decoded.n && memchr(decoded.p, '\0', decoded.n))
		return MALFORMED("the query has a NUL byte");
	if (!str_is_utf8(decoded))
		return MALFORMED("the query is not UTF-8");
	return NO_FAULT;
}

bool http_query_next(struct str *rest, struct arena *a, struct str *name, struct str *value)
{
	struct str pair, raw_name, raw_value;
	do {
		if (rest->n == 0)
			return false;
		(void)str_split(*rest, '&', &pair, rest); /* the last one has no separator */
	} while (pair.n == 0);
	(void)str_split(pair, '=', &raw_name, &raw_value); /* no value is an empty one */
	/* cannot fail: every escape was judged with the whole target */
	return decode(raw_name, true, a, name) && decode(raw_value, true, a, value);
}
