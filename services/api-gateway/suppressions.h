/* The workspace's list of numbers that are never dialed: what its routes share. */
#ifndef BELFRY_API_GATEWAY_SUPPRESSIONS_H
#define BELFRY_API_GATEWAY_SUPPRESSIONS_H

#include "request.h"

#define SUPPRESSION_REASON_MAX 200
#define SUPPRESSION_REASON_DETAIL "must be text of at most 200 bytes"

struct suppression_in {
	struct str to_number, reason;
};

/* Decodes an object; faults are named below `base`. */
bool suppression_decode(struct req *r, const struct json_value *v, const char *base,
			struct json_faults *faults, struct suppression_in *out);

#endif
