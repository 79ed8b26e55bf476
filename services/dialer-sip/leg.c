/* The states of a dialog, from the outside in: what the owner asks, what a response means. */
#include "leg.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "leg_impl.h"
#include "sys/log.h"

#define REINVITES_MAX 3
#define LATER_MAX_US (10 * USEC_PER_SEC)
#define CANCEL_WAIT_US (5 * USEC_PER_SEC)
/* After this a leg without owner is forgotten: 64*T1 for the last transaction, twice. */
#define TIDY_WAIT_US (64 * USEC_PER_SEC)

static void copy_text(char *out, size_t size, const char *s)
{
	(void)snprintf(out, size, "%s", s ? s : "");
}

static int give_credentials(char **user, char **password, const char *realm, void *arg)
{
	const struct leg *l = arg;

	(void)realm;
	if (!l->user || !l->password)
		return EAUTH;
	int err = str_dup(user, l->user);
	return err ? err : str_dup(password, l->password);
}

static void destroy(void *arg)
{
	struct leg *l = arg;

	ua_remove_leg(l);
	servers_end(&l->servers);
	leg_forget_offer(l);
	timer_free(l->timer);
	mem_deref(l->invite);
	mem_deref(l->auth);
	mem_deref(l->routes);
	mem_deref(l->sdp);
	mem_deref(l->ack);
	mem_deref(l->user);
	mem_deref(l->password);
	mem_deref(l->headers);
}

/* --- the end --------------------------------------------------------------------------------- */

/* Gone: nothing is expected any more. */
static void bury(struct leg *l)
{
	if (l->state == LEG_DEAD)
		return;
	l->has_owner = false;
	servers_end(&l->servers);
	if (l->silent_n > 0 && !l->has_lingered) {
		l->has_lingered = true;
		l->state = LEG_CLOSING;
		timer_start(l->timer, TIDY_WAIT_US);
		return;
	}
	l->state = LEG_DEAD;
	ua_remove_leg(l);
	timer_stop(l->timer);
	leg_forget_offer(l);
	mem_deref(l); /* its own reference, since leg_new() */
}

static void tell_end(struct leg *l, const struct leg_message *m)
{
	if (!l->has_owner)
		return;
	l->has_owner = false;
	l->owner.ended(l, m, l->owner.arg);
}

void leg_end(struct leg *l, const struct leg_message *m)
{
	tell_end(l, m);
	bury(l);
}

static void on_bye_response(int err, const struct sip_msg *msg, void *arg)
{
	struct leg *l = arg;

	if (!err && msg && msg->scode < 200)
		return;
	bool is_asked = !err && msg && (msg->scode == 401 || msg->scode == 407);
	if (is_asked && l->user && sip_auth_authenticate(l->auth, msg) == 0 &&
	    leg_send_bye(l, NULL, on_bye_response) == 0)
		return;
	bury(l);
}

void leg_say_bye(struct leg *l, const char *reason)
{
	l->state = LEG_CLOSING;
	l->is_waiting = false;
	timer_start(l->timer, TIDY_WAIT_US);
	if (leg_send_bye(l, reason, on_bye_response) != 0)
		bury(l);
}

static void on_timer(void *arg)
{
	struct leg *l = arg;
	struct leg_message m = { .failure = "no answer to CANCEL" };

	if (l->state == LEG_UP && l->is_waiting) {
		l->is_waiting = false;
		if (leg_send_invite(l) != 0)
			leg_end(l,
				&(struct leg_message){ .failure = "an INVITE could not be sent" });
		return;
	}
	if (l->state == LEG_CANCELLING && l->has_owner) {
		/* The owner has waited enough; a late answer is still hung up. */
		tell_end(l, &m);
		timer_start(l->timer, TIDY_WAIT_US);
		return;
	}
	l->has_owner = false;
	bury(l);
}

/* --- responses to an INVITE ------------------------------------------------------------------ */

/* A 2xx after CANCEL: the dialog is there, so it is hung up (RFC 3261 section 9.1). */
static void hang_up_late(struct leg *l, const struct sip_msg *msg)
{
	struct leg_message m;

	ua_read_message(0, msg, &m);
	m.status = 487;
	tell_end(l, &m);
	if (leg_send_ack(l, STR_NONE) != 0) {
		bury(l);
		return;
	}
	leg_say_bye(l, NULL);
}

void leg_take_answer(struct leg *l, const struct sip_msg *msg)
{
	struct leg_message m;

	leg_learn_dialog(l, msg);
	if (l->state == LEG_CANCELLING || !l->has_owner) {
		hang_up_late(l, msg);
		return;
	}
	ua_read_message(0, msg, &m);
	l->state = LEG_ANSWERED;
	l->is_reinviting = false;
	l->owner.answered(l, &m, l->owner.arg);
}

static bool goes_on_with_credentials(struct leg *l, const struct sip_msg *msg)
{
	if ((msg->scode != 401 && msg->scode != 407) || l->state == LEG_CANCELLING || !l->user)
		return false;
	return sip_auth_authenticate(l->auth, msg) == 0 && leg_send_invite(l) == 0;
}

