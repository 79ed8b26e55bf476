/* What follows an attempt: done, failed, again later, or as if it had not been. A pure decision
 * from the outcome, the call's counters and its retry policy.
 *
 *   outcome              without a rule of the campaign's own     counts against max_attempts
 *   busy                 again after 900 s                        yes
 *   no_answer            again after 3600 s                       yes
 *   carrier_error        again after 60 s, doubling to 900 s      not the first three
 *   rate_limited         again after the carrier's Retry-After    no (at most 20 times)
 *   agent_unavailable    again after 120 s, once                  yes
 *   config_error         back in line, the campaign is paused;    no
 *                        an ad hoc call fails
 *   not_sent             as if it had not been claimed            no
 *   rejected, invalid_number, suppressed, uncertain: never        yes
 *
 * A rule of the campaign's replaces the default of the outcomes that it names, its limits too.
 *
 * A call of a recurring campaign is not tried again when the next occurrence is due: what the
 * person did not hear of this one, that one says. It ends as if its budget were used. */
#ifndef BELFRY_DOMAIN_RETRY_H
#define BELFRY_DOMAIN_RETRY_H

#include "base/base.h"
#include "domain/outcome.h"

#define RETRY_RULES_MAX 16
#define RETRY_DELAY_MAX_US (7 * 86400 * USEC_PER_SEC)
#define RETRY_FREE_CARRIER_ERRORS 3
#define RETRY_RATE_LIMITED_MAX 20
#define RETRY_JITTER_PCT 10 /* unless a policy says otherwise */

struct retry_rule {
	uint32_t outcomes; /* bit per enum outcome */
	usec_t delay_us;
	usec_t max_delay_us; /* of an exponential rule; 0 = RETRY_DELAY_MAX_US */
	bool is_exponential; /* doubles with each attempt of that outcome */
};

struct retry_policy {
	struct retry_rule rules[RETRY_RULES_MAX];
	size_t n;
	int jitter_pct; /* 0-50; a delay is scaled by 1 +- this */
};

/* No rules of its own: the defaults. */
struct retry_policy retry_policy_default(void);
/* Does a rule of the policy itself name this outcome? */
bool retry_policy_names(const struct retry_policy *p, enum outcome o);

/* The call before this attempt's outcome. */
struct retry_facts {
	int max_attempts;
	int counted;                                         /* attempts that counted so far */
	int rate_limited, carrier_errors, agent_unavailable; /* outcomes so far */
	bool is_ad_hoc;                                      /* no campaign to pause */
	bool has_talked;     /* a conversation began in this attempt */
	usec_t now;          /* only looked at with: */
	usec_t retry_before; /* a retry due then or later is not made; 0 or USEC_NEVER = any time */
};

enum retry_next {
	RETRY_DONE = 0,
	RETRY_FAILED,
	RETRY_AGAIN,
	RETRY_BACK,
	RETRY_VOID,
	RETRY_NEXT_COUNT
};

const char *
retry_next_name(enum retry_next n); /* the word used in SQL: done failed retry back void */

struct retry_decision {
	enum retry_next next;
	bool is_counted;     /* against max_attempts */
	usec_t delay_us;     /* RETRY_AGAIN, RETRY_BACK and RETRY_VOID; whole milliseconds */
	bool pause_campaign; /* config_error */
};

/* retry_after_us is the carrier's own word, 0 = none; unit is a random number in [0, 1). */
struct retry_decision retry_decide(const struct retry_policy *p, const struct retry_facts *f,
				   enum outcome o, usec_t retry_after_us, double unit);

#endif
