/* Open addressing with linear probing; nothing is ever removed singly. */
#include "dial/id_set.h"

#include <stdlib.h>

#include "base/mem.h"

#define CAP_FIRST 1024
#define VOID_BIT UINT64_C(1)

void id_set_init(struct id_set *s)
{
	*s = (struct id_set){ .slots = NULL };
}

void id_set_deinit(struct id_set *s)
{
	free(s->slots);
	id_set_init(s);
}

static uint64_t digest_of(struct uuid id)
{
	uint64_t d = uuid_hash(id) & ~VOID_BIT;

	return d ? d : 2;
}

/* Where the digest stands, or the empty slot where it would. There is always an empty one. */
static size_t find(const struct id_set *s, uint64_t digest)
{
	size_t i = (size_t)(digest >> 1) & (s->cap - 1);

	while (s->slots[i] != 0 && (s->slots[i] & ~VOID_BIT) != digest)
		i = (i + 1) & (s->cap - 1);
	return i;
}

static void grow(struct id_set *s)
{
	struct id_set old = *s;

	s->cap = old.cap ? old.cap * 2 : CAP_FIRST;
	s->slots = xcalloc(s->cap, sizeof(*s->slots));
	for (size_t i = 0; i < old.cap; i++) {
		if (old.slots[i] != 0)
			s->slots[find(s, old.slots[i] & ~VOID_BIT)] = old.slots[i];
	}
	free(old.slots);
}

void id_set_add(struct id_set *s, struct uuid id, enum id_mark mark)
{
	uint64_t digest = digest_of(id);

	if (s->n >= s->cap / 4 * 3)
		grow(s);
	size_t i = find(s, digest);
	if (s->slots[i] != 0)
		return;
	s->slots[i] = mark == ID_MARK_VOID ? digest | VOID_BIT : digest;
	s->n++;
	s->newest_at = max_i64(s->newest_at, uuid_v7_at(id));
}

enum id_mark id_set_get(const struct id_set *s, struct uuid id)
{
	if (s->n == 0)
		return ID_MARK_NONE;
	uint64_t v = s->slots[find(s, digest_of(id))];
	if (v == 0)
		return ID_MARK_NONE;
	return v & VOID_BIT ? ID_MARK_VOID : ID_MARK_SENT;
}
