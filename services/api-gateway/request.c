/* The request's frame: answers and input. Postgres is in request_unit.c. */
#include "request.h"

#include <stdio.h>
#include <string.h>

#include "measure.h"
#include "route.h"
#include "sys/log.h"

#define QUERY_TEXT_MAX 200
#define SPARE_OUT_MAX ((size_t)64 * 1024)

/* --- answers ------------------------------------------------------------------------------ */

static void log_answer(const struct req *r, int status)
{
	char ws[ID_TEXT_SIZE] = "", trace[TRACE_TEXT_SIZE];
	enum log_level level = status >= 500 && status != 501 ? LOG_ERROR : LOG_INFO;
	if (!log_enabled(level))
		return;
	if (!uuid_is_nil(r->who.workspace_id))
		(void)id_format(ID_WORKSPACE, r->who.workspace_id, ws); /* returns ws */
	LOG_AT(level, "request", LS("method", route_method_name(http_request_method(r->http))),
	       LS("route", r->route == NULL ? "" : r->route->pattern), LI("status", status),
	       LI("us", loop_mono(r->app->loop) - r->mono_began), LS("workspace", ws),
	       LS("request_id", r->request_id), LS("trace", trace_text(r->trace.id, trace)));
}

/* Answers are built in the buffer of the one before, unless that was large. */
static void keep_out(struct app *app, struct strbuf *out)
{
	if (app->spare_out.p != NULL || out->cap > SPARE_OUT_MAX) {
		strbuf_deinit(out);
		return;
	}
	app->spare_out = *out;
	strbuf_reset(&app->spare_out);
}

static void take_out(struct req *r)
{
	strbuf_deinit(&r->out);
	r->out = r->app->spare_out;
	r->out.max = RESPONSE_MAX;
	r->app->spare_out = (struct strbuf){ .p = NULL };
}

void req_reply_headers(struct req *r)
{
	char trace[TRACEPARENT_SIZE];

	http_reply_header(r->http, "X-Request-Id", r->request_id);
	http_reply_header(r->http, "X-Content-Type-Options", "nosniff");
	http_reply_header(r->http, "traceresponse", trace_format(r->trace, r->span, trace));
}

static void reply(struct req *r, int status, const char *content_type, struct str body)
{
	struct app *app = r->app;
	loop_refresh_time(app->loop);
	log_answer(r, status);
	measure_answer(app, status, loop_mono(app->loop) - r->mono_began);
	req_reply_headers(r);
	json_doc_free(r->doc);
	r->doc = NULL;
	struct strbuf out = r->out;
	/* The request ends here, and its arena with it; the body is still in `out`. */
	http_reply(r->http, status, content_type, body);
	keep_out(app, &out);
}

void req_reply(struct req *r, int status, const char *content_type, struct str body)
{
	if (content_type != NULL)
		http_reply_header(r->http, "Cache-Control", "no-store");
	reply(r, status, content_type, body);
}

void req_reply_public(struct req *r, const char *content_type, struct str body,
		      const char *cache_control)
{
	http_reply_header(r->http, "Cache-Control", cache_control);
	reply(r, content_type == NULL ? 304 : 200, content_type, body);
}

void req_fail_with(struct req *r, struct problem *p)
{
	int status = problem_status(p->code);
	struct strbuf *b = &r->out;
	strbuf_deinit(b);
	strbuf_init(b, RESPONSE_MAX);
	p->instance = http_request_path(r->http);
	p->request_id = str_from(r->request_id);
	if (!str_is_utf8(p->instance))
		p->instance = STR_NONE;
	problem_render(p, b);
	if (status == 401)
		http_reply_header(r->http, "WWW-Authenticate", "Bearer");
	if (status == 503)
		http_reply_header(r->http, "Retry-After", "1");
	req_reply(r, status, PROBLEM_TYPE, strbuf_str(b));
}

void req_fail(struct req *r, enum problem_code code, const char *detail)
{
	struct problem p = { .code = code, .detail = detail };
	req_fail_with(r, &p);
}

void req_not_found(struct req *r)
{
	req_fail(r, PROBLEM_NOT_FOUND, "There is no such object in this workspace.");
}

void req_fail_scope(struct req *r, enum scope missing)
{
	struct problem p = { .code = PROBLEM_MISSING_SCOPE,
			     .detail = "This API key lacks the scope that the request needs.",
			     .scope = scope_name(missing) };
	req_fail_with(r, &p);
}

void req_fail_credit(struct req *r)
{
	req_fail(r, PROBLEM_INSUFFICIENT_CREDIT,
		 "The workspace has no credit left: nothing is started before some is added.");
}

