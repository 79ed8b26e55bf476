/* Binary parameters and results. The generated store functions are the only users; nobody else
 * should need this header. Parameters are copied into the unit's arena.
 *
 * C types: bool, int16_t/int32_t/int64_t (int2 int4 int8), double (float8), struct str (text,
 * jsonb, bytea), usec_t (timestamptz), struct uuid. NULL: STR_NONE for text/jsonb/bytea, the
 * nil UUID for uuid, USEC_NEVER for timestamptz, and PG_NULL_I64 for int8/int4/int2.
 * Arrays are struct pg_array: n elements of the C type, one after another. */
#ifndef BELFRY_PG_PG_CODEC_H
#define BELFRY_PG_PG_CODEC_H

#include "pg/pg.h"

#define PG_NULL_I64 INT64_MIN

struct pg_array {
	const void *v;
	size_t n;
};

/* Builds the parameter list of one statement, in order. */
void pg_unit_begin(struct pg_unit *u, const struct pg_stmt *s);
void pg_bind_bool(struct pg_unit *u, bool v);
void pg_bind_int2(struct pg_unit *u, int64_t v);
void pg_bind_int4(struct pg_unit *u, int64_t v);
void pg_bind_int8(struct pg_unit *u, int64_t v);
void pg_bind_float8(struct pg_unit *u, double v);
void pg_bind_text(struct pg_unit *u, struct str v);
void pg_bind_jsonb(struct pg_unit *u, struct str v);
void pg_bind_bytea(struct pg_unit *u, struct str v);
void pg_bind_timestamptz(struct pg_unit *u, usec_t v);
void pg_bind_uuid(struct pg_unit *u, struct uuid v);
/* Arrays: elements are bool, int64_t (for int2/int4/int8 alike), struct str, usec_t, struct uuid.
 * The same NULL conventions hold per element. */
void pg_bind_bool_array(struct pg_unit *u, struct pg_array a);
void pg_bind_int2_array(struct pg_unit *u, struct pg_array a);
void pg_bind_int4_array(struct pg_unit *u, struct pg_array a);
void pg_bind_int8_array(struct pg_unit *u, struct pg_array a);
void pg_bind_text_array(struct pg_unit *u, struct pg_array a);
void pg_bind_jsonb_array(struct pg_unit *u, struct pg_array a);
void pg_bind_bytea_array(struct pg_unit *u, struct pg_array a);
void pg_bind_timestamptz_array(struct pg_unit *u, struct pg_array a);
void pg_bind_uuid_array(struct pg_unit *u, struct pg_array a);
void pg_unit_end(struct pg_unit *u);

bool pg_get_bool(const struct pg_result *r, size_t row, int col);
int64_t pg_get_int(const struct pg_result *r, size_t row, int col); /* int2, int4 or int8 */
double pg_get_float8(const struct pg_result *r, size_t row, int col);
struct str pg_get_text(const struct pg_result *r, size_t row, int col);  /* borrowed */
struct str pg_get_jsonb(const struct pg_result *r, size_t row, int col); /* without version byte */
struct str pg_get_bytea(const struct pg_result *r, size_t row, int col);
usec_t pg_get_timestamptz(const struct pg_result *r, size_t row, int col);
struct uuid pg_get_uuid(const struct pg_result *r, size_t row, int col);
/* text[] columns: decoded into the arena as n struct str. */
struct pg_array pg_get_text_array(const struct pg_result *r, size_t row, int col, struct arena *a);

#endif
