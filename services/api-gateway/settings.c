/* The table of settings. */
#include "settings.h"

#include <stdio.h>

#include "sys/log.h"
#include "sys/settings_rows.h"

#define AT(member) offsetof(struct gateway_settings, member)

static const struct setting table[] = {
	DATABASE_URL_SETTING(struct gateway_settings, database_url),
	REDIS_URL_SETTING(struct gateway_settings, redis_url),
	{ .key = "BELFRY_HTTP_BIND",
	  .kind = SETTING_STR,
	  .offset = AT(http_bind),
	  .fallback = "127.0.0.1",
	  .doc = "Address that the HTTP API listens on." },
	{ .key = "BELFRY_HTTP_PORT",
	  .kind = SETTING_I64,
	  .offset = AT(http_port),
	  .fallback = "8080",
	  .min = 0,
	  .max = 65535,
	  .doc = "Port of the HTTP API; 0 takes any free one." },
	{ .key = "BELFRY_HTTP_PORT_FILE",
	  .kind = SETTING_STR,
	  .offset = AT(port_file),
	  .fallback = "",
	  .doc = "File to write the port to once it is open; empty writes none." },
	READY_FILE_SETTING(struct gateway_settings, ready_file),
	{ .key = "BELFRY_SECRET_KEYS",
	  .kind = SETTING_STR,
	  .offset = AT(secret_keys),
	  .is_secret = true,
	  .doc = "Keys of secrets at rest, id:base64[,id:base64...], 32 bytes each; the first "
		 "encrypts." },
	{ .key = "BELFRY_KEY_PEPPER",
	  .kind = SETTING_STR,
	  .offset = AT(key_pepper),
	  .min = 16,
	  .max = 1024,
	  .is_secret = true,
	  .doc = "Key of the hashes under which API keys are stored." },
	{ .key = "BELFRY_PG_CONNECTIONS",
	  .kind = SETTING_I64,
	  .offset = AT(pg_connections),
	  .fallback = "16",
	  .min = 1,
	  .max = 1000,
	  .doc = "Connections to Postgres." },
	PG_PREPARE_SETTING(struct gateway_settings, pg_prepare),
	{ .key = "BELFRY_WEBHOOK_ALLOW_HTTP",
	  .kind = SETTING_BOOL,
	  .offset = AT(webhook_allow_http),
	  .fallback = "0",
	  .doc = "Allows webhook URLs with plain http." },
	{ .key = "BELFRY_WEBHOOK_ALLOW_CIDRS",
	  .kind = SETTING_STR,
	  .offset = AT(webhook_allow_cidrs),
	  .fallback = "",
	  .doc = "Address blocks that webhooks may reach although they are special, separated by "
		 "commas." },
	{ .key = "BELFRY_TRUSTED_PROXIES",
	  .kind = SETTING_STR,
	  .offset = AT(trusted_proxies),
	  .fallback = "",
	  .doc = "Address blocks of the proxies before this gateway, separated by commas: their "
		 "X-Forwarded-For counts, and the cap on connections of one address is not "
		 "theirs." },
	{ .key = "BELFRY_CATCH_UP_S",
	  .kind = SETTING_I64,
	  .offset = AT(catch_up_s),
	  .fallback = "300",
	  .min = 1,
	  .max = 86400,
	  .doc = "A call at an instant that was not claimed so many seconds after it expires." },
	ZONEINFO_SETTING(struct gateway_settings, zoneinfo),
	ZONEINFO_REFRESH_SETTING(struct gateway_settings, zoneinfo_refresh_us),
	{ .key = "BELFRY_IMPORT_MAX_BYTES",
	  .kind = SETTING_I64,
	  .offset = AT(import_max_bytes),
	  .fallback = "268435456",
	  .min = 1024,
	  .max = INT64_C(1) << 40,
	  .doc = "The largest CSV file that an import takes." },
	{ .key = "BELFRY_SESSION_S",
	  .kind = SETTING_SECONDS,
	  .offset = AT(session_us),
	  .fallback = "43200",
	  .min = 1,
	  .max = 2592000,
	  .doc = "How long a sign-in to the dashboard is good." },
	{ .key = "BELFRY_WORKSPACE_REQUESTS_PER_MINUTE",
	  .kind = SETTING_I64,
	  .offset = AT(workspace_requests),
	  .fallback = "0",
	  .min = 0,
	  .max = 6000000,
	  .doc = "Requests a minute of all keys and sessions of a workspace together, where it has "
		 "no limit of its own; 0 for none." },
	LOG_LEVEL_SETTING(struct gateway_settings, log_level),
	{ .key = "BELFRY_HTTP_METRICS",
	  .kind = SETTING_BOOL,
	  .offset = AT(http_metrics),
	  .fallback = "1",
	  .doc = "0 keeps /metrics off the port of the HTTP API, where strangers reach that." },
	METRICS_SERVER_SETTINGS(struct gateway_settings, metrics),
};

bool gateway_settings_load(int argc, char **argv, struct gateway_settings *out, int *exit_out)
{
	*exit_out = 1;
	if (settings_command(argc, argv, (struct settings_table){ table, ARRAY_LEN(table) }, out,
			     exit_out) ||
	    is_err(settings_load(table, ARRAY_LEN(table), out)))
		return true;
	return !log_setup_by_word(out->log_level, (struct log_options){ .service = "api-gateway" });
}
