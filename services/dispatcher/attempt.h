/* Attempts that this dispatcher holds: from the claim, through the dialer's reports, to the record.
 * Also those it adopted. What a report means is decided in domain/attempt and domain/retry. */
#ifndef DISPATCHER_ATTEMPT_H
#define DISPATCHER_ATTEMPT_H

#include "app.h"
#include "base/arena.h"
#include "call.h"
#include "domain/attempt.h"
#include "domain/retry.h"
#include "store_gen.h"
#include "wire/dialer_msg.h"
#include "wire/trace.h"

/* A dialer refuses a dial that is older than this; so nothing rings later after a pause. */
#define ATTEMPT_EXPIRES_US (2 * USEC_PER_SEC)

struct link;

/* A dial whose tokens grew stale before the claim had answered. */
struct attempt_pending {
	struct dialer_op op;
	struct arena *arena; /* its text */
};

struct attempt {
	struct uuid id, workspace_id, call_id, campaign_id, number_id;
	int shard;
	enum attempt_state state;
	struct link *link;
	struct retry_facts facts;
	struct retry_policy *policy; /* NULL = the defaults */
	struct due_entry entry;      /* for a short retry; limits_at 0: unknown (adopted) */
	usec_t ring_us, max_us;
	usec_t claimed_at, dialed_at, answered_at, bridged_at, expires_at; /* wall; 0 = not yet */
	struct uuid conversation_id;
	struct heap_node deadline;
	bool is_probed;    /* its deadline passed once: queried, hung up */
	bool is_held_back; /* a rule names answered_machine: the bridge is not recorded yet */
	struct attempt_pending *pending;
	char traceparent[TRACEPARENT_SIZE]; /* "" = not known (adopted) */
	char *dial_text;                    /* the dial message, while the socket has no room */
	struct list_node send_node;         /* waits in its link for room */
	struct list_node bridge_node;       /* waits in records */
	struct list_node end_node;
	/* How it ended. */
	enum outcome outcome;
	struct retry_decision decision;
	int64_t sip, q850, end_seq; /* end_seq 0: not the dialer's word, nothing to acknowledge */
	usec_t ended_at, due_at, talk_us;
	enum dialer_by by;
	bool is_lost; /* nobody could say how the conversation ended */
	char *provider_ref;
};

struct attempts *attempts_new(struct app *app);
void attempts_free(struct attempts *as);
size_t attempts_count(const struct attempts *as);
bool attempt_is_held(const struct attempts *as, struct uuid attempt_id);

/* A claimed call: takes what it needs from c and the row, dials if the tokens are still good. One whose
 * attempt was adopted meanwhile is settled, and no more. */
void attempt_open(struct attempts *as, struct call *c, const struct claim_calls_row *row,
		  usec_t expires_at, struct str tracestate);
/* New tokens came for a call that was claimed before its first ones grew stale. */
void attempt_has_tokens(struct attempts *as, struct call *c);
/* Open attempts of somebody else's, or forgotten ones of our own: asks the dialer about them. */
void attempt_adopt(struct attempts *as, const struct attempt_adopt_row *row);
/* A report of a dialer's. False when no attempt of that id is held. */
bool attempt_report(struct attempts *as, const struct dialer_event *ev);
/* The link was down or its dialer has restarted: asks about all that it should know. */
void attempts_query_all(struct attempts *as, struct link *link);
/* Its conversation is to end now; nothing happens when it is not held here. */
void attempt_hang_up(struct attempts *as, struct uuid attempt_id);
/* Not handed to the dialer: past its expiry (OUTCOME_NOT_SENT), or it cannot be said
 * (OUTCOME_CONFIG_ERROR). */
void attempt_give_up(struct attempts *as, struct attempt *a, enum outcome o);
/* Recorded: out of the books. */
void attempt_forget(struct attempts *as, struct attempt *a);

#endif
