/* Seals and opens endpoint secrets. */
#include "wire/endpoint_secret.h"

#include "base/mem.h"

struct err endpoint_secret_seal(const struct secretbox *box, struct uuid endpoint_id,
				struct str secret, const uint8_t nonce[SECRETBOX_NONCE],
				struct strbuf *out)
{
	char aad[ID_TEXT_SIZE];

	return secretbox_seal(box, str_from(id_format(ID_ENDPOINT, endpoint_id, aad)), secret,
			      nonce, out);
}

struct err endpoint_secret_open(const struct secretbox *box, struct uuid endpoint_id,
				struct str sealed, struct endpoint_key *out)
{
	char aad[ID_TEXT_SIZE];
	struct strbuf plain;
	struct err e;

	strbuf_init(&plain, SECRETBOX_PLAIN_MAX);
	e = secretbox_open(box, str_from(id_format(ID_ENDPOINT, endpoint_id, aad)), sealed, &plain);
	if (!is_err(e))
		e = webhook_secret_key(strbuf_str(&plain), out->b, &out->n);
	if (plain.p != NULL)
		mem_wipe(plain.p, plain.n);
	strbuf_deinit(&plain);
	return e;
}
