/* What the two dialogs of a call say to each other. A leg that ended, or was dropped, is NULL in the
 * same step: nobody touches it again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "call.h"
#include "sys/clock.h"
#include "sys/log.h"

#define JOIN_WAIT_US (10 * USEC_PER_SEC)
#define URI_BYTES_MAX LEG_TEXT_MAX

/* --- joining --------------------------------------------------------------------------------- */

static bool send_offer(struct leg *l, struct sdp_origin *o, struct str sdp)
{
	struct strbuf b;

	strbuf_init(&b, SDP_MAX);
	if (sdp.p)
		sdp_relay(o, sdp, &b);
	else
		sdp_black_hole(o, &b);
	struct err e = strbuf_overflowed(&b)
			       ? ERR(ERR_TOO_LARGE, "a session description is too long")
			       : leg_invite(l, strbuf_str(&b));
	strbuf_deinit(&b);
	return !is_err(e);
}

static bool start_agent(struct call *c, struct str sdp)
{
	char id[ID_TEXT_SIZE], call_id[LEG_ID_MAX], tag[LEG_ID_MAX];
	struct strbuf headers, from;
	struct ua_tls tls;

	id_format(ID_ATTEMPT, c->held.id, id);
	(void)snprintf(call_id, sizeof(call_id), "%s.a", id);
	(void)snprintf(tag, sizeof(tag), "a%s", id + 4);
	strbuf_init(&headers, 16384);
	headers_for_agent(c, &headers);
	strbuf_init(&from, URI_BYTES_MAX);
	strbuf_addf(&from, "sip:%.*s@%s", STR_ARG(c->op.dial.to), ua_address(calls_ua(c->calls)));
	struct leg_options o = { .call_id = call_id,
				 .tag = tag,
				 .to = c->agent_uri,
				 .from = strbuf_str(&from).p,
				 .contact_host = c->agent_origin.ip,
				 .headers = strbuf_str(&headers).p,
				 .tls = call_agent_tls(c, &tls) ? &tls : NULL,
				 .owner = call_leg_owner(c) };
	bool is_good = !strbuf_overflowed(&headers) && !strbuf_overflowed(&from) &&
		       !is_err(leg_new(calls_ua(c->calls), &o, &c->agent));
	strbuf_deinit(&headers);
	strbuf_deinit(&from);
	c->agent_step = sdp.p ? AGENT_OFFERED : AGENT_EARLY;
	return is_good && send_offer(c->agent, &c->agent_origin, sdp);
}

static void offer_to_agent(struct call *c)
{
	struct str sdp = str_from(c->callee_sdp);
	bool is_good = true;

	if (c->agent_step == AGENT_NONE) {
		is_good = start_agent(c, sdp);
	} else if (c->agent_step == AGENT_READY) {
		c->agent_step = AGENT_OFFERED;
		is_good = send_offer(c->agent, &c->agent_origin, sdp);
	}
	if (!is_good && c->step != CALL_OVER)
		call_end_unjoined(c, DIALER_BY_AGENT, 0);
}

static void set_joined(struct call *c)
{
	call_set_step(c, CALL_BRIDGED);
	desk_bridged(calls_desk(c->calls), &c->held);
	call_record(c);
}

static void on_callee_answer(struct call *c, const struct leg_message *m)
{
	desk_answered(calls_desk(c->calls), &c->held);
	c->answered_at = clock_now();
	call_set_step(c, CALL_BRIDGING);
	timer_start(c->timer, JOIN_WAIT_US);
	if (m->body.n == 0 || m->body.n > SDP_MAX) {
		log_warn("answer_without_sdp", LID("attempt", ID_ATTEMPT, c->held.id));
		call_end_unjoined(c, DIALER_BY_CARRIER, 200);
		return;
	}
	free(c->callee_sdp);
	c->callee_sdp = xstrndup(m->body);
	if (!c->is_late_offer)
		leg_ack(c->callee, STR_NONE);
	call_record(c);
	offer_to_agent(c);
}

/* The agent's description goes to the callee. */
static void join_callee(struct call *c, struct str sdp)
{
	struct strbuf b;

	c->agent_step = AGENT_JOINED;
	if (!c->is_late_offer) {
		if (!send_offer(c->callee, &c->callee_origin, sdp))
			call_end_unjoined(c, DIALER_BY_CARRIER, 0);
		return;
	}
	strbuf_init(&b, SDP_MAX);
	sdp_relay(&c->callee_origin, sdp, &b);
	leg_ack(c->callee, strbuf_str(&b));
	strbuf_deinit(&b);
	set_joined(c);
}

static void on_agent_answer(struct call *c, const struct leg_message *m)
{
	if (m->body.n == 0) {
		call_end_unjoined(c, DIALER_BY_AGENT, 200);
		return;
	}
	leg_ack(c->agent, STR_NONE);
	if (c->agent_step == AGENT_EARLY) {
		c->agent_step = AGENT_READY;
		call_record(c);
		if (c->step == CALL_BRIDGING)
			offer_to_agent(c);
	} else if (c->agent_step == AGENT_OFFERED) {
		join_callee(c, m->body);
	}
}

