/* Conversations that the API was asked to hang up. The request stands in Postgres; a message on the
 * control stream says that there is one, and without it the next look finds it. An attempt is asked
 * for until its end is recorded. */
#ifndef DISPATCHER_HANGUP_H
#define DISPATCHER_HANGUP_H

#include "app.h"

struct hangups *hangups_new(struct app *app);
void hangups_free(struct hangups *hs);
/* There may be a request for one of ours: looks now. */
void hangups_look(struct hangups *hs);

#endif
