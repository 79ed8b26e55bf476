/* Whose request it is when proxies stand between: what a client says of itself counts for nothing. */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "http/http_forwarded.h"
#include "http_site.h"

#define PROXIES "10.0.0.0/8,2001:db8:1::/48"

static const struct {
	const char *fields, *client;
} cases[] = {
	{ "", "10.0.0.1" },
	{ "X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7" },
	{ "x-forwarded-for:192.0.2.7\r\n", "192.0.2.7" },
	{ "X-Forwarded-For: 192.0.2.7:4711\r\n", "192.0.2.7" },
	{ "X-Forwarded-For: 2001:DB8::7\r\n", "2001:db8::7" },
	{ "X-Forwarded-For: [2001:db8::7]:4711\r\n", "2001:db8::7" },
	{ "X-Forwarded-For: ::ffff:192.0.2.7\r\n", "192.0.2.7" },
	/* The nearest hop that no proxy of ours vouches for. */
	{ "X-Forwarded-For: 198.51.100.1, 192.0.2.7\r\n", "192.0.2.7" },
	{ "X-Forwarded-For: 198.51.100.1,192.0.2.7 , 10.2.3.4\r\n", "192.0.2.7" },
	{ "X-Forwarded-For: 192.0.2.7, 2001:db8:1::9, 10.2.3.4\r\n", "192.0.2.7" },
	{ "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7" },
	{ "X-Forwarded-For: 192.0.2.7\r\nX-Other: 1\r\nX-Forwarded-For: 10.2.3.4\r\n",
	  "192.0.2.7" },
	{ "X-Forwarded-For: 10.9.9.9, 10.2.3.4\r\n", "10.9.9.9" },
	/* What is no address ends the search where it stands. */
	{ "X-Forwarded-For: unknown\r\n", "10.0.0.1" },
	{ "X-Forwarded-For: 192.0.2.7, unknown, 10.2.3.4\r\n", "10.2.3.4" },
	{ "X-Forwarded-For: 192.0.2.7,\r\n", "10.0.0.1" },
	{ "X-Forwarded-For: 192.0.2.7, 10.2.3.4, [::1\r\n", "10.0.0.1" },
	{ "X-Forwarded-For: 192.0.2.700\r\n", "10.0.0.1" },
	{ "X-Forwarded-For: 1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc\r\n",
	  "10.0.0.1" },
	{ "Forwarded: for=192.0.2.7\r\n", "10.0.0.1" },
};

static void the_nearest_hop_that_is_no_trusted_proxy(void **state)
{
	(void)state;
	struct address_policy *proxies = NULL;
	assert_ok(address_policy_new(STR(PROXIES), &proxies));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char block[512], client[INET6_ADDRSTRLEN];
		struct arena *a = arena_new();
		struct http_head head;
		snprintf(block, sizeof(block), "GET / HTTP/1.1\r\nHost: h\r\n%s\r\n",
			 cases[i].fields);
		struct http_fault f = http_head_parse(str_from(block), a, &head);
		assert_int_equal(f.status, 0);
		http_forwarded_client(&head, proxies, "10.0.0.1", client);
		CHECK(strcmp(client, cases[i].client) == 0, "%s: %s, not %s", cases[i].fields,
		      client, cases[i].client);
		arena_free(a);
	}
	address_policy_free(proxies);
}

/* --- on the wire ---------------------------------------------------------------------------- */

static void tell_peer(struct http_request *r, void *arg)
{
	(void)arg;
	http_reply(r, 200, "text/plain", http_request_peer(r));
}

static struct site *open_site(struct address_policy *proxies, int max_per_address)
{
	struct http_server_options o = site_defaults;
	o.proxies = proxies;
	o.max_per_address = max_per_address;
	o.handler = tell_peer;
	return site_open(o);
}

static void only_a_trusted_proxy_is_believed(void **state)
{
	(void)state;
	static const char *const lists[] = { "", "10.0.0.0/8", "127.0.0.0/8" };
	static const char *const answers[] = { "\r\n\r\n127.0.0.1", "\r\n\r\n127.0.0.1",
					       "\r\n\r\n192.0.2.7" };
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct address_policy *proxies = NULL;
		assert_ok(address_policy_new(str_from(lists[i]), &proxies));
		struct site *s = open_site(proxies, 0);
		struct http_peer *p = site_ask(s, GET "X-Forwarded-For: 192.0.2.7\r\n\r\n");
		until_got(p, answers[i]);
		peer_free(p);
		site_close(s);
		address_policy_free(proxies);
	}
}

static void a_trusted_proxy_has_no_cap_of_its_own(void **state)
{
	(void)state;
	struct http_peer *p[5];
	struct address_policy *proxies = NULL;
	assert_ok(address_policy_new(STR("127.0.0.0/8"), &proxies));
	struct site *s = open_site(proxies, 2);
	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		p[i] = site_ask(s, GET "\r\n");
		until_got(p[i], "\r\n\r\n127.0.0.1");
	}
	for (size_t i = 0; i < ARRAY_LEN(p); i++)
		peer_free(p[i]);
	site_close(s);
	address_policy_free(proxies);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_nearest_hop_that_is_no_trusted_proxy),
		cmocka_unit_test(only_a_trusted_proxy_is_believed),
		cmocka_unit_test(a_trusted_proxy_has_no_cap_of_its_own),
	};

	return cmocka_run_group_tests_name("http_forwarded", tests, NULL, NULL);
}
