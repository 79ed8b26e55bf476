/* Both objects come from our own printer, so members can be joined as text. */
#include "wire/trunk_secret.h"

#include "base/mem.h"

struct err trunk_secret_seal(const struct secretbox *box, struct uuid trunk_id, struct str settings,
			     const uint8_t nonce[SECRETBOX_NONCE], struct strbuf *out)
{
	char aad[ID_TEXT_SIZE];

	return secretbox_seal(box, str_from(id_format(ID_TRUNK, trunk_id, aad)), settings, nonce,
			      out);
}

/* What stands between the braces; empty for what is no object. */
static struct str members(struct str object)
{
	struct str s = str_trim(object);

	if (s.n < 2 || s.p[0] != '{' || s.p[s.n - 1] != '}')
		return STR_NONE;
	return str_trim((struct str){ s.p + 1, s.n - 2 });
}

struct err trunk_secret_join(const struct secretbox *box, struct uuid trunk_id, struct str open,
			     struct str sealed, struct strbuf *out)
{
	char aad[ID_TEXT_SIZE];
	struct strbuf plain;
	struct err e = OK;

	strbuf_init(&plain, SECRETBOX_PLAIN_MAX);
	if (sealed.n > 0)
		e = secretbox_open(box, str_from(id_format(ID_TRUNK, trunk_id, aad)), sealed,
				   &plain);
	if (!is_err(e)) {
		struct str a = members(open), b = members(strbuf_str(&plain));
		strbuf_add_c(out, '{');
		strbuf_add(out, a);
		if (a.n > 0 && b.n > 0)
			strbuf_add_c(out, ',');
		strbuf_add(out, b);
		strbuf_add_c(out, '}');
		if (strbuf_overflowed(out))
			e = ERR(ERR_TOO_LARGE, "the settings of a trunk are too long");
	}
	if (plain.p != NULL)
		mem_wipe(plain.p, plain.n);
	strbuf_deinit(&plain);
	return e;
}
