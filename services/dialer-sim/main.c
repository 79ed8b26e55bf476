/* The simulated carrier behind the dialer protocol: no network, no memory between calls. */
#include "app.h"

int main(int argc, char **argv)
{
	struct sim_settings settings;
	struct carrier_settings carrier;
	struct app *app = NULL;
	int code;

	if (sim_settings_load(argc, argv, &settings, &carrier, &code))
		return code;
	struct err e = app_new(&settings, &carrier, &app);
	if (is_err(e)) {
		log_error("start_failed", LERR(e));
		return 1;
	}
	code = app_run(app);
	log_info("stopped", LI("code", code));
	app_free(app);
	return code;
}
