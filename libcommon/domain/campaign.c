/* Lifecycle:
 *
 *            start          pause
 *   draft ──────────► active ◄────► paused
 *     │                 │    resume   │
 *     └────── cancel ───┴─────────────┴──► cancelled
 *
 * active and paused also become completed, by the engine. */
#include "domain/campaign.h"

static const char *const status_names[CAMPAIGN_STATUS_COUNT] = {
	[CAMPAIGN_DRAFT] = "draft",         [CAMPAIGN_ACTIVE] = "active",
	[CAMPAIGN_PAUSED] = "paused",       [CAMPAIGN_COMPLETED] = "completed",
	[CAMPAIGN_CANCELLED] = "cancelled",
};

static const struct {
	const char *name;
	unsigned from; /* bits of the states it moves from */
	enum campaign_status to;
} actions[CAMPAIGN_ACTION_COUNT] = {
	[CAMPAIGN_START] = { "start", 1u << CAMPAIGN_DRAFT, CAMPAIGN_ACTIVE },
	[CAMPAIGN_PAUSE] = { "pause", 1u << CAMPAIGN_ACTIVE, CAMPAIGN_PAUSED },
	[CAMPAIGN_RESUME] = { "resume", 1u << CAMPAIGN_PAUSED, CAMPAIGN_ACTIVE },
	[CAMPAIGN_CANCEL] = { "cancel",
			      1u << CAMPAIGN_DRAFT | 1u << CAMPAIGN_ACTIVE | 1u << CAMPAIGN_PAUSED,
			      CAMPAIGN_CANCELLED },
};

const char *campaign_status_name(enum campaign_status s)
{
	ASSERT((unsigned)s < CAMPAIGN_STATUS_COUNT);
	return status_names[s];
}

struct err campaign_status_parse(struct str s, enum campaign_status *out)
{
	for (unsigned i = 0; i < CAMPAIGN_STATUS_COUNT; i++) {
		if (str_eq(s, str_from(status_names[i]))) {
			*out = (enum campaign_status)i;
			return OK;
		}
	}
	return ERR(ERR_INVALID, "not a campaign status");
}

const char *campaign_action_name(enum campaign_action a)
{
	ASSERT((unsigned)a < CAMPAIGN_ACTION_COUNT);
	return actions[a].name;
}

enum campaign_verdict campaign_decide(enum campaign_status s, enum campaign_action a,
				      enum campaign_status *next_out)
{
	ASSERT((unsigned)s < CAMPAIGN_STATUS_COUNT);
	ASSERT((unsigned)a < CAMPAIGN_ACTION_COUNT);
	if (s != actions[a].to && (actions[a].from & 1u << s) == 0)
		return CAMPAIGN_FORBIDDEN;
	*next_out = actions[a].to;
	return s == actions[a].to ? CAMPAIGN_REPEATED : CAMPAIGN_MOVES;
}

enum campaign_status campaign_action_target(enum campaign_action a)
{
	ASSERT((unsigned)a < CAMPAIGN_ACTION_COUNT);
	return actions[a].to;
}
