/* The settings table of belfry. */
#include "settings.h"

#include "base/base.h"

#define AT(field) offsetof(struct cli_settings, field)

const struct setting cli_settings_table[] = {
	{ .key = "BELFRY_URL",
	  .kind = SETTING_STR,
	  .offset = AT(url),
	  .fallback = "",
	  .min = 0,
	  .max = 2048,
	  .doc = "Where the API is; empty for the one that belfry login stored." },
	{ .key = "BELFRY_API_KEY",
	  .kind = SETTING_STR,
	  .offset = AT(api_key),
	  .fallback = "",
	  .min = 0,
	  .max = 128,
	  .is_secret = true,
	  .doc = "The API key; empty for the one that belfry login stored for the same URL." },
	{ .key = "BELFRY_CA_FILE",
	  .kind = SETTING_STR,
	  .offset = AT(ca_file),
	  .fallback = "",
	  .min = 0,
	  .max = 4096,
	  .doc = "File of the authorities that the API's certificate is checked against; empty for "
		 "the system's." },
};
const size_t cli_settings_count = ARRAY_LEN(cli_settings_table);
