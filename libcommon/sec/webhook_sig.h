/* Standard Webhooks signatures: v1,base64(HMAC-SHA256(key, id "." timestamp "." body)), the key
 * being the base64 after "whsec_". https://www.standardwebhooks.com */
#ifndef BELFRY_SEC_WEBHOOK_SIG_H
#define BELFRY_SEC_WEBHOOK_SIG_H

#include "sec/sec.h"

#define WEBHOOK_SECRET_SIZE 52 /* whsec_ + base64 of 32 bytes + NUL */
#define WEBHOOK_KEY_MAX 64

void webhook_secret_make(const uint8_t random[32], char out[WEBHOOK_SECRET_SIZE]);
/* The raw key of a whsec_ text: 16 to 64 bytes. */
struct err webhook_secret_key(struct str secret, uint8_t out[WEBHOOK_KEY_MAX],
			      size_t *n_out) MUST_USE;
/* Appends "v1,..." to out. */
void webhook_sign(struct str key, struct str id, int64_t timestamp_s, struct str body,
		  struct strbuf *out);
/* Whether one of a webhook-signature header's signatures, separated by blanks, is the right one; it
 * takes as long for a wrong one. Versions other than v1 are skipped. */
bool webhook_verify(struct str key, struct str id, int64_t timestamp_s, struct str body,
		    struct str signatures);

#endif
