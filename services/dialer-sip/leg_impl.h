/* Inside of ua and leg, shared by their .c files only. */
#ifndef DIALER_SIP_LEG_IMPL_H
#define DIALER_SIP_LEG_IMPL_H

#include "leg.h"
#include "re_api.h"
#include "sec/address.h"
#include "servers.h"

#define UA_NAME "belfry"
#define LEGS_BUCKETS 16384

struct ua_stack {
	struct le le;
	struct ua *ua;
	struct sip *sip;
	struct sip_lsnr *requests, *responses;
	struct tls *tls; /* NULL = UDP and TCP */
	char *ca, *host; /* of TLS */
};

struct ua {
	struct loop *loop;
	struct dnsc *dnsc;
	struct re_list stacks; /* the first one is UDP and TCP */
	struct hash *legs;
	struct sa address;
	char ip[64];
	struct re_list asking; /* requests that look up names (servers) */
	struct server_dead dead[SERVERS_DEAD_MAX];
	size_t dead_next;
	struct address_policy *policy; /* where packets may go */
};

/* An INVITE as it left, for what is sent by hand. */
struct leg_sent {
	char branch[LEG_ID_MAX];
	enum sip_transp tp;
	struct sa peer;
};

#define LEG_SILENT_MAX 4

struct leg {
	struct le he;
	struct ua *ua;
	struct ua_stack *stack;
	struct leg_owner owner;
	bool has_owner;
	enum leg_state state;
	bool is_restored; /* its first INVITE belongs to an earlier process */
	bool has_provisional;
	bool is_reinviting;
	bool is_waiting;   /* to send that INVITE again, which the peer could not take yet */
	unsigned tries_n;  /* of that INVITE */
	bool is_denied;    /* its address is one that may not be called */
	bool has_lingered; /* for what a silent server may still say */
	char call_id[LEG_ID_MAX], tag[LEG_ID_MAX], remote_tag[128];
	char to[LEG_TEXT_MAX], from[LEG_TEXT_MAX], target[LEG_TEXT_MAX], route[LEG_TEXT_MAX];
	char contact_host[64];
	char *user, *password, *headers;
	struct mbuf *routes; /* "Route: ...\r\n" lines; NULL = none */
	uint32_t cseq, invite_cseq, remote_cseq;
	struct sip_request *invite;
	struct sip_auth *auth;
	struct mbuf *sdp; /* of the INVITE that runs, for another one with credentials */
	struct leg_sent sent;
	struct servers servers;
	/* Servers that were given up without a word. What they say later is cancelled or hung up, since
	 * another one was asked. */
	struct leg_sent silent[LEG_SILENT_MAX];
	size_t silent_n;
	/* The ACK as it was sent: repeated for each repeated 2xx. */
	struct mbuf *ack;
	struct sa ack_peer;
	enum sip_transp ack_tp;
	/* The peer's INVITE within the dialog. */
	struct sip_strans *server;
	struct sip_msg *offer;
	struct mbuf *ok;
	struct tmr ok_timer;
	unsigned ok_sent;
	struct timer *timer; /* CANCEL_WAIT, and the end of a leg that nothing ends */
};

/* ua.c */
struct ua_stack *ua_stack_for(struct ua *u, const struct ua_tls *tls); /* NULL: cannot be had */
void ua_add_leg(struct ua *u, struct leg *l);
void ua_remove_leg(struct leg *l);
struct str pl_text(const struct pl *p);
/* Whether a packet may go to this address; said in the log when not. */
bool ua_may_reach(const struct ua *u, const struct sa *to);
/* Fills `out` from a message, or from an errno when there is none. */
void ua_read_message(int err, const struct sip_msg *msg, struct leg_message *out);

/* leg.c */
void leg_on_response(int err, const struct sip_msg *msg, void *arg);
void leg_end(struct leg *l, const struct leg_message *m);
void leg_take_answer(struct leg *l, const struct sip_msg *msg);
void leg_say_bye(struct leg *l, const char *reason);

/* leg_wire.c: what leaves */
int leg_send_invite(struct leg *l);
int leg_send_ack(struct leg *l, struct str sdp);
int leg_send_bye(struct leg *l, const char *reason, sip_resp_h *fn);
void leg_send_cancel_by_hand(struct leg *l, const struct leg_sent *s);
/* To a 300-699. */
void leg_ack_by_hand(struct leg *l, const struct leg_sent *s, const struct sip_msg *msg);
void leg_learn_dialog(struct leg *l, const struct sip_msg *msg);

/* leg_peer.c: what comes in within a dialog */
void leg_on_request(struct leg *l, const struct sip_msg *msg);
void leg_on_stray_response(struct leg *l, const struct sip_msg *msg);
void leg_forget_offer(struct leg *l);
/* A 2xx that belongs to no leg: a call that nobody knows any more is hung up. */
void leg_hang_up_stray(struct ua_stack *s, const struct sip_msg *msg);

#endif
