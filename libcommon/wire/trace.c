/* Lower-case hexadecimal at fixed places. */
#include "wire/trace.h"

#include <string.h>

#define TRACE_AT 3
#define SPAN_AT 36
#define FLAGS_AT 53
#define HEADER_BYTES 55
#define SPAN_BYTES 8
#define STATE_MEMBERS_MAX 32
#define STATE_VALUE_MAX 256
#define KEY_MAX 256
#define TENANT_MAX 241
#define SYSTEM_MAX 14

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* n bytes; false for what is no lower-case hexadecimal. */
static bool read_hex(const char *p, size_t n, uint8_t *out)
{
	for (size_t i = 0; i < n; i++) {
		int high = digit(p[2 * i]), low = digit(p[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void write_hex(const uint8_t *b, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[b[i] >> 4];
		out[2 * i + 1] = digits[b[i] & 15];
	}
}

static bool is_zero(const uint8_t *b, size_t n)
{
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= b[i];
	return any == 0;
}

bool trace_parse(struct str header, struct trace *out)
{
	struct str s = str_trim(header);
	struct trace t;
	uint8_t version, span[SPAN_BYTES];

	if (s.n < HEADER_BYTES || !read_hex(s.p, 1, &version) || version == 0xff)
		return false;
	/* Later versions may have more behind another hyphen. */
	bool is_end = s.n == HEADER_BYTES || (version > 0 && s.p[HEADER_BYTES] == '-');
	if (!is_end || s.p[TRACE_AT - 1] != '-' || s.p[SPAN_AT - 1] != '-' ||
	    s.p[FLAGS_AT - 1] != '-')
		return false;
	if (!read_hex(s.p + TRACE_AT, sizeof(t.id.b), t.id.b) ||
	    !read_hex(s.p + SPAN_AT, sizeof(span), span) ||
	    !read_hex(s.p + FLAGS_AT, 1, &t.flags) || is_zero(t.id.b, sizeof(t.id.b)) ||
	    is_zero(span, sizeof(span)))
		return false;
	*out = t;
	return true;
}

/* What is random of an id. */
static void write_span(struct uuid span, char *out)
{
	write_hex(span.b + sizeof(span.b) - SPAN_BYTES, SPAN_BYTES, out);
}

char *trace_format(struct trace t, struct uuid span, char out[TRACEPARENT_SIZE])
{
	memcpy(out, "00-", 3);
	write_hex(t.id.b, sizeof(t.id.b), out + TRACE_AT);
	out[SPAN_AT - 1] = '-';
	write_span(span, out + SPAN_AT);
	out[FLAGS_AT - 1] = '-';
	write_hex(&t.flags, 1, out + FLAGS_AT);
	out[HEADER_BYTES] = '\0';
	return out;
}

char *trace_text(struct uuid id, char out[TRACE_TEXT_SIZE])
{
	write_hex(id.b, sizeof(id.b), out);
	out[TRACE_TEXT_SIZE - 1] = '\0';
	return out;
}

char *trace_link(struct uuid trace_id, struct uuid span, char out[TRACE_LINK_SIZE])
{
	static const char key[] = "belfry=";
	char *p = out + sizeof(key) - 1;

	memcpy(out, key, sizeof(key) - 1);
	write_hex(trace_id.b, sizeof(trace_id.b), p);
	p[2 * sizeof(trace_id.b)] = '-';
	write_span(span, p + 2 * sizeof(trace_id.b) + 1);
	out[TRACE_LINK_SIZE - 1] = '\0';
	return out;
}

/* --- tracestate ----------------------------------------------------------------------------- */

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* One side of a key: it begins with a letter, a tenant's also with a digit. */
static bool is_key_part(struct str s, size_t max, bool may_begin_with_digit)
{
	if (s.n == 0 || s.n > max ||
	    !(is_lower(s.p[0]) || (may_begin_with_digit && is_digit(s.p[0]))))
		return false;
	for (size_t i = 1; i < s.n; i++) {
		char c = s.p[i];
		if (!is_lower(c) && !is_digit(c) && c != '_' && c != '-' && c != '*' && c != '/')
			return false;
	}
	return true;
}

/* `vendor`, or `tenant@vendor`. */
static bool is_key(struct str s)
{
	struct str left, right;

	if (!str_split(s, '@', &left, &right))
		return is_key_part(s, KEY_MAX, false);
	return is_key_part(left, TENANT_MAX, true) && is_key_part(right, SYSTEM_MAX, false);
}

static bool is_value(struct str s)
{
	if (s.n == 0 || s.n > STATE_VALUE_MAX || s.p[s.n - 1] == ' ')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < 0x20 || s.p[i] > 0x7e || s.p[i] == ',' || s.p[i] == '=')
			return false;
	}
	return true;
}

static bool has(const struct str *keys, size_t n, struct str key)
{
	for (size_t i = 0; i < n; i++) {
		if (str_eq(keys[i], key))
			return true;
	}
	return false;
}

bool trace_state_is_valid(struct str header)
{
	struct str keys[STATE_MEMBERS_MAX], member, key, value, rest = header;
	size_t n = 0;
	bool is_more = header.n <= TRACESTATE_MAX;

	while (is_more) {
		is_more = str_split(rest, ',', &member, &rest);
		member = str_trim(member);
		if (member.n == 0) /* the specification lets these be */
			continue;
		if (n == STATE_MEMBERS_MAX || !str_split(member, '=', &key, &value) ||
		    !is_key(key) || !is_value(value) || has(keys, n, key))
			return false;
		keys[n++] = key;
	}
	return n > 0;
}
