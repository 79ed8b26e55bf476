/* POST /v1/trunks/{id}/test: is the carrier there? The test is a row that a dispatcher with the trunk's
 * dialer takes, asks the dialer, and answers. Nothing tells this process when, so it looks, at most
 * ten times a second. A message that is lost on the way ends the wait at its deadline: 503. */
#include <string.h>

#include "handlers.h"
#include "queue/control.h"
#include "render.h"
#include "sys/random.h"
#include "wait.h"

/* --- the answer ----------------------------------------------------------------------------- */

static void reply(struct req *r, const struct api_trunk_test_get_row *row)
{
	struct json_out j;
	req_json(r, &j);
	json_object_begin(&j);
	json_kv_id(&j, "id", ID_TEST, wait_id(r));
	json_kv_id(&j, "trunk_id", ID_TRUNK, row->trunk_id);
	json_kv_bool(&j, "ok", row->is_ok);
	render_i64_or_null(&j, "status", row->sip);
	json_kv_str(&j, "reason", row->reason);
	render_i64_or_null(&j, "latency_ms", row->latency_ms);
	json_kv_str(&j, "state", row->state);
	json_kv_time(&j, "tested_at", row->answered_at);
	json_object_end(&j);
	req_reply_json(r, 200);
}

static void on_looked(struct req *r, const struct pg_unit *u)
{
	struct api_trunk_test_get_row row;
	const struct pg_result *found = req_result(r, u, 0);
	if (pg_result_rows(found) == 0) { /* cleared away: it is days old */
		req_not_found(r);
		return;
	}
	get_api_trunk_test_get(found, 0, &row);
	if (row.answered_at != USEC_NEVER)
		reply(r, &row);
	else if (!wait_is_over(r))
		wait_on(r);
	else if (row.taken_at == USEC_NEVER)
		req_fail(r, PROBLEM_UNAVAILABLE,
			 "No dispatcher whose dialer can test this trunk took the test in time.");
	else
		req_fail(r, PROBLEM_UNAVAILABLE, "The dialer did not answer in time.");
}

static void look(struct req *r)
{
	add_api_trunk_test_get(
		req_read(r), &(struct api_trunk_test_get_args){ .workspace_id = r->who.workspace_id,
								.test_id = wait_id(r) });
	req_submit(r, on_looked);
}

/* A dialer has 5 s, and a dispatcher looks once a second. */
static const struct wait_plan plan = { .most_us = 8 * USEC_PER_SEC,
				       .first_us = 15 * USEC_PER_MS,
				       .step_us = 100 * USEC_PER_MS,
				       .look = look };

/* --- asking --------------------------------------------------------------------------------- */

static void on_asked(struct req *r, const struct pg_unit *u)
{
	(void)u; /* the test has the id that it was given */
	control_publish(r->app->redis, &(struct control_msg){ .kind = CONTROL_TRUNK_TEST,
							      .workspace_id = r->who.workspace_id,
							      .at = r->now });
	wait_begin(r);
}

static void ask(struct req *r)
{
	wait_new(r, &plan, random_id(r->now));
	add_api_trunk_test(req_effect(r),
			   &(struct api_trunk_test_args){ .workspace_id = r->who.workspace_id,
							  .trunk_id = r->ids[0],
							  .test_id = wait_id(r) });
	wait_keep(r);
	req_submit_expecting(r, trunks_test, on_asked);
}

static void on_found(struct req *r, const struct pg_unit *u)
{
	if (pg_result_rows(req_result(r, u, 0)) == 0)
		req_not_found(r);
	else
		ask(r);
}

void trunks_test(struct req *r)
{
	struct uuid greatest;
	memset(greatest.b, 0xff, sizeof(greatest.b));
	add_api_trunk_list(req_read(r),
			   &(struct api_trunk_list_args){ .workspace_id = r->who.workspace_id,
							  .trunk_id = r->ids[0],
							  .before = greatest,
							  .most = 1 });
	req_submit(r, on_found);
}

void trunks_test_replay(struct req *r)
{
	wait_replay(r, &plan);
}
