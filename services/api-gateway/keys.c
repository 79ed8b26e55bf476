/* API keys: a key is shown once and stored as a hash. Nobody gives what they lack: no scope, and no
 * rate beyond their own key's. */
#include <stdio.h>

#include "base/mem.h"
#include "crud.h"
#include "handlers.h"
#include "render.h"
#include "sec/api_key.h"
#include "sys/random.h"

#define RATE_DEFAULT 600
#define RATE_MAX 1000000
#define PREFIX_SIZE 8 /* bf_live_, bf_test_ */
#define LAST_SIZE 4

struct key_in {
	struct str name;
	const struct json_value *scopes;
	int64_t rate_per_minute;
	bool has_rate;
	usec_t expires_at;
};

#define AT(member) offsetof(struct key_in, member)

static const struct json_field fields[] = {
	{ .name = "name",
	  .kind = JSON_K_STR,
	  .offset = AT(name),
	  .present_offset = SIZE_MAX,
	  .required = true,
	  .min = 1,
	  .max = 200 },
	{ .name = "scopes",
	  .kind = JSON_K_ARRAY,
	  .offset = AT(scopes),
	  .present_offset = SIZE_MAX,
	  .required = true },
	{ .name = "rate_per_minute",
	  .kind = JSON_K_I64,
	  .offset = AT(rate_per_minute),
	  .present_offset = AT(has_rate),
	  .nullable = true,
	  .min = 1,
	  .max = RATE_MAX },
	{ .name = "expires_at",
	  .kind = JSON_K_TIME,
	  .offset = AT(expires_at),
	  .present_offset = SIZE_MAX,
	  .nullable = true },
};

/* --- reading -------------------------------------------------------------------------------- */

static void render_open(struct json_out *j, const struct api_key_list_row *k)
{
	const struct str *scopes = k->scopes.v;
	json_object_begin(j);
	json_kv_id(j, "id", ID_KEY, k->id);
	json_kv_str(j, "name", k->name);
	json_kv_str(j, "prefix", k->prefix);
	json_kv_str(j, "last_four", k->last_four);
	json_key(j, "scopes");
	json_array_begin(j);
	for (size_t i = 0; i < k->scopes.n; i++)
		json_str(j, scopes[i]);
	json_array_end(j);
	render_i64_or_null(j, "rate_per_minute", k->rate_per_minute);
	json_kv_str(j, "status", k->status);
	json_kv_time(j, "expires_at", k->expires_at);
	json_kv_time(j, "revoked_at", k->revoked_at);
	json_kv_time(j, "created_at", k->created_at);
}

static struct uuid render(struct req *r, struct json_out *j, const struct pg_result *rows, size_t i)
{
	struct api_key_list_row row;
	get_api_key_list(rows, i, &row, r->arena);
	render_open(j, &row);
	json_object_end(j);
	return row.id;
}

static void add_read(struct req *r, struct uuid id, struct uuid before, int64_t most)
{
	add_api_key_list(r->unit,
			 &(struct api_key_list_args){ .workspace_id = r->who.workspace_id,
						      .key_id = id,
						      .only = http_request_query(r->http, "status"),
						      .before = before,
						      .most = most,
						      .at = r->now });
}

static const struct crud keys = { .kind = ID_KEY, .add_read = add_read, .render = render };

void keys_list(struct req *r)
{
	static const char *const statuses[] = { "active", "expired", "revoked" };
	(void)req_query_word(r, "status", statuses, ARRAY_LEN(statuses)); /* add_read takes it */
	crud_list(r, &keys);
}

void keys_get(struct req *r)
{
	crud_get(r, &keys);
}

/* --- making one ----------------------------------------------------------------------------- */

static enum scope find_scope(struct str word)
{
	for (unsigned s = SCOPE_READ; s < SCOPE_COUNT; s++) {
		if (str_eq(word, str_from(scope_name((enum scope)s))))
			return (enum scope)s;
	}
	return SCOPE_NONE;
}

/* The scopes as bits; 0 with faults. */
static unsigned read_scopes(struct req *r, const struct json_value *list)
{
	unsigned bits = 0;
	size_t i = 0;
	if (list == NULL)
		return 0;
	if (json_count(list) == 0 || json_count(list) >= SCOPE_COUNT) {
		req_fault(r, "", "scopes", "validation_error", "must have 1 to 5 scopes");
		return 0;
	}
	for (const struct json_value *v = json_first(list); v != NULL; v = json_next(v), i++) {
		char pointer[24];
		enum scope s = find_scope(json_as_str(v));
		(void)snprintf(pointer, sizeof(pointer), "%zu", i); /* one digit */
		if (s == SCOPE_NONE)
			req_fault(r, "/scopes", pointer, "validation_error",
				  "is none of read, write, control, admin, operator");
		else if ((bits & 1u << s) != 0)
			req_fault(r, "/scopes", pointer, "validation_error", "is given twice");
		bits |= 1u << s;
	}
	return bits;
}

