/* The table of retry.h as code: first what never depends on a policy, then the rule that applies,
 * then the budget, then the next occurrence. */
#include "domain/retry.h"

#define RATE_LIMITED_FIRST_US (1 * USEC_PER_SEC)
#define RATE_LIMITED_MAX_US (60 * USEC_PER_SEC)

static uint32_t bit(enum outcome o)
{
	return 1u << (unsigned)o;
}

struct retry_policy retry_policy_default(void)
{
	return (struct retry_policy){ .n = 0, .jitter_pct = RETRY_JITTER_PCT };
}

const char *retry_next_name(enum retry_next n)
{
	static const char *const names[RETRY_NEXT_COUNT] = {
		[RETRY_DONE] = "done", [RETRY_FAILED] = "failed", [RETRY_AGAIN] = "retry",
		[RETRY_BACK] = "back", [RETRY_VOID] = "void",
	};
	ASSERT(n < RETRY_NEXT_COUNT);
	return names[n];
}

static const struct retry_rule *own_rule(const struct retry_policy *p, enum outcome o)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->rules[i].outcomes & bit(o))
			return &p->rules[i];
	return NULL;
}

bool retry_policy_names(const struct retry_policy *p, enum outcome o)
{
	return own_rule(p, o) != NULL;
}

static const struct retry_rule *default_rule(const struct retry_facts *f, enum outcome o)
{
	static const struct retry_rule busy = { .delay_us = 900 * USEC_PER_SEC };
	static const struct retry_rule no_answer = { .delay_us = 3600 * USEC_PER_SEC };
	static const struct retry_rule carrier_error = { .delay_us = 60 * USEC_PER_SEC,
							 .max_delay_us = 900 * USEC_PER_SEC,
							 .is_exponential = true };
	static const struct retry_rule agent = { .delay_us = 120 * USEC_PER_SEC };

	switch (o) {
	case OUTCOME_BUSY:
		return &busy;
	case OUTCOME_NO_ANSWER:
		return &no_answer;
	case OUTCOME_CARRIER_ERROR:
		return &carrier_error;
	case OUTCOME_AGENT_UNAVAILABLE:
		/* The person was disturbed once already: only one more time. */
		return f->agent_unavailable == 0 ? &agent : NULL;
	case OUTCOME_NONE:
	case OUTCOME_ANSWERED:
	case OUTCOME_ANSWERED_MACHINE:
	case OUTCOME_REJECTED:
	case OUTCOME_INVALID_NUMBER:
	case OUTCOME_RATE_LIMITED:
	case OUTCOME_CONFIG_ERROR:
	case OUTCOME_EXPIRED:
	case OUTCOME_SUPPRESSED:
	case OUTCOME_CANCELLED:
	case OUTCOME_UNCERTAIN:
	case OUTCOME_NOT_SENT:
	case OUTCOME_COUNT:
		break;
	}
	return NULL;
}

/* base * 2^doublings, at most max. */
static usec_t grown(usec_t base, int doublings, usec_t max)
{
	usec_t d = base;
	for (int i = 0; i < doublings && d < max; i++)
		d *= 2;
	return min_i64(d, max);
}

static usec_t jittered(usec_t delay, int pct, double unit)
{
	double factor = 1.0 + (double)pct / 100.0 * (2.0 * unit - 1.0);
	usec_t d = (usec_t)((double)delay * factor);
	return d / USEC_PER_MS * USEC_PER_MS;
}

static struct retry_decision again(const struct retry_policy *p, usec_t delay, bool counted,
				   double unit)
{
	return (struct retry_decision){ .next = RETRY_AGAIN,
					.is_counted = counted,
					.delay_us = jittered(delay, p->jitter_pct, unit) };
}

static usec_t rule_delay(const struct retry_rule *r, int earlier)
{
	usec_t max = r->max_delay_us > 0 ? r->max_delay_us : RETRY_DELAY_MAX_US;
	return r->is_exponential ? grown(r->delay_us, earlier, max) : r->delay_us;
}

static struct retry_decision decide_rate_limited(const struct retry_policy *p,
						 const struct retry_facts *f, usec_t retry_after_us,
						 double unit)
{
	if (f->rate_limited >= RETRY_RATE_LIMITED_MAX)
		return (struct retry_decision){ .next = RETRY_FAILED };

	const struct retry_rule *r = own_rule(p, OUTCOME_RATE_LIMITED);
	usec_t delay = r != NULL
			       ? rule_delay(r, f->rate_limited)
			       : grown(RATE_LIMITED_FIRST_US, f->rate_limited, RATE_LIMITED_MAX_US);
	struct retry_decision d = again(p, delay, false, unit);
	/* The carrier's word is a minimum: no jitter takes the next dial below it. */
	if (retry_after_us > 0 && (r == NULL || d.delay_us < retry_after_us))
		d.delay_us = retry_after_us;
	return d;
}

static enum retry_next last(enum outcome o)
{
	return o == OUTCOME_ANSWERED || o == OUTCOME_ANSWERED_MACHINE ? RETRY_DONE : RETRY_FAILED;
}

static bool is_final_by_nature(enum outcome o)
{
	return o == OUTCOME_ANSWERED || o == OUTCOME_INVALID_NUMBER;
}

static struct retry_decision decide(const struct retry_policy *p, const struct retry_facts *f,
				    enum outcome o, usec_t retry_after_us, double unit)
{
	if (f->has_talked)
		return (struct retry_decision){ .next = RETRY_DONE, .is_counted = true };
	if (o == OUTCOME_NOT_SENT)
		return (struct retry_decision){ .next = RETRY_VOID };
	if (o == OUTCOME_CONFIG_ERROR)
		return (struct retry_decision){ .next = f->is_ad_hoc ? RETRY_FAILED : RETRY_BACK,
						.pause_campaign = !f->is_ad_hoc };
	if (o == OUTCOME_RATE_LIMITED)
		return decide_rate_limited(p, f, retry_after_us, unit);

	const struct retry_rule *r = own_rule(p, o);
	if (r == NULL)
		r = default_rule(f, o);

	bool counted =
		!(o == OUTCOME_CARRIER_ERROR && f->carrier_errors < RETRY_FREE_CARRIER_ERRORS);
	int counted_now = f->counted + (counted ? 1 : 0);
	if (r == NULL || is_final_by_nature(o) || (counted && counted_now >= f->max_attempts))
		return (struct retry_decision){ .next = last(o), .is_counted = counted };

	int earlier = o == OUTCOME_CARRIER_ERROR ? f->carrier_errors : f->counted;
	return again(p, rule_delay(r, earlier), counted, unit);
}

struct retry_decision retry_decide(const struct retry_policy *p, const struct retry_facts *f,
				   enum outcome o, usec_t retry_after_us, double unit)
{
	struct retry_decision d = decide(p, f, o, retry_after_us, unit);

	if (d.next == RETRY_AGAIN && f->retry_before != 0 && f->now + d.delay_us >= f->retry_before)
		return (struct retry_decision){ .next = last(o), .is_counted = d.is_counted };
	return d;
}
