/* POST /v1/scheduled-calls: an ad hoc call, now or at an instant. Everything is judged first, then
 * the references are read, then one unit makes the call and stores the answer under the key. What is
 * due before the scheduler's feeder would look is appended to the due stream right after the commit;
 * an append that is lost is made good by the scheduler's sweeper. */
#include "handlers.h"
#include "queue/control.h"
#include "queue/due.h"
#include "render.h"
#include "sys/random.h"
#include "target_rows.h"
#include "wire/retry_policy.h"

/* Callers' clocks go wrong by a little: so far in the past is now. */
#define SKEW_US (60 * USEC_PER_SEC)
#define AHEAD_MAX_US (366 * 86400 * USEC_PER_SEC)
/* A little more than the feeder's horizon: what falls due sooner it may have passed already. */
#define APPEND_HORIZON_US (12 * USEC_PER_SEC)

struct call_in {
	struct str to_number, from_number, external_id;
	struct uuid agent_id;
	usec_t scheduled_at;
	int64_t max_attempts;
	const struct json_value *variables, *retry_policy;
	struct str variables_text, retry_policy_text;
	struct uuid id;
	usec_t due_at;
	int64_t catch_up_s; /* PG_NULL_I64: late is better than never */
	struct api_call_refs_row refs;
};

#define AT(member) offsetof(struct call_in, member)
#define NO_FLAG .present_offset = SIZE_MAX

static const struct json_field fields[] = {
	{ .name = "to_number",
	  .kind = JSON_K_E164,
	  .offset = AT(to_number),
	  NO_FLAG,
	  .required = true },
	{ .name = "from_number",
	  .kind = JSON_K_E164,
	  .offset = AT(from_number),
	  NO_FLAG,
	  .required = true },
	{ .name = "agent_id",
	  .kind = JSON_K_ID,
	  .offset = AT(agent_id),
	  NO_FLAG,
	  .required = true,
	  .id = ID_AGENT },
	{ .name = "scheduled_at",
	  .kind = JSON_K_TIME,
	  .offset = AT(scheduled_at),
	  NO_FLAG,
	  .nullable = true },
	{ .name = "variables",
	  .kind = JSON_K_OBJECT,
	  .offset = AT(variables),
	  NO_FLAG,
	  .nullable = true },
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
	{ .name = "external_id",
	  .kind = JSON_K_STR,
	  .offset = AT(external_id),
	  NO_FLAG,
	  .nullable = true,
	  .max = 255 },
};

/* Whole milliseconds, as a due entry has them: now is rounded down, an instant up, for it is never
 * early. */
static void check_instant(struct req *r, struct call_in *in)
{
	in->due_at = r->now / USEC_PER_MS * USEC_PER_MS;
	in->catch_up_s = PG_NULL_I64;
	if (in->scheduled_at == USEC_NEVER)
		return;
	if (in->scheduled_at < r->now - SKEW_US) {
		req_fault(r, "", "scheduled_at", "validation_error",
			  "is in the past: give a later instant, or leave it out to call now");
	} else if (in->scheduled_at > r->now + AHEAD_MAX_US) {
		req_fault(r, "", "scheduled_at", "validation_error",
			  "is more than a year ahead: schedule the call later");
	} else if (in->scheduled_at > in->due_at) {
		in->due_at = (in->scheduled_at + USEC_PER_MS - 1) / USEC_PER_MS * USEC_PER_MS;
		in->catch_up_s = r->app->settings.catch_up_s;
	}
}

static void check_rest(struct req *r, struct call_in *in)
{
	struct retry_policy policy;
	if (in->retry_policy != NULL)
		(void)retry_policy_decode(in->retry_policy, "/retry_policy", r->arena, &policy,
					  req_faults(r)); /* only judged here; faults are kept */
	in->retry_policy_text = req_object_text(r, in->retry_policy, "retry_policy", VARIABLES_MAX);
	if (in->variables != NULL && json_count(in->variables) > 0)
		in->variables_text = req_object_text(r, in->variables, "variables", VARIABLES_MAX);
}

static void render_created(struct req *r, const struct call_in *in)
{
	struct api_call_get_row row = {
		.id = in->id,
		.to_number = in->to_number,
		.from_number = in->from_number,
		.agent_id = in->agent_id,
		.scheduled_at = in->due_at,
		.next_attempt_at = in->due_at,
		.status = STR("scheduled"),
		.external_id = in->external_id,
		.variables = in->variables_text,
		.created_at = r->now,
		.updated_at = r->now,
	};
	calls_render(r, &row, NULL);
}

