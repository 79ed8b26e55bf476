/* The words of the outcomes and the table of design page "dialers": SIP status and Q.850 cause to
 * outcome. */
#include "domain/outcome.h"

static const char *const names[OUTCOME_COUNT] = {
	[OUTCOME_NONE] = "none",
	[OUTCOME_ANSWERED] = "answered",
	[OUTCOME_ANSWERED_MACHINE] = "answered_machine",
	[OUTCOME_BUSY] = "busy",
	[OUTCOME_NO_ANSWER] = "no_answer",
	[OUTCOME_REJECTED] = "rejected",
	[OUTCOME_INVALID_NUMBER] = "invalid_number",
	[OUTCOME_CARRIER_ERROR] = "carrier_error",
	[OUTCOME_RATE_LIMITED] = "rate_limited",
	[OUTCOME_AGENT_UNAVAILABLE] = "agent_unavailable",
	[OUTCOME_CONFIG_ERROR] = "config_error",
	[OUTCOME_EXPIRED] = "expired",
	[OUTCOME_SUPPRESSED] = "suppressed",
	[OUTCOME_CANCELLED] = "cancelled",
	[OUTCOME_UNCERTAIN] = "uncertain",
	[OUTCOME_NOT_SENT] = "not_sent",
};

const char *outcome_name(enum outcome o)
{
	ASSERT(o < OUTCOME_COUNT);
	return names[o];
}

struct err outcome_parse(struct str s, enum outcome *out)
{
	for (size_t i = OUTCOME_NONE + 1; i < OUTCOME_COUNT; i++) {
		if (str_eq(s, str_from(names[i]))) {
			*out = (enum outcome)i;
			return OK;
		}
	}
	return ERR(ERR_INVALID, "no such outcome");
}

/* OUTCOME_NONE where the cause says nothing about why a call was not answered (16 normal clearing,
 * 31 normal unspecified, 127 interworking and the like). */
static enum outcome from_cause(int q850)
{
	switch (q850) {
	case 17:
		return OUTCOME_BUSY;
	case 18:
	case 19:
	case 20:
		return OUTCOME_NO_ANSWER;
	case 21:
		return OUTCOME_REJECTED;
	case 1:
	case 2:
	case 3:
	case 22:
	case 28:
		return OUTCOME_INVALID_NUMBER;
	case 27:
	case 34:
	case 38:
	case 41:
	case 42:
	case 47:
	case 58:
		return OUTCOME_CARRIER_ERROR;
	case 29:
	case 50:
	case 57:
		return OUTCOME_CONFIG_ERROR;
	default:
		return OUTCOME_NONE;
	}
}

/* The statuses that mean one thing whatever a Reason header adds. */
static enum outcome from_clear_status(const struct outcome_sip *s)
{
	switch (s->status) {
	case 486:
	case 600:
		return OUTCOME_BUSY;
	case 603:
	case 607:
	case 608:
		return OUTCOME_REJECTED;
	case 404:
	case 410:
	case 416:
	case 484:
	case 604:
		return OUTCOME_INVALID_NUMBER;
	case 401:
	case 402:
	case 407:
		return OUTCOME_CONFIG_ERROR;
	case 429:
		return OUTCOME_RATE_LIMITED;
	case 503:
		return s->has_retry_after ? OUTCOME_RATE_LIMITED : OUTCOME_NONE;
	case 487:
		return s->has_timed_out ? OUTCOME_NO_ANSWER : OUTCOME_NONE;
	default:
		return OUTCOME_NONE;
	}
}

static enum outcome from_open_status(const struct outcome_sip *s)
{
	switch (s->status) {
	case 480:
		return OUTCOME_NO_ANSWER;
	case 408:
		return s->has_rung ? OUTCOME_NO_ANSWER : OUTCOME_CARRIER_ERROR;
	case 403:
		return OUTCOME_CONFIG_ERROR;
	case 606:
		return OUTCOME_CARRIER_ERROR;
	default:
		/* A 6xx nobody knows still speaks for the callee: taking it for a refusal never
		 * disturbs anyone twice. Everything else is the carrier's trouble. */
		return s->status >= 600 && s->status <= 699 ? OUTCOME_REJECTED
							    : OUTCOME_CARRIER_ERROR;
	}
}

enum outcome outcome_from_sip(const struct outcome_sip *s)
{
	if (s->was_answered || (s->status >= 200 && s->status <= 299))
		return OUTCOME_ANSWERED;

	enum outcome o = from_clear_status(s);
	if (o == OUTCOME_NONE)
		o = from_cause(s->q850);
	return o == OUTCOME_NONE ? from_open_status(s) : o;
}
