/* The settings table and what is derived from it. */
#include "settings.h"

#include <stdio.h>

#include "sys/settings.h"

#define AT(member) offsetof(struct sender_settings, member)

static const struct setting table[] = {
	{ .key = "BELFRY_DATABASE_URL",
	  .kind = SETTING_STR,
	  .offset = AT(database_url),
	  .is_secret = true,
	  .doc = "Postgres, as a URL or a connection string of libpq." },
	{ .key = "BELFRY_REDIS_URL",
	  .kind = SETTING_STR,
	  .offset = AT(redis_url),
	  .is_secret = true,
	  .doc = "Redis: redis[s]://[user:password@]host[:port][/db], "
		 "redis[s]+sentinel://host,host/MASTER or unix:///path, see "
		 "libcommon/redis/redis.h." },
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
	{ .key = "BELFRY_PG_PREPARE",
	  .kind = SETTING_BOOL,
	  .offset = AT(pg_prepare),
	  .fallback = "1",
	  .doc = "Prepares statements by name; 0 for PgBouncer before 1.21 in transaction mode." },
	{ .key = "BELFRY_READY_FILE",
	  .kind = SETTING_STR,
	  .offset = AT(ready_file),
	  .fallback = "",
	  .max = 4000,
	  .doc = "File that stands while the process is ready; empty for none." },
	{ .key = "BELFRY_LOG_LEVEL",
	  .kind = SETTING_STR,
	  .offset = AT(log_level),
	  .fallback = "info",
	  .max = 16,
	  .doc = "The least level that is logged: debug, info, warn or error." },
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
