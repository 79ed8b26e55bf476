/* Outcomes in batches: one unit is one commit. */
#include "record.h"

#include <stdlib.h>

#include "app.h"
#include "base/mem.h"
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

void record_init(struct app *app)
{
	list_init(&app->record.pending);
	app->record.limit = RECORD_BATCH;
	app->record.timer = timer_new(app->loop, on_timer, app);
}

void record_deinit(struct app *app)
{
	timer_free(app->record.timer);
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

/* --- the unit ------------------------------------------------------------------------------- */

/* Columns of one statement, an array each; those a statement does not take are left out. */
struct columns {
	struct uuid *workspace_ids, *endpoint_ids, *delivery_ids;
	int64_t *attempts, *spans_us, *ages_us, *http_statuses, *durations_ms;
	struct str *statuses, *reasons, *results, *excerpts;
	size_t n;
};

static void columns_init(struct columns *c, struct arena *a, size_t n)
{
	*c = (struct columns){
		.workspace_ids = arena_array(a, n, sizeof(struct uuid)),
		.endpoint_ids = arena_array(a, n, sizeof(struct uuid)),
		.delivery_ids = arena_array(a, n, sizeof(struct uuid)),
		.attempts = arena_array(a, n, sizeof(int64_t)),
		.spans_us = arena_array(a, n, sizeof(int64_t)),
		.ages_us = arena_array(a, n, sizeof(int64_t)),
		.http_statuses = arena_array(a, n, sizeof(int64_t)),
		.durations_ms = arena_array(a, n, sizeof(int64_t)),
		.statuses = arena_array(a, n, sizeof(struct str)),
		.reasons = arena_array(a, n, sizeof(struct str)),
		.results = arena_array(a, n, sizeof(struct str)),
		.excerpts = arena_array(a, n, sizeof(struct str)),
	};
}

static void columns_add(struct columns *c, const struct item *it, usec_t mono)
{
	size_t i = c->n++;
	bool was_sent = it->word != NULL;

	c->workspace_ids[i] = it->endpoint->workspace_id;
	c->endpoint_ids[i] = it->endpoint->id;
	c->delivery_ids[i] = it->id;
	c->attempts[i] = it->attempt;
	c->spans_us[i] = it->delay_us;
	c->ages_us[i] = was_sent ? mono - it->mono_started_at : PG_NULL_I64;
	c->http_statuses[i] = it->status > 0 ? it->status : PG_NULL_I64;
	c->durations_ms[i] = was_sent ? it->duration_us / USEC_PER_MS : PG_NULL_I64;
	c->statuses[i] = it->result == ITEM_DEAD ? STR("dead_letter") : STR("delivered");
	c->reasons[i] = str_from(it->reason);
	c->results[i] = str_from(it->word);
	c->excerpts[i] = it->excerpt.n > 0 ? strbuf_str(&it->excerpt) : STR_NONE;
}

#define COLUMN(c, name)                                                                            \
	(struct pg_array)                                                                          \
	{                                                                                          \
		(c)->name, (c)->n                                                                  \
	}

static void add_finish(struct pg_unit *u, struct uuid sender_id, const struct columns *c)
{
	add_sender_finish(u,
			  &(struct sender_finish_args){ .sender_id = sender_id,
							.workspace_ids = COLUMN(c, workspace_ids),
							.endpoint_ids = COLUMN(c, endpoint_ids),
							.delivery_ids = COLUMN(c, delivery_ids),
							.attempts = COLUMN(c, attempts),
							.statuses = COLUMN(c, statuses),
							.reasons = COLUMN(c, reasons),
							.ages_us = COLUMN(c, ages_us),
							.results = COLUMN(c, results),
							.http_statuses = COLUMN(c, http_statuses),
							.durations_ms = COLUMN(c, durations_ms),
							.excerpts = COLUMN(c, excerpts) });
}

static void add_retry(struct pg_unit *u, struct uuid sender_id, const struct columns *c)
{
	add_sender_retry(u, &(struct sender_retry_args){ .sender_id = sender_id,
							 .workspace_ids = COLUMN(c, workspace_ids),
							 .endpoint_ids = COLUMN(c, endpoint_ids),
							 .delivery_ids = COLUMN(c, delivery_ids),
							 .attempts = COLUMN(c, attempts),
							 .delays_us = COLUMN(c, spans_us),
							 .ages_us = COLUMN(c, ages_us),
							 .results = COLUMN(c, results),
							 .http_statuses = COLUMN(c, http_statuses),
							 .durations_ms = COLUMN(c, durations_ms),
							 .excerpts = COLUMN(c, excerpts) });
}

static void add_give_back(struct pg_unit *u, struct uuid sender_id, const struct columns *c)
{
	add_sender_give_back(
		u, &(struct sender_give_back_args){ .sender_id = sender_id,
						    .workspace_ids = COLUMN(c, workspace_ids),
						    .endpoint_ids = COLUMN(c, endpoint_ids),
						    .delivery_ids = COLUMN(c, delivery_ids),
						    .attempts = COLUMN(c, attempts) });
}

static void add_items(struct record_batch *b, struct pg_unit *u)
{
	struct arena *a = pg_unit_arena(u);
	usec_t mono = loop_mono(b->app->loop);
	struct columns done, retry, back;
	size_t n_done = b->n_by_result[ITEM_DELIVERED] + b->n_by_result[ITEM_DEAD];

	columns_init(&done, a, n_done);
	columns_init(&retry, a, b->n_by_result[ITEM_RETRY]);
	columns_init(&back, a, b->n_by_result[ITEM_UNSENT]);
	for (struct list_node *n = list_first(&b->items); n; n = list_next(&b->items, n)) {
		const struct item *it = CONTAINER_OF(n, struct item, node);

		switch (it->result) {
		case ITEM_UNSENT:
			columns_add(&back, it, mono);
			break;
		case ITEM_RETRY:
			columns_add(&retry, it, mono);
			break;
		case ITEM_DELIVERED:
		case ITEM_DEAD:
			columns_add(&done, it, mono);
			break;
		}
	}
	if (done.n > 0)
		add_finish(u, b->sender_id, &done);
	if (retry.n > 0)
		add_retry(u, b->sender_id, &retry);
	if (back.n > 0)
		add_give_back(u, b->sender_id, &back);
}

/* --- endpoints ------------------------------------------------------------------------------ */

static void collect_told(struct record_batch *b)
{
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
		ep->failing_since = loop_now(app->loop) + pg_pool_clock_offset(app->pg);
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

/* The first items that one incarnation claimed. */
static struct record_batch *take_batch(struct app *app)
{
	struct record_batch *b = xcalloc(1, sizeof(*b));
	struct list_node *node = list_first(&app->record.pending);
	size_t limit = app->record.limit;

	b->app = app;
	b->sender_id = CONTAINER_OF(node, struct item, node)->sender_id;
	list_init(&b->items);
	for (; node != NULL && b->items.n < limit; node = list_first(&app->record.pending)) {
		struct item *it = CONTAINER_OF(node, struct item, node);

		if (!uuid_eq(it->sender_id, b->sender_id))
			break;
		list_remove(&app->record.pending, node);
		list_push_back(&b->items, node);
		b->n_by_result[it->result]++;
	}
	return b;
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
		item_free(b->app, it);
	}
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
	batch_free(b);
	if (wait_us <= FINDER_POLL_US)
		finder_expect(app, wait_us);
	if (!list_is_empty(&app->record.pending) && !app->record.is_waiting)
		flush(app);
	app_look_drained(app);
}

static void submit(struct record_batch *b)
{
	struct app *app = b->app;
	struct pg_unit *u = pg_unit_new();

	collect_told(b);
	add_items(b, u);
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
}
