/* The gateway's parts, made once at start and handed down to every request. */
#ifndef BELFRY_API_GATEWAY_APP_H
#define BELFRY_API_GATEWAY_APP_H

#include "auth.h"
#include "base/list.h"
#include "loop/loop.h"
#include "pg/pg.h"
#include "redis/redis.h"
#include "sec/address.h"
#include "sec/secretbox.h"
#include "settings.h"
#include "sys/zone_table.h"

struct gather;
struct http_server;
struct measures;
struct metrics;
struct metrics_server;
struct importer;
struct watch_hub;

struct app {
	struct gateway_settings settings;
	struct loop *loop;
	struct pg_pool *pg;
	struct pg_pool
		*bulk; /* for what reads or writes much, so that it cannot crowd out the rest */
	struct redis *redis;
	struct http_server *http;
	struct auth *auth;
	struct gather *gather;
	struct secretbox *box;
	struct address_policy *addresses, *proxies;
	struct zone_table *zones;
	struct timer *ready_timer, *zones_timer;
	const struct pg_stmt **stmts;
	struct importer *importer;
	struct list downloads; /* downloads.c */
	struct watch_hub *watches;
	bool is_ready;
	struct metrics *metrics;
	struct measures *measures;
	struct strbuf spare_out; /* for the next answer (request.c) */
	struct metrics_server *metrics_server;
};

/* Runs until SIGTERM and the drain after it; the process' exit code. */
int app_run(const struct gateway_settings *s);

#endif
