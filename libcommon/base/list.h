/* Intrusive doubly linked list with a head. A node is in at most one list; removing twice is
 * harmless. Get the owner with CONTAINER_OF. */
#ifndef BELFRY_BASE_LIST_H
#define BELFRY_BASE_LIST_H

#include "base/base.h"

struct list_node {
	struct list_node *prev, *next;
};

struct list {
	struct list_node head;
	size_t n;
};

void list_init(struct list *l);
bool list_is_empty(const struct list *l);
bool list_node_is_linked(const struct list_node *node);
void list_push_back(struct list *l, struct list_node *node);
void list_push_front(struct list *l, struct list_node *node);
void list_remove(struct list *l, struct list_node *node); /* no-op when not linked */
struct list_node *list_first(const struct list *l);       /* NULL when empty */
struct list_node *list_next(const struct list *l, const struct list_node *node);
struct list_node *list_pop_front(struct list *l);

#endif
