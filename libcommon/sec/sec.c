/* Digests, comparison and encodings. The one-shot OpenSSL calls used here fail only when memory
 * runs out or the library is broken, so a failure is an assertion, not a result. */
#include "sec/sec.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

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

bool sec_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

uint32_t sec_crc32(struct str data)
{
	uint32_t crc = UINT32_MAX;
	for (size_t i = 0; i < data.n; i++) {
		crc ^= (unsigned char)data.p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
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
