/* webhook-sender: tells the world what happened, at least once, signed. */
#include "app.h"

int main(int argc, char **argv)
{
	struct sender_settings settings = { 0 };
	int status = 0;

	if (sender_settings_load(argc, argv, &settings, &status))
		return status;
	return app_run(&settings);
}
