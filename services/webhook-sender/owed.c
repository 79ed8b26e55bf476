/* The place of each endpoint among what ranges owe it. */
#include "owed.h"

#include <stdlib.h>

#include "app.h"
#include "base/mem.h"

void owed_init(struct owed *o)
{
	*o = (struct owed){ .after = 0 };
	list_init(&o->ranges);
}

void owed_deinit(struct owed *o)
{
	struct list_node *node;

	while ((node = list_pop_front(&o->ranges)) != NULL)
		free(CONTAINER_OF(node, struct owed_range, node));
}

void owed_go_back(struct endpoint *ep, int64_t sequence)
{
	struct owed *o = &ep->owed;

	for (struct list_node *n = list_first(&o->ranges); n; n = list_next(&o->ranges, n)) {
		struct owed_range *r = CONTAINER_OF(n, struct owed_range, node);

		if (r->to_sequence >= sequence)
			r->is_read = false;
	}
	o->turns++;
	o->check_upto = max_i64(o->check_upto, o->after);
	o->after = min_i64(o->after, sequence - 1);
	o->is_behind = true;
	o->is_cut = true;
	ep->may_have_more = true;
}

void owed_begin(struct endpoint *ep, int64_t last_sequence)
{
	owed_go_back(ep, 1);
	ep->owed.check_upto = max_i64(ep->owed.check_upto, last_sequence);
}

int owed_room(struct endpoint *ep, int room)
{
	struct owed *o = &ep->owed;

	if (o->is_behind && o->items > 0)
		return 0;
	o->is_behind = false;
	return room;
}

/* The range that ends there: most often the one that was read last. */
static struct owed_range *range_of(struct app *app, struct endpoint *ep, int64_t to_sequence)
{
	struct list *ranges = &ep->owed.ranges;
	struct owed_range *r;

	for (struct list_node *n = ranges->head.prev; n != &ranges->head; n = n->prev) {
		r = CONTAINER_OF(n, struct owed_range, node);
		if (r->to_sequence == to_sequence)
			return r;
	}
	r = xcalloc(1, sizeof(*r));
	r->endpoint = ep;
	r->sender_id = app->registry.id;
	r->to_sequence = to_sequence;
	list_push_back(ranges, &r->node);
	return r;
}

/* Nothing of it is in hand: it is deleted, or read again later. */
static void settle(struct app *app, struct owed_range *r)
{
	struct owed *o = &r->endpoint->owed;

	if (r->items > 0)
		return;
	list_remove(&o->ranges, &r->node);
	if (!r->is_read || app->is_closed) {
		free(r);
		return;
	}
	o->closing++;
	record_close(app, r);
}

void owed_take(struct app *app, struct item *it, int64_t sequence, int64_t to_sequence)
{
	struct endpoint *ep = it->endpoint;
	struct owed_range *r = range_of(app, ep, to_sequence);

	it->range = r;
	it->sequence = sequence;
	r->items++;
	r->is_read = sequence == to_sequence;
	ep->owed.items++;
	ep->owed.after = sequence;
}

void owed_read(struct app *app, struct endpoint *ep, int64_t to_sequence)
{
	struct owed_range *r = range_of(app, ep, to_sequence);

	r->is_read = true;
	ep->owed.after = max_i64(ep->owed.after, to_sequence);
	settle(app, r);
}

void owed_drop(struct app *app, struct item *it)
{
	struct endpoint *ep = it->endpoint;

	it->range->items--;
	ep->owed.items--;
	settle(app, it->range);
	it->range = NULL;
	if (ep->owed.items > 0 || app->is_closed)
		return;
	if (ep->owed.is_behind)
		ep->may_have_more = true;
	/* What is left for a disabled endpoint can be buried now. */
	if (ep->is_known && !ep->is_usable)
		finder_wake(app);
}
