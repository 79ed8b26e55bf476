/* One dead dispatcher at a time: attempt_ended is guarded by the holder's id. */
#include "orphan.h"

#include "base/mem.h"
#include "domain/retry.h"
#include "measure.h"
#include "store_gen.h"
#include "sys/log.h"
#include "sys/random.h"
#include "task.h"
#include "wire/retry_policy.h"

#define PERIOD_US (5 * USEC_PER_SEC)
#define MOST 200

struct orphans {
	struct app *app;
	struct task *task;
};

struct columns {
	struct uuid ws[MOST], ids[MOST], campaigns[MOST], talks[MOST];
	struct str outcomes[MOST], nothing[MOST], decisions[MOST], reasons[MOST];
	int64_t none[MOST], talk_ms[MOST];
	usec_t never[MOST], ended[MOST], due[MOST];
	bool counted[MOST];
	size_t n;
};

static void on_written(struct err e, const struct pg_unit *u, void *arg)
{
	struct orphans *o = arg;

	if (is_err(e))
		log_warn("orphans_failed", LERR(e), LS("message", pg_unit_message(u)));
	else
		control_wake_senders(o->app->redis);
	task_done(o->task);
}

static void judge(struct app *app, const struct attempt_orphaned_row *row, struct columns *c)
{
	struct retry_policy policy = retry_policy_from_row(row->retry_policy);
	bool has_talked = row->bridged_at != USEC_NEVER;
	usec_t now = app_now(app);
	struct retry_facts facts = { .max_attempts = (int)row->max_attempts,
				     .counted = (int)row->counted,
				     .rate_limited = (int)row->rate_limited,
				     .carrier_errors = (int)row->carrier_errors,
				     .agent_unavailable = (int)row->agent_unavailable,
				     .is_ad_hoc = uuid_is_nil(row->campaign_id),
				     .has_talked = has_talked,
				     .now = now,
				     .retry_before = row->retry_before };
	enum outcome outcome = has_talked ? OUTCOME_ANSWERED : OUTCOME_UNCERTAIN;
	struct retry_decision d = retry_decide(&policy, &facts, outcome, 0, random_unit());
	size_t i = c->n++;

	c->ws[i] = row->workspace_id;
	c->ids[i] = row->attempt_id;
	c->campaigns[i] = row->campaign_id;
	c->talks[i] = UUID_NIL;
	c->outcomes[i] = str_from(outcome_name(outcome));
	c->nothing[i] = STR_NONE;
	c->decisions[i] = str_from(retry_next_name(d.next));
	c->reasons[i] = has_talked ? STR("lost") : STR_NONE;
	c->none[i] = PG_NULL_I64;
	c->talk_ms[i] = has_talked ? max_i64(0, now - row->bridged_at) / USEC_PER_MS : 0;
	c->never[i] = USEC_NEVER;
	c->ended[i] = now;
	c->due[i] = (now + d.delay_us) / USEC_PER_MS * USEC_PER_MS;
	c->counted[i] = d.is_counted;
	measure_orphaned(app->measures, !has_talked);
	log_warn("attempt_orphaned", LID("attempt", ID_ATTEMPT, row->attempt_id),
		 LS("outcome", outcome_name(outcome)));
}

static void write_all(struct orphans *o, struct uuid dispatcher_id, struct columns *c)
{
	struct pg_unit *u = pg_unit_new();
	size_t n = c->n;

	add_campaign_share(u, &(struct campaign_share_args){ .campaign_ids = { c->campaigns, n } });
	add_attempt_ended(u, &(struct attempt_ended_args){ .dispatcher_id = dispatcher_id,
							   .workspace_ids = { c->ws, n },
							   .attempt_ids = { c->ids, n },
							   .outcomes = { c->outcomes, n },
							   .sip_codes = { c->none, n },
							   .q850 = { c->none, n },
							   .ended_by = { c->nothing, n },
							   .dialed_at = { c->never, n },
							   .answered_at = { c->never, n },
							   .ended_at = { c->ended, n },
							   .talk_ms = { c->talk_ms, n },
							   .decisions = { c->decisions, n },
							   .due_at = { c->due, n },
							   .counted = { c->counted, n },
							   .conversation_ids = { c->talks, n },
							   .end_reasons = { c->reasons, n },
							   .provider_refs = { c->nothing, n } });
	if (is_err(pg_submit(o->app->pg, u, on_written, o)))
		task_done(o->task);
}

static void on_found(struct err e, const struct pg_unit *u, void *arg)
{
	struct orphans *o = arg;

	if (is_err(e)) {
		log_warn("orphans_failed", LERR(e), LS("message", pg_unit_message(u)));
		task_done(o->task);
		return;
	}
	const struct pg_result *r = pg_unit_result(u, 0);
	struct columns *c = xcalloc(1, sizeof(*c));
	struct uuid dispatcher_id = UUID_NIL;
	for (size_t i = 0; i < pg_result_rows(r); i++) {
		struct attempt_orphaned_row row;
		get_attempt_orphaned(r, i, &row);
		if (i == 0)
			dispatcher_id = row.dispatcher_id;
		if (uuid_eq(row.dispatcher_id, dispatcher_id))
			judge(o->app, &row, c);
	}
	if (c->n > 0)
		write_all(o, dispatcher_id, c);
	else
		task_done(o->task);
	free(c);
}

static void on_run(struct task *t, void *arg)
{
	struct orphans *o = arg;
	struct app *app = o->app;
	usec_t back = pg_pool_mono_connected_at(app->pg);

	if (back == 0 || loop_mono(app->loop) - back < SWEEPER_PATIENCE_US) {
		task_done(t);
		return;
	}
	struct pg_unit *u = pg_unit_new();
	add_attempt_orphaned(
		u, &(struct attempt_orphaned_args){
			   .lapsed_before = app_now(app) - app->settings.uncertain_after_us,
			   .most = MOST });
	if (is_err(pg_submit(app->pg, u, on_found, o)))
		task_done(t);
}

struct orphans *orphans_new(struct app *app)
{
	struct orphans *o = xcalloc(1, sizeof(*o));
	o->app = app;
	o->task = task_new(app, PERIOD_US, on_run, o);
	return o;
}

void orphans_free(struct orphans *o)
{
	if (o == NULL)
		return;
	task_free(o->task);
	free(o);
}
