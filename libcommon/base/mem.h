/* Heap memory that never returns NULL: running out of memory aborts, since every promise is
 * durable elsewhere. So a size that comes from outside must be bounded before it gets here. */
#ifndef BELFRY_BASE_MEM_H
#define BELFRY_BASE_MEM_H

#include <stdlib.h> /* free() gives back what these gave */

#include "base/base.h"
#include "base/str.h"

void *xmalloc(size_t n) MUST_USE;
void *xcalloc(size_t n, size_t size) MUST_USE; /* checked multiplication, zeroed */
void *xrealloc(void *p, size_t n, size_t size) MUST_USE;
char *xstrdup(const char *s) MUST_USE;
char *xstrndup(struct str s) MUST_USE; /* NUL-terminated copy */

/* Overwrites secrets in a way the compiler keeps. */
void mem_wipe(void *p, size_t n);

#endif
