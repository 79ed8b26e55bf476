/* What the table of commands says, for people at a terminal. */
#ifndef BELFRY_CLI_HELP_H
#define BELFRY_CLI_HELP_H

#include "commands.h"

#define HELP_MAX ((size_t)256 * 1024)

bool help_is_noun(const char *noun);
/* Appends the commands; those of one noun (false: there is none); one command with its options. */
void help_all(struct strbuf *out);
bool help_noun(const char *noun, struct strbuf *out);
void help_command(const struct command *c, struct strbuf *out);
/* Prints what is asked for; NULL for all. Returns an exit code. */
int help_print(const char *noun, const char *verb);
/* Appends "belfry campaigns show CAMPAIGN". */
void help_usage(const struct command *c, struct strbuf *out);

#endif
