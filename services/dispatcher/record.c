/* A unit: keep the campaigns still, pause those with a configuration error, begun conversations,
 * ended attempts. publish() comes last in each, so the workspace's sequence is locked briefly. */
#include "record.h"

#include "attempt.h"
#include "base/mem.h"
#include "intake.h"
#include "lane.h"
#include "link.h"
#include "measure.h"
#include "record_unit.h"
#include "sys/log.h"

#define RETRY_US (200 * USEC_PER_MS)
#define STRAYS_MAX 500
/* Attempts that wait to be written stand in memory, each with what it will say. */
#define BEHIND (4 * RECORD_BATCH_MAX)

struct stray {
	struct link *link;
	struct uuid id;
	int64_t seq;
};

struct records {
	struct app *app;
	struct list bridges, ends; /* waiting */
	struct record_batch batch; /* on its way */
	bool is_busy;
	bool pump_is_due;
	struct timer *retry;
	struct stray strays[STRAYS_MAX];
	size_t n_strays, n_asked; /* asked: the first ones, on their way */
};

static void pump(void *arg);
static void ask_strays(struct records *rs);

struct records *records_new(struct app *app)
{
	struct records *rs = xcalloc(1, sizeof(*rs));
	rs->app = app;
	list_init(&rs->bridges);
	list_init(&rs->ends);
	rs->retry = timer_new(app->loop, pump, rs);
	return rs;
}

void records_free(struct records *rs)
{
	if (rs == NULL)
		return;
	timer_free(rs->retry);
	free(rs);
}

bool records_are_idle(const struct records *rs)
{
	return !rs->is_busy && list_is_empty(&rs->bridges) && list_is_empty(&rs->ends);
}

bool records_are_behind(const struct records *rs)
{
	return rs->bridges.n + rs->ends.n > BEHIND;
}

static void pump_soon(struct records *rs)
{
	if (rs->pump_is_due || rs->is_busy || rs->app->is_closing || timer_is_armed(rs->retry))
		return;
	rs->pump_is_due = true;
	loop_defer(rs->app->loop, pump, rs);
}

void record_bridge(struct records *rs, struct attempt *a)
{
	list_push_back(&rs->bridges, &a->bridge_node);
	pump_soon(rs);
}

void record_end(struct records *rs, struct attempt *a)
{
	/* Not written yet: the end says all of it at once. */
	list_remove(&rs->bridges, &a->bridge_node);
	list_push_back(&rs->ends, &a->end_node);
	pump_soon(rs);
}

/* A retry that falls due within the scheduler's horizon: nobody else would append it in time. */
static void append_retry(struct records *rs, const struct attempt *a)
{
	struct app *app = rs->app;
	struct due_entry e = a->entry;

	if (e.limits_at == 0 || a->due_at > app_now(app) + INTAKE_HORIZON_US)
		return;
	e.due_at = a->due_at;
	e.in_line = false;
	due_append(app->redis, &(struct due_batch){ a->shard, &e, 1 }, NULL, NULL);
}

static void take_end(struct records *rs, struct attempt *a, const struct attempt_ended_row *row)
{
	measure_end(rs->app->measures, a, row);
	bool is_again = str_eq(row->final, STR("retry")) || str_eq(row->final, STR("void"));

	if (is_again)
		append_retry(rs, a);
	/* What another dispatcher holds now is for that one to acknowledge. */
	if (a->end_seq != 0 && !row->is_elsewhere)
		link_ack(a->link, a->id, a->end_seq);
	attempt_forget(rs->app->attempts, a);
}

static void put_back(struct records *rs)
{
	struct record_batch *b = &rs->batch;
	for (size_t i = b->n_ends; i-- > 0;)
		list_push_front(&rs->ends, &b->ends[i]->end_node);
	for (size_t i = b->n_bridges; i-- > 0;)
		if (b->bridges[i]->state == ATTEMPT_BRIDGED)
			list_push_front(&rs->bridges, &b->bridges[i]->bridge_node);
	timer_start(rs->retry, RETRY_US);
}

