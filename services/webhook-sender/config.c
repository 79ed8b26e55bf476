/* The settings table and what is derived from it. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "sys/settings.h"

#define AT(member) offsetof(struct config, member)

static const struct setting table[] = {
	{ .key = "BELFRY_DATABASE_URL",
	  .kind = SETTING_STR,
	  .offset = AT(database_url),
	  .is_secret = true,
	  .doc = "Postgres, as a libpq connection string or URL." },
	{ .key = "BELFRY_REDIS_URL",
	  .kind = SETTING_STR,
	  .offset = AT(redis_url),
	  .is_secret = true,
	  .doc = "Redis: redis://[user:password@]host[:port][/db] or unix:///path." },
	{ .key = "BELFRY_SECRET_KEYS",
	  .kind = SETTING_STR,
	  .offset = AT(secret_keys),
	  .is_secret = true,
	  .doc = "Keys of the secrets at rest, id:base64 with commas between; the first "
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
	  .doc = "Special-purpose networks that webhooks may reach all the same, with commas." },
	{ .key = "BELFRY_WEBHOOK_ALLOW_HTTP",
	  .kind = SETTING_BOOL,
	  .offset = AT(allow_http),
	  .fallback = "0",
	  .doc = "Lets webhooks go to plain http URLs." },
	{ .key = "BELFRY_PG_PREPARE",
	  .kind = SETTING_STR,
	  .offset = AT(pg_prepare_text),
	  .fallback = "on",
	  .doc = "off sends unnamed statements, for PgBouncer before 1.21 in transaction mode." },
	{ .key = "BELFRY_LOG_LEVEL",
	  .kind = SETTING_STR,
	  .offset = AT(log_level_text),
	  .fallback = "info",
	  .doc = "The least level that is logged: debug, info, warn or error." },
};

static struct err parse_level(const char *text, enum log_level *out)
{
	static const char *const names[LOG_LEVEL_COUNT] = { "debug", "info", "warn", "error" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*out = (enum log_level)i;
			return OK;
		}
	}
	return ERR(ERR_INVALID, "BELFRY_LOG_LEVEL is debug, info, warn or error");
}

static struct err derive(struct config *c)
{
	TRY(parse_level(c->log_level_text, &c->log_level));
	if (strcmp(c->pg_prepare_text, "on") != 0 && strcmp(c->pg_prepare_text, "off") != 0)
		return ERR(ERR_INVALID, "BELFRY_PG_PREPARE is on or off");
	c->pg_prepare = strcmp(c->pg_prepare_text, "on") == 0;
	return delivery_schedule_parse(str_from(c->schedule_text), c->time_scale, &c->schedule);
}

bool config_load(int argc, char **argv, struct config *out, int *exit_out)
{
	struct err e;

	if (settings_command(argc, argv, (struct settings_table){ table, ARRAY_LEN(table) }, out,
			     exit_out))
		return true;
	*exit_out = 2;
	if (is_err(settings_load(table, ARRAY_LEN(table), out)))
		return true;
	e = derive(out);
	if (is_err(e)) {
		(void)fprintf(stderr, "webhook-sender: %s\n", e.what);
		return true;
	}
	return false;
}
