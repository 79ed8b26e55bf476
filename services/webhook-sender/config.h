/* The settings of the webhook-sender: one table, printed by --print-config, checked at start. */
#ifndef BELFRY_WEBHOOK_SENDER_CONFIG_H
#define BELFRY_WEBHOOK_SENDER_CONFIG_H

#include "domain/delivery.h"
#include "sys/log.h"

struct config {
	const char *database_url;
	const char *redis_url;
	const char *secret_keys;
	const char *schedule_text;
	double time_scale;
	const char *allow_cidrs;
	bool allow_http;
	const char *pg_prepare_text;
	const char *log_level_text;
	/* Derived. */
	struct delivery_schedule schedule;
	enum log_level log_level;
	bool pg_prepare;
};

/* Reads the environment or carries out --print-config and --version. True when the process should
 * end at once with *exit_out; every fault has been told on stderr. */
bool config_load(int argc, char **argv, struct config *out, int *exit_out);

#endif
