/* Claims for several endpoints in one unit, each up to its room. What a claim brings waits at its
 * endpoint; what can no longer be sent goes straight back. */
#include "claim.h"

#include <stdlib.h>

#include "app.h"
#include "base/mem.h"
#include "store_gen.h"
#include "wire/event_body.h"

/* A transaction may commit deliveries this long after the moment they are due from. */
#define SINCE_SLACK_US (10 * USEC_PER_SEC)

struct claim_batch {
	struct app *app;
	struct uuid sender_id;
	usec_t mono_asked_at;
	size_t n;
	struct endpoint *endpoints[CLAIM_ENDPOINTS];
	struct uuid workspace_ids[CLAIM_ENDPOINTS];
	struct uuid endpoint_ids[CLAIM_ENDPOINTS];
	int64_t rooms[CLAIM_ENDPOINTS];
	usec_t since[CLAIM_ENDPOINTS];
	/* What ranges owe. */
	int64_t owed_rooms[CLAIM_ENDPOINTS];
	int64_t after[CLAIM_ENDPOINTS];
	int64_t check_upto[CLAIM_ENDPOINTS];
	unsigned turns[CLAIM_ENDPOINTS];
};

static void run(void *arg);

void claim_soon(struct app *app)
{
	if (app->is_closed || app->claim.is_deferred)
		return;
	app->claim.is_deferred = true;
	loop_defer(app->loop, run, app);
}

/* --- what came ------------------------------------------------------------------------------ */

/* The rows of both statements bring the event's columns under the same names. */
#define BODY_OF(r)                                                                                 \
	((struct event_body){                                                                      \
		.id = (r)->event_id,                                                               \
		.workspace_id = (r)->workspace_id,                                                 \
		.sequence = (r)->sequence,                                                         \
		.type = (r)->type,                                                                 \
		.at = (r)->at,                                                                     \
		.campaign_id = (r)->campaign_id,                                                   \
		.campaign_kind = (r)->campaign_kind,                                               \
		.call_id = (r)->call_id,                                                           \
		.target_id = (r)->target_id,                                                       \
		.agent_id = (r)->agent_id,                                                         \
		.conversation_id = (r)->conversation_id,                                           \
		.to_number = (r)->to_number,                                                       \
		.from_number = (r)->from_number,                                                   \
		.external_id = (r)->external_id,                                                   \
		.variables = (r)->variables,                                                       \
		.call_created_at = (r)->call_created_at,                                           \
		.scheduled_at = (r)->scheduled_at,                                                 \
		.next_attempt_at = (r)->next_attempt_at,                                           \
		.status = (r)->status,                                                             \
		.outcome = (r)->outcome,                                                           \
		.attempt_number = (r)->attempt_number,                                             \
		.attempt_outcome = (r)->attempt_outcome,                                           \
		.sip_code = (r)->sip_code,                                                         \
		.started_at = (r)->started_at,                                                     \
		.ended_at = (r)->ended_at,                                                         \
		.duration_ms = (r)->duration_ms,                                                   \
		.billed_s = (r)->billed_s,                                                         \
		.end_reason = (r)->end_reason,                                                     \
		.data = (r)->data,                                                                 \
	})

/* A delivery whose body cannot be made will never be sendable. */
static void bury(struct app *app, struct item *it, const char *reason)
{
	log_error("delivery_unsendable", LID("delivery", ID_DELIVERY, it->id),
		  LID("event", ID_EVENT, it->event_id), LS("reason", reason));
	it->result = ITEM_DEAD;
	it->reason = reason;
	record_add(app, it);
}

static void wait_to_send(struct app *app, struct item *it, const struct event_body *body)
{
	if (is_err(event_body_render(body, &it->body)))
		bury(app, it, "body_too_large");
	else
		list_push_back(&it->endpoint->waiting, &it->node);
}

/* As of its call; what is about no call is a trace of its own. */
#define TRACE_OF(r)                                                                                \
	(uuid_is_nil((r)->trace_id)                                                                \
		 ? (struct trace){ uuid_is_nil((r)->call_id) ? (r)->event_id : (r)->call_id, 1 }   \
		 : (struct trace){ (r)->trace_id, (uint8_t)(r)->trace_flags })

