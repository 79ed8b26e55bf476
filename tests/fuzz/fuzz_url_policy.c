/* What is taken for a URL lies within the text, has a host, and nothing that could hide another. */
#include <string.h>

#include "domain/url_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool has(struct str s, char c)
{
	return s.n > 0 && memchr(s.p, c, s.n) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str url = { (const char *)data, size };
	struct url_parts u, strict;

	if (is_err(url_policy_check(url, true, &u))) {
		ASSERT(is_err(url_policy_check(url, false, &strict)));
		return 0;
	}
	ASSERT(u.is_https == !is_err(url_policy_check(url, false, &strict)));
	ASSERT(size <= URL_MAX && u.host.n > 0 && u.port >= 1 && u.port <= 65535);
	ASSERT(u.host.p > url.p && u.target.p + u.target.n == url.p + url.n);
	ASSERT(u.host.p + u.host.n <= u.target.p);
	ASSERT(!has(u.host, '@') && !has(u.host, '/') && !has(u.host, '%') && !has(url, '#'));
	ASSERT(u.is_ipv6 == has(u.host, ':'));
	return 0;
}
