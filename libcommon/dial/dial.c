/* nanomsg on the loop. Both directions have a descriptor that is readable while the socket can be
 * read from (NN_RCVFD) or written to (NN_SNDFD): level-triggered, never to be read by us, so what
 * a turn's budget leaves over fires again in the next one. Without a peer NN_SNDFD is silent and a
 * send answers EAGAIN: an absent peer and a full socket are the same back-pressure.
 *
 * What nanomsg does behind this: ipc:// writes into the kernel's socket buffer, whose contents die
 * with the peer; a message that was sent is therefore not one that was received. NN_PAIR has one
 * peer; another one that connects is cut off and tries again, and may for a moment believe that it
 * can send. So a peer is there only once it has answered a hello. */
#include "dial/dial.h"

#include <event2/event.h>
#include <limits.h>
#include <nanomsg/nn.h>
#include <nanomsg/pair.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/mem.h"
#include "wire/dialer_msg.h"

#define PATH_SIZE sizeof(((struct sockaddr_un *)NULL)->sun_path)

struct dial_socket {
	struct loop *loop;
	char *address;
	int nn; /* -1 = none */
	int budget;
	bool is_closed;
	struct event *on_read;
	struct event *on_room;
	dial_message_fn on_message;
	void *arg;
	loop_fn writable_fn;
	void *writable_arg;
};

static void drain_socket(evutil_socket_t fd, short what, void *arg)
{
	struct dial_socket *s = arg;

	(void)fd;
	(void)what;
	for (int i = 0; i < s->budget && !s->is_closed; i++) {
		char *p = NULL;
		int n = nn_recv(s->nn, &p, NN_MSG, NN_DONTWAIT);
		if (n < 0)
			return;
		s->on_message(s, (struct str){ p, (size_t)n }, s->arg);
		(void)nn_freemsg(p); /* fails only for what nn_recv did not give */
	}
}

static void has_room(evutil_socket_t fd, short what, void *arg)
{
	struct dial_socket *s = arg;
	loop_fn fn = s->writable_fn;

	(void)fd;
	(void)what;
	s->writable_fn = NULL;
	if (fn)
		fn(s->writable_arg);
}

static struct err set_option(const struct dial_socket *s, int option, size_t value)
{
	int v = (int)min_size(value, INT_MAX);

	if (nn_setsockopt(s->nn, NN_SOL_SOCKET, option, &v, sizeof(v)) != 0)
		return ERR(ERR_IO, "nanomsg refused a socket option");
	return OK;
}

static struct event *watch(const struct dial_socket *s, int option, short what,
			   event_callback_fn fn, void *arg)
{
	int fd = -1;
	size_t n = sizeof(fd);

	if (nn_getsockopt(s->nn, NN_SOL_SOCKET, option, &fd, &n) != 0 || fd < 0)
		return NULL;
	return event_new(loop_base(s->loop), fd, what, fn, arg);
}

static struct err check_address(const char *address)
{
	struct str path = str_from(address);
	const struct str scheme = STR("ipc://");

	if (!str_starts(path, scheme) || path.n == scheme.n)
		return ERR(ERR_INVALID, "a dialer's address is ipc:///path");
	/* nanomsg would cut a longer one. */
	if (path.n - scheme.n >= PATH_SIZE)
		return ERR(ERR_INVALID, "the path of an ipc:// address has at most 107 bytes");
	return OK;
}

static struct err attach(struct dial_socket *s, const struct dial_options *o)
{
	s->nn = nn_socket(AF_SP, NN_PAIR);
	if (s->nn < 0)
		return ERR(ERR_IO, "no more nanomsg sockets");
	TRY(set_option(s, NN_SNDBUF, o->buffer_bytes));
	TRY(set_option(s, NN_RCVBUF, o->buffer_bytes));
	TRY(set_option(s, NN_RCVMAXSIZE, DIALER_MSG_MAX));

	int rc = o->bind ? nn_bind(s->nn, s->address) : nn_connect(s->nn, s->address);
	if (rc < 0 && nn_errno() == EADDRINUSE)
		return ERR(ERR_CONFLICT, "another process has bound this dialer address");
	if (rc < 0)
		return ERR(ERR_IO, "cannot use this dialer address");

	s->on_read = watch(s, NN_RCVFD, EV_READ | EV_PERSIST, drain_socket, s);
	s->on_room = watch(s, NN_SNDFD, EV_READ, has_room, s);
	if (!s->on_read || !s->on_room || event_add(s->on_read, NULL) != 0)
		return ERR(ERR_IO, "cannot watch a nanomsg socket");
	return OK;
}

struct err dial_open(struct loop *l, const struct dial_options *o, dial_message_fn on_message,
		     void *arg, struct dial_socket **out)
{
	TRY(check_address(o->address));
	ASSERT(o->budget > 0 && o->buffer_bytes > 0);

	struct dial_socket *s = xcalloc(1, sizeof(*s));
	s->loop = l;
	s->address = xstrdup(o->address);
	s->nn = -1;
	s->budget = o->budget;
	s->on_message = on_message;
	s->arg = arg;
	struct err e = attach(s, o);
	if (is_err(e)) {
		dial_close(s);
		return e;
	}
	*out = s;
	return OK;
}

static void free_socket(void *p)
{
	struct dial_socket *s = p;

	free(s->address);
	free(s);
}

void dial_close(struct dial_socket *s)
{
	if (!s || s->is_closed)
		return;
	s->is_closed = true;
	/* Before nn_close, which closes the descriptors. */
	if (s->on_read)
		event_free(s->on_read);
	if (s->on_room)
		event_free(s->on_room);
	if (s->nn >= 0)
		(void)nn_close(s->nn); /* EINTR would need a signal handler that interrupts */
	s->on_read = NULL;
	s->on_room = NULL;
	s->nn = -1;
	loop_defer_free(s->loop, s, free_socket);
}

const char *dial_address(const struct dial_socket *s)
{
	return s->address;
}

struct err dial_send(struct dial_socket *s, struct str message)
{
	ASSERT(!s->is_closed);
	if (message.n > DIALER_MSG_MAX)
		return ERR(ERR_TOO_LARGE, "a message to or from a dialer is too large");
	if (nn_send(s->nn, message.p, message.n, NN_DONTWAIT) >= 0)
		return OK;
	if (nn_errno() == EAGAIN || nn_errno() == EINTR)
		return ERR(ERR_OVERLOADED, "the dialer's socket is full or has no peer");
	return ERR(ERR_IO, "nanomsg refused to send");
}

void dial_on_writable(struct dial_socket *s, loop_fn fn, void *arg)
{
	ASSERT(!s->is_closed);
	s->writable_fn = fn;
	s->writable_arg = arg;
	/* One shot: libevent forgets it when it fires. Adding it again while it waits changes
	 * nothing. It fails only when epoll refuses a descriptor, which attach() has tried. */
	ASSERT(event_add(s->on_room, NULL) == 0);
}
