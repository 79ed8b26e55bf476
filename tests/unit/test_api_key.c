/* API keys. The vectors come from Python's zlib and hmac. */
#include "check.h"

#include <string.h>

#include "sec/api_key.h"
#include "vectors.h"

static void keys_and_their_stored_form_are_as_the_vectors(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("api_keys.json");
	for (const struct json_value *row = vectors_first(d, "made"); row; row = json_next(row)) {
		uint8_t random[32], hmac[SHA256_SIZE], expected[SHA256_SIZE];
		char key[API_KEY_SIZE];
		assert_int_equal(vectors_bytes(row, "random", random, sizeof(random)), 32);
		api_key_make(vectors_bool(row, "live"), random, key);
		assert_str(vectors_str(row, "key"), key);
		assert_true(api_key_is_well_formed(str_from(key)));
		api_key_hash(vectors_str(row, "pepper"), str_from(key), hmac);
		assert_int_equal(vectors_bytes(row, "hmac", expected, sizeof(expected)), 32);
		assert_memory_equal(hmac, expected, sizeof(hmac));
	}
	json_doc_free(d);
}

static void malformed_keys_are_known_without_a_query(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("api_keys.json");
	for (const struct json_value *row = vectors_first(d, "malformed"); row;
	     row = json_next(row))
		CHECK(!api_key_is_well_formed(vectors_str(row, "key")), "%s",
		      vectors_str(row, "why").p);
	json_doc_free(d);
}

static void every_single_mistyped_character_is_noticed(void **state)
{
	(void)state;
	static const uint8_t random[32] = { 1, 2, 3 };
	char key[API_KEY_SIZE];
	api_key_make(true, random, key);
	for (size_t i = 0; i < API_KEY_SIZE - 1; i++) {
		char kept = key[i];
		for (int c = 1; c < 256; c++) {
			key[i] = (char)c;
			CHECK(api_key_is_well_formed(str_from(key)) == (key[i] == kept),
			      "byte %d at %zu", c, i);
		}
		key[i] = kept;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_and_their_stored_form_are_as_the_vectors),
		cmocka_unit_test(malformed_keys_are_known_without_a_query),
		cmocka_unit_test(every_single_mistyped_character_is_noticed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
