/* AES-256-GCM through EVP. The header needs no protection of its own: under another key, or with
 * another nonce, the tag is wrong. */
#include "sec/secretbox.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/mem.h"
#include "sec/sec.h"

#define VERSION 1
#define KEY_SIZE 32
#define TAG_SIZE 16
#define ID_MAX 32

struct box_key {
	char id[ID_MAX];
	size_t id_n;
	uint8_t key[KEY_SIZE];
};

struct secretbox {
	struct box_key keys[SECRETBOX_KEYS_MAX];
	size_t n;
};

static const struct box_key *find_key(const struct secretbox *s, struct str id)
{
	for (size_t i = 0; i < s->n; i++) {
		if (str_eq(id, (struct str){ s->keys[i].id, s->keys[i].id_n }))
			return &s->keys[i];
	}
	return NULL;
}

static bool is_id(struct str id)
{
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    c != '_' && c != '-' && c != '.')
			return false;
	}
	return id.n >= 1 && id.n <= ID_MAX;
}

static struct err add_key(struct secretbox *s, struct str entry)
{
	struct str id, text;
	if (!str_split(entry, ':', &id, &text) || !is_id(id))
		return ERR(ERR_INVALID, "secret keys are id:base64[,id:base64...]");
	if (s->n == SECRETBOX_KEYS_MAX)
		return ERR(ERR_TOO_LARGE, "more than 8 secret keys");
	if (find_key(s, id))
		return ERR(ERR_INVALID, "two secret keys have the same id");
	struct box_key *key = &s->keys[s->n];
	size_t n = 0;
	if (is_err(sec_base64_decode(text, key->key, KEY_SIZE, &n)) || n != KEY_SIZE)
		return ERR(ERR_INVALID, "a secret key is not the base64 of 32 bytes");
	memcpy(key->id, id.p, id.n);
	key->id_n = id.n;
	s->n++;
	return OK;
}

struct err secretbox_new(struct str spec, struct secretbox **out)
{
	struct secretbox *s = xcalloc(1, sizeof(*s));
	struct str rest = spec, entry;
	bool has_more;
	do {
		has_more = str_split(rest, ',', &entry, &rest);
		struct err e = add_key(s, entry);
		if (is_err(e)) {
			secretbox_free(s);
			return e;
		}
	} while (has_more);
	*out = s;
	return OK;
}

void secretbox_free(struct secretbox *s)
{
	if (!s)
		return;
	mem_wipe(s, sizeof(*s));
	free(s);
}

static bool crypt_start(EVP_CIPHER_CTX *ctx, bool seal, const uint8_t *key, const uint8_t *nonce)
{
	/* 12 bytes is GCM's default length of the nonce */
	return EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce, seal ? 1 : 0) == 1;
}

static bool crypt_aad(EVP_CIPHER_CTX *ctx, struct str text)
{
	int n;
	return text.n == 0 ||
	       EVP_CipherUpdate(ctx, NULL, &n, (const unsigned char *)text.p, (int)text.n) == 1;
}

struct err secretbox_seal(const struct secretbox *s, struct str aad, struct str plain,
			  const uint8_t nonce[SECRETBOX_NONCE], struct strbuf *out)
{
	uint8_t sealed[SECRETBOX_PLAIN_MAX], tag[TAG_SIZE];
	int n = 0, tail = 0;
	if (plain.n > SECRETBOX_PLAIN_MAX || aad.n > SECRETBOX_PLAIN_MAX)
		return ERR(ERR_TOO_LARGE, "a secret is longer than 8192 bytes");
	const struct box_key *key = &s->keys[0];
	uint8_t head[2 + ID_MAX] = { VERSION, (uint8_t)key->id_n };
	memcpy(head + 2, key->id, key->id_n);

	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool ok =
		ctx && crypt_start(ctx, true, key->key, nonce) && crypt_aad(ctx, aad) &&
		(plain.n == 0 || EVP_EncryptUpdate(ctx, sealed, &n, (const unsigned char *)plain.p,
						   (int)plain.n) == 1) &&
		EVP_EncryptFinal_ex(ctx, sealed + n, &tail) == 1 &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, tag) == 1;
	EVP_CIPHER_CTX_free(ctx);
	ASSERT(ok && (size_t)(n + tail) == plain.n);

	strbuf_add_bytes(out, head, 2 + key->id_n);
	strbuf_add_bytes(out, nonce, SECRETBOX_NONCE);
	strbuf_add_bytes(out, tag, TAG_SIZE);
	strbuf_add_bytes(out, sealed, plain.n);
	if (strbuf_overflowed(out))
		return ERR(ERR_TOO_LARGE, "the sealed secret does not fit its buffer");
	return OK;
}

static bool decrypt(const struct box_key *key, struct str aad, struct str body,
		    uint8_t plain[SECRETBOX_PLAIN_MAX])
{
	const uint8_t *nonce = (const uint8_t *)body.p;
	const uint8_t *text = nonce + SECRETBOX_NONCE + TAG_SIZE;
	size_t text_n = body.n - SECRETBOX_NONCE - TAG_SIZE;
	uint8_t tag[TAG_SIZE]; /* a copy: OpenSSL's argument is not const */
	int n = 0, tail = 0;
	memcpy(tag, nonce + SECRETBOX_NONCE, TAG_SIZE);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	ASSERT(ctx != NULL);
	bool ok = crypt_start(ctx, false, key->key, nonce) && crypt_aad(ctx, aad) &&
		  (text_n == 0 || EVP_DecryptUpdate(ctx, plain, &n, text, (int)text_n) == 1) &&
		  EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) == 1 &&
		  EVP_DecryptFinal_ex(ctx, plain + n, &tail) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}

struct err secretbox_open(const struct secretbox *s, struct str aad, struct str sealed,
			  struct strbuf *out)
{
	static const struct err bad = { ERR_INVALID, "not a sealed secret" };
	uint8_t plain[SECRETBOX_PLAIN_MAX];
	if (sealed.n < 2 || sealed.p[0] != VERSION)
		return bad;
	struct str id = { sealed.p + 2, (unsigned char)sealed.p[1] };
	if (sealed.n < 2 + id.n + SECRETBOX_NONCE + TAG_SIZE || aad.n > SECRETBOX_PLAIN_MAX)
		return bad;
	struct str body = { sealed.p + 2 + id.n, sealed.n - 2 - id.n };
	size_t plain_n = body.n - SECRETBOX_NONCE - TAG_SIZE;
	if (plain_n > SECRETBOX_PLAIN_MAX)
		return bad;
	const struct box_key *key = find_key(s, id);
	if (!key)
		return ERR(ERR_NOT_FOUND,
			   "the key of a sealed secret is not in BELFRY_SECRET_KEYS");
	bool ok = decrypt(key, aad, body, plain);
	if (ok)
		strbuf_add_bytes(out, plain, plain_n);
	mem_wipe(plain, plain_n);
	if (!ok)
		return ERR(ERR_DENIED, "a sealed secret was changed or belongs to another row");
	if (strbuf_overflowed(out))
		return ERR(ERR_TOO_LARGE, "the secret does not fit its buffer");
	return OK;
}
