/* Every command. Nouns in the order in which people meet them. */
#include "commands.h"

#include <string.h>

#include "table.h"

#define F TABLE_FLEXIBLE
#define R TABLE_RIGHT
#define S TABLE_STATE
#define P TABLE_SPARE

#define PAGES OPT_LIMIT, OPT_CURSOR, OPT_ALL, OPT_JSON
#define POSTS OPT_IDEMPOTENCY_KEY, OPT_JSON

/* clang-format off */
static const struct list_column campaign_columns[] = {
	{ "ID", "id", 0 }, { "NAME", "name", F }, { "KIND", "kind", P }, { "STATUS", "status", S },
	{ "REASON", "status_reason", F | P }, { "TARGETS", "counts.total", R },
	{ "WAITING", "counts.pending", R | P }, { "PLANNED", "counts.scheduled", R | P },
	{ "ANSWERED", "counts.dispatched", R }, { "FAILED", "counts.failed", R },
	{ "SKIPPED", "counts.skipped", R | P }, { NULL, NULL, 0 },
};
static const struct list_column target_columns[] = {
	{ "ID", "id", 0 }, { "NUMBER", "to_number", 0 }, { "NAME", "name", F | P },
	{ "EXTERNAL ID", "external_id", F | P }, { "STATUS", "status", S }, { "OUTCOME", "outcome", S },
	{ "ATTEMPTS", "attempts", R | P }, { "NEXT", "next_attempt_at", P }, { NULL, NULL, 0 },
};
static const struct list_column import_columns[] = {
	{ "ID", "id", 0 }, { "STATUS", "status", S }, { "REASON", "reason", F | P },
	{ "ROWS", "received", R }, { "NEW", "inserted", R }, { "KNOWN", "deduped", R | P },
	{ "REJECTED", "rejected", R }, { "BYTES", "bytes", R | P }, { "BEGAN", "created_at", P },
	{ NULL, NULL, 0 },
};
static const struct list_column call_columns[] = {
	{ "ID", "id", 0 }, { "TO", "to_number", 0 }, { "FROM", "from_number", P },
	{ "STATUS", "status", S }, { "OUTCOME", "outcome", S }, { "ATTEMPTS", "attempts", R | P },
	{ "PLANNED", "scheduled_at", P }, { "NEXT", "next_attempt_at", P },
	{ "EXTERNAL ID", "external_id", F | P }, { NULL, NULL, 0 },
};
static const struct list_column conversation_columns[] = {
	{ "ID", "id", 0 }, { "TO", "to_number", 0 }, { "STATUS", "status", S },
	{ "BEGAN", "started_at", 0 }, { "SECONDS", "duration_s", R | P }, { "BILLED", "billed_s", R | P },
	{ "ENDED BY", "end_reason", P }, { "CALL", "scheduled_call_id", P }, { NULL, NULL, 0 },
};
static const struct list_column endpoint_columns[] = {
	{ "ID", "id", 0 }, { "URL", "url", F }, { "STATUS", "status", S },
	{ "REASON", "disabled_reason", P }, { "EVENTS", "events", F | P },
	{ "DESCRIPTION", "description", F | P }, { NULL, NULL, 0 },
};
static const struct list_column delivery_columns[] = {
	{ "ID", "id", 0 }, { "SEQUENCE", "sequence", R | P }, { "EVENT", "event_type", F },
	{ "STATUS", "status", S }, { "ATTEMPTS", "attempts", R | P }, { "RESULT", "last_result", 0 },
	{ "CODE", "last_status_code", R | P }, { "MS", "last_duration_ms", R | P },
	{ "NEXT", "next_attempt_at", P }, { "CREATED", "created_at", P }, { NULL, NULL, 0 },
};
static const struct list_column suppression_columns[] = {
	{ "ID", "id", 0 }, { "NUMBER", "to_number", 0 }, { "REASON", "reason", F },
	{ "CREATED", "created_at", P }, { NULL, NULL, 0 },
};
static const struct list_column agent_columns[] = {
	{ "ID", "id", 0 }, { "NAME", "name", F }, { "ENDPOINT", "endpoint", F | P },
	{ "CREATED", "created_at", P }, { NULL, NULL, 0 },
};
static const struct list_column number_columns[] = {
	{ "ID", "id", 0 }, { "NUMBER", "e164", 0 }, { "TRUNK", "trunk_id", 0 },
	{ "A MINUTE", "calls_per_minute", R | P }, { "AT A TIME", "max_concurrent", R | P },
	{ NULL, NULL, 0 },
};
static const struct list_column trunk_columns[] = {
	{ "ID", "id", 0 }, { "NAME", "name", F }, { "DIALER", "dialer", 0 },
	{ "SETTINGS", "settings", F | P }, { "SECRETS", "has_secrets", P }, { NULL, NULL, 0 },
};
static const struct list_column key_columns[] = {
	{ "ID", "id", 0 }, { "NAME", "name", F }, { "KEY", "prefix", P },
	{ "ENDS IN", "last_four", 0 }, { "STATUS", "status", S }, { "SCOPES", "scopes", F | P },
	{ "A MINUTE", "rate_per_minute", R | P }, { "EXPIRES", "expires_at", P }, { NULL, NULL, 0 },
};
static const struct list_column audit_columns[] = {
	{ "AT", "at", 0 }, { "ACTION", "action", 0 }, { "SUBJECT", "subject", 0 },
	{ "KEY", "key_id", P }, { "REQUEST", "request_id", F | P }, { NULL, NULL, 0 },
};

