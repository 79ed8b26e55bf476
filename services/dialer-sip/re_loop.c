/* Timers: libre uses few different delays (T1 and its doublings, 32 s, ...), so there is one queue
 * per delay, each in the order of its instants, and a queue for the odd ones.
 *
 * The one mutable global of this program: libre's functions take no context, so neither can what
 * stands in for them. */
#include "re_loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "re_api.h"

#define RE_VERSION "1.1.0"
#define CLASSES_MAX 32
#define FDS_MAX 65536
#define UDP_BUFFER_BYTES (4 * 1024 * 1024)
#define DELAY_NONE UINT64_MAX

struct watch {
	struct event *event;
	fd_h *fn;
	void *arg;
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
	uint64_t armed; /* the instant that the timer is set to */
};

static struct re_loop *current;

/* --- descriptors ----------------------------------------------------------------------------- */

static void on_event(evutil_socket_t fd, short what, void *arg)
{
	const struct re_loop *r = arg;
	struct watch w = r->watches[fd];
	int flags = 0;

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
	*w = (struct watch){ .fn = fh, .arg = arg };
	if (!flags)
		return 0;
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
	tmr->jfs = tmr_jiffies() + delay;
	list_append(queue_of(r, delay), &tmr->le, tmr);
	if (tmr->jfs < r->armed)
		arm(r, tmr->jfs);
}

void tmr_cancel(struct tmr *tmr)
{
	tmr_start(tmr, 0, NULL, NULL);
}

/* What cannot be read is dropped without a word: a line for each packet would let anyone fill the log. */
int re_fprintf(FILE *stream, const char *fmt, ...)
{
	(void)stream;
	(void)fmt;
	return 0;
}

/* --- life ------------------------------------------------------------------------------------ */

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
	r->armed = DELAY_NONE;
	current = r;
	dbg_init(DBG_EMERG, DBG_NONE);
	if (libre_init() != 0 || !is_in_place(r)) {
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
	free(r);
}
