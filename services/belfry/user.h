/* The person at the other end: the terminal, the home directory, the keyboard, files. The only
 * place that reads variables which are not Belfry's: HOME, XDG_CONFIG_HOME, NO_COLOR, TERM. */
#ifndef BELFRY_CLI_USER_H
#define BELFRY_CLI_USER_H

#include "base/err.h"
#include "base/str.h"

struct terminal {
	bool is_tty;
	bool coloured;
	size_t width; /* 0 where it is no terminal: nothing is cut */
};

struct terminal user_terminal(int fd);

/* The directory of Belfry's own files: $XDG_CONFIG_HOME/belfry or ~/.config/belfry. */
struct err user_config_directory(struct strbuf *out) MUST_USE;

/* Reads a whole file, "-" being standard input; over `out`'s limit it is ERR_TOO_LARGE. */
struct err user_read_file(const char *path, struct strbuf *out) MUST_USE;

/* One line of standard input; from a terminal after the question, and without being shown. */
struct err user_read_secret(const char *question, struct strbuf *out) MUST_USE;

#endif
