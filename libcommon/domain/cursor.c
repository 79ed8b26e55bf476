/* "c1_", then 8 bytes of fingerprint (FNV-1a, 64 bits) and 16 bytes of key in hex. The fingerprint
 * guards against mistakes, not against forgery: a forged cursor shows nothing but the caller's own
 * rows from another place on. */
#include "domain/cursor.h"

#include <string.h>

#define FNV_OFFSET UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)
#define CURSOR_BYTES 24

static uint64_t fnv(uint64_t h, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)p[i]) * FNV_PRIME;
	return h;
}

uint64_t cursor_filters(void)
{
	return FNV_OFFSET;
}

uint64_t cursor_filters_add(uint64_t filters, struct str value)
{
	/* Presence and length go first, so that neighbours cannot flow into each other. */
	uint64_t n = value.p == NULL ? 0 : (uint64_t)value.n + 1;
	char length[sizeof(n)];
	memcpy(length, &n, sizeof(n));
	return fnv(fnv(filters, length, sizeof(length)), value.p, value.n);
}

char *cursor_encode(uint64_t filters, struct uuid key, char out[CURSOR_TEXT_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t b[CURSOR_BYTES];
	memcpy(b, &filters, sizeof(filters));
	memcpy(b + sizeof(filters), key.b, sizeof(key.b));
	memcpy(out, "c1_", 3);
	for (size_t i = 0; i < CURSOR_BYTES; i++) {
		out[3 + 2 * i] = digits[b[i] >> 4];
		out[4 + 2 * i] = digits[b[i] & 15];
	}
	out[CURSOR_TEXT_SIZE - 1] = '\0';
	return out;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct err cursor_decode(struct str s, uint64_t filters, struct uuid *key_out)
{
	uint8_t b[CURSOR_BYTES];
	uint64_t made_under;
	if (s.n != CURSOR_TEXT_SIZE - 1 || !str_starts(s, STR("c1_")))
		return ERR(ERR_INVALID, "not a cursor");
	for (size_t i = 0; i < CURSOR_BYTES; i++) {
		int high = hex_value(s.p[3 + 2 * i]), low = hex_value(s.p[4 + 2 * i]);
		if (high < 0 || low < 0)
			return ERR(ERR_INVALID, "not a cursor");
		b[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(&made_under, b, sizeof(made_under));
	if (made_under != filters)
		return ERR(ERR_CONFLICT, "the cursor was made under other filters");
	memcpy(key_out->b, b + sizeof(made_under), sizeof(key_out->b));
	return OK;
}

struct uuid cursor_key_from_i64(int64_t v)
{
	struct uuid key = { { 0 } };
	for (int i = 0; i < 8; i++)
		key.b[15 - i] = (uint8_t)((uint64_t)v >> (8 * i));
	return key;
}

int64_t cursor_key_to_i64(struct uuid key)
{
	uint64_t v = 0;
	for (int i = 8; i < 16; i++)
		v = v << 8 | key.b[i];
	return (int64_t)(v & INT64_MAX);
}
