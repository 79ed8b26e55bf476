/* Digests, encodings, comparison: published vectors. */
#include "check.h"

#include <string.h>

#include "sec/sec.h"

static void expect_hex(const uint8_t *p, size_t n, const char *hex)
{
	struct strbuf b;
	strbuf_init(&b, 200);
	sec_hex_encode(p, n, &b);
	assert_str(strbuf_str(&b), hex);
	strbuf_deinit(&b);
}

static void sha256_as_fips_180(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};
	uint8_t out[SHA256_SIZE];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		sec_sha256(str_from(rows[i][0]), out);
		expect_hex(out, sizeof(out), rows[i][1]);
	}
	sec_sha256(STR_NONE, out);
	expect_hex(out, sizeof(out), rows[0][1]);
}

static void hmac_as_rfc_4231(void **state)
{
	(void)state;
	char long_key[131];
	uint8_t out[SHA256_SIZE];
	memset(long_key, 0xaa, sizeof(long_key));
	sec_hmac_sha256(STR("Jefe"), STR("what do ya want for nothing?"), out);
	expect_hex(out, sizeof(out),
		   "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	sec_hmac_sha256((struct str){ long_key, sizeof(long_key) },
			STR("Test Using Larger Than Block-Size Key - Hash Key First"), out);
	expect_hex(out, sizeof(out),
		   "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	sec_hmac_sha256(STR_NONE, STR_NONE, out);
	expect_hex(out, sizeof(out),
		   "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void a_kept_key_gives_the_same_for_each_text(void **state)
{
	(void)state;
	static const char *const texts[] = { "what do ya want for nothing?", "", "a",
					     "what do ya want for nothing?" };
	static const char *const keys[] = { "Jefe", "" };
	for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
		struct sec_hmac *h = sec_hmac_new(str_from(keys[k]));
		for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
			uint8_t kept[SHA256_SIZE], once[SHA256_SIZE];
			sec_hmac_of(h, str_from(texts[i]), kept);
			sec_hmac_sha256(str_from(keys[k]), str_from(texts[i]), once);
			assert_memory_equal(kept, once, SHA256_SIZE);
		}
		sec_hmac_free(h);
	}
	sec_hmac_free(NULL);
}

static void crc32_as_ieee_802_3(void **state)
{
	(void)state;
	assert_int_equal(sec_crc32(STR("")), 0);
	assert_int_equal(sec_crc32(STR("123456789")), 0xcbf43926);
	assert_int_equal(sec_crc32(STR("The quick brown fox jumps over the lazy dog")), 0x414fa339);
}

static void equality_looks_at_every_byte(void **state)
{
	(void)state;
	assert_true(sec_equal("abcd", "abcd", 4));
	assert_true(sec_equal("abcd", "abce", 3));
	assert_false(sec_equal("abcd", "abce", 4));
	assert_false(sec_equal("abcd", "bbcd", 4));
	assert_true(sec_equal("a", "b", 0));
}

static void base64_as_rfc_4648(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xff\xfe\xfd\xfb\xf0", "//79+/A=" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strbuf b;
		char out[16];
		size_t n = 99;
		strbuf_init(&b, 100);
		sec_base64_encode(rows[i][0], strlen(rows[i][0]), &b);
		assert_str(strbuf_str(&b), rows[i][1]);
		assert_ok(sec_base64_decode(strbuf_str(&b), out, sizeof(out), &n));
		assert_true(str_eq((struct str){ out, n }, str_from(rows[i][0])));
		strbuf_deinit(&b);
	}
}

static void base64_has_one_text_per_value(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"Zg",   "Zg=",  "Zh==",   "Zm9=",       "Zm8",   "Z===",
		"====", "=",    "Zg==\n", "Zg== ",      "Zm9v=", "Zg==Zg==",
		"Z g=", "Zm-v", "Zm_v",   "Zm\xc3\xa9", "=m9v",  "Zm=v",
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char out[16] = "untouched";
		size_t n = 99;
		struct err e = sec_base64_decode(str_from(rows[i]), out, sizeof(out), &n);
		CHECK(e.code == ERR_INVALID && n == 99, "%s", rows[i]);
		assert_string_equal(out, "untouched");
	}
}

static void base64_does_not_write_beyond_its_room(void **state)
{
	(void)state;
	char out[5] = { 'x', 'x', 'x', 'x', 'x' };
	size_t n = 99;
	assert_err(sec_base64_decode(STR("Zm9vYmFy"), out, 5, &n), ERR_TOO_LARGE);
	assert_err(sec_base64_decode(STR("Zm9vYg=="), out, 3, &n), ERR_TOO_LARGE);
	assert_int_equal(n, 99);
	assert_ok(sec_base64_decode(STR("Zm9vYg=="), out, 4, &n));
	assert_int_equal(n, 4);
	assert_int_equal(out[4], 'x');
	assert_ok(sec_base64_decode(STR(""), out, 0, &n));
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_as_fips_180),
		cmocka_unit_test(hmac_as_rfc_4231),
		cmocka_unit_test(a_kept_key_gives_the_same_for_each_text),
		cmocka_unit_test(crc32_as_ieee_802_3),
		cmocka_unit_test(equality_looks_at_every_byte),
		cmocka_unit_test(base64_as_rfc_4648),
		cmocka_unit_test(base64_has_one_text_per_value),
		cmocka_unit_test(base64_does_not_write_beyond_its_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
