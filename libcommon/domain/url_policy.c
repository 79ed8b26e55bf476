/* A strict reading of RFC 3986 for the two schemes that a webhook may have. What is odd is refused
 * rather than repaired: another reader (libcurl) must not understand another host. */
#include "domain/url_policy.h"

#include "base/parse.h"

static bool is_visible(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c <= 0x20 || c >= 0x7f || c == '\\' || c == '"' || c == '<' || c == '>' ||
		    c == '^' || c == '`' || c == '{' || c == '|' || c == '}')
			return false;
	}
	return true;
}

static size_t find_any(struct str s, const char *set)
{
	for (size_t i = 0; i < s.n; i++) {
		for (const char *c = set; *c != '\0'; c++) {
			if (s.p[i] == *c)
				return i;
		}
	}
	return s.n;
}

static struct str from(struct str s, size_t at)
{
	return (struct str){ s.p + at, s.n - at };
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Labels of letters, digits, hyphens and underscores; no empty one except after a last dot. */
static bool is_name(struct str host)
{
	bool in_label = false;
	if (host.n == 0 || host.n > 253)
		return false;
	for (size_t i = 0; i < host.n; i++) {
		char c = host.p[i];
		if (c == '.' && !in_label)
			return false;
		if (c != '.' && c != '-' && c != '_' && !is_alnum(c))
			return false;
		in_label = c != '.';
	}
	return true;
}

static bool is_ipv6_text(struct str host)
{
	bool has_colon = false;
	for (size_t i = 0; i < host.n; i++) {
		char c = host.p[i];
		bool is_hex =
			(c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
		if (!is_hex && c != ':' && c != '.')
			return false;
		has_colon = has_colon || c == ':';
	}
	return has_colon && host.n <= 45;
}

static struct err split_authority(struct str authority, struct url_parts *u)
{
	struct str rest;
	if (find_any(authority, "@") < authority.n)
		return ERR(ERR_INVALID, "url must not hold a user or password");
	if (authority.n > 0 && authority.p[0] == '[') {
		size_t end = find_any(authority, "]");
		if (end == authority.n)
			return ERR(ERR_INVALID, "url has an unfinished IPv6 address");
		u->is_ipv6 = true;
		u->host = (struct str){ authority.p + 1, end - 1 };
		rest = from(authority, end + 1);
		if (!is_ipv6_text(u->host))
			return ERR(ERR_INVALID, "url has no valid IPv6 address in its brackets");
	} else {
		size_t end = find_any(authority, ":");
		u->host = (struct str){ authority.p, end };
		rest = from(authority, end);
		if (!is_name(u->host))
			return ERR(ERR_INVALID, "url has no valid host");
	}
	if (rest.n == 0)
		return OK;
	if (rest.p[0] != ':' || is_err(parse_i64(from(rest, 1), 1, 65535, &u->port)))
		return ERR(ERR_INVALID, "url has no valid port after its host");
	return OK;
}

struct err url_policy_check(struct str url, bool allow_http, struct url_parts *out)
{
	struct url_parts u = { .is_https = true, .port = 443 };
	size_t scheme = 8;
	if (url.n > URL_MAX)
		return ERR(ERR_INVALID, "url must have at most 2048 bytes");
	if (!is_visible(url))
		return ERR(ERR_INVALID, "url must be visible ASCII, anything else percent-encoded");
	if (!(url.n > 8 && str_eq_nocase((struct str){ url.p, 8 }, STR("https://")))) {
		if (!(url.n > 7 && str_eq_nocase((struct str){ url.p, 7 }, STR("http://"))))
			return ERR(ERR_INVALID, "url must begin with https:// and a host");
		if (!allow_http)
			return ERR(ERR_INVALID, "url must be https");
		u.is_https = false;
		u.port = 80;
		scheme = 7;
	}
	if (find_any(url, "#") < url.n)
		return ERR(ERR_INVALID, "url must not have a fragment");
	struct str rest = from(url, scheme);
	size_t end = find_any(rest, "/?");
	u.target = from(rest, end);
	TRY(split_authority((struct str){ rest.p, end }, &u));
	*out = u;
	return OK;
}
