/* Which URLs a webhook may have. */
#include "check.h"

#include <string.h>

#include "domain/url_policy.h"

static void good_urls_come_apart(void **state)
{
	static const struct {
		const char *url, *host;
		int port;
		const char *target;
		bool is_https, is_ipv6;
	} rows[] = {
		{ "https://example.com", "example.com", 443, "", true, false },
		{ "https://example.com/", "example.com", 443, "/", true, false },
		{ "HTTPS://Example.COM:8443/a/b?c=d", "Example.COM", 8443, "/a/b?c=d", true,
		  false },
		{ "https://example.com?x=1", "example.com", 443, "?x=1", true, false },
		{ "http://example.com/x", "example.com", 80, "/x", false, false },
		{ "https://a_b-c.d.", "a_b-c.d.", 443, "", true, false },
		{ "https://127.0.0.1:9/", "127.0.0.1", 9, "/", true, false },
		{ "https://[2001:db8::1]:65535/", "2001:db8::1", 65535, "/", true, true },
		{ "https://[::ffff:10.0.0.1]", "::ffff:10.0.0.1", 443, "", true, true },
		{ "https://example.com/%40@:", "example.com", 443, "/%40@:", true, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct url_parts u;
		CHECK(!is_err(url_policy_check(str_from(rows[i].url), true, &u)), "%s",
		      rows[i].url);
		assert_str(u.host, rows[i].host);
		assert_str(u.target, rows[i].target);
		CHECK(u.port == rows[i].port, "%s", rows[i].url);
		CHECK(u.is_https == rows[i].is_https && u.is_ipv6 == rows[i].is_ipv6, "%s",
		      rows[i].url);
	}
}

static void odd_urls_are_refused(void **state)
{
	static const char *const urls[] = {
		"",
		"example.com",
		"//example.com/",
		"https://",
		"https:///x",
		"https://?x",
		"https:/example.com/",
		"ftp://example.com/",
		"javascript:alert(1)",
		"file:///etc/passwd",
		"https://user@example.com/",
		"https://user:pass@example.com/",
		"https://@example.com/",
		"https://example.com\\@evil.com/",
		"https://example.com/#top",
		"https://example.com#",
		"https://example.com:/",
		"https://example.com:0/",
		"https://example.com:65536/",
		"https://example.com:80a/",
		"https://example.com:+80/",
		"https://exa mple.com/",
		"https://example.com/a b",
		"https://example.com/\n",
		"https://example.com/\x7f",
		"https://ex\xc3\xa4mple.com/",
		"https://.example.com/",
		"https://example..com/",
		"https://exa%6dple.com/",
		"https://[::1/",
		"https://[]/",
		"https://[127.0.0.1]/",
		"https://[::1]x/",
		"https://[fe80::1%25eth0]/",
		"https://example.com,evil.com/",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		struct url_parts u;
		CHECK(url_policy_check(str_from(urls[i]), true, &u).code == ERR_INVALID, "%s",
		      urls[i]);
	}
}

static void plain_http_needs_leave(void **state)
{
	struct url_parts u;

	(void)state;
	assert_err(url_policy_check(STR("http://example.com/"), false, &u), ERR_INVALID);
	assert_ok(url_policy_check(STR("http://example.com/"), true, &u));
	assert_ok(url_policy_check(STR("https://example.com/"), false, &u));
}

static void the_length_is_limited(void **state)
{
	static const char head[] = "https://example.com/";
	char url[URL_MAX + 1];
	struct url_parts u;

	(void)state;
	memset(url, 'a', sizeof(url));
	memcpy(url, head, strlen(head));
	assert_ok(url_policy_check((struct str){ url, URL_MAX }, false, &u));
	assert_err(url_policy_check((struct str){ url, URL_MAX + 1 }, false, &u), ERR_INVALID);
	char host[300];
	memset(host, 'a', sizeof(host));
	memcpy(host, "https://", 8);
	assert_ok(url_policy_check((struct str){ host, 8 + 253 }, false, &u));
	assert_err(url_policy_check((struct str){ host, 8 + 254 }, false, &u), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_urls_come_apart),
		cmocka_unit_test(odd_urls_are_refused),
		cmocka_unit_test(plain_http_needs_leave),
		cmocka_unit_test(the_length_is_limited),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
