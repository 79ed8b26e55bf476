/* One unit is three statements: hold the campaigns still, serialise capped scopes, claim; and what the
 * traces ask. What the
 * claim refuses goes back to its lane (a cap, no dialer), is asked for again with the answer that it
 * wanted (an open window), ends unmade (too late, suppressed, a closed window) or is forgotten (gone, held,
 * no credit). When the
 * answer is lost the same attempt ids are asked for again: a claim that took effect unheard then
 * answers as claimed, and one that is not asked for again is found by the lease, which adopts it. */
#include "claim.h"

#include "attempt.h"
#include "base/mem.h"
#include "credit.h"
#include "intake.h"
#include "lane.h"
#include "link.h"
#include "measure.h"
#include "record.h"
#include "store_gen.h"
#include "sys/log.h"
#include "sys/random.h"
#include "traces.h"
#include "unmade.h"
#include "windows.h"

#define BUSY_RETRY_US (250 * USEC_PER_MS)
#define NO_DIALER_RETRY_US (500 * USEC_PER_MS)
#define LOST_RETRY_US (200 * USEC_PER_MS)

struct claims {
	struct app *app;
	struct list ready;
	struct call **batch; /* on its way */
	size_t n, max;
	bool pump_is_due;
	struct traces *traces;
	usec_t sent_at; /* wall clock of the submit: a claim is not older */
};

struct claims *claims_new(struct app *app)
{
	struct claims *cs = xcalloc(1, sizeof(*cs));
	cs->app = app;
	list_init(&cs->ready);
	cs->max = (size_t)app->settings.claim_batch;
	cs->batch = xcalloc(cs->max, sizeof(struct call *));
	cs->traces = traces_new(cs->max);
	return cs;
}

void claims_free(struct claims *cs)
{
	if (cs == NULL)
		return;
	traces_free(cs->traces);
	free(cs->batch);
	free(cs);
}

size_t claim_room(const struct claims *cs)
{
	size_t waiting = cs->ready.n;

	if (records_are_behind(cs->app->records) || unmade_is_behind(cs->app->unmade))
		return 0;
	return waiting < cs->max ? cs->max - waiting : 0;
}

bool claims_are_idle(const struct claims *cs)
{
	return cs->n == 0 && list_is_empty(&cs->ready);
}

static void pump(void *arg);

static void pump_soon(struct claims *cs)
{
	if (cs->pump_is_due || cs->n > 0 || cs->app->is_closing)
		return;
	cs->pump_is_due = true;
	loop_defer(cs->app->loop, pump, cs);
}

void claim_add(struct claims *cs, struct call *c)
{
	c->state = CALL_GRANTED;
	list_push_back(&cs->ready, &c->node);
	pump_soon(cs);
}

/* The claim wants to know whether the call's window is open. True when it goes into the next claim,
 * with its tokens. */
static bool answer_window(struct claims *cs, struct call *c, const struct claim_calls_row *row)
{
	bool is_bulk = !uuid_is_nil(row->target_id);

	switch (windows_judge(cs->app->windows, c, row)) {
	case WINDOWS_OPEN:
		c->state = CALL_GRANTED;
		list_push_front(&cs->ready, &c->node);
		return true;
	case WINDOWS_CLOSED:
		if (!is_bulk)
			c->opens_at = USEC_NEVER;
		unmade_add_closed(cs->app->unmade, c);
		return false;
	case WINDOWS_UNKNOWN:
	case WINDOWS_ANSWER_COUNT:
		break;
	}
	lane_push_back(cs->app->lanes, &c, 1, NO_DIALER_RETRY_US);
	return false;
}

/* The call waits in Postgres for its campaign to be resumed; one without a campaign has failed. */
static bool answer_no_credit(struct claims *cs, struct call *c)
{
	struct uuid campaign_id = c->entry.campaign_id;

	if (uuid_is_nil(campaign_id)) {
		unmade_add_ended(cs->app->unmade, c, OUTCOME_CONFIG_ERROR);
		return false;
	}
	credit_ran_out(cs->app->credit, c->entry.workspace_id, campaign_id);
	intake_settle(cs->app->intake, c);
	return false;
}

/* True when the call keeps its tokens. */
static bool refuse(struct claims *cs, struct call *c, const struct claim_calls_row *row)
{
	struct str verdict = row->verdict;

	if (c->is_moot || str_eq(verdict, STR("gone")) || str_eq(verdict, STR("held"))) {
		intake_settle(cs->app->intake, c);
		return false;
	}
	if (str_eq(verdict, STR("window")))
		return answer_window(cs, c, row);
	if (str_eq(verdict, STR("no_credit")))
		return answer_no_credit(cs, c);
	if (str_eq(verdict, STR("expired")) || str_eq(verdict, STR("suppressed"))) {
		bool is_late = str_eq(verdict, STR("expired"));
		unmade_add_ended(cs->app->unmade, c,
				 is_late ? OUTCOME_EXPIRED : OUTCOME_SUPPRESSED);
		return false;
	}
	bool is_busy = str_eq(verdict, STR("busy"));
	lane_push_back(cs->app->lanes, &c, 1, is_busy ? BUSY_RETRY_US : NO_DIALER_RETRY_US);
	return false;
}

static void on_lost(struct claims *cs, struct err e, const struct pg_unit *u)
{
	log_warn("claim_failed", LI("calls", cs->n), LERR(e), LS("sqlstate", pg_unit_sqlstate(u)),
		 LS("message", pg_unit_message(u)));
	size_t n = cs->n;
	cs->n = 0;
	for (size_t i = n; i-- > 0;) {
		struct call *one[1] = { cs->batch[i] };
		lane_push_back(cs->app->lanes, one, 1, LOST_RETRY_US);
	}
}

