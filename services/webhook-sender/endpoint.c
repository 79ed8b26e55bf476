/* Endpoints in this sender's hands, and their items. */
#include "endpoint.h"

#include <stdlib.h>
#include <string.h>

#include "app.h"
#include "base/mem.h"
#include "store_gen.h"
#include "wire/event_body.h"

#define WINDOW_MIN 16
#define FROM_START_EVERY_US USEC_PER_SEC
#define UNREADABLE_GATE_US (30 * USEC_PER_SEC) /* before its secret is tried again */
#define PERIOD_US (200 * USEC_PER_MS)
#define SUCCESS_TOLD_EVERY_US (5 * USEC_PER_SEC)
#define PROVEN_MAX DELIVERY_ENDPOINT_PARALLEL

void endpoints_init(struct endpoints *es)
{
	map_init(&es->by_id);
	map_init(&es->items);
	list_init(&es->hot);
	list_init(&es->used);
	list_init(&es->leaving);
	es->slow_in_flight = es->slow_items = 0;
}

void endpoints_deinit(struct app *app)
{
	struct endpoints *es = &app->endpoints;
	struct item *it;
	struct endpoint *ep;

	for (size_t i = 0; (it = map_next(&es->items, &i)) != NULL;)
		item_free(app, it);
	for (size_t i = 0; (ep = map_next(&es->by_id, &i)) != NULL;) {
		ep->in_flight = 0; /* the client is gone, and its requests with it */
		endpoint_free(app, ep);
	}
	map_deinit(&es->items);
	map_deinit(&es->by_id);
}

/* --- life ----------------------------------------------------------------------------------- */

struct endpoint *endpoint_find(const struct app *app, struct uuid id)
{
	return map_get(&app->endpoints.by_id, id);
}

static void touch_used(struct app *app, struct endpoint *ep)
{
	list_remove(&app->endpoints.used, &ep->used_node);
	list_push_back(&app->endpoints.used, &ep->used_node);
	ep->mono_used_at = loop_mono(app->loop);
}

struct endpoint *endpoint_adopt(struct app *app, struct uuid workspace_id, struct uuid id,
				int64_t last_sequence)
{
	struct endpoint *ep = endpoint_find(app, id);

	if (ep == NULL) {
		ep = xcalloc(1, sizeof(*ep));
		ep->id = id;
		ep->workspace_id = workspace_id;
		ep->is_slow = true;
		ep->window = WINDOW_MIN;
		list_init(&ep->waiting);
		owed_init(&ep->owed);
		strbuf_init(&ep->sealed, SECRETBOX_PLAIN_MAX);
		strbuf_init(&ep->sealed_old, SECRETBOX_PLAIN_MAX);
		map_set(&app->endpoints.by_id, id, ep);
	}
	ep->is_leaving = false;
	list_remove(&app->endpoints.leaving, &ep->leave_node);
	ep->is_known = false;
	ep->mono_known_at = 0;
	ep->since = 0;
	owed_begin(ep, last_sequence);
	touch_used(app, ep);
	return ep;
}

void endpoint_free(struct app *app, struct endpoint *ep)
{
	ASSERT(ep->items == 0 && ep->in_flight == 0);
	(void)map_remove(&app->endpoints.by_id, ep->id); /* what it was is at hand */
	list_remove(&app->endpoints.hot, &ep->hot_node);
	list_remove(&app->endpoints.used, &ep->used_node);
	list_remove(&app->endpoints.leaving, &ep->leave_node);
	send_unready(app, ep);
	mem_wipe(&ep->key, sizeof(ep->key));
	mem_wipe(&ep->key_old, sizeof(ep->key_old));
	owed_deinit(&ep->owed);
	strbuf_deinit(&ep->sealed);
	strbuf_deinit(&ep->sealed_old);
	free(ep->url);
	free(ep);
}

/* Opens a sealed secret, unless it is the one that was opened before. */
static bool learn_key(struct app *app, struct endpoint *ep, struct str sealed, bool old)
{
	struct strbuf *known = old ? &ep->sealed_old : &ep->sealed;
	struct endpoint_key *key = old ? &ep->key_old : &ep->key;
	struct err e;

	/* One that does not open is tried once. */
	if (str_eq(strbuf_str(known), sealed))
		return key->n > 0;
	mem_wipe(key, sizeof(*key));
	strbuf_reset(known);
	if (sealed.n == 0)
		return false;
	strbuf_add(known, sealed);
	e = endpoint_secret_open(app->box, ep->id, sealed, key);
	if (is_err(e)) {
		key->n = 0;
		log_error("secret_unreadable", LID("endpoint", ID_ENDPOINT, ep->id), LERR(e));
		return false;
	}
	return true;
}

