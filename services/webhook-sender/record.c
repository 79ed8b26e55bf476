/* Outcomes in batches: one unit is one commit. */
#include "record.h"

#include <stdlib.h>

#include "app.h"
#include "base/mem.h"
#include "record_items.h"
#include "store_gen.h"
#include "json/json_out.h"

#define TEXT_MAX 4096

/* What one batch says about an endpoint, so that it can be said again if the unit fails. */
struct told {
	struct endpoint *endpoint;
	bool succeeded, failed;
	const char *disable_reason;
	int streak;
	usec_t gate_us;
};

struct record_batch {
	struct app *app;
	struct uuid sender_id;
	struct list items;
	struct list closing;
	size_t n_by_result[ITEM_DEAD + 1];
	struct told *told;
	size_t n_told;
};

static void flush(struct app *app);

static void on_timer(void *arg)
{
	struct app *app = arg;

	app->record.is_waiting = false;
	app->record.is_due = true;
	flush(app);
}

static void on_close_timer(void *arg)
{
	struct app *app = arg;

	app->record.is_close_due = true;
	flush(app);
}

void record_init(struct app *app)
{
	list_init(&app->record.pending);
	list_init(&app->record.closing);
	app->record.close_timer = timer_new(app->loop, on_close_timer, app);
	app->record.limit = RECORD_BATCH;
	app->record.timer = timer_new(app->loop, on_timer, app);
}

static void free_ranges(struct list *ranges)
{
	struct list_node *node;

	while ((node = list_pop_front(ranges)) != NULL)
		free(CONTAINER_OF(node, struct owed_range, node));
}

void record_deinit(struct app *app)
{
	timer_free(app->record.timer);
	timer_free(app->record.close_timer);
	free_ranges(&app->record.closing);
}

void record_close(struct app *app, struct owed_range *range)
{
	struct record *r = &app->record;

	list_push_back(&r->closing, &range->node);
	if (!timer_is_armed(r->close_timer))
		timer_start(r->close_timer,
			    range->endpoint->is_leaving ? 0 : RECORD_CLOSE_LINGER_US);
}

void record_hurry(struct app *app)
{
	if (!list_is_empty(&app->record.closing))
		timer_start(app->record.close_timer, 0);
}

void record_add(struct app *app, struct item *it)
{
	struct record *r = &app->record;

	list_push_back(&r->pending, &it->node);
	if (r->is_waiting)
		return;
	if (r->pending.n == r->limit && r->units < RECORD_UNITS)
		timer_start(r->timer, 0);
	else if (!timer_is_armed(r->timer) && !r->is_due)
		timer_start(r->timer, RECORD_LINGER_US);
}

/* --- endpoints ------------------------------------------------------------------------------ */

static void collect_told(struct record_batch *b)
{
	if (b->items.n == 0)
		return;
	b->told = xcalloc(b->items.n, sizeof(*b->told));
	for (struct list_node *n = list_first(&b->items); n; n = list_next(&b->items, n)) {
		struct endpoint *ep = CONTAINER_OF(n, struct item, node)->endpoint;

		if (!ep->is_dirty)
			continue;
		b->told[b->n_told++] = (struct told){
			.endpoint = ep,
			.succeeded = ep->succeeded,
			.failed = ep->failed,
			.disable_reason = ep->disable_reason,
			.streak = ep->streak,
			.gate_us = ep->gate_us,
		};
		ep->is_dirty = ep->succeeded = ep->failed = false;
		ep->disable_reason = NULL;
		ep->gate_us = 0;
	}
}

static void untell(const struct told *t)
{
	struct endpoint *ep = t->endpoint;

	ep->is_dirty = true;
	ep->succeeded |= t->succeeded;
	ep->failed |= t->failed;
	if (ep->disable_reason == NULL)
		ep->disable_reason = t->disable_reason;
	ep->gate_us = max_i64(ep->gate_us, t->gate_us);
}

