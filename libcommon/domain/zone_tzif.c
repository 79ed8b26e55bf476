/* Every count is a 32-bit number that a stranger chose, and a file has at most 64 KB: sums of a few
 * such numbers fit 64 bits, and no sum is used before it was compared with what is there. */
#include "domain/zone_tzif.h"

#include <string.h>

#include "domain/zone_rule.h"

#define HEADER_SIZE 44
#define COUNTS_AT 20
#define TYPE_SIZE 6
#define TYPES_MAX 256 /* an index has one byte */

struct header {
	uint8_t version;
	uint64_t utc_flags, std_flags, leaps, times, types, chars;
};

static uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int32_t get_i32(const uint8_t *p)
{
	uint32_t v = get_u32(p);
	return v <= INT32_MAX ? (int32_t)v : -(int32_t)(UINT32_MAX - v) - 1;
}

static int64_t get_i64(const uint8_t *p)
{
	uint64_t v = (uint64_t)get_u32(p) << 32 | get_u32(p + 4);
	return v <= INT64_MAX ? (int64_t)v : -(int64_t)(UINT64_MAX - v) - 1;
}

static struct err read_header(struct str bytes, struct header *out)
{
	if (bytes.n < HEADER_SIZE || memcmp(bytes.p, "TZif", 4) != 0)
		return ERR(ERR_INVALID, "not a TZif file");
	const uint8_t *p = (const uint8_t *)bytes.p, *counts = p + COUNTS_AT;
	if (p[4] != '\0' && (p[4] < '2' || p[4] > '4'))
		return ERR(ERR_INVALID, "a TZif file of an unknown version");
	*out = (struct header){
		.version = p[4],
		.utc_flags = get_u32(counts),
		.std_flags = get_u32(counts + 4),
		.leaps = get_u32(counts + 8),
		.times = get_u32(counts + 12),
		.types = get_u32(counts + 16),
		.chars = get_u32(counts + 20),
	};
	return OK;
}

static uint64_t block_size(const struct header *h, uint64_t time_size)
{
	return HEADER_SIZE + h->times * (time_size + 1) + h->types * TYPE_SIZE + h->chars +
	       h->leaps * (time_size + 4) + h->std_flags + h->utc_flags;
}

static struct err check_block(const struct header *h)
{
	if (h->types == 0 || h->types > TYPES_MAX)
		return ERR(ERR_INVALID, "a TZif file without types, or with too many");
	if ((h->std_flags != 0 && h->std_flags != h->types) ||
	    (h->utc_flags != 0 && h->utc_flags != h->types))
		return ERR(ERR_INVALID, "a TZif file whose counts disagree");
	if (h->leaps != 0)
		return ERR(ERR_INVALID, "a TZif file that counts leap seconds");
	return OK;
}

static struct err check_contents(const struct tzif *t, size_t types)
{
	for (size_t i = 0; i < types; i++) {
		int32_t offset = get_i32(t->types + i * TYPE_SIZE);
		if (offset < ZONE_OFFSET_MIN_S || offset > ZONE_OFFSET_MAX_S)
			return ERR(ERR_INVALID, "a TZif file with an offset beyond all zones");
	}
	for (size_t i = 0; i < t->n; i++) {
		if (t->indices[i] >= types)
			return ERR(ERR_INVALID, "a TZif file with a type that it lacks");
		if (i > 0 && tzif_time_s(t, i) <= tzif_time_s(t, i - 1))
			return ERR(ERR_INVALID, "a TZif file whose transitions are not in order");
	}
	return OK;
}

/* A newline, the text, a newline. */
static struct err read_footer(struct str rest, struct str *out)
{
	struct str empty, after;

	if (rest.n < 2 || rest.p[0] != '\n')
		return ERR(ERR_INVALID, "a TZif file without its footer");
	(void)str_split(rest, '\n', &empty, &rest); /* the newline was just seen */
	if (!str_split(rest, '\n', out, &after))
		return ERR(ERR_INVALID, "a TZif file whose footer does not end");
	return OK;
}

struct err tzif_read(struct str bytes, struct tzif *out)
{
	struct tzif t = { .time_size = 4, .footer = STR_NONE };
	struct header h;

	if (bytes.n > ZONE_FILE_MAX)
		return ERR(ERR_TOO_LARGE, "a TZif file of more than 64 KB");
	TRY(read_header(bytes, &h));
	if (h.version != '\0') { /* the 32-bit block is for readers of version 1 */
		uint64_t skip = block_size(&h, 4);
		if (skip > bytes.n)
			return ERR(ERR_INVALID, "a TZif file that was cut short");
		bytes = (struct str){ bytes.p + skip, bytes.n - (size_t)skip };
		TRY(read_header(bytes, &h));
		if (h.version == '\0')
			return ERR(ERR_INVALID, "a TZif file of two versions");
		t.time_size = 8;
	}
	TRY(check_block(&h));
	uint64_t size = block_size(&h, t.time_size);
	if (size > bytes.n)
		return ERR(ERR_INVALID, "a TZif file that was cut short");
	t.n = (size_t)h.times;
	t.times = (const uint8_t *)bytes.p + HEADER_SIZE;
	t.indices = t.times + t.n * t.time_size;
	t.types = t.indices + t.n;
	TRY(check_contents(&t, (size_t)h.types));
	if (h.version != '\0')
		TRY(read_footer((struct str){ bytes.p + size, bytes.n - (size_t)size }, &t.footer));
	*out = t;
	return OK;
}

int64_t tzif_time_s(const struct tzif *t, size_t i)
{
	const uint8_t *p = t->times + i * t->time_size;
	return t->time_size == 8 ? get_i64(p) : get_i32(p);
}

int32_t tzif_offset_s(const struct tzif *t, size_t i)
{
	return get_i32(t->types + (size_t)t->indices[i] * TYPE_SIZE);
}

int32_t tzif_first_offset_s(const struct tzif *t)
{
	return get_i32(t->types);
}
