/* Settings of the scheduler. */
#ifndef SCHEDULER_SETTINGS_H
#define SCHEDULER_SETTINGS_H

#include "http/metrics_server.h"
#include "sys/settings.h"

struct scheduler_settings {
	const char *database_url;
	const char *redis_url;
	const char *ready_file;
	const char *log_level;
	const char *fault;
	usec_t leader_ttl_us;
	usec_t pass_us;
	usec_t uncertain_after_us;
	usec_t archive_after_us;
	usec_t retention_us;      /* of events; 0 = for ever */
	usec_t call_retention_us; /* 0 = for ever */
	usec_t partition_us;
	usec_t drain_us;
	const char *zoneinfo;
	usec_t zoneinfo_refresh_us;
	int64_t materialize_batch;
	int64_t catch_up_s;
	bool prepare;
	struct metrics_server_settings metrics;
};

extern const struct settings_table scheduler_settings_table;

#endif
