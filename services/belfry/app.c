/* Finds the command, reads its words, runs it. */
#include "app.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "help.h"
#include "show.h"
#include "sys/log.h"

int app_fail(int code, const char *fmt, ...)
{
	va_list args;

	fputs("belfry: ", stderr);
	va_start(args, fmt);
	(void)vfprintf(stderr, fmt, args); /* there is nobody else to tell */
	va_end(args);
	fputc('\n', stderr);
	return code;
}

bool app_print(struct str text)
{
	if (fwrite(text.p, 1, text.n, stdout) == text.n)
		return true;
	(void)app_fail(EXIT_REFUSED, "standard output cannot be written");
	return false;
}

const char *app_option(const struct app *app, enum option o)
{
	return app->args.given[o] ? app->args.value[o].p : NULL;
}

bool app_is_json(const struct app *app)
{
	return app->args.given[OPT_JSON];
}

struct loop *app_loop(struct app *app)
{
	if (app->loop == NULL)
		app->loop = loop_new();
	return app->loop;
}

static void stop(void *arg)
{
	loop_stop(arg);
}

void app_wait(struct app *app, usec_t wait_us)
{
	struct loop *l = app_loop(app);
	struct timer *t = timer_new(l, stop, l);

	timer_start(t, wait_us);
	(void)loop_run(l); /* until the timer: nothing else ends it */
	timer_free(t);
}

/* --- where the API is ----------------------------------------------------------------------- */

/* The environment first. The stored key is for the stored URL: it is never sent elsewhere. */
static struct err find_session(const struct cli_settings *env, struct session *out)
{
	struct session stored = { .url = "" };

	if (*env->url != '\0')
		TRY(session_set_url(out, str_from(env->url)));
	if (*env->api_key != '\0')
		TRY(session_set_key(out, str_from(env->api_key)));
	if (*out->url != '\0' && *out->key != '\0')
		return OK;
	struct err e = session_load(&stored);
	if (is_err(e) && e.code != ERR_NOT_FOUND)
		return e;
	if (*out->url == '\0')
		memcpy(out->url, stored.url, sizeof(out->url));
	if (*out->key == '\0' && strcmp(out->url, stored.url) == 0)
		memcpy(out->key, stored.key, sizeof(out->key));
	return OK;
}

int app_connect(struct app *app)
{
	struct err e = find_session(&app->settings, &app->session);

	if (is_err(e))
		return app_fail(EXIT_USAGE, "%s", e.what);
	if (*app->session.url == '\0')
		return app_fail(EXIT_ACCESS,
				"nobody has logged in: belfry login, or set BELFRY_URL "
				"and BELFRY_API_KEY");
	if (*app->session.key == '\0')
		return app_fail(EXIT_ACCESS,
				"there is no key for %s: belfry login, or set "
				"BELFRY_API_KEY",
				app->session.url);
	app->line = transfer_line_new(app->session.key, app->settings.ca_file);
	return EXIT_DONE;
}

/* --- the program ---------------------------------------------------------------------------- */

static int run(struct app *app, const struct command *c)
{
	int code = c->method == NULL ? EXIT_DONE : app_connect(app);

	if (code == EXIT_DONE)
		code = c->run == NULL ? show_command(app, c) : c->run(app, c);
	if (fflush(stdout) != 0 || ferror(stdout) != 0)
		code = code == EXIT_DONE ? EXIT_REFUSED : code;
	transfer_line_free(app->line);
	loop_free(app->loop);
	return code;
}

static int unknown(int argc, char **argv)
{
	struct strbuf text;

	strbuf_init(&text, HELP_MAX);
	bool ok = argc > 1 && argv[1][0] != '-' && help_noun(argv[1], &text);
	if (argc > 1)
		(void)app_fail(EXIT_USAGE, "there is no command %s%s%s", argv[1],
			       argc > 2 ? " " : "", argc > 2 ? argv[2] : "");
	if (!ok)
		help_all(&text);
	fprintf(stderr, "%.*s", STR_ARG(strbuf_str(&text)));
	strbuf_deinit(&text);
	return EXIT_USAGE;
}

static bool is_word(const char *text, const char *word)
{
	return strcmp(text, word) == 0;
}

int app_run(int argc, char **argv)
{
	struct app app = { .loop = NULL };
	struct settings_table table = { cli_settings_table, cli_settings_count };
	char fault[OPTION_FAULT_SIZE];
	int words = 0, code;

	if (argc == 2 && (is_word(argv[1], "--print-config") || is_word(argv[1], "--version"))) {
		(void)settings_command(argc, argv, table, &app.settings, &code); /* it is one */
		return code;
	}
	if (argc == 2 && (is_word(argv[1], "--help") || is_word(argv[1], "-h")))
		return help_print(NULL, NULL);
	if (argc == 3 && (is_word(argv[2], "--help") || is_word(argv[2], "-h")) &&
	    help_is_noun(argv[1]))
		return help_print(argv[1], NULL);
	const struct command *c = app.command = command_find(argc - 1, argv + 1, &words);
	if (c == NULL)
		return unknown(argc, argv);
	if (is_err(options_parse(argc - 1 - words, argv + 1 + words,
				 (struct options_wanted){ c->options, c->arity }, &app.args,
				 fault))) {
		(void)app_fail(EXIT_USAGE, "%s", fault);
		fprintf(stderr, "  belfry %s%s%s --help tells what it takes\n", c->noun,
			c->verb == NULL ? "" : " ", c->verb == NULL ? "" : c->verb);
		return EXIT_USAGE;
	}
	app.out = user_terminal(STDOUT_FILENO);
	app.err = user_terminal(STDERR_FILENO);
	log_setup((struct log_options){ .service = "belfry", .level = LOG_ERROR });
	if (app.args.given[OPT_HELP])
		code = help_print(c->noun, c->verb);
	else if (is_err(settings_load(table.v, table.n, &app.settings)))
		code = EXIT_USAGE;
	else
		code = run(&app, c);
	arguments_deinit(&app.args);
	return code;
}
