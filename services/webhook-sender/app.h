/* The webhook-sender: claims deliveries from Postgres, signs and sends them, records what came of
 * each. One process owns an endpoint at a time (webhook_endpoint.sender_id), so everything that must
 * be counted per endpoint over all senders is counted in that one process.
 *
 *   finder ──adopts──► endpoint ◄──claims── claim          registry: the lease of this incarnation
 *                         │ items waiting
 *                         ▼
 *                       send ──http──► receiver
 *                         │ verdict
 *                         ▼
 *                       record ──outcome, touched endpoints──► Postgres
 *
 * Every module keeps its state in its own struct here and is handed the app. */
#ifndef BELFRY_WEBHOOK_SENDER_APP_H
#define BELFRY_WEBHOOK_SENDER_APP_H

#include "claim.h"
#include "endpoint.h"
#include "finder.h"
#include "http/http_client.h"
#include "pg/pg.h"
#include "queue/control.h"
#include "record.h"
#include "refresh.h"
#include "registry.h"
#include "sec/secretbox.h"
#include "send.h"
#include "settings.h"
#include "sys/metrics.h"

#define APP_IN_FLIGHT_MAX 512 /* requests on the wire */
#define APP_ITEMS_MAX 4096    /* deliveries in hand: waiting, on the wire, being recorded */

#define APP_CONNECT_TIMEOUT_US (5 * USEC_PER_SEC)
#define APP_TOTAL_TIMEOUT_US (15 * USEC_PER_SEC)
#define APP_DRAIN_TIMEOUT_US (25 * USEC_PER_SEC)
/* The lease of a delivery outlasts a wait in hand, the longest send and the record of its outcome. */
#define APP_ITEM_LEASE_US (60 * USEC_PER_SEC)
#define APP_SEND_MARGIN_US (APP_TOTAL_TIMEOUT_US + 5 * USEC_PER_SEC)

struct app {
	struct sender_settings settings;
	struct loop *loop;
	struct pg_pool *pg;
	struct control_reader *control;
	struct address_policy *policy;
	struct secretbox *box;
	struct http_client *http;
	struct registry registry;
	struct endpoints endpoints;
	struct finder finder;
	struct refresh refresh;
	struct claim claim;
	struct send send;
	struct record record;
	struct metrics *metrics;
	struct measures *measures;
	struct metrics_server *metrics_server;
	bool is_closed; /* the modules are gone: what was deferred does nothing */
};

/* Runs the service until it has drained; the exit status of the process. */
int app_run(const struct sender_settings *settings);

/* Something came to an end: when draining, looks whether that was the last. */
void app_look_drained(struct app *app);

#endif
