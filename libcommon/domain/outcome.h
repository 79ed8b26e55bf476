/* What became of a dial attempt: the words of the API, the database, the events and the dialer
 * protocol, and the one place that turns a carrier's final SIP answer into such a word. */
#ifndef BELFRY_DOMAIN_OUTCOME_H
#define BELFRY_DOMAIN_OUTCOME_H

#include "base/err.h"
#include "base/str.h"

enum outcome {
	OUTCOME_NONE = 0, /* not known yet; has a name for logs, but is never parsed */
	OUTCOME_ANSWERED,
	OUTCOME_ANSWERED_MACHINE,
	OUTCOME_BUSY,
	OUTCOME_NO_ANSWER,
	OUTCOME_REJECTED,
	OUTCOME_INVALID_NUMBER,
	OUTCOME_CARRIER_ERROR,
	OUTCOME_RATE_LIMITED,
	OUTCOME_AGENT_UNAVAILABLE,
	OUTCOME_CONFIG_ERROR,
	OUTCOME_EXPIRED,
	OUTCOME_SUPPRESSED,
	OUTCOME_CANCELLED,
	OUTCOME_UNCERTAIN,
	OUTCOME_NOT_SENT, /* only between dialer and dispatcher: the call is handed back */
	OUTCOME_COUNT
};

const char *outcome_name(enum outcome o); /* "no_answer"; "none" */
struct err outcome_parse(struct str s, enum outcome *out) MUST_USE;

/* The end of an attempt as a SIP carrier reports it. */
struct outcome_sip {
	int status;           /* final SIP status; 0 = none came, or the transport failed */
	int q850;             /* cause of the Reason header; 0 = none */
	bool was_answered;    /* a 2xx came before */
	bool has_rung;        /* a 18x came before */
	bool has_timed_out;   /* our ring time-out cancelled it */
	bool has_retry_after; /* the final answer carried Retry-After */
};

/* Total: every combination has an answer. A Q.850 cause decides where the status leaves it open
 * (403 408 480 487 488 5xx 606 and what the table does not name); a status that is clear stays. */
enum outcome outcome_from_sip(const struct outcome_sip *s);

#endif
