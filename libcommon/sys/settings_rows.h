/* Rows of the tables of settings that several services have: one wording, one default, one range. Each
 * takes the service's struct of settings and the member that the row fills. */
#ifndef BELFRY_SYS_SETTINGS_ROWS_H
#define BELFRY_SYS_SETTINGS_ROWS_H

#include "sys/settings.h"

/* clang-format off: a row a macro, as it would stand in a table */
#define DATABASE_URL_SETTING(type, member)                                                         \
	{                                                                                          \
		.key = "BELFRY_DATABASE_URL", .kind = SETTING_STR,                                 \
		.offset = offsetof(type, member), .is_secret = true,                               \
		.doc = "Postgres, as a URL or a connection string of libpq."                       \
	}
#define REDIS_URL_SETTING(type, member)                                                            \
	{                                                                                          \
		.key = "BELFRY_REDIS_URL", .kind = SETTING_STR, .offset = offsetof(type, member),  \
		.is_secret = true,                                                                 \
		.doc = "Redis: redis[s]://[user:password@]host[:port][/db], "                      \
		       "redis[s]+sentinel://host,host/MASTER or unix:///path, see "                \
		       "libcommon/redis/redis.h."                                                  \
	}
#define PG_PREPARE_SETTING(type, member)                                                           \
	{                                                                                          \
		.key = "BELFRY_PG_PREPARE", .kind = SETTING_BOOL,                                  \
		.offset = offsetof(type, member), .fallback = "1",                                 \
		.doc = "Prepares statements by name; 0 for PgBouncer before 1.21 in transaction "  \
		       "mode."                                                                     \
	}
#define READY_FILE_SETTING(type, member)                                                           \
	{                                                                                          \
		.key = "BELFRY_READY_FILE", .kind = SETTING_STR, .offset = offsetof(type, member), \
		.fallback = "", .max = 4000,                                                       \
		.doc = "File that stands while the process is ready; empty for none."              \
	}
#define LOG_LEVEL_SETTING(type, member)                                                            \
	{                                                                                          \
		.key = "BELFRY_LOG_LEVEL", .kind = SETTING_STR, .offset = offsetof(type, member),  \
		.fallback = "info", .max = 16,                                                     \
		.doc = "The least level that is logged: debug, info, warn or error."               \
	}
#define ZONEINFO_SETTING(type, member)                                                             \
	{                                                                                          \
		.key = "BELFRY_ZONEINFO", .kind = SETTING_STR, .offset = offsetof(type, member),   \
		.fallback = "/usr/share/zoneinfo", .doc = "Directory of the time zone database."   \
	}
#define ZONEINFO_REFRESH_SETTING(type, member)                                                     \
	{                                                                                          \
		.key = "BELFRY_ZONEINFO_REFRESH_S", .kind = SETTING_SECONDS,                       \
		.offset = offsetof(type, member), .fallback = "60", .min = 1, .max = 3600,         \
		.doc = "How often the time zone database is looked at for changes."                \
	}
/* clang-format on */

#endif
