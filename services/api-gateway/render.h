/* The API's objects as JSON, each from the row that a statement gave. */
#ifndef BELFRY_API_GATEWAY_RENDER_H
#define BELFRY_API_GATEWAY_RENDER_H

#include "domain/cron.h"
#include "store_gen.h"
#include "sys/zone_table.h"
#include "json/json_out.h"

void render_i64_or_null(struct json_out *j, const char *key, int64_t v);
void render_object(struct json_out *j, const char *key, struct str json); /* none = {} */

void render_counts(struct json_out *j, const struct api_campaign_get_row *c);
/* The zones are for its next occurrence. */
void render_campaign(struct json_out *j, const struct api_campaign_get_row *c,
		     struct zone_table *zones);
/* The same without its closing brace, for an answer that adds to it. */
void render_campaign_open(struct json_out *j, const struct api_campaign_get_row *c,
			  struct zone_table *zones);
/* What there is to warn of about an expression, as an array; each names what it is about. */
void render_warnings(struct json_out *j, const struct cron *c);

/* A row of api_target_get, api_target_list or api_target_search, with its closing brace or not. */
void render_target_open(struct json_out *j, const struct api_target_get_row *t);
/* The attempts of one call: rows from *at on that have its id, *at moves past them. */
void render_attempts(struct json_out *j, const struct pg_result *attempts, struct uuid call_id,
		     size_t *at);
/* A call without its closing brace; without attempts they are NULL. */
void render_call_open(struct json_out *j, const struct api_call_get_row *c,
		      const struct pg_result *attempts, size_t *at);
void render_conversation(struct json_out *j, const struct api_call_get_row *c);

#endif
