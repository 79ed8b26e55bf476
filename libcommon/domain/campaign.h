/* The life of a campaign: which action may be taken in which state, as a table. The engine's own
 * moves (completed, a pause for a reason) stand in the statements that make them. */
#ifndef BELFRY_DOMAIN_CAMPAIGN_H
#define BELFRY_DOMAIN_CAMPAIGN_H

#include "base/err.h"
#include "base/str.h"

enum campaign_status {
	CAMPAIGN_DRAFT = 0,
	CAMPAIGN_ACTIVE,
	CAMPAIGN_PAUSED,
	CAMPAIGN_COMPLETED,
	CAMPAIGN_CANCELLED,
	CAMPAIGN_STATUS_COUNT
};

enum campaign_action {
	CAMPAIGN_START = 0,
	CAMPAIGN_PAUSE,
	CAMPAIGN_RESUME,
	CAMPAIGN_CANCEL,
	CAMPAIGN_ACTION_COUNT
};

enum campaign_verdict {
	CAMPAIGN_FORBIDDEN = 0, /* not from this state */
	CAMPAIGN_MOVES,         /* to *next_out */
	CAMPAIGN_REPEATED       /* it stands where the action leads: nothing to do */
};

const char *campaign_status_name(enum campaign_status s); /* "active" */
struct err campaign_status_parse(struct str s, enum campaign_status *out) MUST_USE;
const char *campaign_action_name(enum campaign_action a); /* "start" */

/* *next_out is set unless the action is forbidden. */
enum campaign_verdict campaign_decide(enum campaign_status s, enum campaign_action a,
				      enum campaign_status *next_out);
enum campaign_status campaign_action_target(enum campaign_action a); /* where it leads */

#endif
