/* A pass: read a page, compute its occurrences, write them and the plans in one unit, and so on until
 * a page is not full. What falls due sooner than the feeder looks again is appended on the spot. */
#include "expander.h"

#include "base/mem.h"
#include "domain/expansion.h"
#include "feeder.h"
#include "measure.h"
#include "replanner.h"
#include "store_gen.h"
#include "sys/log.h"
#include "task.h"

#define HORIZON_US (3600 * USEC_PER_SEC)
#define PLANS_MAX 500    /* in a page */
#define PER_PLAN_MAX 100 /* occurrences of one campaign in a page */
/* A pass ends after this long. The next one follows at once if something is soon, else when its time
 * has come: claims and records keep their pace. */
#define BUDGET_US (1 * USEC_PER_SEC)
#define SOON_US (300 * USEC_PER_SEC)
/* A schedule that nobody planned for longer is not made up for beyond this. */
#define BEHIND_MAX_US (86400 * USEC_PER_SEC)
#define UNUSABLE_RETRY_US (60 * USEC_PER_SEC)
#define FAILED_RETRY_US (1 * USEC_PER_SEC)
/* The feeder may go past an instant until the unit that makes the call has been answered. */
#define FEED_US (FEEDER_HORIZON_US + 20 * USEC_PER_SEC)
#define FEED_MAX 2000

/* A page as the statement wants it: columns. */
struct page {
	size_t n; /* plans */
	struct uuid workspace_ids[PLANS_MAX], ids[PLANS_MAX];
	int64_t versions[PLANS_MAX], nominals[PLANS_MAX];
	bool is_aside[PLANS_MAX];
	usec_t was_after[PLANS_MAX], was_next[PLANS_MAX], after[PLANS_MAX], next_at[PLANS_MAX];
	struct uuid due_ids[PLANS_MAX]; /* those that have something due at once */
	size_t n_due;
	usec_t last_next; /* of the last plan that was read */
	bool is_full;     /* another page may follow */

	size_t n_calls, cap;
	struct uuid *call_workspace_ids, *call_campaign_ids;
	usec_t *instants, *before;
	struct str *keys; /* into key_texts */
	char (*key_texts)[OCCURRENCE_KEY_SIZE];
	struct expansion_item items[PER_PLAN_MAX];
};

/* What a pass did, for its line in the log. */
struct tally {
	usec_t mono_began;
	int64_t plans, calls, passed_over, unusable;
	struct uuid unusable_id; /* the first of them */
	const char *reason;
};

struct expander {
	struct app *app;
	struct task *task;
	struct timer *again; /* after a failure */
	usec_t until;
	struct page page;
	struct tally tally;
};

/* --- computing a page ----------------------------------------------------------------------------- */

static void add_call(struct page *p, const struct recurring_page_row *row,
		     const struct expansion_item *item)
{
	size_t i = p->n_calls++;

	p->call_workspace_ids[i] = row->workspace_id;
	p->call_campaign_ids[i] = row->campaign_id;
	p->instants[i] = item->at.at;
	p->before[i] = item->before;
	occurrence_key(&item->at, p->key_texts[i]);
	p->keys[i] = str_from(p->key_texts[i]);
}

/* Why the schedule cannot be planned now, or NULL. */
static const char *read_rule(struct expander *e, const struct recurring_page_row *row,
			     struct cron *cron, struct expansion_rule *out)
{
	struct cron_fault fault;

	if (is_err(cron_parse(row->cron, cron, &fault)))
		return "its cron expression is not one";
	const struct zone *zone = zone_table_find(e->app->zones, row->timezone);
	if (zone == NULL)
		return "its time zone is not in the database";
	*out = (struct expansion_rule){ cron, zone, row->end_at };
	return NULL;
}

static void note_unusable(struct tally *t, struct uuid id, const char *reason)
{
	if (t->unusable++ > 0)
		return;
	t->unusable_id = id;
	t->reason = reason;
}

