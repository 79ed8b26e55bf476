/* Targets, calls, attempts and conversations, in the order of the API's reference. */
#include "render.h"

void render_target_open(struct json_out *j, const struct api_target_get_row *t)
{
	json_object_begin(j);
	json_kv_id(j, "id", ID_TARGET, t->id);
	json_kv_id(j, "campaign_id", ID_CAMPAIGN, t->campaign_id);
	json_kv_str(j, "to_number", t->to_number);
	json_kv_str(j, "name", t->name);
	json_kv_str(j, "external_id", t->external_id);
	json_kv_str(j, "timezone", t->timezone);
	render_object(j, "variables", t->variables);
	json_kv_str(j, "status", t->status);
	json_kv_str(j, "outcome", t->outcome);
	json_kv_i64(j, "attempts", t->attempts);
	json_kv_time(j, "next_attempt_at", t->next_attempt_at);
	json_kv_id(j, "scheduled_call_id", ID_CALL, t->call_id);
	json_kv_time(j, "created_at", t->created_at);
	json_kv_time(j, "updated_at", t->updated_at);
}

static void render_attempt(struct json_out *j, const struct api_attempt_list_row *a)
{
	json_object_begin(j);
	json_kv_i64(j, "number", a->number);
	json_kv_time(j, "dialed_at", a->dialed_at);
	json_kv_time(j, "answered_at", a->answered_at);
	json_kv_time(j, "ended_at", a->ended_at);
	json_kv_str(j, "outcome", a->outcome);
	render_i64_or_null(j, "sip_code", a->sip_code);
	render_i64_or_null(j, "cause", a->cause);
	json_kv_str(j, "provider_call_id", a->provider_ref);
	json_object_end(j);
}

void render_attempts(struct json_out *j, const struct pg_result *attempts, struct uuid call_id,
		     size_t *at)
{
	struct api_attempt_list_row row;
	json_array_begin(j);
	for (; attempts != NULL && *at < pg_result_rows(attempts); (*at)++) {
		get_api_attempt_list(attempts, *at, &row);
		if (!uuid_eq(row.call_id, call_id))
			break;
		render_attempt(j, &row);
	}
	json_array_end(j);
}

void render_call_open(struct json_out *j, const struct api_call_get_row *c,
		      const struct pg_result *attempts, size_t *at)
{
	json_object_begin(j);
	json_kv_id(j, "id", ID_CALL, c->id);
	json_kv_id(j, "campaign_id", ID_CAMPAIGN, c->campaign_id);
	json_kv_id(j, "target_id", ID_TARGET, c->target_id);
	json_kv_str(j, "to_number", c->to_number);
	json_kv_str(j, "from_number", c->from_number);
	json_kv_id(j, "agent_id", ID_AGENT, c->agent_id);
	json_kv_time(j, "scheduled_at", c->scheduled_at);
	json_kv_time(j, "next_attempt_at", c->next_attempt_at);
	json_kv_str(j, "status", c->status);
	json_kv_str(j, "outcome", c->outcome);
	json_key(j, "attempts");
	render_attempts(j, attempts, c->id, at);
	json_kv_id(j, "conversation_id", ID_CONVERSATION, c->conversation_id);
	json_kv_str(j, "external_id", c->external_id);
	render_object(j, "variables", c->variables);
	json_kv_time(j, "created_at", c->created_at);
	json_kv_time(j, "updated_at", c->updated_at);
}

void render_conversation(struct json_out *j, const struct api_call_get_row *c)
{
	json_key(j, "conversation");
	if (c->talk_status.p == NULL) {
		json_null(j);
		return;
	}
	json_object_begin(j);
	json_kv_id(j, "id", ID_CONVERSATION, c->conversation_id);
	json_kv_str(j, "status", c->talk_status);
	json_kv_time(j, "started_at", c->started_at);
	json_kv_time(j, "ended_at", c->ended_at);
	json_key(j, "duration_s");
	if (c->duration_ms == PG_NULL_I64)
		json_null(j);
	else
		json_seconds(j, c->duration_ms * USEC_PER_MS);
	render_i64_or_null(j, "billed_s", c->billed_s);
	json_kv_str(j, "end_reason", c->end_reason);
	json_object_end(j);
}
