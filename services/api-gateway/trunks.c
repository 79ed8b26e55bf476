/* Trunks: over which dialer and carrier a number calls. Of the settings, those whose names say that
 * they are secret are sealed with the trunk's id and never shown again. */
#include "crud.h"
#include "handlers.h"
#include "render.h"
#include "sys/random.h"
#include "wire/sip_trunk.h"
#include "wire/trunk_secret.h"

#define SETTINGS_MAX ((size_t)6 * 1024) /* sealed, it stays below what a secretbox takes */

struct trunk_in {
	struct str name, dialer;
	const struct json_value *settings;
	bool has_name, has_dialer, has_settings;
	struct str open_text, secret_text; /* the settings, apart; STR_NONE without secrets */
};

#define AT(member) offsetof(struct trunk_in, member)

static const struct json_field fields[] = {
	{ .name = "name",
	  .kind = JSON_K_STR,
	  .offset = AT(name),
	  .present_offset = AT(has_name),
	  .min = 1,
	  .max = 200 },
	{ .name = "dialer",
	  .kind = JSON_K_STR,
	  .offset = AT(dialer),
	  .present_offset = AT(has_dialer) },
	{ .name = "settings",
	  .kind = JSON_K_OBJECT,
	  .offset = AT(settings),
	  .present_offset = AT(has_settings) },
};

static const char *const dialers[] = { "sim", "sip", "twilio" };

static bool is_secret_name(struct str name)
{
	static const char *const words[] = { "password", "secret", "token", "api_key" };
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_ends(name, str_from(words[i])))
			return true;
	}
	return false;
}

/* The members whose names are secret, or the others, as an object. */
static struct str pick_members(struct req *r, const struct json_value *object, bool secret,
			       size_t *n_out)
{
	struct strbuf b, name;
	struct json_out j;
	strbuf_init(&b, SETTINGS_MAX);
	json_out_init(&j, &b);
	json_object_begin(&j);
	*n_out = 0;
	for (const struct json_value *v = json_first(object); v != NULL; v = json_next(v)) {
		if (is_secret_name(json_name(v)) != secret)
			continue;
		strbuf_init(&name, SETTINGS_MAX);
		strbuf_add(&name, json_name(v));
		json_key(&j, strbuf_overflowed(&name) ? "" : strbuf_str(&name).p);
		strbuf_deinit(&name);
		json_print(v, &b);
		j.need_comma = true;
		(*n_out)++;
	}
	json_object_end(&j);
	if (strbuf_overflowed(&b))
		req_fault(r, "", "settings", "validation_error", "is too large");
	struct str text = arena_str(r->arena, strbuf_str(&b));
	strbuf_deinit(&b);
	return text;
}

static struct str seal(struct req *r, struct uuid id, struct str plain)
{
	struct strbuf sealed;
	uint8_t nonce[SECRETBOX_NONCE];
	if (plain.p == NULL)
		return STR_NONE;
	random_bytes(nonce, sizeof(nonce));
	strbuf_init(&sealed, 2 * SECRETBOX_PLAIN_MAX);
	struct err e = trunk_secret_seal(r->app->box, id, plain, nonce, &sealed);
	ASSERT(!is_err(e)); /* it was bounded */
	struct str text = arena_str(r->arena, strbuf_str(&sealed));
	strbuf_deinit(&sealed);
	return text;
}

static void render_row(struct json_out *j, const struct api_trunk_list_row *t)
{
	json_object_begin(j);
	json_kv_id(j, "id", ID_TRUNK, t->id);
	json_kv_str(j, "name", t->name);
	json_kv_str(j, "dialer", t->dialer);
	render_object(j, "settings", t->settings);
	json_kv_bool(j, "has_secrets", t->has_secret);
	json_kv_str(j, "state", t->state);
	json_kv_time(j, "state_since", t->state_since);
	json_kv_time(j, "state_until", t->state_until);
	json_kv_time(j, "created_at", t->created_at);
	json_kv_time(j, "updated_at", t->updated_at);
	json_object_end(j);
}

static struct uuid render(struct req *r, struct json_out *j, const struct pg_result *rows, size_t i)
{
	struct api_trunk_list_row row;
	(void)r; /* other kinds need it */
	get_api_trunk_list(rows, i, &row);
	render_row(j, &row);
	return row.id;
}

static void add_read(struct req *r, struct uuid id, struct uuid before, int64_t most)
{
	add_api_trunk_list(r->unit,
			   &(struct api_trunk_list_args){ .workspace_id = r->who.workspace_id,
							  .trunk_id = id,
							  .before = before,
							  .most = most });
}

