/* One table for both: a PATCH takes those of its fields that may change. */
#include "campaign_input.h"

#include <string.h>

#include "sys/zoneinfo.h"
#include "wire/calling_windows.h"
#include "wire/retry_policy.h"

#define AT(member) offsetof(struct campaign_input, member)
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
	{ .name = "cron",
	  .kind = JSON_K_STR,
	  .offset = AT(cron),
	  NO_FLAG,
	  .nullable = true,
	  .min = 0,
	  .max = CAMPAIGN_CRON_MAX },
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
	  .nullable = true,
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

/* --- single values -------------------------------------------------------------------------- */

bool campaign_input_cron(struct req *r, const char *key, struct str text, struct cron *out)
{
	struct cron_fault fault;
	char why[CRON_FAULT_SIZE];
	if (is_err(cron_parse(text, out, &fault))) {
		cron_fault_print(&fault, why);
		req_fault(r, "", key, "invalid_cron", arena_cstr(r->arena, str_from(why)));
		return false;
	}
	if (out->is_never) {
		req_fault(r, "", key, "invalid_cron", "never fires: no month has such a day");
		return false;
	}
	return true;
}

void campaign_input_timezone(struct req *r, const char *base, const char *key, struct str name)
{
	if (zone_table_find(r->app->zones, name) == NULL)
		req_fault(r, base, key, "invalid_timezone",
			  "must be an IANA time zone, such as Asia/Kolkata");
}

static void check_windows(struct req *r, struct campaign_input *in)
{
	struct calling_windows *w;
	if (in->calling_windows == NULL)
		return;
	w = arena_alloc(r->arena, sizeof(*w));
	if (calling_windows_decode(in->calling_windows, "/calling_windows", r->arena, w,
				   req_faults(r)) &&
	    !w->is_by_target && w->timezone.p != NULL)
		campaign_input_timezone(r, "/calling_windows", "timezone", w->timezone);
	in->windows_text =
		req_object_text(r, in->calling_windows, "calling_windows", VARIABLES_MAX);
}

static void check_values(struct req *r, struct campaign_input *in)
{
	struct cron cron;
	struct retry_policy policy;
	if (in->cron.p != NULL)
		(void)campaign_input_cron(r, "cron", in->cron, &cron); /* faults are kept */
	if (in->timezone.p != NULL)
		campaign_input_timezone(r, "", "timezone", in->timezone);
	if (in->end_at != USEC_NEVER && in->end_at <= r->now)
		req_fault(r, "", "end_at", "validation_error", "must be in the future");
	if (in->retry_policy != NULL)
		(void)retry_policy_decode(in->retry_policy, "/retry_policy", r->arena, &policy,
					  req_faults(r)); /* only judged here; faults are kept */
	in->retry_policy_text = req_object_text(r, in->retry_policy, "retry_policy", VARIABLES_MAX);
	if (in->variables != NULL && json_count(in->variables) > 0)
		in->variables_text = req_object_text(r, in->variables, "variables", VARIABLES_MAX);
	check_windows(r, in);
}

/* --- a new one ------------------------------------------------------------------------------ */

static bool is_given(const struct req *r, const char *key)
{
	const struct json_value *v = json_get(r->body, key);
	return v != NULL && json_type(v) != JSON_NULL;
}

static void need(struct req *r, const char *key)
{
	if (!is_given(r, key))
		req_fault(r, "", key, "validation_error", "is required");
}

static void check_bulk(struct req *r, struct campaign_input *in)
{
	static const char detail[] = "is not taken by a bulk campaign";
	need(r, "rate_limit_per_minute");
	if (in->to_number.p != NULL)
		req_fault(r, "", "to_number", "validation_error", detail);
	if (in->cron.p != NULL)
		req_fault(r, "", "cron", "validation_error", detail);
	if (in->end_at != USEC_NEVER)
		req_fault(r, "", "end_at", "validation_error", detail);
	in->cron = STR_NONE; /* one fault is enough */
	in->end_at = USEC_NEVER;
}

static void check_recurring(struct req *r, const struct campaign_input *in)
{
	static const char detail[] = "is not taken by a recurring campaign";
	need(r, "to_number");
	need(r, "cron");
	if (in->rate != PG_NULL_I64)
		req_fault(r, "", "rate_limit_per_minute", "validation_error", detail);
	if (in->targets != NULL)
		req_fault(r, "", "targets", "validation_error", detail);
}

