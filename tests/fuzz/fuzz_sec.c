/* Texts that carry keys: base64 has one text per value, a secret's key signs, a key that is well
 * formed has the form, and no bytes open a sealed secret. */
#include <string.h>

#include "pieces.h"
#include "sec/api_key.h"
#include "sec/secretbox.h"
#include "sec/webhook_sig.h"

static void try_base64(struct str text)
{
	uint8_t bytes[4096];
	size_t n;
	struct strbuf again;
	if (is_err(sec_base64_decode(text, bytes, sizeof(bytes), &n)))
		return;
	strbuf_init(&again, text.n + 4);
	sec_base64_encode(bytes, n, &again);
	ASSERT(str_eq(strbuf_str(&again), text));
	strbuf_deinit(&again);
}

static void try_secret(struct str text)
{
	uint8_t key[WEBHOOK_KEY_MAX];
	size_t n;
	if (is_err(webhook_secret_key(text, key, &n)))
		return;
	ASSERT(n >= 16 && n <= WEBHOOK_KEY_MAX && str_starts(text, STR("whsec_")));
}

static void try_specs(struct str text)
{
	struct secretbox *box = NULL;
	if (!is_err(secretbox_new(text, &box)))
		ASSERT(text.n >= 46);
	secretbox_free(box);
}

static void try_sealed(struct str sealed)
{
	struct secretbox *box = NULL;
	struct strbuf plain;
	struct err e = secretbox_new(STR("k:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="), &box);
	ASSERT(!is_err(e));
	strbuf_init(&plain, SECRETBOX_PLAIN_MAX);
	e = secretbox_open(box, STR("row"), sealed, &plain);
	ASSERT(is_err(e) && plain.n == 0);
	strbuf_deinit(&plain);
	secretbox_free(box);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = { (const char *)data, size }, text;
	try_sealed(rest);
	while (next_piece(&rest, &text)) {
		try_base64(text);
		try_secret(text);
		try_specs(text);
		if (api_key_is_well_formed(text))
			ASSERT(text.n == API_KEY_SIZE - 1 && str_starts(text, STR("bf_")));
	}
	return 0;
}
