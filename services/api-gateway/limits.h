/* Limits of a workspace or a number: their range, and telling the engine that they changed. */
#ifndef BELFRY_API_GATEWAY_LIMITS_H
#define BELFRY_API_GATEWAY_LIMITS_H

#include "queue/control.h"
#include "request.h"

#define RATE_MAX 6000000
#define CONCURRENT_MAX 1000000

static inline void limits_tell(struct req *r, enum control_scope scope, struct uuid id,
			       int64_t per_minute)
{
	control_publish(r->app->redis,
			&(struct control_msg){ .kind = CONTROL_LIMITS,
					       .workspace_id = r->who.workspace_id,
					       .scope = scope,
					       .scope_id = id,
					       .per_min = max_i64(0, per_minute), /* none is 0 */
					       .at = r->now });
}

#endif
