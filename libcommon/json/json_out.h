/* Writes JSON into a strbuf in the order of the calls, so that golden files compare byte for
 * byte. Commas are the writer's business. Text must be valid UTF-8 (input was checked on the way
 * in); control characters are escaped. When the buffer overflows, the buffer says so. */
#ifndef BELFRY_JSON_JSON_OUT_H
#define BELFRY_JSON_JSON_OUT_H

#include "base/uuid.h"

struct json_out {
	struct strbuf *b;
	bool need_comma;
};

void json_out_init(struct json_out *j, struct strbuf *b);

void json_object_begin(struct json_out *j);
void json_object_end(struct json_out *j);
void json_array_begin(struct json_out *j);
void json_array_end(struct json_out *j);
void json_key(struct json_out *j, const char *key); /* before each value inside an object */

void json_str(struct json_out *j, struct str s);   /* STR_NONE (p == NULL) writes null */
void json_cstr(struct json_out *j, const char *s); /* NULL writes null */
void json_i64(struct json_out *j, int64_t v);      /* beyond 2^53 as a string */
void json_bool(struct json_out *j, bool v);
void json_null(struct json_out *j);
void json_raw(struct json_out *j, struct str json); /* trusted JSON text, as it is */
void json_id(struct json_out *j, enum id_kind kind, struct uuid id); /* nil writes null */
void json_time(struct json_out *j, usec_t at);      /* RFC 3339; USEC_NEVER writes null */
void json_seconds(struct json_out *j, usec_t span); /* microseconds as seconds, up to 3 decimals */

/* Key and value in one call. */
void json_kv_str(struct json_out *j, const char *key, struct str s);
void json_kv_cstr(struct json_out *j, const char *key, const char *s);
void json_kv_i64(struct json_out *j, const char *key, int64_t v);
void json_kv_bool(struct json_out *j, const char *key, bool v);
void json_kv_null(struct json_out *j, const char *key);
void json_kv_raw(struct json_out *j, const char *key, struct str json); /* n == 0 writes null */
void json_kv_id(struct json_out *j, const char *key, enum id_kind kind, struct uuid id);
void json_kv_time(struct json_out *j, const char *key, usec_t at);

#endif