static const struct crud trunks = { .kind = ID_TRUNK, .add_read = add_read, .render = render };

void trunks_list(struct req *r)
{
	crud_list(r, &trunks);
}

void trunks_get(struct req *r)
{
	crud_get(r, &trunks);
}

static void check_dialer(struct req *r, const struct trunk_in *in, bool is_new)
{
	bool is_known = false;
	for (size_t i = 0; i < ARRAY_LEN(dialers); i++)
		is_known = is_known || str_eq(in->dialer, str_from(dialers[i]));
	if (!is_new && in->has_dialer)
		req_fault(r, "", "dialer", "validation_error", "cannot be changed");
	else if (in->dialer.p != NULL && !is_known)
		req_fault(r, "", "dialer", "validation_error", "must be sim, sip or twilio");
}

/* What the SIP dialer could not use is refused here. A PATCH does not say which dialer it is for: only
 * that one's settings name a host. */
static void check_sip(struct req *r, const struct trunk_in *in, bool is_new)
{
	struct sip_trunk t;

	if (is_new ? !str_eq(in->dialer, STR("sip"))
		   : in->settings == NULL || json_get(in->settings, "host") == NULL)
		return;
	if (in->settings == NULL) {
		req_fault(r, "", "settings", "validation_error", "is required");
		return;
	}
	(void)sip_trunk_decode(in->settings, "/settings", r->arena, req_faults(r), &t); /* kept */
	for (const struct json_value *v = json_first(in->settings); v != NULL; v = json_next(v)) {
		struct str name = arena_str(r->arena, json_name(v));
		if (!sip_trunk_has_member(name))
			req_fault(r, "/settings", name.p, "validation_error", "is not known");
	}
}

static bool read_input(struct req *r, struct trunk_in *in)
{
	bool is_new = http_request_method(r->http) == HTTP_POST;
	size_t n = 0, n_secret = 0;
	*in = (struct trunk_in){ .name = STR_NONE };
	req_decode(r, fields, ARRAY_LEN(fields), in);
	if (is_new) {
		req_require(r, "name");
		req_require(r, "dialer");
	}
	check_dialer(r, in, is_new);
	check_sip(r, in, is_new);
	if (in->settings != NULL) {
		in->open_text = pick_members(r, in->settings, false, &n);
		struct str secret = pick_members(r, in->settings, true, &n_secret);
		in->secret_text = n_secret > 0 ? secret : STR_NONE;
	}
	if (req_has_faults(r))
		req_fail_validation(r);
	return !req_has_faults(r);
}

void trunks_create(struct req *r)
{
	struct json_out j;
	struct trunk_in in;
	if (!read_input(r, &in))
		return;
	struct api_trunk_list_row row = {
		.id = random_id(r->now),
		.name = in.name,
		.dialer = in.dialer,
		.settings = in.has_settings ? in.open_text : STR("{}"),
		.has_secret = in.secret_text.p != NULL,
		.state_since = USEC_NEVER,
		.state_until = USEC_NEVER,
		.created_at = r->now,
		.updated_at = r->now,
	};
	add_api_trunk_create(req_effect(r), &(struct api_trunk_create_args){
						    .workspace_id = r->who.workspace_id,
						    .id = row.id,
						    .name = row.name,
						    .dialer = row.dialer,
						    .settings = row.settings,
						    .secret = seal(r, row.id, in.secret_text),
						    .created_at = r->now });
	req_json(r, &j);
	render_row(&j, &row);
	crud_create(r, &trunks, row.id, false);
}

void trunks_patch(struct req *r)
{
	struct trunk_in in;
	if (!read_input(r, &in))
		return;
	add_api_trunk_patch(req_read(r), &(struct api_trunk_patch_args){
						 .workspace_id = r->who.workspace_id,
						 .trunk_id = r->ids[0],
						 .sets_name = in.has_name,
						 .name = in.name,
						 .sets_settings = in.has_settings,
						 .settings = in.open_text,
						 .sets_secret = in.secret_text.p != NULL,
						 .secret = seal(r, r->ids[0], in.secret_text) });
	crud_patch(r, &trunks);
}

void trunks_delete(struct req *r)
{
	add_api_trunk_delete(req_read(r),
			     &(struct api_trunk_delete_args){ .workspace_id = r->who.workspace_id,
							      .trunk_id = r->ids[0] });
	crud_delete(r, "A number stands on this trunk.");
}
