/* Digests, comparison and encodings. The one-shot OpenSSL calls used here fail only when memory
 * runs out or the library is broken, so a failure is an assertion, not a result. */
#include "sec/sec.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void sec_sha256(struct str data, uint8_t out[SHA256_SIZE])
{
	int ok = EVP_Digest(data.n ? data.p : "", data.n, out, NULL, EVP_sha256(), NULL);
	ASSERT(ok == 1);
}

void sec_hmac_sha256(struct str key, struct str data, uint8_t out[SHA256_SIZE])
{
	ASSERT(key.n <= INT32_MAX);
	/* a NULL key would mean "the previous one" to OpenSSL */
	const unsigned char *mac =
		HMAC(EVP_sha256(), key.n ? key.p : "", (int)key.n,
		     (const unsigned char *)(data.n ? data.p : ""), data.n, out, NULL);
	ASSERT(mac != NULL);
}

/* struct sec_hmac is an EVP_MAC_CTX: nothing of ours would stand beside it. */
struct sec_hmac *sec_hmac_new(struct str key)
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
								       digest, 0),
				      OSSL_PARAM_construct_end() };
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
	int ok = EVP_MAC_init(ctx, (const unsigned char *)(key.n ? key.p : ""), key.n, params);
	ASSERT(ok == 1);
	EVP_MAC_free(mac); /* ctx holds on to it */
	return (struct sec_hmac *)(void *)ctx;
}

static EVP_MAC_CTX *ctx_of(struct sec_hmac *h)
{
	return (EVP_MAC_CTX *)(void *)h;
}

void sec_hmac_free(struct sec_hmac *h)
{
	EVP_MAC_CTX_free(ctx_of(h));
}

void sec_hmac_of(struct sec_hmac *h, struct str data, uint8_t out[SHA256_SIZE])
{
	EVP_MAC_CTX *ctx = ctx_of(h);
	size_t n;
	int ok = EVP_MAC_init(ctx, NULL, 0, NULL); /* under the same key again */
	ok = ok == 1 && EVP_MAC_update(ctx, (const unsigned char *)data.p, data.n) == 1 &&
	     EVP_MAC_final(ctx, out, &n, SHA256_SIZE) == 1;
	ASSERT(ok && n == SHA256_SIZE);
}

bool sec_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

uint32_t sec_crc32(struct str data)
{
	/* four bits at a time: what they leave behind of the polynomial 0xedb88320 */
	static const uint32_t table[16] = { 0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
					    0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
					    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
					    0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c };
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < data.n; i++) {
		crc ^= (unsigned char)data.p[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

void sec_base64_encode(const void *p, size_t n, struct strbuf *out)
{
	const unsigned char *in = p;
	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		unsigned group = (unsigned)in[i] << 16;
		group |= left > 1 ? (unsigned)in[i + 1] << 8 : 0;
		group |= left > 2 ? (unsigned)in[i + 2] : 0;
		char text[4] = {
			base64_digits[group >> 18],
			base64_digits[group >> 12 & 63],
			left > 1 ? base64_digits[group >> 6 & 63] : '=',
			left > 2 ? base64_digits[group & 63] : '=',
		};
		strbuf_add_bytes(out, text, sizeof(text));
	}
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

struct err sec_base64_decode(struct str s, void *out, size_t max, size_t *n_out)
{
	static const struct err bad = { ERR_INVALID, "not base64" };
	unsigned char *to = out;
	size_t n = 0, digits = s.n;
	if (s.n % 4 != 0)
		return bad;
	while (digits && digits + 2 > s.n && s.p[digits - 1] == '=')
		digits--;
	if (digits / 4 * 3 + (digits % 4 ? digits % 4 - 1 : 0) > max)
		return ERR(ERR_TOO_LARGE, "the decoded base64 is too long");
	/* judged whole before the first byte is written */
	for (size_t i = 0; i < digits; i++) {
		if (base64_value(s.p[i]) < 0)
			return bad;
	}
	/* one text per value: the bits that nobody reads are zero */
	if (digits % 4 && base64_value(s.p[digits - 1]) & (digits % 4 == 2 ? 15 : 3))
		return bad;
	unsigned acc = 0;
	for (size_t i = 0; i < digits; i++) {
		acc = acc << 6 | (unsigned)base64_value(s.p[i]);
		if (i % 4 != 0)
			to[n++] = (unsigned char)(acc >> (6 - 2 * (i % 4)));
	}
	*n_out = n;
	return OK;
}

void sec_hex_encode(const void *p, size_t n, struct strbuf *out)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *in = p;
	for (size_t i = 0; i < n; i++) {
		char text[2] = { hex[in[i] >> 4], hex[in[i] & 15] };
		strbuf_add_bytes(out, text, sizeof(text));
	}
}
