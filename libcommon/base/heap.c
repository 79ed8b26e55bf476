/* Binary heap in an array of pointers; position 1 is the root, and each node knows its own. */
#include "base/heap.h"

#include <stdlib.h>

#include "base/mem.h"

void heap_init(struct heap *h)
{
	*h = (struct heap){ .v = NULL };
}

void heap_deinit(struct heap *h)
{
	for (size_t i = 1; i <= h->n; i++)
		h->v[i]->pos = 0;
	free(h->v);
	heap_init(h);
}

static bool is_before(const struct heap_node *a, const struct heap_node *b)
{
	return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void put(struct heap *h, struct heap_node *node, size_t pos)
{
	h->v[pos] = node;
	node->pos = pos;
}

static void sift_up(struct heap *h, struct heap_node *node, size_t pos)
{
	while (pos > 1 && is_before(node, h->v[pos / 2])) {
		put(h, h->v[pos / 2], pos);
		pos /= 2;
	}
	put(h, node, pos);
}

static void sift_down(struct heap *h, struct heap_node *node, size_t pos)
{
	for (;;) {
		size_t child = pos * 2;
		if (child > h->n)
			break;
		if (child < h->n && is_before(h->v[child + 1], h->v[child]))
			child++;
		if (!is_before(h->v[child], node))
			break;
		put(h, h->v[child], pos);
		pos = child;
	}
	put(h, node, pos);
}

void heap_push(struct heap *h, struct heap_node *node, usec_t at)
{
	heap_remove(h, node);
	if (h->n + 2 > h->cap) {
		h->cap = h->cap ? h->cap * 2 : 16;
		h->v = xrealloc(h->v, h->cap, sizeof(struct heap_node *));
	}
	node->at = at;
	node->seq = h->next_seq++;
	sift_up(h, node, ++h->n);
}

void heap_remove(struct heap *h, struct heap_node *node)
{
	if (!node->pos)
		return;
	ASSERT(node->pos <= h->n && h->v[node->pos] == node);
	size_t pos = node->pos;
	struct heap_node *last = h->v[h->n--];
	node->pos = 0;
	if (last == node)
		return;
	if (pos > 1 && is_before(last, h->v[pos / 2]))
		sift_up(h, last, pos);
	else
		sift_down(h, last, pos);
}

struct heap_node *heap_min(const struct heap *h)
{
	return h->n ? h->v[1] : NULL;
}
