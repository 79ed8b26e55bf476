/* One call: the callee's dialog, the agent's, and how they are brought together (RFC 3725).
 *
 * Early offer (the default)                     Late offer (Flow I)
 *	callee <- INVITE, black hole                   callee <- INVITE without an offer
 *	callee -> 200 A, <- ACK                        callee -> 200 offer A
 *	agent  <- INVITE A; -> 200 B, <- ACK           agent  <- INVITE A; -> 200 B, <- ACK
 *	callee <- INVITE B; -> 200, <- ACK             callee <- ACK B
 *
 * An agent that is called while the phone rings gets a black hole first, and A by a second INVITE.
 * Afterwards each side's INVITE (hold, session refresh) is relayed to the other. */
#ifndef DIALER_SIP_CALL_H
#define DIALER_SIP_CALL_H

#include "dial/desk.h"
#include "leg.h"
#include "sdp.h"
#include "trunks.h"

struct calls;

enum call_step {
	CALL_WAITING = 0, /* for the trunk */
	CALL_CALLING,
	CALL_CANCELLING,
	CALL_BRIDGING, /* the callee has answered */
	CALL_BRIDGED,
	CALL_OVER,
	CALL_STEP_COUNT
};

enum agent_step {
	AGENT_NONE = 0,
	AGENT_EARLY,   /* invited with a black hole */
	AGENT_READY,   /* has answered that */
	AGENT_OFFERED, /* has the callee's description */
	AGENT_JOINED,  /* has answered it */
	AGENT_STEP_COUNT
};

struct call {
	struct desk_attempt held; /* first */
	struct calls *calls;
	struct trunk_ticket ticket;
	enum call_step step;
	enum agent_step agent_step;
	struct arena *arena; /* of the dial; NULL once it is over */
	struct dialer_op op; /* the dial */
	char *agent_uri;
	struct leg *callee, *agent; /* NULL = not there */
	struct sdp_origin callee_origin, agent_origin;
	char *callee_sdp;     /* its first description */
	struct leg *relaying; /* whose INVITE is being relayed; NULL = none */
	bool is_offerless;    /* and it came without an offer */
	bool is_settling;     /* the agent hears of the callee's new description */
	bool is_late_offer;
	bool is_agent_on_ringing;
	bool is_timed_out;  /* our ring time-out cancelled it */
	bool is_hungup;     /* the dispatcher cancelled it */
	bool is_recorded;   /* its dial stands in the file of calls */
	usec_t answered_at; /* wall clock */
	struct timer *timer;
};

/* bridge.c: the legs and what comes from them. */
void call_place(struct call *c, const struct sip_trunk *t);
/* The callbacks of a leg of this call. */
struct leg_owner call_leg_owner(struct call *c);
/* The certificate that an agent must show; false when its address asks for no TLS. */
bool call_agent_tls(const struct call *c, struct ua_tls *out);

/* ends.c */
/* Ends the attempt by what is known, drops the legs. */
void call_end(struct call *c, int64_t sip, struct dialer_end end);
/* It was bridged; 0 = no cause was named. */
void call_end_talked(struct call *c, enum dialer_by by, int q850);
/* The legs were not joined, by the agent or by the carrier. Where the callee has answered, that is
 * agent_unavailable, whoever failed, and no carrier_error: that one is dialed again soon and often,
 * and a person was disturbed. `status` is what was said, 0 = nothing. */
void call_end_unjoined(struct call *c, enum dialer_by by, int status);
/* The callee's first INVITE came to nothing. */
void call_end_refused(struct call *c, const struct leg_message *m);
void call_ring_timeout(struct call *c); /* cancels; the end follows */
/* Whoever owed the next word has not said it in time. */
void call_join_timeout(struct call *c);

/* calls.c */
struct call *call_new(struct calls *cs);
void call_free(struct call *c);
/* Copies the dial; the session id of our descriptions is of the attempt. */
void call_keep_dial(struct call *c, const struct dialer_op *op);
/* The agent's address, from the dial; false when it has none that can be used. */
bool call_read_agent(struct call *c);
struct ua *calls_ua(const struct calls *cs);
struct desk *calls_desk(const struct calls *cs);
/* The step, and what the clock does to it. */
void call_set_step(struct call *c, enum call_step s);
/* Writes down where the call stands; on the file at the end of the turn, or now. */
void call_record(struct call *c);
bool call_record_sent(struct call *c); /* false: it cannot be written, nothing may leave */

/* headers.c */
/* X-Belfry-* lines for the agent: the ids, the numbers, the variables. */
void headers_for_agent(const struct call *c, struct strbuf *out);

#endif
