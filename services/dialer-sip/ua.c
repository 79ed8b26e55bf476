/* Stacks and legs by Call-ID. What belongs to no dialog of ours is answered 481 (an OPTIONS 200): this
 * process takes no calls. */
#include "ua.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"
#include "leg_impl.h"
#include "re_loop.h"
#include "sys/log.h"
#include "tls_profile.h"

#define TRANSACTION_BUCKETS 16384
#define CONNECTION_BUCKETS 256
#define DNS_SERVERS_MAX 4
#define STACKS_MAX 128

struct str pl_text(const struct pl *p)
{
	return (struct str){ p->p, p->l };
}

/* --- messages -------------------------------------------------------------------------------- */

/* The Q.850 cause of one of the Reason headers, each of which may hold several. */
static bool read_reason(const struct sip_hdr *hdr, const struct sip_msg *msg, void *arg)
{
	struct str rest = pl_text(&hdr->val), one, word, params;
	int64_t cause;

	(void)msg;
	while (str_split(rest, ',', &one, &rest) || one.n > 0) {
		(void)str_split(str_trim(one), ';', &word, &params);
		if (!str_eq_nocase(str_trim(word), STR("Q.850")))
			continue;
		while (str_split(params, ';', &word, &params) || word.n > 0) {
			struct str name, value;
			(void)str_split(str_trim(word), '=', &name, &value);
			if (str_eq_nocase(str_trim(name), STR("cause")) &&
			    !is_err(parse_i64(str_trim(value), 1, 127, &cause))) {
				*(int *)arg = (int)cause;
				return true;
			}
		}
	}
	return false;
}

static void read_retry_after(const struct sip_msg *msg, struct leg_message *out)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER);
	int64_t s = 0;
	size_t n = 0;

	if (!hdr)
		return;
	while (n < hdr->val.l && hdr->val.p[n] >= '0' && hdr->val.p[n] <= '9')
		n++;
	out->has_retry_after = true;
	if (!is_err(parse_i64((struct str){ hdr->val.p, n }, 0, 86400, &s)))
		out->retry_after_us = s * USEC_PER_SEC;
}

void ua_read_message(int err, const struct sip_msg *msg, struct leg_message *out)
{
	*out = (struct leg_message){ .status = 0 };
	if (!msg) {
		out->failure = err == ETIMEDOUT ? "no answer" : strerror(err);
		return;
	}
	out->status = msg->req ? 0 : msg->scode;
	out->body = (struct str){ (const char *)mbuf_buf(msg->mb), mbuf_get_left(msg->mb) };
	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_REASON, read_reason, &out->q850);
	read_retry_after(msg, out);
}

/* --- where packets may go -------------------------------------------------------------------- */

bool ua_may_reach(const struct ua *u, const struct sa *to)
{
	char text[64];

	if (address_is_allowed(u->policy, &to->u.sa))
		return true;
	(void)re_snprintf(text, sizeof(text), "%j", to);
	log_warn("address_denied", LS("address", text));
	return false;
}

/* --- legs ------------------------------------------------------------------------------------ */

struct dialog_key {
	const struct pl *call_id, *tag;
};

static bool is_leg(struct le *le, void *arg)
{
	const struct leg *l = le->data;
	const struct dialog_key *k = arg;

	return pl_strcmp(k->call_id, l->call_id) == 0 && pl_strcmp(k->tag, l->tag) == 0;
}

static struct leg *find_leg(const struct ua *u, const struct pl *call_id, const struct pl *tag)
{
	struct dialog_key k = { .call_id = call_id, .tag = tag };

	return list_ledata(hash_lookup(u->legs, hash_joaat_pl(call_id), is_leg, &k));
}

void ua_add_leg(struct ua *u, struct leg *l)
{
	hash_append(u->legs, hash_joaat_str(l->call_id), &l->he, l);
}

void ua_remove_leg(struct leg *l)
{
	if (l->he.re_list)
		hash_unlink(&l->he);
}

