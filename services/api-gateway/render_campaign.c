/* A campaign, in the order of the API's reference. */
#include "render.h"

#include "domain/occurrence.h"

static const char default_policy[] =
	"{\"rules\":[{\"on\":[\"busy\"],\"delay_s\":900},{\"on\":[\"no_answer\"],\"delay_s\":3600},"
	"{\"on\":[\"carrier_error\"],\"delay_s\":60,\"backoff\":\"exponential\","
	"\"max_delay_s\":900}],\"jitter_pct\":10}";

void render_i64_or_null(struct json_out *j, const char *key, int64_t v)
{
	if (v == PG_NULL_I64)
		json_kv_null(j, key);
	else
		json_kv_i64(j, key, v);
}

void render_object(struct json_out *j, const char *key, struct str json)
{
	json_kv_raw(j, key, json.n == 0 ? STR("{}") : json);
}

void render_counts(struct json_out *j, const struct api_campaign_get_row *c)
{
	json_key(j, "counts");
	json_object_begin(j);
	json_kv_i64(j, "total", c->total);
	json_kv_i64(j, "pending", c->pending);
	json_kv_i64(j, "scheduled", c->scheduled);
	json_kv_i64(j, "dispatched", c->dispatched);
	json_kv_i64(j, "failed", c->failed);
	json_kv_i64(j, "skipped", c->skipped);
	json_object_end(j);
}

/* Of an active recurring campaign, from the moment that the row is of. */
static usec_t next_occurrence(const struct api_campaign_get_row *c, const struct cron *cron,
			      struct zone_table *zones)
{
	struct occurrence next;
	const struct zone *zone = zone_table_find(zones, c->timezone);
	if (!str_eq(c->status, STR("active")) || zone == NULL || c->seen_at == USEC_NEVER ||
	    !occurrence_next(cron, zone, c->seen_at, &next))
		return USEC_NEVER;
	return c->end_at != USEC_NEVER && next.at >= c->end_at ? USEC_NEVER : next.at;
}

void render_warnings(struct json_out *j, const struct cron *c)
{
	const char *message = cron_warning(c);
	json_array_begin(j);
	if (message != NULL) {
		json_object_begin(j);
		json_kv_cstr(j, "code", "cron_days");
		json_kv_cstr(j, "message", message);
		json_kv_cstr(j, "pointer", "/cron");
		json_object_end(j);
	}
	json_array_end(j);
}

void render_campaign_open(struct json_out *j, const struct api_campaign_get_row *c,
			  struct zone_table *zones)
{
	struct cron cron;
	struct cron_fault fault;
	bool has_cron = c->cron.p != NULL && !is_err(cron_parse(c->cron, &cron, &fault));
	json_object_begin(j);
	json_kv_id(j, "id", ID_CAMPAIGN, c->id);
	json_kv_str(j, "kind", c->kind);
	json_kv_str(j, "name", c->name);
	json_kv_str(j, "description", c->description);
	json_kv_str(j, "status", c->status);
	json_kv_str(j, "status_reason", c->status_reason);
	json_kv_id(j, "agent_id", ID_AGENT, c->agent_id);
	json_kv_str(j, "from_number", c->from_number);
	render_object(j, "variables", c->variables);
	json_kv_str(j, "to_number", c->to_number);
	json_kv_str(j, "cron", c->cron);
	json_kv_str(j, "timezone", c->timezone);
	json_kv_time(j, "end_at", c->end_at);
	render_i64_or_null(j, "rate_limit_per_minute", c->rate_per_minute);
	render_i64_or_null(j, "max_concurrent", c->max_concurrent);
	json_kv_i64(j, "max_attempts", c->max_attempts);
	json_kv_raw(j, "retry_policy",
		    c->retry_policy.n == 0 ? str_from(default_policy) : c->retry_policy);
	json_kv_i64(j, "ring_timeout_s", c->ring_timeout_s);
	json_kv_i64(j, "max_duration_s", c->max_duration_s);
	json_kv_raw(j, "calling_windows", c->calling_windows);
	render_counts(j, c);
	json_kv_time(j, "next_occurrence_at",
		     has_cron ? next_occurrence(c, &cron, zones) : USEC_NEVER);
	json_kv_time(j, "created_at", c->created_at);
	json_kv_time(j, "updated_at", c->updated_at);
	json_kv_time(j, "started_at", c->started_at);
	json_kv_time(j, "completed_at", c->completed_at);
	if (has_cron && cron_warning(&cron) != NULL) {
		json_key(j, "warnings");
		render_warnings(j, &cron);
	}
}

void render_campaign(struct json_out *j, const struct api_campaign_get_row *c,
		     struct zone_table *zones)
{
	render_campaign_open(j, c, zones);
	json_object_end(j);
}
