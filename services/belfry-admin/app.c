/* Finds the command, connects, runs it. The loop runs while a unit is under way and stands still
 * between units, so a command reads from top to bottom. */
#include "app.h"

#include <stdio.h>
#include <string.h>

#include "sys/log.h"

#define WAIT_DEFAULT_S 30
#define UNIT_TIMEOUT_US (15 * 60 * USEC_PER_SEC) /* a migration may rewrite a table */
#define POLL_US (10 * USEC_PER_MS)

#define LIMITS (OPT_BIT(OPT_CALLS_PER_MINUTE) | OPT_BIT(OPT_MAX_CONCURRENT))

struct command {
	const char *noun, *verb; /* verb NULL: there is none */
	struct err (*run)(struct app *app);
	unsigned required, optional;
	const char *doc;
};

static const struct command commands[] = {
	{ "migrate", NULL, cmd_migrate, 0, 0,
	  "brings the schema up to date; several may run at once" },
	{ "schema", "wait", cmd_schema_wait, 0, 0,
	  "waits until the schema is what this program was built for, or newer" },
	{ "bootstrap", NULL, cmd_bootstrap, 0, 0,
	  "a first workspace with agent, trunk, number and key; prints BELFRY_API_KEY=..." },
	{ "workspace", "create", cmd_workspace_create, OPT_BIT(OPT_NAME),
	  OPT_BIT(OPT_TIMEZONE) | LIMITS, "prints its id" },
	{ "workspace", "limits", cmd_workspace_limits, OPT_BIT(OPT_WORKSPACE),
	  LIMITS | OPT_BIT(OPT_REQUESTS_PER_MINUTE) | OPT_BIT(OPT_CREDIT_S) |
		  OPT_BIT(OPT_BILLING_INCREMENT_S),
	  "changes the limits that are given" },
	{ "workspace", "credit", cmd_workspace_credit, OPT_BIT(OPT_WORKSPACE) | OPT_BIT(OPT_ADD_S),
	  0, "adds seconds of conversation; prints what is there then" },
	{ "key", "create", cmd_key_create,
	  OPT_BIT(OPT_WORKSPACE) | OPT_BIT(OPT_NAME) | OPT_BIT(OPT_SCOPES),
	  OPT_BIT(OPT_RATE_PER_MINUTE) | OPT_BIT(OPT_TEST),
	  "prints the key, which is shown this once" },
	{ "agent", "create", cmd_agent_create, OPT_BIT(OPT_WORKSPACE) | OPT_BIT(OPT_NAME), 0,
	  "prints its id" },
	{ "trunk", "create", cmd_trunk_create,
	  OPT_BIT(OPT_WORKSPACE) | OPT_BIT(OPT_NAME) | OPT_BIT(OPT_DIALER), 0, "prints its id" },
	{ "number", "create", cmd_number_create,
	  OPT_BIT(OPT_WORKSPACE) | OPT_BIT(OPT_E164) | OPT_BIT(OPT_TRUNK), LIMITS,
	  "prints its id" },
};

static int usage(void)
{
	fprintf(stderr, "usage: belfry-admin COMMAND [--wait SECONDS]\n"
			"       belfry-admin --print-config | --version\n\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];
		fprintf(stderr, "  %s%s%s", c->noun, c->verb == NULL ? "" : " ",
			c->verb == NULL ? "" : c->verb);
		options_print(c->required | c->optional, c->required);
		fprintf(stderr, "\n      %s\n", c->doc);
	}
	return 2;
}

static const struct command *find_command(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(commands); i++) {
		const struct command *c = &commands[i];
		if (strcmp(argv[1], c->noun) == 0 &&
		    (c->verb == NULL || (argc > 2 && strcmp(argv[2], c->verb) == 0)))
			return c;
	}
	return NULL;
}

/* --- the database --------------------------------------------------------------------------- */

