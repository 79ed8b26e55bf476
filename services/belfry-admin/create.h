/* What can be created, as statements of a unit: shared by the commands and by bootstrap. */
#ifndef BELFRY_ADMIN_CREATE_H
#define BELFRY_ADMIN_CREATE_H

#include "app.h"
#include "base/str.h"

struct new_key {
	struct uuid workspace, id;
	struct str name;
	struct str scopes;       /* "read,write" */
	int64_t rate_per_minute; /* PG_NULL_I64 = no limit */
	bool is_test;
};

struct uuid create_id(struct app *app);
/* The key itself, of API_KEY_SIZE, goes to `out`. */
void create_key_text(bool is_test, char *out);
/* ERR_INVALID for an unknown scope or without a pepper, ERR_DENIED for a key that is none. */
struct err create_add_key(struct app *app, struct pg_unit *u, const struct new_key *k,
			  struct str key) MUST_USE;
void create_add_audit(struct app *app, struct pg_unit *u, struct uuid workspace, const char *action,
		      struct str subject);

#endif
