/* Settings: one table per service, read from the environment at start. A BELFRY_ variable that no
 * Belfry program knows is refused (a typo must not pass in silence); one that only others know is
 * ignored. --print-config prints the table in effect, secrets as "(set)".
 *
 * A secret may stand in a file: KEY_FILE names it, KEY itself is not given then, and blanks and
 * line ends at the end of the file do not belong to the value. */
#ifndef BELFRY_SYS_SETTINGS_H
#define BELFRY_SYS_SETTINGS_H

#include "base/err.h"
#include "base/str.h"

enum setting_kind {
	SETTING_STR,     /* const char * */
	SETTING_I64,     /* int64_t */
	SETTING_BOOL,    /* bool: 1 0 true false on off */
	SETTING_MS,      /* usec_t, given in milliseconds */
	SETTING_SECONDS, /* usec_t, given in seconds, fractions allowed */
	SETTING_DOUBLE   /* double */
};

struct setting {
	const char *key; /* BELFRY_... */
	enum setting_kind kind;
	size_t offset;        /* in the service's settings struct */
	const char *fallback; /* parsed like the variable; NULL = required */
	int64_t min, max;     /* in the unit of the variable; both 0 = no limit */
	bool is_secret;
	const char *doc; /* one sentence, also in the README */
};

/* Fills `out` by the table. On failure prints one line per fault to stderr and returns it. */
struct err settings_load(const struct setting *table, size_t n, void *out) MUST_USE;
void settings_print(const struct setting *table, size_t n, const void *values);

/* Handles --print-config and --version and refuses other arguments. Returns true when the process
 * should end at once with *exit_out. */
struct settings_table {
	const struct setting *v;
	size_t n;
};
bool settings_command(int argc, char **argv, struct settings_table table, void *out, int *exit_out);

/* Every BELFRY_ variable of every Belfry program: libcommon/sys/settings_known.txt, embedded. */
bool settings_is_known(const char *key);

#endif
