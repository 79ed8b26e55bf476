/* The port of a service that is for its operators: GET /metrics (Prometheus' text), /healthz (the
 * process lives: its loop turns) and /readyz (it does its work). No key is asked for: it belongs on an
 * address that only they reach.
 *
 * Opening it also registers what every process has: belfry_build_info, process_*, and the loop's
 * turns and how late its timers run. */
#ifndef BELFRY_HTTP_METRICS_SERVER_H
#define BELFRY_HTTP_METRICS_SERVER_H

#include "base/err.h"
#include "loop/loop.h"
#include "sys/metrics.h"
#include "sys/settings.h"

struct metrics_server;

struct metrics_server_settings {
	const char *bind;
	int64_t port; /* -1 = none is opened, 0 = any free one */
	const char *port_file;
};

/* Three rows of a service's table; `member` is a struct metrics_server_settings. */
#define METRICS_SERVER_SETTINGS(type, member)                                                      \
	{ .key = "BELFRY_METRICS_BIND",                                                            \
	  .kind = SETTING_STR,                                                                     \
	  .offset = offsetof(type, member.bind),                                                   \
	  .fallback = "127.0.0.1",                                                                 \
	  .doc = "Address that /metrics, /healthz and /readyz listen on." },                       \
		{ .key = "BELFRY_METRICS_PORT",                                                    \
		  .kind = SETTING_I64,                                                             \
		  .offset = offsetof(type, member.port),                                           \
		  .fallback = "-1",                                                                \
		  .min = -1,                                                                       \
		  .max = 65535,                                                                    \
		  .doc = "Port of /metrics, /healthz and /readyz; 0 takes any free one, -1 opens " \
			 "none." },                                                                \
	{                                                                                          \
		.key = "BELFRY_METRICS_PORT_FILE", .kind = SETTING_STR,                            \
		.offset = offsetof(type, member.port_file), .fallback = "",                        \
		.doc = "File to write that port to once it is open; empty writes none."            \
	}

struct metrics_server_options {
	struct metrics_server_settings settings;
	const char *service;
	struct metrics *metrics; /* borrowed */
	bool (*is_ready)(void *arg);
	void *arg;
};

struct err metrics_server_open(struct loop *l, const struct metrics_server_options *o,
			       struct metrics_server **out) MUST_USE;
/* Before what its collectors and is_ready look at is gone. */
void metrics_server_close(struct metrics_server *s);

#endif
