/* Webhook endpoints and what was delivered to them. */
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

#include "base/mem.h"
#include "crud.h"
#include "domain/url_policy.h"
#include "handlers.h"
#include "render.h"
#include "sys/random.h"
#include "wire/endpoint_secret.h"

#define EVENTS_MAX 32
#define SEALED_MAX 256

struct endpoint_in {
	struct str url, description;
	const struct json_value *events;
	struct str types[EVENTS_MAX];
	size_t n_types;
};

#define AT(member) offsetof(struct endpoint_in, member)

static const struct json_field fields[] = {
	{ .name = "url",
	  .kind = JSON_K_STR,
	  .offset = AT(url),
	  .present_offset = SIZE_MAX,
	  .required = true,
	  .min = 1,
	  .max = 8192 },
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
	  .max = 2000 },
};

static const char *const event_types[] = {
	"*",
	"scheduled_call.created",
	"scheduled_call.dispatched",
	"scheduled_call.failed",
	"scheduled_call.cancelled",
	"conversation.completed",
	"campaign.completed",
	"campaign.paused",
	"webhook_endpoint.disabled",
	"webhook_endpoint.test",
};

static void render_row(struct json_out *j, const struct api_endpoint_list_row *e,
		       const char *secret)
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
	if (secret != NULL)
		json_kv_cstr(j, "secret", secret);
	json_kv_time(j, "created_at", e->created_at);
	json_kv_time(j, "updated_at", e->updated_at);
	json_object_end(j);
}

static struct uuid render(struct req *r, struct json_out *j, const struct pg_result *rows, size_t i)
{
	struct api_endpoint_list_row row;
	get_api_endpoint_list(rows, i, &row, r->arena);
	render_row(j, &row, NULL);
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

static void check_url(struct req *r, struct str url)
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

static void check_events(struct req *r, struct endpoint_in *in)
{
	size_t i = 0;
	if (in->events == NULL)
		return;
	if (json_count(in->events) == 0 || json_count(in->events) > EVENTS_MAX)
		req_fault(r, "", "events", "validation_error", "must have 1 to 32 event types");
	for (const struct json_value *v = json_first(in->events); v != NULL && i < EVENTS_MAX;
	     v = json_next(v), i++) {
		char pointer[32];
		bool is_known = false;
		struct str type = json_as_str(v);
		for (size_t k = 0; k < ARRAY_LEN(event_types); k++)
			is_known = is_known || str_eq(type, str_from(event_types[k]));
		(void)snprintf(pointer, sizeof(pointer), "%zu", i); /* two digits */
		if (!is_known)
			req_fault(r, "/events", pointer, "unknown_event_type",
				  "is no event type; see webhooks in the reference");
		else
			in->types[in->n_types++] = type;
	}
}

void endpoints_create(struct req *r)
{
	struct json_out j;
	struct strbuf sealed;
	uint8_t random[32], nonce[SECRETBOX_NONCE];
	char secret[WEBHOOK_SECRET_SIZE];
	struct endpoint_in *in = arena_alloc(r->arena, sizeof(*in));
	req_decode(r, fields, ARRAY_LEN(fields), in);
	check_url(r, in->url);
	check_events(r, in);
	if (req_has_faults(r)) {
		req_fail_validation(r);
		return;
	}
	random_bytes(random, sizeof(random));
	random_bytes(nonce, sizeof(nonce));
	webhook_secret_make(random, secret);
	struct api_endpoint_list_row row = {
		.id = random_id(r->now),
		.url = in->url,
		.description = in->description,
		.events = { in->types, in->n_types },
		.status = STR("enabled"),
		.created_at = r->now,
		.updated_at = r->now,
	};
	strbuf_init(&sealed, SEALED_MAX);
	struct err e = endpoint_secret_seal(r->app->box, row.id, str_from(secret), nonce, &sealed);
	ASSERT(!is_err(e)); /* a secret has one size */
	add_api_endpoint_create(req_effect(r), &(struct api_endpoint_create_args){
						       .workspace_id = r->who.workspace_id,
						       .id = row.id,
						       .url = row.url,
						       .description = row.description,
						       .events = row.events,
						       .secret = strbuf_str(&sealed),
						       .created_at = r->now });
	strbuf_deinit(&sealed);
	req_json(r, &j);
	render_row(&j, &row, secret);
	mem_wipe(secret, sizeof(secret));
	crud_create(r, &endpoints, row.id, true);
}

static void on_deleted(struct req *r, const struct pg_unit *u)
{
	if (pg_result_affected(req_result(r, u, 0)) == 0)
		req_not_found(r);
	else
		req_reply(r, 204, NULL, STR_NONE);
}

void endpoints_delete(struct req *r)
{
	add_api_endpoint_delete(req_read(r), &(struct api_endpoint_delete_args){
						     .workspace_id = r->who.workspace_id,
						     .endpoint_id = r->ids[0] });
	req_submit(r, on_deleted);
}

/* --- deliveries ----------------------------------------------------------------------------- */

static const char *const delivery_statuses[] = { "pending", "delivered", "dead_letter" };

static void render_delivery(struct req *r, struct json_out *j,
			    const struct api_delivery_list_row *d)
{
	json_object_begin(j);
	json_kv_id(j, "id", ID_DELIVERY, d->id);
	json_kv_id(j, "endpoint_id", ID_ENDPOINT, r->ids[0]);
	json_kv_id(j, "event_id", ID_EVENT, d->event_id);
	json_kv_str(j, "event_type", d->event_type);
	json_kv_i64(j, "sequence", d->sequence);
	json_kv_str(j, "status", d->status);
	json_kv_str(j, "reason", d->reason);
	json_kv_i64(j, "attempts", d->attempts);
	json_kv_time(j, "next_attempt_at", d->due_at);
	json_kv_time(j, "last_attempt_at", d->started_at);
	json_kv_str(j, "last_result", d->result);
	render_i64_or_null(j, "last_status_code", d->http_status);
	render_i64_or_null(j, "last_duration_ms", d->duration_ms);
	json_kv_str(j, "last_excerpt", d->excerpt);
	json_kv_time(j, "created_at", d->created_at);
	json_kv_time(j, "ended_at", d->ended_at);
	json_object_end(j);
}

static void on_deliveries(struct req *r, const struct pg_unit *u)
{
	struct page *p = r->state;
	struct api_delivery_list_row row = { .status = STR_NONE };
	const struct pg_result *rows = req_result(r, u, 1);
	if (pg_result_rows(req_result(r, u, 0)) == 0) {
		req_not_found(r);
		return;
	}
	page_open(r, p, rows);
	for (size_t i = 0; i < p->shown; i++) {
		get_api_delivery_list(rows, i, &row);
		render_delivery(r, &p->j, &row);
	}
	page_reply(r, p, row.id);
}

void endpoints_deliveries(struct req *r)
{
	struct page *p = arena_alloc(r->arena, sizeof(*p));
	struct str status =
		req_query_word(r, "status", delivery_statuses, ARRAY_LEN(delivery_statuses));
	struct uuid greatest;
	r->state = p;
	if (!page_begin(r, p))
		return;
	memset(greatest.b, 0xff, sizeof(greatest.b));
	(void)req_read(r); /* it is r->unit */
	add_read(r, r->ids[0], greatest, 1);
	add_api_delivery_list(r->unit,
			      &(struct api_delivery_list_args){ .workspace_id = r->who.workspace_id,
								.endpoint_id = r->ids[0],
								.status = status,
								.before = p->before,
								.most = p->limit + 1 });
	req_submit(r, on_deliveries);
}
