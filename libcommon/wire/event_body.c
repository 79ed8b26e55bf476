/* Renders events; the order of the keys is part of the contract. */
#include "wire/event_body.h"

#include "json/json_out.h"

static void put_i64(struct json_out *j, const char *key, int64_t v)
{
	if (v == EVENT_BODY_NULL)
		json_kv_null(j, key);
	else
		json_kv_i64(j, key, v);
}

/* The call as the API shows it, without the list of attempts; a cancelled one says why. */
static void put_call(struct json_out *j, const struct event_body *e)
{
	json_key(j, "scheduled_call");
	json_object_begin(j);
	json_kv_id(j, "id", ID_CALL, e->call_id);
	json_kv_id(j, "campaign_id", ID_CAMPAIGN, e->campaign_id);
	json_kv_id(j, "target_id", ID_TARGET, e->target_id);
	json_kv_str(j, "to_number", e->to_number);
	json_kv_str(j, "from_number", e->from_number);
	json_kv_id(j, "agent_id", ID_AGENT, e->agent_id);
	json_kv_time(j, "scheduled_at", e->scheduled_at);
	json_kv_time(j, "next_attempt_at", e->next_attempt_at);
	json_kv_str(j, "status", e->status);
	json_kv_str(j, "outcome", e->outcome);
	json_kv_id(j, "conversation_id", ID_CONVERSATION, e->conversation_id);
	json_kv_str(j, "external_id", e->external_id);
	json_kv_raw(j, "variables", e->variables);
	json_kv_time(j, "created_at", e->call_created_at);
	json_kv_time(j, "updated_at", e->at);
	/* Rows of releases that did not give a reason must not gain one. */
	if (e->end_reason.n > 0 && str_eq(e->type, STR("scheduled_call.cancelled")))
		json_kv_str(j, "reason", e->end_reason);
	json_object_end(j);
}

/* The members of an object, without its braces; empty unless it is one. */
static struct str members_of(struct str object)
{
	struct str s = str_trim(object);

	if (s.n < 2 || s.p[0] != '{' || s.p[s.n - 1] != '}')
		return STR_NONE;
	return str_trim((struct str){ s.p + 1, s.n - 2 });
}

static void put_campaign(struct json_out *j, const struct event_body *e, struct str more)
{
	if (uuid_is_nil(e->campaign_id)) {
		json_kv_null(j, "campaign");
		return;
	}
	json_key(j, "campaign");
	json_object_begin(j);
	json_kv_id(j, "id", ID_CAMPAIGN, e->campaign_id);
	json_kv_str(j, "kind", e->campaign_kind);
	if (more.n > 0)
		json_raw(j, more);
	json_object_end(j);
}

static void put_target(struct json_out *j, const struct event_body *e)
{
	if (uuid_is_nil(e->target_id)) {
		json_kv_null(j, "target");
		return;
	}
	json_key(j, "target");
	json_object_begin(j);
	json_kv_id(j, "id", ID_TARGET, e->target_id);
	json_kv_str(j, "external_id", e->external_id);
	json_object_end(j);
}

static void put_attempt(struct json_out *j, const struct event_body *e)
{
	if (e->attempt_number == EVENT_BODY_NULL) {
		json_kv_null(j, "attempt");
		return;
	}
	json_key(j, "attempt");
	json_object_begin(j);
	json_kv_i64(j, "number", e->attempt_number);
	json_kv_str(j, "outcome", e->attempt_outcome);
	put_i64(j, "sip_code", e->sip_code);
	json_object_end(j);
}

static void put_conversation(struct json_out *j, const struct event_body *e)
{
	json_key(j, "conversation");
	json_object_begin(j);
	json_kv_id(j, "id", ID_CONVERSATION, e->conversation_id);
	json_kv_cstr(j, "status", "completed");
	json_kv_time(j, "started_at", e->started_at);
	json_kv_time(j, "ended_at", e->ended_at);
	json_key(j, "duration_s");
	if (e->duration_ms == EVENT_BODY_NULL)
		json_null(j);
	else
		json_seconds(j, e->duration_ms * USEC_PER_MS);
	put_i64(j, "billed_s", e->billed_s);
	json_kv_str(j, "end_reason", e->end_reason);
	json_object_end(j);
}

static void put_data(struct json_out *j, const struct event_body *e)
{
	bool is_campaign = str_starts(e->type, STR("campaign."));

	json_key(j, "data");
	if (e->data.n > 0 && !is_campaign) {
		json_raw(j, e->data);
		return;
	}
	json_object_begin(j);
	if (is_campaign) {
		put_campaign(j, e, members_of(e->data));
		json_object_end(j);
		return;
	}
	if (!uuid_is_nil(e->call_id))
		put_call(j, e);
	put_campaign(j, e, STR_NONE);
	put_target(j, e);
	put_attempt(j, e);
	if (str_eq(e->type, STR("conversation.completed")))
		put_conversation(j, e);
	json_object_end(j);
}

struct err event_body_render(const struct event_body *e, struct strbuf *out)
{
	struct json_out j;

	json_out_init(&j, out);
	json_object_begin(&j);
	json_kv_id(&j, "id", ID_EVENT, e->id);
	json_kv_str(&j, "type", e->type);
	json_kv_time(&j, "timestamp", e->at);
	json_kv_i64(&j, "sequence", e->sequence);
	json_kv_id(&j, "workspace_id", ID_WORKSPACE, e->workspace_id);
	json_kv_bool(&j, "test", str_eq(e->type, STR("webhook_endpoint.test")));
	put_data(&j, e);
	json_object_end(&j);
	if (strbuf_overflowed(out))
		return ERR(ERR_TOO_LARGE, "the body of the event exceeds its limit");
	return OK;
}
