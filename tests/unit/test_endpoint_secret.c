/* Endpoint secrets at rest: what was sealed opens for its own endpoint only. */
#include "check.h"

#include <string.h>

#include "wire/endpoint_secret.h"

#define KEYS "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

static const uint8_t nonce[SECRETBOX_NONCE] = { 1, 2, 3 };
static const struct uuid endpoint = { { 0x01, 0x9a, 0, 0, 0, 0, 0x70, 0, 0x80, 1 } };
static const struct uuid another = { { 0x01, 0x9a, 0, 0, 0, 0, 0x70, 0, 0x80, 2 } };

static struct secretbox *box(void)
{
	struct secretbox *b = NULL;
	assert_ok(secretbox_new(STR(KEYS), &b));
	return b;
}

static void a_sealed_secret_opens_as_a_key(void **state)
{
	(void)state;
	struct secretbox *b = box();
	struct strbuf sealed;
	struct endpoint_key key = { .n = 0 };
	uint8_t raw[WEBHOOK_KEY_MAX];
	size_t n = 0;
	strbuf_init(&sealed, SECRETBOX_PLAIN_MAX);
	assert_ok(endpoint_secret_seal(b, endpoint, STR(SECRET), nonce, &sealed));
	assert_ok(endpoint_secret_open(b, endpoint, strbuf_str(&sealed), &key));
	assert_ok(webhook_secret_key(STR(SECRET), raw, &n));
	assert_int_equal(key.n, n);
	assert_memory_equal(key.b, raw, n);
	strbuf_deinit(&sealed);
	secretbox_free(b);
}

static void another_endpoint_cannot_use_it(void **state)
{
	(void)state;
	struct secretbox *b = box();
	struct strbuf sealed;
	struct endpoint_key key = { .n = 0 };
	strbuf_init(&sealed, SECRETBOX_PLAIN_MAX);
	assert_ok(endpoint_secret_seal(b, endpoint, STR(SECRET), nonce, &sealed));
	assert_true(is_err(endpoint_secret_open(b, another, strbuf_str(&sealed), &key)));
	assert_true(is_err(endpoint_secret_open(b, endpoint, STR("short"), &key)));
	strbuf_deinit(&sealed);
	secretbox_free(b);
}

static void what_is_no_secret_is_no_key(void **state)
{
	(void)state;
	struct secretbox *b = box();
	struct strbuf sealed;
	struct endpoint_key key = { .n = 0 };
	strbuf_init(&sealed, SECRETBOX_PLAIN_MAX);
	assert_ok(endpoint_secret_seal(b, endpoint, STR("not a secret"), nonce, &sealed));
	assert_true(is_err(endpoint_secret_open(b, endpoint, strbuf_str(&sealed), &key)));
	strbuf_deinit(&sealed);
	secretbox_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sealed_secret_opens_as_a_key),
		cmocka_unit_test(another_endpoint_cannot_use_it),
		cmocka_unit_test(what_is_no_secret_is_no_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
