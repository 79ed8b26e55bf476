/* Changes of a webhook endpoint: PATCH, enable, disable, rotate-secret. The endpoint is read, the
 * answer made of what it will be, and the change committed together with the answer, provided that
 * the endpoint is still as it was read. */
#include "base/mem.h"
#include "endpoint.h"
#include "handlers.h"
#include "queue/control.h"

#define OVERLAP_DEFAULT_S (24 * 3600)
#define OVERLAP_MAX_S (7 * 24 * 3600)

enum change_kind { CHANGE_PATCH = 0, CHANGE_ENABLE, CHANGE_DISABLE, CHANGE_ROTATE };

struct change {
	enum change_kind kind;
	/* PATCH */
	struct str url, description;
	const struct json_value *events;
	bool has_url, has_description, has_events;
	struct pg_array types;
	/* rotate-secret */
	int64_t overlap_s;
	bool is_forced;
};

#define AT(member) offsetof(struct change, member)

static const struct json_field patch_fields[] = {
	{ .name = "url",
	  .kind = JSON_K_STR,
	  .offset = AT(url),
	  .present_offset = AT(has_url),
	  .min = 1,
	  .max = ENDPOINT_URL_MAX },
	{ .name = "events",
	  .kind = JSON_K_ARRAY,
	  .offset = AT(events),
	  .present_offset = AT(has_events) },
	{ .name = "description",
	  .kind = JSON_K_STR,
	  .offset = AT(description),
	  .present_offset = AT(has_description),
	  .nullable = true,
	  .max = ENDPOINT_DESCRIPTION_MAX },
};

static const struct json_field rotate_fields[] = {
	{ .name = "overlap_s",
	  .kind = JSON_K_I64,
	  .offset = AT(overlap_s),
	  .present_offset = SIZE_MAX,
	  .max = OVERLAP_MAX_S },
	{ .name = "force",
	  .kind = JSON_K_BOOL,
	  .offset = AT(is_forced),
	  .present_offset = SIZE_MAX },
};

/* What the endpoint will be. False when it stays as it is. */
static bool apply(const struct req *r, const struct change *c, struct api_endpoint_list_row *row)
{
	struct str wanted = c->kind == CHANGE_DISABLE ? STR("disabled") : STR("enabled");
	switch (c->kind) {
	case CHANGE_PATCH:
		if (c->has_url)
			row->url = c->url;
		if (c->has_description)
			row->description = c->description;
		if (c->has_events)
			row->events = c->types;
		return c->has_url || c->has_description || c->has_events;
	case CHANGE_ENABLE:
	case CHANGE_DISABLE:
		if (str_eq(row->status, wanted))
			return false;
		row->status = wanted;
		row->disabled_reason = c->kind == CHANGE_DISABLE ? STR("requested") : STR_NONE;
		return true;
	case CHANGE_ROTATE:
		row->previous_secret_until =
			c->overlap_s > 0 ? r->now + c->overlap_s * USEC_PER_SEC : USEC_NEVER;
		return true;
	}
	return false;
}

static void add_change(struct req *r, const struct api_endpoint_list_row *row,
		       usec_t was_updated_at, struct str new_secret)
{
	add_api_endpoint_change(r->unit, &(struct api_endpoint_change_args){
						 .workspace_id = r->who.workspace_id,
						 .endpoint_id = row->id,
						 .was_updated_at = was_updated_at,
						 .url = row->url,
						 .description = row->description,
						 .events = row->events,
						 .status = row->status,
						 .disabled_reason = row->disabled_reason,
						 .new_secret = new_secret,
						 .old_until = row->previous_secret_until,
						 .updated_at = row->updated_at });
}

static void on_changed(struct req *r, const struct pg_unit *u)
{
	(void)u; /* the answer stands in r->out */
	control_wake_senders(r->app->redis);
	req_reply_json(r, 200);
}

static void look(struct req *r);

static void decide(struct req *r, struct api_endpoint_list_row *row)
{
	const struct change *c = r->state;
	struct json_out j;
	char secret[WEBHOOK_SECRET_SIZE] = "";
	struct str sealed = STR_NONE;
	usec_t was_updated_at = row->updated_at;
	bool is_rotation = c->kind == CHANGE_ROTATE;
	if (is_rotation && row->previous_secret_until != USEC_NEVER && !c->is_forced) {
		req_fail(r, PROBLEM_INVALID_STATE_TRANSITION,
			 "Two secrets sign already; force drops the older one of them.");
		return;
	}
	bool changes = apply(r, c, row);
	(void)req_effect(r); /* it is r->unit */
	if (is_rotation)
		sealed = endpoint_new_secret(r, row->id, secret);
	if (changes) {
		row->updated_at = max_i64(r->now, was_updated_at + 1);
		add_change(r, row, was_updated_at, sealed);
	} else {
		endpoint_add_read(r); /* a unit has a statement */
	}
	req_json(r, &j);
	endpoint_render_open(&j, row);
	if (is_rotation)
		json_kv_cstr(&j, "secret", secret);
	json_object_end(&j);
	mem_wipe(secret, sizeof(secret));
	req_effect_keep(r, 200, is_rotation);
	req_submit_expecting(r, look, on_changed);
}

static void on_looked(struct req *r, const struct pg_unit *u)
{
	struct api_endpoint_list_row row;
	const struct pg_result *found = req_result(r, u, 0);
	if (pg_result_rows(found) == 0) {
		req_not_found(r);
		return;
	}
	get_api_endpoint_list(found, 0, &row, r->arena);
	decide(r, &row);
}

static void look(struct req *r)
{
	(void)req_read(r); /* it is r->unit */
	endpoint_add_read(r);
	req_submit(r, on_looked);
}

static struct change *begin(struct req *r, enum change_kind kind)
{
	struct change *c = arena_alloc(r->arena, sizeof(*c));
	*c = (struct change){ .kind = kind, .overlap_s = OVERLAP_DEFAULT_S };
	r->state = c;
	return c;
}

static void look_unless_faulty(struct req *r)
{
	if (req_has_faults(r))
		req_fail_validation(r);
	else
		look(r);
}

void endpoints_patch(struct req *r)
{
	struct change *c = begin(r, CHANGE_PATCH);
	req_decode(r, patch_fields, ARRAY_LEN(patch_fields), c);
	endpoint_check_url(r, c->url);
	c->types = endpoint_check_types(r, "events", c->events, true);
	look_unless_faulty(r);
}

void endpoints_enable(struct req *r)
{
	(void)begin(r, CHANGE_ENABLE); /* it is r->state */
	look(r);
}

void endpoints_disable(struct req *r)
{
	(void)begin(r, CHANGE_DISABLE); /* it is r->state */
	look(r);
}

void endpoints_rotate(struct req *r)
{
	struct change *c = begin(r, CHANGE_ROTATE);
	if (r->body != NULL)
		req_decode(r, rotate_fields, ARRAY_LEN(rotate_fields), c);
	look_unless_faulty(r);
}