static void plan_campaign(struct expander *e, const struct recurring_page_row *row)
{
	struct page *p = &e->page;
	size_t i = p->n++;
	usec_t now = app_now(e->app);
	struct cron cron;
	struct expansion_rule rule;
	struct expansion_plan plan = {
		.after = row->planned_after == USEC_NEVER ? now : row->planned_after,
		.nominal_min = row->planned_nominal,
		.next_at = row->next_at,
	};

	p->workspace_ids[i] = row->workspace_id;
	p->ids[i] = row->campaign_id;
	p->versions[i] = row->version;
	p->is_aside[i] = !row->is_active;
	p->was_after[i] = row->planned_after;
	p->was_next[i] = row->next_at;
	const char *fault = row->is_active ? read_rule(e, row, &cron, &rule) : NULL;
	if (!row->is_active) {
		plan.next_at = USEC_NEVER; /* until somebody starts it */
	} else if (fault != NULL) {
		note_unusable(&e->tally, row->campaign_id, fault);
		/* Beyond this pass, and within the one in a minute. */
		plan.next_at = row->end_at <= now ? USEC_NEVER : e->until + UNUSABLE_RETRY_US;
	} else {
		if (plan.after < now - BEHIND_MAX_US) {
			plan.after = now - BEHIND_MAX_US;
			e->tally.passed_over++;
		}
		size_t n = expansion_step(&rule, e->until, &plan, p->items,
					  min_size(PER_PLAN_MAX, p->cap));
		for (size_t k = 0; k < n; k++)
			add_call(p, row, &p->items[k]);
		if (row->next_at <= now + FEED_US)
			p->due_ids[p->n_due++] = row->campaign_id;
	}
	p->after[i] = plan.after;
	p->nominals[i] = plan.nominal_min;
	p->next_at[i] = plan.next_at;
}

/* As many of the plans as their calls fit into one unit. */
static void compute(struct expander *e, const struct pg_result *r)
{
	struct page *p = &e->page;
	size_t rows = pg_result_rows(r);

	p->n = p->n_calls = p->n_due = 0;
	for (size_t i = 0; i < rows; i++) {
		struct recurring_page_row row;
		get_recurring_page(r, i, &row);
		if (p->n_calls > 0 && p->n_calls + PER_PLAN_MAX > p->cap)
			break;
		if (row.tzdata.p != NULL &&
		    !str_eq(row.tzdata, replanner_tzdata(e->app->replanner)))
			continue; /* nobody but the replanner lets such a plan stand */
		plan_campaign(e, &row);
		p->last_next = row.next_at;
	}
	p->is_full = p->n > 0 && (rows == PLANS_MAX || p->n < rows);
}

/* --- the pass --------------------------------------------------------------------------------------- */

static void read_page(struct expander *e);

static void finish(struct expander *e)
{
	const struct tally *t = &e->tally;

	if (t->plans > 0)
		log_info("expanded", LI("campaigns", t->plans), LI("calls", t->calls),
			 LI("took_ms", (loop_mono(e->app->loop) - t->mono_began) / USEC_PER_MS));
	if (t->passed_over > 0)
		log_warn("occurrences_passed_over", LI("campaigns", t->passed_over),
			 LI("older_than_s", BEHIND_MAX_US / USEC_PER_SEC));
	if (t->unusable > 0)
		log_warn("schedules_unusable", LI("campaigns", t->unusable),
			 LID("first", ID_CAMPAIGN, t->unusable_id), LS("reason", t->reason));
	task_done(e->task);
}

static void fail(struct expander *e)
{
	timer_start(e->again, FAILED_RETRY_US);
	finish(e);
}

static void on_again(void *arg)
{
	struct expander *e = arg;
	task_hurry(e->task);
}

static void pass_sent(void *arg)
{
	struct expander *e = arg;
	fault_pass(&e->app->fault, "expand_sent");
}

static void on_expanded(struct err err, const struct pg_unit *u, void *arg)
{
	struct expander *e = arg;
	struct page *p = &e->page;

	if (is_err(err)) {
		log_warn("expand_failed", LERR(err), LS("sqlstate", pg_unit_sqlstate(u)),
			 LS("message", pg_unit_message(u)));
		/* It may have taken effect. */
		feeder_rewind_due(e->app->feeder);
		fail(e);
		return;
	}
	fault_pass(&e->app->fault, "expand_answered");
	struct recurring_expand_row row;
	get_recurring_expand(pg_unit_result(u, 1), 0, &row);
	e->tally.plans += row.planned;
	e->tally.calls += row.made;
	measure_expanded(e->app->measures, row.made);
	if (row.deliveries > 0)
		control_wake_senders(e->app->redis);
	if (p->n_due > 0)
		feeder_append_due(e->app, pg_unit_result(u, 2));
	fault_pass(&e->app->fault, "expand_fed");
	if (row.planned == 0) {
		fail(e); /* all of them changed meanwhile, or another leads */
		return;
	}
	usec_t took = loop_mono(e->app->loop) - e->tally.mono_began;
	bool is_soon = p->last_next < app_now(e->app) + SOON_US;
	if (p->is_full && took < BUDGET_US && app_leads(e->app)) {
		read_page(e);
		return;
	}
	if (p->is_full && is_soon)
		task_hurry(e->task);
	finish(e);
}

