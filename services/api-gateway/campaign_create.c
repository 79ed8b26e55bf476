/* POST /v1/campaigns: everything is judged first, then the references are read, then one unit makes
 * the campaign with its targets. The answer is known before the unit runs, so that it can be stored
 * in it. */
#include <string.h>

#include "handlers.h"
#include "queue/control.h"
#include "render.h"
#include "sys/random.h"
#include "sys/zoneinfo.h"
#include "target_rows.h"
#include "wire/retry_policy.h"

struct campaign_in {
	struct str kind, name, description, from_number, timezone;
	struct str to_number, cron;
	usec_t end_at;
	struct uuid agent_id;
	int64_t rate, max_concurrent, max_attempts, ring_timeout_s, max_duration_s;
	const struct json_value *variables, *retry_policy, *calling_windows, *targets;
	struct str variables_text, retry_policy_text;
	struct target_rows rows;
	struct uuid id;
};

#define AT(member) offsetof(struct campaign_in, member)
#define NO_FLAG .present_offset = SIZE_MAX

static const struct json_field fields[] = {
	{ .name = "kind", .kind = JSON_K_STR, .offset = AT(kind), NO_FLAG, .required = true },
	{ .name = "name",
	  .kind = JSON_K_STR,
	  .offset = AT(name),
	  NO_FLAG,
	  .required = true,
	  .min = 1,
	  .max = 200 },
	{ .name = "description",
	  .kind = JSON_K_STR,
	  .offset = AT(description),
	  NO_FLAG,
	  .nullable = true,
	  .max = 2000 },
	{ .name = "agent_id",
	  .kind = JSON_K_ID,
	  .offset = AT(agent_id),
	  NO_FLAG,
	  .required = true,
	  .id = ID_AGENT },
	{ .name = "from_number",
	  .kind = JSON_K_E164,
	  .offset = AT(from_number),
	  NO_FLAG,
	  .required = true },
	{ .name = "variables",
	  .kind = JSON_K_OBJECT,
	  .offset = AT(variables),
	  NO_FLAG,
	  .nullable = true },
	{ .name = "to_number",
	  .kind = JSON_K_E164,
	  .offset = AT(to_number),
	  NO_FLAG,
	  .nullable = true },
	{ .name = "cron", .kind = JSON_K_STR, .offset = AT(cron), NO_FLAG, .nullable = true },
	{ .name = "timezone",
	  .kind = JSON_K_STR,
	  .offset = AT(timezone),
	  NO_FLAG,
	  .nullable = true,
	  .min = 0,
	  .max = ZONEINFO_NAME_MAX },
	{ .name = "end_at", .kind = JSON_K_TIME, .offset = AT(end_at), NO_FLAG, .nullable = true },
	{ .name = "rate_limit_per_minute",
	  .kind = JSON_K_I64,
	  .offset = AT(rate),
	  NO_FLAG,
	  .min = 1,
	  .max = 600000 },
	{ .name = "max_concurrent",
	  .kind = JSON_K_I64,
	  .offset = AT(max_concurrent),
	  NO_FLAG,
	  .nullable = true,
	  .min = 1,
	  .max = 1000000 },
	{ .name = "max_attempts",
	  .kind = JSON_K_I64,
	  .offset = AT(max_attempts),
	  NO_FLAG,
	  .min = 1,
	  .max = 10 },
	{ .name = "retry_policy",
	  .kind = JSON_K_OBJECT,
	  .offset = AT(retry_policy),
	  NO_FLAG,
	  .nullable = true },
	{ .name = "ring_timeout_s",
	  .kind = JSON_K_I64,
	  .offset = AT(ring_timeout_s),
	  NO_FLAG,
	  .min = 1,
	  .max = 600 },
	{ .name = "max_duration_s",
	  .kind = JSON_K_I64,
	  .offset = AT(max_duration_s),
	  NO_FLAG,
	  .min = 1,
	  .max = 86400 },
	{ .name = "calling_windows",
	  .kind = JSON_K_OBJECT,
	  .offset = AT(calling_windows),
	  NO_FLAG,
	  .nullable = true },
	{ .name = "targets", .kind = JSON_K_ARRAY, .offset = AT(targets), NO_FLAG },
};

static void check_bulk(struct req *r, const struct campaign_in *in)
{
	static const char detail[] = "is not taken by a bulk campaign";
	req_require(r, "rate_limit_per_minute");
	if (in->to_number.p != NULL)
		req_fault(r, "", "to_number", "validation_error", detail);
	if (in->cron.p != NULL)
		req_fault(r, "", "cron", "validation_error", detail);
	if (in->end_at != USEC_NEVER)
		req_fault(r, "", "end_at", "validation_error", detail);
}

