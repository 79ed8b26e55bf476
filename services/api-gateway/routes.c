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
	ROUTE(POST, "/v1/campaigns/{cmp}/targets", WRITE, OBJECT, targets_append),

	{ .pattern = NULL },
};
