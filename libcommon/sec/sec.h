/* Primitives on OpenSSL, pure: randomness and keys come in as arguments. */
#ifndef BELFRY_SEC_SEC_H
#define BELFRY_SEC_SEC_H

#include "base/err.h"
#include "base/str.h"

#define SHA256_SIZE 32

void sec_sha256(struct str data, uint8_t out[SHA256_SIZE]);
void sec_hmac_sha256(struct str key, struct str data, uint8_t out[SHA256_SIZE]);
/* The same for many texts under one key, in a third of the time. */
struct sec_hmac;
struct sec_hmac *sec_hmac_new(struct str key);
void sec_hmac_free(struct sec_hmac *h);
void sec_hmac_of(struct sec_hmac *h, struct str data, uint8_t out[SHA256_SIZE]);
bool sec_equal(const void *a, const void *b, size_t n); /* constant time */
uint32_t sec_crc32(struct str data);                    /* IEEE 802.3 */

void sec_base64_encode(const void *p, size_t n, struct strbuf *out);
struct err sec_base64_decode(struct str s, void *out, size_t max, size_t *n_out) MUST_USE;
void sec_hex_encode(const void *p, size_t n, struct strbuf *out);

#endif
