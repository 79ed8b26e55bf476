/* The key's own workspace: its name and timezone, and with the scope operator its limits. */
#include "handlers.h"
#include "limits.h"
#include "render.h"
#include "sys/zoneinfo.h"

struct credit_in {
	int64_t add_s;
};

struct workspace_in {
	struct str name, timezone;
	int64_t calls_per_minute, max_concurrent, requests_per_minute, billing_increment_s;
	bool has_name, has_timezone, has_rate, has_concurrent, has_requests, has_increment;
};

#define CREDIT_MAX INT64_C(1000000000000)

#define AT(member) offsetof(struct workspace_in, member)

static const struct json_field fields[] = {
	{ .name = "name",
	  .kind = JSON_K_STR,
	  .offset = AT(name),
	  .present_offset = AT(has_name),
	  .min = 1,
	  .max = 200 },
	{ .name = "timezone",
	  .kind = JSON_K_STR,
	  .offset = AT(timezone),
	  .present_offset = AT(has_timezone),
	  .min = 1,
	  .max = ZONEINFO_NAME_MAX },
	{ .name = "calls_per_minute",
	  .kind = JSON_K_I64,
	  .offset = AT(calls_per_minute),
	  .present_offset = AT(has_rate),
	  .nullable = true,
	  .min = 1,
	  .max = RATE_MAX },
	{ .name = "max_concurrent",
	  .kind = JSON_K_I64,
	  .offset = AT(max_concurrent),
	  .present_offset = AT(has_concurrent),
	  .nullable = true,
	  .min = 1,
	  .max = CONCURRENT_MAX },
	{ .name = "requests_per_minute",
	  .kind = JSON_K_I64,
	  .offset = AT(requests_per_minute),
	  .present_offset = AT(has_requests),
	  .nullable = true,
	  .min = 1,
	  .max = RATE_MAX },
	{ .name = "billing_increment_s",
	  .kind = JSON_K_I64,
	  .offset = AT(billing_increment_s),
	  .present_offset = AT(has_increment),
	  .min = 1,
	  .max = 3600 },
};

static void reply(struct req *r, const struct api_workspace_get_row *w)
{
	struct json_out j;
	req_json(r, &j);
	json_object_begin(&j);
	json_kv_id(&j, "id", ID_WORKSPACE, w->id);
	json_kv_str(&j, "name", w->name);
	json_kv_str(&j, "timezone", w->timezone);
	render_i64_or_null(&j, "calls_per_minute", w->calls_per_minute);
	render_i64_or_null(&j, "max_concurrent", w->max_concurrent);
	render_i64_or_null(&j, "requests_per_minute", w->requests_per_minute);
	json_kv_i64(&j, "billing_increment_s", w->billing_increment_s);
	render_i64_or_null(&j, "credit_s", w->credit_s);
	json_kv_time(&j, "created_at", w->created_at);
	json_kv_time(&j, "updated_at", w->updated_at);
	json_object_end(&j);
	req_reply_json(r, 200);
}

static void on_got(struct req *r, const struct pg_unit *u)
{
	struct api_workspace_get_row row;
	get_api_workspace_get(req_result(r, u, 0), 0, &row); /* the key refers to it */
	reply(r, &row);
}

void workspace_get(struct req *r)
{
	add_api_workspace_get(req_read(r), &(struct api_workspace_get_args){
						   .workspace_id = r->who.workspace_id });
	req_submit(r, on_got);
}

static void on_patched(struct req *r, const struct pg_unit *u)
{
	struct api_workspace_get_row row;
	get_api_workspace_get(req_result(r, u, 1), 0, &row);
	limits_tell(r, CONTROL_SCOPE_WORKSPACE, row.id, row.calls_per_minute);
	reply(r, &row);
}

void workspace_patch(struct req *r)
{
	struct workspace_in in = { .calls_per_minute = PG_NULL_I64,
				   .max_concurrent = PG_NULL_I64,
				   .requests_per_minute = PG_NULL_I64 };
	req_decode(r, fields, ARRAY_LEN(fields), &in);
	if (in.timezone.n > 0 && zone_table_find(r->app->zones, in.timezone) == NULL)
		req_fault(r, "", "timezone", "invalid_timezone",
			  "must be an IANA time zone, such as Asia/Kolkata");
	if ((in.has_rate || in.has_concurrent || in.has_requests || in.has_increment) &&
	    (r->who.scopes & 1u << SCOPE_OPERATOR) == 0) {
		req_fail_scope(r, SCOPE_OPERATOR);
		return;
	}
	if (req_has_faults(r)) {
		req_fail_validation(r);
		return;
	}
	struct pg_unit *u = req_read(r);
	add_api_workspace_patch(u, &(struct api_workspace_patch_args){
					   .workspace_id = r->who.workspace_id,
					   .sets_name = in.has_name,
					   .name = in.name,
					   .sets_timezone = in.has_timezone,
					   .timezone = in.timezone,
					   .sets_rate = in.has_rate,
					   .calls_per_minute = in.calls_per_minute,
					   .sets_concurrent = in.has_concurrent,
					   .max_concurrent = in.max_concurrent,
					   .sets_requests = in.has_requests,
					   .requests_per_minute = in.requests_per_minute,
					   .sets_increment = in.has_increment,
					   .billing_increment_s = in.billing_increment_s });
	add_api_workspace_get(
		u, &(struct api_workspace_get_args){ .workspace_id = r->who.workspace_id });
	req_submit(r, on_patched);
}

/* --- credit --------------------------------------------------------------------------------- */

static const struct json_field credit_fields[] = {
	{ .name = "add_s",
	  .kind = JSON_K_I64,
	  .offset = offsetof(struct credit_in, add_s),
	  .present_offset = SIZE_MAX,
	  .required = true,
	  .min = -CREDIT_MAX,
	  .max = CREDIT_MAX },
};

static void on_credited(struct req *r, const struct pg_unit *u)
{
	const struct credit_in *in = r->state;
	struct api_workspace_credit_row row;
	struct json_out j;
	get_api_workspace_credit(req_result(r, u, 0), 0, &row); /* the key refers to it */
	req_json(r, &j);
	json_object_begin(&j);
	json_kv_i64(&j, "added_s", in->add_s);
	json_kv_i64(&j, "credit_s", row.credit_s);
	json_object_end(&j);
	req_reply_json(r, 200);
}

void workspace_credit(struct req *r)
{
	struct credit_in *in = arena_alloc(r->arena, sizeof(*in));
	r->state = in;
	req_decode(r, credit_fields, ARRAY_LEN(credit_fields), in);
	if (req_has_faults(r)) {
		req_fail_validation(r);
		return;
	}
	add_api_workspace_credit(
		req_effect(r),
		&(struct api_workspace_credit_args){
			.workspace_id = r->who.workspace_id,
			.add_s = in->add_s,
			.key = r->idem_key,
			.request_hash = { (const char *)r->idem_hash, SHA256_SIZE } });
	req_submit(r, on_credited);
}
