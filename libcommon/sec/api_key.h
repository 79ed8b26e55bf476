/* API keys: bf_live_ or bf_test_, 30 random base62 characters, 6 base62 characters of CRC-32 of all
 * that precedes. A mistyped key is refused without a query. Stored is HMAC-SHA256(pepper, key). */
#ifndef BELFRY_SEC_API_KEY_H
#define BELFRY_SEC_API_KEY_H

#include "sec/sec.h"

#define API_KEY_SIZE 45 /* with the NUL */

void api_key_make(bool live, const uint8_t random[32], char out[API_KEY_SIZE]);
bool api_key_is_well_formed(struct str key);
void api_key_hash(struct str pepper, struct str key, uint8_t out[SHA256_SIZE]);

#endif