struct pending {
	struct app *app;
	app_read_fn read;
	void *arg;
	struct err e;
};

static void on_done(struct err e, const struct pg_unit *u, void *arg)
{
	struct pending *p = arg;

	p->e = e;
	if (is_err(e)) {
		(void)snprintf(p->app->message, sizeof(p->app->message), "%s", pg_unit_message(u));
	} else if (p->read != NULL) {
		p->read(u, p->arg);
	}
	loop_stop(p->app->loop);
}

struct err app_do(struct app *app, struct pg_unit *u, app_read_fn read, void *arg)
{
	struct pending p = { .app = app, .read = read, .arg = arg, .e = OK };

	TRY(pg_submit(app->pool, u, on_done, &p));
	(void)loop_run(app->loop); /* until on_done: nothing else ends it */
	return p.e;
}

struct wait {
	struct app *app;
	struct timer *timer;
	usec_t mono_until;
};

static void poll_ready(void *arg)
{
	struct wait *w = arg;

	if (pg_pool_is_ready(w->app->pool) || loop_mono(w->app->loop) >= w->mono_until)
		loop_stop(w->app->loop);
	else
		timer_start(w->timer, POLL_US);
}

static struct err open_database(struct app *app)
{
	struct wait w = { .app = app };

	app->loop = loop_new();
	app->pool = pg_pool_new(app->loop, &(struct pg_options){
						   .conninfo = app->settings.database_url,
						   .application = "belfry-admin",
						   .connections = 1,
						   .depth = 1,
						   .max_waiting = 1,
						   .unit_timeout_us = UNIT_TIMEOUT_US,
						   .prepare = false,
					   });
	w.mono_until = loop_mono(app->loop) + app->wait_us;
	w.timer = timer_new(app->loop, poll_ready, &w);
	timer_start(w.timer, 0);
	(void)loop_run(app->loop); /* until poll_ready: nothing else ends it */
	timer_free(w.timer);
	if (!pg_pool_is_ready(app->pool))
		return ERR(ERR_UNAVAILABLE, "the database of BELFRY_DATABASE_URL is not there");
	return OK;
}

/* --- the program ---------------------------------------------------------------------------- */

static int run_command(struct app *app, const struct command *c)
{
	struct err e = open_database(app);

	if (!is_err(e))
		e = c->run(app);
	if (!is_err(e) && fflush(stdout) != 0)
		e = ERR(ERR_IO, "standard output cannot be written");
	if (is_err(e))
		fprintf(stderr, "belfry-admin: %s%s%s\n", e.what, *app->message != '\0' ? ": " : "",
			app->message);
	pg_pool_free(app->pool);
	loop_free(app->loop);
	return is_err(e) ? 1 : 0;
}

int app_run(int argc, char **argv)
{
	struct app app = { .wait_us = WAIT_DEFAULT_S * USEC_PER_SEC };
	const struct command *c = find_command(argc, argv);
	int code;

	if (argc == 2 && strncmp(argv[1], "--", 2) == 0 && strcmp(argv[1], "--help") != 0 &&
	    settings_command(argc, argv,
			     (struct settings_table){ admin_settings_table, admin_settings_count },
			     &app.settings, &code))
		return code;
	if (c == NULL)
		return usage();
	int skip = c->verb == NULL ? 2 : 3;
	unsigned allowed = c->required | c->optional | OPT_BIT(OPT_WAIT);
	if (is_err(options_parse(argc - skip, argv + skip, allowed, c->required, &app.options)) ||
	    is_err(settings_load(admin_settings_table, admin_settings_count, &app.settings)))
		return 2;
	if (!log_setup_by_word(app.settings.log_level,
			       (struct log_options){ .service = "belfry-admin" }))
		return 2;
	if ((app.options.given & OPT_BIT(OPT_WAIT)) != 0)
		app.wait_us = app.options.number[OPT_WAIT] * USEC_PER_SEC;
	return run_command(&app, c);
}
