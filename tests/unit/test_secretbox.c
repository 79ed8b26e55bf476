/* Sealed secrets: they open under their key and row only. */
#include "check.h"

#include <string.h>

#include "sec/sec.h"
#include "sec/secretbox.h"

#define KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" /* 00 01 02 ... 1f */
#define KEY_B "//////////////////////////////////////////8="

static const uint8_t nonce[SECRETBOX_NONCE] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };

static struct secretbox *box(const char *spec)
{
	struct secretbox *s = NULL;
	assert_ok(secretbox_new(str_from(spec), &s));
	return s;
}

/* out is initialised here */
static struct err open_with(const char *spec, const char *aad, struct str sealed,
			    struct strbuf *out)
{
	struct secretbox *s = box(spec);
	strbuf_init(out, SECRETBOX_PLAIN_MAX);
	struct err e = secretbox_open(s, str_from(aad), sealed, out);
	secretbox_free(s);
	return e;
}

static void seal_with(const char *spec, const char *aad, struct str plain, struct strbuf *out)
{
	struct secretbox *s = box(spec);
	strbuf_init(out, SECRETBOX_PLAIN_MAX + 100);
	assert_ok(secretbox_seal(s, str_from(aad), plain, nonce, out));
	secretbox_free(s);
}

static void the_sealed_form_is_as_documented(void **state)
{
	(void)state;
	struct strbuf sealed, hex;
	seal_with("k1:" KEY_A, "whk_1", STR("whsec_x"), &sealed);
	strbuf_init(&hex, 1000);
	sec_hex_encode(sealed.p, sealed.n, &hex);
	/* version, length and text of the id, nonce, then tag and ciphertext as Python's
	 * cryptography package gives them for the same key, nonce, text and row */
	assert_str(strbuf_str(&hex), "01026b31"
				     "0102030405060708090a0b0c"
				     "1e2c2c511390d95142ddcb7619f86e8f"
				     "728229b08fcb88");
	strbuf_deinit(&hex);
	strbuf_deinit(&sealed);
}

