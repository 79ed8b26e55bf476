/* Webhook endpoints: create, list, get, delete, and the checks of what they are made of. */
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

#include "base/mem.h"
#include "crud.h"
#include "domain/url_policy.h"
#include "endpoint.h"
#include "handlers.h"
#include "queue/control.h"
#include "render.h"
#include "sys/random.h"
#include "wire/endpoint_secret.h"

#define TYPES_MAX 32
#define SEALED_MAX 256

struct endpoint_in {
	struct str url, description;
	const struct json_value *events;
};

#define AT(member) offsetof(struct endpoint_in, member)

static const struct json_field fields[] = {
	{ .name = "url",
	  .kind = JSON_K_STR,
	  .offset = AT(url),
	  .present_offset = SIZE_MAX,
	  .required = true,
	  .min = 1,
	  .max = ENDPOINT_URL_MAX },
	{ .name = "events",
	  .kind = JSON_K_ARRAY,
	  .offset = AT(events),
	  .present_offset = SIZE_MAX,
	  .required = true },
	{ .name = "description",
	  .kind = JSON_K_STR,
	  .offset = AT(description),
	  .present_offset = SIZE_MAX,
	  .nullable = true,
	  .max = ENDPOINT_DESCRIPTION_MAX },
};

static const char *const event_types[] = {
	"scheduled_call.created",   "scheduled_call.dispatched", "scheduled_call.failed",
	"scheduled_call.cancelled", "conversation.completed",    "campaign.completed",
	"campaign.paused",          "webhook_endpoint.disabled", "webhook_endpoint.test",
};

bool endpoint_is_event_type(struct str s)
{
	for (size_t i = 0; i < ARRAY_LEN(event_types); i++) {
		if (str_eq(s, str_from(event_types[i])))
			return true;
	}
	return false;
}

void endpoint_render_open(struct json_out *j, const struct api_endpoint_list_row *e)
{
	const struct str *types = e->events.v;
	json_object_begin(j);
	json_kv_id(j, "id", ID_ENDPOINT, e->id);
	json_kv_str(j, "url", e->url);
	json_kv_str(j, "description", e->description);
	json_key(j, "events");
	json_array_begin(j);
	for (size_t i = 0; i < e->events.n; i++)
		json_str(j, types[i]);
	json_array_end(j);
	json_kv_str(j, "status", e->status);
	json_kv_str(j, "disabled_reason", e->disabled_reason);
	json_kv_time(j, "previous_secret_until", e->previous_secret_until);
	json_kv_time(j, "created_at", e->created_at);
	json_kv_time(j, "updated_at", e->updated_at);
}

static struct uuid render(struct req *r, struct json_out *j, const struct pg_result *rows, size_t i)
{
	struct api_endpoint_list_row row;
	get_api_endpoint_list(rows, i, &row, r->arena);
	endpoint_render_open(j, &row);
	json_object_end(j);
	return row.id;
}

static void add_read(struct req *r, struct uuid id, struct uuid before, int64_t most)
{
	add_api_endpoint_list(r->unit,
			      &(struct api_endpoint_list_args){ .workspace_id = r->who.workspace_id,
								.endpoint_id = id,
								.before = before,
								.most = most });
}

void endpoint_add_read(struct req *r)
{
	struct uuid greatest;
	memset(greatest.b, 0xff, sizeof(greatest.b));
	add_read(r, r->ids[0], greatest, 1);
}

static const struct crud endpoints = { .kind = ID_ENDPOINT,
				       .add_read = add_read,
				       .render = render };

void endpoints_list(struct req *r)
{
	crud_list(r, &endpoints);
}

void endpoints_get(struct req *r)
{
	crud_get(r, &endpoints);
}

void endpoint_fail_disabled(struct req *r)
{
	static const char *const allowed[] = { "enable" };
	struct problem p = { .code = PROBLEM_INVALID_STATE_TRANSITION,
			     .detail = "The endpoint is disabled: nothing is sent to it.",
			     .current_status = "disabled",
			     .allowed = allowed,
			     .n_allowed = 1 };
	req_fail_with(r, &p);
}

/* --- input ---------------------------------------------------------------------------------- */

/* An address that stands in the URL itself can be judged now; a name is judged at each connect. */
static bool is_denied_address(struct req *r, const struct url_parts *u)
{
	char host[INET6_ADDRSTRLEN + 1];
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	const struct sockaddr *sa = NULL;
	if (u->host.n >= sizeof(host))
		return false;
	memcpy(host, u->host.p, u->host.n);
	host[u->host.n] = '\0';
	if (u->is_ipv6 && inet_pton(AF_INET6, host, &v6.sin6_addr) == 1)
		sa = (const struct sockaddr *)(const void *)&v6;
	else if (!u->is_ipv6 && inet_pton(AF_INET, host, &v4.sin_addr) == 1)
		sa = (const struct sockaddr *)(const void *)&v4;
	return sa != NULL && !address_is_allowed(r->app->addresses, sa);
}

