/* The opaque cursor of a list: where the next page begins, bound to the filters it was made under,
 * so that a cursor carried over to other filters is noticed instead of giving a wrong page.
 * The key is 16 bytes: a row's id, or a number at the end of them. */
#ifndef BELFRY_DOMAIN_CURSOR_H
#define BELFRY_DOMAIN_CURSOR_H

#include "base/err.h"
#include "base/str.h"
#include "base/uuid.h"

#define CURSOR_TEXT_SIZE 52 /* "c1_" + 48 hex digits + NUL */

/* The fingerprint of the filters: begin with cursor_filters(), add each in a fixed order. An absent
 * filter (STR_NONE) is added too. */
uint64_t cursor_filters(void);
uint64_t cursor_filters_add(uint64_t filters, struct str value);

char *cursor_encode(uint64_t filters, struct uuid key, char out[CURSOR_TEXT_SIZE]);
/* ERR_INVALID for what is no cursor, ERR_CONFLICT for one of other filters. */
struct err cursor_decode(struct str s, uint64_t filters, struct uuid *key_out) MUST_USE;

/* A number, 0 or more, as a key and back. */
struct uuid cursor_key_from_i64(int64_t v);
int64_t cursor_key_to_i64(struct uuid key);

#endif
