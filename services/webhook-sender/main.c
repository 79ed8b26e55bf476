/* webhook-sender: tells the world what happened, at least once, signed. */
#include "app.h"

int main(int argc, char **argv)
{
	struct config config = { 0 };
	int status = 0;

	if (config_load(argc, argv, &config, &status))
		return status;
	log_setup((struct log_options){ .service = "webhook-sender", .level = config.log_level });
	return app_run(&config);
}
