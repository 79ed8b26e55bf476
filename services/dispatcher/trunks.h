/* Tells each dialer that wants it (its hello says "trunks") the settings of its trunks: all of them when
 * it is there anew, then what changed, within a second or so. The secrets are opened here, since a
 * dialer holds no credential of the database nor the key. */
#ifndef DISPATCHER_TRUNKS_H
#define DISPATCHER_TRUNKS_H

#include "app.h"

struct link;
struct trunks;

/* ERR_INVALID when BELFRY_SECRET_KEYS is no list of keys. */
struct err trunks_open(struct app *app, struct trunks **out) MUST_USE;
void trunks_close(struct trunks *ts);
/* A trunk as it stands in the database. */
struct trunk_sealed {
	struct uuid id;
	struct str settings, secret;
};

/* Tells one dialer of one trunk now, whether it was told before or not. */
struct err trunks_tell_one(struct trunks *ts, struct link *l,
			   const struct trunk_sealed *t) MUST_USE;
/* A dialer came up: it is told everything. */
void trunks_tell_all(struct trunks *ts);

#endif
