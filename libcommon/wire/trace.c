/* Lower-case hexadecimal at fixed places. */
#include "wire/trace.h"

#include <string.h>

#define TRACE_AT 3
#define SPAN_AT 36
#define FLAGS_AT 53
#define HEADER_BYTES 55
#define SPAN_BYTES 8

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

char *trace_format(struct trace t, struct uuid span, char out[TRACEPARENT_SIZE])
{
	memcpy(out, "00-", 3);
	write_hex(t.id.b, sizeof(t.id.b), out + TRACE_AT);
	out[SPAN_AT - 1] = '-';
	write_hex(span.b + sizeof(span.b) - SPAN_BYTES, SPAN_BYTES, out + SPAN_AT);
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
