/* Lists of exceptions from any text, and any address under them. A mapped IPv4 address is judged as
 * its IPv4, an exception only ever adds, and nothing outside 2000::/3 is public IPv6. */
#include <netinet/in.h>
#include <string.h>

#include "pieces.h"
#include "sec/address.h"

static bool is_v6_allowed(const struct address_policy *p, const uint8_t ip[16])
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };
	memcpy(&sa.sin6_addr, ip, 16);
	return address_is_allowed(p, (const struct sockaddr *)&sa);
}

static bool is_v4_allowed(const struct address_policy *p, const uint8_t ip[4])
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	memcpy(&sa.sin_addr, ip, 4);
	return address_is_allowed(p, (const struct sockaddr *)&sa);
}

static void try_address(const struct address_policy *none, const struct address_policy *some,
			const uint8_t ip[16])
{
	uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff };
	memcpy(mapped + 12, ip + 12, 4);
	ASSERT(is_v4_allowed(none, ip + 12) == is_v6_allowed(none, mapped));
	ASSERT(is_v4_allowed(some, ip + 12) == is_v6_allowed(some, mapped));
	ASSERT(!is_v4_allowed(none, ip + 12) || is_v4_allowed(some, ip + 12));
	ASSERT(!is_v6_allowed(none, ip) || is_v6_allowed(some, ip));
	if (is_v6_allowed(none, ip) && memcmp(ip, mapped, 12) != 0)
		ASSERT((ip[0] & 0xe0) == 0x20);
	/* the blocks that an attacker asks for first */
	if (ip[12] == 127 || ip[12] == 10 || (ip[12] == 169 && ip[13] == 254))
		ASSERT(!is_v4_allowed(none, ip + 12));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size }, text;
	struct address_policy *none = NULL;
	struct err e = address_policy_new(STR(""), &none);
	ASSERT(!is_err(e));
	while (next_piece(&rest, &text)) {
		struct address_policy *some = NULL;
		if (text.n == 0)
			continue;
		if (is_err(address_policy_new(text, &some))) {
			ASSERT(!some);
			continue;
		}
		for (size_t at = 0; at + 16 <= size && at < 512; at += 16)
			try_address(none, some, data + at);
		address_policy_free(some);
	}
	address_policy_free(none);
	return 0;
}
