/* A sweep: read a page of plans, by the campaigns' ids; of those made with another database read the
 * calls that are ahead, ask for each key's instant now, write what differs. */
#include "replanner.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "domain/expansion.h"
#include "expander.h"
#include "feeder.h"
#include "store_gen.h"
#include "sys/log.h"
#include "sys/zone_table.h"
#include "task.h"

#define PLANS_MAX 500
#define CALLS_MAX 5000
#define PERIOD_US (1 * USEC_PER_SEC)
#define UNKNOWN "unknown" /* a tree that does not say its version */

struct rule_text {
	struct uuid workspace_id, id;
	int64_t version;
	usec_t end_at;
	struct str cron, timezone, tzdata;
};

struct replanner {
	struct app *app;
	struct task *task;
	char seen_version[ZONE_VERSION_SIZE];
	int64_t changes;                     /* of rules under one and the same version */
	char tzdata[ZONE_VERSION_SIZE + 32]; /* for plans */
	bool is_busy;                        /* plans of another database may stand */
	bool is_new;                         /* the sweep begins at the first campaign */
	bool is_found;                       /* this walk met such plans */
	struct uuid after, page_end;
	struct arena *arena; /* the page's texts */
	struct rule_text plans[PLANS_MAX];
	size_t n;
	/* What changes, as columns. */
	struct uuid call_workspace_ids[CALLS_MAX], call_campaign_ids[CALLS_MAX],
		call_ids[CALLS_MAX];
	usec_t was_due[CALLS_MAX], due[CALLS_MAX], before[CALLS_MAX];
	size_t n_calls;
	int64_t swept, moved, cancelled;
};

struct str replanner_tzdata(const struct replanner *r)
{
	return str_from(r->tzdata);
}

bool replanner_is_busy(const struct replanner *r)
{
	return r->is_busy;
}

/* Rules that differ have names that differ: where the version does not tell, a number is added; where
 * there is none, each leader's epoch, since nobody knows what the one before it saw. */
static void name_rules(struct replanner *r)
{
	const char *version = zone_table_version(r->app->zones);
	int64_t n = strcmp(version, UNKNOWN) == 0 ? r->app->epoch : r->changes;

	if (n > 0)
		(void)snprintf(r->tzdata, sizeof(r->tzdata), "%s+%lld.%lld", version, (long long)n,
			       (long long)r->changes); /* fits */
	else
		(void)snprintf(r->tzdata, sizeof(r->tzdata), "%s", version);
	(void)snprintf(r->seen_version, sizeof(r->seen_version), "%s", version);
}

static void begin(struct replanner *r)
{
	name_rules(r);
	r->is_busy = r->is_new = true;
	task_hurry(r->task);
}

void replanner_begin_again(struct replanner *r)
{
	begin(r);
}

void replanner_zones_changed(struct replanner *r)
{
	if (strcmp(r->seen_version, zone_table_version(r->app->zones)) == 0)
		r->changes++;
	begin(r);
}

/* --- the sweep -------------------------------------------------------------------------------------- */

static void read_page(struct replanner *r);

static void finish(struct replanner *r)
{
	r->is_busy = r->is_new; /* the rules changed again meanwhile */
	arena_reset(r->arena);
	if (r->swept > 0)
		log_info("replanned", LS("tzdata", r->tzdata), LI("campaigns", r->swept),
			 LI("moved", r->moved), LI("cancelled", r->cancelled));
	if (r->moved > 0)
		feeder_rewind_due(r->app->feeder);
	if (!r->is_busy)
		expander_look(r->app->expander);
	task_done(r->task);
}

/* It stays busy, and goes on where it was with the next run. */
static void fail(struct replanner *r, struct err e, const struct pg_unit *u)
{
	log_warn("replan_failed", LERR(e), LS("message", u != NULL ? pg_unit_message(u) : ""));
	task_done(r->task);
}

static void pass_sent(void *arg)
{
	struct replanner *r = arg;
	fault_pass(&r->app->fault, "replan_sent");
}

