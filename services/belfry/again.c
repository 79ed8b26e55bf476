/* The rules of again.h as code. */
#include "again.h"

#include "base/parse.h"

#define FIRST_WAIT_US (500 * USEC_PER_MS)

static bool may_repeat(const struct again *a, struct again_fact f)
{
	if (f.status == 429)
		return true;
	if (!f.is_safe)
		return false;
	/* the try before may have got through, and is still being worked on */
	if (f.status == 409)
		return f.is_in_progress && a->tries > 1;
	if (f.status == 0)
		return a->lost < AGAIN_LOST_MAX;
	return f.status == 503;
}

usec_t again_wait(struct again *a, struct again_fact f)
{
	int64_t seconds;
	usec_t wait_us = FIRST_WAIT_US << a->tries;

	a->tries++;
	if (f.status == 0)
		a->lost++;
	if (!may_repeat(a, f) || a->tries >= AGAIN_TRIES_MAX)
		return USEC_NEVER;
	/* its other form, a date, is not worth a clock that may be wrong */
	if (f.retry_after.n > 0 && !is_err(parse_i64(f.retry_after, 0, 86400, &seconds)))
		wait_us = (usec_t)max_i64(seconds * USEC_PER_SEC, 100 * USEC_PER_MS);
	if (a->waited_us + wait_us > AGAIN_WAIT_MAX_US)
		return USEC_NEVER;
	a->waited_us += wait_us;
	return wait_us;
}
