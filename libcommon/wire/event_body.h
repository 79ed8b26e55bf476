/* The body of a webhook, and of an entry of the pull log: one event as JSON, rendered from its
 * narrow row. The same row gives the same bytes, always: a receiver verifies a signature over them,
 * and a retry, a replay and the log must agree. Golden cases: proto/vectors/event_*.json. So what
 * this writes may only grow, and only by what the row did not hold before. */
#ifndef BELFRY_WIRE_EVENT_BODY_H
#define BELFRY_WIRE_EVENT_BODY_H

#include "base/err.h"
#include "base/uuid.h"

#define EVENT_BODY_MAX (64 * 1024)
#define EVENT_BODY_NULL INT64_MIN /* a number that is not there, as in pg/pg_codec.h */

/* The columns of table `event`. What is not there: the nil id, STR_NONE, USEC_NEVER,
 * EVENT_BODY_NULL. */
struct event_body {
	struct uuid id;
	struct uuid workspace_id;
	int64_t sequence;
	struct str type;
	usec_t at;
	struct uuid campaign_id;
	struct str campaign_kind;
	struct uuid call_id, target_id, agent_id, conversation_id;
	struct str to_number, from_number, external_id;
	struct str variables; /* JSON */
	usec_t call_created_at, scheduled_at, next_attempt_at;
	struct str status, outcome;
	int64_t attempt_number;
	struct str attempt_outcome;
	int64_t sip_code;
	usec_t started_at, ended_at;
	int64_t duration_ms, billed_s;
	struct str end_reason; /* of the conversation, or of a cancel */
	/* JSON of a type that brings its own: the members of campaign.* beside its id and kind, and all
	 * of the data of the others. */
	struct str data;
};

/* Appends the body to `out`. ERR_TOO_LARGE when `out` overflows: make it with EVENT_BODY_MAX. */
struct err event_body_render(const struct event_body *e, struct strbuf *out) MUST_USE;

#endif
