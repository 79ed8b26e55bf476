/* api-gateway: the HTTP API. */
#include "app.h"
#include "settings.h"

int main(int argc, char **argv)
{
	struct gateway_settings settings = { .database_url = NULL };
	int code;

	if (gateway_settings_load(argc, argv, &settings, &code))
		return code;
	return app_run(&settings);
}
