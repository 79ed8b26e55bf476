/* The scheduler's settings table. */
#include "settings.h"

#include "base/base.h"
#include "sys/settings_rows.h"

#define AT(field) offsetof(struct scheduler_settings, field)

static const struct setting table[] = {
	DATABASE_URL_SETTING(struct scheduler_settings, database_url),
	REDIS_URL_SETTING(struct scheduler_settings, redis_url),
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
	ZONEINFO_SETTING(struct scheduler_settings, zoneinfo),
	ZONEINFO_REFRESH_SETTING(struct scheduler_settings, zoneinfo_refresh_us),
	{ "BELFRY_EVENT_RETENTION_S", SETTING_SECONDS, AT(retention_us), "2592000", 0, 315360000,
	  false, "How long events, finished deliveries and their attempts are kept; 0 for ever." },
	{ "BELFRY_CALL_RETENTION_S", SETTING_SECONDS, AT(call_retention_us), "0", 0, 315360000,
	  false,
	  "How long finished calls, their attempts and conversations are kept; 0 for ever." },
	{ "BELFRY_PARTITION_S", SETTING_SECONDS, AT(partition_us), "604800", 5, 31536000, false,
	  "The span of time that shares a partition of what is finished: it is dropped as a "
	  "whole." },
	READY_FILE_SETTING(struct scheduler_settings, ready_file),
	{ "BELFRY_DRAIN_TIMEOUT_S", SETTING_SECONDS, AT(drain_us), "20", 1, 600, false,
	  "How long a process may take to finish after SIGTERM." },
	{ "BELFRY_FAULT", SETTING_STR, AT(fault), "", 0, 0, false,
	  "For tests: the process is killed at the n-th passing of a point, given as point:n." },
	LOG_LEVEL_SETTING(struct scheduler_settings, log_level),
	PG_PREPARE_SETTING(struct scheduler_settings, prepare),
	METRICS_SERVER_SETTINGS(struct scheduler_settings, metrics),
};
const struct settings_table scheduler_settings_table = { table, ARRAY_LEN(table) };