/* Two INVITEs that crossed (491), or a peer that has not done with the last one (500 with Retry-After):
 * the same again in a while (RFC 3261 section 14.1; the Call-ID is ours). */
static bool goes_on_later(struct leg *l, const struct leg_message *m)
{
	bool is_late = m->status == 500 && m->has_retry_after && m->retry_after_us <= LATER_MAX_US;

	if ((m->status != 491 && !is_late) || !l->has_owner || ++l->tries_n >= REINVITES_MAX)
		return false;
	l->is_waiting = true;
	timer_start(l->timer, is_late ? m->retry_after_us
				      : (2100 + 10 * (usec_t)(rand_u16() % 191)) * USEC_PER_MS);
	return true;
}

static void take_refusal(struct leg *l, int err, const struct sip_msg *msg)
{
	struct leg_message m;

	if (msg && goes_on_with_credentials(l, msg))
		return;
	ua_read_message(err, msg, &m);
	m.is_denied = l->is_denied;
	/* Within a dialog only these say that it is gone (RFC 3261 section 12.2.1.2). */
	if (l->is_reinviting && goes_on_later(l, &m))
		return;
	if (l->is_reinviting && msg && msg->scode != 481 && msg->scode != 408) {
		l->is_reinviting = false;
		if (l->has_owner)
			l->owner.refused(l, &m, l->owner.arg);
		return;
	}
	leg_end(l, &m);
}

void leg_on_response(int err, const struct sip_msg *msg, void *arg)
{
	struct leg *l = mem_ref(arg); /* a callback may end it */
	struct leg_message m;

	if (msg)
		servers_heard(&l->servers);
	if (l->state == LEG_DEAD || l->state == LEG_CLOSING) {
		if (l->state == LEG_CLOSING && msg && msg->scode >= 200 && msg->scode < 300)
			(void)leg_send_ack(l, STR_NONE); /* it was asked before the BYE */
		mem_deref(l);
		return;
	}
	if (err || !msg || msg->scode >= 300) {
		take_refusal(l, err, msg);
	} else if (msg->scode >= 200) {
		leg_take_answer(l, msg);
	} else {
		l->has_provisional = true;
		if (msg->scode > 100 && l->state == LEG_CALLING)
			l->state = LEG_RINGING;
		ua_read_message(0, msg, &m);
		if (msg->scode > 100 && l->has_owner && l->owner.progress && !l->is_reinviting)
			l->owner.progress(l, &m, l->owner.arg);
	}
	mem_deref(l);
}

/* --- what the owner asks --------------------------------------------------------------------- */

static void fill_leg(struct leg *l, const struct leg_options *o)
{
	copy_text(l->call_id, sizeof(l->call_id), o->call_id);
	copy_text(l->tag, sizeof(l->tag), o->tag);
	copy_text(l->to, sizeof(l->to), o->to);
	copy_text(l->target, sizeof(l->target), o->to);
	copy_text(l->from, sizeof(l->from), o->from);
	copy_text(l->route, sizeof(l->route), o->route);
	copy_text(l->contact_host, sizeof(l->contact_host), o->contact_host);
	l->owner = o->owner;
	l->has_owner = true;
	l->cseq = 1;
	l->sent.tp = SIP_TRANSP_NONE;
}

struct err leg_new(struct ua *u, const struct leg_options *o, struct leg **out)
{
	struct ua_stack *s = ua_stack_for(u, o->tls);

	if (!s)
		return ERR(ERR_UNAVAILABLE, "no TLS for this peer");
	if (strlen(o->to) >= LEG_TEXT_MAX || strlen(o->from) >= LEG_TEXT_MAX ||
	    strlen(o->call_id) >= LEG_ID_MAX)
		return ERR(ERR_TOO_LARGE, "a SIP address is too long");
	struct leg *l = mem_zalloc(sizeof(*l), destroy);
	ASSERT(l);
	l->ua = u;
	l->stack = s;
	fill_leg(l, o);
	l->timer = timer_new(u->loop, on_timer, l);
	int err = sip_auth_alloc(&l->auth, give_credentials, l, false);
	if (o->user && *o->user)
		err |= str_dup(&l->user, o->user) |
		       str_dup(&l->password, o->password ? o->password : "");
	if (o->headers)
		err |= str_dup(&l->headers, o->headers);
	if (err) {
		mem_deref(l);
		return ERR(ERR_IO, "cannot make a dialog");
	}
	ua_add_leg(u, l);
	*out = l;
	return OK;
}

struct err leg_invite(struct leg *l, struct str sdp)
{
	if (l->invite || l->is_waiting || (l->state != LEG_IDLE && l->state != LEG_UP))
		return ERR(ERR_CONFLICT, "an INVITE is under way");
	l->sdp = mem_deref(l->sdp);
	if (sdp.n > 0) {
		l->sdp = mbuf_alloc(sdp.n);
		ASSERT(l->sdp);
		(void)mbuf_write_mem(l->sdp, (const uint8_t *)sdp.p, sdp.n); /* it has the room */
		l->sdp->pos = 0;
	}
	l->is_reinviting = l->state == LEG_UP;
	l->tries_n = 0;
	if (l->state == LEG_IDLE)
		l->state = LEG_CALLING;
	int err = leg_send_invite(l);
	if (!err)
		return OK;
	l->is_reinviting = false;
	log_debug("invite_failed", LS("call_id", l->call_id), LS("reason", strerror(err)));
	return ERR(ERR_UNAVAILABLE, "an INVITE could not be sent");
}

