/* Asks again about endpoints that hold deliveries, a page at a time. */
#include "refresh.h"

#include <stdlib.h>

#include "app.h"
#include "base/mem.h"
#include "store_gen.h"

struct refresh_batch {
	struct app *app;
	struct uuid sender_id;
	usec_t mono_asked_at;
	size_t n;
	struct uuid workspace_ids[REFRESH_PAGE], endpoint_ids[REFRESH_PAGE];
};

static void begin(void *arg);
static void ask(struct app *app);

void refresh_start(struct app *app)
{
	app->refresh.timer = timer_new(app->loop, begin, app);
	timer_start(app->refresh.timer, REFRESH_EVERY_US);
}

void refresh_deinit(struct app *app)
{
	timer_free(app->refresh.timer);
}

/* What is known at this moment is not good enough any more; rounds keep a distance. */
void refresh_wake(struct app *app)
{
	struct refresh *r = &app->refresh;

	if (app->is_closed)
		return;
	r->is_woken = true;
	if (!r->is_asking)
		timer_start_at(r->timer, max_i64(loop_mono(app->loop), r->mono_not_before));
}

bool refresh_is_fresh(const struct app *app, const struct endpoint *ep)
{
	return loop_mono(app->loop) - ep->mono_known_at < REGISTRY_LEASE_US;
}

static void rest(struct app *app)
{
	struct refresh *r = &app->refresh;

	r->is_asking = false;
	timer_start_at(r->timer,
		       r->is_woken ? r->mono_not_before : loop_mono(app->loop) + REFRESH_EVERY_US);
}

static void on_answer(struct err e, const struct pg_unit *u, void *arg)
{
	struct refresh_batch *b = arg;
	struct app *app = b->app;
	const struct pg_result *r;
	struct sender_endpoints_row row;
	struct endpoint *ep;

	if (is_err(e)) {
		log_warn("refresh_failed", LERR(e), LS("message", pg_unit_message(u)));
		free(b);
		rest(app);
		return;
	}
	r = pg_unit_result(u, 0);
	for (size_t i = 0; i < pg_result_rows(r); i++) {
		get_sender_endpoints(r, i, &row);
		ep = endpoint_find(app, row.endpoint_id);
		if (ep != NULL)
			endpoint_learn(app, ep, &row, b->mono_asked_at);
	}
	/* Those that came without their row are not this sender's any more. */
	for (size_t i = 0; i < b->n; i++) {
		ep = endpoint_find(app, b->endpoint_ids[i]);
		if (ep == NULL || !uuid_eq(b->sender_id, app->registry.id))
			continue;
		if (ep->mono_known_at < b->mono_asked_at)
			endpoint_leave(app, ep);
		send_ready(app, ep);
	}
	free(b);
	ask(app);
}

/* Those that hold something to send and were read too long ago. */
static struct refresh_batch *collect(struct app *app)
{
	struct refresh_batch *b = xcalloc(1, sizeof(*b));
	struct endpoint *ep;

	b->app = app;
	b->sender_id = app->registry.id;
	b->mono_asked_at = loop_mono(app->loop);
	for (size_t i = 0;
	     b->n < REFRESH_PAGE && (ep = map_next(&app->endpoints.by_id, &i)) != NULL;) {
		if (list_is_empty(&ep->waiting) || ep->is_leaving || ep->is_claiming ||
		    ep->mono_known_at >= app->refresh.mono_before)
			continue;
		b->workspace_ids[b->n] = ep->workspace_id;
		b->endpoint_ids[b->n++] = ep->id;
	}
	return b;
}

static void ask(struct app *app)
{
	struct refresh_batch *b = collect(app);
	struct pg_unit *u;

	if (b->n == 0 || !registry_is_alive(app) || !pg_pool_is_ready(app->pg)) {
		free(b);
		rest(app);
		return;
	}
	u = pg_unit_new();
	add_sender_endpoints(
		u, &(struct sender_endpoints_args){ .sender_id = b->sender_id,
						    .workspace_ids = { b->workspace_ids, b->n },
						    .endpoint_ids = { b->endpoint_ids, b->n } });
	app->refresh.is_asking = true;
	if (is_err(pg_submit(app->pg, u, on_answer, b))) {
		free(b);
		rest(app);
	}
}

static void begin(void *arg)
{
	struct app *app = arg;
	struct refresh *r = &app->refresh;
	usec_t mono = loop_mono(app->loop);

	r->mono_before = r->is_woken ? mono : mono - REFRESH_EVERY_US;
	r->mono_not_before = mono + REFRESH_MIN_US;
	r->is_woken = false;
	ask(app);
}
