/* Settings of cron-next. */
#ifndef BELFRY_CRON_NEXT_SETTINGS_H
#define BELFRY_CRON_NEXT_SETTINGS_H

#include "sys/settings.h"

struct cron_next_settings {
	const char *zoneinfo;
};

extern const struct setting cron_next_settings_table[];
extern const size_t cron_next_settings_count;

#endif
