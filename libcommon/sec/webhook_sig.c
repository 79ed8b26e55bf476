/* The signer of outgoing webhooks and the texts of their secrets. */
#include "sec/webhook_sig.h"

#include <string.h>

#include "base/mem.h"

#define KEY_MIN 16

void webhook_secret_make(const uint8_t random[32], char out[WEBHOOK_SECRET_SIZE])
{
	struct strbuf b;
	strbuf_init(&b, WEBHOOK_SECRET_SIZE - 1);
	strbuf_add(&b, STR("whsec_"));
	sec_base64_encode(random, 32, &b);
	struct str text = strbuf_str(&b);
	memcpy(out, text.p, text.n);
	out[text.n] = '\0';
	mem_wipe(b.p, b.n);
	strbuf_deinit(&b);
}

struct err webhook_secret_key(struct str secret, uint8_t out[WEBHOOK_KEY_MAX], size_t *n_out)
{
	static const struct err bad = { ERR_INVALID,
					"not whsec_ and the base64 of 16 to 64 bytes" };
	struct str prefix = STR("whsec_");
	uint8_t key[WEBHOOK_KEY_MAX];
	size_t n = 0;
	if (!str_starts(secret, prefix))
		return bad;
	struct str text = { secret.p + prefix.n, secret.n - prefix.n };
	if (is_err(sec_base64_decode(text, key, sizeof(key), &n)) || n < KEY_MIN)
		return bad;
	memcpy(out, key, n);
	*n_out = n;
	mem_wipe(key, sizeof(key));
	return OK;
}

void webhook_sign(struct str key, struct str id, int64_t timestamp_s, struct str body,
		  struct strbuf *out)
{
	struct strbuf signed_text;
	uint8_t mac[SHA256_SIZE];
	strbuf_init(&signed_text, id.n + body.n + 32);
	strbuf_add(&signed_text, id);
	strbuf_add_c(&signed_text, '.');
	strbuf_add_i64(&signed_text, timestamp_s);
	strbuf_add_c(&signed_text, '.');
	strbuf_add(&signed_text, body);
	sec_hmac_sha256(key, strbuf_str(&signed_text), mac);
	strbuf_deinit(&signed_text);
	strbuf_add(out, STR("v1,"));
	sec_base64_encode(mac, sizeof(mac), out);
}

bool webhook_verify(struct str key, struct str id, int64_t timestamp_s, struct str body,
		    struct str signatures)
{
	struct strbuf right;
	bool is_right = false;
	strbuf_init(&right, 64);
	webhook_sign(key, id, timestamp_s, body, &right);
	while (signatures.n > 0) {
		struct str one;
		(void)str_split(signatures, ' ', &one, &signatures); /* the last has no blank */
		if (one.n == right.n && sec_equal(one.p, right.p, right.n))
			is_right = true;
	}
	strbuf_deinit(&right);
	return is_right;
}
