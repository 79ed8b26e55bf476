/* One entry of a due stream: a call that falls due soon, with all that pacing needs. It is a hint:
 * the claim in Postgres decides. The format stands in proto/streams.md. */
#ifndef BELFRY_WIRE_DUE_ENTRY_H
#define BELFRY_WIRE_DUE_ENTRY_H

#include "base/err.h"
#include "base/uuid.h"

#define WIRE_SHARDS 4 /* due streams; a workspace's shard is workspace.shard */

/* Dials per minute; 0 = no limit of its own. */
struct due_limits {
	int64_t campaign_per_min;
	int64_t workspace_per_min;
	int64_t number_per_min;
};

struct due_entry {
	struct uuid call_id;
	struct uuid workspace_id;
	struct uuid campaign_id; /* nil for an ad hoc call */
	struct uuid number_id;
	usec_t due_at; /* wall clock, whole milliseconds */
	bool in_line;  /* a bulk call's first attempt: due_at becomes its scheduled_at */
	struct due_limits limits;
	usec_t limits_at; /* when the limits were read; newer ones win */
};

void due_entry_encode(const struct due_entry *e, struct strbuf *out);
struct err due_entry_decode(struct str s, struct due_entry *out) MUST_USE;

#endif
