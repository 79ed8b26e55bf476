/* The settings table and what is derived from it. */
#include "settings.h"

#include <stdio.h>

#include "sys/settings_rows.h"

#define AT(member) offsetof(struct sender_settings, member)

static const struct setting table[] = {
	DATABASE_URL_SETTING(struct sender_settings, database_url),
	REDIS_URL_SETTING(struct sender_settings, redis_url),
	{ .key = "BELFRY_SECRET_KEYS",
	  .kind = SETTING_STR,
	  .offset = AT(secret_keys),
	  .is_secret = true,
	  .doc = "Keys of secrets at rest, id:base64[,id:base64...], 32 bytes each; the first "
		 "encrypts." },
	{ .key = "BELFRY_WEBHOOK_SCHEDULE",
	  .kind = SETTING_STR,
	  .offset = AT(schedule_text),
	  .fallback = DELIVERY_SCHEDULE_DEFAULT,
	  .doc = "The six delays of a webhook's attempts in seconds, each after the outcome "
		 "before." },
	{ .key = "BELFRY_WEBHOOK_TIME_SCALE",
	  .kind = SETTING_DOUBLE,
	  .offset = AT(time_scale),
	  .fallback = "1",
	  .max = 1000,
	  .doc = "Multiplies the six delays of a webhook's attempts and nothing else, for tests." },
	{ .key = "BELFRY_WEBHOOK_ALLOW_CIDRS",
	  .kind = SETTING_STR,
	  .offset = AT(allow_cidrs),
	  .fallback = "",
	  .doc = "Address blocks that webhooks may reach although they are special, separated by "
		 "commas." },
	{ .key = "BELFRY_WEBHOOK_ALLOW_HTTP",
	  .kind = SETTING_BOOL,
	  .offset = AT(allow_http),
	  .fallback = "0",
	  .doc = "Allows webhook URLs with plain http." },
	{ .key = "BELFRY_WEBHOOK_CA_FILE",
	  .kind = SETTING_STR,
	  .offset = AT(ca_file),
	  .fallback = "",
	  .max = 4000,
	  .doc = "File of the authorities that receivers' certificates are checked against; empty "
		 "for the system's." },
	PG_PREPARE_SETTING(struct sender_settings, pg_prepare),
	READY_FILE_SETTING(struct sender_settings, ready_file),
	LOG_LEVEL_SETTING(struct sender_settings, log_level),
	METRICS_SERVER_SETTINGS(struct sender_settings, metrics),
};

bool sender_settings_load(int argc, char **argv, struct sender_settings *out, int *exit_out)
{
	struct err e;

	if (settings_command(argc, argv, (struct settings_table){ table, ARRAY_LEN(table) }, out,
			     exit_out))
		return true;
	*exit_out = 2;
	if (is_err(settings_load(table, ARRAY_LEN(table), out)))
		return true;
	e = delivery_schedule_parse(str_from(out->schedule_text), out->time_scale, &out->schedule);
	if (is_err(e)) {
		(void)fprintf(stderr, "webhook-sender: %s\n", e.what);
		return true;
	}
	return !log_setup_by_word(out->log_level,
				  (struct log_options){ .service = "webhook-sender" });
}