static int64_t or_zero(int64_t v)
{
	return v == PG_NULL_I64 ? 0 : v;
}

static void append(struct req *r, const struct call_in *in)
{
	const struct api_call_refs_row *refs = &in->refs;
	struct due_entry e = {
		.call_id = in->id,
		.workspace_id = r->who.workspace_id,
		.number_id = refs->number_id,
		.due_at = in->due_at,
		.limits = { .workspace_per_min = or_zero(refs->workspace_per_minute),
			    .number_per_min = or_zero(refs->number_per_minute) },
		.limits_at = r->now,
	};
	if (in->due_at <= r->now + APPEND_HORIZON_US && refs->shard >= 0 &&
	    refs->shard < WIRE_SHARDS)
		due_append(r->app->redis, &(struct due_batch){ (int)refs->shard, &e, 1 }, NULL,
			   NULL);
}

static void fail_refs(struct req *r, bool has_agent)
{
	struct problem p = { .code = has_agent ? PROBLEM_NUMBER_NOT_OWNED : PROBLEM_NOT_FOUND };
	p.detail = has_agent ? "from_number is not a number of this workspace."
			     : "There is no such agent in this workspace.";
	req_fault(r, "", has_agent ? "from_number" : "agent_id", problem_name(p.code), p.detail);
	p.faults = r->faults;
	req_fail_with(r, &p);
}

static void on_created(struct req *r, const struct pg_unit *u)
{
	const struct call_in *in = r->state;
	struct api_call_create_row row;
	/* After the answer's storing, and the trace's. */
	get_api_call_create(req_result(r, u, r->has_trace ? 2 : 1), 0, &row);
	append(r, in);
	if (row.deliveries > 0)
		control_wake_senders(r->app->redis);
	req_reply_created(r, ID_CALL, in->id);
}

/* Passed on as it came, or not at all; of several headers the first. */
static struct str tracestate_of(const struct req *r)
{
	struct str given = str_trim(http_request_header(r->http, "tracestate"));
	return trace_state_is_valid(given) ? given : STR_NONE;
}

static void create(struct req *r, const struct call_in *in)
{
	struct pg_unit *u = req_effect(r);
	req_makes(r, ID_CALL, in->id);
	render_created(r, in);
	/* Before the call: what publishes stands last. */
	req_effect_keep(r, 201, false);
	if (r->has_trace)
		add_api_call_trace(
			u, &(struct api_call_trace_args){ .workspace_id = r->who.workspace_id,
							  .call_id = in->id,
							  .trace_id = r->trace.id,
							  .flags = r->trace.flags,
							  .tracestate = tracestate_of(r) });
	add_api_call_create(u,
			    &(struct api_call_create_args){ .workspace_id = r->who.workspace_id,
							    .id = in->id,
							    .number_id = in->refs.number_id,
							    .agent_id = in->agent_id,
							    .to_number = in->to_number,
							    .from_number = in->from_number,
							    .external_id = in->external_id,
							    .variables = in->variables_text,
							    .max_attempts = in->max_attempts,
							    .retry_policy = in->retry_policy_text,
							    .due_at = in->due_at,
							    .catch_up_s = in->catch_up_s,
							    .created_at = r->now });
	req_submit(r, on_created);
}

void calls_prepare(struct req *r)
{
	struct call_in *in = arena_alloc(r->arena, sizeof(*in));
	*in = (struct call_in){ .scheduled_at = USEC_NEVER, .max_attempts = 1 };
	r->state = in;
	req_decode(r, fields, ARRAY_LEN(fields), in);
	check_instant(r, in);
	check_rest(r, in);
	if (req_has_faults(r)) /* a stored answer goes before them */
		return;
	in->id = random_id(r->now);
	if (!r->has_trace)
		r->trace.id = in->id; /* the call's own: nothing to be stored */
	add_api_call_refs(r->unit,
			  &(struct api_call_refs_args){ .workspace_id = r->who.workspace_id,
							.agent_id = in->agent_id,
							.from_number = in->from_number });
}

void calls_create(struct req *r)
{
	struct call_in *in = r->state;
	if (req_has_faults(r)) {
		req_fail_validation(r);
		return;
	}
	get_api_call_refs(pg_unit_result(r->looked, 1), 0, &in->refs);
	if (uuid_is_nil(in->refs.agent_id) || uuid_is_nil(in->refs.number_id))
		fail_refs(r, !uuid_is_nil(in->refs.agent_id));
	else if (!in->refs.has_credit)
		req_fail_credit(r);
	else
		create(r, in);
}