/* Dialed neither long after the claim nor after its window. */
static usec_t expiry(const struct claims *cs, const struct call *c)
{
	usec_t at = cs->sent_at + ATTEMPT_EXPIRES_US;
	return c->open_until != 0 ? min_i64(at, c->open_until) : at;
}

static void on_claimed(struct err e, const struct pg_unit *u, void *arg)
{
	struct claims *cs = arg;

	if (!is_err(e) && pg_result_rows(pg_unit_result(u, 2)) != cs->n)
		e = ERR(ERR_PROTOCOL, "a claim was answered for other calls");
	if (is_err(e)) {
		on_lost(cs, e, u);
		pump_soon(cs);
		return;
	}
	traces_take(cs->traces, u, cs->batch, cs->n);
	const struct pg_result *r = pg_unit_result(u, 2);
	size_t n = cs->n;
	cs->n = 0;
	loop_refresh_time(cs->app->loop);
	for (size_t i = 0; i < n; i++) {
		struct claim_calls_row row;
		get_claim_calls(r, i, &row);
		measure_claim(cs->app->measures, row.verdict);
		if (str_eq(row.verdict, STR("claimed")))
			attempt_open(cs->app->attempts, cs->batch[i], &row,
				     expiry(cs, cs->batch[i]), traces_state(cs->traces, i));
	}
	/* Refused ones from the last to the first, so that they keep their order at the front. */
	for (size_t i = n; i-- > 0;) {
		struct claim_calls_row row;
		get_claim_calls(r, i, &row);
		if (str_eq(row.verdict, STR("claimed")))
			continue;
		struct lane *lane = cs->batch[i]->lane;
		int64_t grant = cs->batch[i]->grant;
		if (!refuse(cs, cs->batch[i], &row))
			lane_spare(lane, grant);
	}
	pump_soon(cs);
	lanes_pump(cs->app->lanes);
}

static void add_claim(struct claims *cs, struct pg_unit *u)
{
	struct arena *a = pg_unit_arena(u);
	size_t n = cs->n;
	struct uuid *ws = arena_array(a, n, sizeof(*ws));
	struct uuid *calls = arena_array(a, n, sizeof(*calls));
	struct uuid *attempts = arena_array(a, n, sizeof(*attempts));
	struct uuid *campaigns = arena_array(a, n, sizeof(*campaigns));
	usec_t *due_at = arena_array(a, n, sizeof(*due_at));
	bool *in_line = arena_array(a, n, sizeof(*in_line));
	usec_t *windows_of = arena_array(a, n, sizeof(*windows_of));
	usec_t *open_until = arena_array(a, n, sizeof(*open_until));
	struct str names[LINKS_MAX], instances[LINKS_MAX];
	size_t n_links = links_live(cs->app->links, names, instances);

	for (size_t i = 0; i < n; i++) {
		struct call *c = cs->batch[i];
		ws[i] = c->entry.workspace_id;
		calls[i] = c->entry.call_id;
		attempts[i] = c->attempt_id;
		campaigns[i] = c->entry.campaign_id;
		due_at[i] = c->entry.due_at;
		in_line[i] = c->entry.in_line;
		windows_of[i] = c->windows_of != 0 ? c->windows_of : USEC_NEVER;
		open_until[i] = c->open_until != 0 ? c->open_until : USEC_NEVER;
	}
	add_campaign_share(u, &(struct campaign_share_args){ .campaign_ids = { campaigns, n } });
	add_claim_caps(u, &(struct claim_caps_args){ .workspace_ids = { ws, n },
						     .call_ids = { calls, n } });
	add_claim_calls(u, &(struct claim_calls_args){ .dispatcher_id = cs->app->incarnation,
						       .workspace_ids = { ws, n },
						       .call_ids = { calls, n },
						       .attempt_ids = { attempts, n },
						       .due_at = { due_at, n },
						       .in_line = { in_line, n },
						       .dialers = { names, n_links },
						       .dialer_instances = { instances, n_links },
						       .windows_of = { windows_of, n },
						       .open_until = { open_until, n } });
	traces_ask(cs->traces, u, 3, cs->batch, n);
}

static void pump(void *arg)
{
	struct claims *cs = arg;
	struct list_node *node;
	bool is_spared = false;

	cs->pump_is_due = false;
	if (cs->n > 0)
		return;
	while (cs->n < cs->max && (node = list_pop_front(&cs->ready)) != NULL) {
		struct call *c = CONTAINER_OF(node, struct call, node);
		if (c->is_moot) {
			lane_spare(c->lane, c->grant);
			is_spared = true;
			intake_settle(cs->app->intake, c);
			continue;
		}
		if (uuid_is_nil(c->attempt_id))
			c->attempt_id = random_id(loop_now(cs->app->loop));
		windows_prepare(cs->app->windows, c);
		c->state = CALL_CLAIMING;
		cs->batch[cs->n++] = c;
	}
	if (is_spared)
		lanes_pump(cs->app->lanes);
	if (cs->n == 0)
		return;
	struct pg_unit *u = pg_unit_new();
	add_claim(cs, u);
	cs->sent_at = app_now(cs->app);
	struct err e = pg_submit(cs->app->claim_pg, u, on_claimed, cs);
	if (is_err(e)) {
		log_warn("claim_refused", LERR(e));
		size_t n = cs->n;
		cs->n = 0;
		for (size_t i = n; i-- > 0;)
			lane_push_back(cs->app->lanes, &cs->batch[i], 1, LOST_RETRY_US);
	}
}