void campaign_input_read_new(struct req *r, struct campaign_input *in)
{
	*in = (struct campaign_input){ .end_at = USEC_NEVER,
				       .rate = PG_NULL_I64,
				       .max_concurrent = PG_NULL_I64,
				       .max_attempts = 1,
				       .ring_timeout_s = 30,
				       .max_duration_s = 3600 };
	req_decode(r, fields, ARRAY_LEN(fields), in);
	bool is_recurring = str_eq(in->kind, STR("recurring"));
	if (in->kind.p != NULL && !is_recurring && !str_eq(in->kind, STR("bulk")))
		req_fault(r, "", "kind", "validation_error", "must be bulk or recurring");
	if (is_recurring)
		check_recurring(r, in);
	else
		check_bulk(r, in);
	check_values(r, in);
	if (in->targets != NULL && !is_recurring)
		(void)target_rows_read(r, in->targets, &in->rows); /* the fault is collected */
}

/* --- a change ------------------------------------------------------------------------------- */

/* What may change, and of that what null clears. */
static const struct {
	const char *name;
	bool is_nullable;
} changeable[] = {
	{ "name", false },           { "description", true },     { "variables", true },
	{ "cron", false },           { "timezone", false },       { "end_at", true },
	{ "max_concurrent", true },  { "max_attempts", false },   { "retry_policy", true },
	{ "ring_timeout_s", false }, { "max_duration_s", false }, { "calling_windows", true },
};

/* What a campaign shows besides: it is named as such, so that a caller who sends all of it back
 * knows why it is refused. */
static const char *const fixed[] = {
	"id",         "kind",
	"status",     "status_reason",
	"agent_id",   "from_number",
	"to_number",  "rate_limit_per_minute",
	"counts",     "next_occurrence_at",
	"created_at", "updated_at",
	"started_at", "completed_at",
	"warnings",   "targets",
};

static bool is_fixed(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
		if (str_eq(name, str_from(fixed[i])))
			return true;
	}
	return false;
}

/* The table's field as a PATCH takes it. */
static struct json_field field_of(size_t which)
{
	struct json_field f = { .name = NULL };
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (strcmp(fields[i].name, changeable[which].name) == 0)
			f = fields[i];
	}
	ASSERT(f.name != NULL);
	f.required = false;
	f.nullable = changeable[which].is_nullable;
	return f;
}

static void check_names(struct req *r)
{
	for (const struct json_value *m = json_first(r->body); m != NULL; m = json_next(m)) {
		bool is_known = false;
		for (size_t i = 0; i < ARRAY_LEN(changeable); i++)
			is_known |= str_eq(json_name(m), str_from(changeable[i].name));
		if (!is_known)
			req_fault(r, "", arena_cstr(r->arena, json_name(m)), "validation_error",
				  is_fixed(json_name(m)) ? "cannot be changed"
							 : "is not a field of this object");
	}
}

void campaign_input_read_patch(struct req *r, struct campaign_input *in)
{
	struct json_field taken[ARRAY_LEN(changeable)];
	*in = (struct campaign_input){ .end_at = USEC_NEVER,
				       .max_concurrent = PG_NULL_I64,
				       .max_attempts = PG_NULL_I64,
				       .ring_timeout_s = PG_NULL_I64,
				       .max_duration_s = PG_NULL_I64 };
	in->sets = arena_array(r->arena, ARRAY_LEN(changeable), sizeof(*in->sets));
	for (size_t i = 0; i < ARRAY_LEN(changeable); i++) {
		taken[i] = field_of(i);
		if (changeable[i].is_nullable && json_get(r->body, changeable[i].name) != NULL)
			in->sets[in->n_sets++] = str_from(changeable[i].name);
	}
	check_names(r);
	(void)json_decode(r->body,
			  (struct json_decoder){ .fields = taken,
						 .n = ARRAY_LEN(taken),
						 .base = "",
						 .arena = r->arena,
						 .faults = req_faults(r) },
			  in); /* faults are asked for together at the end */
	check_values(r, in);
}
