/* Sessions of the dashboard. Who signs in shows an API key once and holds a cookie from then on, which
 * scripts cannot read: `__Host-belfry_session` where the page came over https (TLS ends before the
 * gateway, so its Origin says that), `belfry_session` on http://localhost and 127.0.0.1, and nowhere
 * else. Stored is a hash of name and value together, so a cookie is good under its own name only.
 *
 * What changes something needs two things more: an Origin that is the gateway's own, and a token that
 * only a page of this origin could have read, as X-Belfry-Token. A session is a key in every other
 * respect: its scopes, its rate, its line in the audit trail; and it ends with it. */
#ifndef BELFRY_API_GATEWAY_SESSION_H
#define BELFRY_API_GATEWAY_SESSION_H

#include "request.h"

/* The hash of the request's session cookie; false when there is none of a session's form. */
bool session_hash(struct req *r, uint8_t out[SHA256_SIZE]);
/* Whether a request with a session comes from the dashboard itself, by Origin and token. */
bool session_is_own(struct req *r);

void sessions_create(struct req *r);
void sessions_get(struct req *r);
void sessions_end(struct req *r);

#endif
