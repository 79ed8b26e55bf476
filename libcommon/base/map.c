/* Linear probing in a table of a power of two, at most three quarters used. A removed slot keeps a
 * tombstone, so that a walk stays valid; growing (only map_set does) drops them. */
#include "base/map.h"

#include <stdlib.h>

#include "base/mem.h"

#define CAP_MIN 16

struct map_slot {
	struct uuid key;
	enum { SLOT_FREE = 0, SLOT_LIVE, SLOT_REMOVED } state;
	void *value;
};

void map_init(struct map *m)
{
	*m = (struct map){ .slots = NULL };
}

void map_deinit(struct map *m)
{
	free(m->slots);
	map_init(m);
}

/* The live slot of the key, or NULL. */
static struct map_slot *find(const struct map *m, struct uuid key)
{
	if (!m->cap)
		return NULL;
	for (size_t i = uuid_hash(key) & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		struct map_slot *slot = &m->slots[i];
		if (slot->state == SLOT_FREE)
			return NULL;
		if (slot->state == SLOT_LIVE && uuid_eq(slot->key, key))
			return slot;
	}
}

static void insert(struct map *m, struct uuid key, void *value)
{
	size_t i = uuid_hash(key) & (m->cap - 1);
	while (m->slots[i].state != SLOT_FREE)
		i = (i + 1) & (m->cap - 1);
	m->slots[i] = (struct map_slot){ .key = key, .state = SLOT_LIVE, .value = value };
	m->n++;
	m->used++;
}

static void rebuild(struct map *m, size_t cap)
{
	struct map old = *m;
	*m = (struct map){ .slots = xcalloc(cap, sizeof(struct map_slot)), .cap = cap };
	for (size_t i = 0; i < old.cap; i++) {
		if (old.slots[i].state == SLOT_LIVE)
			insert(m, old.slots[i].key, old.slots[i].value);
	}
	free(old.slots);
}

void *map_get(const struct map *m, struct uuid key)
{
	const struct map_slot *slot = find(m, key);
	return slot ? slot->value : NULL;
}

void map_set(struct map *m, struct uuid key, void *value)
{
	ASSERT(value != NULL);
	struct map_slot *slot = find(m, key);
	if (slot) {
		slot->value = value;
		return;
	}
	if (m->used + 1 > m->cap / 4 * 3) {
		/* the size follows what lives: a table full of tombstones is rebuilt in place or
		 * smaller, after a peak its memory comes back */
		size_t cap = CAP_MIN;
		while (cap / 2 < m->n + 1)
			cap *= 2;
		rebuild(m, cap);
	}
	insert(m, key, value);
}

void *map_remove(struct map *m, struct uuid key)
{
	struct map_slot *slot = find(m, key);
	if (!slot)
		return NULL;
	void *value = slot->value;
	*slot = (struct map_slot){ .state = SLOT_REMOVED };
	m->n--;
	return value;
}

size_t map_count(const struct map *m)
{
	return m->n;
}

void *map_next(const struct map *m, size_t *it)
{
	while (*it < m->cap) {
		const struct map_slot *slot = &m->slots[(*it)++];
		if (slot->state == SLOT_LIVE)
			return slot->value;
	}
	return NULL;
}
