/* How a webhook endpoint's secret is kept: the text "whsec_..." sealed in a secretbox, with the
 * endpoint's id as it is written outside ("whk_...") as associated data. Whoever creates or rotates
 * a secret seals it here, whoever signs opens it here. */
#ifndef BELFRY_WIRE_ENDPOINT_SECRET_H
#define BELFRY_WIRE_ENDPOINT_SECRET_H

#include "base/uuid.h"
#include "sec/secretbox.h"
#include "sec/webhook_sig.h"

/* Appends the sealed form of `secret` (a whsec_ text) to `out`. */
struct err endpoint_secret_seal(const struct secretbox *box, struct uuid endpoint_id,
				struct str secret, const uint8_t nonce[SECRETBOX_NONCE],
				struct strbuf *out) MUST_USE;

/* The raw key, ready to sign with. The caller wipes it. */
struct endpoint_key {
	uint8_t b[WEBHOOK_KEY_MAX];
	size_t n;
};
struct err endpoint_secret_open(const struct secretbox *box, struct uuid endpoint_id,
				struct str sealed, struct endpoint_key *out) MUST_USE;

#endif
