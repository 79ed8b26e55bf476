/* The dispatcher's settings table. */
#include "settings.h"

#include "base/base.h"

#define AT(field) offsetof(struct dispatcher_settings, field)

static const struct setting table[] = {
	{ "BELFRY_DATABASE_URL", SETTING_STR, AT(database_url), NULL, 0, 0, true,
	  "Postgres, as a libpq URL or conninfo." },
	{ "BELFRY_REDIS_URL", SETTING_STR, AT(redis_url), NULL, 0, 0, true,
	  "Redis: redis[s]://[user:password@]host[:port][/db], "
	  "redis[s]+sentinel://host,host/MASTER or unix:///path, see libcommon/redis/redis.h." },
	{ "BELFRY_DIALERS", SETTING_STR, AT(dialers), NULL, 0, 0, false,
	  "The dialers of this dispatcher's slot: name=address[,name=address...]." },
	{ "BELFRY_SECRET_KEYS", SETTING_STR, AT(secret_keys), "", 0, 0, true,
	  "Keys of secrets at rest, id:base64[,id:base64...]; needed for trunks that have "
	  "secrets." },
	{ "BELFRY_DISPATCHER_SLOT", SETTING_I64, AT(slot), "0", 0, 1023, false,
	  "Which socket of its dialers this dispatcher uses; unique on a host." },
	{ "BELFRY_HOST_NAME", SETTING_STR, AT(host), "", 0, 0, false,
	  "Name of this host among the dispatchers; empty takes the system's." },
	{ "BELFRY_DISPATCHER_LEASE_MS", SETTING_MS, AT(lease_us), "5000", 1000, 60000, false,
	  "How long a dispatcher that does not answer keeps its attempts and entries." },
	{ "BELFRY_DISPATCHER_IN_HAND", SETTING_I64, AT(in_hand_max), "8000", 100, 100000, false,
	  "Calls a dispatcher holds in memory before their instant, at most." },
	{ "BELFRY_CLAIM_BATCH", SETTING_I64, AT(claim_batch), "200", 1, 1000, false,
	  "Calls claimed in one transaction, at most." },
	{ "BELFRY_ZONEINFO", SETTING_STR, AT(zoneinfo), "/usr/share/zoneinfo", 0, 0, false,
	  "Directory of the time zone database." },
	{ "BELFRY_ZONEINFO_REFRESH_S", SETTING_SECONDS, AT(zoneinfo_refresh_us), "60", 1, 3600,
	  false, "How often the time zone database is looked at for changes." },
	{ "BELFRY_READY_FILE", SETTING_STR, AT(ready_file), "", 0, 0, false,
	  "File that stands while the process is ready; empty for none." },
	{ "BELFRY_DRAIN_TIMEOUT_S", SETTING_SECONDS, AT(drain_us), "20", 1, 600, false,
	  "How long a process may take to finish after SIGTERM." },
	{ "BELFRY_DRAIN_CALLS_S", SETTING_SECONDS, AT(drain_calls_us), "0", 0, 86400, false,
	  "How long calls in progress may end first after SIGTERM, where nobody else reaches their "
	  "dialer; 0 leaves them to the next dispatcher at once." },
	{ "BELFRY_LOG_LEVEL", SETTING_STR, AT(log_level), "info", 0, 0, false,
	  "debug, info, warn or error." },
	{ "BELFRY_LOG_FULL_NUMBERS", SETTING_BOOL, AT(full_numbers), "0", 0, 0, false,
	  "1 writes whole phone numbers into the log instead of masked ones." },
	{ "BELFRY_PG_PREPARE", SETTING_BOOL, AT(prepare), "1", 0, 0, false,
	  "0 sends unnamed statements, for PgBouncer before 1.21 in transaction mode." },
	METRICS_SERVER_SETTINGS(struct dispatcher_settings, metrics),
};
const struct settings_table dispatcher_settings_table = { table, ARRAY_LEN(table) };
