/* Batches stay open until the end of the turn, which a full one brings about: so Postgres works on it
 * while we read the next requests, where else each would wait for the other. */
#include "gather.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"
#include "store_gen.h"

#define BATCH_MAX 16
#define LOOKED_AT_MAX 16 /* open batches, for each request */

struct batch {
	struct list_node node; /* while it is open */
	struct app *app;
	const struct gather_kind *kind;
	struct uuid workspace_id;
	size_t n;
	struct uuid ids[BATCH_MAX];
	struct req *reqs[BATCH_MAX];
};

struct gather {
	struct app *app;
	struct list open;
	bool is_closing_queued;
};

struct gather *gather_new(struct app *app)
{
	struct gather *g = xcalloc(1, sizeof(*g));
	g->app = app;
	list_init(&g->open);
	return g;
}

/* --- what came back ------------------------------------------------------------------------- */

/* The row of an object; rows mostly come in the order of their ids. SIZE_MAX = there is none. */
static size_t find_row(const struct pg_result *rows, struct uuid id, size_t from)
{
	size_t n = pg_result_rows(rows);
	for (size_t i = 0; i < n; i++) {
		struct api_call_ids_row row; /* each kind has its id first */
		size_t at = (from + i) % n;
		get_api_call_ids(rows, at, &row);
		if (uuid_eq(row.id, id))
			return at;
	}
	return SIZE_MAX;
}

static void on_rows(struct err e, const struct pg_unit *u, void *arg)
{
	struct batch *b = arg;
	size_t next = 0;
	for (size_t i = 0; i < b->n; i++) {
		struct req *r = b->reqs[i];
		if (is_err(e)) {
			req_fail_unit(r, u, e);
			continue;
		}
		const struct pg_result *rows = pg_unit_result(u, 0);
		size_t at = find_row(rows, b->ids[i], next);
		if (at == SIZE_MAX) {
			req_not_found(r);
			continue;
		}
		b->kind->reply(r, rows, at);
		next = at + 1;
	}
	free(b);
}

/* --- at the end of the turn ----------------------------------------------------------------- */

static void send_batch(struct batch *b)
{
	struct pg_unit *u = pg_unit_new();
	b->kind->add(u, b->workspace_id, (struct pg_array){ b->ids, b->n });
	pg_unit_share(u, requests_readers);
	struct err e = requests_submit(b->app, u, on_rows, b);
	if (!is_err(e))
		return;
	for (size_t i = 0; i < b->n; i++)
		req_fail_submit(b->reqs[i], e);
	free(b);
}

static void close_batches(void *arg)
{
	struct gather *g = arg;
	struct list_node *node;
	g->is_closing_queued = false;
	while ((node = list_pop_front(&g->open)) != NULL)
		send_batch(CONTAINER_OF(node, struct batch, node));
}

void gather_free(struct gather *g)
{
	if (g == NULL)
		return;
	close_batches(g);
	loop_defer_free(g->app->loop, g, free); /* after its last job */
}

/* --- the requests --------------------------------------------------------------------------- */

static struct batch *open_batch(struct gather *g, struct uuid workspace_id,
				const struct gather_kind *k)
{
	struct list_node *n = list_first(&g->open);
	for (int i = 0; n != NULL && i < LOOKED_AT_MAX; i++, n = list_next(&g->open, n)) {
		struct batch *b = CONTAINER_OF(n, struct batch, node);
		if (b->kind == k && b->n < BATCH_MAX && uuid_eq(b->workspace_id, workspace_id))
			return b;
	}
	struct batch *b = xcalloc(1, sizeof(*b));
	b->app = g->app;
	b->kind = k;
	b->workspace_id = workspace_id;
	list_push_front(&g->open, &b->node);
	return b;
}

void gather_read(struct req *r, const struct gather_kind *k)
{
	struct gather *g = r->app->gather;
	struct batch *b = open_batch(g, r->who.workspace_id, k);
	b->ids[b->n] = r->ids[0];
	b->reqs[b->n++] = r;
	if (b->n == BATCH_MAX)
		loop_end_turn(g->app->loop);
	if (g->is_closing_queued)
		return;
	g->is_closing_queued = true;
	loop_defer(g->app->loop, close_batches, g);
}
