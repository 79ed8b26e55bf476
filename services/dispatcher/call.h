/* A due call in this dispatcher's hands, from its stream entry until it is dialed or dropped. It is
 * owned by the intake; every other module holds it for a while and says where it went. */
#ifndef DISPATCHER_CALL_H
#define DISPATCHER_CALL_H

#include "base/heap.h"
#include "base/list.h"
#include "domain/outcome.h"
#include "queue/due.h"
#include "wire/trace.h"

struct attempt;
struct lane;

enum call_state {
	CALL_WAITING = 0, /* in the intake's heap, for its instant */
	CALL_QUEUED,      /* in a lane, for tokens */
	CALL_GRANTED,     /* has tokens, for the next claim */
	CALL_CLAIMING,    /* in a claim that is on its way */
	CALL_STATE_COUNT
};

struct call {
	enum call_state state;
	struct due_entry entry;
	struct due_ticket ticket;
	bool is_moot; /* dropped while claiming: forget it when the claim answers */
	struct heap_node wait;
	struct list_node node; /* lane or claim list */
	struct lane *lane;
	struct uuid attempt_id; /* made at the first claim; kept when that claim must be repeated */
	usec_t mono_good_until; /* of its tokens */
	int64_t grant;          /* which of its lane they are from */
	struct trace trace;
	struct attempt *attempt; /* claimed already: only waits for new tokens */
	/* The calling windows of its campaign: the version of the campaign that they were judged
	 * from, and up to when they are open; 0 = not known, or it has none. */
	usec_t windows_of, open_until;
	usec_t opens_at; /* refused, its window being closed: the next opening; USEC_NEVER = none */
	enum outcome ends_as; /* refused for good: the outcome that it fails with */
};

#endif
