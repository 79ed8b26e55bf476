/* The table of settings. */
#include "settings.h"

#include <stdio.h>

#include "sys/log.h"
#include "sys/settings.h"

#define AT(member) offsetof(struct gateway_settings, member)

static const struct setting table[] = {
	{ .key = "BELFRY_DATABASE_URL",
	  .kind = SETTING_STR,
	  .offset = AT(database_url),
	  .is_secret = true,
	  .doc = "Postgres, as a URL or a connection string of libpq." },
	{ .key = "BELFRY_REDIS_URL",
	  .kind = SETTING_STR,
	  .offset = AT(redis_url),
	  .is_secret = true,
	  .doc = "Redis: redis[s]://[user:password@]host[:port][/db], "
		 "redis[s]+sentinel://host,host/MASTER or unix:///path, see "
		 "libcommon/redis/redis.h." },
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
	{ .key = "BELFRY_READY_FILE",
	  .kind = SETTING_STR,
	  .offset = AT(ready_file),
	  .fallback = "",
	  .doc = "File that stands while the process is ready; empty for none." },
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
	{ .key = "BELFRY_PG_PREPARE",
	  .kind = SETTING_BOOL,
	  .offset = AT(pg_prepare),
	  .fallback = "1",
	  .doc = "Prepares statements by name; 0 for PgBouncer before 1.21 in transaction mode." },
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
	{ .key = "BELFRY_ZONEINFO",
	  .kind = SETTING_STR,
	  .offset = AT(zoneinfo),
	  .fallback = "/usr/share/zoneinfo",
	  .doc = "Directory of the time zone database." },
	{ .key = "BELFRY_ZONEINFO_REFRESH_S",
	  .kind = SETTING_SECONDS,
	  .offset = AT(zoneinfo_refresh_us),
	  .fallback = "60",
	  .min = 1,
	  .max = 3600,
	  .doc = "How often the time zone database is looked at for changes." },
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
	{ .key = "BELFRY_LOG_LEVEL",
	  .kind = SETTING_STR,
	  .offset = AT(log_level),
	  .fallback = "info",
	  .min = 0,
	  .max = 16,
	  .doc = "The least level that is logged: debug, info, warn or error." },
	{ .key = "BELFRY_LOG_FULL_NUMBERS",
	  .kind = SETTING_BOOL,
	  .offset = AT(log_full_numbers),
	  .fallback = "0",
	  .doc = "Logs phone numbers in full instead of masked." },
	{ .key = "BELFRY_HTTP_METRICS",
	  .kind = SETTING_BOOL,
	  .offset = AT(http_metrics),
	  .fallback = "1",
	  .doc = "0 keeps /metrics off the port of the HTTP API, where strangers reach that." },
	METRICS_SERVER_SETTINGS(struct gateway_settings, metrics),
};

bool gateway_settings_load(int argc, char **argv, struct gateway_settings *out, int *exit_out)
{
	enum log_level level;

	*exit_out = 1;
	if (settings_command(argc, argv, (struct settings_table){ table, ARRAY_LEN(table) }, out,
			     exit_out) ||
	    is_err(settings_load(table, ARRAY_LEN(table), out)))
		return true;
	if (!log_level_parse(str_from(out->log_level), &level)) {
		fprintf(stderr, "BELFRY_LOG_LEVEL: no such level (%s)\n", out->log_level);
		return true;
	}
	log_setup((struct log_options){
		.service = "api-gateway", .level = level, .full_numbers = out->log_full_numbers });
	return false;
}
