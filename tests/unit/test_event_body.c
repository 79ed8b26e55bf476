/* Bodies of events: golden bytes, which retries and replays must give again for ever. */
#include "check.h"

#include <string.h>

#include "vectors.h"
#include "wire/event_body.h"

/* A column that may be absent. */
static struct str text(const struct json_value *row, const char *key)
{
	return json_get(row, key) ? vectors_str(row, key) : STR_NONE;
}

static int64_t number(const struct json_value *row, const char *key, int64_t absent)
{
	return json_get(row, key) ? vectors_i64(row, key) : absent;
}

static struct uuid id(const struct json_value *row, const char *key)
{
	struct uuid out = UUID_NIL;
	if (json_get(row, key))
		assert_ok(uuid_parse(vectors_str(row, key), &out));
	return out;
}

static struct event_body read_event(const struct json_value *row)
{
	return (struct event_body){
		.id = id(row, "id"),
		.workspace_id = id(row, "workspace_id"),
		.sequence = vectors_i64(row, "sequence"),
		.type = vectors_str(row, "type"),
		.at = vectors_i64(row, "at"),
		.campaign_id = id(row, "campaign_id"),
		.campaign_kind = text(row, "campaign_kind"),
		.call_id = id(row, "call_id"),
		.target_id = id(row, "target_id"),
		.agent_id = id(row, "agent_id"),
		.conversation_id = id(row, "conversation_id"),
		.to_number = text(row, "to_number"),
		.from_number = text(row, "from_number"),
		.external_id = text(row, "external_id"),
		.variables = text(row, "variables"),
		.call_created_at = number(row, "call_created_at", USEC_NEVER),
		.scheduled_at = number(row, "scheduled_at", USEC_NEVER),
		.next_attempt_at = number(row, "next_attempt_at", USEC_NEVER),
		.status = text(row, "status"),
		.outcome = text(row, "outcome"),
		.attempt_number = number(row, "attempt_number", EVENT_BODY_NULL),
		.attempt_outcome = text(row, "attempt_outcome"),
		.sip_code = number(row, "sip_code", EVENT_BODY_NULL),
		.started_at = number(row, "started_at", USEC_NEVER),
		.ended_at = number(row, "ended_at", USEC_NEVER),
		.duration_ms = number(row, "duration_ms", EVENT_BODY_NULL),
		.billed_s = number(row, "billed_s", EVENT_BODY_NULL),
		.end_reason = text(row, "end_reason"),
		.data = text(row, "data"),
	};
}

static void bodies_are_as_the_vectors(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("event_bodies.json");
	for (const struct json_value *row = vectors_first(d, "bodies"); row; row = json_next(row)) {
		struct event_body e = read_event(row);
		struct strbuf b;
		strbuf_init(&b, EVENT_BODY_MAX);
		assert_ok(event_body_render(&e, &b));
		assert_str(strbuf_str(&b), vectors_str(row, "body").p);
		strbuf_deinit(&b);
	}
	json_doc_free(d);
}

static void every_body_is_sound_json(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("event_bodies.json");
	for (const struct json_value *row = vectors_first(d, "bodies"); row; row = json_next(row)) {
		struct event_body e = read_event(row);
		struct json_doc *body = NULL;
		struct strbuf b;
		strbuf_init(&b, EVENT_BODY_MAX);
		assert_ok(event_body_render(&e, &b));
		assert_ok(json_parse(
			strbuf_str(&b),
			(struct json_limits){ .max_bytes = EVENT_BODY_MAX, .max_depth = 8 }, &body,
			NULL));
		assert_int_equal(json_type(json_get(json_doc_root(body), "data")), JSON_OBJECT);
		json_doc_free(body);
		strbuf_deinit(&b);
	}
	json_doc_free(d);
}

static void what_is_not_there_is_null(void **state)
{
	(void)state;
	struct event_body e = {
		.type = STR("conversation.completed"),
		.at = 0,
		.sequence = 1,
		.call_created_at = USEC_NEVER,
		.scheduled_at = USEC_NEVER,
		.next_attempt_at = USEC_NEVER,
		.attempt_number = EVENT_BODY_NULL,
		.sip_code = EVENT_BODY_NULL,
		.started_at = USEC_NEVER,
		.ended_at = USEC_NEVER,
		.duration_ms = EVENT_BODY_NULL,
		.billed_s = EVENT_BODY_NULL,
	};
	struct strbuf b;
	strbuf_init(&b, EVENT_BODY_MAX);
	assert_ok(event_body_render(&e, &b));
	assert_str(strbuf_str(&b),
		   "{\"id\":null,\"type\":\"conversation.completed\","
		   "\"timestamp\":\"1970-01-01T00:00:00.000Z\",\"sequence\":1,"
		   "\"workspace_id\":null,\"test\":false,\"data\":{\"campaign\":null,"
		   "\"target\":null,\"attempt\":null,\"conversation\":{\"id\":null,"
		   "\"status\":\"completed\",\"started_at\":null,\"ended_at\":null,"
		   "\"duration_s\":null,\"billed_s\":null,\"end_reason\":null}}}");
	strbuf_deinit(&b);
}

static void a_body_over_its_limit_is_refused(void **state)
{
	(void)state;
	static char long_text[EVENT_BODY_MAX];
	struct event_body e = { .type = STR("webhook_endpoint.test") };
	struct strbuf b;
	memset(long_text, ' ', sizeof(long_text));
	long_text[0] = '{';
	long_text[sizeof(long_text) - 1] = '}';
	e.data = (struct str){ long_text, sizeof(long_text) };
	strbuf_init(&b, EVENT_BODY_MAX);
	assert_err(event_body_render(&e, &b), ERR_TOO_LARGE);
	strbuf_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_are_as_the_vectors),
		cmocka_unit_test(every_body_is_sound_json),
		cmocka_unit_test(what_is_not_there_is_null),
		cmocka_unit_test(a_body_over_its_limit_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
