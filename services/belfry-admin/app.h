/* belfry-admin: one command, one answer on standard output, exit code 0, 1 (it failed) or 2 (the
 * command line is wrong). It speaks to Postgres only and needs the database's credentials. */
#ifndef BELFRY_ADMIN_APP_H
#define BELFRY_ADMIN_APP_H

#include "loop/loop.h"
#include "options.h"
#include "pg/pg.h"
#include "settings.h"

#define APP_MESSAGE_SIZE 512

struct app {
	struct admin_settings settings;
	struct options options;
	struct loop *loop;
	struct pg_pool *pool;
	usec_t wait_us;                 /* for the database to be there, and for its locks */
	char message[APP_MESSAGE_SIZE]; /* the server's words about the unit that failed, or "" */
};

int app_run(int argc, char **argv);

/* Reads the results of a unit that succeeded; borrowed until it returns. */
typedef void (*app_read_fn)(const struct pg_unit *u, void *arg);

/* Runs one unit, taking it, and waits for its end. `read` may be NULL. */
struct err app_do(struct app *app, struct pg_unit *u, app_read_fn read, void *arg) MUST_USE;

/* The commands. */
struct err cmd_migrate(struct app *app) MUST_USE;
struct err cmd_schema_wait(struct app *app) MUST_USE;
struct err cmd_bootstrap(struct app *app) MUST_USE;
struct err cmd_workspace_create(struct app *app) MUST_USE;
struct err cmd_workspace_limits(struct app *app) MUST_USE;
struct err cmd_workspace_credit(struct app *app) MUST_USE;
struct err cmd_key_create(struct app *app) MUST_USE;
struct err cmd_agent_create(struct app *app) MUST_USE;
struct err cmd_trunk_create(struct app *app) MUST_USE;
struct err cmd_number_create(struct app *app) MUST_USE;

#endif