void endpoint_check_url(struct req *r, struct str url)
{
	struct url_parts parts;
	if (url.p == NULL)
		return;
	struct err e = url_policy_check(url, r->app->settings.webhook_allow_http, &parts);
	if (is_err(e))
		req_fault(r, "", "url", "validation_error", e.what);
	else if (is_denied_address(r, &parts))
		req_fault(r, "", "url", "validation_error", "url points to a blocked address");
}

struct pg_array endpoint_check_types(struct req *r, const char *name, const struct json_value *list,
				     bool may_be_all)
{
	char base[32];
	size_t i = 0, n = 0;
	if (list == NULL)
		return (struct pg_array){ NULL, 0 };
	struct str *types = arena_alloc(r->arena, TYPES_MAX * sizeof(*types));
	(void)snprintf(base, sizeof(base), "/%s", name); /* names are short */
	if (json_count(list) == 0 || json_count(list) > TYPES_MAX)
		req_fault(r, "", name, "validation_error", "must have 1 to 32 event types");
	for (const struct json_value *v = json_first(list); v != NULL && i < TYPES_MAX;
	     v = json_next(v), i++) {
		char pointer[32];
		struct str type = json_as_str(v);
		(void)snprintf(pointer, sizeof(pointer), "%zu", i); /* two digits */
		if (endpoint_is_event_type(type) || (may_be_all && str_eq(type, STR("*"))))
			types[n++] = type;
		else
			req_fault(r, base, pointer, "unknown_event_type",
				  "is no event type; see webhooks in the reference");
	}
	return (struct pg_array){ types, n };
}

struct str endpoint_new_secret(struct req *r, struct uuid id, char secret[WEBHOOK_SECRET_SIZE])
{
	struct strbuf b;
	uint8_t random[32], nonce[SECRETBOX_NONCE];
	random_bytes(random, sizeof(random));
	random_bytes(nonce, sizeof(nonce));
	webhook_secret_make(random, secret);
	mem_wipe(random, sizeof(random));
	strbuf_init(&b, SEALED_MAX);
	struct err e = endpoint_secret_seal(r->app->box, id, str_from(secret), nonce, &b);
	ASSERT(!is_err(e)); /* a secret has one size */
	struct str sealed = arena_str(r->arena, strbuf_str(&b));
	strbuf_deinit(&b);
	return sealed;
}

/* --- changes -------------------------------------------------------------------------------- */

void endpoints_create(struct req *r)
{
	struct json_out j;
	char secret[WEBHOOK_SECRET_SIZE];
	struct endpoint_in in = { .url = STR_NONE };
	req_decode(r, fields, ARRAY_LEN(fields), &in);
	endpoint_check_url(r, in.url);
	struct pg_array types = endpoint_check_types(r, "events", in.events, true);
	if (req_has_faults(r)) {
		req_fail_validation(r);
		return;
	}
	struct api_endpoint_list_row row = {
		.id = random_id(r->now),
		.url = in.url,
		.description = in.description,
		.events = types,
		.status = STR("enabled"),
		.previous_secret_until = USEC_NEVER,
		.created_at = r->now,
		.updated_at = r->now,
	};
	add_api_endpoint_create(req_effect(r),
				&(struct api_endpoint_create_args){
					.workspace_id = r->who.workspace_id,
					.id = row.id,
					.url = row.url,
					.description = row.description,
					.events = row.events,
					.secret = endpoint_new_secret(r, row.id, secret),
					.created_at = r->now });
	req_json(r, &j);
	endpoint_render_open(&j, &row);
	json_kv_cstr(&j, "secret", secret);
	json_object_end(&j);
	mem_wipe(secret, sizeof(secret));
	crud_create(r, &endpoints, row.id, true);
}

static void on_deleted(struct req *r, const struct pg_unit *u)
{
	if (pg_result_affected(req_result(r, u, 0)) == 0) {
		req_not_found(r);
		return;
	}
	/* What waits for it becomes dead letters by the senders' hands. */
	control_wake_senders(r->app->redis);
	req_reply(r, 204, NULL, STR_NONE);
}

void endpoints_delete(struct req *r)
{
	add_api_endpoint_delete(req_read(r), &(struct api_endpoint_delete_args){
						     .workspace_id = r->who.workspace_id,
						     .endpoint_id = r->ids[0] });
	req_submit(r, on_deleted);
}