/* The callee took the agent's description. One that moved with it is news to the agent. */
static void on_callee_joined(struct call *c, const struct leg_message *m)
{
	leg_ack(c->callee, STR_NONE);
	set_joined(c);
	if (m->body.n == 0 || sdp_is_same_media(m->body, str_from(c->callee_sdp)))
		return;
	c->is_settling = send_offer(c->agent, &c->agent_origin, m->body);
}

/* --- relaying -------------------------------------------------------------------------------- */

static struct leg *other_leg(const struct call *c, const struct leg *l)
{
	return l == c->callee ? c->agent : c->callee;
}

static struct sdp_origin *origin_of(struct call *c, const struct leg *l)
{
	return l == c->callee ? &c->callee_origin : &c->agent_origin;
}

static void accept_relayed(struct call *c, struct leg *l, struct str sdp)
{
	struct strbuf b;

	strbuf_init(&b, SDP_MAX);
	sdp_relay(origin_of(c, l), sdp, &b);
	leg_accept(l, strbuf_str(&b));
	strbuf_deinit(&b);
}

static void on_relayed_answer(struct call *c, struct leg *l, const struct leg_message *m)
{
	if (c->is_settling && l == c->agent) {
		c->is_settling = false;
		leg_ack(l, STR_NONE);
		return;
	}
	if (!c->relaying) {
		leg_ack(l, STR_NONE);
		return;
	}
	accept_relayed(c, c->relaying, m->body);
	if (c->is_offerless)
		return; /* the answer comes with the ACK */
	leg_ack(l, STR_NONE);
	c->relaying = NULL;
	call_record(c);
}

static void on_offered(struct leg *l, struct str sdp, void *arg)
{
	struct call *c = arg;
	struct leg *other = other_leg(c, l);
	struct strbuf b;

	if (c->step != CALL_BRIDGED || c->relaying || c->is_settling || !other ||
	    leg_state(other) != LEG_UP) {
		leg_refuse(l, 491);
		return;
	}
	c->relaying = l;
	c->is_offerless = sdp.n == 0;
	strbuf_init(&b, SDP_MAX);
	sdp_relay(origin_of(c, other), sdp, &b);
	struct err e = strbuf_overflowed(&b)
			       ? ERR(ERR_TOO_LARGE, "a session description is too long")
			       : leg_invite(other, strbuf_str(&b));
	strbuf_deinit(&b);
	if (!is_err(e))
		return;
	c->relaying = NULL;
	leg_refuse(l, 488);
}

static void on_acked(struct leg *l, struct str sdp, void *arg)
{
	struct call *c = arg;
	struct leg *other = other_leg(c, l);
	struct strbuf b;

	if (c->relaying != l || !c->is_offerless || !other)
		return;
	c->relaying = NULL;
	strbuf_init(&b, SDP_MAX);
	sdp_relay(origin_of(c, other), sdp, &b);
	leg_ack(other, strbuf_str(&b));
	strbuf_deinit(&b);
	call_record(c);
}

static void on_refused(struct leg *l, const struct leg_message *m, void *arg)
{
	struct call *c = arg;

	if (c->step == CALL_BRIDGING) {
		call_end_unjoined(c, l == c->callee ? DIALER_BY_CARRIER : DIALER_BY_AGENT,
				  m->status);
		return;
	}
	c->is_settling = false;
	if (c->relaying && c->relaying != l) {
		leg_refuse(c->relaying, m->status);
		c->relaying = NULL;
	}
}

/* --- what legs say --------------------------------------------------------------------------- */

static bool on_sending(struct leg *l, const struct leg_sending *s, void *arg)
{
	struct call *c = arg;

	(void)s; /* the leg knows it too, and the record is written from there */
	return l != c->callee || call_record_sent(c);
}

static void on_progress(struct leg *l, const struct leg_message *m, void *arg)
{
	struct call *c = arg;

	if (l != c->callee || c->step != CALL_CALLING)
		return;
	if (m->status == 180 || m->status == 183)
		desk_ringing(calls_desk(c->calls), &c->held, m->status);
	if (c->is_agent_on_ringing && c->agent_step == AGENT_NONE && !start_agent(c, STR_NONE))
		call_end_unjoined(c, DIALER_BY_AGENT, 0);
}

static void on_answered(struct leg *l, const struct leg_message *m, void *arg)
{
	struct call *c = arg;

	if (c->step == CALL_BRIDGED)
		on_relayed_answer(c, l, m);
	else if (l == c->agent)
		on_agent_answer(c, m);
	else if (c->step == CALL_CALLING)
		on_callee_answer(c, m);
	else
		on_callee_joined(c, m);
}

static void on_leg_ended(struct leg *l, const struct leg_message *m, void *arg)
{
	struct call *c = arg;
	bool is_callee = l == c->callee;

	if (is_callee)
		c->callee = NULL;
	else
		c->agent = NULL;
	if (c->step == CALL_BRIDGED)
		call_end_talked(c, is_callee ? DIALER_BY_CALLEE : DIALER_BY_AGENT, m->q850);
	else if (!is_callee)
		call_end_unjoined(c, DIALER_BY_AGENT, m->status);
	else if (c->step == CALL_BRIDGING)
		call_end_talked(c, DIALER_BY_CALLEE, m->q850);
	else
		call_end_refused(c, m);
}

