/* Agents: whom a call is connected to. */
#include "crud.h"
#include "handlers.h"
#include "render.h"
#include "sys/random.h"
#include "wire/sip_trunk.h"

struct agent_in {
	struct str name;
	const struct json_value *endpoint, *variables;
	bool has_name, has_endpoint, has_variables;
	struct str endpoint_text, variables_text;
};

#define AT(member) offsetof(struct agent_in, member)

static const struct json_field fields[] = {
	{ .name = "name",
	  .kind = JSON_K_STR,
	  .offset = AT(name),
	  .present_offset = AT(has_name),
	  .min = 1,
	  .max = 200 },
	{ .name = "endpoint",
	  .kind = JSON_K_OBJECT,
	  .offset = AT(endpoint),
	  .present_offset = AT(has_endpoint) },
	{ .name = "variables",
	  .kind = JSON_K_OBJECT,
	  .offset = AT(variables),
	  .present_offset = AT(has_variables),
	  .nullable = true },
};

static void render_row(struct json_out *j, const struct api_agent_list_row *a)
{
	json_object_begin(j);
	json_kv_id(j, "id", ID_AGENT, a->id);
	json_kv_str(j, "name", a->name);
	render_object(j, "endpoint", a->endpoint);
	render_object(j, "variables", a->variables);
	json_kv_time(j, "created_at", a->created_at);
	json_kv_time(j, "updated_at", a->updated_at);
	json_object_end(j);
}

static struct uuid render(struct req *r, struct json_out *j, const struct pg_result *rows, size_t i)
{
	struct api_agent_list_row row;
	(void)r; /* other kinds need it */
	get_api_agent_list(rows, i, &row);
	render_row(j, &row);
	return row.id;
}

static void add_read(struct req *r, struct uuid id, struct uuid before, int64_t most)
{
	add_api_agent_list(r->unit,
			   &(struct api_agent_list_args){ .workspace_id = r->who.workspace_id,
							  .agent_id = id,
							  .before = before,
							  .most = most });
}

static const struct crud agents = { .kind = ID_AGENT, .add_read = add_read, .render = render };

void agents_list(struct req *r)
{
	crud_list(r, &agents);
}

void agents_get(struct req *r)
{
	crud_get(r, &agents);
}

/* False when it has answered with faults. */
static bool read_input(struct req *r, struct agent_in *in)
{
	*in = (struct agent_in){ .name = STR_NONE };
	req_decode(r, fields, ARRAY_LEN(fields), in);
	in->endpoint_text = req_object_text(r, in->endpoint, "endpoint", VARIABLES_MAX);
	in->variables_text = req_object_text(r, in->variables, "variables", VARIABLES_MAX);
	struct str uri;
	if (in->endpoint != NULL && json_get(in->endpoint, "sip_uri") != NULL)
		(void)sip_agent_decode(in->endpoint, "/endpoint", r->arena, req_faults(r), &uri);
	if (http_request_method(r->http) == HTTP_POST)
		req_require(r, "name");
	if (req_has_faults(r))
		req_fail_validation(r);
	return !req_has_faults(r);
}

void agents_create(struct req *r)
{
	struct json_out j;
	struct agent_in in;
	if (!read_input(r, &in))
		return;
	struct api_agent_list_row row = {
		.id = random_id(r->now),
		.name = in.name,
		.endpoint = in.has_endpoint ? in.endpoint_text : STR("{}"),
		.variables = in.variables_text,
		.created_at = r->now,
		.updated_at = r->now,
	};
	add_api_agent_create(req_effect(r),
			     &(struct api_agent_create_args){ .workspace_id = r->who.workspace_id,
							      .id = row.id,
							      .name = row.name,
							      .endpoint = row.endpoint,
							      .variables = row.variables,
							      .created_at = r->now });
	req_json(r, &j);
	render_row(&j, &row);
	crud_create(r, &agents, row.id, false);
}

void agents_patch(struct req *r)
{
	struct agent_in in;
	if (!read_input(r, &in))
		return;
	add_api_agent_patch(req_read(r),
			    &(struct api_agent_patch_args){ .workspace_id = r->who.workspace_id,
							    .agent_id = r->ids[0],
							    .sets_name = in.has_name,
							    .name = in.name,
							    .sets_endpoint = in.has_endpoint,
							    .endpoint = in.endpoint_text,
							    .sets_variables = in.has_variables,
							    .variables = in.variables_text });
	crud_patch(r, &agents);
}

void agents_delete(struct req *r)
{
	add_api_agent_delete(req_read(r),
			     &(struct api_agent_delete_args){ .workspace_id = r->who.workspace_id,
							      .agent_id = r->ids[0] });
	crud_delete(r, "A campaign that is not finished, or an open call, uses this agent.");
}
