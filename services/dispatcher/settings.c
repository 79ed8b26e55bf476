/* The dispatcher's settings table. */
#include "settings.h"

#include "base/base.h"
#include "sys/settings_rows.h"

#define AT(field) offsetof(struct dispatcher_settings, field)

static const struct setting table[] = {
	DATABASE_URL_SETTING(struct dispatcher_settings, database_url),
	REDIS_URL_SETTING(struct dispatcher_settings, redis_url),
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
	ZONEINFO_SETTING(struct dispatcher_settings, zoneinfo),
	ZONEINFO_REFRESH_SETTING(struct dispatcher_settings, zoneinfo_refresh_us),
	READY_FILE_SETTING(struct dispatcher_settings, ready_file),
	{ "BELFRY_DRAIN_TIMEOUT_S", SETTING_SECONDS, AT(drain_us), "20", 1, 600, false,
	  "How long a process may take to finish after SIGTERM." },
	{ "BELFRY_DRAIN_CALLS_S", SETTING_SECONDS, AT(drain_calls_us), "0", 0, 86400, false,
	  "How long calls in progress may end first after SIGTERM, where nobody else reaches their "
	  "dialer; 0 leaves them to the next dispatcher at once." },
	LOG_LEVEL_SETTING(struct dispatcher_settings, log_level),
	{ "BELFRY_LOG_FULL_NUMBERS", SETTING_BOOL, AT(full_numbers), "0", 0, 0, false,
	  "1 writes whole phone numbers into the log instead of masked ones." },
	PG_PREPARE_SETTING(struct dispatcher_settings, prepare),
	METRICS_SERVER_SETTINGS(struct dispatcher_settings, metrics),
};
const struct settings_table dispatcher_settings_table = { table, ARRAY_LEN(table) };
