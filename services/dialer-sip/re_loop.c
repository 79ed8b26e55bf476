/* Timers: libre uses few different delays (T1 and its doublings, 32 s, ...), so there is one queue
 * per delay, each in the order of its instants, and a queue for the odd ones.
 *
 * The one mutable global of this program: libre's functions take no context, so neither can what
 * stands in for them. */
#include "re_loop.h"

#include <dlfcn.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "re_api.h"
#include "sys/log.h"

#define RE_VERSION "1.1.0"
#define CLASSES_MAX 32
#define FDS_MAX 65536
#define UDP_BUFFER_BYTES (4 * 1024 * 1024)
#define DELAY_NONE UINT64_MAX

#define SWEEP_US (10 * USEC_PER_SEC)

struct watch {
	struct event *event;
	fd_h *fn;
	void *arg;
	bool is_inbound;
	struct sa peer; /* of an inbound connection */
	usec_t mono_read_at;
};

/* What libre does where this program stands in. */
struct originals {
	int (*accept)(struct tcp_conn **, struct tcp_sock *, tcp_estab_h *, tcp_recv_h *,
		      tcp_close_h *, void *);
	void (*sort)(struct re_list *, uint16_t, size_t);
	void (*sort_addr)(struct re_list *, size_t);
};

struct delay_class {
	uint64_t delay;
	struct re_list timers;
};

struct re_loop {
	struct loop *loop;
	struct timer *timer;
	struct watch *watches;
	size_t watches_n;
	struct delay_class classes[CLASSES_MAX];
	size_t classes_n;
	struct re_list odd;
	uint64_t armed;                    /* the instant that the timer is set to */
	uint64_t shorten_from, shorten_to; /* 0 = none is shortened */
	struct originals libre;
	re_servers_fn on_servers;
	void *on_servers_arg;
	size_t inbound_n;
	struct timer *sweep;
};

static struct re_loop *current;

/* --- descriptors ----------------------------------------------------------------------------- */

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	struct re_loop *r = arg;
	struct watch w = r->watches[fd];
	int flags = 0;

	r->shorten_from = 0;
	r->watches[fd].mono_read_at = loop_mono(r->loop);

	if (what & EV_READ)
		flags |= FD_READ;
	if (what & EV_WRITE)
		flags |= FD_WRITE;
	if (w.fn)
		w.fn(flags, w.arg);
}

static void grow_watches(struct re_loop *r, size_t n)
{
	struct watch *v = xcalloc(n, sizeof(*v));

	if (r->watches_n > 0)
		memcpy(v, r->watches, r->watches_n * sizeof(*v));
	free(r->watches);
	r->watches = v;
	r->watches_n = n;
}

/* A turn of the loop may be as long as a batch of calls; what comes meanwhile waits in the kernel. */
static void widen(int fd)
{
	int type = 0, bytes = UDP_BUFFER_BYTES;
	socklen_t n = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) != 0 || type != SOCK_DGRAM)
		return;
	/* With the right to, beyond the system's limit; otherwise as far as that goes. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

int fd_listen(int fd, int flags, fd_h *fh, void *arg)
{
	struct re_loop *r = current;
	short what = EV_PERSIST;

	if (!r || fd < 0 || fd >= FDS_MAX)
		return EBADF;
	if ((size_t)fd >= r->watches_n)
		grow_watches(r, (size_t)fd + 64);
	struct watch *w = &r->watches[fd];
	if (w->event)
		event_free(w->event);
	else if (flags)
		widen(fd);
	w->event = NULL;
	w->fn = fh;
	w->arg = arg;
	if (!flags) {
		r->inbound_n -= w->is_inbound;
		w->is_inbound = false;
		return 0;
	}
	if (flags & (FD_READ | FD_EXCEPT))
		what |= EV_READ;
	if (flags & FD_WRITE)
		what |= EV_WRITE;
	w->event = event_new(loop_base(r->loop), fd, what, on_event, r);
	return w->event && event_add(w->event, NULL) == 0 ? 0 : ENOMEM;
}

void fd_close(int fd)
{
	if (current && fd >= 0 && (size_t)fd < current->watches_n)
		(void)fd_listen(fd, 0, NULL, NULL); /* without flags it only forgets */
}

/* --- connections from outside ---------------------------------------------------------------- */