void leg_ack(struct leg *l, struct str sdp)
{
	if (l->state != LEG_ANSWERED)
		return;
	l->state = LEG_UP;
	int err = leg_send_ack(l, sdp);
	if (err)
		log_warn("ack_failed", LS("call_id", l->call_id), LS("reason", strerror(err)));
}

static void cancel(struct leg *l)
{
	l->state = LEG_CANCELLING;
	if (l->invite)
		sip_request_cancel(l->invite);
	else if (l->is_restored)
		leg_send_cancel_by_hand(l, &l->sent);
}

void leg_cancel(struct leg *l)
{
	if (l->state != LEG_CALLING && l->state != LEG_RINGING)
		return;
	timer_start(l->timer, CANCEL_WAIT_US);
	cancel(l);
}

void leg_drop(struct leg *l, const char *reason)
{
	if (!l || l->state == LEG_DEAD || l->state == LEG_CLOSING)
		return;
	l->has_owner = false;
	switch (l->state) {
	case LEG_CALLING:
	case LEG_RINGING:
	case LEG_CANCELLING:
		timer_start(l->timer, TIDY_WAIT_US);
		cancel(l);
		break;
	case LEG_ANSWERED:
		/* Without a description: what was offered late stays unanswered, and the BYE ends it. */
		(void)leg_send_ack(l, STR_NONE); /* the BYE says the rest */
		leg_say_bye(l, reason);
		break;
	case LEG_UP:
		leg_say_bye(l, reason);
		break;
	case LEG_IDLE:
	case LEG_CLOSING:
	case LEG_DEAD:
		bury(l);
		break;
	}
}

bool leg_is_denied(const struct leg *l)
{
	return l->is_denied;
}

enum leg_state leg_state(const struct leg *l)
{
	return l->state;
}

/* --- a life after a crash -------------------------------------------------------------------- */

void leg_save(const struct leg *l, struct leg_record *out)
{
	*out = (struct leg_record){ .cseq = l->cseq, .invite_cseq = l->invite_cseq };
	copy_text(out->call_id, sizeof(out->call_id), l->call_id);
	copy_text(out->tag, sizeof(out->tag), l->tag);
	copy_text(out->remote_tag, sizeof(out->remote_tag), l->remote_tag);
	copy_text(out->to, sizeof(out->to), l->to);
	copy_text(out->from, sizeof(out->from), l->from);
	copy_text(out->target, sizeof(out->target), l->target);
	copy_text(out->branch, sizeof(out->branch), l->sent.branch);
	if (l->sent.tp != SIP_TRANSP_NONE) {
		copy_text(out->transport, sizeof(out->transport), sip_transp_name(l->sent.tp));
		(void)re_snprintf(out->peer, sizeof(out->peer), "%J", &l->sent.peer);
	}
	if (l->routes)
		(void)re_snprintf(out->routes, sizeof(out->routes), "%b", mbuf_buf(l->routes),
				  mbuf_get_left(l->routes));
	out->is_up = l->remote_tag[0] != '\0';
}

static enum sip_transp transport_of(const char *name)
{
	for (int tp = SIP_TRANSP_UDP; tp <= SIP_TRANSP_TLS; tp++) {
		if (strcmp(sip_transp_name((enum sip_transp)tp), name) == 0)
			return (enum sip_transp)tp;
	}
	return SIP_TRANSP_UDP;
}

struct err leg_restore(struct ua *u, const struct leg_record *r, const struct leg_options *how,
		       struct leg **out)
{
	struct leg_options o = *how;
	struct leg *l;

	o.call_id = r->call_id;
	o.tag = r->tag;
	o.to = r->to;
	o.from = r->from;
	TRY(leg_new(u, &o, &l));
	l->is_restored = true;
	l->cseq = (uint32_t)r->cseq + 1; /* one may have been used and not written down */
	l->invite_cseq = (uint32_t)r->invite_cseq;
	copy_text(l->target, sizeof(l->target), r->target);
	copy_text(l->sent.branch, sizeof(l->sent.branch), r->branch);
	copy_text(l->remote_tag, sizeof(l->remote_tag), r->remote_tag);
	l->sent.tp = transport_of(r->transport);
	if (r->peer[0] && sa_decode(&l->sent.peer, r->peer, strlen(r->peer)) != 0)
		l->sent.branch[0] = '\0'; /* nowhere to send a CANCEL to */
	if (r->routes[0]) {
		l->routes = mbuf_alloc(strlen(r->routes));
		ASSERT(l->routes);
		(void)mbuf_write_str(l->routes, r->routes); /* it has the room */
		l->routes->pos = 0;
	}
	l->state = r->is_up ? LEG_UP : LEG_CALLING;
	*out = l;
	return OK;
}