void endpoint_learn(struct app *app, struct endpoint *ep, const struct sender_endpoints_row *row,
		    usec_t mono_asked_at)
{
	usec_t mono = loop_mono(app->loop);

	ep->is_confirmed = true;
	/* Two questions may be on their way on two connections. */
	if (mono_asked_at < ep->mono_known_at)
		return;
	ep->mono_known_at = mono_asked_at;
	if (ep->url == NULL || !str_eq(str_from(ep->url), row->url)) {
		free(ep->url);
		ep->url = xstrndup(row->url);
	}
	/* The API begins it anew when somebody enables the endpoint. */
	ep->told_failing = row->failing_since != USEC_NEVER;
	ep->failing_since = row->failing_since;
	if (!ep->is_known) {
		ep->streak = (int)row->consecutive_failures;
		ep->told_streak = ep->streak;
		/* One that answered before starts with half the trust. */
		if (ep->streak == 0 && row->last_success_at != USEC_NEVER &&
		    row->failing_since == USEC_NEVER) {
			ep->proven = PROVEN_MAX / 2;
			endpoint_set_slow(app, ep, false);
		}
	}
	if (row->gate_wait_us > 0)
		ep->mono_gate_until = max_i64(ep->mono_gate_until, mono + row->gate_wait_us);
	ep->is_known = true;
	ep->is_usable = row->is_usable && mono_asked_at >= ep->mono_usable_from;
	if (ep->is_usable && !learn_key(app, ep, row->secret, false)) {
		ep->is_usable = false;
		ep->mono_gate_until = max_i64(ep->mono_gate_until, mono + UNREADABLE_GATE_US);
	}
	/* There may be none, or an unreadable one. */
	(void)learn_key(app, ep, row->secret_old, true);
	ep->old_until = row->secret_old_until;
	if (!ep->is_usable)
		endpoint_give_back(app, ep);
}

/* --- claiming ------------------------------------------------------------------------------- */

int endpoint_parallel(const struct endpoint *ep)
{
	return delivery_parallel(ep->streak, ep->proven, APP_IN_FLIGHT_MAX);
}

/* Items to hold: twice what went out in the last period, so that the next claim has time to
 * arrive; of one that is slow no more than its requests and one waiting. */
static int window_of(const struct endpoint *ep)
{
	return ep->is_slow ? endpoint_parallel(ep) + 1 : ep->window;
}

int endpoint_room(const struct app *app, const struct endpoint *ep)
{
	int window = window_of(ep);
	int all = APP_ITEMS_MAX - (int)map_count(&app->endpoints.items);
	int slow = APP_ITEMS_MAX / 2 - app->endpoints.slow_items;

	if (ep->is_leaving || ep->is_claiming || ep->is_burying || !ep->may_have_more ||
	    ep->items > window / 2)
		return 0;
	if (loop_mono(app->loop) < ep->mono_gate_until)
		return 0;
	return (int)max_i64(0, min_i64(window - ep->items, ep->is_slow ? min_i64(all, slow) : all));
}

static void consider(struct app *app, struct endpoint *ep)
{
	if (list_node_is_linked(&ep->hot_node) || endpoint_room(app, ep) == 0)
		return;
	list_push_back(&app->endpoints.hot, &ep->hot_node);
	claim_soon(app);
}

void endpoint_heat(struct app *app, struct endpoint *ep)
{
	ep->may_have_more = true;
	consider(app, ep);
}

void endpoint_heat_all(struct app *app, struct endpoint *ep)
{
	usec_t mono = loop_mono(app->loop);

	if (mono - ep->mono_from_start_at >= FROM_START_EVERY_US) {
		ep->since = 0;
		ep->mono_from_start_at = mono;
	}
	endpoint_heat(app, ep);
}

void endpoint_give_back(struct app *app, struct endpoint *ep)
{
	struct list_node *node;

	while ((node = list_pop_front(&ep->waiting)) != NULL)
		item_give_back(app, CONTAINER_OF(node, struct item, node));
	send_ready(app, ep);
}

void endpoint_leave(struct app *app, struct endpoint *ep)
{
	if (ep->is_leaving)
		return;
	ep->is_leaving = true;
	list_remove(&app->endpoints.hot, &ep->hot_node);
	list_push_back(&app->endpoints.leaving, &ep->leave_node);
	endpoint_give_back(app, ep);
	record_hurry(app);
	if (ep->items == 0)
		finder_release(app);
}

/* --- what attempts say ---------------------------------------------------------------------- */

void endpoint_set_slow(struct app *app, struct endpoint *ep, bool is_slow)
{
	if (ep->is_slow == is_slow)
		return;
	send_unready(app, ep);
	ep->is_slow = is_slow;
	app->endpoints.slow_in_flight += is_slow ? ep->in_flight : -ep->in_flight;
	app->endpoints.slow_items += is_slow ? ep->items : -ep->items;
	send_ready(app, ep);
}

