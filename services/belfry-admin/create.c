/* Keys and audit lines. */
#include "create.h"

#include "pg/pg_codec.h"
#include "sec/api_key.h"
#include "store_gen.h"
#include "sys/random.h"

#define SCOPES_MAX 5
#define LIVE_PREFIX_SIZE 8 /* bf_live_, bf_test_ */
#define PEPPER_MIN 16

struct uuid create_id(struct app *app)
{
	return random_id(loop_now(app->loop));
}

void create_key_text(bool is_test, char *out)
{
	uint8_t random[32];

	random_bytes(random, sizeof(random));
	api_key_make(!is_test, random, out);
}

static struct err parse_scopes(struct str text, struct str out[SCOPES_MAX], size_t *n_out)
{
	static const char *const known[SCOPES_MAX] = { "read", "write", "control", "admin",
						       "operator" };
	struct str rest = text, one;
	size_t n = 0;

	while (rest.n > 0) {
		(void)str_split(rest, ',', &one, &rest); /* the last one has no comma after it */
		size_t i = 0;
		while (i < SCOPES_MAX && !str_eq(one, str_from(known[i])))
			i++;
		if (i == SCOPES_MAX)
			return ERR(ERR_INVALID, "scopes are read,write,control,admin,operator");
		for (size_t j = 0; j < n; j++) {
			if (str_eq(out[j], one))
				return ERR(ERR_INVALID, "a scope is given twice");
		}
		out[n++] = one;
	}
	*n_out = n;
	return OK;
}

struct err create_add_key(struct app *app, struct pg_unit *u, const struct new_key *k,
			  struct str key)
{
	struct str pepper = str_from(app->settings.key_pepper);
	struct str scopes[SCOPES_MAX];
	uint8_t hash[SHA256_SIZE];
	size_t n_scopes;

	if (pepper.n < PEPPER_MIN)
		return ERR(ERR_INVALID, "BELFRY_KEY_PEPPER is needed, of 16 characters or more");
	if (!api_key_is_well_formed(key))
		return ERR(ERR_DENIED, "BELFRY_API_KEY is not a key of the right form");
	TRY(parse_scopes(k->scopes, scopes, &n_scopes));
	api_key_hash(pepper, key, hash);
	add_admin_key_create(u, &(struct admin_key_create_args){
					.workspace_id = k->workspace,
					.id = k->id,
					.name = k->name,
					.prefix = { key.p, LIVE_PREFIX_SIZE },
					.last_four = { key.p + key.n - 4, 4 },
					.hash = { (const char *)hash, sizeof(hash) },
					.scopes = { scopes, n_scopes },
					.rate_per_minute = k->rate_per_minute,
				});
	return OK;
}

void create_add_audit(struct app *app, struct pg_unit *u, struct uuid workspace, const char *action,
		      struct str subject)
{
	add_admin_audit(u, &(struct admin_audit_args){ .workspace_id = workspace,
						       .id = create_id(app),
						       .action = str_from(action),
						       .subject = subject });
}