static void told(struct app *app, const struct told *t)
{
	struct endpoint *ep = t->endpoint;

	ep->told_streak = t->streak;
	if (t->succeeded) {
		ep->told_failing = false;
		ep->failing_since = USEC_NEVER;
		ep->mono_success_told_at = loop_mono(app->loop);
	} else if (t->failed && !ep->told_failing) {
		ep->told_failing = true;
		ep->failing_since = loop_now(app->loop) + pg_pool_clock_correction(app->pg);
	}
	if (t->disable_reason == NULL)
		return;
	/* Whether it failed often enough is the statement's to say. */
	log_warn("endpoint_given_up", LID("endpoint", ID_ENDPOINT, ep->id),
		 LS("reason", t->disable_reason));
	if (ep->mono_usable_from == USEC_NEVER)
		ep->mono_usable_from = loop_mono(app->loop);
	finder_wake(app);
	refresh_wake(app);
}

static void add_touch(const struct record_batch *b, struct pg_unit *u)
{
	struct arena *a = pg_unit_arena(u);
	size_t n = b->n_told;
	struct uuid *workspace_ids = arena_array(a, n, sizeof(*workspace_ids));
	struct uuid *endpoint_ids = arena_array(a, n, sizeof(*endpoint_ids));
	int64_t *streaks = arena_array(a, n, sizeof(*streaks));
	int64_t *gates_us = arena_array(a, n, sizeof(*gates_us));
	bool *succeeded = arena_array(a, n, sizeof(*succeeded));
	bool *failed = arena_array(a, n, sizeof(*failed));

	for (size_t i = 0; i < n; i++) {
		workspace_ids[i] = b->told[i].endpoint->workspace_id;
		endpoint_ids[i] = b->told[i].endpoint->id;
		streaks[i] = b->told[i].streak;
		gates_us[i] = b->told[i].gate_us;
		succeeded[i] = b->told[i].succeeded;
		failed[i] = b->told[i].failed;
	}
	add_sender_touch(u, &(struct sender_touch_args){ .sender_id = b->sender_id,
							 .workspace_ids = { workspace_ids, n },
							 .endpoint_ids = { endpoint_ids, n },
							 .consecutive_failures = { streaks, n },
							 .succeeded = { succeeded, n },
							 .failed = { failed, n },
							 .gates_us = { gates_us, n } });
}

/* The data of webhook_endpoint.disabled. */
static struct str disabled_text(struct arena *a, const struct endpoint *ep, const char *reason)
{
	struct strbuf b;
	struct json_out j;
	struct str text;

	strbuf_init(&b, TEXT_MAX);
	json_out_init(&j, &b);
	json_object_begin(&j);
	json_key(&j, "webhook_endpoint");
	json_object_begin(&j);
	json_kv_id(&j, "id", ID_ENDPOINT, ep->id);
	json_kv_cstr(&j, "url", ep->url);
	json_kv_cstr(&j, "status", "disabled");
	json_kv_cstr(&j, "disabled_reason", reason);
	json_object_end(&j);
	json_object_end(&j);
	text = arena_str(a, strbuf_str(&b));
	strbuf_deinit(&b);
	return text;
}

/* Last in the unit: it publishes, and that locks the workspace's sequence. */
static void add_disable(const struct record_batch *b, struct pg_unit *u)
{
	struct arena *a = pg_unit_arena(u);
	struct uuid *workspace_ids = arena_array(a, b->n_told, sizeof(*workspace_ids));
	struct uuid *endpoint_ids = arena_array(a, b->n_told, sizeof(*endpoint_ids));
	struct str *reasons = arena_array(a, b->n_told, sizeof(*reasons));
	struct str *texts = arena_array(a, b->n_told, sizeof(*texts));
	size_t n = 0;

	for (size_t i = 0; i < b->n_told; i++) {
		const struct told *t = &b->told[i];

		if (t->disable_reason == NULL)
			continue;
		workspace_ids[n] = t->endpoint->workspace_id;
		endpoint_ids[n] = t->endpoint->id;
		reasons[n] = str_from(t->disable_reason);
		texts[n++] = disabled_text(a, t->endpoint, t->disable_reason);
	}
	if (n > 0)
		add_sender_disable(u, &(struct sender_disable_args){
					      .workspace_ids = { workspace_ids, n },
					      .endpoint_ids = { endpoint_ids, n },
					      .reasons = { reasons, n },
					      .texts = { texts, n },
					      .failing_us = DELIVERY_DISABLE_AFTER_US,
					      .failing_attempts = DELIVERY_DISABLE_ATTEMPTS });
}

