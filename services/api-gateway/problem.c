/* The table of codes, and the one place that writes an error's body. */
#include "problem.h"

#include <stdio.h>
#include <string.h>

#define TYPE_SIZE 80

static const struct {
	int status;
	const char *name, *title;
} codes[PROBLEM_CODE_COUNT] = {
	[PROBLEM_INTERNAL] = { 500, "internal", "Internal error" },
	[PROBLEM_MALFORMED_JSON] = { 400, "malformed_json", "Malformed JSON" },
	[PROBLEM_MALFORMED_REQUEST] = { 400, "malformed_request", "Malformed request" },
	[PROBLEM_CURSOR_MISMATCH] = { 400, "cursor_mismatch", "Cursor of other filters" },
	[PROBLEM_IDEMPOTENCY_KEY_REQUIRED] = { 400, "idempotency_key_required",
					       "Idempotency-Key required" },
	[PROBLEM_UNAUTHORIZED] = { 401, "unauthorized", "Not authenticated" },
	[PROBLEM_INSUFFICIENT_CREDIT] = { 402, "insufficient_credit", "Insufficient credit" },
	[PROBLEM_MISSING_SCOPE] = { 403, "missing_scope", "Missing scope" },
	[PROBLEM_NUMBER_NOT_OWNED] = { 403, "number_not_owned", "Number not owned" },
	[PROBLEM_CROSS_SITE] = { 403, "cross_site", "Not from the dashboard" },
	[PROBLEM_NOT_FOUND] = { 404, "not_found", "Not found" },
	[PROBLEM_METHOD_NOT_ALLOWED] = { 405, "method_not_allowed", "Method not allowed" },
	[PROBLEM_REQUEST_TIMEOUT] = { 408, "request_timeout", "Request took too long" },
	[PROBLEM_INVALID_STATE_TRANSITION] = { 409, "invalid_state_transition",
					       "Not possible in this state" },
	[PROBLEM_NO_TARGETS] = { 409, "no_targets", "Campaign without targets" },
	[PROBLEM_CAMPAIGN_IMMUTABLE] = { 409, "campaign_immutable", "Campaign cannot be changed" },
	[PROBLEM_TARGET_IMMUTABLE] = { 409, "target_immutable", "Target cannot be changed" },
	[PROBLEM_NUMBER_TAKEN] = { 409, "number_taken", "Number already taken" },
	[PROBLEM_IDEMPOTENCY_IN_PROGRESS] = { 409, "idempotency_in_progress",
					      "Request still in progress" },
	[PROBLEM_PRECONDITION_FAILED] = { 412, "precondition_failed", "Precondition failed" },
	[PROBLEM_PAYLOAD_TOO_LARGE] = { 413, "payload_too_large", "Payload too large" },
	[PROBLEM_UNSUPPORTED_MEDIA_TYPE] = { 415, "unsupported_media_type",
					     "Unsupported media type" },
	[PROBLEM_VALIDATION_ERROR] = { 422, "validation_error", "Invalid request" },
	[PROBLEM_INVALID_E164] = { 422, "invalid_e164", "Invalid phone number" },
	[PROBLEM_INVALID_CRON] = { 422, "invalid_cron", "Invalid cron expression" },
	[PROBLEM_INVALID_TIMEZONE] = { 422, "invalid_timezone", "Invalid timezone" },
	[PROBLEM_UNKNOWN_EVENT_TYPE] = { 422, "unknown_event_type", "Unknown event type" },
	[PROBLEM_IDEMPOTENCY_KEY_REUSED] = { 422, "idempotency_key_reused",
					     "Idempotency-Key of another request" },
	[PROBLEM_RATE_LIMITED] = { 429, "rate_limited", "Too many requests" },
	[PROBLEM_HEADERS_TOO_LARGE] = { 431, "headers_too_large", "Headers too large" },
	[PROBLEM_NOT_IMPLEMENTED] = { 501, "not_implemented", "Not implemented" },
	[PROBLEM_OVERLOADED] = { 503, "overloaded", "Overloaded" },
	[PROBLEM_UNAVAILABLE] = { 503, "unavailable", "Unavailable" },
};

int problem_status(enum problem_code code)
{
	ASSERT((unsigned)code < PROBLEM_CODE_COUNT);
	return codes[code].status;
}

const char *problem_name(enum problem_code code)
{
	ASSERT((unsigned)code < PROBLEM_CODE_COUNT);
	return codes[code].name;
}

enum problem_code problem_from_name(const char *name, enum problem_code fallback)
{
	for (unsigned i = 0; i < PROBLEM_CODE_COUNT; i++) {
		if (strcmp(codes[i].name, name) == 0)
			return (enum problem_code)i;
	}
	return fallback;
}

static void render_faults(struct json_out *j, const struct json_faults *f)
{
	json_key(j, "errors");
	json_array_begin(j);
	for (size_t i = 0; i < f->n; i++) {
		const struct json_fault *v = &f->v[i];
		bool is_parameter = v->pointer[0] == '?';
		json_object_begin(j);
		json_kv_cstr(j, is_parameter ? "parameter" : "pointer",
			     v->pointer + (is_parameter ? 1 : 0));
		json_kv_cstr(j, "code", v->code);
		json_kv_cstr(j, "detail", v->detail);
		json_object_end(j);
	}
	json_array_end(j);
	if (f->total > f->n)
		json_kv_i64(j, "errors_total", (int64_t)f->total);
}

static void render_state(struct json_out *j, const struct problem *p)
{
	json_kv_cstr(j, "current_status", p->current_status);
	json_key(j, "allowed");
	json_array_begin(j);
	for (size_t i = 0; i < p->n_allowed; i++)
		json_cstr(j, p->allowed[i]);
	json_array_end(j);
}

void problem_render(const struct problem *p, struct strbuf *out)
{
	struct json_out j;
	char type[TYPE_SIZE];
	(void)snprintf(type, sizeof(type), "https://belfry.dev/errors/%s", codes[p->code].name);
	json_out_init(&j, out);
	json_object_begin(&j);
	json_kv_cstr(&j, "type", type); /* names of the table are short */
	json_kv_cstr(&j, "title", codes[p->code].title);
	json_kv_i64(&j, "status", codes[p->code].status);
	json_kv_cstr(&j, "code", codes[p->code].name);
	json_kv_cstr(&j, "detail", p->detail);
	if (p->instance.p != NULL)
		json_kv_str(&j, "instance", p->instance);
	if (p->request_id.p != NULL)
		json_kv_str(&j, "request_id", p->request_id);
	if (p->scope != NULL)
		json_kv_cstr(&j, "scope", p->scope);
	if (p->current_status != NULL)
		render_state(&j, p);
	if (p->faults != NULL && p->faults->n > 0)
		render_faults(&j, p->faults);
	json_object_end(&j);
}
