/* Looks for endpoints with due deliveries, and decides which endpoints come and go. */
#include "finder.h"

#include <stdlib.h>

#include "app.h"
#include "base/mem.h"
#include "store_gen.h"

#define RELEASE_LINGER_US (20 * USEC_PER_MS)
#define RELEASE_BATCH 500
#define BURY_MAX 500
/* Endpoints used within this time are asked for work at every wake, without a look. */
#define RECENT_US (2 * USEC_PER_SEC)
#define RECENT_MAX 256
#define BATCH_MAX (2 * FINDER_PAGE) /* a page of each kind */

/* Endpoints that one unit is about. */
struct endpoint_batch {
	struct app *app;
	struct uuid workspace_ids[BATCH_MAX], endpoint_ids[BATCH_MAX], had_ids[BATCH_MAX];
	size_t n;
};

/* What one page asks for. */
struct plans {
	struct endpoint_batch *adopted, *buried, *owed_buried;
};

static void look(void *arg);
static void look_in(struct app *app, usec_t in_us);
static void release(void *arg);

void finder_start(struct app *app)
{
	app->finder.timer = timer_new(app->loop, look, app);
	app->finder.release_timer = timer_new(app->loop, release, app);
	look_in(app, FINDER_POLL_US);
}

void finder_deinit(struct app *app)
{
	timer_free(app->finder.timer);
	timer_free(app->finder.release_timer);
}

static struct endpoint_batch *batch_new(struct app *app)
{
	struct endpoint_batch *b = xcalloc(1, sizeof(*b));

	b->app = app;
	return b;
}

static void batch_add(struct endpoint_batch *b, struct uuid workspace_id, struct uuid endpoint_id)
{
	b->workspace_ids[b->n] = workspace_id;
	b->endpoint_ids[b->n++] = endpoint_id;
}

/* --- coming --------------------------------------------------------------------------------- */

static void on_adopted(struct err e, const struct pg_unit *u, void *arg)
{
	struct endpoint_batch *b = arg;
	struct sender_adopt_row row;
	const struct pg_result *r;

	if (is_err(e)) {
		log_warn("adopt_failed", LERR(e), LS("message", pg_unit_message(u)));
		free(b);
		return;
	}
	r = pg_unit_result(u, 0);
	for (size_t i = 0; i < pg_result_rows(r); i++) {
		get_sender_adopt(r, i, &row);
		endpoint_heat(b->app, endpoint_adopt(b->app, row.workspace_id, row.endpoint_id,
						     row.last_sequence));
	}
	free(b);
}

static void adopt(struct endpoint_batch *b)
{
	struct app *app = b->app;
	struct pg_unit *u;

	if (b->n == 0) {
		free(b);
		return;
	}
	u = pg_unit_new();
	add_sender_adopt(u,
			 &(struct sender_adopt_args){ .sender_id = app->registry.id,
						      .workspace_ids = { b->workspace_ids, b->n },
						      .endpoint_ids = { b->endpoint_ids, b->n },
						      .had_ids = { b->had_ids, b->n } });
	if (is_err(pg_submit(app->pg, u, on_adopted, b)))
		free(b);
}

static void on_buried(struct err e, const struct pg_unit *u, void *arg)
{
	struct app *app = arg;
	int64_t n;

	if (is_err(e)) {
		log_warn("bury_failed", LERR(e), LS("message", pg_unit_message(u)));
		return;
	}
	n = pg_result_affected(pg_unit_result(u, 0));
	if (n == 0)
		return;
	log_info("deliveries_buried", LI("n", n));
	finder_wake(app);
}

static void bury(struct endpoint_batch *b)
{
	struct app *app = b->app;
	struct pg_unit *u;

	if (b->n > 0) {
		u = pg_unit_new();
		add_sender_bury(
			u, &(struct sender_bury_args){ .workspace_ids = { b->workspace_ids, b->n },
						       .endpoint_ids = { b->endpoint_ids, b->n },
						       .sender_id = app->registry.id,
						       .most = BURY_MAX });
		/* A full pool takes it at the next look. */
		(void)!is_err(pg_submit(app->pg, u, on_buried, app));
	}
	free(b);
}