static void what_was_sealed_opens(void **state)
{
	(void)state;
	char big[SECRETBOX_PLAIN_MAX];
	memset(big, 'x', sizeof(big));
	const struct str rows[] = {
		STR(""),
		STR("s"),
		STR("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
		{ big, sizeof(big) },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strbuf sealed, plain;
		seal_with("k1:" KEY_A, "row", rows[i], &sealed);
		assert_ok(open_with("k1:" KEY_A, "row", strbuf_str(&sealed), &plain));
		assert_true(str_eq(strbuf_str(&plain), rows[i]));
		strbuf_deinit(&plain);
		strbuf_deinit(&sealed);
	}
}

static void the_first_key_seals_and_all_open(void **state)
{
	(void)state;
	struct strbuf sealed, plain;
	seal_with("old:" KEY_A, "row", STR("secret"), &sealed);
	assert_ok(open_with("new:" KEY_B ",old:" KEY_A, "row", strbuf_str(&sealed), &plain));
	assert_str(strbuf_str(&plain), "secret");
	strbuf_deinit(&plain);
	strbuf_deinit(&sealed);
	seal_with("new:" KEY_B ",old:" KEY_A, "row", STR("secret"), &sealed);
	assert_memory_equal(sealed.p + 2, "new", 3);
	assert_err(open_with("old:" KEY_A, "row", strbuf_str(&sealed), &plain), ERR_NOT_FOUND);
	strbuf_deinit(&plain);
	strbuf_deinit(&sealed);
}

static void another_row_or_key_does_not_open_it(void **state)
{
	(void)state;
	struct strbuf sealed, plain;
	seal_with("k1:" KEY_A, "row", STR("secret"), &sealed);
	static const char *const rows[][2] = {
		{ "k1:" KEY_A, "row2" },
		{ "k1:" KEY_A, "" },
		{ "k1:" KEY_B, "row" },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_err(open_with(rows[i][0], rows[i][1], strbuf_str(&sealed), &plain),
			   ERR_DENIED);
		assert_int_equal(plain.n, 0);
		strbuf_deinit(&plain);
	}
	strbuf_deinit(&sealed);
}

static void no_changed_bit_and_no_cut_opens(void **state)
{
	(void)state;
	struct strbuf sealed, plain;
	seal_with("k1:" KEY_A, "row", STR("secret"), &sealed);
	for (size_t i = 0; i < sealed.n * 8; i++) {
		sealed.p[i / 8] = (char)(sealed.p[i / 8] ^ 1 << i % 8);
		CHECK(is_err(open_with("k1:" KEY_A, "row", strbuf_str(&sealed), &plain)), "bit %zu",
		      i);
		assert_int_equal(plain.n, 0);
		strbuf_deinit(&plain);
		sealed.p[i / 8] = (char)(sealed.p[i / 8] ^ 1 << i % 8);
	}
	for (size_t n = 0; n < sealed.n; n++) {
		CHECK(is_err(open_with("k1:" KEY_A, "row", (struct str){ sealed.p, n }, &plain)),
		      "%zu bytes", n);
		strbuf_deinit(&plain);
	}
	strbuf_add_c(&sealed, 'x');
	assert_err(open_with("k1:" KEY_A, "row", strbuf_str(&sealed), &plain), ERR_DENIED);
	strbuf_deinit(&plain);
	strbuf_deinit(&sealed);
}

static void sizes_are_bounded(void **state)
{
	(void)state;
	static char big[SECRETBOX_PLAIN_MAX + 100];
	struct secretbox *s = box("k1:" KEY_A);
	struct strbuf out;
	strbuf_init(&out, 100);
	memset(big, 1, sizeof(big));
	struct str too_big = { big, SECRETBOX_PLAIN_MAX + 1 };
	assert_err(secretbox_seal(s, STR(""), too_big, nonce, &out), ERR_TOO_LARGE);
	assert_err(secretbox_seal(s, too_big, STR(""), nonce, &out), ERR_TOO_LARGE);
	assert_err(secretbox_seal(s, STR(""), (struct str){ big, 200 }, nonce, &out),
		   ERR_TOO_LARGE);
	strbuf_deinit(&out);

	struct strbuf sealed;
	strbuf_init(&sealed, 1000);
	assert_ok(secretbox_seal(s, STR(""), (struct str){ big, 200 }, nonce, &sealed));
	strbuf_init(&out, 199);
	assert_err(secretbox_open(s, STR(""), strbuf_str(&sealed), &out), ERR_TOO_LARGE);
	assert_err(secretbox_open(s, too_big, strbuf_str(&sealed), &out), ERR_INVALID);
	memcpy(big, "\x01\x02k1", 4);
	assert_err(secretbox_open(s, STR(""), (struct str){ big, sizeof(big) }, &out), ERR_INVALID);
	strbuf_deinit(&out);
	strbuf_deinit(&sealed);
	secretbox_free(s);
	secretbox_free(NULL);
}

static void specs_that_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *spec;
		enum err_code code;
	} rows[] = {
		{ "", ERR_INVALID },
		{ KEY_A, ERR_INVALID },
		{ ":" KEY_A, ERR_INVALID },
		{ "k1:", ERR_INVALID },
		{ "k1:AAEC", ERR_INVALID },
		{ "k1:" KEY_A "AAEC", ERR_INVALID },
		{ "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", ERR_INVALID },
		{ "k1:" KEY_A ",", ERR_INVALID },
		{ ",k1:" KEY_A, ERR_INVALID },
		{ "k1:" KEY_A " ,k2:" KEY_B, ERR_INVALID },
		{ "k1:" KEY_A ",k1:" KEY_B, ERR_INVALID },
		{ "k 1:" KEY_A, ERR_INVALID },
		{ "an_id_of_more_than_thirty_two_letters:" KEY_A, ERR_INVALID },
		{ "1:" KEY_A ",2:" KEY_A ",3:" KEY_A ",4:" KEY_A ",5:" KEY_A ",6:" KEY_A ",7:" KEY_A
		  ",8:" KEY_A ",9:" KEY_A,
		  ERR_TOO_LARGE },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct secretbox *s = NULL;
		struct err e = secretbox_new(str_from(rows[i].spec), &s);
		CHECK(e.code == rows[i].code && !s, "%s: %s", rows[i].spec, err_name(e.code));
	}
	secretbox_free(box("Key.a-1_Z:" KEY_A));
	secretbox_free(box("1:" KEY_A ",2:" KEY_A ",3:" KEY_A ",4:" KEY_A ",5:" KEY_A ",6:" KEY_A
			   ",7:" KEY_A ",8:" KEY_A));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sealed_form_is_as_documented),
		cmocka_unit_test(what_was_sealed_opens),
		cmocka_unit_test(the_first_key_seals_and_all_open),
		cmocka_unit_test(another_row_or_key_does_not_open_it),
		cmocka_unit_test(no_changed_bit_and_no_cut_opens),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(specs_that_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
