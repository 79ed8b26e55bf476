/* What a webhook URL may look like: https (http where allowed), a host, no userinfo, no fragment, at
 * most 2,048 bytes of visible ASCII. A matter of form: where the address may be is decided when the
 * sender connects (sec/address.h). */
#ifndef BELFRY_DOMAIN_URL_POLICY_H
#define BELFRY_DOMAIN_URL_POLICY_H

#include "base/err.h"
#include "base/str.h"

#define URL_MAX 2048

struct url_parts {
	bool is_https;
	struct str host;   /* without the brackets of an IPv6 address */
	bool is_ipv6;      /* the host stood in brackets */
	int64_t port;      /* given or the scheme's own */
	struct str target; /* path and query as given; may be empty */
};

/* ERR_INVALID with a sentence for the answer in `what`. */
struct err url_policy_check(struct str url, bool allow_http, struct url_parts *out) MUST_USE;

#endif