/* --- batches -------------------------------------------------------------------------------- */

/* The first items that one incarnation claimed, and the ranges that it is through with. */
static struct record_batch *take_batch(struct app *app)
{
	struct record_batch *b = xcalloc(1, sizeof(*b));
	struct record *r = &app->record;
	struct list_node *node = list_first(&r->pending), *next;

	b->app = app;
	b->sender_id =
		node != NULL
			? CONTAINER_OF(node, struct item, node)->sender_id
			: CONTAINER_OF(list_first(&r->closing), struct owed_range, node)->sender_id;
	list_init(&b->items);
	list_init(&b->closing);
	for (; node != NULL && b->items.n < r->limit; node = list_first(&r->pending)) {
		struct item *it = CONTAINER_OF(node, struct item, node);

		if (!uuid_eq(it->sender_id, b->sender_id))
			break;
		list_remove(&r->pending, node);
		list_push_back(&b->items, node);
		b->n_by_result[it->result]++;
	}
	for (node = list_first(&r->closing); node != NULL && b->closing.n < RECORD_BATCH;
	     node = next) {
		next = list_next(&r->closing, node);
		if (!uuid_eq(CONTAINER_OF(node, struct owed_range, node)->sender_id, b->sender_id))
			continue;
		list_remove(&r->closing, node);
		list_push_back(&b->closing, node);
	}
	return b;
}

/* The ranges are no more, or stay for whoever reads them again. */
static void forget_ranges(struct record_batch *b)
{
	for (struct list_node *n = list_first(&b->closing); n; n = list_next(&b->closing, n)) {
		struct endpoint *ep = CONTAINER_OF(n, struct owed_range, node)->endpoint;

		ep->owed.closing--;
		if (ep->is_leaving && ep->owed.closing == 0)
			finder_release(b->app);
	}
	free_ranges(&b->closing);
}

static void batch_free(struct record_batch *b)
{
	free(b->told);
	free(b);
}

/* The items wait for another try, at the end. While the server refuses them, batches get smaller, so
 * that one bad row stops no other, and it is forgotten when its lease is over; an absence of the
 * server is waited out, since what nobody can claim nobody can send. */
static void put_back(struct record_batch *b, bool is_refused)
{
	struct record *r = &b->app->record;
	usec_t mono = loop_mono(b->app->loop);
	struct list_node *node;

	for (size_t i = 0; i < b->n_told; i++)
		untell(&b->told[i]);
	if (is_refused)
		r->limit = r->limit > 8 ? r->limit / 8 : 1;
	while ((node = list_pop_front(&b->items)) != NULL) {
		struct item *it = CONTAINER_OF(node, struct item, node);

		if (!is_refused || mono < it->mono_lease_until) {
			list_push_back(&r->pending, node);
			continue;
		}
		log_error("outcome_lost", LID("delivery", ID_DELIVERY, it->id),
			  LI("attempt", it->attempt));
		if (it->range != NULL)
			owed_go_back(it->endpoint, it->sequence);
		item_free(b->app, it);
	}
	while ((node = list_pop_front(&b->closing)) != NULL)
		list_push_back(&r->closing, node);
	r->is_waiting = true;
	timer_start(r->timer, RECORD_RETRY_US);
}

