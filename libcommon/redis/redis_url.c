/* Where Redis is: the forms stand in redis.h. */
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

static struct err parse_host(struct str s, int default_port, struct redis_host *out)
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
	if (host.n == 0 || memchr(host.p, ',', host.n) != NULL ||
	    !decode(host, out->name, sizeof(out->name)))
		return BAD("has no usable host");
	int64_t number = default_port;
	if (has_port && is_err(parse_i64(port, 1, 65535, &number)))
		return BAD("has a port that is none");
	out->port = (int)number;
	return OK;
}

static struct err parse_option(struct str name, struct str value, struct redis_url *u)
{
	if (value.n == 0)
		return BAD("has an option without a value");
	if (str_eq(name, STR("ca")) && decode(value, u->ca, sizeof(u->ca)))
		return OK;
	if (str_eq(name, STR("tls_name")) && decode(value, u->tls_name, sizeof(u->tls_name)))
		return OK;
	if (str_eq(name, STR("sentinel_password")) &&
	    decode(value, u->sentinel_password, sizeof(u->sentinel_password)))
		return OK;
	return BAD("has an option behind its ? that is none, or malformed");
}

static struct err parse_options(struct str s, struct redis_url *u)
{
	struct str option, name, value;
	while (s.n > 0) {
		(void)str_split(s, '&', &option, &s); /* the last one has none behind it */
		(void)str_split(option, '=', &name, &value);
		TRY(parse_option(name, value, u));
	}
	if (!u->is_tls && (u->ca[0] != '\0' || u->tls_name[0] != '\0'))
		return BAD("has an option of TLS, which begins with rediss://");
	if (u->master[0] == '\0' && u->sentinel_password[0] != '\0')
		return BAD("has a password for Sentinels and no Sentinels");
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

/* host[:port] and, of Sentinels, more of them. */
static struct err parse_hosts(struct str s, bool is_sentinel, struct redis_url *u)
{
	struct str one;
	if (!is_sentinel) {
		u->n_hosts = 1;
		return parse_host(s, 6379, &u->hosts[0]);
	}
	do {
		if (u->n_hosts == REDIS_HOSTS_MAX)
			return BAD("names more than 8 Sentinels");
		(void)str_split(s, ',', &one, &s); /* the last one has none behind it */
		TRY(parse_host(one, 26379, &u->hosts[u->n_hosts++]));
	} while (s.n > 0);
	return OK;
}

static struct err parse_place(struct str s, bool is_sentinel, struct redis_url *u)
{
	struct str place, path, master, db, options, host;
	(void)str_split(s, '?', &s, &options); /* there may be none */
	bool has_path = str_split(s, '/', &place, &path);
	db = path;
	if (is_sentinel) {
		(void)str_split(path, '/', &master, &db); /* there may be no database */
		if (!has_path || master.n == 0 || !decode(master, u->master, sizeof(u->master)))
			return BAD("names no master behind its Sentinels");
	}
	if (db.n > 0 && is_err(parse_i64(db, 0, 1000000, &u->db)))
		return BAD("has a database that is not a number");
	struct str login = find_last_at(place, &host);
	if (login.p != NULL)
		TRY(parse_login(login, u));
	TRY(parse_hosts(host, is_sentinel, u));
	return parse_options(options, u);
}

struct err redis_url_parse(struct str url, struct redis_url *out)
{
	static const struct {
		struct str scheme;
		bool is_tls, is_sentinel;
	} kinds[] = {
		{ { "redis://", 8 }, false, false },
		{ { "rediss://", 9 }, true, false },
		{ { "redis+sentinel://", 17 }, false, true },
		{ { "rediss+sentinel://", 18 }, true, true },
	};
	struct redis_url u = { .db = 0 };
	struct err e = BAD("begins neither with redis:// nor with unix://, see redis.h");
	if (str_starts(url, STR("unix://"))) {
		struct str path = { url.p + 7, url.n - 7 };
		if (path.n == 0 || path.p[0] != '/' || !decode(path, u.path, sizeof(u.path)))
			return BAD("has a socket path that is not absolute or too long");
		u.is_unix = true;
		*out = u;
		return OK;
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t n = kinds[i].scheme.n;
		if (!str_starts(url, kinds[i].scheme))
			continue;
		u.is_tls = kinds[i].is_tls;
		e = parse_place((struct str){ url.p + n, url.n - n }, kinds[i].is_sentinel, &u);
	}
	if (!is_err(e))
		*out = u;
	mem_wipe(&u, sizeof(u));
	return e;
}
