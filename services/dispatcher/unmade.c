/* Two statements under the campaigns' shared locks: call_postponed, and call_unmade, which publishes
 * and so comes last. What neither moved has changed meanwhile: it goes back to its lane, and the
 * next claim says what it is now. */
#include "unmade.h"

#include "base/mem.h"
#include "intake.h"
#include "lane.h"
#include "measure.h"
#include "store_gen.h"
#include "sys/log.h"

#define RETRY_US (200 * USEC_PER_MS)
#define BATCH_MAX 200
#define BEHIND (4 * BATCH_MAX)

struct unmade {
	struct app *app;
	struct list waiting;
	struct call *batch[BATCH_MAX]; /* on its way; those to be postponed first */
	size_t n, n_postponed;
	bool pump_is_due;
	struct timer *retry;
};

static void pump(void *arg);

struct unmade *unmade_new(struct app *app)
{
	struct unmade *um = xcalloc(1, sizeof(*um));
	um->app = app;
	list_init(&um->waiting);
	um->retry = timer_new(app->loop, pump, um);
	return um;
}

void unmade_free(struct unmade *um)
{
	if (um == NULL)
		return;
	timer_free(um->retry);
	free(um);
}

bool unmade_is_behind(const struct unmade *um)
{
	return um->waiting.n > BEHIND;
}

static void pump_soon(struct unmade *um)
{
	if (um->pump_is_due || um->n > 0 || um->app->is_closing || timer_is_armed(um->retry))
		return;
	um->pump_is_due = true;
	loop_defer(um->app->loop, pump, um);
}

static void add(struct unmade *um, struct call *c)
{
	ASSERT(c->state == CALL_CLAIMING);
	lane_forget(c); /* what becomes of it may take longer than its lane has calls */
	c->attempt_id = UUID_NIL;
	list_push_back(&um->waiting, &c->node);
	pump_soon(um);
}

void unmade_add_ended(struct unmade *um, struct call *c, enum outcome ends_as)
{
	c->windows_of = 0;
	c->opens_at = USEC_NEVER;
	c->ends_as = ends_as;
	add(um, c);
}

void unmade_add_closed(struct unmade *um, struct call *c)
{
	ASSERT(c->windows_of != 0);
	c->ends_as = OUTCOME_EXPIRED;
	add(um, c);
}

static void put_back(struct unmade *um)
{
	for (size_t i = um->n; i-- > 0;)
		list_push_front(&um->waiting, &um->batch[i]->node);
	um->n = 0;
	timer_start(um->retry, RETRY_US);
}

static void settle(struct unmade *um, struct call *c, bool is_postponed)
{
	struct app *app = um->app;

	if (is_postponed && !c->is_moot)
		intake_postpone(app->intake, c, c->opens_at);
	else
		intake_settle(app->intake, c);
}

/* Takes what the statements moved; false for the calls that they did not. */
static int64_t take_results(struct unmade *um, const struct pg_unit *u, bool *is_moved)
{
	int64_t deliveries = 0;
	size_t at = 1;

	if (um->n_postponed > 0) {
		const struct pg_result *r = pg_unit_result(u, at++);
		for (size_t i = 0; i < pg_result_rows(r); i++) {
			struct call_postponed_row row;
			get_call_postponed(r, i, &row);
			is_moved[row.ord - 1] = true;
		}
	}
	if (um->n > um->n_postponed) {
		const struct pg_result *r = pg_unit_result(u, at);
		for (size_t i = 0; i < pg_result_rows(r); i++) {
			struct call_unmade_row row;
			get_call_unmade(r, i, &row);
			is_moved[um->n_postponed + (size_t)row.ord - 1] = true;
			deliveries = row.deliveries;
		}
	}
	return deliveries;
}

static void on_written(struct err e, const struct pg_unit *u, void *arg)
{
	struct unmade *um = arg;
	struct app *app = um->app;
	bool is_moved[BATCH_MAX] = { false };

	if (is_err(e)) {
		log_warn("unmade_failed", LI("calls", um->n), LERR(e),
			 LS("sqlstate", pg_unit_sqlstate(u)), LS("message", pg_unit_message(u)));
		put_back(um);
		return;
	}
	if (take_results(um, u, is_moved) > 0)
		control_wake_senders(app->redis);
	size_t n = um->n;
	um->n = 0;
	for (size_t i = 0; i < n; i++) {
		struct call *c = um->batch[i];
		if (is_moved[i] && i >= um->n_postponed)
			measure_unmade(app->measures, c->ends_as);
		if (is_moved[i] || c->is_moot)
			settle(um, c, i < um->n_postponed);
		else
			lane_push(app->lanes, c);
	}
	lanes_pump(app->lanes);
	pump_soon(um);
}

