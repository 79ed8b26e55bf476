/* The settings table of cron-next. */
#include "settings.h"

#include "base/base.h"
#include "sys/settings_rows.h"

const struct setting cron_next_settings_table[] = {
	ZONEINFO_SETTING(struct cron_next_settings, zoneinfo),
};
const size_t cron_next_settings_count = ARRAY_LEN(cron_next_settings_table);
