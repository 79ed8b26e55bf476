/* The settings table of cron-next. */
#include "settings.h"

#include "base/base.h"

const struct setting cron_next_settings_table[] = {
	{ .key = "BELFRY_ZONEINFO",
	  .kind = SETTING_STR,
	  .offset = offsetof(struct cron_next_settings, zoneinfo),
	  .fallback = "/usr/share/zoneinfo",
	  .doc = "Directory of the time zone database." },
};
const size_t cron_next_settings_count = ARRAY_LEN(cron_next_settings_table);
