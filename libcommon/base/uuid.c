/* UUIDv7 and its two texts. TypeID: the 128 bits behind two zero bits are 26 groups of five, so the
 * first character is 0-7. https://github.com/jetify-com/typeid */
#include "base/uuid.h"

#include <string.h>

#define BASE32_SIZE 26

const struct uuid UUID_NIL = { { 0 } };

static const char *const prefixes[ID_KIND_COUNT] = {
	[ID_CAMPAIGN] = "cmp",    [ID_TARGET] = "tgt",       [ID_CALL] = "call",
	[ID_ATTEMPT] = "att",     [ID_CONVERSATION] = "cnv", [ID_AGENT] = "agt",
	[ID_NUMBER] = "num",      [ID_TRUNK] = "trk",        [ID_ENDPOINT] = "whk",
	[ID_EVENT] = "evt",       [ID_DELIVERY] = "dlv",     [ID_IMPORT] = "imp",
	[ID_SUPPRESSION] = "sup", [ID_KEY] = "key",          [ID_WORKSPACE] = "ws",
	[ID_DISPATCHER] = "dsp",  [ID_SENDER] = "snd",       [ID_AUDIT] = "aud",
	[ID_TEST] = "tst",        [ID_SESSION] = "ses",
};

static const char base32[] = "0123456789abcdefghjkmnpqrstvwxyz";

struct uuid uuid_v7(usec_t at, const uint8_t random[10])
{
	struct uuid id;
	uint64_t ms = (uint64_t)max_i64(0, at / USEC_PER_MS);
	for (int i = 0; i < 6; i++)
		id.b[i] = (uint8_t)(ms >> (40 - 8 * i));
	memcpy(id.b + 6, random, 10);
	id.b[6] = (uint8_t)(0x70 | (id.b[6] & 0x0f));
	id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3f));
	return id;
}

usec_t uuid_v7_at(struct uuid id)
{
	int64_t ms = 0;
	for (int i = 0; i < 6; i++)
		ms = ms << 8 | id.b[i];
	return ms * USEC_PER_MS;
}

bool uuid_eq(struct uuid a, struct uuid b)
{
	return memcmp(a.b, b.b, sizeof(a.b)) == 0;
}

int uuid_cmp(struct uuid a, struct uuid b)
{
	return memcmp(a.b, b.b, sizeof(a.b));
}

bool uuid_is_nil(struct uuid id)
{
	return uuid_eq(id, UUID_NIL);
}

uint64_t uuid_hash(struct uuid id)
{
	uint64_t hi, lo;
	memcpy(&hi, id.b, sizeof(hi));
	memcpy(&lo, id.b + 8, sizeof(lo));
	uint64_t h = (hi ^ lo * UINT64_C(0x9e3779b97f4a7c15));
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	return h ^ h >> 32;
}

const char *id_prefix(enum id_kind kind)
{
	ASSERT((unsigned)kind < ID_KIND_COUNT);
	return prefixes[kind];
}

char *id_format(enum id_kind kind, struct uuid id, char out[ID_TEXT_SIZE])
{
	const char *prefix = id_prefix(kind);
	size_t at = strlen(prefix);
	memcpy(out, prefix, at);
	out[at++] = '_';
	unsigned acc = 0;
	int bits = 2; /* the two zero bits in front */
	for (size_t i = 0; i < sizeof(id.b); i++) {
		acc = acc << 8 | id.b[i];
		for (bits += 8; bits >= 5; bits -= 5)
			out[at++] = base32[acc >> (bits - 5) & 31];
		acc &= 31;
	}
	out[at] = '\0';
	return out;
}

struct err id_parse(enum id_kind kind, struct str s, struct uuid *out)
{
	static const struct err bad = { ERR_INVALID, "not an id of this kind" };
	struct str prefix = str_from(id_prefix(kind));
	if (s.n != prefix.n + 1 + BASE32_SIZE || !str_starts(s, prefix) || s.p[prefix.n] != '_')
		return bad;
	const char *text = s.p + prefix.n + 1;
	if (text[0] > '7')
		return bad;
	struct uuid id;
	unsigned acc = 0;
	int bits = -2; /* of the first group, three bits count */
	size_t n = 0;
	for (size_t i = 0; i < BASE32_SIZE; i++) {
		const char *digit = memchr(base32, text[i], sizeof(base32) - 1);
		if (!digit)
			return bad;
		acc = (acc << 5 | (unsigned)(digit - base32)) & 0xfff;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			id.b[n++] = (uint8_t)(acc >> bits);
		}
	}
	*out = id;
	return OK;
}

char *uuid_format(struct uuid id, char out[UUID_TEXT_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	size_t at = 0;
	for (size_t i = 0; i < sizeof(id.b); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[at++] = '-';
		out[at++] = hex[id.b[i] >> 4];
		out[at++] = hex[id.b[i] & 15];
	}
	out[at] = '\0';
	return out;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

struct err uuid_parse(struct str s, struct uuid *out)
{
	static const struct err bad = { ERR_INVALID, "not a UUID" };
	struct uuid id;
	size_t at = 0;
	if (s.n != UUID_TEXT_SIZE - 1)
		return bad;
	for (size_t i = 0; i < sizeof(id.b); i++) {
		if ((i == 4 || i == 6 || i == 8 || i == 10) && s.p[at++] != '-')
			return bad;
		int hi = hex_value(s.p[at++]);
		int lo = hex_value(s.p[at++]);
		if (hi < 0 || lo < 0)
			return bad;
		id.b[i] = (uint8_t)(hi << 4 | lo);
	}
	*out = id;
	return OK;
}
