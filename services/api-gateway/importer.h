/* Imports at work in this gateway: files that come in, and files that are in and become targets,
 * block by block. It also looks for imports whose gateway is gone: what was in whole is carried on,
 * what was not fails. A pool of few connections of its own keeps all this from the API's requests. */
#ifndef BELFRY_API_GATEWAY_IMPORTER_H
#define BELFRY_API_GATEWAY_IMPORTER_H

#include "app.h"
#include "base/list.h"

/* Files that come in at a time; the next one gets a 503. */
#define UPLOADS_MAX 16

struct importer {
	struct app *app;
	struct uuid owner;   /* this incarnation, in the rows of its imports */
	struct list uploads; /* struct upload, imports.c */
	struct list jobs;
	struct timer *timer;
	struct pg_unit *adopting;
	bool is_closed;
};

struct importer *importer_new(struct app *app);
/* After http_server_close, before the pools are freed. */
void importer_free(struct importer *m);

struct import_key {
	struct uuid workspace_id, id, campaign_id;
};

/* The file is in: makes targets of it. Over the bound on jobs, or after a failure that may pass, it
 * waits until somebody adopts it. */
void importer_apply(struct importer *m, const struct import_key *key);

/* imports.c: an upload from which nothing came lately says that it is alive. */
void imports_upload_tick(struct list_node *node);
/* The process ends: forgets an upload. */
void imports_upload_drop(struct list_node *node);

#endif
