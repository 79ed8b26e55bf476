/* Whatever stands in X-Forwarded-For, the client is an address, and the proxy's own where nothing there
 * is one. */
#include <string.h>

#include "http/http_forwarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_address(const char *text)
{
	struct in6_addr a;
	return inet_pton(AF_INET, text, &a) == 1 || inet_pton(AF_INET6, text, &a) == 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char peer[] = "10.0.0.1";
	struct address_policy *proxies = NULL;
	char client[INET6_ADDRSTRLEN];
	size_t half = size / 2;
	struct http_field fields[] = {
		{ STR("X-Forwarded-For"), { (const char *)data, half } },
		{ STR("x-forwarded-for"), { (const char *)data + half, size - half } },
	};
	struct http_head head = { .fields = fields, .n_fields = ARRAY_LEN(fields) };
	if (is_err(address_policy_new(STR("10.0.0.0/8,fc00::/7"), &proxies)))
		return 0;
	http_forwarded_client(&head, proxies, peer, client);
	ASSERT(is_address(client));
	if (memchr(data, '.', size) == NULL && memchr(data, ':', size) == NULL)
		ASSERT(strcmp(client, peer) == 0);
	address_policy_free(proxies);
	return 0;
}
