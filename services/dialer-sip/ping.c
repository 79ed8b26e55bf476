/* An OPTIONS outside of any dialog: is the other end there, and does it take our password? */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "leg_impl.h"
#include "sys/random.h"

struct ua_ping {
	struct ua *ua;
	struct ua_stack *stack;
	struct sip_request *request;
	struct sip_auth *auth;
	char *uri, *user, *password;
	char id[20];
	unsigned cseq;
	struct servers servers;
	ua_pong_fn fn;
	void *arg;
};

static int print_contact(enum sip_transp tp, const struct sa *src, const struct sa *dst,
			 struct mbuf *mb, void *arg)
{
	struct ua_ping *p = arg;
	struct sip_contact c;

	if (!ua_may_reach(p->ua, dst))
		return EACCES;
	int err = servers_ask(&p->servers, dst);
	if (err)
		return err;
	sip_contact_set(&c, UA_NAME, src, tp);
	return mbuf_printf(mb, "%H", sip_contact_print, &c);
}

static int give_credentials(char **user, char **password, const char *realm, void *arg)
{
	const struct ua_ping *p = arg;

	(void)realm;
	int err = str_dup(user, p->user);
	return err ? err : str_dup(password, p->password);
}

static void on_response(int err, const struct sip_msg *msg, void *arg);

static int send_options(struct ua_ping *p)
{
	struct pl text;
	struct uri hop;

	pl_set_str(&text, p->uri);
	int err = uri_decode(&hop, &text);
	if (err)
		return err;
	p->cseq++;
	servers_begin(&p->servers, p->ua, p);
	return sip_requestf(&p->request, p->stack->sip, true, "OPTIONS", p->uri, &hop, p->auth,
			    print_contact, on_response, p,
			    "To: <%s>\r\nFrom: <sip:" UA_NAME "@%s>;tag=%s\r\n"
			    "Call-ID: options-%s\r\nCSeq: %u OPTIONS\r\n"
			    "User-Agent: " UA_NAME "\r\nContent-Length: 0\r\n\r\n",
			    p->uri, p->ua->ip, p->id, p->id, p->cseq);
}

static void on_response(int err, const struct sip_msg *msg, void *arg)
{
	struct ua_ping *p = arg;
	struct leg_message m;

	if (msg)
		servers_heard(&p->servers);
	if (!err && msg && msg->scode < 200)
		return;
	bool is_asked = !err && msg && (msg->scode == 401 || msg->scode == 407);
	if (is_asked && p->user && sip_auth_authenticate(p->auth, msg) == 0 && send_options(p) == 0)
		return;
	ua_read_message(err, msg, &m);
	p->fn(&(struct ua_pong){ .status = m.status, .failure = m.failure }, p->arg);
}

static struct err begin(struct ua_ping *p)
{
	int err = sip_auth_alloc(&p->auth, give_credentials, p, false);

	if (!err)
		err = send_options(p);
	return err ? ERR(ERR_UNAVAILABLE, "an OPTIONS could not be sent") : OK;
}

struct err ua_ping_new(struct ua *u, const struct ua_ping_options *o, struct ua_ping **out)
{
	struct ua_stack *s = ua_stack_for(u, o->tls);
	uint8_t bits[8];
	uint64_t id;

	if (!s)
		return ERR(ERR_UNAVAILABLE, "no TLS for this peer");
	struct ua_ping *p = xcalloc(1, sizeof(*p));
	p->ua = u;
	p->stack = s;
	p->fn = o->fn;
	p->arg = o->arg;
	p->uri = xstrdup(o->uri);
	if (o->user && *o->user) {
		p->user = xstrdup(o->user);
		p->password = xstrdup(o->password ? o->password : "");
	}
	random_bytes(bits, sizeof(bits));
	memcpy(&id, bits, sizeof(id));
	(void)snprintf(p->id, sizeof(p->id), "%016llx", (unsigned long long)id);
	struct err e = begin(p);
	if (is_err(e)) {
		ua_ping_free(p);
		return e;
	}
	*out = p;
	return OK;
}

void ua_ping_free(struct ua_ping *p)
{
	if (!p)
		return;
	servers_end(&p->servers);
	mem_deref(p->request); /* libre forgets the response handler with it */
	mem_deref(p->auth);
	if (p->password)
		mem_wipe(p->password, strlen(p->password));
	free(p->password);
	free(p->user);
	free(p->uri);
	free(p);
}
