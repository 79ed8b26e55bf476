/* A bounded cache by the hash's first 16 bytes (HMAC output, so nobody can aim at a collision), in
 * the order of last use: the longest unused entry makes room. The buckets of workspaces stand beside them in
 * the same way, since they outlive each of their keys. Failed sign-ins are counted in a
 * small table by a hash of the address, where a collision only makes the limit stricter. */
#include "auth.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "sec/api_key.h"
#include "wire/stream_keys.h"

#define ENTRIES_MAX 4096
#define TENANTS_MAX 4096
#define FAILURE_SLOTS 4096
#define FAILURES_PER_MINUTE 600
#define MINUTE_US (60 * USEC_PER_SEC)

struct bucket {
	usec_t mono_full_at; /* when it was or will be full again */
	int64_t n_unshared;  /* taken, and not told to the other gateways */
	bool is_sharing;
};

struct tenant {
	struct list_node node;
	struct uuid id;
	struct bucket bucket;
};

struct entry {
	struct list_node node;
	struct uuid key; /* of the map */
	uint8_t hash[SHA256_SIZE];
	struct principal who;
	usec_t mono_read_at;
	struct bucket bucket;
};

struct auth {
	struct sec_hmac *hmac; /* under the pepper */
	struct map by_hash;
	struct list by_use; /* the least recently used first */
	struct map tenants_by_id;
	struct list tenants_by_use; /* likewise */
	usec_t mono_failure_at[FAILURE_SLOTS];
};

static const char *const scope_names[SCOPE_COUNT] = {
	[SCOPE_NONE] = "none",       [SCOPE_READ] = "read",   [SCOPE_WRITE] = "write",
	[SCOPE_CONTROL] = "control", [SCOPE_ADMIN] = "admin", [SCOPE_OPERATOR] = "operator",
};

const char *scope_name(enum scope s)
{
	ASSERT((unsigned)s < SCOPE_COUNT);
	return scope_names[s];
}

struct auth *auth_new(struct str pepper)
{
	struct auth *a = xcalloc(1, sizeof(*a));
	a->hmac = sec_hmac_new(pepper);
	map_init(&a->by_hash);
	list_init(&a->by_use);
	map_init(&a->tenants_by_id);
	list_init(&a->tenants_by_use);
	return a;
}

static void forget(struct auth *a, struct entry *e)
{
	(void)map_remove(&a->by_hash, e->key); /* it is e */
	list_remove(&a->by_use, &e->node);
	free(e);
}

static void forget_tenant(struct auth *a, struct tenant *t)
{
	(void)map_remove(&a->tenants_by_id, t->id); /* it is t */
	list_remove(&a->tenants_by_use, &t->node);
	free(t);
}

void auth_free(struct auth *a)
{
	struct list_node *node;
	if (a == NULL)
		return;
	while ((node = list_first(&a->by_use)) != NULL)
		forget(a, CONTAINER_OF(node, struct entry, node));
	while ((node = list_first(&a->tenants_by_use)) != NULL)
		forget_tenant(a, CONTAINER_OF(node, struct tenant, node));
	map_deinit(&a->by_hash);
	map_deinit(&a->tenants_by_id);
	sec_hmac_free(a->hmac);
	free(a);
}

bool auth_token(struct str header, struct str *out)
{
	struct str scheme, token;
	if (header.p == NULL || !str_split(header, ' ', &scheme, &token) ||
	    !str_eq_nocase(scheme, STR("bearer")))
		return false;
	token = str_trim(token);
	if (!api_key_is_well_formed(token))
		return false;
	*out = token;
	return true;
}

void auth_hash(const struct auth *a, struct str token, uint8_t out[SHA256_SIZE])
{
	sec_hmac_of(a->hmac, token, out); /* as api_key_hash */
}

static struct uuid map_key(const uint8_t hash[SHA256_SIZE])
{
	struct uuid key;
	memcpy(key.b, hash, sizeof(key.b));
	return key;
}

static struct entry *find(const struct auth *a, const uint8_t hash[SHA256_SIZE])
{
	struct entry *e = map_get(&a->by_hash, map_key(hash));
	return e != NULL && sec_equal(e->hash, hash, SHA256_SIZE) ? e : NULL;
}

