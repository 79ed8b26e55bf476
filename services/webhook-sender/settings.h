/* The settings of the webhook-sender: one table, printed by --print-config, checked at start. */
#ifndef BELFRY_WEBHOOK_SENDER_SETTINGS_H
#define BELFRY_WEBHOOK_SENDER_SETTINGS_H

#include "domain/delivery.h"
#include "http/metrics_server.h"
#include "sys/log.h"

struct sender_settings {
	const char *database_url;
	const char *redis_url;
	const char *secret_keys;
	const char *schedule_text;
	double time_scale;
	const char *allow_cidrs;
	bool allow_http;
	const char *ca_file;
	bool pg_prepare;
	const char *ready_file;
	const char *log_level;
	struct metrics_server_settings metrics;
	/* Derived. */
	struct delivery_schedule schedule;
};

/* Reads the environment and sets the log up, or carries out --print-config and --version. True when the process should
 * end at once with *exit_out; every fault has been told on stderr. */
bool sender_settings_load(int argc, char **argv, struct sender_settings *out, int *exit_out);

#endif