struct leg_owner call_leg_owner(struct call *c)
{
	return (struct leg_owner){ .sending = on_sending,
				   .progress = on_progress,
				   .answered = on_answered,
				   .refused = on_refused,
				   .offered = on_offered,
				   .acked = on_acked,
				   .ended = on_leg_ended,
				   .arg = c };
}

/* --- the beginning --------------------------------------------------------------------------- */

bool call_agent_tls(const struct call *c, struct ua_tls *out)
{
	static const struct str marks[] = { { ";transport=tls", 14 }, { ";transport=TLS", 14 } };
	struct str uri = str_from(c->agent_uri);
	bool is_tls = false;

	for (size_t m = 0; m < ARRAY_LEN(marks); m++) {
		for (size_t i = 0; i + marks[m].n <= uri.n; i++)
			is_tls = is_tls || str_eq((struct str){ uri.p + i, marks[m].n }, marks[m]);
	}
	if (is_tls)
		*out = (struct ua_tls){ .host = arena_cstr(c->arena, sip_uri_host(uri)) };
	return is_tls;
}

/* A number as the user part of an address. */
static void add_user(struct strbuf *out, struct str number)
{
	for (size_t i = 0; i < number.n; i++) {
		char ch = number.p[i];
		bool is_word = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
			       (ch >= '0' && ch <= '9') || ch == '+' || ch == '*' || ch == '-' ||
			       ch == '.' || ch == '_';
		if (is_word)
			strbuf_add_c(out, ch);
		else
			strbuf_addf(out, "%%%02X", (unsigned char)ch);
	}
}

static struct err make_callee(struct call *c, const struct sip_trunk *t)
{
	char id[ID_TEXT_SIZE], call_id[LEG_ID_MAX], tag[LEG_ID_MAX];
	struct strbuf user, to, from, route;

	id_format(ID_ATTEMPT, c->held.id, id);
	(void)snprintf(call_id, sizeof(call_id), "%s.c", id);
	(void)snprintf(tag, sizeof(tag), "c%s", id + 4);
	strbuf_init(&user, URI_BYTES_MAX);
	strbuf_init(&to, URI_BYTES_MAX);
	strbuf_init(&from, URI_BYTES_MAX);
	strbuf_init(&route, URI_BYTES_MAX);
	add_user(&user, c->op.dial.to);
	trunk_uri(t, strbuf_str(&user), false, &to);
	strbuf_reset(&user);
	add_user(&user, c->op.dial.from);
	strbuf_addf(&from, "sip:%s@%.*s", strbuf_str(&user).p,
		    STR_ARG(t->from_domain.n > 0 ? t->from_domain : t->host));
	trunk_uri(t, STR_NONE, true, &route);
	struct leg_options o = { .call_id = call_id,
				 .tag = tag,
				 .to = strbuf_str(&to).p,
				 .from = strbuf_str(&from).p,
				 .route = strbuf_str(&route).p,
				 .contact_host = t->advertise_ip.p,
				 .user = t->username.p,
				 .password = t->password.p,
				 .tls = trunk_tls(c->ticket.trunk),
				 .owner = call_leg_owner(c) };
	bool fits = !strbuf_overflowed(&user) && !strbuf_overflowed(&to) &&
		    !strbuf_overflowed(&from) && !strbuf_overflowed(&route);
	struct err e = fits ? leg_new(calls_ua(c->calls), &o, &c->callee)
			    : ERR(ERR_TOO_LARGE, "a SIP address is too long");
	strbuf_deinit(&user);
	strbuf_deinit(&to);
	strbuf_deinit(&from);
	strbuf_deinit(&route);
	return e;
}

void call_place(struct call *c, const struct sip_trunk *t)
{
	struct strbuf sdp;

	c->is_late_offer = t->is_late_offer;
	c->is_agent_on_ringing = t->is_agent_on_ringing;
	if (t->advertise_ip.n > 0)
		c->callee_origin.ip = c->agent_origin.ip = t->advertise_ip.p;
	call_set_step(c, CALL_CALLING);
	timer_start(c->timer, c->op.dial.ring_us);
	struct err e = make_callee(c, t);
	strbuf_init(&sdp, SDP_MAX);
	if (!is_err(e) && !t->is_late_offer)
		sdp_black_hole(&c->callee_origin, &sdp);
	if (!is_err(e))
		e = leg_invite(c->callee, strbuf_str(&sdp));
	strbuf_deinit(&sdp);
	if (!is_err(e) || c->step == CALL_OVER)
		return;
	log_warn("call_not_placed", LID("attempt", ID_ATTEMPT, c->held.id), LERR(e));
	bool is_denied = c->callee && leg_is_denied(c->callee);
	call_end(c, 0,
		 (struct dialer_end){ .outcome = is_denied ? OUTCOME_CONFIG_ERROR
							   : OUTCOME_CARRIER_ERROR,
				      .by = is_denied ? DIALER_BY_US : DIALER_BY_CARRIER });
}
