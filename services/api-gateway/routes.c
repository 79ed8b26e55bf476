/* Every path of the API. Reading needs `read`; changing objects `write`; what starts, stops or skips
 * calls `control`; what decides from where, over what and to whom Belfry talks, and who may ask,
 * `admin`. What changes something names its `action`, and leaves a line of that name in the audit
 * trail. */
#include "handlers.h"
#include "route.h"
#include "session.h"
#include "transfers.h"

#define READ(pattern_, handle_)                                                                    \
	{                                                                                          \
		.method = HTTP_GET, .pattern = (pattern_), .scope = SCOPE_READ,                    \
		.handle = (handle_)                                                                \
	}
/* One object by its key. */
#define ONE(pattern_, handle_)                                                                     \
	{                                                                                          \
		.method = HTTP_GET, .pattern = (pattern_), .scope = SCOPE_READ,                    \
		.handle = (handle_), .is_brief = true                                              \
	}
#define OPEN(pattern_, handle_)                                                                    \
	{                                                                                          \
		.method = HTTP_GET, .pattern = (pattern_), .handle = (handle_)                     \
	}
#define LIST(pattern_, handle_, ...)                                                               \
	{                                                                                          \
		.method = HTTP_GET, .pattern = (pattern_), .scope = SCOPE_READ,                    \
		.handle = (handle_), .is_list = true, .filters = {                                 \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define CREATE(pattern_, scope_, handle_, action_)                                                 \
	{                                                                                          \
		.method = HTTP_POST, .pattern = (pattern_), .scope = SCOPE_##scope_,               \
		.body = BODY_OBJECT, .handle = (handle_), .action = (action_)                      \
	}
#define CHANGE(pattern_, scope_, handle_, action_)                                                 \
	{                                                                                          \
		.method = HTTP_PATCH, .pattern = (pattern_), .scope = SCOPE_##scope_,              \
		.body = BODY_OBJECT, .handle = (handle_), .action = (action_)                      \
	}
#define DELETE(pattern_, scope_, handle_, action_)                                                 \
	{                                                                                          \
		.method = HTTP_DELETE, .pattern = (pattern_), .scope = SCOPE_##scope_,             \
		.handle = (handle_), .action = (action_)                                           \
	}
/* A verb at the end of the path, without a body of its own. */
#define ACTION(pattern_, scope_, handle_, replay_, action_)                                        \
	{                                                                                          \
		.method = HTTP_POST, .pattern = (pattern_), .scope = SCOPE_##scope_,               \
		.body = BODY_EMPTY, .handle = (handle_), .replay = (replay_), .action = (action_)  \
	}

const struct route routes[] = {
	OPEN("/healthz", health_live),
	OPEN("/readyz", health_ready),
	OPEN("/metrics", health_metrics),
	OPEN("/openapi.yaml", health_openapi),

	CREATE("/v1/campaigns", WRITE, campaigns_create, "campaign.create"),
	LIST("/v1/campaigns", campaigns_list, "kind", "status", "q"),
	ONE("/v1/campaigns/{cmp}", campaigns_get),
	CHANGE("/v1/campaigns/{cmp}", WRITE, campaigns_patch, "campaign.update"),
	DELETE("/v1/campaigns/{cmp}", WRITE, campaigns_delete, "campaign.delete"),
	ACTION("/v1/campaigns/{cmp}/start", CONTROL, campaigns_start, campaigns_replay,
	       "campaign.start"),
	ACTION("/v1/campaigns/{cmp}/pause", CONTROL, campaigns_pause, campaigns_replay,
	       "campaign.pause"),
	ACTION("/v1/campaigns/{cmp}/resume", CONTROL, campaigns_resume, campaigns_replay,
	       "campaign.resume"),
	ACTION("/v1/campaigns/{cmp}/cancel", CONTROL, campaigns_cancel, campaigns_replay,
	       "campaign.cancel"),
	READ("/v1/campaigns/{cmp}/stats", campaigns_stats),
	READ("/v1/campaigns/{cmp}/pace", campaigns_pace),
	READ("/v1/campaigns/{cmp}/stream", campaigns_watch),
	{ .method = HTTP_GET,
	  .pattern = "/v1/campaigns/{cmp}/export.csv",
	  .scope = SCOPE_READ,
	  .handle = campaigns_export,
	  .filters = { "status", "outcome" } },
	LIST("/v1/campaigns/{cmp}/calls", calls_of_campaign, "status", "outcome"),

	CREATE("/v1/schedules/preview", READ, schedules_preview, NULL),

	CREATE("/v1/campaigns/{cmp}/targets", WRITE, targets_append, "target.append"),
	LIST("/v1/campaigns/{cmp}/targets", targets_list, "status", "outcome", "q"),
	CREATE("/v1/campaigns/{cmp}/targets/skip", CONTROL, targets_skip, "target.skip"),
	ONE("/v1/campaigns/{cmp}/targets/{tgt}", targets_get),
	DELETE("/v1/campaigns/{cmp}/targets/{tgt}", CONTROL, targets_delete, "target.skip"),

	{ .method = HTTP_POST,
	  .pattern = "/v1/campaigns/{cmp}/imports",
	  .scope = SCOPE_WRITE,
	  .body = BODY_CSV,
	  .handle = imports_create,
	  .filters = { "default_region" },
	  .made_at = "/v1/imports",
	  .action = "import.create" },
	LIST("/v1/campaigns/{cmp}/imports", imports_list, NULL),
	ONE("/v1/imports/{imp}", imports_get),
	READ("/v1/imports/{imp}/errors.csv", imports_errors),

	LIST("/v1/scheduled-calls", calls_list, "status", "campaign_id", "to_number", "from",
	     "until"),
	{ .method = HTTP_POST,
	  .pattern = "/v1/scheduled-calls",
	  .scope = SCOPE_CONTROL,
	  .body = BODY_OBJECT,
	  .handle = calls_create,
	  .prepare = calls_prepare,
	  .needs_key = true,
	  .is_brief = true,
	  .action = "call.create" },
	ONE("/v1/scheduled-calls/{call}", calls_get),
	ACTION("/v1/scheduled-calls/{call}/cancel", CONTROL, calls_cancel, calls_get,
	       "call.cancel"),

	LIST("/v1/conversations", conversations_list, "call_id", "campaign_id", "status"),
	ONE("/v1/conversations/{cnv}", conversations_get),
	ACTION("/v1/conversations/{cnv}/hangup", CONTROL, conversations_hangup, NULL,
	       "conversation.hangup"),

	CREATE("/v1/suppressions", WRITE, suppressions_create, "suppression.create"),
	LIST("/v1/suppressions", suppressions_list, "to_number"),
	{ .method = HTTP_POST,
	  .pattern = "/v1/suppressions/import",
	  .scope = SCOPE_WRITE,
	  .body = BODY_RAW,
	  .handle = suppressions_import,
	  .action = "suppression.import" },
	{ .method = HTTP_GET,
	  .pattern = "/v1/suppressions/check",
	  .scope = SCOPE_READ,
	  .handle = suppressions_check,
	  .filters = { "to_number" } },
	ONE("/v1/suppressions/{sup}", suppressions_get),
	DELETE("/v1/suppressions/{sup}", WRITE, suppressions_delete, "suppression.delete"),

	CREATE("/v1/webhook-endpoints", ADMIN, endpoints_create, "endpoint.create"),
	LIST("/v1/webhook-endpoints", endpoints_list, NULL),
	ONE("/v1/webhook-endpoints/{whk}", endpoints_get),
	DELETE("/v1/webhook-endpoints/{whk}", ADMIN, endpoints_delete, "endpoint.delete"),
	CHANGE("/v1/webhook-endpoints/{whk}", ADMIN, endpoints_patch, "endpoint.update"),
	ACTION("/v1/webhook-endpoints/{whk}/enable", ADMIN, endpoints_enable, NULL,
	       "endpoint.enable"),
	ACTION("/v1/webhook-endpoints/{whk}/disable", ADMIN, endpoints_disable, NULL,
	       "endpoint.disable"),
	{ .method = HTTP_POST,
	  .pattern = "/v1/webhook-endpoints/{whk}/rotate-secret",
	  .scope = SCOPE_ADMIN,
	  .body = BODY_OPTIONAL,
	  .handle = endpoints_rotate,
	  .action = "endpoint.rotate_secret" },
	{ .method = HTTP_POST,
	  .pattern = "/v1/webhook-endpoints/{whk}/test",
	  .scope = SCOPE_ADMIN,
	  .body = BODY_EMPTY,
	  .handle = endpoints_test,
	  .replay = endpoints_test_replay,
	  .action = "endpoint.test",
	  .changes_others = true },
	{ .method = HTTP_POST,
	  .pattern = "/v1/webhook-endpoints/{whk}/replay",
	  .scope = SCOPE_ADMIN,
	  .body = BODY_OBJECT,
	  .handle = endpoints_replay,
	  .action = "endpoint.replay",
	  .changes_others = true },
	LIST("/v1/webhook-endpoints/{whk}/deliveries", endpoints_deliveries, "status"),
	ONE("/v1/deliveries/{dlv}", deliveries_get),
	{ .method = HTTP_POST,
	  .pattern = "/v1/deliveries/{dlv}/replay",
	  .scope = SCOPE_ADMIN,
	  .body = BODY_EMPTY,
	  .handle = deliveries_replay,
	  .action = "delivery.replay",
	  .changes_others = true },
	LIST("/v1/events", events_list, "after", "types"),

	CREATE("/v1/agents", WRITE, agents_create, "agent.create"),
	LIST("/v1/agents", agents_list, NULL),
	ONE("/v1/agents/{agt}", agents_get),
	CHANGE("/v1/agents/{agt}", WRITE, agents_patch, "agent.update"),
	DELETE("/v1/agents/{agt}", WRITE, agents_delete, "agent.delete"),

	CREATE("/v1/numbers", ADMIN, numbers_create, "number.create"),
	LIST("/v1/numbers", numbers_list, NULL),
	ONE("/v1/numbers/{num}", numbers_get),
	CHANGE("/v1/numbers/{num}", ADMIN, numbers_patch, "number.update"),
	DELETE("/v1/numbers/{num}", ADMIN, numbers_delete, "number.delete"),

	CREATE("/v1/trunks", ADMIN, trunks_create, "trunk.create"),
	LIST("/v1/trunks", trunks_list, NULL),
	ONE("/v1/trunks/{trk}", trunks_get),
	CHANGE("/v1/trunks/{trk}", ADMIN, trunks_patch, "trunk.update"),
	DELETE("/v1/trunks/{trk}", ADMIN, trunks_delete, "trunk.delete"),
	{ .method = HTTP_POST,
	  .pattern = "/v1/trunks/{trk}/test",
	  .scope = SCOPE_ADMIN,
	  .body = BODY_EMPTY,
	  .handle = trunks_test,
	  .replay = trunks_test_replay,
	  .action = "trunk.test",
	  .changes_others = true },

	ONE("/v1/workspace", workspace_get),
	CHANGE("/v1/workspace", ADMIN, workspace_patch, "workspace.update"),
	CREATE("/v1/workspace/credit", OPERATOR, workspace_credit, "workspace.credit"),

	ACTION("/v1/session", READ, sessions_create, NULL, "session.create"),
	READ("/v1/session", sessions_get),
	DELETE("/v1/session", READ, sessions_end, "session.end"),

	CREATE("/v1/api-keys", ADMIN, keys_create, "key.create"),
	{ .method = HTTP_GET,
	  .pattern = "/v1/api-keys",
	  .scope = SCOPE_ADMIN,
	  .handle = keys_list,
	  .is_list = true,
	  .filters = { "status" } },
	{ .method = HTTP_GET,
	  .pattern = "/v1/api-keys/{key}",
	  .scope = SCOPE_ADMIN,
	  .handle = keys_get },
	DELETE("/v1/api-keys/{key}", ADMIN, keys_revoke, "key.revoke"),
	{ .method = HTTP_GET,
	  .pattern = "/v1/audit",
	  .scope = SCOPE_ADMIN,
	  .handle = audit_list,
	  .is_list = true,
	  .filters = { "action", "key_id", "subject" } },

	{ .method = HTTP_GET,
	  .pattern = "/v1/system",
	  .scope = SCOPE_OPERATOR,
	  .handle = system_get },

	{ .pattern = NULL },
};
