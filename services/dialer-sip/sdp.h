/* Session descriptions as far as a third party has to touch them: each dialog has one origin line of
 * ours whose version only grows, whoever wrote the rest (RFC 3725, RFC 3264 section 8). Pure. */
#ifndef DIALER_SIP_SDP_H
#define DIALER_SIP_SDP_H

#include "base/str.h"

#define SDP_MAX ((size_t)16 * 1024)

/* The origin line of one dialog. */
struct sdp_origin {
	const char *ip; /* advertised address */
	uint64_t session;
	unsigned version; /* grows with each description that is sent */
};

/* An offer of the usual telephone codecs at an address that discards: what the callee gets before
 * the agent's own is known. Appended. */
void sdp_black_hole(struct sdp_origin *o, struct strbuf *out);
/* `sdp` under our origin; nothing for an empty one. Lines keep their order. */
void sdp_relay(struct sdp_origin *o, struct str sdp, struct strbuf *out);
/* True when both name the same media at the same addresses: all lines but o=, s= and t=. */
bool sdp_is_same_media(struct str a, struct str b);

#endif
