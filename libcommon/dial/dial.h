/* The dispatcher's and the dialer's end of the protocol of proto/dialer.md: nanomsg NN_PAIR over
 * ipc://, one JSON object a message, on the loop. The dialer binds one socket per dispatcher slot,
 * the dispatcher of that slot connects. Reading drains within a budget per turn. A full socket is
 * back-pressure: dial_send answers ERR_OVERLOADED, and on_writable fires when there is room. So is a
 * peer that is not there.
 *
 * A message that was sent is not one that was received: what lies in the kernel's buffer dies with
 * the peer, and a second process that connects to a taken address may believe for a moment that it
 * can send. Only an answer to a hello says that the peer is there. Connecting goes on by itself, ten
 * times a second, for as long as the socket is open. */
#ifndef BELFRY_DIAL_DIAL_H
#define BELFRY_DIAL_DIAL_H

#include "base/err.h"
#include "base/str.h"
#include "loop/loop.h"

struct dial_socket;

struct dial_options {
	const char *address; /* ipc:///path */
	bool bind;           /* the dialer's side */
	size_t buffer_bytes; /* NN_SNDBUF and NN_RCVBUF */
	int budget;          /* messages read per turn */
};

typedef void (*dial_message_fn)(struct dial_socket *s, struct str message, void *arg);

/* ERR_INVALID for an address that is no ipc:// path of at most 107 bytes, ERR_CONFLICT when another
 * process has bound it; a file left behind by a dead one is taken over. */
struct err dial_open(struct loop *l, const struct dial_options *o, dial_message_fn on_message,
		     void *arg, struct dial_socket **out) MUST_USE;
/* Also from within the message callback. No callback fires after it. */
void dial_close(struct dial_socket *s);
const char *dial_address(const struct dial_socket *s);
/* ERR_OVERLOADED: nothing was sent, ask for dial_on_writable. ERR_TOO_LARGE over DIALER_MSG_MAX. */
struct err dial_send(struct dial_socket *s, struct str message) MUST_USE;
/* One shot: fn fires once there is room again. */
void dial_on_writable(struct dial_socket *s, loop_fn fn, void *arg);

#endif