static void on_replanned(struct err e, const struct pg_unit *u, void *arg)
{
	struct replanner *r = arg;

	if (is_err(e)) {
		fail(r, e, u);
		return;
	}
	fault_pass(&r->app->fault, "replan_answered");
	struct recurring_replan_row row;
	get_recurring_replan(pg_unit_result(u, 1), 0, &row);
	r->swept += row.planned;
	r->moved += row.moved;
	r->cancelled += row.cancelled;
	if (row.deliveries > 0)
		control_wake_senders(r->app->redis);
	if (!app_leads(r->app)) {
		task_done(r->task); /* the next leader sweeps anew */
	} else if (row.planned == 0) {
		fail(r, ERR(ERR_CONFLICT, "all of a page changed meanwhile"), u);
	} else {
		r->after = r->page_end;
		read_page(r);
	}
}

static void write_page(struct replanner *r)
{
	struct uuid ids[PLANS_MAX], workspace_ids[PLANS_MAX];
	int64_t versions[PLANS_MAX];
	struct str tzdata[PLANS_MAX];
	struct pg_unit *u = pg_unit_new();

	for (size_t i = 0; i < r->n; i++) {
		ids[i] = r->plans[i].id;
		workspace_ids[i] = r->plans[i].workspace_id;
		versions[i] = r->plans[i].version;
		tzdata[i] = r->plans[i].tzdata;
	}
	add_campaign_share(u, &(struct campaign_share_args){ .campaign_ids = { ids, r->n } });
	add_recurring_replan(u, &(struct recurring_replan_args){
					.epoch = r->app->epoch,
					.workspace_ids = { workspace_ids, r->n },
					.campaign_ids = { ids, r->n },
					.versions = { versions, r->n },
					.was_tzdata = { tzdata, r->n },
					.tzdata = replanner_tzdata(r),
					.call_workspace_ids = { r->call_workspace_ids, r->n_calls },
					.call_campaign_ids = { r->call_campaign_ids, r->n_calls },
					.call_ids = { r->call_ids, r->n_calls },
					.was_due = { r->was_due, r->n_calls },
					.due = { r->due, r->n_calls },
					.retry_before = { r->before, r->n_calls } });
	struct err e = pg_submit(r->app->pg, u, on_replanned, r);
	if (is_err(e))
		fail(r, e, NULL);
	else
		loop_defer(r->app->loop, pass_sent, r);
}

/* --- computing a page --------------------------------------------------------------------------------- */

static bool read_rule(struct replanner *r, const struct rule_text *t, struct cron *cron,
		      struct expansion_rule *out)
{
	struct cron_fault fault;

	*out = (struct expansion_rule){ cron, zone_table_find(r->app->zones, t->timezone),
					t->end_at };
	return out->zone != NULL && !is_err(cron_parse(t->cron, cron, &fault));
}

static void judge_call(struct replanner *r, const struct expansion_rule *rule,
		       const struct rule_text *t, const struct recurring_ahead_row *row)
{
	struct expansion_item now = { .before = USEC_NEVER };
	bool is_there = expansion_find(rule, row->key, &now);

	if (is_there && now.at.at == row->due_at && now.before == row->retry_before)
		return;
	size_t i = r->n_calls++;
	r->call_workspace_ids[i] = t->workspace_id;
	r->call_campaign_ids[i] = t->id;
	r->call_ids[i] = row->call_id;
	r->was_due[i] = row->due_at;
	r->due[i] = is_there ? now.at.at : USEC_NEVER;
	r->before[i] = now.before;
}

/* The rows stand by campaign, as the plans do. A schedule that cannot be read leaves its calls as
 * they are: the expander says so. */
static void compute(struct replanner *r, const struct pg_result *ahead)
{
	size_t rows = pg_result_rows(ahead), at = 0, done = 0;

	r->n_calls = 0;
	for (size_t i = 0; i < r->n; i++) {
		struct rule_text *t = &r->plans[i];
		struct recurring_ahead_row row;
		struct cron cron;
		struct expansion_rule rule;
		bool is_usable = read_rule(r, t, &cron, &rule);
		size_t began = r->n_calls;
		for (; at < rows; at++) {
			get_recurring_ahead(ahead, at, &row);
			if (!uuid_eq(row.campaign_id, t->id))
				break;
			if (is_usable)
				judge_call(r, &rule, t, &row);
		}
		if (at == CALLS_MAX && done > 0) {
			r->n_calls = began; /* it may have more: it begins the next page */
			break;
		}
		done++;
	}
	if (done < r->n)
		r->page_end = r->plans[done - 1].id;
	r->n = done;
}

