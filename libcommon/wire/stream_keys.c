/* Builds the names of keys, in one place for writers and readers. */
#include "wire/stream_keys.h"

#include <string.h>

#include "wire/due_entry.h"

#define LOCK_NAME_MAX 32

static struct str put(char out[STREAM_KEY_SIZE], size_t *n, struct str s)
{
	ASSERT(*n + s.n < STREAM_KEY_SIZE);
	memcpy(out + *n, s.p, s.n);
	*n += s.n;
	out[*n] = '\0';
	return (struct str){ out, *n };
}

/* "bf:{3}:due" */
static struct str shard_key(int shard, struct str what, char out[STREAM_KEY_SIZE])
{
	ASSERT(shard >= 0 && shard < WIRE_SHARDS && WIRE_SHARDS <= 10);
	char digit = (char)('0' + shard);
	size_t n = 0;
	put(out, &n, STR("bf:{"));
	put(out, &n, (struct str){ &digit, 1 });
	put(out, &n, STR("}:"));
	return put(out, &n, what);
}

struct str stream_key_due(int shard, char out[STREAM_KEY_SIZE])
{
	return shard_key(shard, STR("due"), out);
}

struct str stream_key_held(int shard, char out[STREAM_KEY_SIZE])
{
	return shard_key(shard, STR("held"), out);
}

struct str stream_key_queued(int shard, char out[STREAM_KEY_SIZE])
{
	return shard_key(shard, STR("queued"), out);
}

static struct str id_key(int shard, const char what[4], struct uuid id, char out[STREAM_KEY_SIZE])
{
	char text[UUID_TEXT_SIZE];
	size_t n = shard_key(shard, (struct str){ what, 4 }, out).n;
	uuid_format(id, text);
	return put(out, &n, str_from(text));
}

struct str stream_key_bucket(int shard, enum stream_bucket kind, struct uuid id,
			     char out[STREAM_KEY_SIZE])
{
	static const char letters[] = "cwn";
	return id_key(shard, (char[4]){ 'b', ':', letters[kind], ':' }, id, out);
}

struct str stream_key_rate(int shard, enum stream_rate kind, struct uuid id,
			   char out[STREAM_KEY_SIZE])
{
	static const char letters[] = "kw";
	return id_key(shard, (char[4]){ 'r', ':', letters[kind], ':' }, id, out);
}

struct str stream_key_lock(const char *name, char out[STREAM_KEY_SIZE])
{
	struct str text = str_from(name);
	ASSERT(text.n > 0 && text.n <= LOCK_NAME_MAX);
	size_t n = 0;
	put(out, &n, STR("bf:lock:"));
	return put(out, &n, text);
}
