/* A line is built in one bounded buffer and leaves in one write(2), so that lines of several
 * processes on one descriptor never mix. What does not fit is cut and the line says so. */
#include "sys/log.h"

#include <stdio.h>
#include <string.h>

#include <unistd.h>

#include "base/timefmt.h"
#include "sys/clock.h"

#define LINE_MAX_BYTES 4096
#define CUT_MARK " cut=1"

static const char *const level_names[LOG_LEVEL_COUNT] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARN] = "warn",
	[LOG_ERROR] = "error",
};

/* Process-wide: there is one stderr. */
static struct log_options options = { .service = "belfry", .level = LOG_INFO };

/* The line under construction. Not a strbuf: a log line must not need memory to be had. */
struct line {
	char p[LINE_MAX_BYTES];
	size_t n;
	bool is_cut;
};

static const size_t line_room = LINE_MAX_BYTES - sizeof(CUT_MARK); /* its NUL is the newline */

void log_setup(struct log_options o)
{
	options = o;
}

bool log_enabled(enum log_level level)
{
	return level >= options.level;
}

bool log_level_parse(struct str s, enum log_level *out)
{
	for (size_t i = 0; i < LOG_LEVEL_COUNT; i++) {
		if (str_eq(s, str_from(level_names[i]))) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

bool log_setup_by_word(const char *level, struct log_options o)
{
	if (!log_level_parse(str_from(level), &o.level)) {
		(void)fprintf(stderr, "BELFRY_LOG_LEVEL: debug, info, warn or error, not '%s'\n",
			      level);
		return false;
	}
	log_setup(o);
	return true;
}

static void put(struct line *l, struct str s)
{
	size_t n = min_size(s.n, line_room - l->n);
	if (n)
		memcpy(l->p + l->n, s.p, n);
	l->n += n;
	l->is_cut = l->is_cut || n < s.n;
}

static void put_cstr(struct line *l, const char *s)
{
	put(l, str_from(s));
}

static bool needs_quotes(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c <= ' ' || c == '"' || c == '\\' || c == '=' || c == 0x7f)
			return true;
	}
	return s.n == 0;
}

static void put_escaped(struct line *l, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char x[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };
	if (c == '"')
		put(l, STR("\\\""));
	else if (c == '\\')
		put(l, STR("\\\\"));
	else if (c == '\n')
		put(l, STR("\\n"));
	else
		put(l, (struct str){ x, sizeof(x) });
}

/* Bytes that are not UTF-8 are escaped too: a log must stay readable whatever a peer sent. */
static void put_text(struct line *l, struct str s)
{
	bool is_plain = str_is_utf8(s);
	if (is_plain && !needs_quotes(s)) {
		put(l, s);
		return;
	}
	put(l, STR("\""));
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < ' ' || c == '"' || c == '\\' || c == 0x7f || (c >= 0x80 && !is_plain))
			put_escaped(l, c);
		else
			put(l, (struct str){ s.p + i, 1 });
	}
	put(l, STR("\""));
}

static void put_i64(struct line *l, int64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);
	uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (v < 0)
		digits[--at] = '-';
	put(l, (struct str){ digits + at, sizeof(digits) - at });
}

void log_mask_phone(struct str phone, char out[LOG_PHONE_SIZE])
{
	/* +1555•••1234: the country and the end are enough to recognise a number one knows. At
	 * least three digits stay hidden; a text that is too short for that shows nothing. */
	struct str mask = STR("•••");
	size_t tail = phone.n >= 10 ? 4 : 0;
	size_t head = tail ? min_size(5, phone.n - 7) : 0;
	if (head)
		memcpy(out, phone.p, head);
	memcpy(out + head, mask.p, mask.n);
	if (tail)
		memcpy(out + head + mask.n, phone.p + phone.n - tail, tail);
	out[head + mask.n + tail] = '\0';
}

static void put_value(struct line *l, const struct log_kv *kv)
{
	char id[ID_TEXT_SIZE], phone[LOG_PHONE_SIZE];
	switch (kv->kind) {
	case LOG_V_STR:
		put_text(l, kv->s);
		break;
	case LOG_V_I64:
		put_i64(l, kv->i);
		break;
	case LOG_V_ID:
		put_cstr(l, uuid_is_nil(kv->id) ? "-" : id_format(kv->id_kind, kv->id, id));
		break;
	case LOG_V_PHONE:
		log_mask_phone(kv->s, phone);
		put_text(l, options.full_numbers ? kv->s : str_from(phone));
		break;
	}
}

void log_write(enum log_level level, const char *event, const struct log_kv *kv, size_t n)
{
	struct line l = { .n = 0 };
	char at[TIMEFMT_SIZE];
	if (!log_enabled(level))
		return;
	timefmt_rfc3339(clock_now(), at);
	put_cstr(&l, at);
	put(&l, STR(" "));
	put_cstr(&l, level_names[level]);
	put(&l, STR(" "));
	put_cstr(&l, options.service);
	put(&l, STR(" "));
	put_cstr(&l, event);
	for (size_t i = 0; i < n; i++) {
		put(&l, STR(" "));
		put_cstr(&l, kv[i].key);
		put(&l, STR("="));
		put_value(&l, &kv[i]);
	}
	if (l.is_cut) {
		l.n = str_utf8_prefix((struct str){ l.p, l.n });
		memcpy(l.p + l.n, CUT_MARK, sizeof(CUT_MARK) - 1);
		l.n += sizeof(CUT_MARK) - 1;
	}
	l.p[l.n++] = '\n';
	/* A line that stderr does not take is lost: there is nowhere to report it, and waiting for
	 * a full pipe would stop the calls. */
	ssize_t lost = write(STDERR_FILENO, l.p, l.n);
	(void)lost;
}
