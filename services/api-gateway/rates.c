/* At most one script call for a key, and one for a workspace, at a time; what is taken meanwhile goes with
 * the next one, which its answer sends. A call tells of both where it can. So the traffic to Redis is bounded by the keys in use, however fast they ask. */
#include "rates.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "wire/stream_keys.h"

#define NUMBER_SIZE 24

static const struct redis_script share_lua = { "proto/lua/rate_share.lua" };

struct sharing {
	struct app *app;
	struct auth_share what;
};

/* One number for each bucket that was told of, in their order. */
static bool read_aheads(const struct auth_share *what, const struct redis_reply *reply,
			usec_t out[AUTH_BUCKETS])
{
	size_t n = 0;
	for (size_t b = 0; b < AUTH_BUCKETS; b++) {
		if (what->of[b].taken == 0)
			continue;
		const struct redis_reply *ahead = redis_at(reply, n++);
		if (ahead == NULL || redis_type(ahead) != REDIS_INT)
			return false;
		out[b] = redis_int(ahead);
	}
	return true;
}

static void on_shared(struct err e, const struct redis_reply *reply, void *arg)
{
	static const usec_t unknown[AUTH_BUCKETS] = { -1, -1 };
	struct sharing s = *(struct sharing *)arg;
	struct app *app = s.app;
	usec_t ahead[AUTH_BUCKETS] = { 0 };
	bool is_known = !is_err(e) && redis_type(reply) == REDIS_ARRAY &&
			read_aheads(&s.what, reply, ahead);
	free(arg);
	auth_share_end(app->auth, &s.what, loop_mono(app->loop), is_known ? ahead : unknown);
	if (is_known)
		rates_share(app, s.what.hash);
}

void rates_share(struct app *app, const uint8_t key_hash[SHA256_SIZE])
{
	struct auth_share what;
	char keys[AUTH_BUCKETS][STREAM_KEY_SIZE];
	char numbers[2 * AUTH_BUCKETS][NUMBER_SIZE];
	struct str argv[3 * AUTH_BUCKETS];
	size_t n_keys = 0, n_numbers = 0;
	if (!auth_share_begin(app->auth, key_hash, &what))
		return;
	for (size_t b = 0; b < AUTH_BUCKETS; b++) {
		const struct auth_taken *t = &what.of[b];
		if (t->taken == 0)
			continue;
		argv[n_keys] =
			stream_key_rate(what.shard, (enum stream_rate)b, t->id, keys[n_keys]);
		n_keys++; /* a number has 20 digits at most */
		(void)snprintf(numbers[n_numbers++], NUMBER_SIZE, "%" PRId64, t->taken);
		(void)snprintf(numbers[n_numbers++], NUMBER_SIZE, "%" PRId64, t->interval_us);
	}
	for (size_t i = 0; i < n_numbers; i++)
		argv[n_keys + i] = str_from(numbers[i]);
	struct sharing *s = xcalloc(1, sizeof(*s));
	*s = (struct sharing){ app, what };
	redis_eval(app->redis, &share_lua, &(struct redis_args){ argv, n_keys + n_numbers, n_keys },
		   &(struct redis_hook){ .done = on_shared, .arg = s });
}
