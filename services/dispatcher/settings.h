/* Settings of the dispatcher. */
#ifndef DISPATCHER_SETTINGS_H
#define DISPATCHER_SETTINGS_H

#include "http/metrics_server.h"
#include "sys/settings.h"

struct dispatcher_settings {
	const char *database_url;
	const char *redis_url;
	const char *dialers;
	const char *secret_keys;
	const char *ready_file;
	const char *log_level;
	const char *host;
	int64_t slot;
	int64_t in_hand_max;
	int64_t claim_batch;
	usec_t lease_us;
	usec_t drain_us, drain_calls_us;
	const char *zoneinfo;
	usec_t zoneinfo_refresh_us;
	bool full_numbers;
	bool prepare;
	struct metrics_server_settings metrics;
};

extern const struct settings_table dispatcher_settings_table;

#endif
