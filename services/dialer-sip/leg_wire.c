/* What a leg sends. libre composes Via, the branch and the digest; the rest of each request is written
 * here, since its own dialogs choose Call-ID and tag by themselves. */
#include <errno.h>
#include <string.h>

#include "leg_impl.h"

#define ALLOW "Allow: INVITE,ACK,CANCEL,BYE,OPTIONS\r\n"
#define ROUTE_PREFIX 7 /* "Route: " */

/* The next hop: the first Route of a dialog, its target, or where the trunk says. A target that names
 * no transport keeps the one that its dialog began on. */
static int next_hop(const struct leg *l, char text[LEG_TEXT_MAX + 32], struct uri *out)
{
	struct pl first = PL_INIT, unused;
	struct sip_addr a;
	const char *uri = l->remote_tag[0] || l->route[0] == '\0' ? l->target : l->route;

	if (l->routes && mbuf_get_left(l->routes) > ROUTE_PREFIX) {
		const char *p = (const char *)mbuf_buf(l->routes) + ROUTE_PREFIX;
		const char *end = memchr(p, '\r', mbuf_get_left(l->routes) - ROUTE_PREFIX);
		first = (struct pl){ p, end ? (size_t)(end - p) : 0 };
		if (sip_addr_decode(&a, &first) == 0)
			(void)re_snprintf(text, LEG_TEXT_MAX + 32, "%r", &a.auri);
		else
			return EBADMSG;
	} else {
		(void)re_snprintf(text, LEG_TEXT_MAX + 32, "%s", uri);
	}
	struct pl whole;
	pl_set_str(&whole, text);
	int err = uri_decode(out, &whole);
	if (err || msg_param_decode(&out->params, "transport", &unused) == 0)
		return err;
	bool is_dialog = l->remote_tag[0] != '\0' && l->sent.tp != SIP_TRANSP_NONE;
	const char *tp = is_dialog       ? sip_transp_param(l->sent.tp)
			 : l->stack->tls ? ";transport=tls"
					 : "";
	size_t n = strlen(text);
	(void)re_snprintf(text + n, LEG_TEXT_MAX + 32 - n, "%s", tp);
	pl_set_str(&whole, text);
	return uri_decode(out, &whole);
}

struct request {
	const char *method;
	uint32_t cseq;
	struct str sdp;
	const char *extra; /* header lines */
	bool is_stateful;
	struct sip_request **handle;
	sip_send_h *on_send;
	sip_resp_h *on_response;
};

static int send_request(struct leg *l, const struct request *r)
{
	char hop_text[LEG_TEXT_MAX + 32];
	struct uri hop;
	size_t routes_n = l->routes ? mbuf_get_left(l->routes) : 0;
	int err = next_hop(l, hop_text, &hop);

	if (err)
		return err;
	return sip_requestf(r->handle, l->stack->sip, r->is_stateful, r->method, l->target, &hop,
			    l->auth, r->on_send, r->on_response, l,
			    "%b"
			    "To: <%s>%s%s\r\n"
			    "From: <%s>;tag=%s\r\n"
			    "Call-ID: %s\r\n"
			    "CSeq: %u %s\r\n"
			    "User-Agent: " UA_NAME "\r\n"
			    "%s%s"
			    "Content-Length: %zu\r\n\r\n"
			    "%b",
			    routes_n ? mbuf_buf(l->routes) : NULL, routes_n, l->to,
			    l->remote_tag[0] ? ";tag=" : "", l->remote_tag, l->from, l->tag,
			    l->call_id, r->cseq, r->method, r->extra ? r->extra : "",
			    r->sdp.n ? "Content-Type: application/sdp\r\n" : "", r->sdp.n, r->sdp.p,
			    r->sdp.n);
}

/* --- INVITE ---------------------------------------------------------------------------------- */

