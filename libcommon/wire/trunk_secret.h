/* How the secret settings of a trunk are kept: a JSON object sealed in a secretbox, with the trunk's id
 * as it is written outside ("trk_...") as associated data. The api-gateway seals them, the dispatcher
 * opens them for the dialer. */
#ifndef BELFRY_WIRE_TRUNK_SECRET_H
#define BELFRY_WIRE_TRUNK_SECRET_H

#include "base/uuid.h"
#include "sec/secretbox.h"

/* Appends the sealed form of `settings`, a JSON object, to `out`. */
struct err trunk_secret_seal(const struct secretbox *box, struct uuid trunk_id, struct str settings,
			     const uint8_t nonce[SECRETBOX_NONCE], struct strbuf *out) MUST_USE;
/* Appends the whole settings: `open` (a JSON object) with the members of what is sealed, which may be
 * nothing. The caller wipes it. */
struct err trunk_secret_join(const struct secretbox *box, struct uuid trunk_id, struct str open,
			     struct str sealed, struct strbuf *out) MUST_USE;

#endif
