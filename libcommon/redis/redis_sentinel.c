/* Asking a Sentinel who the master is: a short connection of its own before the real one. */
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "redis/redis_internal.h"

static bool take_master(struct redis *r, const struct redis_reply *reply)
{
	struct str host = redis_str(redis_at(reply, 0)), port = redis_str(redis_at(reply, 1));
	int64_t number;

	if (redis_count(reply) != 2 || host.n == 0 || host.n >= sizeof(r->target.name) ||
	    is_err(parse_i64(port, 1, 65535, &number)))
		return false;
	memcpy(r->target.name, host.p, host.n);
	r->target.name[host.n] = '\0';
	r->target.port = (int)number;
	return true;
}

static void on_master(struct err e, const struct redis_reply *reply, void *arg)
{
	struct redis *r = arg;

	if (is_err(e) || r->state != REDIS_ASKING)
		return; /* dropped: the next Sentinel is asked */
	if (redis_type(reply) != REDIS_ARRAY || !take_master(r, reply)) {
		redis_drop(r, ERR(ERR_UNAVAILABLE, "the Sentinel names no master"),
			   "the Sentinel names no master");
		return;
	}
	redis_conn_close(r);
	redis_connect(r, REDIS_CONNECTING);
}

static void on_auth(struct err e, const struct redis_reply *reply, void *arg)
{
	struct redis *r = arg;

	if (!is_err(e) && r->state == REDIS_ASKING && redis_type(reply) == REDIS_ERROR)
		redis_drop(r, ERR(ERR_UNAVAILABLE, "the Sentinel refused the password"),
			   "the Sentinel refused the password");
}

void redis_ask_sentinel(struct redis *r)
{
	struct str auth[] = { STR("AUTH"), str_from(r->url.sentinel_password) };
	struct str ask[] = { STR("SENTINEL"), STR("get-master-addr-by-name"),
			     str_from(r->url.master) };

	if (r->url.sentinel_password[0] != '\0')
		redis_greet_with(r, &(struct redis_args){ auth, ARRAY_LEN(auth), 0 }, on_auth);
	redis_greet_with(r, &(struct redis_args){ ask, ARRAY_LEN(ask), 0 }, on_master);
}