static int print_contact(const struct leg *l, enum sip_transp tp, const struct sa *src,
			 struct mbuf *mb)
{
	struct sa at = *src;
	struct sip_contact c;
	const char *host = l->contact_host[0] ? l->contact_host : l->ua->ip;

	if (sa_set_str(&at, host, sa_port(src)) != 0)
		return EINVAL;
	sip_contact_set(&c, UA_NAME, &at, tp);
	return mbuf_printf(mb, "%H", sip_contact_print, &c);
}

/* The branch that libre chose, from the Via line that it has just written. */
static void learn_branch(struct leg *l, const struct mbuf *mb)
{
	struct pl branch;

	l->sent.branch[0] = '\0';
	if (re_regex((const char *)mb->buf, mb->end, ";branch=[^;\r]+", &branch) == 0)
		(void)pl_strcpy(&branch, l->sent.branch, sizeof(l->sent.branch));
}

/* The server before this one was given up, and may have heard all the same. */
static void keep_silent(struct leg *l)
{
	if (servers_was_silent(&l->servers) && l->silent_n < LEG_SILENT_MAX)
		l->silent[l->silent_n++] = l->sent;
}

static int on_send_invite(enum sip_transp tp, const struct sa *src, const struct sa *dst,
			  struct mbuf *mb, void *arg)
{
	struct leg *l = arg;
	char peer[64];

	/* A name may be found after the call was given up: nothing leaves for it any more. */
	if (l->state == LEG_CANCELLING || l->state == LEG_CLOSING || l->state == LEG_DEAD)
		return ECANCELED;
	/* Another server of the same name is asked only while nothing says that the first one took
	 * the call: what is connected and then lost may ring. Over UDP only a 503 leads here. */
	if (l->has_provisional && (l->state == LEG_RINGING || tp != SIP_TRANSP_UDP))
		return ECONNABORTED;
	if (!ua_may_reach(l->ua, dst)) {
		l->is_denied = true;
		return EACCES;
	}
	keep_silent(l);
	int err = servers_ask(&l->servers, dst);
	if (err)
		return err;
	l->sent.tp = tp;
	l->sent.peer = *dst;
	learn_branch(l, mb);
	if (l->has_owner && l->owner.sending && !l->remote_tag[0]) {
		struct leg_sending s = { .branch = l->sent.branch,
					 .transport = sip_transp_name(tp),
					 .peer = peer };
		(void)re_snprintf(peer, sizeof(peer), "%J", dst);
		if (!l->owner.sending(l, &s, l->owner.arg))
			return ECANCELED;
	}
	return print_contact(l, tp, src, mb);
}

int leg_send_invite(struct leg *l)
{
	struct mbuf *extra = mbuf_alloc(512);
	char *lines = NULL;
	const bool is_first = l->remote_tag[0] == '\0';
	struct request r = { .method = "INVITE",
			     .cseq = l->cseq++,
			     .is_stateful = true,
			     .handle = &l->invite,
			     .on_send = on_send_invite,
			     .on_response = leg_on_response };

	if (!extra)
		return ENOMEM;
	if (l->sdp)
		r.sdp = (struct str){ (const char *)mbuf_buf(l->sdp), mbuf_get_left(l->sdp) };
	l->invite_cseq = r.cseq;
	l->has_provisional = false;
	l->is_denied = false;
	servers_begin(&l->servers, l->ua, l);
	int err = mbuf_printf(extra, ALLOW "%s", is_first && l->headers ? l->headers : "");
	extra->pos = 0;
	if (!err)
		err = mbuf_strdup(extra, &lines, extra->end);
	r.extra = lines;
	if (!err)
		err = send_request(l, &r);
	mem_deref(lines);
	mem_deref(extra);
	return err;
}

/* --- ACK, BYE, CANCEL ------------------------------------------------------------------------ */

/* Kept with the request line and Via that stand before: each repeated 2xx gets the same bytes. */
static int on_send_ack(enum sip_transp tp, const struct sa *src, const struct sa *dst,
		       struct mbuf *mb, void *arg)
{
	struct leg *l = arg;

