/* GET /v1/campaigns/{id}/stats: the counters, the targets, of a recurring campaign the calls, by the
 * outcome of their last attempt, and the dials made, all of one moment. */
#include <stdio.h>

#include "handlers.h"
#include "render.h"

static void render_outcomes(struct json_out *j, const struct pg_result *rows)
{
	struct api_campaign_outcomes_row row;
	char name[32];
	int64_t dials = 0, no_outcome = 0;
	json_key(j, "outcomes");
	json_object_begin(j);
	for (size_t i = 0; i < pg_result_rows(rows); i++) {
		get_api_campaign_outcomes(rows, i, &row);
		dials += row.dials;
		if (row.outcome.p == NULL) {
			no_outcome = row.n;
			continue;
		}
		(void)snprintf(name, sizeof(name), "%.*s", STR_ARG(row.outcome)); /* our words */
		json_kv_i64(j, name, row.n);
	}
	json_object_end(j);
	json_kv_i64(j, "without_outcome", no_outcome);
	json_kv_i64(j, "attempts", dials);
}

static void on_stats(struct req *r, const struct pg_unit *u)
{
	struct json_out j;
	struct api_campaign_get_row c;
	const struct pg_result *found = req_result(r, u, 0);
	if (pg_result_rows(found) == 0) {
		req_not_found(r);
		return;
	}
	get_api_campaign_get(found, 0, &c);
	req_json(r, &j);
	json_object_begin(&j);
	json_kv_id(&j, "campaign_id", ID_CAMPAIGN, c.id);
	json_kv_str(&j, "status", c.status);
	render_counts(&j, &c);
	render_outcomes(&j, req_result(r, u, 1));
	json_kv_time(&j, "started_at", c.started_at);
	json_kv_time(&j, "completed_at", c.completed_at);
	json_object_end(&j);
	req_reply_json(r, 200);
}

void campaigns_stats(struct req *r)
{
	struct uuid ws = r->who.workspace_id, id = r->ids[0];
	struct pg_unit *u = req_read(r);
	add_api_campaign_get(
		u, &(struct api_campaign_get_args){ .workspace_id = ws, .ids = { r->ids, 1 } });
	add_api_campaign_outcomes(
		u, &(struct api_campaign_outcomes_args){ .workspace_id = ws, .campaign_id = id });
	req_submit(r, on_stats);
}