static bool on_request(const struct sip_msg *msg, void *arg)
{
	struct ua_stack *s = arg;
	struct leg *l = find_leg(s->ua, &msg->callid, &msg->to.tag);
	bool is_ack = pl_strcmp(&msg->met, "ACK") == 0;

	if (l && pl_strcmp(&msg->from.tag, l->remote_tag) == 0) {
		leg_on_request(l, msg);
	} else if (is_ack) {
		return true; /* an ACK is never answered */
	} else if (pl_strcmp(&msg->met, "OPTIONS") == 0 && !pl_isset(&msg->to.tag)) {
		(void)sip_replyf(s->sip, msg, 200, "OK",
				 "Allow: INVITE,ACK,CANCEL,BYE,OPTIONS\r\n"
				 "Accept: application/sdp\r\nContent-Length: 0\r\n\r\n");
	} else {
		(void)sip_reply(s->sip, msg, 481, "Call/Transaction Does Not Exist");
	}
	return true;
}

/* Responses without a transaction: a 2xx that is repeated, or calls of an earlier process. */
static bool on_response(const struct sip_msg *msg, void *arg)
{
	struct ua_stack *s = arg;

	if (pl_strcmp(&msg->cseq.met, "INVITE") != 0)
		return true;
	struct leg *l = find_leg(s->ua, &msg->callid, &msg->from.tag);
	if (l)
		leg_on_stray_response(l, msg);
	else if (msg->scode >= 200 && msg->scode < 300)
		leg_hang_up_stray(s, msg);
	return true;
}

/* --- stacks ---------------------------------------------------------------------------------- */

static void free_stack(struct ua_stack *s)
{
	list_unlink(&s->le);
	mem_deref(s->requests);
	mem_deref(s->responses);
	if (s->sip)
		sip_close(s->sip, true);
	mem_deref(s->sip);
	mem_deref(s->tls);
	free(s->ca);
	free(s->host);
	free(s);
}

static struct ua_stack *new_stack(struct ua *u)
{
	struct ua_stack *s = xcalloc(1, sizeof(*s));

	s->ua = u;
	int err = sip_alloc(&s->sip, u->dnsc, TRANSACTION_BUCKETS, TRANSACTION_BUCKETS,
			    CONNECTION_BUCKETS, UA_NAME, NULL, NULL);
	err |= sip_listen(&s->requests, s->sip, true, on_request, s);
	err |= sip_listen(&s->responses, s->sip, false, on_response, s);
	if (err) {
		free_stack(s);
		return NULL;
	}
	list_append(&u->stacks, &s->le, s);
	return s;
}

static bool is_profile(const struct ua_stack *s, const struct ua_tls *tls)
{
	return s->tls && strcmp(s->host, tls->host) == 0 &&
	       strcmp(s->ca, tls->ca ? tls->ca : "") == 0;
}

struct ua_stack *ua_stack_for(struct ua *u, const struct ua_tls *tls)
{
	struct sa any = u->address;

	if (!tls)
		return list_ledata(u->stacks.head);
	for (struct le *le = u->stacks.head; le; le = le->next) {
		if (is_profile(le->data, tls))
			return le->data;
	}
	if (list_count(&u->stacks) >= STACKS_MAX) {
		log_error("tls_profiles_full", LI("max", STACKS_MAX));
		return NULL;
	}
	struct ua_stack *s = new_stack(u);
	if (!s)
		return NULL;
	s->ca = xstrdup(tls->ca ? tls->ca : "");
	s->host = xstrdup(tls->host);
	sa_set_port(&any, 0);
	int err = tls_profile_new(s->ca, s->host, &s->tls);
	if (!err)
		err = sip_transp_add(s->sip, SIP_TRANSP_TLS, &any, s->tls);
	if (!err)
		return s;
	log_error("tls_profile_failed", LS("host", tls->host), LS("reason", strerror(err)));
	free_stack(s);
	return NULL;
}

/* --- life ------------------------------------------------------------------------------------ */

static struct err open_dns(struct ua *u, const char *servers)
{
	struct sa v[DNS_SERVERS_MAX];
	uint32_t n = 0;
	char domain[256];
	struct str rest = str_from(servers), one;