static void take(struct claim_batch *b, const struct sender_claim_row *row)
{
	struct app *app = b->app;
	struct endpoint *ep = endpoint_find(app, row->endpoint_id);
	struct item *it = item_find(app, row->delivery_id);
	struct event_body body = BODY_OF(row);
	usec_t mono_lease_until = b->mono_asked_at + APP_ITEM_LEASE_US;

	ASSERT(ep != NULL); /* one that is being claimed for is not released */
	ep->claimed++;
	/* Claims come in order of due_at: what is older is in hand. */
	ep->since = max_i64(ep->since, row->due_at - SINCE_SLACK_US);
	if (it != NULL) {
		/* Ours all along, under the same attempt: the lease had run out, now it goes on. */
		it->mono_lease_until = mono_lease_until;
		return;
	}
	it = item_new(app, ep, row->delivery_id);
	it->event_id = row->event_id;
	it->sender_id = b->sender_id;
	it->attempt = (int)row->attempt;
	it->due_at = row->due_at;
	it->trace = TRACE_OF(row);
	it->tracestate = row->tracestate.n > 0 ? xstrndup(row->tracestate) : NULL;
	it->is_test = str_eq(row->type, STR("webhook_endpoint.test"));
	it->mono_lease_until = mono_lease_until;
	if (uuid_is_nil(row->event_id))
		bury(app, it, "event_missing");
	else
		wait_to_send(app, it, &body);
}

/* One delivery that a range owes, or the word that the range has no more. */
static void take_owed(struct claim_batch *b, const struct sender_owed_row *row)
{
	struct app *app = b->app;
	struct endpoint *ep = endpoint_find(app, row->endpoint_id);
	struct event_body body = BODY_OF(row);
	struct item *it;

	ASSERT(ep != NULL); /* as above */
	/* In order: what is left out here is read again, and all after it. */
	if (!uuid_is_nil(row->delivery_id) &&
	    (ep->claimed >= ep->room || item_find(app, row->delivery_id) != NULL))
		ep->owed.is_cut = true;
	if (ep->owed.is_cut)
		return;
	if (uuid_is_nil(row->delivery_id)) {
		ep->may_have_more |= row->more;
		owed_read(app, ep, row->to_sequence);
		return;
	}
	ep->claimed++;
	it = item_new(app, ep, row->delivery_id);
	it->event_id = row->event_id;
	it->sender_id = b->sender_id;
	it->attempt = 1;
	it->is_test = str_eq(row->type, STR("webhook_endpoint.test"));
	it->mono_lease_until = b->mono_asked_at + APP_ITEM_LEASE_US;
	it->created_at = it->due_at = row->created_at;
	it->trace = TRACE_OF(row);
	it->tracestate = row->tracestate.n > 0 ? xstrndup(row->tracestate) : NULL;
	it->type = xstrndup(row->type);
	owed_take(app, it, row->sequence, row->to_sequence);
	wait_to_send(app, it, &body);
}

/* Endpoints that came without their row are not ours any more. */
static void learn(struct claim_batch *b, const struct pg_result *r)
{
	struct sender_endpoints_row row;
	struct endpoint *ep;

	for (size_t i = 0; i < b->n; i++)
		b->endpoints[i]->is_confirmed = false;
	for (size_t i = 0; i < pg_result_rows(r); i++) {
		get_sender_endpoints(r, i, &row);
		ep = endpoint_find(b->app, row.endpoint_id);
		if (ep != NULL)
			endpoint_learn(b->app, ep, &row, b->mono_asked_at);
	}
}

/* Whether what was read of ranges still is what this sender has to do: nothing is in hand of it, so
 * there is nothing to give back. */
static bool is_owed_void(const struct claim_batch *b, size_t i)
{
	const struct endpoint *ep = b->endpoints[i];

	return b->turns[i] != ep->owed.turns || !ep->is_confirmed || ep->is_leaving ||
	       !ep->is_usable || !uuid_eq(b->sender_id, b->app->registry.id) ||
	       loop_mono(b->app->loop) < ep->mono_gate_until;
}

/* One endpoint of a claim that was answered. */
static void settle(struct claim_batch *b, size_t i)
{
	struct app *app = b->app;
	struct endpoint *ep = b->endpoints[i];
	bool is_stale = !uuid_eq(b->sender_id, app->registry.id);

	ep->is_claiming = false;
	if (!ep->is_confirmed && !is_stale)
		endpoint_leave(app, ep);
	if (ep->is_leaving || is_stale || !ep->is_usable ||
	    loop_mono(app->loop) < ep->mono_gate_until)
		endpoint_give_back(app, ep);
	if (ep->is_leaving && ep->items == 0)
		finder_release(app);
	if (ep->claimed >= b->rooms[i] || ep->may_have_more)
		endpoint_heat(app, ep);
	send_ready(app, ep);
}

