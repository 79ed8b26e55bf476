/* Parameters in Postgres' binary formats: each value is sized, then written once, in place, into
 * the unit's arena, arrays included. libpq copies from there to the socket's buffer. */
#include "pg/pg_impl.h"

#include <endian.h>
#include <limits.h>
#include <string.h>

#include "base/mem.h"

#define JSONB_VERSION 1
#define ARRAY_HEAD 20  /* one dimension: dimensions, has-null, element type, length, lower bound */
#define ARRAY_EMPTY 12 /* no dimension */

enum {
	OID_BOOL = 16,
	OID_BYTEA = 17,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
	OID_TEXT = 25,
	OID_FLOAT8 = 701,
	OID_BYTEA_ARRAY = 1001,
	OID_BOOL_ARRAY = 1000,
	OID_INT2_ARRAY = 1005,
	OID_INT4_ARRAY = 1007,
	OID_TEXT_ARRAY = 1009,
	OID_INT8_ARRAY = 1016,
	OID_TIMESTAMPTZ = 1184,
	OID_TIMESTAMPTZ_ARRAY = 1185,
	OID_UUID = 2950,
	OID_UUID_ARRAY = 2951,
	OID_JSONB = 3802,
	OID_JSONB_ARRAY = 3807
};

static void put16(char *p, int16_t v)
{
	uint16_t w = htobe16((uint16_t)v);

	memcpy(p, &w, sizeof(w));
}

static void put32(char *p, int32_t v)
{
	uint32_t w = htobe32((uint32_t)v);

	memcpy(p, &w, sizeof(w));
}

static void put64(char *p, int64_t v)
{
	uint64_t w = htobe64((uint64_t)v);

	memcpy(p, &w, sizeof(w));
}

/* --- one value ------------------------------------------------------------------------------
 * An element, of a parameter or of an array, is sized first and then written. */

#define SIZE_NULL (-1)

/* The value's bytes on the wire; SIZE_NULL for NULL. A number out of its type's range marks the
 * unit, which is then refused by pg_submit. */
typedef int64_t (*size_fn)(struct pg_unit *u, const void *v);
typedef void (*put_fn)(char *p, const void *v);

static int64_t size_bool(struct pg_unit *u, const void *v)
{
	(void)u;
	(void)v;
	return 1;
}

static void put_bool(char *p, const void *v)
{
	const bool *b = v;

	*p = *b ? 1 : 0;
}

static int64_t size_int(struct pg_unit *u, const void *v, int64_t max, int64_t size)
{
	const int64_t *i = v;

	if (*i == PG_NULL_I64)
		return SIZE_NULL;
	if (*i > max || *i < -max - 1)
		u->bad = ERR(ERR_INVALID, "a number does not fit its column");
	return size;
}

static int64_t size_int2(struct pg_unit *u, const void *v)
{
	return size_int(u, v, INT16_MAX, 2);
}

static void put_int2(char *p, const void *v)
{
	const int64_t *i = v;

	put16(p, (int16_t)*i);
}

static int64_t size_int4(struct pg_unit *u, const void *v)
{
	return size_int(u, v, INT32_MAX, 4);
}

static void put_int4(char *p, const void *v)
{
	const int64_t *i = v;

	put32(p, (int32_t)*i);
}

static int64_t size_int8(struct pg_unit *u, const void *v)
{
	return size_int(u, v, INT64_MAX, 8);
}

static void put_int8(char *p, const void *v)
{
	const int64_t *i = v;

	put64(p, *i);
}

static int64_t size_float8(struct pg_unit *u, const void *v)
{
	(void)u;
	(void)v;
	return 8;
}

static void put_float8(char *p, const void *v)
{
	int64_t bits;

	memcpy(&bits, v, sizeof(bits));
	put64(p, bits);
}

static int64_t size_str(struct pg_unit *u, const void *v)
{
	const struct str *s = v;

	(void)u;
	return s->p == NULL ? SIZE_NULL : (int64_t)s->n;
}

static void put_str(char *p, const void *v)
{
	const struct str *s = v;

	if (s->n > 0)
		memcpy(p, s->p, s->n);
}

static int64_t size_jsonb(struct pg_unit *u, const void *v)
{
	int64_t n = size_str(u, v);

	return n == SIZE_NULL ? SIZE_NULL : n + 1;
}

