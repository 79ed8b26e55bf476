/* Shows answers: the API's bytes for scripts, views for people. */
#ifndef BELFRY_CLI_SHOW_H
#define BELFRY_CLI_SHOW_H

#include "app.h"

/* The command's request from its row, sent and shown; a list as far as it was asked for. */
int show_command(struct app *app, const struct command *c);

/* An answer that is an object. Returns an exit code. */
int show_object(struct app *app, struct str body);

struct table_look show_look(const struct app *app, bool with_head);

#endif
