/* belfry-admin migrate. */
#include <stdio.h>

#include "app.h"
#include "store/migrate.h"
#include "store_gen.h"
#include "sys/log.h"

#define RIGHTS_FILE "proto/roles/gateway.sql"

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

static void read_role(const struct pg_unit *u, void *arg)
{
	struct admin_role_apply_row row;

	get_admin_role_apply(pg_unit_result(u, 1), 0, &row);
	*(bool *)arg = row.is_there;
}

/* After each migration: what is new in the schema may be the gateway's to use. */
static struct err give_rights(struct app *app)
{
	const struct embed_file *rights = embed_find(RIGHTS_FILE);
	bool is_there = false;

	ASSERT(rights != NULL); /* the build puts it there */
	struct pg_unit *u = pg_unit_new();
	add_admin_role_function(u);
	add_admin_role_apply(u, &(struct admin_role_apply_args){
					.password = str_from(app->settings.gateway_password),
					.script = rights->text,
				});
	TRY(app_do(app, u, read_role, &is_there));
	log_info("gateway_role", LI("is_there", is_there));
	return OK;
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
	TRY(run.e);
	return give_rights(app);
}
