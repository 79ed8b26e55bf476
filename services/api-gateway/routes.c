/* Every path of the API. Reading needs `read`; changing objects `write`; what starts, stops or skips
 * calls `control`; what decides from where, over what and to whom Belfry talks `admin`. */
#include "handlers.h"
#include "route.h"

#define ROUTE(method_, pattern_, scope_, body_, handle_)                                           \
	{                                                                                          \
		.method = HTTP_##method_, .pattern = (pattern_), .scope = SCOPE_##scope_,          \
		.body = BODY_##body_, .handle = (handle_)                                          \
	}
#define LIST(pattern_, handle_, ...)                                                               \
	{                                                                                          \
		.method = HTTP_GET, .pattern = (pattern_), .scope = SCOPE_READ,                    \
		.handle = (handle_), .is_list = true, .filters = {                                 \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define ACTION(pattern_, handle_, replay_)                                                         \
	{                                                                                          \
		.method = HTTP_POST, .pattern = (pattern_), .scope = SCOPE_CONTROL,                \
		.body = BODY_EMPTY, .handle = (handle_), .replay = (replay_)                       \
	}

const struct route routes[] = {
	ROUTE(GET, "/healthz", NONE, IGNORED, health_live),
	ROUTE(GET, "/readyz", NONE, IGNORED, health_ready),
	ROUTE(GET, "/metrics", NONE, IGNORED, health_metrics),
	ROUTE(GET, "/openapi.yaml", NONE, IGNORED, health_openapi),

	ROUTE(POST, "/v1/campaigns", WRITE, OBJECT, campaigns_create),
	LIST("/v1/campaigns", campaigns_list, "kind", "status", "q"),
	ROUTE(GET, "/v1/campaigns/{cmp}", READ, IGNORED, campaigns_get),
	ROUTE(PATCH, "/v1/campaigns/{cmp}", WRITE, OBJECT, campaigns_patch),
	ROUTE(DELETE, "/v1/campaigns/{cmp}", WRITE, IGNORED, campaigns_delete),
	ACTION("/v1/campaigns/{cmp}/start", campaigns_start, campaigns_replay),
	ACTION("/v1/campaigns/{cmp}/pause", campaigns_pause, campaigns_replay),
	ACTION("/v1/campaigns/{cmp}/resume", campaigns_resume, campaigns_replay),
	ACTION("/v1/campaigns/{cmp}/cancel", campaigns_cancel, campaigns_replay),
	ROUTE(GET, "/v1/campaigns/{cmp}/stats", READ, IGNORED, campaigns_stats),
	LIST("/v1/campaigns/{cmp}/calls", calls_of_campaign, "status", "outcome"),

	ROUTE(POST, "/v1/schedules/preview", READ, OBJECT, schedules_preview),

	ROUTE(POST, "/v1/campaigns/{cmp}/targets", WRITE, OBJECT, targets_append),
	LIST("/v1/campaigns/{cmp}/targets", targets_list, "status", "outcome", "q"),
	ROUTE(POST, "/v1/campaigns/{cmp}/targets/skip", CONTROL, OBJECT, targets_skip),
	ROUTE(GET, "/v1/campaigns/{cmp}/targets/{tgt}", READ, IGNORED, targets_get),
	ROUTE(DELETE, "/v1/campaigns/{cmp}/targets/{tgt}", CONTROL, IGNORED, targets_delete),

	LIST("/v1/scheduled-calls", calls_list, "status", "campaign_id", "to_number", "from",
	     "until"),
	{ .method = HTTP_POST,
	  .pattern = "/v1/scheduled-calls",
	  .scope = SCOPE_CONTROL,
	  .body = BODY_OBJECT,
	  .handle = calls_create,
	  .needs_key = true },
	ROUTE(GET, "/v1/scheduled-calls/{call}", READ, IGNORED, calls_get),
	ACTION("/v1/scheduled-calls/{call}/cancel", calls_cancel, calls_get),

	ROUTE(POST, "/v1/webhook-endpoints", ADMIN, OBJECT, endpoints_create),
	LIST("/v1/webhook-endpoints", endpoints_list, NULL),
	ROUTE(GET, "/v1/webhook-endpoints/{whk}", READ, IGNORED, endpoints_get),
	ROUTE(DELETE, "/v1/webhook-endpoints/{whk}", ADMIN, IGNORED, endpoints_delete),
	ROUTE(PATCH, "/v1/webhook-endpoints/{whk}", ADMIN, OBJECT, endpoints_patch),
	ROUTE(POST, "/v1/webhook-endpoints/{whk}/enable", ADMIN, EMPTY, endpoints_enable),
	ROUTE(POST, "/v1/webhook-endpoints/{whk}/disable", ADMIN, EMPTY, endpoints_disable),
	ROUTE(POST, "/v1/webhook-endpoints/{whk}/rotate-secret", ADMIN, OPTIONAL, endpoints_rotate),
	{ .method = HTTP_POST,
	  .pattern = "/v1/webhook-endpoints/{whk}/test",
	  .scope = SCOPE_ADMIN,
	  .body = BODY_EMPTY,
	  .handle = endpoints_test,
	  .replay = endpoints_test_replay },
	ROUTE(POST, "/v1/webhook-endpoints/{whk}/replay", ADMIN, OBJECT, endpoints_replay),
	LIST("/v1/webhook-endpoints/{whk}/deliveries", endpoints_deliveries, "status"),
	ROUTE(GET, "/v1/deliveries/{dlv}", READ, IGNORED, deliveries_get),
	ROUTE(POST, "/v1/deliveries/{dlv}/replay", ADMIN, EMPTY, deliveries_replay),
	LIST("/v1/events", events_list, "after", "types"),

	ROUTE(POST, "/v1/agents", WRITE, OBJECT, agents_create),
	LIST("/v1/agents", agents_list, NULL),
	ROUTE(GET, "/v1/agents/{agt}", READ, IGNORED, agents_get),
	ROUTE(PATCH, "/v1/agents/{agt}", WRITE, OBJECT, agents_patch),
	ROUTE(DELETE, "/v1/agents/{agt}", WRITE, IGNORED, agents_delete),

	ROUTE(POST, "/v1/numbers", ADMIN, OBJECT, numbers_create),
	LIST("/v1/numbers", numbers_list, NULL),
	ROUTE(GET, "/v1/numbers/{num}", READ, IGNORED, numbers_get),
	ROUTE(PATCH, "/v1/numbers/{num}", ADMIN, OBJECT, numbers_patch),
	ROUTE(DELETE, "/v1/numbers/{num}", ADMIN, IGNORED, numbers_delete),

	ROUTE(POST, "/v1/trunks", ADMIN, OBJECT, trunks_create),
	LIST("/v1/trunks", trunks_list, NULL),
	ROUTE(GET, "/v1/trunks/{trk}", READ, IGNORED, trunks_get),
	ROUTE(PATCH, "/v1/trunks/{trk}", ADMIN, OBJECT, trunks_patch),
	ROUTE(DELETE, "/v1/trunks/{trk}", ADMIN, IGNORED, trunks_delete),

	ROUTE(GET, "/v1/workspace", READ, IGNORED, workspace_get),
	ROUTE(PATCH, "/v1/workspace", ADMIN, OBJECT, workspace_patch),

	{ .pattern = NULL },
};