static void count_sent(struct app *app, struct endpoint *ep)
{
	usec_t mono = loop_mono(app->loop);
	usec_t span = mono - ep->mono_period_at;

	ep->sent_in_period++;
	if (span < PERIOD_US)
		return;
	ep->window = (int)min_i64(ENDPOINT_WINDOW_MAX,
				  WINDOW_MIN + 2 * ep->sent_in_period * PERIOD_US / span);
	ep->sent_in_period = 0;
	ep->mono_period_at = mono;
}

static void note_streak(struct app *app, struct endpoint *ep, enum delivery_streak streak)
{
	switch (streak) {
	case DELIVERY_STREAK_KEEP:
	case DELIVERY_STREAK_COUNT:
		return;
	case DELIVERY_STREAK_ENDS:
		ep->streak = 0;
		ep->proven = (int)min_i64(PROVEN_MAX, ep->proven + 1);
		return;
	case DELIVERY_STREAK_GROWS:
		ep->streak = (int)min_i64(INT16_MAX, ep->streak + 1);
		ep->proven = 0;
		if (ep->streak == DELIVERY_STREAK_LIMIT)
			log_warn("endpoint_slowed", LID("endpoint", ID_ENDPOINT, ep->id),
				 LI("streak", ep->streak));
		break;
	}
	endpoint_set_slow(app, ep, true);
}

static bool has_failed_long(const struct app *app, const struct endpoint *ep)
{
	usec_t pg_now = loop_now(app->loop) + pg_pool_clock_correction(app->pg);

	return ep->told_failing && ep->failing_since != USEC_NEVER &&
	       pg_now - ep->failing_since >= DELIVERY_DISABLE_AFTER_US;
}

void endpoint_judge(struct app *app, struct endpoint *ep, const struct delivery_verdict *v,
		    usec_t duration_us)
{
	usec_t mono = loop_mono(app->loop);

	count_sent(app, ep);
	note_streak(app, ep, v->streak);
	if (v->streak == DELIVERY_STREAK_ENDS)
		endpoint_set_slow(app, ep, duration_us >= DELIVERY_QUICK_US);
	if (v->next == DELIVERY_DELIVERED) {
		ep->succeeded = true;
		ep->is_dirty |= ep->told_failing || ep->told_streak != 0 ||
				mono - ep->mono_success_told_at >= SUCCESS_TOLD_EVERY_US ||
				ep->mono_success_told_at == 0;
	} else {
		ep->failed = true;
		ep->is_dirty |= !ep->told_failing || ep->told_streak != ep->streak;
	}
	if (v->disables_endpoint) {
		ep->disable_reason = "gone";
		ep->is_dirty = true;
		ep->is_usable = false;
		ep->mono_usable_from = USEC_NEVER; /* until Postgres knows */
		ep->may_have_more = false;
		endpoint_give_back(app, ep);
	}
	if (v->next == DELIVERY_DEAD && ep->disable_reason == NULL && has_failed_long(app, ep)) {
		ep->disable_reason = "failing";
		ep->is_dirty = true;
	}
	if (v->gate_us > 0) {
		ep->gate_us = max_i64(ep->gate_us, v->gate_us);
		ep->is_dirty = true;
		ep->mono_gate_until = max_i64(ep->mono_gate_until, mono + v->gate_us);
		endpoint_give_back(app, ep);
	}
}

/* --- items ---------------------------------------------------------------------------------- */

struct item *item_find(const struct app *app, struct uuid delivery_id)
{
	return map_get(&app->endpoints.items, delivery_id);
}

struct item *item_new(struct app *app, struct endpoint *ep, struct uuid delivery_id)
{
	struct item *it = xcalloc(1, sizeof(*it));

	it->endpoint = ep;
	it->id = delivery_id;
	strbuf_init(&it->body, EVENT_BODY_MAX);
	strbuf_init(&it->excerpt, SEND_EXCERPT_MAX);
	map_set(&app->endpoints.items, delivery_id, it);
	ep->items++;
	if (ep->is_slow)
		app->endpoints.slow_items++;
	touch_used(app, ep);
	return it;
}

void item_give_back(struct app *app, struct item *it)
{
	it->result = ITEM_UNSENT;
	if (it->range == NULL) {
		record_add(app, it);
		return;
	}
	app->record.n_given_back++;
	owed_go_back(it->endpoint, it->sequence);
	item_free(app, it);
}

void item_free(struct app *app, struct item *it)
{
	struct endpoint *ep = it->endpoint;

	(void)map_remove(&app->endpoints.items, it->id); /* it is this one */
	if (it->range != NULL)
		owed_drop(app, it);
	send_request_free(it->request);
	free(it->type);
	free(it->tracestate);
	strbuf_deinit(&it->body);
	strbuf_deinit(&it->excerpt);
	free(it);
	ep->items--;
	if (ep->is_slow)
		app->endpoints.slow_items--;
	if (ep->is_leaving && ep->items == 0)
		finder_release(app);
	else
		consider(app, ep);
}
