/* Campaigns whose workspace has no credit left are paused, with the reason insufficient_credit. The
 * claim finds them out; their calls stay scheduled, and are fed again after a resume. */
#ifndef DISPATCHER_CREDIT_H
#define DISPATCHER_CREDIT_H

#include "app.h"

struct credit *credit_new(struct app *app);
void credit_free(struct credit *cr);

void credit_ran_out(struct credit *cr, struct uuid workspace_id, struct uuid campaign_id);

#endif
