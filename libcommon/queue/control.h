/* The control stream (who should look at something now) and the wake stream (deliveries are
 * waiting). Both are short, trimmed, and lossy without harm: everyone also polls. */
#ifndef BELFRY_QUEUE_CONTROL_H
#define BELFRY_QUEUE_CONTROL_H

#include "redis/redis.h"
#include "wire/control_msg.h"

void control_publish(struct redis *r, const struct control_msg *m);
/* Deliveries were committed. Coalesced: at most one every 20 ms from each process. */
void control_wake_senders(struct redis *r);

typedef void (*control_fn)(const struct control_msg *m, void *arg);

struct control_reader;

struct control_reader_options {
	const char *url;
	control_fn on_message; /* NULL = not interested in the control stream */
	loop_fn on_wake;       /* NULL = not interested in wakes of senders */
	void *arg;
};

/* Reads from now on, on a connection of its own. */
struct err control_reader_open(struct loop *l, const struct control_reader_options *o,
			       struct control_reader **out) MUST_USE;
void control_reader_close(struct control_reader *c);

#endif