const struct principal *auth_get(struct auth *a, const uint8_t hash[SHA256_SIZE], usec_t mono_now)
{
	struct entry *e = find(a, hash);
	if (e == NULL || mono_now - e->mono_read_at > AUTH_FRESH_US)
		return NULL;
	list_remove(&a->by_use, &e->node);
	list_push_back(&a->by_use, &e->node);
	return &e->who;
}

void auth_put(struct auth *a, const uint8_t hash[SHA256_SIZE], const struct principal *p,
	      usec_t mono_asked)
{
	struct entry *e = find(a, hash);
	if (e == NULL) {
		struct entry *other = map_get(&a->by_hash, map_key(hash));
		if (other != NULL)
			forget(a, other);
		if (map_count(&a->by_hash) >= ENTRIES_MAX)
			forget(a, CONTAINER_OF(list_first(&a->by_use), struct entry, node));
		e = xcalloc(1, sizeof(*e));
		e->key = map_key(hash);
		memcpy(e->hash, hash, SHA256_SIZE);
		map_set(&a->by_hash, e->key, e);
		list_push_back(&a->by_use, &e->node);
	}
	e->who = *p;
	e->mono_read_at = mono_asked;
}

void auth_drop(struct auth *a, const uint8_t hash[SHA256_SIZE])
{
	struct entry *e = find(a, hash);
	if (e != NULL)
		forget(a, e);
}

void auth_drop_key(struct auth *a, struct uuid key_id)
{
	for (struct list_node *node = list_first(&a->by_use), *next; node != NULL; node = next) {
		struct entry *e = CONTAINER_OF(node, struct entry, node);
		next = list_next(&a->by_use, node);
		if (uuid_eq(e->who.key_id, key_id))
			forget(a, e);
	}
}

/* --- rates ---------------------------------------------------------------------------------- */

static struct bucket *find_tenant(struct auth *a, struct uuid id)
{
	struct tenant *t = map_get(&a->tenants_by_id, id);
	return t == NULL ? NULL : &t->bucket;
}

static struct bucket *use_tenant(struct auth *a, struct uuid id)
{
	struct tenant *t = map_get(&a->tenants_by_id, id);
	if (t == NULL) {
		if (map_count(&a->tenants_by_id) >= TENANTS_MAX)
			forget_tenant(a, CONTAINER_OF(list_first(&a->tenants_by_use), struct tenant,
						      node));
		t = xcalloc(1, sizeof(*t));
		t->id = id;
		map_set(&a->tenants_by_id, id, t);
	} else {
		list_remove(&a->tenants_by_use, &t->node);
	}
	list_push_back(&a->tenants_by_use, &t->node);
	return &t->bucket;
}

static usec_t interval_of(int64_t per_minute)
{
	return max_i64(1, MINUTE_US / per_minute);
}

static usec_t full_after_one_more(const struct bucket *b, int64_t per_minute, usec_t mono_now)
{
	return max_i64(b->mono_full_at, mono_now) + interval_of(per_minute);
}

/* How it stands when one more is taken; false when that is not possible. */
static bool judge(const struct bucket *b, int64_t per_minute, usec_t mono_now,
		  struct rate_state *out)
{
	usec_t ahead = full_after_one_more(b, per_minute, mono_now) - mono_now;
	bool is_within = ahead <= MINUTE_US;
	usec_t reset = is_within ? ahead : ahead - MINUTE_US;
	*out = (struct rate_state){
		.limit = per_minute,
		.remaining = is_within ? (MINUTE_US - ahead) / interval_of(per_minute) : 0,
		.reset_s = (reset + USEC_PER_SEC - 1) / USEC_PER_SEC,
	};
	return is_within;
}

static void take(struct bucket *b, int64_t per_minute, usec_t mono_now)
{
	b->mono_full_at = full_after_one_more(b, per_minute, mono_now);
	b->n_unshared++;
}