/* What was seen to be ready for this is ready: nothing is claimed for it meanwhile. */
static void set_burying(struct app *app, const struct endpoint_batch *b, bool is_burying)
{
	struct endpoint *ep;

	for (size_t i = 0; i < b->n; i++) {
		ep = endpoint_find(app, b->endpoint_ids[i]);
		if (ep != NULL)
			ep->is_burying = is_burying;
	}
}

static void on_owed_buried(struct err e, const struct pg_unit *u, void *arg)
{
	struct endpoint_batch *b = arg;
	struct app *app = b->app;
	struct sender_owed_bury_row row;

	set_burying(app, b, false);
	free(b);
	if (is_err(e)) {
		log_warn("bury_failed", LERR(e), LS("message", pg_unit_message(u)));
		return;
	}
	get_sender_owed_bury(pg_unit_result(u, 0), 0, &row);
	if (row.n == 0)
		return;
	log_info("deliveries_buried", LI("n", row.n));
	finder_wake(app);
}

static void bury_owed(struct endpoint_batch *b)
{
	struct app *app = b->app;
	struct pg_unit *u;

	if (b->n == 0) {
		free(b);
		return;
	}
	u = pg_unit_new();
	add_sender_owed_bury(
		u, &(struct sender_owed_bury_args){ .workspace_ids = { b->workspace_ids, b->n },
						    .endpoint_ids = { b->endpoint_ids, b->n },
						    .had_ids = { b->had_ids, b->n },
						    .sender_id = app->registry.id,
						    .most = BURY_MAX });
	set_burying(app, b, true);
	/* A full pool takes it at the next look. */
	if (is_err(pg_submit(app->pg, u, on_owed_buried, b))) {
		set_burying(app, b, false);
		free(b);
	}
}

/* --- looking -------------------------------------------------------------------------------- */

static void look_in(struct app *app, usec_t in_us)
{
	struct finder *f = &app->finder;
	usec_t mono_at = max_i64(loop_mono(app->loop) + in_us, f->mono_not_before);

	if (f->is_looking || (timer_is_armed(f->timer) && f->mono_armed_at <= mono_at))
		return;
	f->mono_armed_at = mono_at;
	timer_start_at(f->timer, mono_at);
}

void finder_wake(struct app *app)
{
	struct list *used = &app->endpoints.used;
	usec_t mono = loop_mono(app->loop);
	struct list_node *node = used->n > 0 ? used->head.prev : NULL;

	for (int i = 0; i < RECENT_MAX && node != NULL && node != &used->head;
	     i++, node = node->prev) {
		struct endpoint *ep = CONTAINER_OF(node, struct endpoint, used_node);

		if (mono - ep->mono_used_at > RECENT_US)
			break;
		if (ep->is_usable)
			endpoint_heat(app, ep);
	}
	look_in(app, 0);
}

void finder_expect(struct app *app, usec_t in_us)
{
	struct finder *f = &app->finder;

	if (f->is_looking)
		f->mono_next_due_at = min_i64(f->mono_next_due_at, loop_mono(app->loop) + in_us);
	else
		look_in(app, in_us);
}

/* One that is disabled or gone. Of what ranges owe nothing may be in hand. */
static void plan_burial(struct app *app, const struct sender_discover_row *row, bool is_owed,
			struct plans *p)
{
	const struct endpoint *ep = endpoint_find(app, row->endpoint_id);
	struct endpoint_batch *b = is_owed ? p->owed_buried : p->buried;

	if (!registry_is_ours(app, row->endpoint_id))
		return;
	if (is_owed && (b->n == FINDER_BURY_ENDPOINTS ||
			(ep != NULL && (ep->owed.items > 0 || ep->is_claiming || ep->is_burying))))
		return;
	b->had_ids[b->n] = row->sender_id;
	batch_add(b, row->workspace_id, row->endpoint_id);
}

/* One endpoint that has deliveries. */
static void weigh(struct app *app, const struct sender_discover_row *row, bool is_owed,
		  struct plans *p)
{
	struct finder *f = &app->finder;
	struct endpoint *ep = endpoint_find(app, row->endpoint_id);
	bool is_mine = uuid_eq(row->sender_id, app->registry.id);

