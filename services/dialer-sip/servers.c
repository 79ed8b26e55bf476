/* A name's servers are counted as DNS finds them: the request that holds them is libre's own. */
#include "servers.h"

#include <errno.h>

#include "leg_impl.h"
#include "re_loop.h"
#include "sys/log.h"

#define DEAD_US (30 * USEC_PER_SEC)

void servers_begin(struct servers *v, struct ua *u, const void *arg)
{
	servers_end(v);
	v->ua = u;
	v->key = (size_t)(uintptr_t)arg;
	v->srv = v->addresses = 0;
	v->mono_asked_at = 0;
	list_append(&u->asking, &v->le, v);
}

void servers_end(struct servers *v)
{
	if (v->le.re_list)
		list_unlink(&v->le);
}

void servers_on_found(size_t key, bool is_srv, size_t n, void *arg)
{
	const struct ua *u = arg;

	for (struct le *le = u->asking.head; le; le = le->next) {
		struct servers *v = le->data;
		if (v->key != key)
			continue;
		if (is_srv)
			v->srv = n;
		else
			v->addresses = n;
		if (!is_srv && v->srv > 0)
			v->srv--; /* these are its addresses */
		return;
	}
}

/* --- the dead -------------------------------------------------------------------------------- */

static struct server_dead *find_dead(struct ua *u, const struct sa *at)
{
	for (size_t i = 0; i < SERVERS_DEAD_MAX; i++) {
		struct server_dead *d = &u->dead[i];
		if (d->mono_until > loop_mono(u->loop) && sa_cmp(&d->at, at, SA_ALL))
			return d;
	}
	return NULL;
}

static void bury_server(struct ua *u, const struct sa *at)
{
	struct server_dead *d = find_dead(u, at);
	char text[64];

	if (d == NULL) {
		d = &u->dead[u->dead_next++ % SERVERS_DEAD_MAX];
		(void)re_snprintf(text, sizeof(text), "%J", at);
		log_warn("server_silent", LS("address", text));
	}
	*d = (struct server_dead){ .at = *at, .mono_until = loop_mono(u->loop) + DEAD_US };
}

/* --- asking ---------------------------------------------------------------------------------- */

bool servers_was_silent(const struct servers *v)
{
	return v->mono_asked_at != 0 &&
	       loop_mono(v->ua->loop) - v->mono_asked_at >= (SERVERS_WAIT_MS - 1) * USEC_PER_MS;
}

int servers_ask(struct servers *v, const struct sa *dst)
{
	if (servers_was_silent(v))
		bury_server(v->ua, &v->peer);
	if (v->addresses > 0)
		v->addresses--;
	bool has_others = v->addresses > 0 || v->srv > 0;
	if (has_others && find_dead(v->ua, dst))
		return EHOSTDOWN;
	if (has_others)
		re_loop_shorten_next(64 * SIP_T1, SERVERS_WAIT_MS);
	v->peer = *dst;
	v->mono_asked_at = loop_mono(v->ua->loop);
	return 0;
}

void servers_heard(struct servers *v)
{
	if (v->mono_asked_at == 0)
		return;
	struct server_dead *d = find_dead(v->ua, &v->peer);
	v->mono_asked_at = 0;
	if (d)
		d->mono_until = 0;
}
