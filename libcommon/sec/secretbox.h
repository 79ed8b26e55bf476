/* Secrets at rest: AES-256-GCM under a named key, the row's identity as associated data, so that a
 * ciphertext moved to another row does not open.
 * Sealed form (bytea): 1 byte version (1), 1 byte length of the key id, the key id, 12 bytes
 * nonce, 16 bytes tag, ciphertext. */
#ifndef BELFRY_SEC_SECRETBOX_H
#define BELFRY_SEC_SECRETBOX_H

#include "base/err.h"
#include "base/str.h"

#define SECRETBOX_KEYS_MAX 8
#define SECRETBOX_NONCE 12
#define SECRETBOX_PLAIN_MAX 8192

struct secretbox;

/* spec: "id:base64[,id:base64...]", each key 32 bytes; the first one encrypts, all decrypt. */
struct err secretbox_new(struct str spec, struct secretbox **out) MUST_USE;
void secretbox_free(struct secretbox *s); /* wipes */
struct err secretbox_seal(const struct secretbox *s, struct str aad, struct str plain,
			  const uint8_t nonce[SECRETBOX_NONCE], struct strbuf *out) MUST_USE;
struct err secretbox_open(const struct secretbox *s, struct str aad, struct str sealed,
			  struct strbuf *out) MUST_USE;

#endif
