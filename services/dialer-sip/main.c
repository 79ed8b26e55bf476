/* Real calls: any SIP trunk to any SIP voice agent, signalling only, behind the dialer protocol. */
#include "app.h"
#include "sys/log.h"

int main(int argc, char **argv)
{
	struct sip_settings settings;
	struct app *app = NULL;
	int code;

	if (sip_settings_load(argc, argv, &settings, &code))
		return code;
	struct err e = app_new(&settings, &app);
	if (is_err(e)) {
		log_error("start_failed", LERR(e));
		return 1;
	}
	code = app_run(app);
	log_info("stopped", LI("code", code));
	app_free(app);
	return code;
}
