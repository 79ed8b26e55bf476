/* The table of commands: the heart of this program. Help, completion and the manual page are made
 * from it, and most commands are nothing but their row: a request and how its answer is shown. */
#ifndef BELFRY_CLI_COMMANDS_H
#define BELFRY_CLI_COMMANDS_H

#include "options.h"

struct app;
struct command;

#define COMMAND_OPTIONS_MAX 28
#define LIST_COLUMNS_MAX 12

/* A column of a list: a member of each item, "counts.total" for one inside another. */
struct list_column {
	const char *title;  /* NULL after the last */
	const char *member; /* an array shows how many it has */
	unsigned traits;    /* enum table_trait */
};

typedef int (*command_fn)(struct app *app, const struct command *c); /* the exit code */

struct command {
	const char *noun, *verb; /* verb NULL: there is none */
	const char *arity;       /* arguments: "CAMPAIGN [NUMBER...]" */
	const char *summary;
	command_fn run;     /* NULL: the request below is all of it */
	const char *method; /* of the request; "GET", ... */
	const char *path;   /* "/v1/campaigns/{}/start": arguments take the places in order */
	/* The member of the body, or the query parameter of a GET, that the arguments after those
	 * become: a text, or an array where the arity ends in "...". */
	const char *arg_field;
	const struct list_column *list; /* the answer is a page of these; NULL: an object */
	const char *gone;               /* what to say of an answer without content */
	const char *detail;             /* more for help and manual; NULL = nothing */
	enum option options[COMMAND_OPTIONS_MAX]; /* ends with OPT_END */
};

extern const struct command commands[];
extern const size_t commands_count;

/* The command of the words after the program's name, and how many words it took; NULL when there is
 * none. */
const struct command *command_find(int argc, char **argv, int *words_out);

/* Exit codes: part of what scripts rely on, told in the manual page. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,  /* the API refused it, it ended badly, or a file failed */
	EXIT_USAGE = 2,    /* the command line or the settings are wrong; nothing was asked */
	EXIT_ACCESS = 3,   /* no key, a wrong one, or one without the scope: 401, 403 */
	EXIT_ABSENT = 4,   /* there is no such object: 404 */
	EXIT_CONFLICT = 5, /* its state stands in the way: 409, 412 */
	EXIT_AWAY = 6 /* no answer, or not now: no connection, 408, 429, 5xx. Try again later */
};

struct exit_meaning {
	enum exit_code code;
	const char *meaning;
};

#define EXIT_MEANINGS 7
extern const struct exit_meaning exit_meanings[EXIT_MEANINGS];

/* Commands that are more than their row. */
int cmd_login(struct app *app, const struct command *c);
int cmd_logout(struct app *app, const struct command *c);
int cmd_campaign_create(struct app *app, const struct command *c);
int cmd_campaign_watch(struct app *app, const struct command *c);
int cmd_download(struct app *app, const struct command *c);
int cmd_target_add(struct app *app, const struct command *c);
int cmd_target_skip(struct app *app, const struct command *c);
int cmd_endpoint_test(struct app *app, const struct command *c);
int cmd_replay(struct app *app, const struct command *c);
int cmd_listen(struct app *app, const struct command *c);
int cmd_events_tail(struct app *app, const struct command *c);
int cmd_completion(struct app *app, const struct command *c);
int cmd_manual(struct app *app, const struct command *c);
int cmd_help(struct app *app, const struct command *c);

#endif
