/* retry_policy as it stands in JSON, in requests and in the campaign's row:
 *   {"rules":[{"on":["busy"],"delay_s":900,"backoff":"exponential","max_delay_s":900}],
 *    "jitter_pct":10} */
#ifndef BELFRY_WIRE_RETRY_POLICY_H
#define BELFRY_WIRE_RETRY_POLICY_H

#include "base/arena.h"
#include "domain/retry.h"
#include "json/json_in.h"

/* Collects every fault below the pointer `base`; true without one. */
bool retry_policy_decode(const struct json_value *v, const char *base, struct arena *a,
			 struct retry_policy *out, struct json_faults *faults);

/* From the text of a stored row; an empty text, or one that an older release wrote and this one
 * cannot read, gives the defaults. */
struct retry_policy retry_policy_from_row(struct str json);

#endif
