/* The only callers of malloc and realloc in the house, besides the libraries. */
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void *xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);
	if (!p)
		abort();
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	/* calloc(0) may give NULL, which would read as a failure */
	void *p = n && size ? calloc(n, size) : calloc(1, 1);
	if (!p)
		abort();
	return p;
}

void *xrealloc(void *p, size_t n, size_t size)
{
	size_t bytes;
	if (!mul_checked(n, size, &bytes))
		abort();
	void *q = realloc(p, bytes ? bytes : 1);
	if (!q)
		abort();
	return q;
}

char *xstrdup(const char *s)
{
	return xstrndup(str_from(s));
}

char *xstrndup(struct str s)
{
	char *p = xmalloc(s.n + 1);
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

void mem_wipe(void *p, size_t n)
{
	if (n)
		explicit_bzero(p, n);
}
