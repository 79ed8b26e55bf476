/* What the peer begins within a dialog, and responses that have no transaction here. */
#include <string.h>

#include "leg_impl.h"
#include "sys/log.h"

#define OK_WAIT_MS (64 * SIP_T1)

/* --- requests -------------------------------------------------------------------------------- */

void leg_forget_offer(struct leg *l)
{
	tmr_cancel(&l->ok_timer);
	l->ok = mem_deref(l->ok);
	l->offer = mem_deref(l->offer);
	l->server = mem_deref(l->server);
	l->ok_sent = 0;
}

static void on_bye(struct leg *l, const struct sip_msg *msg)
{
	struct leg_message m;

	(void)sip_treply(NULL, l->stack->sip, msg, 200, "OK"); /* it asks again if that is lost */
	ua_read_message(0, msg, &m);
	m.is_bye = true;
	leg_end(l, &m);
}

static void on_reinvite(struct leg *l, const struct sip_msg *msg)
{
	struct str sdp = { (const char *)mbuf_buf(msg->mb), mbuf_get_left(msg->mb) };

	if (l->state != LEG_UP || l->invite || l->offer || !l->has_owner) {
		(void)sip_treply(NULL, l->stack->sip, msg, 491, "Request Pending");
		return;
	}
	if (sip_strans_alloc(&l->server, l->stack->sip, msg, NULL, NULL) != 0 ||
	    sip_treply(&l->server, l->stack->sip, msg, 100, "Trying") != 0)
		return;
	leg_learn_dialog(l, msg);
	l->offer = mem_ref((void *)(uintptr_t)msg);
	l->owner.offered(l, sdp, l->owner.arg);
}

static void on_ack(struct leg *l, const struct sip_msg *msg)
{
	struct str sdp = { (const char *)mbuf_buf(msg->mb), mbuf_get_left(msg->mb) };

	if (!l->ok || !l->offer || msg->cseq.num != l->offer->cseq.num)
		return;
	leg_forget_offer(l);
	if (l->has_owner)
		l->owner.acked(l, sdp, l->owner.arg);
}

static void take_request(struct leg *l, const struct sip_msg *msg)
{
	struct sip *sip = l->stack->sip;

	if (pl_strcmp(&msg->met, "ACK") == 0) {
		on_ack(l, msg);
		return;
	}
	if (msg->cseq.num < l->remote_cseq) {
		(void)sip_treply(NULL, sip, msg, 500, "CSeq Out of Order");
		return;
	}
	l->remote_cseq = msg->cseq.num;
	if (pl_strcmp(&msg->met, "BYE") == 0)
		on_bye(l, msg);
	else if (pl_strcmp(&msg->met, "INVITE") == 0)
		on_reinvite(l, msg);
	else if (pl_strcmp(&msg->met, "OPTIONS") == 0)
		(void)sip_treply(NULL, sip, msg, 200, "OK");
	else
		(void)sip_treplyf(NULL, NULL, sip, msg, false, 405, "Method Not Allowed",
				  "Allow: INVITE,ACK,CANCEL,BYE,OPTIONS\r\n"
				  "Content-Length: 0\r\n\r\n");
}

void leg_on_request(struct leg *l, const struct sip_msg *msg)
{
	mem_ref(l);
	take_request(l, msg);
	mem_deref(l);
}

/* --- answers to the peer's INVITE ------------------------------------------------------------ */

/* A 2xx is repeated until its ACK comes, by whoever answers (RFC 3261 section 13.3.1.4). */
static void repeat_ok(void *arg)
{
	struct leg *l = arg;
	uint32_t wait = (uint32_t)SIP_T1 << (l->ok_sent < 4 ? l->ok_sent : 3);

	l->ok_sent++;
	if (l->ok_sent > 10) {
		leg_forget_offer(l); /* the media stands as it did; the peer may hang up */
		return;
	}
	struct sa to;
	sip_reply_addr(&to, l->offer, true);
	l->ok->pos = 0;
	(void)sip_send(l->stack->sip, l->offer->sock, l->offer->tp, &to, l->ok);
	tmr_start(&l->ok_timer, wait < SIP_T2 ? wait : SIP_T2, repeat_ok, l);
}

