/* The names of Belfry's keys in Redis (proto/streams.md). `{S}` is the hash tag: all keys of a
 * shard live on one node, so that one script may touch them. */
#ifndef BELFRY_WIRE_STREAM_KEYS_H
#define BELFRY_WIRE_STREAM_KEYS_H

#include "base/uuid.h"

#define STREAM_KEY_SIZE 64 /* the longest name, with the NUL */

#define STREAM_DUE_GROUP "dispatchers"
#define STREAM_CONTROL "bf:control"
#define STREAM_WAKE "bf:wake"

enum stream_rate { STREAM_RATE_KEY = 0, STREAM_RATE_WORKSPACE };
enum stream_bucket { STREAM_BUCKET_CAMPAIGN = 0, STREAM_BUCKET_WORKSPACE, STREAM_BUCKET_NUMBER };

/* Each writes the name, NUL-terminated, and returns it as text borrowed from `out`. */
struct str stream_key_due(int shard, char out[STREAM_KEY_SIZE]);    /* stream of entries */
struct str stream_key_held(int shard, char out[STREAM_KEY_SIZE]);   /* call -> entry id */
struct str stream_key_queued(int shard, char out[STREAM_KEY_SIZE]); /* campaign -> entries */
struct str stream_key_bucket(int shard, enum stream_bucket kind, struct uuid id,
			     char out[STREAM_KEY_SIZE]);
struct str stream_key_rate(int shard, enum stream_rate kind, struct uuid id,
			   char out[STREAM_KEY_SIZE]);
struct str stream_key_lock(const char *name, char out[STREAM_KEY_SIZE]); /* name of <= 32 bytes */

#endif
