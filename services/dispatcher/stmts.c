/* The statements that the dispatcher may run: prepared on each connection. */
#include "app.h"
#include "store_gen.h"

const struct pg_stmt *const dispatcher_stmts[] = {
	&stmt_attempt_adopt,
	&stmt_attempt_bridged,
	&stmt_attempt_ended,
	&stmt_attempt_own,
	&stmt_attempt_open,
	&stmt_call_postponed,
	&stmt_call_unmade,
	&stmt_campaign_count_lock,
	&stmt_campaign_hold,
	&stmt_campaign_lock,
	&stmt_campaign_share,
	&stmt_claim_calls,
	&stmt_claim_caps,
	&stmt_claim_links,
	&stmt_claim_traces,
	&stmt_dispatcher_leave,
	&stmt_dispatcher_register,
	&stmt_dispatcher_renew,
	&stmt_dispatcher_trunks,
	&stmt_hangup_due,
	&stmt_suppress_unwanted,
	&stmt_trunk_state_set,
	&stmt_trunk_test_answer,
	&stmt_trunk_test_take,
	&stmt_workspace_credit_lock,
	NULL,
};