static void put_jsonb(char *p, const void *v)
{
	*p = JSONB_VERSION;
	put_str(p + 1, v);
}

static int64_t size_timestamptz(struct pg_unit *u, const void *v)
{
	const usec_t *at = v;

	if (*at == USEC_NEVER)
		return SIZE_NULL;
	if (*at < INT64_MIN + PG_EPOCH_US + 1)
		u->bad = ERR(ERR_INVALID, "an instant does not fit its column");
	return 8;
}

static void put_timestamptz(char *p, const void *v)
{
	const usec_t *at = v;
	int64_t since;

	/* What does not fit was marked when it was sized. */
	put64(p, __builtin_sub_overflow(*at, PG_EPOCH_US, &since) ? 0 : since);
}

static int64_t size_uuid(struct pg_unit *u, const void *v)
{
	const struct uuid *id = v;

	(void)u;
	return uuid_is_nil(*id) ? SIZE_NULL : (int64_t)sizeof(id->b);
}

static void put_uuid(char *p, const void *v)
{
	const struct uuid *id = v;

	memcpy(p, id->b, sizeof(id->b));
}

struct codec {
	unsigned oid, array_oid;
	size_t c_size; /* of an element of struct pg_array */
	size_fn size;
	put_fn put;
};

static const struct codec codec_bool = { OID_BOOL, OID_BOOL_ARRAY, sizeof(bool), size_bool,
					 put_bool };
static const struct codec codec_int2 = { OID_INT2, OID_INT2_ARRAY, sizeof(int64_t), size_int2,
					 put_int2 };
static const struct codec codec_int4 = { OID_INT4, OID_INT4_ARRAY, sizeof(int64_t), size_int4,
					 put_int4 };
static const struct codec codec_int8 = { OID_INT8, OID_INT8_ARRAY, sizeof(int64_t), size_int8,
					 put_int8 };
static const struct codec codec_float8 = { OID_FLOAT8, 0, sizeof(double), size_float8, put_float8 };
static const struct codec codec_text = { OID_TEXT, OID_TEXT_ARRAY, sizeof(struct str), size_str,
					 put_str };
static const struct codec codec_jsonb = { OID_JSONB, OID_JSONB_ARRAY, sizeof(struct str),
					  size_jsonb, put_jsonb };
static const struct codec codec_bytea = { OID_BYTEA, OID_BYTEA_ARRAY, sizeof(struct str), size_str,
					  put_str };
static const struct codec codec_timestamptz = { OID_TIMESTAMPTZ, OID_TIMESTAMPTZ_ARRAY,
						sizeof(usec_t), size_timestamptz, put_timestamptz };
static const struct codec codec_uuid = { OID_UUID, OID_UUID_ARRAY, sizeof(struct uuid), size_uuid,
					 put_uuid };

/* --- parameters ----------------------------------------------------------------------------- */

void pg_unit_begin(struct pg_unit *u, const struct pg_stmt *s)
{
	ASSERT(u->state == PG_UNIT_BUILDING);
	if (u->n_calls == u->cap_calls) {
		u->cap_calls = u->cap_calls == 0 ? 4 : u->cap_calls * 2;
		u->calls = xrealloc(u->calls, u->cap_calls, sizeof(*u->calls));
	}
	size_t n = (size_t)s->n_params;
	u->calls[u->n_calls++] = (struct pg_call){
		.stmt = s,
		.values = arena_array(u->arena, n, sizeof(const char *)),
		.lengths = arena_array(u->arena, n, sizeof(int)),
		.formats = arena_array(u->arena, n, sizeof(int)),
	};
}

size_t pg_unit_writes(const struct pg_unit *u)
{
	size_t n = 0;
	for (size_t i = 0; i < u->n_calls; i++)
		n += u->calls[i].stmt->writes;
	return n;
}

void pg_unit_end(struct pg_unit *u)
{
	const struct pg_call *c = &u->calls[u->n_calls - 1];

	ASSERT(c->n == c->stmt->n_params);
}