/* The scopes in their order, as words in the arena. */
static struct pg_array scope_words(struct req *r, unsigned bits)
{
	size_t n = 0;
	struct str *words = arena_alloc(r->arena, SCOPE_COUNT * sizeof(*words));
	for (unsigned s = SCOPE_READ; s < SCOPE_COUNT; s++) {
		if ((bits & 1u << s) != 0)
			words[n++] = str_from(scope_name((enum scope)s));
	}
	return (struct pg_array){ words, n };
}

static void check_rate(struct req *r, struct key_in *in)
{
	int64_t own = r->who.rate_per_minute == 0 ? PG_NULL_I64 : r->who.rate_per_minute;
	bool is_limited = own != PG_NULL_I64;
	if (!in->has_rate)
		in->rate_per_minute = is_limited ? min_i64(RATE_DEFAULT, own) : RATE_DEFAULT;
	else if (is_limited && (in->rate_per_minute == PG_NULL_I64 || in->rate_per_minute > own))
		req_fault(r, "", "rate_per_minute", "validation_error",
			  "is more than the rate of the key that asks");
}

static void add_create(struct req *r, const struct api_key_list_row *row, struct str key)
{
	uint8_t hash[SHA256_SIZE];
	auth_hash(r->app->auth, key, hash);
	add_api_key_create(req_effect(r), &(struct api_key_create_args){
						  .workspace_id = r->who.workspace_id,
						  .id = row->id,
						  .name = row->name,
						  .prefix = row->prefix,
						  .last_four = row->last_four,
						  .hash = { (const char *)hash, sizeof(hash) },
						  .scopes = row->scopes,
						  .rate_per_minute = row->rate_per_minute,
						  .expires_at = row->expires_at,
						  .created_at = r->now });
}

/* A key of the kind of the one that asks: live makes live. */
static void make_text(struct req *r, char key[API_KEY_SIZE])
{
	uint8_t random[32];
	random_bytes(random, sizeof(random));
	api_key_make(!r->who.is_test, random, key);
	mem_wipe(random, sizeof(random));
}

static void create(struct req *r, const struct key_in *in, unsigned scopes)
{
	struct json_out j;
	char key[API_KEY_SIZE];
	make_text(r, key);
	struct str text = str_from(key);
	struct api_key_list_row row = {
		.id = random_id(r->now),
		.name = in->name,
		.prefix = { key, PREFIX_SIZE },
		.last_four = { key + text.n - LAST_SIZE, LAST_SIZE },
		.scopes = scope_words(r, scopes),
		.rate_per_minute = in->rate_per_minute,
		.status = STR("active"),
		.expires_at = in->expires_at,
		.revoked_at = USEC_NEVER,
		.created_at = r->now,
	};
	add_create(r, &row, text);
	req_json(r, &j);
	render_open(&j, &row);
	json_kv_cstr(&j, "key", key);
	json_object_end(&j);
	mem_wipe(key, sizeof(key));
	crud_create(r, &keys, row.id, true);
}

void keys_create(struct req *r)
{
	struct key_in in = { .rate_per_minute = PG_NULL_I64, .expires_at = USEC_NEVER };
	req_decode(r, fields, ARRAY_LEN(fields), &in);
	unsigned scopes = read_scopes(r, in.scopes);
	check_rate(r, &in);
	if (in.expires_at != USEC_NEVER && in.expires_at <= r->now)
		req_fault(r, "", "expires_at", "validation_error", "must be in the future");
	if (req_has_faults(r)) {
		req_fail_validation(r);
		return;
	}
	for (unsigned s = SCOPE_READ; s < SCOPE_COUNT; s++) {
		if ((scopes & ~r->who.scopes & 1u << s) != 0) {
			req_fail_scope(r, (enum scope)s);
			return;
		}
	}
	create(r, &in, scopes);
}

/* --- DELETE --------------------------------------------------------------------------------- */

static void on_revoked(struct req *r, const struct pg_unit *u)
{
	struct api_key_revoke_row row;
	get_api_key_revoke(req_result(r, u, 1), 0, &row);
	if (row.found == 0) {
		req_not_found(r);
	} else if (row.done == 0) {
		req_fail(r, PROBLEM_INVALID_STATE_TRANSITION,
			 "This is the workspace's last key with the scope admin: make another "
			 "first.");
	} else {
		auth_drop_key(r->app->auth, r->ids[0]);
		req_reply(r, 204, NULL, STR_NONE);
	}
}

void keys_revoke(struct req *r)
{
	struct pg_unit *u = req_effect(r);
	struct uuid ws = r->who.workspace_id;
	add_api_key_lock_admins(u, &(struct api_key_lock_admins_args){ .workspace_id = ws });
	add_api_key_revoke(
		u, &(struct api_key_revoke_args){ .workspace_id = ws, .key_id = r->ids[0] });
	req_submit(r, on_revoked);
}