static size_t count_inbound(const struct re_loop *r, const struct sa *peer)
{
	size_t n = 0;

	for (size_t i = 0; i < r->watches_n; i++)
		n += r->watches[i].is_inbound && sa_cmp(&r->watches[i].peer, peer, SA_ADDR);
	return n;
}

int tcp_accept(struct tcp_conn **tcp, struct tcp_sock *ts, tcp_estab_h *eh, tcp_recv_h *rh,
	       tcp_close_h *ch, void *arg)
{
	struct re_loop *r = current;
	struct sa peer;

	if (!r)
		return EINVAL;
	int err = r->libre.accept(tcp, ts, eh, rh, ch, arg);
	if (err)
		return err;
	int fd = tcp_conn_fd(*tcp);
	bool is_known = fd >= 0 && (size_t)fd < r->watches_n && r->watches[fd].event &&
			tcp_conn_peer_get(*tcp, &peer) == 0;
	if (!is_known || r->inbound_n >= RE_INBOUND_MAX ||
	    count_inbound(r, &peer) >= RE_INBOUND_OF_ONE_MAX) {
		log_debug("connection_refused", LI("inbound", r->inbound_n));
		*tcp = mem_deref(*tcp); /* and with it the descriptor */
		return EAGAIN;
	}
	struct watch *w = &r->watches[fd];
	w->is_inbound = true;
	w->peer = peer;
	w->mono_read_at = loop_mono(r->loop);
	r->inbound_n++;
	if (!timer_is_armed(r->sweep))
		timer_start(r->sweep, SWEEP_US);
	return 0;
}

/* The end of the stream, as if the peer had said it: libre closes. */
static void on_sweep(void *arg)
{
	struct re_loop *r = arg;
	usec_t now = loop_mono(r->loop);

	for (size_t i = 0; i < r->watches_n; i++) {
		const struct watch *w = &r->watches[i];
		if (w->is_inbound && now - w->mono_read_at > RE_INBOUND_IDLE_US)
			(void)shutdown((int)i, SHUT_RDWR); /* it may be gone already */
	}
	if (r->inbound_n > 0)
		timer_start(r->sweep, SWEEP_US);
}

/* --- servers --------------------------------------------------------------------------------- */

static void tell_servers(const struct re_loop *r, size_t key, bool is_srv, const struct re_list *l)
{
	if (r->on_servers)
		r->on_servers(key, is_srv, list_count(l), r->on_servers_arg);
}

void dns_rrlist_sort(struct re_list *rrl, uint16_t type, size_t key)
{
	if (!current)
		return;
	current->libre.sort(rrl, type, key);
	if (type == DNS_TYPE_SRV)
		tell_servers(current, key, true, rrl);
}

void dns_rrlist_sort_addr(struct re_list *rrl, size_t key)
{
	if (!current)
		return;
	current->libre.sort_addr(rrl, key);
	tell_servers(current, key, false, rrl);
}

void re_loop_on_servers(re_servers_fn fn, void *arg)
{
	if (!current)
		return;
	current->on_servers = fn;
	current->on_servers_arg = arg;
}

/* --- timers ---------------------------------------------------------------------------------- */

static struct re_list *queue_of(struct re_loop *r, uint64_t delay)
{
	for (size_t i = 0; i < r->classes_n; i++) {
		if (r->classes[i].delay == delay)
			return &r->classes[i].timers;
	}
	if (r->classes_n == CLASSES_MAX)
		return &r->odd;
	r->classes[r->classes_n].delay = delay;
	return &r->classes[r->classes_n++].timers;
}

static uint64_t earliest(const struct re_loop *r)
{
	uint64_t at = DELAY_NONE;

	for (size_t i = 0; i < r->classes_n; i++) {
		const struct tmr *t = list_ledata(r->classes[i].timers.head);
		if (t && t->jfs < at)
			at = t->jfs;
	}
	for (const struct le *le = r->odd.head; le; le = le->next) {
		const struct tmr *t = le->data;
		if (t->jfs < at)
			at = t->jfs;
	}
	return at;
}

static void arm(struct re_loop *r, uint64_t at)
{
	uint64_t now = tmr_jiffies();

	r->armed = at;
	timer_start(r->timer, at > now ? (usec_t)(at - now) * USEC_PER_MS : 0);
}

static void fire(struct tmr *t)
{
	tmr_h *fn = t->th;
	void *arg = t->arg;

	current->shorten_from = 0;
	t->th = NULL;
	list_unlink(&t->le);
	if (fn)
		fn(arg);
}

