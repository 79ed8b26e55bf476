/* Where Redis is: redis://[user:password@]host[:port][/db] and unix:///path. */
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "redis/redis_internal.h"

#define BAD(why) ERR(ERR_INVALID, "the URL of Redis " why)

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Percent-decodes into out, NUL-terminated; false when it does not fit or is malformed. */
static bool decode(struct str s, char *out, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (c == '%') {
			int high = i + 2 < s.n ? hex_value(s.p[i + 1]) : -1;
			int low = i + 2 < s.n ? hex_value(s.p[i + 2]) : -1;
			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (c == '\0' || n + 1 >= size)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return true;
}

static struct err parse_login(struct str login, struct redis_url *u)
{
	struct str user, password;
	if (!str_split(login, ':', &user, &password))
		return BAD("has a user without a password");
	if (!decode(user, u->user, sizeof(u->user)) ||
	    !decode(password, u->password, sizeof(u->password)))
		return BAD("has a malformed user or password");
	return OK;
}

static struct err parse_host(struct str s, struct redis_url *u)
{
	struct str host, port;
	bool has_port = false;
	if (s.n > 0 && s.p[0] == '[') {
		struct str rest;
		if (!str_split((struct str){ s.p + 1, s.n - 1 }, ']', &host, &rest))
			return BAD("has an address without its closing bracket");
		has_port = rest.n > 0;
		if (has_port && rest.p[0] != ':')
			return BAD("has something behind its address");
		port = has_port ? (struct str){ rest.p + 1, rest.n - 1 } : STR("");
	} else {
		has_port = str_split(s, ':', &host, &port);
	}
	if (host.n == 0 || !decode(host, u->host, sizeof(u->host)))
		return BAD("has no usable host");
	int64_t number = 6379;
	if (has_port && is_err(parse_i64(port, 1, 65535, &number)))
		return BAD("has a port that is none");
	u->port = (int)number;
	return OK;
}

static struct str find_last_at(struct str s, struct str *host)
{
	for (size_t i = s.n; i > 0; i--) {
		if (s.p[i - 1] == '@') {
			*host = (struct str){ s.p + i, s.n - i };
			return (struct str){ s.p, i - 1 };
		}
	}
	*host = s;
	return STR_NONE;
}

struct err redis_url_parse(struct str url, struct redis_url *out)
{
	struct redis_url u = { .db = 0 };
	if (str_starts(url, STR("unix://"))) {
		struct str path = { url.p + 7, url.n - 7 };
		if (path.n == 0 || path.p[0] != '/' || !decode(path, u.path, sizeof(u.path)))
			return BAD("has a socket path that is not absolute or too long");
		u.is_unix = true;
		*out = u;
		return OK;
	}
	if (str_starts(url, STR("rediss://")))
		return BAD("asks for TLS, which this build does not speak");
	if (!str_starts(url, STR("redis://")))
		return BAD("begins neither with redis:// nor with unix://");
	struct str place, db, host;
	bool has_db = str_split((struct str){ url.p + 8, url.n - 8 }, '/', &place, &db);
	if (has_db && db.n > 0 && is_err(parse_i64(db, 0, 1000000, &u.db)))
		return BAD("has a database that is not a number");
	struct str login = find_last_at(place, &host);
	if (login.p != NULL)
		TRY(parse_login(login, &u));
	TRY(parse_host(host, &u));
	*out = u;
	mem_wipe(&u, sizeof(u));
	return OK;
}