static void on_claimed(struct err e, const struct pg_unit *u, void *arg)
{
	struct claim_batch *b = arg;
	struct app *app = b->app;
	struct sender_claim_row row;
	struct sender_owed_row owed;
	const struct pg_result *r;

	app->claim.units--;
	if (is_err(e)) {
		log_warn("claim_failed", LERR(e), LS("sqlstate", pg_unit_sqlstate(u)),
			 LS("message", pg_unit_message(u)));
		for (size_t i = 0; i < b->n; i++) {
			b->endpoints[i]->is_claiming = false;
			/* The next look of the finder heats it again: no haste while this fails. */
			if (b->endpoints[i]->is_leaving)
				finder_release(app);
		}
		free(b);
		return;
	}
	learn(b, pg_unit_result(u, 0));
	r = pg_unit_result(u, 1);
	for (size_t i = 0; i < pg_result_rows(r); i++) {
		get_sender_claim(r, i, &row);
		take(b, &row);
	}
	for (size_t i = 0; i < b->n; i++)
		b->endpoints[i]->owed.is_cut = is_owed_void(b, i);
	r = pg_unit_result(u, 2);
	for (size_t i = 0; i < pg_result_rows(r); i++) {
		get_sender_owed(r, i, &owed);
		take_owed(b, &owed);
	}
	for (size_t i = 0; i < b->n; i++)
		settle(b, i);
	free(b);
	claim_soon(app);
	app_look_drained(app);
}

/* --- asking --------------------------------------------------------------------------------- */

static struct claim_batch *collect(struct app *app)
{
	struct claim_batch *b = xcalloc(1, sizeof(*b));
	int left = CLAIM_DELIVERIES;
	struct list_node *node;

	b->app = app;
	b->sender_id = app->registry.id;
	while (b->n < CLAIM_ENDPOINTS && left > 0 &&
	       (node = list_pop_front(&app->endpoints.hot)) != NULL) {
		struct endpoint *ep = CONTAINER_OF(node, struct endpoint, hot_node);
		int room = (int)min_i64(left, endpoint_room(app, ep));

		if (room == 0)
			continue;
		left -= room;
		ep->is_claiming = true;
		ep->may_have_more = false;
		ep->claimed = 0;
		b->endpoints[b->n] = ep;
		b->workspace_ids[b->n] = ep->workspace_id;
		b->endpoint_ids[b->n] = ep->id;
		b->since[b->n] = ep->since;
		ep->room = room;
		b->owed_rooms[b->n] = owed_room(ep, room);
		b->after[b->n] = ep->owed.after;
		b->check_upto[b->n] = ep->owed.check_upto;
		b->turns[b->n] = ep->owed.turns;
		b->rooms[b->n++] = room;
	}
	return b;
}

static void submit(struct claim_batch *b)
{
	struct app *app = b->app;
	struct pg_unit *u = pg_unit_new();
	struct pg_array workspaces = { b->workspace_ids, b->n };
	struct pg_array endpoints = { b->endpoint_ids, b->n };

	b->mono_asked_at = loop_mono(app->loop);
	add_sender_endpoints(u, &(struct sender_endpoints_args){ .sender_id = b->sender_id,
								 .workspace_ids = workspaces,
								 .endpoint_ids = endpoints });
	add_sender_claim(u, &(struct sender_claim_args){
				    .sender_id = b->sender_id,
				    .workspace_ids = workspaces,
				    .endpoint_ids = endpoints,
				    .rooms = { b->rooms, b->n },
				    .since = { b->since, b->n },
				    .lease_us = APP_ITEM_LEASE_US,
				    .first_delay_us = app->settings.schedule.delay_us[0] });
	add_sender_owed(u, &(struct sender_owed_args){
				   .sender_id = b->sender_id,
				   .workspace_ids = workspaces,
				   .endpoint_ids = endpoints,
				   .rooms = { b->owed_rooms, b->n },
				   .after = { b->after, b->n },
				   .check_upto = { b->check_upto, b->n },
				   .first_delay_us = app->settings.schedule.delay_us[0] });
	if (is_err(pg_submit(app->pg, u, on_claimed, b))) {
		for (size_t i = 0; i < b->n; i++)
			b->endpoints[i]->is_claiming = false;
		free(b);
		return;
	}
	app->claim.units++;
}

static void run(void *arg)
{
	struct app *app = arg;

	app->claim.is_deferred = false;
	if (app->is_closed || !registry_is_alive(app) || !pg_pool_is_ready(app->pg))
		return;
	while (app->claim.units < CLAIM_UNITS && !list_is_empty(&app->endpoints.hot)) {
		struct claim_batch *b = collect(app);

		if (b->n == 0) {
			free(b);
			return;
		}
		submit(b);
	}
}