const struct command commands[] = {
	{ .noun = "login", .arity = "", .run = cmd_login,
	  .summary = "stores where the API is and the key for it",
	  .detail = "The key is read from the terminal without being shown, or from standard input. "
		    "It is tried before it is stored.",
	  .options = { OPT_URL } },
	{ .noun = "logout", .arity = "", .run = cmd_logout, .summary = "forgets what login stored" },
	{ .noun = "workspace", .verb = "show", .arity = "", .summary = "the workspace of the key",
	  .method = "GET", .path = "/v1/workspace", .options = { OPT_JSON } },
	{ .noun = "workspace", .verb = "update", .arity = "", .summary = "changes what is given",
	  .method = "PATCH", .path = "/v1/workspace",
	  .options = { OPT_NAME, OPT_TIMEZONE, OPT_CALLS_PER_MINUTE, OPT_MAX_CONCURRENT,
		       OPT_REQUESTS_PER_MINUTE, OPT_BILLING_INCREMENT, OPT_JSON } },

	{ .noun = "campaigns", .verb = "list", .arity = "", .summary = "campaigns, newest first",
	  .method = "GET", .path = "/v1/campaigns", .list = campaign_columns,
	  .options = { OPT_CAMPAIGN_KIND, OPT_STATUS, OPT_SEARCH, PAGES } },
	{ .noun = "campaigns", .verb = "show", .arity = "CAMPAIGN",
	  .summary = "a campaign with its counters", .method = "GET", .path = "/v1/campaigns/{}",
	  .options = { OPT_JSON } },
	{ .noun = "campaigns", .verb = "stats", .arity = "CAMPAIGN",
	  .summary = "its targets by status and by outcome", .method = "GET",
	  .path = "/v1/campaigns/{}/stats", .options = { OPT_JSON } },
	{ .noun = "campaigns", .verb = "create", .arity = "[NUMBER...]", .run = cmd_campaign_create,
	  .summary = "a draft, with targets from the command line or a CSV file",
	  .method = "POST", .path = "/v1/campaigns", .arg_field = "targets",
	  .detail = "A bulk campaign needs --name, --agent, --from and --rate; a recurring one --name, "
		    "--agent, --from, --to and --cron. The file's first line names its columns: "
		    "to_number, name, external_id, timezone; each other one becomes a variable. With "
		    "--json what is made is printed step by step, an object a line: the campaign, the "
		    "import, the started campaign.",
	  .options = { OPT_KIND, OPT_NAME, OPT_DESCRIPTION, OPT_AGENT, OPT_FROM, OPT_TO, OPT_RATE,
		       OPT_CRON, OPT_TIMEZONE, OPT_END_AT, OPT_MAX_ATTEMPTS, OPT_MAX_CONCURRENT,
		       OPT_RETRY_POLICY, OPT_CALLING_WINDOWS, OPT_VARIABLES, OPT_RING_TIMEOUT,
		       OPT_MAX_DURATION, OPT_CSV, OPT_REGION, OPT_START, POSTS } },
	{ .noun = "campaigns", .verb = "update", .arity = "CAMPAIGN",
	  .summary = "changes what is given, of a recurring campaign", .method = "PATCH",
	  .path = "/v1/campaigns/{}",
	  .options = { OPT_NAME, OPT_DESCRIPTION, OPT_CRON, OPT_TIMEZONE, OPT_END_AT,
		       OPT_MAX_ATTEMPTS, OPT_MAX_CONCURRENT, OPT_RETRY_POLICY, OPT_CALLING_WINDOWS,
		       OPT_VARIABLES, OPT_RING_TIMEOUT, OPT_MAX_DURATION, OPT_JSON } },
	{ .noun = "campaigns", .verb = "delete", .arity = "CAMPAIGN",
	  .summary = "deletes a draft with its targets", .method = "DELETE",
	  .path = "/v1/campaigns/{}", .gone = "deleted", .options = { OPT_JSON } },
	{ .noun = "campaigns", .verb = "start", .arity = "CAMPAIGN", .summary = "begins to call",
	  .method = "POST", .path = "/v1/campaigns/{}/start", .options = { POSTS } },
	{ .noun = "campaigns", .verb = "pause", .arity = "CAMPAIGN",
	  .summary = "starts no more calls until it is resumed", .method = "POST",
	  .path = "/v1/campaigns/{}/pause", .options = { POSTS } },
	{ .noun = "campaigns", .verb = "resume", .arity = "CAMPAIGN",
	  .summary = "goes on with a paused campaign", .method = "POST",
	  .path = "/v1/campaigns/{}/resume", .options = { POSTS } },
	{ .noun = "campaigns", .verb = "cancel", .arity = "CAMPAIGN", .summary = "ends it for good",
	  .method = "POST", .path = "/v1/campaigns/{}/cancel", .options = { POSTS } },
	{ .noun = "campaigns", .verb = "watch", .arity = "CAMPAIGN", .run = cmd_campaign_watch,
	  .summary = "its progress, live, until it is over", .method = "GET",
	  .path = "/v1/campaigns/{}/stream",
	  .detail = "Ends when the campaign is completed or cancelled and nothing is left in flight. "
		    "A connection that breaks is made again, where it was. With --json each event of "
		    "the stream is a line.",
	  .options = { OPT_JSON } },
	{ .noun = "campaigns", .verb = "export", .arity = "CAMPAIGN", .run = cmd_download,
	  .summary = "all its targets as CSV", .method = "GET",
	  .path = "/v1/campaigns/{}/export.csv", .options = { OPT_STATUS, OPT_OUTCOME, OPT_OUTPUT } },
	{ .noun = "campaigns", .verb = "calls", .arity = "CAMPAIGN",
	  .summary = "its calls, newest first", .method = "GET", .path = "/v1/campaigns/{}/calls",
	  .list = call_columns, .options = { OPT_STATUS, OPT_OUTCOME, PAGES } },

	{ .noun = "targets", .verb = "list", .arity = "CAMPAIGN",
	  .summary = "a campaign's targets, the last appended first", .method = "GET",
	  .path = "/v1/campaigns/{}/targets", .list = target_columns,
	  .options = { OPT_STATUS, OPT_OUTCOME, OPT_SEARCH, PAGES } },
	{ .noun = "targets", .verb = "show", .arity = "CAMPAIGN TARGET",
	  .summary = "a target with its attempts", .method = "GET",
	  .path = "/v1/campaigns/{}/targets/{}", .options = { OPT_JSON } },
	{ .noun = "targets", .verb = "add", .arity = "CAMPAIGN [NUMBER...]", .run = cmd_target_add,
	  .summary = "appends numbers, or a CSV file of any size", .method = "POST",
	  .path = "/v1/campaigns/{}/targets", .arg_field = "targets",
	  .options = { OPT_CSV, OPT_REGION, OPT_NO_WAIT, POSTS } },
	{ .noun = "targets", .verb = "skip", .arity = "CAMPAIGN [TARGET...]", .run = cmd_target_skip,
	  .summary = "skips targets, by their ids or by a filter", .method = "POST",
	  .path = "/v1/campaigns/{}/targets/skip", .arg_field = "ids",
	  .detail = "Targets that are being dialed, or are through, stay as they are and do not count.",
	  .options = { OPT_STATUS, OPT_OUTCOME, OPT_SEARCH, OPT_EVERY, POSTS } },
	{ .noun = "imports", .verb = "list", .arity = "CAMPAIGN",
	  .summary = "a campaign's imports, newest first", .method = "GET",
	  .path = "/v1/campaigns/{}/imports", .list = import_columns, .options = { PAGES } },
	{ .noun = "imports", .verb = "show", .arity = "IMPORT", .summary = "an import and how far it is",
	  .method = "GET", .path = "/v1/imports/{}", .options = { OPT_JSON } },
	{ .noun = "imports", .verb = "errors", .arity = "IMPORT", .run = cmd_download,
	  .summary = "what was wrong with rejected rows, as CSV", .method = "GET",
	  .path = "/v1/imports/{}/errors.csv", .options = { OPT_OUTPUT } },

	{ .noun = "calls", .verb = "list", .arity = "", .summary = "all calls, newest first",
	  .method = "GET", .path = "/v1/scheduled-calls", .list = call_columns,
	  .options = { OPT_STATUS, OPT_CAMPAIGN, OPT_TO_FILTER, OPT_SCHEDULED_FROM,
		       OPT_SCHEDULED_UNTIL, PAGES } },
	{ .noun = "calls", .verb = "show", .arity = "CALL",
	  .summary = "a call with its attempts and its conversation", .method = "GET",
	  .path = "/v1/scheduled-calls/{}", .options = { OPT_JSON } },
	{ .noun = "calls", .verb = "create", .arity = "", .summary = "calls now, or at an instant",
	  .method = "POST", .path = "/v1/scheduled-calls",
	  .detail = "Needs --agent, --from and --to. Repeated with the same --idempotency-key it is "
		    "still one call.",
	  .options = { OPT_AGENT, OPT_FROM, OPT_TO, OPT_AT, OPT_MAX_ATTEMPTS, OPT_RETRY_POLICY,
		       OPT_VARIABLES, OPT_EXTERNAL_ID, POSTS } },
	{ .noun = "calls", .verb = "cancel", .arity = "CALL", .summary = "cancels one not yet dialed",
	  .method = "POST", .path = "/v1/scheduled-calls/{}/cancel", .options = { POSTS } },
	{ .noun = "conversations", .verb = "list", .arity = "", .summary = "conversations, newest first",
	  .method = "GET", .path = "/v1/conversations", .list = conversation_columns,
	  .options = { OPT_STATUS, OPT_CAMPAIGN, OPT_CALL, PAGES } },
	{ .noun = "conversations", .verb = "show", .arity = "CONVERSATION", .summary = "a conversation",
	  .method = "GET", .path = "/v1/conversations/{}", .options = { OPT_JSON } },
	{ .noun = "conversations", .verb = "hangup", .arity = "CONVERSATION", .summary = "ends it",
	  .method = "POST", .path = "/v1/conversations/{}/hangup", .options = { POSTS } },

	{ .noun = "webhooks", .verb = "list", .arity = "", .summary = "webhook endpoints, newest first",
	  .method = "GET", .path = "/v1/webhook-endpoints", .list = endpoint_columns,
	  .options = { PAGES } },
	{ .noun = "webhooks", .verb = "show", .arity = "ENDPOINT", .summary = "a webhook endpoint",
	  .method = "GET", .path = "/v1/webhook-endpoints/{}", .options = { OPT_JSON } },
	{ .noun = "webhooks", .verb = "create", .arity = "",
	  .summary = "makes an endpoint and shows its secret, once", .method = "POST",
	  .path = "/v1/webhook-endpoints",
	  .options = { OPT_ENDPOINT_URL, OPT_EVENTS, OPT_DESCRIPTION, POSTS } },
	{ .noun = "webhooks", .verb = "update", .arity = "ENDPOINT", .summary = "changes what is given",
	  .method = "PATCH", .path = "/v1/webhook-endpoints/{}",
	  .options = { OPT_ENDPOINT_URL, OPT_EVENTS, OPT_DESCRIPTION, OPT_JSON } },
	{ .noun = "webhooks", .verb = "delete", .arity = "ENDPOINT",
	  .summary = "deletes it; what waits for it becomes dead letters", .method = "DELETE",
	  .path = "/v1/webhook-endpoints/{}", .gone = "deleted", .options = { OPT_JSON } },
	{ .noun = "webhooks", .verb = "enable", .arity = "ENDPOINT", .summary = "sends to it again",
	  .method = "POST", .path = "/v1/webhook-endpoints/{}/enable", .options = { POSTS } },
	{ .noun = "webhooks", .verb = "disable", .arity = "ENDPOINT", .summary = "sends nothing to it",
	  .method = "POST", .path = "/v1/webhook-endpoints/{}/disable", .options = { POSTS } },
	{ .noun = "webhooks", .verb = "test", .arity = "ENDPOINT", .run = cmd_endpoint_test,
	  .summary = "sends one test event and tells what came of it", .method = "POST",
	  .path = "/v1/webhook-endpoints/{}/test",
	  .detail = "Exit code 1 where it was not delivered.", .options = { POSTS } },
	{ .noun = "webhooks", .verb = "rotate", .arity = "ENDPOINT",
	  .summary = "makes a new secret and shows it, once", .method = "POST",
	  .path = "/v1/webhook-endpoints/{}/rotate-secret",
	  .options = { OPT_OVERLAP, OPT_FORCE, POSTS } },
	{ .noun = "webhooks", .verb = "deliveries", .arity = "ENDPOINT",
	  .summary = "what was sent to it, and what waits", .method = "GET",
	  .path = "/v1/webhook-endpoints/{}/deliveries", .list = delivery_columns,
	  .options = { OPT_STATUS, PAGES } },
	{ .noun = "webhooks", .verb = "delivery", .arity = "DELIVERY",
	  .summary = "a delivery with its attempts", .method = "GET", .path = "/v1/deliveries/{}",
	  .options = { OPT_JSON } },
	{ .noun = "webhooks", .verb = "replay", .arity = "DELIVERY|ENDPOINT", .run = cmd_replay,
	  .summary = "sends a delivery, or an endpoint's of a span, once more",
	  .method = "POST", .path = "/v1/deliveries/{}/replay",
	  .detail = "An endpoint needs --since; the other options are for endpoints only, too.",
	  .options = { OPT_SINCE, OPT_UNTIL, OPT_REPLAY_TYPES, OPT_REPLAY_STATUS, POSTS } },
	{ .noun = "webhooks", .verb = "listen", .arity = "", .run = cmd_listen,
	  .summary = "receives events here, verifies and prints them",
	  .method = "POST", .path = "/v1/webhook-endpoints",
	  .detail = "Makes an endpoint for as long as it runs, and deletes it at the end. The API must "
		    "reach this machine: give --url where that is through a tunnel or a proxy. A "
		    "request whose signature is wrong, or older than five minutes, is answered 401 "
		    "and told on standard error. With --json each event is a line, byte for byte.",
	  .options = { OPT_PORT, OPT_BIND, OPT_PUBLIC_URL, OPT_LISTEN_EVENTS, OPT_SECRET_FILE,
		       OPT_EVENT_COUNT, OPT_JSON } },
	{ .noun = "events", .verb = "tail", .arity = "", .run = cmd_events_tail,
	  .summary = "events as they happen, from the pull log", .method = "GET",
	  .path = "/v1/events",
	  .detail = "Works without a way from the API to this machine. With --json each event is a "
		    "line, byte for byte.",
	  .options = { OPT_AFTER_SEQUENCE, OPT_TYPES, OPT_NO_FOLLOW, OPT_EVENT_COUNT, OPT_JSON } },

	{ .noun = "schedule", .verb = "preview", .arity = "CRON",
	  .summary = "when a cron expression fires", .method = "POST",
	  .path = "/v1/schedules/preview", .arg_field = "cron",
	  .options = { OPT_TIMEZONE, OPT_COUNT_PREVIEW, OPT_AFTER, OPT_JSON } },
	{ .noun = "suppressions", .verb = "list", .arity = "", .summary = "numbers never dialed again",
	  .method = "GET", .path = "/v1/suppressions", .list = suppression_columns,
	  .options = { OPT_TO_FILTER, PAGES } },
	{ .noun = "suppressions", .verb = "add", .arity = "NUMBER", .summary = "never dials it again",
	  .method = "POST", .path = "/v1/suppressions", .arg_field = "to_number",
	  .options = { OPT_REASON, POSTS } },
	{ .noun = "suppressions", .verb = "check", .arity = "NUMBER",
	  .summary = "whether it is on the list", .method = "GET", .path = "/v1/suppressions/check",
	  .arg_field = "to_number", .options = { OPT_JSON } },
	{ .noun = "suppressions", .verb = "remove", .arity = "SUPPRESSION",
	  .summary = "takes a number off the list", .method = "DELETE",
	  .path = "/v1/suppressions/{}", .gone = "removed", .options = { OPT_JSON } },

	{ .noun = "agents", .verb = "list", .arity = "", .summary = "voice agents, newest first",
	  .method = "GET", .path = "/v1/agents", .list = agent_columns, .options = { PAGES } },
	{ .noun = "agents", .verb = "show", .arity = "AGENT", .summary = "an agent", .method = "GET",
	  .path = "/v1/agents/{}", .options = { OPT_JSON } },
	{ .noun = "agents", .verb = "create", .arity = "", .summary = "makes an agent",
	  .method = "POST", .path = "/v1/agents",
	  .options = { OPT_NAME, OPT_ENDPOINT, OPT_VARIABLES, POSTS } },
	{ .noun = "agents", .verb = "update", .arity = "AGENT", .summary = "changes what is given",
	  .method = "PATCH", .path = "/v1/agents/{}",
	  .options = { OPT_NAME, OPT_ENDPOINT, OPT_VARIABLES, OPT_JSON } },
	{ .noun = "agents", .verb = "delete", .arity = "AGENT",
	  .summary = "deletes one that no unfinished campaign uses", .method = "DELETE",
	  .path = "/v1/agents/{}", .gone = "deleted", .options = { OPT_JSON } },
	{ .noun = "numbers", .verb = "list", .arity = "", .summary = "numbers to call from",
	  .method = "GET", .path = "/v1/numbers", .list = number_columns, .options = { PAGES } },
	{ .noun = "numbers", .verb = "show", .arity = "ID", .summary = "a number", .method = "GET",
	  .path = "/v1/numbers/{}", .options = { OPT_JSON } },
	{ .noun = "numbers", .verb = "create", .arity = "NUMBER", .summary = "adds one",
	  .method = "POST", .path = "/v1/numbers", .arg_field = "e164",
	  .options = { OPT_TRUNK, OPT_CALLS_PER_MINUTE, OPT_MAX_CONCURRENT, POSTS } },
	{ .noun = "numbers", .verb = "update", .arity = "ID",
	  .summary = "changes what is given; limits are in force within 5 s", .method = "PATCH",
	  .path = "/v1/numbers/{}",
	  .options = { OPT_TRUNK, OPT_CALLS_PER_MINUTE, OPT_MAX_CONCURRENT, OPT_JSON } },
	{ .noun = "numbers", .verb = "delete", .arity = "ID",
	  .summary = "deletes one from which no unfinished campaign calls", .method = "DELETE",
	  .path = "/v1/numbers/{}", .gone = "deleted", .options = { OPT_JSON } },
	{ .noun = "trunks", .verb = "list", .arity = "", .summary = "trunks, newest first",
	  .method = "GET", .path = "/v1/trunks", .list = trunk_columns, .options = { PAGES } },
	{ .noun = "trunks", .verb = "show", .arity = "TRUNK", .summary = "a trunk, without its secrets",
	  .method = "GET", .path = "/v1/trunks/{}", .options = { OPT_JSON } },
	{ .noun = "trunks", .verb = "create", .arity = "", .summary = "makes a trunk",
	  .method = "POST", .path = "/v1/trunks",
	  .options = { OPT_NAME, OPT_DIALER, OPT_SETTINGS, POSTS } },
	{ .noun = "trunks", .verb = "update", .arity = "TRUNK", .summary = "changes what is given",
	  .method = "PATCH", .path = "/v1/trunks/{}",
	  .options = { OPT_NAME, OPT_SETTINGS, OPT_JSON } },
	{ .noun = "trunks", .verb = "delete", .arity = "TRUNK",
	  .summary = "deletes one on which no number stands", .method = "DELETE",
	  .path = "/v1/trunks/{}", .gone = "deleted", .options = { OPT_JSON } },

	{ .noun = "keys", .verb = "list", .arity = "", .summary = "API keys, newest first",
	  .method = "GET", .path = "/v1/api-keys", .list = key_columns,
	  .options = { OPT_STATUS, PAGES } },
	{ .noun = "keys", .verb = "create", .arity = "", .summary = "makes a key and shows it, once",
	  .method = "POST", .path = "/v1/api-keys",
	  .options = { OPT_NAME, OPT_SCOPES, OPT_RATE_PER_MINUTE, OPT_EXPIRES_AT, POSTS } },
	{ .noun = "keys", .verb = "revoke", .arity = "KEY", .summary = "refuses it from now on",
	  .method = "DELETE", .path = "/v1/api-keys/{}", .gone = "revoked", .options = { OPT_JSON } },
	{ .noun = "audit", .verb = "list", .arity = "",
	  .summary = "what was changed, when and by which key", .method = "GET",
	  .path = "/v1/audit", .list = audit_columns,
	  .options = { OPT_ACTION, OPT_KEY, OPT_SUBJECT, PAGES } },

	{ .noun = "completion", .verb = "bash", .arity = "", .run = cmd_completion,
	  .summary = "prints the completion for bash",
	  .detail = "In ~/.bashrc: source <(belfry completion bash)" },
	{ .noun = "manual", .arity = "", .run = cmd_manual, .summary = "prints the manual page, as roff" },
	{ .noun = "help", .arity = "[NOUN] [VERB]", .run = cmd_help,
	  .summary = "all commands, or one" },
};
/* clang-format on */
const size_t commands_count = ARRAY_LEN(commands);

const struct exit_meaning exit_meanings[EXIT_MEANINGS] = {
	{ EXIT_DONE, "Done." },
	{ EXIT_REFUSED,
	  "The API refused it, what it began ended badly, or a file could not be read or "
	  "written." },
	{ EXIT_USAGE, "The command line or the settings are wrong; nothing was asked." },
	{ EXIT_ACCESS, "There is no key, or it is not good for this (401, 403)." },
	{ EXIT_ABSENT, "There is no such object (404)." },
	{ EXIT_CONFLICT, "The object's state stands in the way (409, 412)." },
	{ EXIT_AWAY,
	  "No answer, or not now: no connection, 408, 429, 5xx. It may be tried again later." },
};

const struct command *command_find(int argc, char **argv, int *words_out)
{
	for (size_t i = 0; argc > 0 && i < commands_count; i++) {
		const struct command *c = &commands[i];
		if (strcmp(argv[0], c->noun) == 0 &&
		    (c->verb == NULL || (argc > 1 && strcmp(argv[1], c->verb) == 0))) {
			*words_out = c->verb == NULL ? 1 : 2;
			return c;
		}
	}
	return NULL;
}
