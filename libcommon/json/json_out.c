/* The writer knows one thing about where it is: whether a comma must come first. */
#include "json/json_out.h"

#include <stdio.h>

#include "base/timefmt.h"

#define EXACT_MAX (INT64_C(1) << 53) /* a double holds every integer up to here */

void json_out_init(struct json_out *j, struct strbuf *b)
{
	*j = (struct json_out){ .b = b };
}

/* Before a value or a key. */
static void separate(struct json_out *j)
{
	if (j->need_comma)
		strbuf_add_c(j->b, ',');
	j->need_comma = true;
}

static void put_escaped(struct strbuf *b, char c)
{
	static const char hex[] = "0123456789abcdef";
	char u[6] = { '\\', 'u', '0', '0', hex[(unsigned char)c >> 4], hex[c & 15] };
	switch (c) {
	case '"':
		strbuf_add(b, STR("\\\""));
		break;
	case '\\':
		strbuf_add(b, STR("\\\\"));
		break;
	case '\b':
		strbuf_add(b, STR("\\b"));
		break;
	case '\f':
		strbuf_add(b, STR("\\f"));
		break;
	case '\n':
		strbuf_add(b, STR("\\n"));
		break;
	case '\r':
		strbuf_add(b, STR("\\r"));
		break;
	case '\t':
		strbuf_add(b, STR("\\t"));
		break;
	default:
		strbuf_add_bytes(b, u, sizeof(u));
		break;
	}
}

static void put_quoted(struct strbuf *b, struct str s)
{
	strbuf_add_c(b, '"');
	for (size_t i = 0; i < s.n;) {
		size_t run = 0;
		while (i + run < s.n && (unsigned char)s.p[i + run] >= ' ' && s.p[i + run] != '"' &&
		       s.p[i + run] != '\\')
			run++;
		strbuf_add_bytes(b, s.p + i, run);
		i += run;
		if (i < s.n)
			put_escaped(b, s.p[i++]);
	}
	strbuf_add_c(b, '"');
}

static void open_with(struct json_out *j, char c)
{
	separate(j);
	strbuf_add_c(j->b, c);
	j->need_comma = false;
}

static void close_with(struct json_out *j, char c)
{
	strbuf_add_c(j->b, c);
	j->need_comma = true;
}

void json_object_begin(struct json_out *j)
{
	open_with(j, '{');
}

void json_object_end(struct json_out *j)
{
	close_with(j, '}');
}

void json_array_begin(struct json_out *j)
{
	open_with(j, '[');
}

void json_array_end(struct json_out *j)
{
	close_with(j, ']');
}

void json_key(struct json_out *j, const char *key)
{
	separate(j);
	put_quoted(j->b, str_from(key));
	strbuf_add_c(j->b, ':');
	j->need_comma = false;
}

void json_str(struct json_out *j, struct str s)
{
	if (!s.p) {
		json_null(j);
		return;
	}
	separate(j);
	put_quoted(j->b, s);
}

void json_cstr(struct json_out *j, const char *s)
{
	json_str(j, str_from(s));
}

void json_i64(struct json_out *j, int64_t v)
{
	bool is_exact = v >= -EXACT_MAX && v <= EXACT_MAX;
	separate(j);
	if (!is_exact)
		strbuf_add_c(j->b, '"');
	strbuf_add_i64(j->b, v);
	if (!is_exact)
		strbuf_add_c(j->b, '"');
}

void json_bool(struct json_out *j, bool v)
{
	json_raw(j, v ? STR("true") : STR("false"));
}

void json_null(struct json_out *j)
{
	json_raw(j, STR("null"));
}

void json_raw(struct json_out *j, struct str json)
{
	separate(j);
	strbuf_add(j->b, json);
}

void json_id(struct json_out *j, enum id_kind kind, struct uuid id)
{
	char text[ID_TEXT_SIZE];
	json_cstr(j, uuid_is_nil(id) ? NULL : id_format(kind, id, text));
}

void json_time(struct json_out *j, usec_t at)
{
	char text[TIMEFMT_SIZE];
	if (at == USEC_NEVER) {
		json_null(j);
		return;
	}
	timefmt_rfc3339(at, text);
	json_cstr(j, text);
}

void json_seconds(struct json_out *j, usec_t span)
{
	char text[32];
	int64_t ms = span / USEC_PER_MS;
	int64_t whole = ms / 1000, rest = ms % 1000;
	int n = snprintf(text, sizeof(text), "%s%" PRId64 ".%03" PRId64, ms < 0 ? "-" : "",
			 whole < 0 ? -whole : whole, rest < 0 ? -rest : rest);
	/* 1.500 is 1.5, and 2.000 is 2 */
	while (n > 0 && text[n - 1] == '0')
		n--;
	if (n > 0 && text[n - 1] == '.')
		n--;
	json_raw(j, (struct str){ text, (size_t)n });
}

/* --- key and value ------------------------------------------------------------------------ */

void json_kv_str(struct json_out *j, const char *key, struct str s)
{
	json_key(j, key);
	json_str(j, s);
}

void json_kv_cstr(struct json_out *j, const char *key, const char *s)
{
	json_key(j, key);
	json_cstr(j, s);
}

void json_kv_i64(struct json_out *j, const char *key, int64_t v)
{
	json_key(j, key);
	json_i64(j, v);
}

void json_kv_bool(struct json_out *j, const char *key, bool v)
{
	json_key(j, key);
	json_bool(j, v);
}

void json_kv_null(struct json_out *j, const char *key)
{
	json_key(j, key);
	json_null(j);
}

void json_kv_raw(struct json_out *j, const char *key, struct str json)
{
	json_key(j, key);
	json_raw(j, json.n ? json : STR("null"));
}

void json_kv_id(struct json_out *j, const char *key, enum id_kind kind, struct uuid id)
{
	json_key(j, key);
	json_id(j, kind, id);
}

void json_kv_time(struct json_out *j, const char *key, usec_t at)
{
	json_key(j, key);
	json_time(j, at);
}
