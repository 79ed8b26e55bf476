/* A bounded cache by the hash's first 16 bytes (HMAC output, so nobody can aim at a collision), in
 * the order of last use: the longest unused entry makes room. Failed sign-ins are counted in a
 * small table by a hash of the address, where a collision only makes the limit stricter. */
#include "auth.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "sec/api_key.h"

#define ENTRIES_MAX 4096
#define FAILURE_SLOTS 4096
#define FAILURES_PER_MINUTE 600
#define MINUTE_US (60 * USEC_PER_SEC)

struct entry {
	struct list_node node;
	struct uuid key; /* of the map */
	uint8_t hash[SHA256_SIZE];
	struct principal who;
	usec_t mono_read_at;
	usec_t mono_bucket_at; /* when the bucket was or will be full again */
	int64_t n_unshared;    /* taken, and not told to the other gateways */
	bool is_sharing;
};

struct auth {
	struct sec_hmac *hmac; /* under the pepper */
	struct map by_hash;
	struct list by_use; /* the least recently used first */
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
	return a;
}

static void forget(struct auth *a, struct entry *e)
{
	(void)map_remove(&a->by_hash, e->key); /* it is e */
	list_remove(&a->by_use, &e->node);
	free(e);
}

void auth_free(struct auth *a)
{
	struct list_node *node;
	if (a == NULL)
		return;
	while ((node = list_first(&a->by_use)) != NULL)
		forget(a, CONTAINER_OF(node, struct entry, node));
	map_deinit(&a->by_hash);
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

static usec_t interval_of(const struct principal *who)
{
	return max_i64(1, MINUTE_US / who->rate_per_minute);
}

bool auth_take(struct auth *a, const uint8_t hash[SHA256_SIZE], usec_t mono_now,
	       struct rate_state *out)
{
	struct entry *e = find(a, hash);
	*out = (struct rate_state){ .limit = e == NULL ? 0 : e->who.rate_per_minute };
	if (out->limit == 0)
		return true;
	usec_t interval = interval_of(&e->who);
	usec_t full_at = max_i64(e->mono_bucket_at, mono_now) + interval;
	if (full_at - mono_now > MINUTE_US) {
		usec_t wait = full_at - mono_now - MINUTE_US;
		out->reset_s = (wait + USEC_PER_SEC - 1) / USEC_PER_SEC;
		return false;
	}
	e->mono_bucket_at = full_at;
	e->n_unshared++;
	out->remaining = (MINUTE_US - (full_at - mono_now)) / interval;
	out->reset_s = (full_at - mono_now + USEC_PER_SEC - 1) / USEC_PER_SEC;
	return true;
}

bool auth_share_begin(struct auth *a, const uint8_t hash[SHA256_SIZE], struct auth_share *out)
{
	struct entry *e = find(a, hash);
	if (e == NULL || e->is_sharing || e->n_unshared == 0 || e->who.rate_per_minute == 0)
		return false;
	*out = (struct auth_share){ .key_id = e->who.key_id,
				    .taken = e->n_unshared,
				    .interval_us = interval_of(&e->who) };
	memcpy(out->hash, hash, SHA256_SIZE);
	e->n_unshared = 0;
	e->is_sharing = true;
	return true;
}

void auth_share_end(struct auth *a, const struct auth_share *s, usec_t mono_now, usec_t ahead_us)
{
	struct entry *e = find(a, s->hash);
	if (e == NULL)
		return;
	e->is_sharing = false;
	if (ahead_us < 0) /* no more than a full bucket can be owed */
		e->n_unshared = min_i64(e->n_unshared + s->taken, MINUTE_US / s->interval_us);
	else
		e->mono_bucket_at = mono_now + ahead_us + e->n_unshared * s->interval_us;
}

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
