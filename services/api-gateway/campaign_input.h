/* What POST and PATCH of a campaign take, decoded from one table of fields and judged by the same
 * rules. Faults are collected in the request; nothing is answered here. */
#ifndef BELFRY_API_GATEWAY_CAMPAIGN_INPUT_H
#define BELFRY_API_GATEWAY_CAMPAIGN_INPUT_H

#include "domain/cron.h"
#include "request.h"
#include "target_rows.h"

/* Bytes read of an expression; what is too long for the parser is its to refuse, up to here. */
#define CAMPAIGN_CRON_MAX 65536

struct campaign_input {
	struct str kind, name, description, from_number,
		timezone; /* STR_NONE: not given, or null */
	struct str to_number, cron;
	usec_t end_at; /* USEC_NEVER likewise, as PG_NULL_I64 below */
	struct uuid agent_id;
	int64_t rate, max_concurrent, max_attempts, ring_timeout_s, max_duration_s;
	const struct json_value *variables, *retry_policy, *calling_windows, *targets;
	struct str variables_text, retry_policy_text, windows_text;
	struct target_rows rows;
	/* Of a PATCH: the names of those given that may be null. */
	struct str *sets;
	size_t n_sets;
};

/* The defaults of a new campaign stand for what is not given, but for the timezone. */
void campaign_input_read_new(struct req *r, struct campaign_input *in);
/* Only what a recurring campaign may change. */
void campaign_input_read_patch(struct req *r, struct campaign_input *in);

/* An expression that is accepted, in *out; else a fault at `key`, with field and column. */
bool campaign_input_cron(struct req *r, const char *key, struct str text, struct cron *out);
/* A fault at `key` unless the zone exists. */
void campaign_input_timezone(struct req *r, const char *base, const char *key, struct str name);

#endif
