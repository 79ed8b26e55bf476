/* Standard Webhooks: the published vector, and others from Python's hmac. */
#include "check.h"

#include <string.h>

#include "sec/webhook_sig.h"
#include "vectors.h"

static void signatures_are_as_the_vectors(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("webhook_signatures.json");
	for (const struct json_value *row = vectors_first(d, "signed"); row; row = json_next(row)) {
		uint8_t key[WEBHOOK_KEY_MAX];
		size_t n = 0;
		struct strbuf b;
		strbuf_init(&b, 100);
		assert_ok(webhook_secret_key(vectors_str(row, "secret"), key, &n));
		webhook_sign((struct str){ (const char *)key, n }, vectors_str(row, "id"),
			     vectors_i64(row, "timestamp"), vectors_str(row, "body"), &b);
		assert_str(strbuf_str(&b), vectors_str(row, "signature").p);
		strbuf_deinit(&b);
	}
	json_doc_free(d);
}

static void a_second_signature_is_appended(void **state)
{
	(void)state;
	struct strbuf b;
	strbuf_init(&b, 200);
	webhook_sign(STR("key one, 16 byte"), STR("evt_1"), 1, STR("{}"), &b);
	size_t one = b.n;
	strbuf_add_c(&b, ' ');
	webhook_sign(STR("key two, 16 byte"), STR("evt_1"), 1, STR("{}"), &b);
	assert_int_equal(one, 3 + 44);
	assert_int_equal(b.n, 2 * one + 1);
	assert_true(str_starts((struct str){ b.p + one, b.n - one }, STR(" v1,")));
	assert_memory_not_equal(b.p, b.p + one + 1, one);
	strbuf_deinit(&b);
}

static void a_receiver_takes_one_good_signature_of_several(void **state)
{
	(void)state;
	struct str key = STR("key one, 16 byte"), id = STR("evt_1"), body = STR("{}");
	struct strbuf b;
	strbuf_init(&b, 400);
	assert_false(webhook_verify(key, id, 1, body, STR("")));
	assert_false(webhook_verify(key, id, 1, body, STR("v1,")));
	webhook_sign(STR("key two, 16 byte"), id, 1, body, &b);
	assert_false(webhook_verify(key, id, 1, body, strbuf_str(&b)));
	strbuf_add(&b, STR(" v1a,AAAA "));
	webhook_sign(key, id, 1, body, &b);
	assert_true(webhook_verify(key, id, 1, body, strbuf_str(&b)));
	assert_false(webhook_verify(key, id, 2, body, strbuf_str(&b)));
	assert_false(webhook_verify(key, STR("evt_2"), 1, body, strbuf_str(&b)));
	assert_false(webhook_verify(key, id, 1, STR("{ }"), strbuf_str(&b)));
	b.n--; /* the right one without its end */
	assert_false(webhook_verify(key, id, 1, body, strbuf_str(&b)));
	strbuf_deinit(&b);
}

static void bad_secrets_are_refused(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("webhook_signatures.json");
	for (const struct json_value *row = vectors_first(d, "bad_secrets"); row;
	     row = json_next(row)) {
		uint8_t key[WEBHOOK_KEY_MAX] = { 7 };
		size_t n = 99;
		struct err e = webhook_secret_key(vectors_str(row, "secret"), key, &n);
		CHECK(e.code == ERR_INVALID && n == 99 && key[0] == 7, "%s",
		      vectors_str(row, "why").p);
	}
	json_doc_free(d);
}

static void new_secrets_hold_their_32_bytes(void **state)
{
	(void)state;
	struct json_doc *d = vectors_load("webhook_signatures.json");
	for (const struct json_value *row = vectors_first(d, "made"); row; row = json_next(row)) {
		uint8_t random[32], key[WEBHOOK_KEY_MAX];
		char secret[WEBHOOK_SECRET_SIZE];
		size_t n = 0;
		assert_int_equal(vectors_bytes(row, "random", random, sizeof(random)), 32);
		webhook_secret_make(random, secret);
		assert_str(vectors_str(row, "secret"), secret);
		assert_ok(webhook_secret_key(str_from(secret), key, &n));
		assert_int_equal(n, 32);
		assert_memory_equal(key, random, 32);
	}
	json_doc_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures_are_as_the_vectors),
		cmocka_unit_test(a_second_signature_is_appended),
		cmocka_unit_test(a_receiver_takes_one_good_signature_of_several),
		cmocka_unit_test(bad_secrets_are_refused),
		cmocka_unit_test(new_secrets_hold_their_32_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