	if (!row->is_usable) {
		plan_burial(app, row, is_owed, p);
		return;
	}
	if (row->wait_us > 0) {
		f->mono_next_due_at = min_i64(f->mono_next_due_at, f->mono_began_at + row->wait_us);
		return;
	}
	if (is_mine && ep != NULL && !ep->is_leaving) {
		endpoint_heat_all(app, ep);
		if (ep->mono_gate_until > f->mono_began_at)
			f->mono_next_due_at = min_i64(f->mono_next_due_at, ep->mono_gate_until);
		return;
	}
	if (!registry_is_ours(app, row->endpoint_id) || (is_mine && ep != NULL))
		return;
	/* Its own that it does not know: the answer to its adoption was lost. */
	if ((is_mine || !row->is_sender_live) && map_count(&app->endpoints.by_id) < ENDPOINTS_MAX) {
		p->adopted->had_ids[p->adopted->n] = row->sender_id;
		batch_add(p->adopted, row->workspace_id, row->endpoint_id);
	}
}

/* The next look: at the next due moment or the next poll, and never more than a tenth of the time. */
static void rest(struct app *app)
{
	struct finder *f = &app->finder;
	usec_t mono = loop_mono(app->loop);
	usec_t took_us = mono - f->mono_began_at;

	f->is_looking = false;
	f->mono_not_before = mono + max_i64(FINDER_MIN_US, min_i64(10 * took_us, FINDER_POLL_US));
	look_in(app, min_i64(FINDER_POLL_US, max_i64(0, f->mono_next_due_at - mono)));
}

static void ask(struct app *app);

static void weigh_rows(struct app *app, const struct pg_result *r, struct plans *p)
{
	struct sender_discover_row row = { .endpoint_id = UUID_NIL };
	size_t n = pg_result_rows(r);

	for (size_t i = 0; i < n; i++) {
		get_sender_discover(r, i, &row);
		weigh(app, &row, false, p);
	}
	app->finder.after = row.endpoint_id;
	app->finder.is_rows_done = n < FINDER_PAGE;
}

static void weigh_owed(struct app *app, const struct pg_result *r, struct plans *p)
{
	struct finder *f = &app->finder;
	struct sender_owed_discover_row row = { .endpoint_id = UUID_NIL };
	size_t n = pg_result_rows(r);

	for (size_t i = 0; i < n; i++) {
		get_sender_owed_discover(r, i, &row);
		weigh(app,
		      &(struct sender_discover_row){ .workspace_id = row.workspace_id,
						     .endpoint_id = row.endpoint_id,
						     .wait_us = row.wait_us,
						     .is_usable = row.is_usable,
						     .sender_id = row.sender_id,
						     .is_sender_live = row.is_sender_live },
		      true, p);
	}
	f->owed_after_workspace = row.workspace_id;
	f->owed_after = row.endpoint_id;
	f->is_owed_done = n < FINDER_PAGE;
}

static void on_discovered(struct err e, const struct pg_unit *u, void *arg)
{
	struct app *app = arg;
	struct finder *f = &app->finder;
	size_t at = 0;
	struct plans p;

	if (is_err(e)) {
		log_warn("discover_failed", LERR(e), LS("message", pg_unit_message(u)));
		rest(app);
		return;
	}
	p = (struct plans){ batch_new(app), batch_new(app), batch_new(app) };
	if (!f->is_rows_done)
		weigh_rows(app, pg_unit_result(u, at++), &p);
	if (!f->is_owed_done)
		weigh_owed(app, pg_unit_result(u, at), &p);
	adopt(p.adopted);
	bury(p.buried);
	bury_owed(p.owed_buried);
	if (f->is_rows_done && f->is_owed_done)
		rest(app);
	else
		ask(app);
}

/* A page of each kind, until both are at their end. */
static void ask(struct app *app)
{
	struct finder *f = &app->finder;
	struct pg_unit *u = pg_unit_new();

	if (!f->is_rows_done)
		add_sender_discover(u, &(struct sender_discover_args){ .after = f->after,
								       .page = FINDER_PAGE });
	if (!f->is_owed_done)
		add_sender_owed_discover(u, &(struct sender_owed_discover_args){
						    .after_workspace_id = f->owed_after_workspace,
						    .after_endpoint_id = f->owed_after,
						    .page = FINDER_PAGE });
	if (is_err(pg_submit(app->pg, u, on_discovered, app)))
		rest(app);
}