static void check_rest(struct req *r, struct campaign_in *in)
{
	struct retry_policy policy;
	if (in->timezone.p != NULL && zone_table_find(r->app->zones, in->timezone) == NULL)
		req_fault(r, "", "timezone", "invalid_timezone",
			  "must be an IANA time zone, such as Asia/Kolkata");
	if (in->retry_policy != NULL)
		(void)retry_policy_decode(in->retry_policy, "/retry_policy", r->arena, &policy,
					  req_faults(r)); /* only judged here; faults are kept */
	in->retry_policy_text = req_object_text(r, in->retry_policy, "retry_policy", VARIABLES_MAX);
	if (in->variables != NULL && json_count(in->variables) > 0)
		in->variables_text = req_object_text(r, in->variables, "variables", VARIABLES_MAX);
	if (in->targets != NULL)
		(void)target_rows_read(r, in->targets, &in->rows); /* the fault is collected */
}

/* What the new row will hold. */
static struct api_campaign_get_row row_of(const struct req *r, const struct campaign_in *in)
{
	return (struct api_campaign_get_row){
		.id = in->id,
		.kind = in->kind,
		.name = in->name,
		.description = in->description,
		.status = STR("draft"),
		.agent_id = in->agent_id,
		.from_number = in->from_number,
		.variables = in->variables_text,
		.timezone = in->timezone,
		.end_at = USEC_NEVER,
		.rate_per_minute = in->rate,
		.max_concurrent = in->max_concurrent,
		.max_attempts = in->max_attempts,
		.retry_policy = in->retry_policy_text,
		.ring_timeout_s = in->ring_timeout_s,
		.max_duration_s = in->max_duration_s,
		.total = (int64_t)in->rows.n,
		.pending = (int64_t)in->rows.n,
		.next_occurrence_at = USEC_NEVER,
		.created_at = r->now,
		.updated_at = r->now,
		.started_at = USEC_NEVER,
		.completed_at = USEC_NEVER,
	};
}

static void render_created(struct req *r, const struct campaign_in *in)
{
	struct json_out j;
	struct api_campaign_get_row row = row_of(r, in);
	req_json(r, &j);
	render_campaign_open(&j, &row);
	if (in->targets != NULL) {
		json_key(&j, "targets");
		target_rows_head(&in->rows, j.b);
		strbuf_add_i64(j.b, (int64_t)in->rows.n);
		target_rows_mid(j.b);
		strbuf_add_i64(j.b, (int64_t)in->rows.dupes);
		target_rows_tail(&in->rows, j.b);
	}
	json_object_end(&j);
}

static void on_created(struct req *r, const struct pg_unit *u)
{
	const struct campaign_in *in = r->state;
	(void)u; /* the answer stands in r->out */
	req_reply_created(r, ID_CAMPAIGN, in->id);
}

static void create(struct req *r, const struct campaign_in *in, struct uuid number_id)
{
	struct pg_unit *u = req_effect(r);
	add_api_campaign_create(
		u, &(struct api_campaign_create_args){ .workspace_id = r->who.workspace_id,
						       .id = in->id,
						       .name = in->name,
						       .description = in->description,
						       .agent_id = in->agent_id,
						       .number_id = number_id,
						       .variables = in->variables_text,
						       .timezone = in->timezone,
						       .rate_per_minute = in->rate,
						       .max_concurrent = in->max_concurrent,
						       .max_attempts = in->max_attempts,
						       .retry_policy = in->retry_policy_text,
						       .ring_timeout_s = in->ring_timeout_s,
						       .max_duration_s = in->max_duration_s,
						       .created_at = r->now });
	if (in->rows.n > 0)
		targets_add_append(r, in->id, &in->rows, false);
	render_created(r, in);
	req_effect_keep(r, 201, false);
	req_submit(r, on_created);
}

static void on_refs(struct req *r, const struct pg_unit *u)
{
	struct campaign_in *in = r->state;
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
	if (in->timezone.p == NULL)
		in->timezone = arena_str(r->arena, refs.timezone);
	create(r, in, refs.number_id);
}

void campaigns_create(struct req *r)
{
	struct campaign_in *in = arena_alloc(r->arena, sizeof(*in));
	*in = (struct campaign_in){ .end_at = USEC_NEVER,
				    .rate = PG_NULL_I64,
				    .max_concurrent = PG_NULL_I64,
				    .max_attempts = 1,
				    .ring_timeout_s = 30,
				    .max_duration_s = 3600 };
	r->state = in;
	req_decode(r, fields, ARRAY_LEN(fields), in);
	if (str_eq(in->kind, STR("recurring"))) {
		req_fail(r, PROBLEM_NOT_IMPLEMENTED, "Recurring campaigns are not served yet.");
		return;
	}
	if (in->kind.p != NULL && !str_eq(in->kind, STR("bulk")))
		req_fault(r, "", "kind", "validation_error", "must be bulk or recurring");
	check_bulk(r, in);
	check_rest(r, in);
	if (req_has_faults(r)) {
		req_fail_validation(r);
		return;
	}
	if (in->calling_windows != NULL) {
		req_fail(r, PROBLEM_NOT_IMPLEMENTED, "Calling windows are not served yet.");
		return;
	}
	in->id = random_id(r->now);
	struct pg_unit *u = req_read(r);
	add_api_campaign_refs(u,
			      &(struct api_campaign_refs_args){ .workspace_id = r->who.workspace_id,
								.agent_id = in->agent_id,
								.from_number = in->from_number });
	req_submit(r, on_refs);
}