bool auth_take(struct auth *a, const uint8_t hash[SHA256_SIZE], usec_t mono_now,
	       struct rate_state *out)
{
	struct entry *e = find(a, hash);
	int64_t of_key = e == NULL ? 0 : e->who.rate_per_minute;
	int64_t of_all = e == NULL ? 0 : e->who.workspace_rate_per_minute;
	struct rate_state key = { .limit = 0 }, all = { .limit = 0 };
	struct bucket *common = of_all == 0 ? NULL : use_tenant(a, e->who.workspace_id);
	bool key_may = of_key == 0 || judge(&e->bucket, of_key, mono_now, &key);
	bool all_may = of_all == 0 || judge(common, of_all, mono_now, &all);
	all.is_workspaces = true;
	if (key_may && all_may) {
		bool is_less = of_all > 0 && (of_key == 0 || all.remaining < key.remaining);
		*out = is_less ? all : key;
		if (of_key > 0)
			take(&e->bucket, of_key, mono_now);
		if (of_all > 0)
			take(common, of_all, mono_now);
		return true;
	}
	/* Who comes back when the one says is not to be told to wait by the other. */
	*out = key_may || (!all_may && all.reset_s > key.reset_s) ? all : key;
	return false;
}

static bool tell_of(struct bucket *b, struct uuid id, int64_t per_minute, struct auth_taken *out)
{
	if (b == NULL || per_minute == 0 || b->is_sharing || b->n_unshared == 0)
		return false;
	*out = (struct auth_taken){ id, b->n_unshared, interval_of(per_minute) };
	b->n_unshared = 0;
	b->is_sharing = true;
	return true;
}

bool auth_share_begin(struct auth *a, const uint8_t hash[SHA256_SIZE], struct auth_share *out)
{
	struct entry *e = find(a, hash);
	if (e == NULL)
		return false;
	const struct principal *who = &e->who;
	*out = (struct auth_share){ .shard = who->shard };
	memcpy(out->hash, hash, SHA256_SIZE);
	bool key_has =
		tell_of(&e->bucket, who->key_id, who->rate_per_minute, &out->of[STREAM_RATE_KEY]);
	bool all_have = tell_of(find_tenant(a, who->workspace_id), who->workspace_id,
				who->workspace_rate_per_minute, &out->of[STREAM_RATE_WORKSPACE]);
	return key_has || all_have;
}

static void hear_of(struct bucket *b, const struct auth_taken *t, usec_t mono_now, usec_t ahead_us)
{
	if (b == NULL || t->taken == 0)
		return;
	b->is_sharing = false;
	if (ahead_us < 0) /* no more than a full bucket can be owed */
		b->n_unshared = min_i64(b->n_unshared + t->taken, MINUTE_US / t->interval_us);
	else
		b->mono_full_at = mono_now + ahead_us + b->n_unshared * t->interval_us;
}

void auth_share_end(struct auth *a, const struct auth_share *s, usec_t mono_now,
		    const usec_t ahead_us[AUTH_BUCKETS])
{
	struct entry *e = find(a, s->hash);
	hear_of(e == NULL ? NULL : &e->bucket, &s->of[STREAM_RATE_KEY], mono_now,
		ahead_us[STREAM_RATE_KEY]);
	hear_of(find_tenant(a, s->of[STREAM_RATE_WORKSPACE].id), &s->of[STREAM_RATE_WORKSPACE],
		mono_now, ahead_us[STREAM_RATE_WORKSPACE]);
}

/* --- failed sign-ins ------------------------------------------------------------------------ */

static size_t failure_slot(struct str peer)
{
	return sec_crc32(peer) % FAILURE_SLOTS;
}

bool auth_may_try(const struct auth *a, struct str peer, usec_t mono_now)
{
	return a->mono_failure_at[failure_slot(peer)] - mono_now < MINUTE_US;
}

bool auth_has(const struct auth *a, const uint8_t hash[SHA256_SIZE])
{
	return find(a, hash) != NULL;
}

void auth_failed(struct auth *a, struct str peer, usec_t mono_now)
{
	usec_t *at = &a->mono_failure_at[failure_slot(peer)];
	*at = max_i64(*at, mono_now) + MINUTE_US / FAILURES_PER_MINUTE;
}
