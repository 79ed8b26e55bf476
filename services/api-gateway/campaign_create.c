/* POST /v1/campaigns: everything is judged first, then the references are read, then one unit makes
 * the campaign with its targets. The answer is known before the unit runs, so that it can be stored
 * in it. */
#include <string.h>

#include "campaign_input.h"
#include "handlers.h"
#include "queue/control.h"
#include "render.h"
#include "sys/random.h"

struct creation {
	struct campaign_input in;
	struct uuid id;
};

/* What the new row will hold. */
static struct api_campaign_get_row row_of(const struct req *r, const struct creation *c)
{
	return (struct api_campaign_get_row){
		.id = c->id,
		.kind = c->in.kind,
		.name = c->in.name,
		.description = c->in.description,
		.status = STR("draft"),
		.agent_id = c->in.agent_id,
		.from_number = c->in.from_number,
		.variables = c->in.variables_text,
		.to_number = c->in.to_number,
		.cron = c->in.cron,
		.timezone = c->in.timezone,
		.end_at = c->in.end_at,
		.rate_per_minute = c->in.rate,
		.max_concurrent = c->in.max_concurrent,
		.max_attempts = c->in.max_attempts,
		.retry_policy = c->in.retry_policy_text,
		.ring_timeout_s = c->in.ring_timeout_s,
		.max_duration_s = c->in.max_duration_s,
		.calling_windows = c->in.windows_text,
		.total = (int64_t)c->in.rows.n,
		.pending = (int64_t)c->in.rows.n,
		.seen_at = r->now,
		.created_at = r->now,
		.updated_at = r->now,
		.started_at = USEC_NEVER,
		.completed_at = USEC_NEVER,
	};
}

static void render_created(struct req *r, const struct creation *c)
{
	struct json_out j;
	struct api_campaign_get_row row = row_of(r, c);
	req_json(r, &j);
	render_campaign_open(&j, &row, r->app->zones);
	if (c->in.targets != NULL) {
		json_key(&j, "targets");
		target_rows_head(&c->in.rows, j.b);
		strbuf_add_i64(j.b, (int64_t)c->in.rows.n);
		target_rows_mid(j.b);
		strbuf_add_i64(j.b, (int64_t)c->in.rows.dupes);
		target_rows_tail(&c->in.rows, j.b);
	}
	json_object_end(&j);
}

static void on_created(struct req *r, const struct pg_unit *u)
{
	const struct creation *c = r->state;
	(void)u; /* the answer stands in r->out */
	req_reply_created(r, ID_CAMPAIGN, c->id);
}

static void create(struct req *r, const struct creation *c, struct uuid number_id)
{
	struct pg_unit *u = req_effect(r);
	req_makes(r, ID_CAMPAIGN, c->id);
	add_api_campaign_create(
		u, &(struct api_campaign_create_args){ .workspace_id = r->who.workspace_id,
						       .id = c->id,
						       .kind = c->in.kind,
						       .name = c->in.name,
						       .description = c->in.description,
						       .agent_id = c->in.agent_id,
						       .number_id = number_id,
						       .variables = c->in.variables_text,
						       .to_number = c->in.to_number,
						       .cron = c->in.cron,
						       .timezone = c->in.timezone,
						       .end_at = c->in.end_at,
						       .rate_per_minute = c->in.rate,
						       .max_concurrent = c->in.max_concurrent,
						       .max_attempts = c->in.max_attempts,
						       .retry_policy = c->in.retry_policy_text,
						       .ring_timeout_s = c->in.ring_timeout_s,
						       .max_duration_s = c->in.max_duration_s,
						       .calling_windows = c->in.windows_text,
						       .created_at = r->now });
	if (c->in.rows.n > 0)
		targets_add_append(r, c->id, &c->in.rows, false);
	render_created(r, c);
	req_effect_keep(r, 201, false);
	req_submit(r, on_created);
}

static void on_refs(struct req *r, const struct pg_unit *u)
{
	struct creation *c = r->state;
	struct api_campaign_refs_row refs;
	get_api_campaign_refs(req_result(r, u, 0), 0, &refs);
	struct problem p = { .code = PROBLEM_CODE_COUNT };
	if (uuid_is_nil(refs.agent_id)) {
		p.code = PROBLEM_NOT_FOUND;
		p.detail = "There is no such agent in this workspace.";
		req_fault(r, "", "agent_id", "not_found", p.detail);
	} else if (uuid_is_nil(refs.number_id)) {
		p.code = PROBLEM_NUMBER_NOT_OWNED;
		p.detail = "from_number is not a number of this workspace.";
		req_fault(r, "", "from_number", "number_not_owned", p.detail);
	}
	if (p.code != PROBLEM_CODE_COUNT) {
		p.faults = r->faults;
		req_fail_with(r, &p);
		return;
	}
	if (c->in.timezone.p == NULL)
		c->in.timezone = arena_str(r->arena, refs.timezone);
	create(r, c, refs.number_id);
}

void campaigns_create(struct req *r)
{
	struct creation *c = arena_alloc(r->arena, sizeof(*c));
	r->state = c;
	campaign_input_read_new(r, &c->in);
	if (req_has_faults(r)) {
		req_fail_validation(r);
		return;
	}
	c->id = random_id(r->now);
	struct pg_unit *u = req_read(r);
	add_api_campaign_refs(u,
			      &(struct api_campaign_refs_args){ .workspace_id = r->who.workspace_id,
								.agent_id = c->in.agent_id,
								.from_number = c->in.from_number });
	req_submit(r, on_refs);
}
