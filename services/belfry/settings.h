/* Settings of belfry: what the environment says; `belfry login` keeps the same two in a file. */
#ifndef BELFRY_CLI_SETTINGS_H
#define BELFRY_CLI_SETTINGS_H

#include "sys/settings.h"

struct cli_settings {
	const char *url;     /* "" when not set */
	const char *api_key; /* "" when not set */
	const char *ca_file; /* "": the system's */
};

extern const struct setting cli_settings_table[];
extern const size_t cli_settings_count;

#endif
