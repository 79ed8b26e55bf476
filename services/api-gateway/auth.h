/* Who is asking: bearer keys, kept in memory for a few seconds after Postgres told about them, each
 * with its own bucket for the rate it is allowed, and one bucket for all of a workspace. Pure memory:
 * the queries are the caller's. */
#ifndef BELFRY_API_GATEWAY_AUTH_H
#define BELFRY_API_GATEWAY_AUTH_H

#include "base/arena.h"
#include "base/uuid.h"
#include "sec/sec.h"

/* A revoked key is refused everywhere within this time, by the gateway that revoked it at once. */
#define AUTH_FRESH_US (4 * USEC_PER_SEC)

enum scope {
	SCOPE_NONE = 0, /* open to everybody */
	SCOPE_READ,
	SCOPE_WRITE,
	SCOPE_CONTROL,
	SCOPE_ADMIN,
	SCOPE_OPERATOR,
	SCOPE_COUNT
};

const char *scope_name(enum scope s);

struct principal {
	struct uuid workspace_id, key_id;
	unsigned scopes;                   /* bits of enum scope */
	int64_t rate_per_minute;           /* 0 = no limit */
	int64_t workspace_rate_per_minute; /* of all its keys and sessions; likewise */
	usec_t expires_at;                 /* USEC_NEVER = never */
	int shard;
	bool is_test;           /* a key of bf_test_ */
	struct uuid session_id; /* nil = the key itself was shown */
};

struct rate_state {
	int64_t limit; /* a minute; 0 = none, and then the rest means nothing */
	int64_t remaining;
	int64_t reset_s;    /* until the bucket is full again, or until the next request may come */
	bool is_workspaces; /* it is the limit of the workspace, not of the key */
};

struct auth;

struct auth *auth_new(struct str pepper);
void auth_free(struct auth *a);

/* The token of "Authorization: Bearer ..."; false when there is none of a key's form. */
bool auth_token(struct str header, struct str *out);
void auth_hash(const struct auth *a, struct str token, uint8_t out[SHA256_SIZE]);

/* A key that was read less than AUTH_FRESH_US ago; NULL = ask Postgres, then auth_put. Borrowed until the next
 * auth_put. */
const struct principal *auth_get(struct auth *a, const uint8_t hash[SHA256_SIZE], usec_t mono_now);
/* `mono_asked` is when the query left. */
void auth_put(struct auth *a, const uint8_t hash[SHA256_SIZE], const struct principal *p,
	      usec_t mono_asked);
void auth_drop(struct auth *a, const uint8_t hash[SHA256_SIZE]);
void auth_drop_key(struct auth *a, struct uuid key_id);

/* Takes one request from the key's bucket and one from its workspace's: a minute's worth at most, refilled
 * evenly. False when either is empty, and then nothing is taken of the other. *out is the one that leaves
 * less. */
bool auth_take(struct auth *a, const uint8_t hash[SHA256_SIZE], usec_t mono_now,
	       struct rate_state *out);

/* What was taken, for counting it together with other gateways; by enum stream_rate. */
#define AUTH_BUCKETS 2

struct auth_share {
	uint8_t hash[SHA256_SIZE];
	int shard;
	struct auth_taken {
		struct uuid id;
		int64_t taken;      /* 0 = this bucket is not told of now */
		usec_t interval_us; /* between two requests at its rate */
	} of[AUTH_BUCKETS];
};

/* What the key's bucket and its workspace's gave since the last time, without the one that somebody is
 * telling of already; false when that is nothing. */
bool auth_share_begin(struct auth *a, const uint8_t hash[SHA256_SIZE], struct auth_share *out);
/* The buckets of all gateways are so far ahead of now; less than 0: unknown, it is told again. */
void auth_share_end(struct auth *a, const struct auth_share *s, usec_t mono_now,
		    const usec_t ahead_us[AUTH_BUCKETS]);

/* Failed sign-ins by address: false when this one has failed too often lately, and then only keys
 * that were good before are let through (auth_has). */
bool auth_may_try(const struct auth *a, struct str peer, usec_t mono_now);
bool auth_has(const struct auth *a, const uint8_t hash[SHA256_SIZE]);
void auth_failed(struct auth *a, struct str peer, usec_t mono_now);

#endif
