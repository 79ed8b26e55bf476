/* One line per event on stderr: time, level, service, event in snake case, then key=value.
 *   2026-11-23T10:00:00.123Z info scheduler leader_won epoch=7 lock_ms=2
 * Values with blanks, quotes or control characters are quoted and escaped. Never pass a secret;
 * phone numbers are LPHONE, which masks them unless BELFRY_LOG_FULL_NUMBERS=1. */
#ifndef BELFRY_SYS_LOG_H
#define BELFRY_SYS_LOG_H

#include "base/err.h"
#include "base/uuid.h"

enum log_level { LOG_DEBUG = 0, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_LEVEL_COUNT };

struct log_options {
	const char *service;
	enum log_level level;
	bool full_numbers;
};

/* Once, before the first line. Process-wide by nature: there is one stderr. */
void log_setup(struct log_options o);
/* The same with the level by its word, which is what BELFRY_LOG_LEVEL holds. False for a word that is
 * none, which has been said on stderr then. */
bool log_setup_by_word(const char *level, struct log_options o);
bool log_enabled(enum log_level level);
bool log_level_parse(struct str s, enum log_level *out); /* debug info warn error */

#define LOG_PHONE_SIZE 24
/* "+1555•••1234"; nothing but the dots of what is shorter than a number with its country. */
void log_mask_phone(struct str phone, char out[LOG_PHONE_SIZE]);

struct log_kv {
	const char *key;
	enum { LOG_V_STR, LOG_V_I64, LOG_V_ID, LOG_V_PHONE } kind;
	struct str s;
	int64_t i;
	enum id_kind id_kind;
	struct uuid id;
};

#define LS(k, cstr) ((struct log_kv){ .key = (k), .kind = LOG_V_STR, .s = str_from(cstr) })
#define LT(k, str_) ((struct log_kv){ .key = (k), .kind = LOG_V_STR, .s = (str_) })
#define LI(k, v) ((struct log_kv){ .key = (k), .kind = LOG_V_I64, .i = (int64_t)(v) })
#define LID(k, kind_, v)                                                                           \
	((struct log_kv){ .key = (k), .kind = LOG_V_ID, .id_kind = (kind_), .id = (v) })
#define LPHONE(k, str_) ((struct log_kv){ .key = (k), .kind = LOG_V_PHONE, .s = (str_) })
#define LERR(e) LS("error", err_name((e).code)), LS("reason", (e).what)

void log_write(enum log_level level, const char *event, const struct log_kv *kv, size_t n);

/* log_info("call_claimed", LID("call", ID_CALL, id), LI("batch", n)); */
#define LOG_AT(level, event, ...)                                                                  \
	log_write(level, event, (const struct log_kv[]){ { .key = NULL }, __VA_ARGS__ } + 1,       \
		  ARRAY_LEN(((const struct log_kv[]){ { .key = NULL }, __VA_ARGS__ })) - 1)
#define log_debug(...) LOG_AT(LOG_DEBUG, __VA_ARGS__, )
#define log_info(...) LOG_AT(LOG_INFO, __VA_ARGS__, )
#define log_warn(...) LOG_AT(LOG_WARN, __VA_ARGS__, )
#define log_error(...) LOG_AT(LOG_ERROR, __VA_ARGS__, )

#endif
