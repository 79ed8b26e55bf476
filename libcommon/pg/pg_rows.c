/* Results in Postgres' binary formats. The types were held against the declared ones before a
 * decoder sees them; a width that still does not fit, or NULL, gives the type's NULL of pg_codec.h
 * (false and 0.0 for bool and float8, which have none). */
#include "pg/pg_impl.h"

#include <endian.h>
#include <string.h>

#define JSONB_VERSION 1
#define ARRAY_HEAD 12 /* dimensions, has-null, element type; then 8 bytes for each dimension */

static int16_t get16(const char *p)
{
	uint16_t w;

	memcpy(&w, p, sizeof(w));
	return (int16_t)be16toh(w);
}

static int32_t get32(const char *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	return (int32_t)be32toh(w);
}

static int64_t get64(const char *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return (int64_t)be64toh(w);
}

/* The value's bytes; STR_NONE for NULL. */
static struct str raw(const struct pg_result *r, size_t row, int col)
{
	ASSERT(row < pg_result_rows(r) && col < PQnfields(r->res));
	if (PQgetisnull(r->res, (int)row, col))
		return STR_NONE;
	return (struct str){ PQgetvalue(r->res, (int)row, col),
			     (size_t)PQgetlength(r->res, (int)row, col) };
}

bool pg_get_bool(const struct pg_result *r, size_t row, int col)
{
	struct str v = raw(r, row, col);

	return v.n == 1 && *v.p != 0;
}

int64_t pg_get_int(const struct pg_result *r, size_t row, int col)
{
	struct str v = raw(r, row, col);

	switch (v.n) {
	case 2:
		return get16(v.p);
	case 4:
		return get32(v.p);
	case 8:
		return get64(v.p);
	default:
		return PG_NULL_I64;
	}
}

double pg_get_float8(const struct pg_result *r, size_t row, int col)
{
	struct str v = raw(r, row, col);
	double d = 0;

	if (v.n != sizeof(d))
		return 0;
	int64_t bits = get64(v.p);
	memcpy(&d, &bits, sizeof(d));
	return d;
}

struct str pg_get_text(const struct pg_result *r, size_t row, int col)
{
	return raw(r, row, col);
}

struct str pg_get_jsonb(const struct pg_result *r, size_t row, int col)
{
	struct str v = raw(r, row, col);

	if (v.n < 1 || *v.p != JSONB_VERSION)
		return STR_NONE;
	return (struct str){ v.p + 1, v.n - 1 };
}

struct str pg_get_bytea(const struct pg_result *r, size_t row, int col)
{
	return raw(r, row, col);
}

usec_t pg_get_timestamptz(const struct pg_result *r, size_t row, int col)
{
	struct str v = raw(r, row, col);
	usec_t at;

	/* Infinity is the largest number, and so becomes "never" by itself. */
	if (v.n != 8 || !add_checked(get64(v.p), PG_EPOCH_US, &at))
		return USEC_NEVER;
	return at;
}

struct uuid pg_get_uuid(const struct pg_result *r, size_t row, int col)
{
	struct str v = raw(r, row, col);
	struct uuid id = UUID_NIL;

	if (v.n == sizeof(id.b))
		memcpy(id.b, v.p, sizeof(id.b));
	return id;
}

/* Takes one length-prefixed element off the front; false when the bytes do not hold it. */
static bool next_element(struct str *rest, struct str *out)
{
	if (rest->n < 4)
		return false;
	int32_t n = get32(rest->p);
	rest->p += 4;
	rest->n -= 4;
	*out = STR_NONE;
	if (n < 0)
		return true;
	if ((size_t)n > rest->n)
		return false;
	*out = (struct str){ rest->p, (size_t)n };
	rest->p += n;
	rest->n -= (size_t)n;
	return true;
}

struct pg_array pg_get_text_array(const struct pg_result *r, size_t row, int col, struct arena *a)
{
	const struct pg_array none = { NULL, 0 };
	struct str v = raw(r, row, col);

	if (v.n < ARRAY_HEAD + 8 || get32(v.p) != 1)
		return none; /* NULL, empty, or of more dimensions than a list has */
	size_t n = (size_t)max_i64(get32(v.p + ARRAY_HEAD), 0);
	struct str rest = { v.p + ARRAY_HEAD + 8, v.n - ARRAY_HEAD - 8 };
	if (n > rest.n / 4)
		return none;
	struct str *out = arena_array(a, n, sizeof(*out));
	for (size_t i = 0; i < n; i++) {
		if (!next_element(&rest, &out[i]))
			return none;
	}
	return (struct pg_array){ out, n };
}
