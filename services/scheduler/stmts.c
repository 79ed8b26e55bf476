/* The statements that the scheduler may run: prepared on each connection. */
#include "app.h"
#include "store_gen.h"

const struct pg_stmt *const scheduler_stmts[] = {
	&stmt_attempt_ended,
	&stmt_attempt_orphaned,
	&stmt_call_archive,
	&stmt_campaign_cancel_calls,
	&stmt_campaign_cancel_targets,
	&stmt_campaign_cancelled,
	&stmt_campaign_complete,
	&stmt_campaign_finished,
	&stmt_campaign_lock,
	&stmt_campaign_share,
	&stmt_dispatcher_forget,
	&stmt_dispatcher_live,
	&stmt_due_feed,
	&stmt_leader_evict,
	&stmt_leader_take,
	&stmt_line_feed,
	&stmt_line_low,
	&stmt_line_materialize,
	&stmt_line_start,
	&stmt_plan_load,
	&stmt_recurring_ahead,
	&stmt_recurring_due,
	&stmt_recurring_expand,
	&stmt_recurring_page,
	&stmt_recurring_replan,
	&stmt_recurring_stale,
	&stmt_workspace_ids,
	NULL,
};
