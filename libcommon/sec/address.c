/* Both families are judged as 16 bytes, IPv4 as ::ffff:a.b.c.d, so that one table of prefixes and one
 * comparison serve the rules and the exceptions alike. Sources: the IANA special-purpose address
 * registries of IPv4 and IPv6. */
#include "sec/address.h"

#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/mem.h"
#include "base/parse.h"

#define CIDRS_MAX 64

struct cidr {
	uint8_t b[16];
	unsigned bits;
};

struct address_policy {
	struct cidr v[CIDRS_MAX];
	size_t n;
};

#define MAPPED 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff
#define IPV4(a, b, c, bits)                                                                        \
	{                                                                                          \
		{ MAPPED, (a), (b), (c) }, 96 + (bits)                                             \
	}

/* Denied although 2000::/3 or ::ffff:0:0/96 holds them. */
static const struct cidr special[] = {
	IPV4(0, 0, 0, 8),                   /* this network */
	IPV4(10, 0, 0, 8),                  /* private */
	IPV4(100, 64, 0, 10),               /* shared, carrier NAT */
	IPV4(127, 0, 0, 8),                 /* loopback */
	IPV4(169, 254, 0, 16),              /* link local, cloud metadata */
	IPV4(172, 16, 0, 12),               /* private */
	IPV4(192, 0, 0, 24),                /* IETF protocols */
	IPV4(192, 0, 2, 24),                /* documentation */
	IPV4(192, 31, 196, 24),             /* AS112 */
	IPV4(192, 52, 193, 24),             /* AMT */
	IPV4(192, 88, 99, 24),              /* 6to4 relays */
	IPV4(192, 168, 0, 16),              /* private */
	IPV4(192, 175, 48, 24),             /* AS112 */
	IPV4(198, 18, 0, 15),               /* benchmarks */
	IPV4(198, 51, 100, 24),             /* documentation */
	IPV4(203, 0, 113, 24),              /* documentation */
	IPV4(224, 0, 0, 4),                 /* multicast */
	IPV4(240, 0, 0, 4),                 /* reserved, broadcast */
	{ { 0x20, 0x01 }, 23 },             /* IETF protocols: Teredo, ORCHID, benchmarks */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
	{ { 0x20, 0x02 }, 16 },             /* 6to4 */
	{ { 0x26, 0x20, 0x00, 0x4f, 0x80, 0x00 }, 48 }, /* AS112 */
	{ { 0x3f, 0xff }, 20 },                         /* documentation */
};

static const struct cidr mapped = { { MAPPED }, 96 };
static const struct cidr global_unicast = { { 0x20 }, 3 };

static bool is_inside(const uint8_t ip[16], const struct cidr *c)
{
	size_t whole = c->bits / 8;
	unsigned rest = c->bits % 8;
	if (memcmp(ip, c->b, whole) != 0)
		return false;
	return rest == 0 || (ip[whole] ^ c->b[whole]) >> (8 - rest) == 0;
}

/* 16 bytes of an address of either family; false for any other and for scoped ones. */
static bool to_bytes(const struct sockaddr *sa, uint8_t out[16])
{
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in v4;
		memcpy(&v4, sa, sizeof(v4));
		memcpy(out, mapped.b, 12);
		memcpy(out + 12, &v4.sin_addr, 4);
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;
		memcpy(&v6, sa, sizeof(v6));
		memcpy(out, &v6.sin6_addr, 16);
		return v6.sin6_scope_id == 0;
	}
	return false;
}

static struct err parse_cidr(struct str s, struct cidr *out)
{
	static const struct err bad = { ERR_INVALID,
					"not a list of CIDRs such as 10.0.0.0/8,::1/128" };
	struct cidr c = { .bits = 0 };
	struct str text, bits;
	char ip[INET6_ADDRSTRLEN];
	int64_t n;
	if (!str_split(s, '/', &text, &bits) || text.n >= sizeof(ip))
		return bad;
	memcpy(ip, text.p, text.n);
	ip[text.n] = '\0';
	bool is_v4 = inet_pton(AF_INET, ip, c.b + 12) == 1;
	if (is_v4)
		memcpy(c.b, mapped.b, 12);
	else if (inet_pton(AF_INET6, ip, c.b) != 1)
		return bad;
	if (is_err(parse_i64(bits, 0, is_v4 ? 32 : 128, &n)))
		return bad;
	c.bits = (unsigned)n + (is_v4 ? 96 : 0);
	*out = c;
	return OK;
}

struct err address_policy_new(struct str cidrs, struct address_policy **out)
{
	struct address_policy *p = xcalloc(1, sizeof(*p));
	struct str rest = cidrs, entry;
	while (rest.n) {
		(void)str_split(rest, ',', &entry, &rest); /* the last entry has no comma */
		struct err e = p->n < CIDRS_MAX ? parse_cidr(str_trim(entry), &p->v[p->n])
						: ERR(ERR_TOO_LARGE, "more than 64 CIDRs");
		if (is_err(e)) {
			address_policy_free(p);
			return e;
		}
		p->n++;
	}
	*out = p;
	return OK;
}

void address_policy_free(struct address_policy *p)
{
	free(p);
}

static bool is_in_list(const struct address_policy *p, const uint8_t ip[16])
{
	bool is_v4 = is_inside(ip, &mapped);
	for (size_t i = 0; i < p->n; i++) {
		/* ::/0 opens IPv6 only, although it holds the mapped addresses */
		if (is_inside(ip, &p->v[i]) &&
		    is_v4 == (p->v[i].bits >= 96 && is_inside(p->v[i].b, &mapped)))
			return true;
	}
	return false;
}

bool address_is_listed(const struct address_policy *p, const struct sockaddr *sa)
{
	uint8_t ip[16];
	return to_bytes(sa, ip) && is_in_list(p, ip);
}

bool address_is_allowed(const struct address_policy *p, const struct sockaddr *sa)
{
	uint8_t ip[16];
	if (!to_bytes(sa, ip))
		return false;
	if (is_in_list(p, ip))
		return true;
	if (!is_inside(ip, &mapped) && !is_inside(ip, &global_unicast))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(special); i++) {
		if (is_inside(ip, &special[i]))
			return false;
	}
	return true;
}