struct columns {
	struct uuid *ws, *ids;
	usec_t *due, *windows_of, *opens;
	bool *in_line;
};

static struct columns columns_of(struct arena *a, struct call *const *v, size_t n)
{
	struct columns c = {
		.ws = arena_array(a, n, sizeof(*c.ws)),
		.ids = arena_array(a, n, sizeof(*c.ids)),
		.due = arena_array(a, n, sizeof(*c.due)),
		.windows_of = arena_array(a, n, sizeof(*c.windows_of)),
		.opens = arena_array(a, n, sizeof(*c.opens)),
		.in_line = arena_array(a, n, sizeof(*c.in_line)),
	};
	for (size_t i = 0; i < n; i++) {
		c.ws[i] = v[i]->entry.workspace_id;
		c.ids[i] = v[i]->entry.call_id;
		c.due[i] = v[i]->entry.due_at;
		c.windows_of[i] = v[i]->windows_of != 0 ? v[i]->windows_of : USEC_NEVER;
		c.opens[i] = v[i]->opens_at;
		c.in_line[i] = v[i]->entry.in_line;
	}
	return c;
}

static void add_postponed(struct unmade *um, struct pg_unit *u)
{
	size_t n = um->n_postponed;
	struct columns c = columns_of(pg_unit_arena(u), um->batch, n);

	add_call_postponed(u, &(struct call_postponed_args){ .workspace_ids = { c.ws, n },
							     .call_ids = { c.ids, n },
							     .due_at = { c.due, n },
							     .in_line = { c.in_line, n },
							     .windows_of = { c.windows_of, n },
							     .opens_at = { c.opens, n } });
}

static void add_ended(struct unmade *um, struct pg_unit *u)
{
	size_t n = um->n - um->n_postponed;
	struct arena *a = pg_unit_arena(u);
	struct call *const *v = um->batch + um->n_postponed;
	struct columns c = columns_of(a, v, n);
	struct str *outcomes = arena_array(a, n, sizeof(*outcomes));

	for (size_t i = 0; i < n; i++)
		outcomes[i] = str_from(outcome_name(v[i]->ends_as));
	add_call_unmade(u, &(struct call_unmade_args){ .workspace_ids = { c.ws, n },
						       .call_ids = { c.ids, n },
						       .due_at = { c.due, n },
						       .in_line = { c.in_line, n },
						       .windows_of = { c.windows_of, n },
						       .outcomes = { outcomes, n } });
}

/* Takes the next batch: those that open again to the front, the others from the back. */
static void gather(struct unmade *um)
{
	struct call *ending[BATCH_MAX];
	struct list_node *node;
	size_t n_ending = 0;

	um->n_postponed = 0;
	while (um->n_postponed + n_ending < BATCH_MAX &&
	       (node = list_pop_front(&um->waiting)) != NULL) {
		struct call *c = CONTAINER_OF(node, struct call, node);
		if (c->opens_at != USEC_NEVER)
			um->batch[um->n_postponed++] = c;
		else
			ending[n_ending++] = c;
	}
	um->n = um->n_postponed;
	for (size_t i = 0; i < n_ending; i++)
		um->batch[um->n++] = ending[i];
}

static void pump(void *arg)
{
	struct unmade *um = arg;

	um->pump_is_due = false;
	if (um->n > 0)
		return;
	gather(um);
	if (um->n == 0)
		return;
	struct pg_unit *u = pg_unit_new();
	struct uuid *campaigns = arena_array(pg_unit_arena(u), um->n, sizeof(*campaigns));
	for (size_t i = 0; i < um->n; i++)
		campaigns[i] = um->batch[i]->entry.campaign_id;
	add_campaign_share(u,
			   &(struct campaign_share_args){ .campaign_ids = { campaigns, um->n } });
	if (um->n_postponed > 0)
		add_postponed(um, u);
	if (um->n > um->n_postponed)
		add_ended(um, u);
	struct err e = pg_submit(um->app->record_pg, u, on_written, um);
	if (is_err(e)) {
		log_warn("unmade_refused", LERR(e));
		put_back(um);
	}
}
