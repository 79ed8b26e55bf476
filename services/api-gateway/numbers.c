/* Numbers: where a call comes from. One owner per installation. */
#include "crud.h"
#include "handlers.h"
#include "limits.h"
#include "render.h"
#include "sys/random.h"

struct number_in {
	struct str e164;
	struct uuid trunk_id;
	int64_t calls_per_minute, max_concurrent;
	bool has_e164, has_trunk, has_rate, has_concurrent;
};

#define AT(member) offsetof(struct number_in, member)

static const struct json_field fields[] = {
	{ .name = "e164", .kind = JSON_K_E164, .offset = AT(e164), .present_offset = AT(has_e164) },
	{ .name = "trunk_id",
	  .kind = JSON_K_ID,
	  .offset = AT(trunk_id),
	  .present_offset = AT(has_trunk),
	  .id = ID_TRUNK },
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
};

static void render_row(struct json_out *j, const struct api_number_list_row *n)
{
	json_object_begin(j);
	json_kv_id(j, "id", ID_NUMBER, n->id);
	json_kv_str(j, "e164", n->e164);
	json_kv_id(j, "trunk_id", ID_TRUNK, n->trunk_id);
	render_i64_or_null(j, "calls_per_minute", n->calls_per_minute);
	render_i64_or_null(j, "max_concurrent", n->max_concurrent);
	json_kv_time(j, "created_at", n->created_at);
	json_kv_time(j, "updated_at", n->updated_at);
	json_object_end(j);
}

static struct uuid render(struct req *r, struct json_out *j, const struct pg_result *rows, size_t i)
{
	struct api_number_list_row row;
	(void)r; /* other kinds need it */
	get_api_number_list(rows, i, &row);
	render_row(j, &row);
	return row.id;
}

static void add_read(struct req *r, struct uuid id, struct uuid before, int64_t most)
{
	add_api_number_list(r->unit,
			    &(struct api_number_list_args){ .workspace_id = r->who.workspace_id,
							    .number_id = id,
							    .before = before,
							    .most = most });
}

static void after_patch(struct req *r, const struct pg_result *rows)
{
	struct api_number_list_row row;
	get_api_number_list(rows, 0, &row);
	limits_tell(r, CONTROL_SCOPE_NUMBER, row.id, row.calls_per_minute);
}

static const struct crud numbers = {
	.kind = ID_NUMBER, .add_read = add_read, .render = render, .after_patch = after_patch
};

void numbers_list(struct req *r)
{
	crud_list(r, &numbers);
}

void numbers_get(struct req *r)
{
	crud_get(r, &numbers);
}

static bool read_input(struct req *r, struct number_in *in)
{
	bool is_new = http_request_method(r->http) == HTTP_POST;
	*in = (struct number_in){ .calls_per_minute = PG_NULL_I64, .max_concurrent = PG_NULL_I64 };
	req_decode(r, fields, ARRAY_LEN(fields), in);
	if (is_new) {
		req_require(r, "e164");
		req_require(r, "trunk_id");
	} else if (in->has_e164)
		req_fault(r, "", "e164", "validation_error", "cannot be changed");
	if (req_has_faults(r))
		req_fail_validation(r);
	return !req_has_faults(r);
}

void numbers_create(struct req *r)
{
	struct json_out j;
	struct number_in in;
	if (!read_input(r, &in))
		return;
	struct api_number_list_row row = {
		.id = random_id(r->now),
		.e164 = in.e164,
		.trunk_id = in.trunk_id,
		.calls_per_minute = in.calls_per_minute,
		.max_concurrent = in.max_concurrent,
		.created_at = r->now,
		.updated_at = r->now,
	};
	add_api_number_create(req_effect(r), &(struct api_number_create_args){
						     .workspace_id = r->who.workspace_id,
						     .id = row.id,
						     .e164 = row.e164,
						     .trunk_id = row.trunk_id,
						     .calls_per_minute = row.calls_per_minute,
						     .max_concurrent = row.max_concurrent,
						     .created_at = r->now });
	req_json(r, &j);
	render_row(&j, &row);
	crud_create(r, &numbers, row.id, false);
}

void numbers_patch(struct req *r)
{
	struct number_in in;
	if (!read_input(r, &in))
		return;
	add_api_number_patch(req_read(r), &(struct api_number_patch_args){
						  .workspace_id = r->who.workspace_id,
						  .number_id = r->ids[0],
						  .sets_trunk = in.has_trunk,
						  .trunk_id = in.trunk_id,
						  .sets_rate = in.has_rate,
						  .calls_per_minute = in.calls_per_minute,
						  .sets_concurrent = in.has_concurrent,
						  .max_concurrent = in.max_concurrent });
	crud_patch(r, &numbers);
}

void numbers_delete(struct req *r)
{
	add_api_number_delete(req_read(r),
			      &(struct api_number_delete_args){ .workspace_id = r->who.workspace_id,
								.number_id = r->ids[0] });
	crud_delete(r, "A campaign that is not finished, or an open call, calls from this number.");
}
