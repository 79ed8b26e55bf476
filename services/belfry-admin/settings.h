/* Settings of belfry-admin. */
#ifndef BELFRY_ADMIN_SETTINGS_H
#define BELFRY_ADMIN_SETTINGS_H

#include "sys/settings.h"

struct admin_settings {
	const char *database_url;
	const char *key_pepper;       /* "" when not set: then no keys are made */
	const char *api_key;          /* "" when not set */
	const char *gateway_password; /* "" when not set: the role keeps its own */
	const char *log_level;
};

extern const struct setting admin_settings_table[];
extern const size_t admin_settings_count;

#endif
