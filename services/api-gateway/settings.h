/* The gateway's settings, read from the environment at start. */
#ifndef BELFRY_API_GATEWAY_SETTINGS_H
#define BELFRY_API_GATEWAY_SETTINGS_H

#include "http/metrics_server.h"

struct gateway_settings {
	const char *database_url, *redis_url;
	const char *http_bind;
	int64_t http_port;
	const char *port_file, *ready_file; /* "" = none */
	const char *secret_keys, *key_pepper;
	const char *log_level;
	int64_t pg_connections;
	bool pg_prepare;
	bool webhook_allow_http;
	const char *webhook_allow_cidrs;
	const char *trusted_proxies;
	int64_t catch_up_s;
	const char *zoneinfo;
	usec_t zoneinfo_refresh_us;
	int64_t import_max_bytes;
	usec_t session_us;
	int64_t workspace_requests; /* a minute, of a workspace that has no limit of its own; 0 = none */
	struct metrics_server_settings metrics;
	bool http_metrics;
};

/* Reads them and sets up the log. True when the process should end at once with *exit_out: after
 * --print-config, or with a fault, which has been printed. */
bool gateway_settings_load(int argc, char **argv, struct gateway_settings *out, int *exit_out);

#endif
