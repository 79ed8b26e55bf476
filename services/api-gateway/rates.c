/* At most one script call for a key at a time; what is taken meanwhile goes with the next one, which
 * its answer sends. So the traffic to Redis is bounded by the keys in use, however fast they ask. */
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

static void on_shared(struct err e, const struct redis_reply *reply, void *arg)
{
	struct sharing s = *(struct sharing *)arg;
	struct app *app = s.app;
	bool is_known = !is_err(e) && redis_type(reply) == REDIS_INT;
	free(arg);
	auth_share_end(app->auth, &s.what, loop_mono(app->loop), is_known ? redis_int(reply) : -1);
	if (is_known)
		rates_share(app, s.what.hash);
}

void rates_share(struct app *app, const uint8_t key_hash[SHA256_SIZE])
{
	struct auth_share what;
	char key[STREAM_KEY_SIZE], taken[NUMBER_SIZE], interval[NUMBER_SIZE];
	if (!auth_share_begin(app->auth, key_hash, &what))
		return;
	struct sharing *s = xcalloc(1, sizeof(*s));
	*s = (struct sharing){ app, what };
	(void)snprintf(taken, sizeof(taken), "%" PRId64, what.taken); /* 20 digits at most */
	(void)snprintf(interval, sizeof(interval), "%" PRId64, what.interval_us); /* likewise */
	const struct str argv[] = { stream_key_rate(what.key_id, key), str_from(taken),
				    str_from(interval) };
	redis_eval(app->redis, &share_lua, &(struct redis_args){ argv, ARRAY_LEN(argv), 1 },
		   &(struct redis_hook){ .done = on_shared, .arg = s });
}