static void on_ahead(struct err e, const struct pg_unit *u, void *arg)
{
	struct replanner *r = arg;

	if (is_err(e)) {
		fail(r, e, u);
		return;
	}
	compute(r, pg_unit_result(u, 0));
	write_page(r);
}

static void read_calls(struct replanner *r)
{
	struct uuid ids[PLANS_MAX];
	struct pg_unit *u = pg_unit_new();

	for (size_t i = 0; i < r->n; i++)
		ids[i] = r->plans[i].id;
	add_recurring_ahead(u, &(struct recurring_ahead_args){ .campaign_ids = { ids, r->n },
							       .most = CALLS_MAX });
	struct err e = pg_submit(r->app->pg, u, on_ahead, r);
	if (is_err(e))
		fail(r, e, NULL);
}

static void take_plan(struct replanner *r, const struct recurring_walk_row *row)
{
	r->plans[r->n++] = (struct rule_text){ .workspace_id = row->workspace_id,
					       .id = row->campaign_id,
					       .version = row->version,
					       .end_at = row->end_at,
					       .cron = arena_str(r->arena, row->cron),
					       .timezone = arena_str(r->arena, row->timezone),
					       .tzdata = arena_str(r->arena, row->tzdata) };
}

/* At the end of the campaigns: once more from the first one if there was something to do, since what
 * was edited meanwhile was left out. */
static void end_walk(struct replanner *r)
{
	if (!r->is_found) {
		finish(r);
		return;
	}
	r->is_found = false;
	r->after = UUID_NIL;
	read_page(r);
}

static void on_page(struct err e, const struct pg_unit *u, void *arg)
{
	struct replanner *r = arg;

	if (is_err(e)) {
		fail(r, e, u);
		return;
	}
	const struct pg_result *rows = pg_unit_result(u, 0);
	arena_reset(r->arena);
	r->n = 0;
	for (size_t i = 0; i < pg_result_rows(rows); i++) {
		struct recurring_walk_row row;
		get_recurring_walk(rows, i, &row);
		/* Without a database it has not been planned at all. */
		if (row.tzdata.p != NULL && !str_eq(row.tzdata, replanner_tzdata(r)))
			take_plan(r, &row);
		r->page_end = row.campaign_id;
	}
	if (pg_result_rows(rows) == 0) {
		end_walk(r);
	} else if (r->n == 0) {
		r->after = r->page_end;
		read_page(r);
	} else {
		r->is_found = true;
		fault_pass(&r->app->fault, "replan_read");
		read_calls(r);
	}
}

static void read_page(struct replanner *r)
{
	struct pg_unit *u = pg_unit_new();

	add_recurring_walk(
		u, &(struct recurring_walk_args){ .after_id = r->after, .most = PLANS_MAX });
	struct err e = pg_submit(r->app->pg, u, on_page, r);
	if (is_err(e))
		fail(r, e, NULL);
}

static void on_run(struct task *t, void *arg)
{
	struct replanner *r = arg;

	if (!r->is_busy) {
		task_done(t);
		return;
	}
	if (r->is_new) {
		r->swept = r->moved = r->cancelled = 0;
		r->after = UUID_NIL;
		r->is_new = r->is_found = false;
	}
	read_page(r);
}

struct replanner *replanner_new(struct app *app)
{
	struct replanner *r = xcalloc(1, sizeof(*r));

	r->app = app;
	r->arena = arena_new();
	r->task = task_new(app, PERIOD_US, on_run, r);
	name_rules(r);
	return r;
}

void replanner_free(struct replanner *r)
{
	if (r == NULL)
		return;
	task_free(r->task);
	arena_free(r->arena);
	free(r);
}
