/* Messages of the control stream (proto/streams.md): something changed that the dispatchers or the
 * scheduler should look at now instead of at their next look. A courtesy, never the law. */
#ifndef BELFRY_WIRE_CONTROL_MSG_H
#define BELFRY_WIRE_CONTROL_MSG_H

#include "wire/due_entry.h"

enum control_kind {
	CONTROL_CAMPAIGN_CHANGED = 0, /* started, resumed, appended to: the scheduler looks at it */
	CONTROL_CAMPAIGN_HELD, /* paused or cancelled: dispatchers drop its waiting entries */
	CONTROL_CALLS_DROPPED, /* these calls were skipped or cancelled (call_id) */
	CONTROL_LIMITS,        /* new limits of one scope (scope, scope_id, per_min) */
	CONTROL_HANGUP,        /* the conversation of this call is to be hung up (call_id) */
	CONTROL_TRUNK_TEST,    /* a trunk is to be tested: look into the table trunk_test */
	CONTROL_KIND_COUNT
};

enum control_scope {
	CONTROL_SCOPE_NONE = 0,
	CONTROL_SCOPE_CAMPAIGN,
	CONTROL_SCOPE_WORKSPACE,
	CONTROL_SCOPE_NUMBER,
	CONTROL_SCOPE_COUNT
};

struct control_msg {
	enum control_kind kind;
	struct uuid workspace_id;
	struct uuid campaign_id;  /* nil when not about one */
	struct uuid call_id;      /* CONTROL_CALLS_DROPPED, CONTROL_HANGUP */
	enum control_scope scope; /* CONTROL_LIMITS */
	struct uuid scope_id;
	int64_t per_min; /* CONTROL_LIMITS; 0 = none */
	usec_t at;       /* when it was committed */
};

void control_msg_encode(const struct control_msg *m, struct strbuf *out);
struct err control_msg_decode(struct str s, struct control_msg *out) MUST_USE;

#endif
