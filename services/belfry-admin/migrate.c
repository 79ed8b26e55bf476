/* belfry-admin migrate. */
#include <stdio.h>

#include "app.h"
#include "store/migrate.h"
#include "sys/log.h"

struct run {
	struct app *app;
	struct err e;
};

static void on_migrated(struct err e, const struct migrate_report *r, void *arg)
{
	struct run *run = arg;

	run->e = e;
	log_info("migrated", LI("applied", r->n_applied), LI("present", r->n_present));
	if (is_err(e)) {
		(void)snprintf(run->app->message, sizeof(run->app->message), "%s: %s", r->path,
			       r->reason);
	}
	loop_stop(run->app->loop);
}

struct err cmd_migrate(struct app *app)
{
	struct run run = { .app = app, .e = OK };
	struct migrate *m;

	TRY(migrate_start(
		app->pool,
		&(struct migrate_options){ .files = embed_files, .lock_wait_us = app->wait_us },
		on_migrated, &run, &m));
	(void)loop_run(app->loop); /* until on_migrated: nothing else ends it */
	migrate_free(m);
	return run.e;
}
