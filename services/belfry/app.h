/* belfry: one command, one answer, one exit code (commands.h). What it prints for people goes to
 * standard output; questions, progress and failures to standard error. */
#ifndef BELFRY_CLI_APP_H
#define BELFRY_CLI_APP_H

#include "commands.h"
#include "loop/loop.h"
#include "session.h"
#include "settings.h"
#include "transfer.h"
#include "user.h"

struct app {
	struct cli_settings settings;
	const struct command *command;
	struct arguments args;
	struct terminal out, err;
	struct session session;     /* where the API is, and the key; empty until app_connect */
	struct transfer_line *line; /* made by app_connect */
	struct loop *loop;          /* made when first something has to be waited for */
};

int app_run(int argc, char **argv);

/* Finds out where the API is and with which key, for commands that need it. A failure is told. */
int app_connect(struct app *app);

/* "belfry: ..." on standard error; returns the code. */
int app_fail(int code, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Waits, for nothing. */
void app_wait(struct app *app, usec_t wait_us);
struct loop *app_loop(struct app *app);

/* The value of an option, NUL-terminated as it came from the command line; NULL without. */
const char *app_option(const struct app *app, enum option o);
bool app_is_json(const struct app *app);

/* Writes to standard output; false, and a word about it, when that fails. */
bool app_print(struct str text);

#endif