/* The place of the next parameter; NULL stands for SIZE_NULL. */
static char *next_param(struct pg_unit *u, unsigned oid, int64_t size)
{
	struct pg_call *c = &u->calls[u->n_calls - 1];
	int i = c->n++;

	ASSERT(i < c->stmt->n_params && c->stmt->param_oids[i] == oid);
	c->formats[i] = 1;
	if (size == SIZE_NULL)
		return NULL;
	ASSERT(size <= INT_MAX / 2); /* whoever let it in bounded it far below */
	char *p = arena_alloc(u->arena, (size_t)size);
	c->values[i] = p;
	c->lengths[i] = (int)size;
	return p;
}

static void bind(struct pg_unit *u, const struct codec *codec, const void *v)
{
	char *p = next_param(u, codec->oid, codec->size(u, v));

	if (p != NULL)
		codec->put(p, v);
}

static void bind_array(struct pg_unit *u, const struct codec *codec, struct pg_array a)
{
	const char *v = a.v;
	int64_t size = a.n == 0 ? ARRAY_EMPTY : ARRAY_HEAD;
	bool has_null = false;

	for (size_t i = 0; i < a.n; i++) {
		int64_t one = codec->size(u, v + i * codec->c_size);
		has_null = has_null || one == SIZE_NULL;
		size += 4 + max_i64(one, 0);
	}
	char *p = next_param(u, codec->array_oid, size);
	put32(p, a.n == 0 ? 0 : 1);
	put32(p + 4, has_null ? 1 : 0);
	put32(p + 8, (int32_t)codec->oid);
	if (a.n == 0)
		return;
	put32(p + 12, (int32_t)a.n);
	put32(p + 16, 1);
	p += ARRAY_HEAD;
	for (size_t i = 0; i < a.n; i++) {
		const void *element = v + i * codec->c_size;
		int64_t one = codec->size(u, element);
		put32(p, (int32_t)one);
		p += 4;
		if (one == SIZE_NULL)
			continue;
		codec->put(p, element);
		p += one;
	}
}

void pg_bind_bool(struct pg_unit *u, bool v)
{
	bind(u, &codec_bool, &v);
}

void pg_bind_int2(struct pg_unit *u, int64_t v)
{
	bind(u, &codec_int2, &v);
}

void pg_bind_int4(struct pg_unit *u, int64_t v)
{
	bind(u, &codec_int4, &v);
}

void pg_bind_int8(struct pg_unit *u, int64_t v)
{
	bind(u, &codec_int8, &v);
}

void pg_bind_float8(struct pg_unit *u, double v)
{
	bind(u, &codec_float8, &v);
}

void pg_bind_text(struct pg_unit *u, struct str v)
{
	bind(u, &codec_text, &v);
}

void pg_bind_jsonb(struct pg_unit *u, struct str v)
{
	bind(u, &codec_jsonb, &v);
}

void pg_bind_bytea(struct pg_unit *u, struct str v)
{
	bind(u, &codec_bytea, &v);
}

void pg_bind_timestamptz(struct pg_unit *u, usec_t v)
{
	bind(u, &codec_timestamptz, &v);
}

void pg_bind_uuid(struct pg_unit *u, struct uuid v)
{
	bind(u, &codec_uuid, &v);
}

void pg_bind_bool_array(struct pg_unit *u, struct pg_array a)
{
	bind_array(u, &codec_bool, a);
}

void pg_bind_int2_array(struct pg_unit *u, struct pg_array a)
{
	bind_array(u, &codec_int2, a);
}

void pg_bind_int4_array(struct pg_unit *u, struct pg_array a)
{
	bind_array(u, &codec_int4, a);
}

void pg_bind_int8_array(struct pg_unit *u, struct pg_array a)
{
	bind_array(u, &codec_int8, a);
}

void pg_bind_text_array(struct pg_unit *u, struct pg_array a)
{
	bind_array(u, &codec_text, a);
}

void pg_bind_jsonb_array(struct pg_unit *u, struct pg_array a)
{
	bind_array(u, &codec_jsonb, a);
}

void pg_bind_bytea_array(struct pg_unit *u, struct pg_array a)
{
	bind_array(u, &codec_bytea, a);
}

void pg_bind_timestamptz_array(struct pg_unit *u, struct pg_array a)
{
	bind_array(u, &codec_timestamptz, a);
}

void pg_bind_uuid_array(struct pg_unit *u, struct pg_array a)
{
	bind_array(u, &codec_uuid, a);
}