void req_fail_validation(struct req *r)
{
	const struct json_faults *f = r->faults;
	struct problem p = { .code = problem_from_name(f->v[0].code, PROBLEM_VALIDATION_ERROR),
			     .detail = f->v[0].detail,
			     .faults = f };
	for (size_t i = 1; i < f->n; i++) {
		if (strcmp(f->v[i].code, f->v[0].code) != 0) {
			p.code = PROBLEM_VALIDATION_ERROR;
			p.detail = "The request has several faults; see errors.";
		}
	}
	if (p.code == PROBLEM_VALIDATION_ERROR && f->n > 1)
		p.detail = "The request has several faults; see errors.";
	req_fail_with(r, &p);
}

void req_json(struct req *r, struct json_out *j)
{
	take_out(r);
	json_out_init(j, &r->out);
}

void req_reply_json(struct req *r, int status)
{
	if (strbuf_overflowed(&r->out)) {
		req_fail(r, PROBLEM_INTERNAL, "The answer is too large; ask for fewer rows.");
		return;
	}
	req_reply(r, status, "application/json", strbuf_str(&r->out));
}

void req_reply_created(struct req *r, enum id_kind kind, struct uuid id)
{
	char text[ID_TEXT_SIZE], location[128];
	ASSERT(uuid_eq(r->made_id, id)); /* the audit trail knows it */
	(void)snprintf(location, sizeof(location), "%s/%s", r->route->pattern,
		       id_format(kind, id, text)); /* patterns are short */
	http_reply_header(r->http, "Location", location);
	req_reply_json(r, 201);
}

/* --- input --------------------------------------------------------------------------------- */

struct json_faults *req_faults(struct req *r)
{
	if (r->faults == NULL)
		r->faults = arena_alloc(r->arena, sizeof(*r->faults));
	return r->faults;
}

void req_fault(struct req *r, const char *base, const char *key, const char *code,
	       const char *detail)
{
	json_fault_add(req_faults(r), base, key, code, detail);
}

bool req_has_faults(const struct req *r)
{
	return r->faults != NULL && r->faults->total > 0;
}

void req_decode(struct req *r, const struct json_field *fields, size_t n, void *out)
{
	(void)json_decode(r->body,
			  (struct json_decoder){ fields, n, true, "", r->arena, req_faults(r) },
			  out); /* faults are asked for together at the end */
}

void req_require(struct req *r, const char *key)
{
	if (json_get(r->body, key) == NULL)
		req_fault(r, "", key, "validation_error", "is required");
}

struct str req_object_text(struct req *r, const struct json_value *v, const char *key, size_t max)
{
	struct strbuf b;
	if (v == NULL)
		return STR_NONE;
	strbuf_init(&b, max);
	json_print(v, &b);
	struct str text = STR_NONE;
	if (strbuf_overflowed(&b))
		req_fault(r, "", key, "validation_error", "is too large");
	else
		text = arena_str(r->arena, strbuf_str(&b));
	strbuf_deinit(&b);
	return text;
}

struct str req_query_word(struct req *r, const char *name, const char *const *words, size_t n)
{
	struct str value = http_request_query(r->http, name);
	if (value.p == NULL)
		return value;
	for (size_t i = 0; i < n; i++) {
		if (str_eq(value, str_from(words[i])))
			return value;
	}
	req_query_fault(r, name, "is none of the values that it may have");
	return STR_NONE;
}

static size_t count_chars(struct str s)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80; /* not a continuation of UTF-8 */
	return n;
}

struct str req_query_text(struct req *r, const char *name, size_t min_chars)
{
	struct str value = http_request_query(r->http, name);
	if (value.p == NULL)
		return value;
	if (value.n > QUERY_TEXT_MAX || !str_is_utf8(value) || memchr(value.p, 0, value.n) != NULL)
		req_query_fault(r, name, "must be UTF-8 of at most 200 bytes");
	else if (count_chars(value) < min_chars)
		req_query_fault(r, name, "has too few characters");
	return value;
}

void req_query_fault_as(struct req *r, const char *name, const char *code, const char *detail)
{
	struct json_faults *f = req_faults(r);
	json_fault_add(f, "", NULL, code, detail);
	if (f->total == f->n) /* this one is listed */
		(void)snprintf(f->v[f->n - 1].pointer, sizeof(f->v[0].pointer), "?%s", name);
}

void req_query_fault(struct req *r, const char *name, const char *detail)
{
	req_query_fault_as(r, name, "validation_error", detail);
}

struct str req_like(struct req *r, struct str text)
{
	if (text.p == NULL)
		return STR_NONE;
	char *p = arena_alloc(r->arena, 2 * text.n + 2), *to = p;
	*to++ = '%';
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '%' || text.p[i] == '_' || text.p[i] == '\\')
			*to++ = '\\';
		*to++ = text.p[i];
	}
	*to++ = '%';
	return (struct str){ p, (size_t)(to - p) };
}
