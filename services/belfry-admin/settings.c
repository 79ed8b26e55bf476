/* The settings table of belfry-admin. */
#include "settings.h"

#include "base/base.h"
#include "sys/settings_rows.h"

#define AT(field) offsetof(struct admin_settings, field)

const struct setting admin_settings_table[] = {
	DATABASE_URL_SETTING(struct admin_settings, database_url),
	{ .key = "BELFRY_KEY_PEPPER",
	  .kind = SETTING_STR,
	  .offset = AT(key_pepper),
	  .fallback = "",
	  .min = 0,
	  .max = 1024,
	  .is_secret = true,
	  .doc = "Key of the hashes under which API keys are stored; needed to make keys." },
	{ .key = "BELFRY_API_KEY",
	  .kind = SETTING_STR,
	  .offset = AT(api_key),
	  .fallback = "",
	  .min = 0,
	  .max = 128,
	  .is_secret = true,
	  .doc = "The key that bootstrap installs; empty makes a new one." },
	{ .key = "BELFRY_GATEWAY_PASSWORD",
	  .kind = SETTING_STR,
	  .offset = AT(gateway_password),
	  .fallback = "",
	  .min = 0,
	  .max = 256,
	  .is_secret = true,
	  .doc = "Password of the role belfry_gateway, which migrate then makes where it lacks; "
		 "empty leaves its password alone." },
	LOG_LEVEL_SETTING(struct admin_settings, log_level),
};
const size_t admin_settings_count = ARRAY_LEN(admin_settings_table);