	while (rest.n > 0 && n < DNS_SERVERS_MAX) {
		(void)str_split(rest, ',', &one, &rest); /* the last one has no comma */
		struct pl p = { one.p, one.n };
		if (sa_decode(&v[n], p.p, p.l) != 0)
			return ERR(ERR_INVALID, "BELFRY_SIP_DNS is ip:port[,ip:port...]");
		n++;
	}
	if (n == 0) {
		n = DNS_SERVERS_MAX;
		if (dns_srv_get(domain, sizeof(domain), v, &n) != 0)
			n = 0;
	}
	/* Without a server names cannot be used, addresses can. */
	if (n > 0 && dnsc_alloc(&u->dnsc, NULL, v, n) != 0)
		return ERR(ERR_IO, "cannot open the DNS client");
	return OK;
}

static struct err open_address(struct ua *u, const struct ua_options *o)
{
	if (sa_decode(&u->address, o->listen, strlen(o->listen)) != 0)
		return ERR(ERR_INVALID, "BELFRY_SIP_LISTEN is ip:port");
	if (sa_is_any(&u->address)) {
		uint16_t port = sa_port(&u->address);
		if (net_default_source_addr_get(sa_af(&u->address), &u->address) != 0)
			return ERR(ERR_INVALID, "no default route: BELFRY_SIP_LISTEN must name the "
						"address");
		sa_set_port(&u->address, port);
	}
	struct ua_stack *s = new_stack(u);
	if (!s)
		return ERR(ERR_IO, "cannot make a SIP stack");
	if (sip_transp_add(s->sip, SIP_TRANSP_UDP, &u->address) != 0)
		return ERR(ERR_IO, "cannot bind BELFRY_SIP_LISTEN for UDP");
	if (sip_transp_laddr(s->sip, &u->address, SIP_TRANSP_UDP, &u->address) != 0 ||
	    sip_transp_add(s->sip, SIP_TRANSP_TCP, &u->address) != 0)
		return ERR(ERR_IO, "cannot bind BELFRY_SIP_LISTEN for TCP");
	if (o->advertise && *o->advertise) {
		struct sa probe;
		if (sa_set_str(&probe, o->advertise, 0) != 0)
			return ERR(ERR_INVALID, "BELFRY_SIP_ADVERTISE is an ip address");
		(void)re_snprintf(u->ip, sizeof(u->ip), "%j", &probe);
	} else {
		(void)re_snprintf(u->ip, sizeof(u->ip), "%j", &u->address);
	}
	return OK;
}

struct err ua_open(struct loop *l, const struct ua_options *o, struct ua **out)
{
	struct ua *u = xcalloc(1, sizeof(*u));
	struct err e = OK;

	u->loop = l;
	re_loop_on_servers(servers_on_found, u);
	if (is_err(address_policy_new(str_from(o->allow ? o->allow : ""), &u->policy)))
		e = ERR(ERR_INVALID, "BELFRY_SIP_ALLOW_CIDRS is block[,block...]");
	else if (hash_alloc(&u->legs, LEGS_BUCKETS) != 0)
		e = ERR(ERR_IO, "cannot make the table of dialogs");
	if (!is_err(e))
		e = open_dns(u, o->dns ? o->dns : "");
	if (!is_err(e))
		e = open_address(u, o);
	if (is_err(e)) {
		ua_close(u);
		return e;
	}
	*out = u;
	return OK;
}

static bool disown_leg(struct le *le, void *arg)
{
	struct leg *l = le->data;

	(void)arg;
	l->has_owner = false;
	return false;
}

static bool free_leg(struct le *le, void *arg)
{
	struct leg *l = le->data;

	(void)arg;
	mem_deref(l);
	return false;
}

void ua_close(struct ua *u)
{
	if (!u)
		return;
	re_loop_on_servers(NULL, NULL);
	/* What still runs in a stack ends first, since it holds its leg without counting. */
	if (u->legs)
		(void)hash_apply(u->legs, disown_leg, NULL);
	for (struct le *le = u->stacks.head; le; le = le->next)
		sip_close(((struct ua_stack *)le->data)->sip, true);
	if (u->legs)
		(void)hash_apply(u->legs, free_leg, NULL);
	for (struct le *le = u->stacks.head, *next; le; le = next) {
		next = le->next;
		free_stack(le->data);
	}
	mem_deref(u->legs);
	mem_deref(u->dnsc);
	address_policy_free(u->policy);
	free(u);
}

const char *ua_address(const struct ua *u)
{
	return u->ip;
}

int ua_port(const struct ua *u)
{
	return sa_port(&u->address);
}