static void leave_idle(struct app *app)
{
	usec_t mono = loop_mono(app->loop);
	struct list_node *node = list_first(&app->endpoints.used), *next;

	for (; node != NULL; node = next) {
		struct endpoint *ep = CONTAINER_OF(node, struct endpoint, used_node);

		next = list_next(&app->endpoints.used, node);
		if (mono - ep->mono_used_at < FINDER_IDLE_US)
			return;
		if (ep->items == 0)
			endpoint_leave(app, ep);
	}
}

static void look(void *arg)
{
	struct app *app = arg;
	struct finder *f = &app->finder;

	if (loop_is_draining(app->loop))
		return;
	f->mono_began_at = loop_mono(app->loop);
	f->mono_next_due_at = USEC_NEVER;
	if (!registry_is_alive(app) || !pg_pool_is_ready(app->pg)) {
		rest(app);
		return;
	}
	leave_idle(app);
	f->is_looking = true;
	f->after = f->owed_after = f->owed_after_workspace = UUID_NIL;
	f->is_rows_done = f->is_owed_done = false;
	ask(app);
}

/* --- going ---------------------------------------------------------------------------------- */

void finder_rebalance(struct app *app)
{
	struct endpoint *ep;

	for (size_t i = 0; (ep = map_next(&app->endpoints.by_id, &i)) != NULL;) {
		if (!registry_is_ours(app, ep->id))
			endpoint_leave(app, ep);
	}
}

void finder_release(struct app *app)
{
	if (!app->is_closed && !app->finder.is_releasing &&
	    !timer_is_armed(app->finder.release_timer))
		timer_start(app->finder.release_timer, RELEASE_LINGER_US);
}

static bool is_releasable(const struct endpoint *ep)
{
	return ep->is_leaving && ep->items == 0 && ep->owed.closing == 0 && !ep->is_claiming;
}

static void on_released(struct err e, const struct pg_unit *u, void *arg)
{
	struct endpoint_batch *b = arg;
	struct app *app = b->app;

	app->finder.is_releasing = false;
	if (is_err(e))
		log_warn("release_failed", LERR(e), LS("message", pg_unit_message(u)));
	for (size_t i = 0; i < b->n && !is_err(e); i++) {
		struct endpoint *ep = endpoint_find(app, b->endpoint_ids[i]);

		/* Adopted again meanwhile: then the statement found it another's or ours anew. */
		if (ep != NULL && is_releasable(ep))
			endpoint_free(app, ep);
	}
	free(b);
	if (is_err(e))
		timer_start(app->finder.release_timer, FINDER_POLL_US);
	else if (!list_is_empty(&app->endpoints.leaving))
		timer_start(app->finder.release_timer, RELEASE_LINGER_US);
	app_look_drained(app);
}

static void release(void *arg)
{
	struct app *app = arg;
	struct endpoint_batch *b = batch_new(app);
	struct list *leaving = &app->endpoints.leaving;
	struct pg_unit *u;

	for (struct list_node *n = list_first(leaving); n != NULL && b->n < RELEASE_BATCH;
	     n = list_next(leaving, n)) {
		const struct endpoint *ep = CONTAINER_OF(n, struct endpoint, leave_node);

		if (is_releasable(ep))
			batch_add(b, ep->workspace_id, ep->id);
	}
	if (b->n == 0) {
		free(b);
		return;
	}
	u = pg_unit_new();
	add_sender_release(
		u, &(struct sender_release_args){ .sender_id = app->registry.id,
						  .workspace_ids = { b->workspace_ids, b->n },
						  .endpoint_ids = { b->endpoint_ids, b->n } });
	app->finder.is_releasing = true;
	if (is_err(pg_submit(app->pg, u, on_released, b))) {
		app->finder.is_releasing = false;
		timer_start(app->finder.release_timer, FINDER_POLL_US);
		free(b);
	}
}
