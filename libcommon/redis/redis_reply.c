/* Replies as hiredis reads them, behind names of our own. */
#include <hiredis/hiredis.h>
#include <string.h>

#include "redis/redis.h"
#include "sys/log.h"

static const redisReply *of(const struct redis_reply *r)
{
	return (const redisReply *)(const void *)r;
}

enum redis_type redis_type(const struct redis_reply *r)
{
	if (r == NULL)
		return REDIS_NIL;
	switch (of(r)->type) {
	case REDIS_REPLY_INTEGER:
		return REDIS_INT;
	case REDIS_REPLY_STRING:
		return REDIS_STR;
	case REDIS_REPLY_ARRAY:
		return REDIS_ARRAY;
	case REDIS_REPLY_STATUS:
		return REDIS_STATUS;
	case REDIS_REPLY_ERROR:
		return REDIS_ERROR;
	default:
		return REDIS_NIL;
	}
}

int64_t redis_int(const struct redis_reply *r)
{
	return redis_type(r) == REDIS_INT ? of(r)->integer : 0;
}

struct str redis_str(const struct redis_reply *r)
{
	enum redis_type type = redis_type(r);
	if (type != REDIS_STR && type != REDIS_STATUS && type != REDIS_ERROR)
		return STR_NONE;
	return (struct str){ of(r)->str, of(r)->len };
}

size_t redis_count(const struct redis_reply *r)
{
	return redis_type(r) == REDIS_ARRAY ? of(r)->elements : 0;
}

const struct redis_reply *redis_at(const struct redis_reply *r, size_t i)
{
	if (i >= redis_count(r))
		return NULL;
	return (const struct redis_reply *)(const void *)of(r)->element[i];
}

bool redis_is_error(const struct redis_reply *r, const char *code)
{
	if (redis_type(r) != REDIS_ERROR)
		return false;
	struct str head, rest;
	str_split(redis_str(r), ' ', &head, &rest);
	return str_eq(head, str_from(code));
}

struct err redis_check(struct err e, const struct redis_reply *r)
{
	static const char *const passing[] = { "LOADING",    "OOM",         "MISCONF",
					       "BUSY",       "READONLY",    "TRYAGAIN",
					       "MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS" };
	if (is_err(e) || redis_type(r) != REDIS_ERROR)
		return e;
	for (size_t i = 0; i < ARRAY_LEN(passing); i++) {
		if (redis_is_error(r, passing[i]))
			return ERR(ERR_UNAVAILABLE, "Redis refuses for now");
	}
	log_warn("redis_error", LT("reply", redis_str(r)));
	return ERR(ERR_PROTOCOL, "Redis answered with an error");
}
