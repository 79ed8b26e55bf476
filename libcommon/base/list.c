/* A ring through the head, so that no operation has a special case. */
#include "base/list.h"

void list_init(struct list *l)
{
	l->head.prev = l->head.next = &l->head;
	l->n = 0;
}

bool list_is_empty(const struct list *l)
{
	return l->n == 0;
}

bool list_node_is_linked(const struct list_node *node)
{
	return node->next != NULL;
}

static void insert_between(struct list *l, struct list_node *node, struct list_node *prev,
			   struct list_node *next)
{
	ASSERT(!list_node_is_linked(node));
	node->prev = prev;
	node->next = next;
	prev->next = node;
	next->prev = node;
	l->n++;
}

void list_push_back(struct list *l, struct list_node *node)
{
	insert_between(l, node, l->head.prev, &l->head);
}

void list_push_front(struct list *l, struct list_node *node)
{
	insert_between(l, node, &l->head, l->head.next);
}

void list_remove(struct list *l, struct list_node *node)
{
	if (!list_node_is_linked(node))
		return;
	ASSERT(l->n > 0);
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node->prev = node->next = NULL;
	l->n--;
}

struct list_node *list_first(const struct list *l)
{
	return l->n ? l->head.next : NULL;
}

struct list_node *list_next(const struct list *l, const struct list_node *node)
{
	return node->next == &l->head ? NULL : node->next;
}

struct list_node *list_pop_front(struct list *l)
{
	struct list_node *node = list_first(l);
	if (node)
		list_remove(l, node);
	return node;
}
