/* The API's objects as JSON, each from the row that a statement gave. */
#ifndef BELFRY_API_GATEWAY_RENDER_H
#define BELFRY_API_GATEWAY_RENDER_H

#include "store_gen.h"
#include "json/json_out.h"

void render_i64_or_null(struct json_out *j, const char *key, int64_t v);
void render_object(struct json_out *j, const char *key, struct str json); /* none = {} */

void render_campaign(struct json_out *j, const struct api_campaign_get_row *c);
/* The same without its closing brace, for an answer that adds to it. */
void render_campaign_open(struct json_out *j, const struct api_campaign_get_row *c);

#endif