	(void)src;
	if (!ua_may_reach(l->ua, dst))
		return EACCES;
	mem_deref(l->ack);
	l->ack = mem_ref(mb);
	l->ack_peer = *dst;
	l->ack_tp = tp;
	return 0;
}

int leg_send_ack(struct leg *l, struct str sdp)
{
	struct request r = {
		.method = "ACK", .cseq = l->invite_cseq, .sdp = sdp, .on_send = on_send_ack
	};

	return send_request(l, &r);
}

static int on_send_bye(enum sip_transp tp, const struct sa *src, const struct sa *dst,
		       struct mbuf *mb, void *arg)
{
	const struct leg *l = arg;

	(void)tp;
	(void)src;
	(void)mb;
	return ua_may_reach(l->ua, dst) ? 0 : EACCES;
}

int leg_send_bye(struct leg *l, const char *reason, sip_resp_h *fn)
{
	struct request r = { .method = "BYE",
			     .cseq = l->cseq++,
			     .extra = reason,
			     .is_stateful = true,
			     .on_send = on_send_bye,
			     .on_response = fn };

	return send_request(l, &r);
}

/* A request that repeats the Via of an INVITE: what libre would do, had it still the transaction. */
static void send_by_hand(struct leg *l, const struct leg_sent *s, const char *method,
			 const char *to)
{
	struct mbuf *mb = mbuf_alloc(512);

	if (!mb)
		return;
	int err = mbuf_printf(mb,
			      "%s %s SIP/2.0\r\nVia: SIP/2.0/%s %J;branch=%s;rport\r\n"
			      "Max-Forwards: 70\r\nTo: %s\r\nFrom: <%s>;tag=%s\r\nCall-ID: %s\r\n"
			      "CSeq: %u %s\r\nUser-Agent: " UA_NAME "\r\nContent-Length: 0\r\n\r\n",
			      method, l->target, sip_transp_name(s->tp), &l->ua->address, s->branch,
			      to, l->from, l->tag, l->call_id, l->invite_cseq, method);
	mb->pos = 0;
	if (!err && s->branch[0])
		(void)sip_send(l->stack->sip, NULL, s->tp, &s->peer,
			       mb); /* it may be lost anyway */
	mem_deref(mb);
}

void leg_send_cancel_by_hand(struct leg *l, const struct leg_sent *s)
{
	char to[LEG_TEXT_MAX + 2];

	(void)re_snprintf(to, sizeof(to), "<%s>", l->to);
	send_by_hand(l, s, "CANCEL", to);
}

void leg_ack_by_hand(struct leg *l, const struct leg_sent *s, const struct sip_msg *msg)
{
	char to[LEG_TEXT_MAX + 160];

	(void)re_snprintf(to, sizeof(to), "%r", &msg->to.val);
	send_by_hand(l, s, "ACK", to);
}

/* --- what a response teaches ----------------------------------------------------------------- */

static bool add_route(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	(void)msg;
	return mbuf_printf(arg, "Route: %r\r\n", &hdr->val) != 0;
}

void leg_learn_dialog(struct leg *l, const struct sip_msg *msg)
{
	const struct sip_hdr *contact = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	struct sip_addr a;

	if (contact && sip_addr_decode(&a, &contact->val) == 0 && a.auri.l < LEG_TEXT_MAX)
		(void)pl_strcpy(&a.auri, l->target, sizeof(l->target));
	if (l->remote_tag[0] || msg->req)
		return;
	(void)pl_strcpy(&msg->to.tag, l->remote_tag, sizeof(l->remote_tag));
	l->sent.tp = msg->tp;
	l->routes = mbuf_alloc(128);
	/* In reverse: the last one that recorded itself is the nearest to us. */
	if (l->routes && !sip_msg_hdr_apply(msg, false, SIP_HDR_RECORD_ROUTE, add_route, l->routes))
		l->routes->pos = 0;
}
