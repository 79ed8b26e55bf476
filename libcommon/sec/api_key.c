/* prefix (8) + 30 base62 characters of randomness (178 bits) + 6 of checksum */
#include "sec/api_key.h"

#include <string.h>

#define PREFIX_LEN 8
#define RANDOM_LEN 30
#define CHECK_LEN 6
#define CHECK_AT (PREFIX_LEN + RANDOM_LEN)

static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static void put_checksum(const char *key, char out[CHECK_LEN])
{
	uint32_t crc = sec_crc32((struct str){ key, CHECK_AT });
	for (int i = CHECK_LEN - 1; i >= 0; i--) {
		out[i] = base62[crc % 62];
		crc /= 62;
	}
}

void api_key_make(bool live, const uint8_t random[32], char out[API_KEY_SIZE])
{
	/* The 256 bits as one number, divided by 62 again and again: unlike a byte modulo 62 this
	 * has no bias worth the name, since 62^30 is 2^77 times smaller. */
	uint8_t number[32];
	memcpy(number, random, sizeof(number));
	memcpy(out, live ? "bf_live_" : "bf_test_", PREFIX_LEN);
	for (int i = 0; i < RANDOM_LEN; i++) {
		unsigned rest = 0;
		for (size_t j = 0; j < sizeof(number); j++) {
			unsigned v = rest << 8 | number[j];
			number[j] = (uint8_t)(v / 62);
			rest = v % 62;
		}
		out[PREFIX_LEN + i] = base62[rest];
	}
	put_checksum(out, out + CHECK_AT);
	out[API_KEY_SIZE - 1] = '\0';
}

bool api_key_is_well_formed(struct str key)
{
	if (key.n != API_KEY_SIZE - 1)
		return false;
	if (!str_starts(key, STR("bf_live_")) && !str_starts(key, STR("bf_test_")))
		return false;
	for (size_t i = PREFIX_LEN; i < CHECK_AT; i++) {
		if (!memchr(base62, key.p[i], sizeof(base62) - 1))
			return false;
	}
	char check[CHECK_LEN];
	put_checksum(key.p, check);
	return memcmp(check, key.p + CHECK_AT, CHECK_LEN) == 0;
}

void api_key_hash(struct str pepper, struct str key, uint8_t out[SHA256_SIZE])
{
	sec_hmac_sha256(pepper, key, out);
}