static void count(struct record *r, const struct record_batch *b)
{
	r->n_delivered += (int64_t)b->n_by_result[ITEM_DELIVERED];
	r->n_failed += (int64_t)b->n_by_result[ITEM_RETRY];
	r->n_dead += (int64_t)b->n_by_result[ITEM_DEAD];
	r->n_given_back += (int64_t)b->n_by_result[ITEM_UNSENT];
	r->limit = min_size(r->limit * 2, RECORD_BATCH);
}

static void on_recorded(struct err e, const struct pg_unit *u, void *arg)
{
	struct record_batch *b = arg;
	struct app *app = b->app;
	struct list_node *node;
	usec_t wait_us = USEC_NEVER;

	app->record.units--;
	if (is_err(e)) {
		log_warn("record_failed", LERR(e), LS("sqlstate", pg_unit_sqlstate(u)),
			 LS("message", pg_unit_message(u)), LI("items", b->items.n));
		put_back(b, pg_unit_sqlstate(u)[0] != '\0');
		batch_free(b);
		return;
	}
	count(&app->record, b);
	for (size_t i = 0; i < b->n_told; i++)
		told(app, &b->told[i]);
	while ((node = list_pop_front(&b->items)) != NULL) {
		struct item *it = CONTAINER_OF(node, struct item, node);

		if (it->result == ITEM_RETRY)
			wait_us = min_i64(wait_us, it->delay_us);
		item_free(app, it);
	}
	forget_ranges(b);
	batch_free(b);
	if (wait_us <= FINDER_POLL_US)
		finder_expect(app, wait_us);
	if (!app->record.is_waiting)
		flush(app);
	app_look_drained(app);
}

static void add_close(const struct record_batch *b, struct pg_unit *u)
{
	struct arena *a = pg_unit_arena(u);
	size_t n = 0;
	struct uuid *workspace_ids = arena_array(a, b->closing.n, sizeof(*workspace_ids));
	struct uuid *endpoint_ids = arena_array(a, b->closing.n, sizeof(*endpoint_ids));
	int64_t *to_sequences = arena_array(a, b->closing.n, sizeof(*to_sequences));

	for (struct list_node *at = list_first(&b->closing); at; at = list_next(&b->closing, at)) {
		const struct owed_range *r = CONTAINER_OF(at, struct owed_range, node);

		workspace_ids[n] = r->endpoint->workspace_id;
		endpoint_ids[n] = r->endpoint->id;
		to_sequences[n++] = r->to_sequence;
	}
	if (n > 0)
		add_sender_owed_close(
			u, &(struct sender_owed_close_args){ .sender_id = b->sender_id,
							     .workspace_ids = { workspace_ids, n },
							     .endpoint_ids = { endpoint_ids, n },
							     .to_sequences = { to_sequences, n } });
}

static void submit(struct record_batch *b)
{
	struct app *app = b->app;
	struct pg_unit *u = pg_unit_new();

	collect_told(b);
	record_items_add(u, b->sender_id, &b->items, loop_mono(app->loop));
	add_close(b, u);
	if (b->n_told > 0) {
		add_touch(b, u);
		add_disable(b, u);
	}
	if (is_err(pg_submit(app->pg, u, on_recorded, b))) {
		put_back(b, false);
		batch_free(b);
		return;
	}
	app->record.units++;
}

/* A unit goes out when it is full, or has lingered and no other is on its way: so batches grow with
 * the load, and with the time that a commit takes. */
static void flush(struct app *app)
{
	struct record *r = &app->record;

	while (!list_is_empty(&r->pending) && !r->is_waiting && r->units < RECORD_UNITS &&
	       (r->pending.n >= r->limit || (r->is_due && r->units == 0)))
		submit(take_batch(app));
	if (list_is_empty(&r->pending))
		r->is_due = false;
	/* Ranges that no outcome took along. */
	while (!list_is_empty(&r->closing) && r->is_close_due && !r->is_waiting && r->units == 0 &&
	       list_is_empty(&r->pending))
		submit(take_batch(app));
	if (list_is_empty(&r->closing))
		r->is_close_due = false;
}