void leg_accept(struct leg *l, struct str sdp)
{
	struct sip_contact c;

	if (!l->offer || l->ok)
		return;
	sip_contact_set(&c, UA_NAME, &l->offer->dst, l->offer->tp);
	struct sa at;
	const char *host = l->contact_host[0] ? l->contact_host : l->ua->ip;
	if (sa_set_str(&at, host, sa_port(&l->ua->address)) == 0 && !l->stack->tls)
		sip_contact_set(&c, UA_NAME, &at, l->offer->tp);
	int err = sip_treplyf(&l->server, &l->ok, l->stack->sip, l->offer, true, 200, "OK",
			      "%HAllow: INVITE,ACK,CANCEL,BYE,OPTIONS\r\n"
			      "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%b",
			      sip_contact_print, &c, sdp.n, sdp.p, sdp.n);
	l->server = NULL; /* the answer is final: libre has taken it back */
	if (err) {
		l->ok = NULL;
		leg_forget_offer(l);
		return;
	}
	tmr_start(&l->ok_timer, SIP_T1, repeat_ok, l);
}

void leg_refuse(struct leg *l, int status)
{
	if (!l->offer || l->ok)
		return;
	(void)sip_treply(&l->server, l->stack->sip, l->offer, (uint16_t)status,
			 "Not Acceptable Here");
	l->server = NULL;
	leg_forget_offer(l);
}

/* --- responses ------------------------------------------------------------------------------- */

static bool is_own_dialog(const struct leg *l, const struct sip_msg *msg)
{
	return l->remote_tag[0] == '\0' || pl_strcmp(&msg->to.tag, l->remote_tag) == 0;
}

static void repeat_ack(struct leg *l)
{
	l->ack->pos = 0;
	(void)sip_send(l->stack->sip, NULL, l->ack_tp, &l->ack_peer, l->ack);
}

/* The answer to an INVITE of an earlier process. */
static void take_late(struct leg *l, const struct sip_msg *msg)
{
	struct leg_message m;

	if (msg->scode < 200) {
		leg_on_response(0, msg, l);
		return;
	}
	if (msg->scode < 300) {
		leg_take_answer(l, msg);
		return;
	}
	leg_ack_by_hand(l, &l->sent, msg);
	ua_read_message(0, msg, &m);
	leg_end(l, &m);
}

/* A server that was given up has heard after all. Another one was asked for the same call, so this one
 * stops. */
static void take_from_silent(struct leg *l, const struct leg_sent *s, const struct sip_msg *msg)
{
	log_info("silent_server_spoke", LS("call_id", l->call_id), LI("sip", msg->scode));
	if (msg->scode < 200)
		leg_send_cancel_by_hand(l, s);
	else if (msg->scode < 300)
		leg_hang_up_stray(l->stack, msg);
	else
		leg_ack_by_hand(l, s, msg);
}

static const struct leg_sent *find_silent(const struct leg *l, const struct pl *branch)
{
	for (size_t i = 0; i < l->silent_n; i++) {
		if (pl_strcmp(branch, l->silent[i].branch) == 0)
			return &l->silent[i];
	}
	return NULL;
}

void leg_on_stray_response(struct leg *l, const struct sip_msg *msg)
{
	const struct leg_sent *silent = find_silent(l, &msg->via.branch);
	bool is_2xx = msg->scode >= 200 && msg->scode < 300;
	bool is_waited = l->is_restored && l->remote_tag[0] == '\0' && !l->invite;

	mem_ref(l);
	if (silent)
		take_from_silent(l, silent, msg);
	else if (is_2xx && !is_own_dialog(l, msg))
		leg_hang_up_stray(l->stack, msg); /* a second phone of the same callee */
	else if (is_waited && msg->cseq.num == l->invite_cseq)
		take_late(l, msg);
	else if (is_2xx && l->ack && msg->cseq.num == l->invite_cseq)
		repeat_ack(l);
	else if (msg->scode >= 300 && l->is_restored)
		leg_ack_by_hand(l, &l->sent, msg);
	mem_deref(l);
}

void leg_hang_up_stray(struct ua_stack *s, const struct sip_msg *msg)
{
	char call_id[LEG_ID_MAX], tag[LEG_ID_MAX], to[LEG_TEXT_MAX], from[LEG_TEXT_MAX];
	struct ua_tls tls = { .ca = s->ca, .host = s->host };
	struct leg_options o = {
		.call_id = call_id, .tag = tag, .to = to, .from = from, .tls = s->tls ? &tls : NULL
	};
	struct leg *l;

	if (pl_strcpy(&msg->callid, call_id, sizeof(call_id)) ||
	    pl_strcpy(&msg->from.tag, tag, sizeof(tag)) ||
	    pl_strcpy(&msg->to.auri, to, sizeof(to)) ||
	    pl_strcpy(&msg->from.auri, from, sizeof(from)) || strncmp(call_id, "att_", 4) != 0 ||
	    is_err(leg_new(s->ua, &o, &l)))
		return;
	l->invite_cseq = msg->cseq.num;
	l->cseq = msg->cseq.num + 1;
	l->has_owner = false;
	l->state = LEG_CANCELLING;
	leg_take_answer(l, msg);
}
