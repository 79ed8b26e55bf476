/* Who asks, where proxies stand between: X-Forwarded-For, of which each hop may be a lie except what
 * a trusted proxy added at the end. Pure. */
#ifndef BELFRY_HTTP_HTTP_FORWARDED_H
#define BELFRY_HTTP_HTTP_FORWARDED_H

#include <arpa/inet.h>

#include "http/http_framing.h"
#include "sec/address.h"

/* The address as text, an IPv4-mapped one as IPv4. */
void http_address_text(const struct sockaddr *sa, char out[INET6_ADDRSTRLEN]);
/* The client of a request that came from a trusted proxy, `peer`: the nearest hop that is not itself
 * a trusted proxy, the farthest where all are. What is no address ends the search. The fields of that
 * name count as one list, in their order. */
void http_forwarded_client(const struct http_head *h, const struct address_policy *proxies,
			   const char *peer, char out[INET6_ADDRSTRLEN]);

#endif
