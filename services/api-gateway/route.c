/* The steps of the way in, in their order; each either answers or goes on. */
#include "route.h"

#include <stdio.h>
#include <string.h>

#include "dashboard.h"
#include "idempotency.h"
#include "measure.h"
#include "rates.h"
#include "session.h"
#include "store_gen.h"
#include "sys/log.h"
#include "sys/random.h"

static const char *const method_names[HTTP_METHOD_COUNT] = {
	[HTTP_GET] = "GET",         [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",
	[HTTP_PUT] = "PUT",         [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
	[HTTP_OPTIONS] = "OPTIONS",
};

const char *route_method_name(enum http_method m)
{
	ASSERT((unsigned)m < HTTP_METHOD_COUNT);
	return method_names[m];
}

/* --- 5: the body, then a stored answer, then the handler ------------------------------------ */

/* True when the body is as the route wants it; else it has answered. */
static bool read_body(struct req *r)
{
	struct str text = http_request_body(r->http);
	bool may_lack = r->route->body == BODY_EMPTY || r->route->body == BODY_OPTIONAL;
	struct str coding = str_trim(http_request_header(r->http, "Content-Encoding"));
	if (coding.n > 0 && !str_eq_nocase(coding, STR("identity"))) {
		req_fail(r, PROBLEM_UNSUPPORTED_MEDIA_TYPE,
			 "The body must be sent as it is, without a Content-Encoding.");
		return false;
	}
	if (r->route->body == BODY_CSV) {
		if (req_content_is(r, "text/csv"))
			return true;
		req_fail(r, PROBLEM_UNSUPPORTED_MEDIA_TYPE, "The body must be text/csv.");
		return false;
	}
	if (r->route->body == BODY_IGNORED || r->route->body == BODY_RAW ||
	    (may_lack && text.n == 0))
		return true;
	if (text.n == 0) {
		req_fail(r, PROBLEM_MALFORMED_JSON, "The request needs a JSON object as its body.");
		return false;
	}
	if (!req_content_is(r, "application/json")) {
		req_fail(r, PROBLEM_UNSUPPORTED_MEDIA_TYPE, "The body must be application/json.");
		return false;
	}
	if (!req_parse(r, text))
		return false;
	if (json_type(r->body) != JSON_OBJECT) {
		req_fault(r, "", NULL, "validation_error", "The body must be a JSON object.");
		req_fail_validation(r);
		return false;
	}
	if (r->route->body == BODY_EMPTY && json_count(r->body) > 0) {
		req_decode(r, NULL, 0, NULL);
		req_fail_validation(r);
		return false;
	}
	return true;
}

void route_handle(struct req *r)
{
	if (read_body(r))
		idempotency_check(r, r->route->handle);
}

/* --- 4: rate, scope, query ------------------------------------------------------------------ */

static void put_rate(struct req *r, const struct rate_state *s)
{
	char text[24];
	if (s->limit == 0)
		return;
	(void)snprintf(text, sizeof(text), "%" PRId64, s->limit); /* 20 digits at most, as below */
	http_reply_header(r->http, "RateLimit-Limit", text);
	(void)snprintf(text, sizeof(text), "%" PRId64, s->remaining);
	http_reply_header(r->http, "RateLimit-Remaining", text);
	(void)snprintf(text, sizeof(text), "%" PRId64, s->reset_s);
	http_reply_header(r->http, "RateLimit-Reset", text);
}

struct parameters {
	struct req *r;
	unsigned seen; /* bits: limit, cursor, and the filters in their order */
};

/* The parameter's bit; 0 when the route has none of that name. */
static unsigned parameter_bit(const struct route *route, struct str name)
{
	if (route->is_list && str_eq(name, STR("limit")))
		return 1;
	if (route->is_list && str_eq(name, STR("cursor")))
		return 2;
	for (size_t i = 0; i < ROUTE_FILTERS_MAX && route->filters[i] != NULL; i++) {
		if (str_eq(name, str_from(route->filters[i])))
			return 4U << i;
	}
	return 0;
}

static void check_parameter(struct str name, struct str value, void *arg)
{
	struct parameters *p = arg;
	unsigned bit = parameter_bit(p->r->route, name);
	char text[64];
	(void)value;
	if (bit != 0 && (p->seen & bit) == 0) {
		p->seen |= bit;
		return;
	}
	(void)snprintf(text, sizeof(text), "%.*s", (int)min_size(name.n, sizeof(text) - 1),
		       name.p == NULL ? "" : name.p); /* cut: it is only shown */
	req_query_fault(p->r, str_is_utf8(str_from(text)) ? text : "",
			bit != 0 ? "is given twice" : "unknown query parameter");
}

static void admit(struct req *r)
{
	struct rate_state rate;
	bool is_within = auth_take(r->app->auth, r->key_hash, loop_mono(r->app->loop), &rate);
	put_rate(r, &rate);
	if (is_within && rate.limit > 0)
		rates_share(r->app, r->key_hash);
	if (!is_within) {
		char text[24];
		(void)snprintf(text, sizeof(text), "%" PRId64, rate.reset_s); /* it fits */
		http_reply_header(r->http, "Retry-After", text);
		req_fail(r, PROBLEM_RATE_LIMITED,
			 rate.is_workspaces ? "The workspace has used up its requests for now, "
					      "those of all its "
					      "keys and sessions together."
					    : "This key has used up its requests for now.");
		return;
	}
	if ((r->who.scopes & 1u << r->route->scope) == 0) {
		req_fail_scope(r, r->route->scope);
		return;
	}
	if (r->has_bad_id) {
		req_not_found(r);
		return;
	}
	http_request_each_query(r->http, check_parameter, &(struct parameters){ .r = r });
	/* A list goes on to find the faults of the parameters that it knows: page_begin answers. */
	if (req_has_faults(r) && !r->route->is_list) {
		req_fail_validation(r);
		return;
	}
	route_handle(r);
}

/* --- 3: the key ----------------------------------------------------------------------------- */

static unsigned scope_bits(const struct pg_array *words)
{
	unsigned bits = 0;
	const struct str *v = words->v;
	for (size_t i = 0; i < words->n; i++) {
		for (unsigned s = SCOPE_READ; s < SCOPE_COUNT; s++) {
			if (str_eq(v[i], str_from(scope_name((enum scope)s))))
				bits |= 1u << s;
		}
	}
	return bits;
}

static void refuse(struct req *r)
{
	auth_drop(r->app->auth, r->key_hash);
	auth_failed(r->app->auth, http_request_peer(r->http), loop_mono(r->app->loop));
	req_fail(r, PROBLEM_UNAUTHORIZED,
		 r->has_cookie ? "The session has ended: sign in again."
			       : "The API key is missing, unknown, expired or revoked.");
}

static bool changes(const struct req *r)
{
	enum http_method m = http_request_method(r->http);
	return m != HTTP_GET && m != HTTP_HEAD;
}

static void use_key(struct req *r)
{
	if (r->who.expires_at != USEC_NEVER && r->who.expires_at <= r->now)
		refuse(r);
	else if (r->has_cookie && changes(r) && !session_is_own(r))
		req_fail(r, PROBLEM_CROSS_SITE,
			 "A session changes something from its own pages only: Origin and "
			 "X-Belfry-Token must say so.");
	else
		admit(r);
}

/* What the column says, or else what is so for whoever has nothing of its own; 0 = no limit. */
static int64_t limit_or(int64_t own, int64_t fallback)
{
	return own == PG_NULL_I64 ? fallback : own;
}

static void on_key(struct req *r, const struct pg_unit *u)
{
	struct api_key_find_row row;
	const struct pg_result *found = pg_unit_result(u, 0);
	if (pg_result_rows(found) == 0) {
		refuse(r);
		return;
	}
	get_api_key_find(found, 0, &row, r->arena);
	if (row.revoked_at != USEC_NEVER) {
		refuse(r);
		return;
	}
	r->who = (struct principal){
		.workspace_id = row.workspace_id,
		.key_id = row.id,
		.scopes = scope_bits(&row.scopes),
		.rate_per_minute = limit_or(row.rate_per_minute, 0),
		.workspace_rate_per_minute =
			limit_or(row.requests_per_minute, r->app->settings.workspace_requests),
		.expires_at = row.expires_at,
		.shard = (int)row.shard,
		.is_test = str_eq(row.prefix, STR("bf_test_")),
		.session_id = row.session_id,
	};
	auth_put(r->app->auth, r->key_hash, &r->who, r->mono_began);
	use_key(r);
}

/* An API key, or else the cookie of a session; false for what has neither's form. */
static bool find_credential(struct req *r)
{
	struct str header = http_request_header(r->http, "Authorization"), token;
	if (header.p == NULL) {
		r->has_cookie = session_hash(r, r->key_hash);
		return r->has_cookie;
	}
	if (!auth_token(header, &token))
		return false;
	auth_hash(r->app->auth, token, r->key_hash);
	return true;
}

static void look_up(struct req *r)
{
	struct pg_unit *u = req_read(r);
	struct str hash = { (const char *)r->key_hash, SHA256_SIZE };
	/* The row of both has the same columns. */
	if (r->has_cookie)
		add_api_session_find(u, &(struct api_session_find_args){ .hash = hash });
	else
		add_api_key_find(u, &(struct api_key_find_args){ .hash = hash });
	req_submit(r, on_key);
}

static void authenticate(struct req *r)
{
	struct auth *a = r->app->auth;
	usec_t mono_now = loop_mono(r->app->loop);
	bool has_form = find_credential(r);
	if (!(has_form && auth_has(a, r->key_hash)) &&
	    !auth_may_try(a, http_request_peer(r->http), mono_now)) {
		http_reply_header(r->http, "Retry-After", "1");
		req_fail(r, PROBLEM_RATE_LIMITED, "Too many failed sign-ins from this address.");
		return;
	}
	if (!has_form) {
		auth_failed(a, http_request_peer(r->http), mono_now);
		req_fail(r, PROBLEM_UNAUTHORIZED, "Send an API key: Authorization: Bearer bf_...");
		return;
	}
	const struct principal *known = auth_get(a, r->key_hash, mono_now);
	if (known != NULL) {
		r->who = *known;
		use_key(r);
		return;
	}
	look_up(r);
}

/* --- 2: the route --------------------------------------------------------------------------- */

static bool match_segment(struct str pattern, struct str segment, struct uuid *ids, size_t *n)
{
	if (pattern.n < 2 || pattern.p[0] != '{')
		return str_eq(pattern, segment);
	struct str prefix = { pattern.p + 1, pattern.n - 2 };
	if (!str_starts(segment, prefix) || segment.n == prefix.n || segment.p[prefix.n] != '_')
		return false;
	for (unsigned k = 0; k < ID_KIND_COUNT; k++) {
		if (str_eq(prefix, str_from(id_prefix((enum id_kind)k)))) {
			/* A malformed id is an object that does not exist. */
			if (is_err(id_parse((enum id_kind)k, segment, &ids[*n])))
				ids[*n] = UUID_NIL;
			(*n)++;
			return true;
		}
	}
	return false;
}

static bool match(const struct route *route, struct str path, struct uuid ids[REQUEST_IDS_MAX])
{
	struct str pattern = str_from(route->pattern), want, have;
	size_t n = 0;
	bool more_wanted = true, more = true;
	while (more_wanted && more) {
		more_wanted = str_split(pattern, '/', &want, &pattern);
		more = str_split(path, '/', &have, &path);
		if (!match_segment(want, have, ids, &n))
			return false;
	}
	return more_wanted == more;
}

static bool has_nil(const char *pattern, const struct uuid ids[REQUEST_IDS_MAX])
{
	size_t n = 0;
	for (const char *p = pattern; *p != '\0'; p++)
		n += *p == '{';
	for (size_t i = 0; i < n; i++) {
		if (uuid_is_nil(ids[i]))
			return true;
	}
	return false;
}

static bool method_fits(enum http_method asked, enum http_method offered)
{
	return asked == offered || (asked == HTTP_HEAD && offered == HTTP_GET);
}

static void fail_method(struct req *r, unsigned offered)
{
	char allow[64] = "";
	size_t n = 0;
	for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++) {
		if ((offered & 1u << m) != 0)
			n += (size_t)snprintf(allow + n, sizeof(allow) - n, "%s%s",
					      n == 0 ? "" : ", ", method_names[m]);
	}
	http_reply_header(r->http, "Allow", allow);
	req_fail(r, PROBLEM_METHOD_NOT_ALLOWED, "This path does not take this method; see Allow.");
}

static void find_route(struct req *r)
{
	enum http_method asked = http_request_method(r->http);
	unsigned offered = 0;
	for (const struct route *route = routes; route->pattern != NULL; route++) {
		struct uuid ids[REQUEST_IDS_MAX] = { UUID_NIL };
		if (!match(route, http_request_path(r->http), ids))
			continue;
		offered |= 1u << route->method;
		if (route->method == HTTP_GET)
			offered |= 1u << HTTP_HEAD;
		if (!method_fits(asked, route->method))
			continue;
		r->route = route;
		memcpy(r->ids, ids, sizeof(ids));
		r->has_bad_id = has_nil(route->pattern, ids);
		if (route->scope == SCOPE_NONE)
			route->handle(r);
		else
			authenticate(r);
		return;
	}
	if (offered != 0)
		fail_method(r, offered);
	else if (!dashboard_serve(r))
		req_fail(r, PROBLEM_NOT_FOUND, "There is nothing at this path.");
}

/* --- 1: the request ------------------------------------------------------------------------- */

/* The caller's own id when it is sane: visible characters that need no quoting anywhere. */
static void name_request(struct str given, usec_t now, char out[REQUEST_ID_MAX + 1])
{
	bool is_sane = given.n > 0 && given.n <= REQUEST_ID_MAX;
	for (size_t i = 0; is_sane && i < given.n; i++) {
		char c = given.p[i];
		is_sane = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			  (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.' || c == ':';
	}
	if (is_sane)
		(void)snprintf(out, REQUEST_ID_MAX + 1, "%.*s", (int)given.n,
			       given.p); /* it fits */
	else
		(void)uuid_format(random_id(now), out); /* returns its argument */
}

void route_request(struct http_request *http, void *arg)
{
	struct app *app = arg;
	struct arena *a = http_request_arena(http);
	struct req *r = arena_alloc(a, sizeof(*r));
	loop_refresh_time(app->loop);
	*r = (struct req){ .app = app,
			   .http = http,
			   .arena = a,
			   .mono_began = loop_mono(app->loop),
			   .now = loop_now(app->loop) + pg_pool_clock_correction(app->pg) };
	name_request(http_request_header(http, "X-Request-Id"), r->now, r->request_id);
	r->has_trace = trace_parse(http_request_header(http, "traceparent"), &r->trace);
	if (!r->has_trace)
		r->trace = (struct trace){ .id = random_id(r->now), .flags = 1 };
	r->span = random_id(r->now);
	find_route(r);
}

uint64_t route_stream_max(struct http_request *http, void *arg)
{
	const struct app *app = arg;
	for (const struct route *route = routes; route->pattern != NULL; route++) {
		struct uuid ids[REQUEST_IDS_MAX];
		if (route->body == BODY_CSV && route->method == http_request_method(http) &&
		    match(route, http_request_path(http), ids))
			return (uint64_t)app->settings.import_max_bytes;
	}
	return 0;
}

void route_problem(const struct http_violation *v, struct strbuf *body,
		   char request_id[HTTP_REQUEST_ID_SIZE], void *arg)
{
	struct app *app = arg;
	name_request(v->request_id, loop_now(app->loop), request_id);
	struct problem p = { .code = problem_from_name(v->code, PROBLEM_MALFORMED_REQUEST),
			     .detail = v->detail,
			     .request_id = str_from(request_id) };
	measure_answer(app, v->status, 0);
	problem_render(&p, body);
}
