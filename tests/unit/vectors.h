/* The golden cases of proto/vectors: an object of named lists of objects. Whatever is missing or of
 * the wrong kind fails the test. */
#ifndef BELFRY_TESTS_VECTORS_H
#define BELFRY_TESTS_VECTORS_H

#include "json/json_in.h"

struct json_doc *vectors_load(const char *file); /* "typeids.json"; json_doc_free() */
/* The first row of a list; the others with json_next(). */
const struct json_value *vectors_first(const struct json_doc *d, const char *list);
struct str vectors_str(const struct json_value *row, const char *key);
int64_t vectors_i64(const struct json_value *row, const char *key);
bool vectors_bool(const struct json_value *row, const char *key);
/* Hexadecimal; the number of bytes. */
size_t vectors_bytes(const struct json_value *row, const char *key, void *out, size_t max);

#endif
