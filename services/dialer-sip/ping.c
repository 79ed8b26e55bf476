/* An OPTIONS outside of any dialog: is the other end there? */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "leg_impl.h"
#include "sys/random.h"

struct ua_ping {
	struct ua *ua;
	struct sip_request *request;
	ua_options_fn fn;
	void *arg;
};

static int print_contact(enum sip_transp tp, const struct sa *src, const struct sa *dst,
			 struct mbuf *mb, void *arg)
{
	struct sip_contact c;

	(void)dst;
	(void)arg;
	sip_contact_set(&c, UA_NAME, src, tp);
	return mbuf_printf(mb, "%H", sip_contact_print, &c);
}

static void on_response(int err, const struct sip_msg *msg, void *arg)
{
	struct ua_ping *p = arg;

	if (!err && msg && msg->scode < 200)
		return;
	p->fn(err || !msg ? 0 : msg->scode, p->arg);
}

struct err ua_ping_new(struct ua *u, const struct ua_ping_options *o, struct ua_ping **out)
{
	struct ua_stack *s = ua_stack_for(u, o->tls);
	struct pl text;
	struct uri hop;
	uint8_t bits[8];
	uint64_t id;

	pl_set_str(&text, o->uri);
	if (!s || uri_decode(&hop, &text) != 0)
		return ERR(ERR_INVALID, "this peer cannot be asked");
	struct ua_ping *p = xcalloc(1, sizeof(*p));
	p->ua = u;
	p->fn = o->fn;
	p->arg = o->arg;
	random_bytes(bits, sizeof(bits));
	memcpy(&id, bits, sizeof(id));
	int err = sip_requestf(&p->request, s->sip, true, "OPTIONS", o->uri, &hop, NULL,
			       print_contact, on_response, p,
			       "To: <%s>\r\nFrom: <sip:" UA_NAME "@%s>;tag=%016llx\r\n"
			       "Call-ID: options-%016llx\r\nCSeq: 1 OPTIONS\r\n"
			       "User-Agent: " UA_NAME "\r\nContent-Length: 0\r\n\r\n",
			       o->uri, u->ip, (unsigned long long)id, (unsigned long long)id);
	if (err) {
		free(p);
		return ERR(ERR_UNAVAILABLE, "an OPTIONS could not be sent");
	}
	*out = p;
	return OK;
}

void ua_ping_free(struct ua_ping *p)
{
	if (!p)
		return;
	mem_deref(p->request); /* libre forgets the response handler with it */
	free(p);
}
