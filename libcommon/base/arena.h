/* Memory that lives as long as one request or job: many small allocations, one free.
 * Not bounded by itself; what goes in was bounded at the edge. */
#ifndef BELFRY_BASE_ARENA_H
#define BELFRY_BASE_ARENA_H

#include "base/str.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a);
void arena_reset(struct arena *a);                     /* keeps one chunk */
void *arena_alloc(struct arena *a, size_t n) MUST_USE; /* zeroed, aligned for any type */
void *arena_array(struct arena *a, size_t n, size_t size) MUST_USE;
struct str arena_str(struct arena *a, struct str s); /* copies; NUL follows */
char *arena_cstr(struct arena *a, struct str s);

#endif
