/* Hash table from a UUID to a borrowed pointer: open addressing, grows by itself, no order.
 * Removing while iterating is allowed for the element just returned. */
#ifndef BELFRY_BASE_MAP_H
#define BELFRY_BASE_MAP_H

#include "base/uuid.h"

struct map {
	struct map_slot *slots;
	size_t n, cap, used;
};

void map_init(struct map *m);
void map_deinit(struct map *m);
void *map_get(const struct map *m, struct uuid key);       /* NULL when absent */
void map_set(struct map *m, struct uuid key, void *value); /* replaces; value is not NULL */
void *map_remove(struct map *m, struct uuid key);          /* what was there, or NULL */
size_t map_count(const struct map *m);
/* for (size_t it = 0; (v = map_next(m, &it)) != NULL;) */
void *map_next(const struct map *m, size_t *it);

#endif