static struct tmr *odd_due(const struct re_loop *r, uint64_t now)
{
	for (const struct le *le = r->odd.head; le; le = le->next) {
		struct tmr *t = le->data;
		if (t->jfs <= now)
			return t;
	}
	return NULL;
}

static void on_timer(void *arg)
{
	struct re_loop *r = arg;
	uint64_t now = tmr_jiffies();
	struct tmr *t;

	for (size_t i = 0; i < r->classes_n; i++) {
		while ((t = list_ledata(r->classes[i].timers.head)) != NULL && t->jfs <= now)
			fire(t);
	}
	while ((t = odd_due(r, now)) != NULL)
		fire(t);
	uint64_t at = earliest(r);
	r->armed = DELAY_NONE;
	if (at != DELAY_NONE)
		arm(r, at);
}

void tmr_start(struct tmr *tmr, uint64_t delay, tmr_h *th, void *arg)
{
	struct re_loop *r = current;

	if (!tmr)
		return;
	if (tmr->th)
		list_unlink(&tmr->le);
	tmr->th = th;
	tmr->arg = arg;
	if (!th || !r) {
		tmr->th = NULL;
		return;
	}
	if (delay != 0 && delay == r->shorten_from) {
		delay = r->shorten_to;
		r->shorten_from = 0;
	}
	tmr->jfs = tmr_jiffies() + delay;
	list_append(queue_of(r, delay), &tmr->le, tmr);
	if (tmr->jfs < r->armed)
		arm(r, tmr->jfs);
}

void tmr_cancel(struct tmr *tmr)
{
	tmr_start(tmr, 0, NULL, NULL);
}

void re_loop_shorten_next(uint64_t delay_ms, uint64_t to_ms)
{
	if (!current)
		return;
	current->shorten_from = delay_ms;
	current->shorten_to = to_ms;
}

/* What cannot be read is dropped without a word: a line for each packet would let anyone fill the log. */
int re_fprintf(FILE *stream, const char *fmt, ...)
{
	(void)stream;
	(void)fmt;
	return 0;
}

/* --- life ------------------------------------------------------------------------------------ */

/* A function pointer from dlsym(), which gives an object's. */
static bool find_original(const char *name, void *out)
{
	void *p = dlsym(RTLD_NEXT, name);

	memcpy(out, &p, sizeof(p));
	return p != NULL;
}

static bool find_originals(struct originals *o)
{
	return find_original("tcp_accept", &o->accept) &&
	       find_original("dns_rrlist_sort", &o->sort) &&
	       find_original("dns_rrlist_sort_addr", &o->sort_addr);
}

/* A socket that libre opens must come by here. */
static bool is_in_place(const struct re_loop *r)
{
	struct udp_sock *us = NULL;
	struct sa any;
	bool is_seen = false;

	if (sa_set_str(&any, "127.0.0.1", 0) || udp_listen(&us, &any, NULL, NULL))
		return false;
	for (size_t i = 0; i < r->watches_n; i++)
		is_seen = is_seen || r->watches[i].event;
	mem_deref(us);
	return is_seen;
}

struct err re_loop_open(struct loop *l)
{
	ASSERT(!current);
	if (strcmp(sys_libre_version_get(), RE_VERSION) != 0)
		return ERR(ERR_INVALID, "this program needs libre " RE_VERSION);
	struct re_loop *r = xcalloc(1, sizeof(*r));
	r->loop = l;
	r->timer = timer_new(l, on_timer, r);
	r->sweep = timer_new(l, on_sweep, r);
	r->armed = DELAY_NONE;
	current = r;
	dbg_init(DBG_EMERG, DBG_NONE);
	if (!find_originals(&r->libre) || libre_init() != 0 || !is_in_place(r)) {
		re_loop_close();
		return ERR(ERR_INVALID, "libre does not run on this program's event loop");
	}
	return OK;
}

void re_loop_close(void)
{
	struct re_loop *r = current;

	if (!r)
		return;
	libre_close();
	for (size_t i = 0; i < r->watches_n; i++) {
		if (r->watches[i].event)
			event_free(r->watches[i].event);
	}
	current = NULL;
	free(r->watches);
	timer_free(r->timer);
	timer_free(r->sweep);
	free(r);
}
