/* The trunks that dispatchers have told of: settings, who may call now, and whether the carrier is
 * there. A trunk lets calls in by its own concurrency and calls per second, and none while the carrier
 * has asked for patience; who does not get in waits in order, and leaves when its dial expires. */
#ifndef DIALER_SIP_TRUNKS_H
#define DIALER_SIP_TRUNKS_H

#include "base/list.h"
#include "ua.h"
#include "wire/dialer_msg.h"
#include "wire/sip_trunk.h"

struct metrics;
struct trunk;
struct trunks;
struct trunk_ticket;

/* The ticket's call may be placed now. */
typedef void (*trunk_enter_fn)(struct trunk_ticket *k);

struct trunk_ticket {
	struct list_node node;
	struct trunk *trunk; /* NULL = none asked */
	bool is_inside;
	trunk_enter_fn fn;
};

/* What an event `trunk` says. */
typedef void (*trunk_state_fn)(const struct dialer_event *ev, void *arg);

struct trunks *trunks_new(struct loop *l, struct ua *u, trunk_state_fn fn, void *arg,
			  struct metrics *m);
void trunks_free(struct trunks *ts); /* all tickets must have left */
/* Settings are checked here too; the trunk is down while they are at fault. */
void trunks_set(struct trunks *ts, struct uuid id, struct str settings);
/* What an OPTIONS outside of the keep-alive's has brought; true when it says that the carrier is there.
 * Where nobody asks by settings, the state stays as it is taken to be. */
bool trunks_heard(struct trunks *ts, struct uuid id, int status);
/* How it stands, and until when it is throttled (wall clock; 0 otherwise). Down when not known. */
enum dialer_trunk_state trunks_state(const struct trunks *ts, struct uuid id, usec_t *until_out);
struct trunk *trunks_find(const struct trunks *ts,
			  struct uuid id); /* NULL when nobody told of it */
/* One that nobody has told of yet lets nobody in. NULL when there are too many. */
struct trunk *trunks_get(struct trunks *ts, struct uuid id);

/* Calls fn, perhaps from within. */
void trunk_enter(struct trunk *t, struct trunk_ticket *k, trunk_enter_fn fn);
void trunk_leave(struct trunk_ticket *k); /* inside or waiting; no-op for neither */
void trunk_throttle(struct trunk *t, usec_t for_us);
/* NULL while unknown or at fault. Borrowed for this turn. */
const struct sip_trunk *trunk_settings(const struct trunk *t);
bool trunk_is_at_fault(const struct trunk *t);
/* "sip:host;transport=tcp" for a request, user "" for none. */
void trunk_uri(const struct sip_trunk *s, struct str user, bool with_transport, struct strbuf *out);
/* NULL unless its transport is TLS. Borrowed for this turn. */
const struct ua_tls *trunk_tls(const struct trunk *t);

#endif
