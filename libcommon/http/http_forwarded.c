/* From the last hop of the last field backwards. */
#include "http/http_forwarded.h"

#include <string.h>

#define HOP_TEXT_MAX (INET6_ADDRSTRLEN + 8) /* with brackets and a port */

void http_address_text(const struct sockaddr *sa, char out[INET6_ADDRSTRLEN])
{
	struct sockaddr_storage ss = { .ss_family = sa->sa_family };
	out[0] = '\0';
	if (sa->sa_family == AF_INET6) {
		memcpy(&ss, sa, sizeof(struct sockaddr_in6));
		struct in6_addr *a = &((struct sockaddr_in6 *)(void *)&ss)->sin6_addr;
		if (IN6_IS_ADDR_V4MAPPED(a))
			(void)inet_ntop(AF_INET, a->s6_addr + 12, out, INET6_ADDRSTRLEN);
		else
			(void)inet_ntop(AF_INET6, a, out, INET6_ADDRSTRLEN);
	} else {
		memcpy(&ss, sa, sizeof(struct sockaddr_in));
		struct in_addr *a = &((struct sockaddr_in *)(void *)&ss)->sin_addr;
		(void)inet_ntop(AF_INET, a, out, INET6_ADDRSTRLEN);
	}
}

/* 192.0.2.1, 192.0.2.1:80, 2001:db8::1 or [2001:db8::1]:80; the port means nothing here. */
static bool parse_hop(struct str hop, struct sockaddr_storage *out)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	char text[HOP_TEXT_MAX + 1];
	char *start = text, *end;
	if (hop.n == 0 || hop.n > HOP_TEXT_MAX)
		return false;
	memcpy(text, hop.p, hop.n);
	text[hop.n] = '\0';
	if (text[0] == '[') {
		start++;
		end = strchr(text, ']');
		if (end == NULL)
			return false;
		*end = '\0';
	} else if ((end = strchr(text, ':')) != NULL && strchr(end + 1, ':') == NULL) {
		*end = '\0';
	}
	*out = (struct sockaddr_storage){ .ss_family = AF_UNSPEC };
	if (inet_pton(AF_INET, start, &v4.sin_addr) == 1)
		memcpy(out, &v4, sizeof(v4));
	else if (inet_pton(AF_INET6, start, &v6.sin6_addr) == 1)
		memcpy(out, &v6, sizeof(v6));
	return out->ss_family != AF_UNSPEC;
}

/* The last entry of a list and what is before it. */
static struct str pop_last(struct str *list)
{
	size_t at = list->n;
	while (at > 0 && list->p[at - 1] != ',')
		at--;
	struct str last = str_trim((struct str){ list->p + at, list->n - at });
	list->n = at > 0 ? at - 1 : 0;
	return last;
}

void http_forwarded_client(const struct http_head *h, const struct address_policy *proxies,
			   const char *peer, char out[INET6_ADDRSTRLEN])
{
	struct sockaddr_storage ss;
	const struct sockaddr *sa = (const struct sockaddr *)&ss;
	(void)memccpy(out, peer, '\0', INET6_ADDRSTRLEN); /* it is an address, too */
	for (size_t i = h->n_fields; i-- > 0;) {
		struct str list = h->fields[i].value;
		if (!str_eq_nocase(h->fields[i].name, STR("x-forwarded-for")))
			continue;
		while (list.n > 0) {
			if (!parse_hop(pop_last(&list), &ss))
				return;
			http_address_text(sa, out);
			if (!address_is_listed(proxies, sa))
				return;
		}
	}
}
