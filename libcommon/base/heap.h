/* Intrusive binary min-heap ordered by an instant; equal instants leave in order of insertion.
 * The owner embeds a heap_node and must remove it before it frees itself. */
#ifndef BELFRY_BASE_HEAP_H
#define BELFRY_BASE_HEAP_H

#include "base/base.h"

struct heap_node {
	usec_t at;
	uint64_t seq;
	size_t pos; /* 1-based; 0 = not in a heap */
};

struct heap {
	struct heap_node **v;
	size_t n, cap;
	uint64_t next_seq;
};

void heap_init(struct heap *h);
void heap_deinit(struct heap *h);
void heap_push(struct heap *h, struct heap_node *node, usec_t at); /* moves it if it is in */
void heap_remove(struct heap *h, struct heap_node *node);          /* no-op when not in */
struct heap_node *heap_min(const struct heap *h);                  /* NULL when empty */

#endif