static void on_recorded(struct err e, const struct pg_unit *u, void *arg)
{
	struct records *rs = arg;

	rs->is_busy = false;
	if (is_err(e)) {
		log_warn("record_failed", LI("bridged", rs->batch.n_bridges),
			 LI("ended", rs->batch.n_ends), LERR(e),
			 LS("sqlstate", pg_unit_sqlstate(u)), LS("message", pg_unit_message(u)));
		put_back(rs);
		return;
	}
	int64_t deliveries = record_unit_deliveries(u, &rs->batch);
	for (size_t i = 0; i < rs->batch.n_ends; i++) {
		struct attempt_ended_row row;
		get_attempt_ended(pg_unit_result(u, rs->batch.ended_at), i, &row);
		take_end(rs, rs->batch.ends[i], &row);
	}
	if (rs->batch.n_ends > 0)
		lanes_unblock(rs->app->lanes);
	if (deliveries > 0)
		control_wake_senders(rs->app->redis);
	lanes_pump(rs->app->lanes); /* those that waited for records may go on */
	pump_soon(rs);
}

static void gather(struct records *rs)
{
	struct record_batch *b = &rs->batch;
	struct list_node *node;

	b->n_bridges = b->n_ends = 0;
	while (b->n_bridges < RECORD_BATCH_MAX && (node = list_pop_front(&rs->bridges)) != NULL)
		b->bridges[b->n_bridges++] = CONTAINER_OF(node, struct attempt, bridge_node);
	while (b->n_ends < RECORD_BATCH_MAX && (node = list_pop_front(&rs->ends)) != NULL)
		b->ends[b->n_ends++] = CONTAINER_OF(node, struct attempt, end_node);
}

static void pump(void *arg)
{
	struct records *rs = arg;

	rs->pump_is_due = false;
	if (rs->is_busy)
		return;
	gather(rs);
	if (rs->batch.n_bridges + rs->batch.n_ends == 0) {
		ask_strays(rs);
		return;
	}
	struct pg_unit *u = pg_unit_new();
	record_unit_build(u, rs->app, &rs->batch);
	struct err e = pg_submit(rs->app->record_pg, u, on_recorded, rs);
	if (is_err(e)) {
		log_warn("record_refused", LERR(e));
		put_back(rs);
		return;
	}
	rs->is_busy = true;
}

static void on_strays(struct err e, const struct pg_unit *u, void *arg)
{
	struct records *rs = arg;

	rs->is_busy = false;
	const struct pg_result *r = is_err(e) ? NULL : pg_unit_result(u, 0);
	for (size_t i = 0; r != NULL && i < rs->n_asked; i++) {
		bool is_open = false;
		for (size_t k = 0; k < pg_result_rows(r) && !is_open; k++) {
			struct attempt_open_row row;
			get_attempt_open(r, k, &row);
			is_open = uuid_eq(row.attempt_id, rs->strays[i].id);
		}
		/* An open one will be adopted by somebody, who then asks for this very event. */
		if (!is_open)
			link_ack(rs->strays[i].link, rs->strays[i].id, rs->strays[i].seq);
	}
	rs->n_strays = 0;
	pump_soon(rs);
}

static void ask_strays(struct records *rs)
{
	if (rs->n_strays == 0)
		return;
	struct pg_unit *u = pg_unit_new();
	struct uuid *ids = arena_array(pg_unit_arena(u), rs->n_strays, sizeof(*ids));
	for (size_t i = 0; i < rs->n_strays; i++)
		ids[i] = rs->strays[i].id;
	add_attempt_open(u, &(struct attempt_open_args){ .attempt_ids = { ids, rs->n_strays } });
	rs->n_asked = rs->n_strays;
	if (is_err(pg_submit(rs->app->record_pg, u, on_strays, rs)))
		rs->n_strays = 0; /* the dialer says them again at the next hello */
	else
		rs->is_busy = true;
}

void record_stray(struct records *rs, struct link *l, struct uuid attempt_id, int64_t seq)
{
	/* Full: the dialer keeps it and says it again. */
	if (rs->n_strays == STRAYS_MAX)
		return;
	rs->strays[rs->n_strays++] = (struct stray){ .link = l, .id = attempt_id, .seq = seq };
	pump_soon(rs);
}
