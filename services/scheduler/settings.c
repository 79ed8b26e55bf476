/* The scheduler's settings table. */
#include "settings.h"

#include "base/base.h"

#define AT(field) offsetof(struct scheduler_settings, field)

static const struct setting table[] = {
	{ "BELFRY_DATABASE_URL", SETTING_STR, AT(database_url), NULL, 0, 0, true,
	  "Postgres, as a libpq URL or conninfo." },
	{ "BELFRY_REDIS_URL", SETTING_STR, AT(redis_url), NULL, 0, 0, true,
	  "Redis: redis[s]://[user:password@]host[:port][/db], "
	  "redis[s]+sentinel://host,host/MASTER or unix:///path, see libcommon/redis/redis.h." },
	{ "BELFRY_LEADER_TTL_MS", SETTING_MS, AT(leader_ttl_us), "5000", 500, 60000, false,
	  "How long the leading scheduler's lock stands without being renewed." },
	{ "BELFRY_PASS_S", SETTING_SECONDS, AT(pass_us), "30", 1, 3600, false,
	  "How often the leader looks at every campaign for calls to plan." },
	{ "BELFRY_MATERIALIZE_BATCH", SETTING_I64, AT(materialize_batch), "2000", 1, 5000, false,
	  "Calls planned in one transaction, at most." },
	{ "BELFRY_CATCH_UP_S", SETTING_I64, AT(catch_up_s), "300", 1, 86400, false,
	  "A call at an instant that was not claimed so many seconds after it expires." },
	{ "BELFRY_UNCERTAIN_AFTER_S", SETTING_SECONDS, AT(uncertain_after_us), "60", 1, 86400,
	  false,
	  "How long an attempt waits for somebody to reach its dialer before it is uncertain." },
	{ "BELFRY_ARCHIVE_AFTER_S", SETTING_SECONDS, AT(archive_after_us), "3600", 10, 864000,
	  false, "When a finished call leaves the table of open ones." },
	{ "BELFRY_ZONEINFO", SETTING_STR, AT(zoneinfo), "/usr/share/zoneinfo", 0, 0, false,
	  "Directory of the time zone database." },
	{ "BELFRY_ZONEINFO_REFRESH_S", SETTING_SECONDS, AT(zoneinfo_refresh_us), "60", 1, 3600,
	  false, "How often the time zone database is looked at for changes." },
	{ "BELFRY_EVENT_RETENTION_S", SETTING_SECONDS, AT(retention_us), "2592000", 0, 315360000,
	  false, "How long events, finished deliveries and their attempts are kept; 0 for ever." },
	{ "BELFRY_CALL_RETENTION_S", SETTING_SECONDS, AT(call_retention_us), "0", 0, 315360000,
	  false,
	  "How long finished calls, their attempts and conversations are kept; 0 for ever." },
	{ "BELFRY_PARTITION_S", SETTING_SECONDS, AT(partition_us), "604800", 5, 31536000, false,
	  "The span of time that shares a partition of what is finished: it is dropped as a "
	  "whole." },
	{ "BELFRY_READY_FILE", SETTING_STR, AT(ready_file), "", 0, 0, false,
	  "File that stands while the process is ready; empty for none." },
	{ "BELFRY_DRAIN_TIMEOUT_S", SETTING_SECONDS, AT(drain_us), "20", 1, 600, false,
	  "How long a process may take to finish after SIGTERM." },
	{ "BELFRY_FAULT", SETTING_STR, AT(fault), "", 0, 0, false,
	  "For tests: the process is killed at the n-th passing of a point, given as point:n." },
	{ "BELFRY_LOG_LEVEL", SETTING_STR, AT(log_level), "info", 0, 0, false,
	  "debug, info, warn or error." },
	{ "BELFRY_PG_PREPARE", SETTING_BOOL, AT(prepare), "1", 0, 0, false,
	  "0 sends unnamed statements, for PgBouncer before 1.21 in transaction mode." },
	METRICS_SERVER_SETTINGS(struct scheduler_settings, metrics),
};
const struct settings_table scheduler_settings_table = { table, ARRAY_LEN(table) };
