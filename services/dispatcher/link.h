/* The dispatcher's links to its dialers, one socket each. A link is up while its dialer answers;
 * only then are calls claimed for it. What the socket has no room for waits here, in order, and is
 * handed back when it expires. */
#ifndef DISPATCHER_LINK_H
#define DISPATCHER_LINK_H

#include "app.h"
#include "wire/dialer_msg.h"

#define LINKS_MAX 8

struct attempt;
struct link;

/* Opens one link for each "name=address" of the setting. */
struct err links_open(struct app *app, struct links **out) MUST_USE;
void links_close(struct links *ls);
size_t links_count(const struct links *ls);
struct link *links_at(const struct links *ls, size_t i);
const char *link_name(const struct link *l);
struct link *links_find(struct links *ls, struct str dialer); /* NULL when there is none */
/* Names and instances of the dialers that are up; returns how many. */
size_t links_live(const struct links *ls, struct str names[LINKS_MAX],
		  struct str instances[LINKS_MAX]);

/* False when there is no room for it now. */
bool link_trunk(struct link *l, struct uuid trunk_id, struct str settings);
/* Asks for a test of a trunk. False when there is no room for it now. */
bool link_test(struct link *l, struct uuid test_id, struct uuid trunk_id);
/* It is up, and its hello asked for the settings of trunks. */
bool link_wants_trunks(const struct link *l);
/* Names of the dialers that are up and whose hello named this cap (enum dialer_cap). */
size_t links_with(const struct links *ls, unsigned cap, struct str names[LINKS_MAX]);
bool link_is_up(const struct link *l); /* false for NULL */
/* Hands the attempt's dial over, or keeps it waiting for room until it expires. One that cannot be
 * said (its agent or variables are over the protocol's limit) is given up as a configuration error. */
void link_dial(struct link *l, struct attempt *a, const struct dialer_op *op);
/* These are worth less than a dial: lost when there is no room, and said again at a deadline. */
void link_query(struct link *l, const struct attempt *a);
void link_hangup(struct link *l, const struct attempt *a, const char *reason);
void link_ack(struct link *l, struct uuid attempt_id, int64_t seq);
/* The attempt is not waiting for room any more. */
void link_forget(struct link *l, struct attempt *a);

#endif