static void write_page(struct expander *e)
{
	struct page *p = &e->page;
	struct pg_unit *u = pg_unit_new();

	add_campaign_share(u, &(struct campaign_share_args){ .campaign_ids = { p->ids, p->n } });
	add_recurring_expand(u, &(struct recurring_expand_args){
					.epoch = e->app->epoch,
					.workspace_ids = { p->workspace_ids, p->n },
					.campaign_ids = { p->ids, p->n },
					.versions = { p->versions, p->n },
					.is_aside = { p->is_aside, p->n },
					.was_after = { p->was_after, p->n },
					.was_next = { p->was_next, p->n },
					.after = { p->after, p->n },
					.nominals = { p->nominals, p->n },
					.next_at = { p->next_at, p->n },
					.tzdata = replanner_tzdata(e->app->replanner),
					.catch_up_s = e->app->settings.catch_up_s,
					.call_workspace_ids = { p->call_workspace_ids, p->n_calls },
					.call_campaign_ids = { p->call_campaign_ids, p->n_calls },
					.instants = { p->instants, p->n_calls },
					.keys = { p->keys, p->n_calls },
					.retry_before = { p->before, p->n_calls } });
	if (p->n_due > 0)
		add_recurring_due(
			u, &(struct recurring_due_args){ .campaign_ids = { p->due_ids, p->n_due },
							 .until = app_now(e->app) + FEED_US,
							 .most = FEED_MAX });
	if (is_err(pg_submit(e->app->pg, u, on_expanded, e)))
		fail(e);
	else
		loop_defer(e->app->loop, pass_sent, e);
}

static void on_page(struct err err, const struct pg_unit *u, void *arg)
{
	struct expander *e = arg;

	if (is_err(err)) {
		log_warn("expand_failed", LERR(err), LS("message", pg_unit_message(u)));
		fail(e);
		return;
	}
	compute(e, pg_unit_result(u, 0));
	if (e->page.n == 0) {
		finish(e);
		return;
	}
	fault_pass(&e->app->fault, "expand_read");
	write_page(e);
}

static void read_page(struct expander *e)
{
	struct pg_unit *u = pg_unit_new();

	add_recurring_page(u,
			   &(struct recurring_page_args){ .until = e->until, .most = PLANS_MAX });
	if (is_err(pg_submit(e->app->pg, u, on_page, e)))
		fail(e);
}

static void on_run(struct task *t, void *arg)
{
	struct expander *e = arg;

	e->tally = (struct tally){ .mono_began = loop_mono(e->app->loop) };
	e->until = app_now(e->app) + HORIZON_US + e->app->settings.pass_us;
	if (replanner_is_busy(e->app->replanner))
		task_done(t); /* it says when it is through */
	else
		read_page(e);
}

void expander_look(struct expander *e)
{
	task_hurry(e->task);
}

struct expander *expander_new(struct app *app)
{
	struct expander *e = xcalloc(1, sizeof(*e));
	struct page *p = &e->page;
	size_t cap = (size_t)app->settings.materialize_batch;

	e->app = app;
	p->cap = cap;
	p->call_workspace_ids = xcalloc(cap, sizeof(*p->call_workspace_ids));
	p->call_campaign_ids = xcalloc(cap, sizeof(*p->call_campaign_ids));
	p->instants = xcalloc(cap, sizeof(*p->instants));
	p->before = xcalloc(cap, sizeof(*p->before));
	p->keys = xcalloc(cap, sizeof(*p->keys));
	p->key_texts = xcalloc(cap, sizeof(*p->key_texts));
	e->again = timer_new(app->loop, on_again, e);
	e->task = task_new(app, app->settings.pass_us, on_run, e);
	return e;
}

void expander_free(struct expander *e)
{
	if (e == NULL)
		return;
	task_free(e->task);
	timer_free(e->again);
	free(e->page.call_workspace_ids);
	free(e->page.call_campaign_ids);
	free(e->page.instants);
	free(e->page.before);
	free(e->page.keys);
	free(e->page.key_texts);
	free(e);
}
