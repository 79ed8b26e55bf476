/* May a webhook go to this address? Deny by default: every special-purpose IPv4 block (RFC 6890 and
 * its registry), of IPv6 only 2000::/3 less its special blocks; ::ffff:0:0/96 is judged as IPv4.
 * Judged at connect time on the concrete address: a check of the name alone can be rebound. */
#ifndef BELFRY_SEC_ADDRESS_H
#define BELFRY_SEC_ADDRESS_H

#include <sys/socket.h>

#include "base/err.h"
#include "base/str.h"

struct address_policy; /* exceptions */

/* "127.0.0.0/8,::1/128"; empty allows none. */
struct err address_policy_new(struct str cidrs, struct address_policy **out) MUST_USE;
void address_policy_free(struct address_policy *p);
bool address_is_allowed(const struct address_policy *p, const struct sockaddr *sa);
/* Whether one of the CIDRs holds it, whatever is special about it. */
bool address_is_listed(const struct address_policy *p, const struct sockaddr *sa);

#endif
