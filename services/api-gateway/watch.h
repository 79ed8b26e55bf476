/* Streams of a campaign's progress to those who watch it. One timer and one statement a second serve
 * all campaigns and all watchers of this gateway; a message on the control stream makes it look at
 * once. */
#ifndef BELFRY_API_GATEWAY_WATCH_H
#define BELFRY_API_GATEWAY_WATCH_H

#include "app.h"
#include "base/err.h"

struct watch_hub;

struct err watch_hub_new(struct app *app, struct watch_hub **out) MUST_USE;
/* After http_server_close, before the pools are freed. */
void watch_hub_free(struct watch_hub *h);
void watch_hub_drain(struct watch_hub *h); /* ends all streams */

#endif
