/* One dialog that we began: INVITE to a callee through a trunk, or to an agent. The transactions
 * are libre's; what its sessions do not give stands here: our own Call-ID and tag, an ACK that waits for
 * third-party call control, CANCEL with its race, the peer's re-INVITE handed to the owner, and a life
 * after the process that began it.
 *
 *	idle -> calling -> ringing -> answered -> up -> closing -> (gone)
 *	           \----------\-- cancelling --/
 *
 * The owner gets callbacks until `ended`, or until it gives the leg up by leg_drop(); then the leg
 * tidies up by itself (CANCEL, ACK and BYE, BYE) and frees itself. Callbacks may come from within
 * leg_invite(), never from within leg_drop(). */
#ifndef DIALER_SIP_LEG_H
#define DIALER_SIP_LEG_H

#include "base/err.h"
#include "base/str.h"
#include "ua.h"

enum leg_state {
	LEG_IDLE = 0,
	LEG_CALLING,
	LEG_RINGING,
	LEG_CANCELLING,
	LEG_ANSWERED, /* a 2xx that waits for leg_ack() */
	LEG_UP,
	LEG_CLOSING,
	LEG_DEAD
};

#define LEG_TEXT_MAX 512 /* of an URI, with its NUL */
#define LEG_ID_MAX 64

/* What a message says; borrowed during the callback. */
struct leg_message {
	int status;          /* of a response; 0 = none came: time-out or transport */
	const char *failure; /* why none came; NULL otherwise */
	int q850;            /* cause of the Reason header; 0 = none */
	bool has_retry_after;
	usec_t retry_after_us;
	bool is_bye;    /* the peer hung up */
	bool is_denied; /* none came because the peer's address may not be called */
	struct str body;
};

/* The first packet of an INVITE is about to leave. */
struct leg_sending {
	const char *branch;
	const char *transport; /* "UDP" */
	const char *peer;      /* ip:port */
};

struct leg_owner {
	/* False holds the packet back: the leg ends with status 0. NULL = nothing to do. */
	bool (*sending)(struct leg *l, const struct leg_sending *s, void *arg);
	void (*progress)(struct leg *l, const struct leg_message *m, void *arg); /* 101-199 */
	/* A 2xx to an INVITE, the first or a later one; leg_ack() must follow at some time. */
	void (*answered)(struct leg *l, const struct leg_message *m, void *arg);
	/* A later INVITE was refused; the dialog goes on. */
	void (*refused)(struct leg *l, const struct leg_message *m, void *arg);
	/* The peer's INVITE within the dialog: leg_accept() or leg_refuse() must follow. */
	void (*offered)(struct leg *l, struct str sdp, void *arg);
	/* The ACK to what leg_accept() said, with its body. */
	void (*acked)(struct leg *l, struct str sdp, void *arg);
	void (*ended)(struct leg *l, const struct leg_message *m, void *arg);
	void *arg;
};

struct leg_options {
	const char *call_id, *tag; /* unique, and the same again for the same attempt */
	const char *to;            /* request URI and To */
	const char *from;
	const char *route;           /* where it is sent: "sip:host[:port][;transport=x]" */
	const char *contact_host;    /* advertised; NULL = the process' own */
	const char *user, *password; /* digest; NULL = none */
	const char *headers;         /* whole lines for the INVITE; NULL = none */
	const struct ua_tls *tls;    /* NULL = UDP or TCP */
	struct leg_owner owner;
};

struct err leg_new(struct ua *u, const struct leg_options *o, struct leg **out) MUST_USE;
/* The first INVITE, or one within the dialog. An empty `sdp` asks for an offer. */
struct err leg_invite(struct leg *l, struct str sdp) MUST_USE;
void leg_ack(struct leg *l, struct str sdp);
/* Asks to end before it is answered; `ended` follows within CANCEL_WAIT, also when a 2xx is faster
 * (then the dialog is hung up, and `ended` says 487). */
void leg_cancel(struct leg *l);
void leg_accept(struct leg *l, struct str sdp);
void leg_refuse(struct leg *l, int status);
/* Ends it whatever its state, without a callback. `reason` is a header line for the BYE, or NULL.
 * Accepts NULL. */
void leg_drop(struct leg *l, const char *reason);
enum leg_state leg_state(const struct leg *l);
/* Its peer's address is one that may not be called: nothing left. */
bool leg_is_denied(const struct leg *l);

/* --- a life after a crash -------------------------------------------------------------------- */

/* All that another process needs to go on with a dialog. */
struct leg_record {
	char call_id[LEG_ID_MAX], tag[LEG_ID_MAX], remote_tag[128];
	char to[LEG_TEXT_MAX], from[LEG_TEXT_MAX], target[LEG_TEXT_MAX];
	char routes[4 * LEG_TEXT_MAX]; /* "Route: ...\r\n" lines */
	char branch[LEG_ID_MAX], transport[8], peer[64];
	int64_t cseq, invite_cseq;
	bool is_up; /* false = an INVITE left, and nothing final came */
};

void leg_save(const struct leg *l, struct leg_record *out);
/* A leg in state up, or one in calling whose responses are still to come. `how` gives the options
 * that a record does not hold. */
struct err leg_restore(struct ua *u, const struct leg_record *r, const struct leg_options *how,
		       struct leg **out) MUST_USE;

#endif
