/* Bump allocation in chunks that double up to a limit. What is larger than a chunk gets one of its
 * own, so that a big body does not leave half-empty chunks behind. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define CHUNK_MIN ((size_t)2048)
#define CHUNK_MAX ((size_t)256 * 1024)

struct chunk {
	struct chunk *next;
	size_t size, used;
	alignas(max_align_t) unsigned char data[];
};

struct arena {
	struct chunk *chunks; /* the first one is filled */
	size_t next_size;
};

struct arena *arena_new(void)
{
	struct arena *a = xcalloc(1, sizeof(*a));
	a->next_size = CHUNK_MIN;
	return a;
}

static void free_chunks(struct chunk *c)
{
	while (c) {
		struct chunk *next = c->next;
		free(c);
		c = next;
	}
}

void arena_free(struct arena *a)
{
	if (!a)
		return;
	free_chunks(a->chunks);
	free(a);
}

void arena_reset(struct arena *a)
{
	struct chunk *keep = a->chunks;
	if (!keep)
		return;
	free_chunks(keep->next);
	keep->next = NULL;
	keep->used = 0;
	if (keep->size > CHUNK_MAX) {
		free(keep);
		a->chunks = NULL;
	}
}

static struct chunk *add_chunk(struct arena *a, size_t n)
{
	size_t size = n > a->next_size ? n : a->next_size;
	size_t bytes;
	if (!add_checked(sizeof(struct chunk), size, &bytes))
		abort();
	struct chunk *c = xmalloc(bytes);
	c->size = size;
	c->used = 0;
	if (a->next_size < CHUNK_MAX)
		a->next_size *= 2;
	/* an oversized one goes behind the chunk being filled, whose room is still good */
	if (a->chunks && n > a->next_size) {
		c->next = a->chunks->next;
		a->chunks->next = c;
	} else {
		c->next = a->chunks;
		a->chunks = c;
	}
	return c;
}

static void *take(struct arena *a, size_t n, size_t align)
{
	struct chunk *c = a->chunks;
	size_t at = c ? (c->used + align - 1) / align * align : 0;
	if (!c || at > c->size || n > c->size - at) {
		c = add_chunk(a, n);
		at = 0;
	}
	c->used = at + n;
	return c->data + at;
}

void *arena_alloc(struct arena *a, size_t n)
{
	return memset(take(a, n ? n : 1, alignof(max_align_t)), 0, n);
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
	size_t bytes;
	if (!mul_checked(n, size, &bytes))
		abort();
	return arena_alloc(a, bytes);
}

struct str arena_str(struct arena *a, struct str s)
{
	return (struct str){ arena_cstr(a, s), s.n };
}

char *arena_cstr(struct arena *a, struct str s)
{
	char *p = take(a, s.n + 1, 1);
	if (s.n)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}
