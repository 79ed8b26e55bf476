/* webhook-sender: tells the world what happened, at least once, signed. */
#include "app.h"

int main(int argc, char **argv)
{
	struct sender_settings settings = { 0 };
	int status = 0;

	if (sender_settings_load(argc, argv, &settings, &status))
		return status;
	log_setup((struct log_options){ .service = "webhook-sender", .level = settings.log_level });
	return app_run(&settings);
}
