/* Decoder of retry policies, by tables. */
#include "wire/retry_policy.h"

#include <stdint.h>
#include <stdio.h>

#define POLICY_BYTES_MAX 16384

struct policy_fields {
	const struct json_value *rules;
	int64_t jitter_pct;
};

static const struct json_field policy_table[] = {
	{ .name = "rules",
	  .kind = JSON_K_ARRAY,
	  .offset = offsetof(struct policy_fields, rules),
	  .present_offset = SIZE_MAX },
	{ .name = "jitter_pct",
	  .kind = JSON_K_I64,
	  .min = 0,
	  .max = 50,
	  .offset = offsetof(struct policy_fields, jitter_pct),
	  .present_offset = SIZE_MAX },
};

struct rule_fields {
	const struct json_value *on;
	usec_t delay_us, max_delay_us;
	struct str backoff;
};

static const struct json_field rule_table[] = {
	{ .name = "on",
	  .kind = JSON_K_ARRAY,
	  .required = true,
	  .offset = offsetof(struct rule_fields, on),
	  .present_offset = SIZE_MAX },
	{ .name = "delay_s",
	  .kind = JSON_K_SECONDS,
	  .required = true,
	  .min = 0,
	  .max = RETRY_DELAY_MAX_US,
	  .offset = offsetof(struct rule_fields, delay_us),
	  .present_offset = SIZE_MAX },
	{ .name = "max_delay_s",
	  .kind = JSON_K_SECONDS,
	  .min = 0,
	  .max = RETRY_DELAY_MAX_US,
	  .offset = offsetof(struct rule_fields, max_delay_us),
	  .present_offset = SIZE_MAX },
	{ .name = "backoff",
	  .kind = JSON_K_STR,
	  .min = 1,
	  .max = 32,
	  .offset = offsetof(struct rule_fields, backoff),
	  .present_offset = SIZE_MAX },
};

/* Outcomes that a rule may name: what an attempt can end with and another attempt can mend. */
static bool may_be_named(enum outcome o)
{
	return o == OUTCOME_BUSY || o == OUTCOME_NO_ANSWER || o == OUTCOME_CARRIER_ERROR ||
	       o == OUTCOME_RATE_LIMITED || o == OUTCOME_AGENT_UNAVAILABLE ||
	       o == OUTCOME_ANSWERED_MACHINE || o == OUTCOME_REJECTED || o == OUTCOME_UNCERTAIN;
}

static bool decode_outcomes(const struct json_value *on, const char *base, uint32_t *out,
			    struct json_faults *faults)
{
	size_t before = faults->total;

	if (json_count(on) == 0)
		json_fault_add(faults, base, "on", "validation_error", "on names no outcome");
	for (const struct json_value *v = json_first(on); v != NULL; v = json_next(v)) {
		enum outcome o = OUTCOME_NONE;
		if (is_err(outcome_parse(json_as_str(v), &o)) || !may_be_named(o))
			json_fault_add(faults, base, "on", "validation_error",
				       "on may name busy, no_answer, carrier_error, rate_limited, "
				       "agent_unavailable, answered_machine, rejected, uncertain");
		else
			*out |= 1u << (unsigned)o;
	}
	return faults->total == before;
}

static bool decode_rule(const struct json_value *v, const char *base, struct arena *a,
			struct retry_rule *out, struct json_faults *faults)
{
	struct rule_fields f = { .on = NULL };

	if (json_type(v) != JSON_OBJECT) {
		json_fault_add(faults, base, NULL, "validation_error", "a rule is an object");
		return false;
	}
	bool good = json_decode(
		v,
		(struct json_decoder){ rule_table, ARRAY_LEN(rule_table), true, base, a, faults },
		&f);
	uint32_t outcomes = 0;
	if (f.on != NULL)
		good = decode_outcomes(f.on, base, &outcomes, faults) && good;
	bool is_exponential = str_eq(f.backoff, STR("exponential"));
	if (f.backoff.p != NULL && !is_exponential && !str_eq(f.backoff, STR("constant"))) {
		json_fault_add(faults, base, "backoff", "validation_error",
			       "backoff is constant or exponential");
		good = false;
	}
	*out = (struct retry_rule){ .outcomes = outcomes,
				    .delay_us = f.delay_us,
				    .max_delay_us = f.max_delay_us,
				    .is_exponential = is_exponential };
	return good;
}

bool retry_policy_decode(const struct json_value *v, const char *base, struct arena *a,
			 struct retry_policy *out, struct json_faults *faults)
{
	struct retry_policy p = retry_policy_default();
	struct policy_fields f = { .rules = NULL, .jitter_pct = p.jitter_pct };

	if (json_type(v) != JSON_OBJECT) {
		json_fault_add(faults, base, NULL, "validation_error",
			       "retry_policy is an object with rules and jitter_pct");
		return false;
	}
	bool good = json_decode(v,
				(struct json_decoder){ policy_table, ARRAY_LEN(policy_table), true,
						       base, a, faults },
				&f);
	p.jitter_pct = (int)f.jitter_pct;
	size_t i = 0;
	for (const struct json_value *r = f.rules != NULL ? json_first(f.rules) : NULL; r != NULL;
	     r = json_next(r), i++) {
		char at[128];
		if (i == RETRY_RULES_MAX) {
			json_fault_add(faults, base, "rules", "validation_error",
				       "at most 16 rules");
			return false;
		}
		(void)snprintf(at, sizeof(at), "%s/rules/%zu", base, i); /* cut only if absurd */
		good = decode_rule(r, at, a, &p.rules[p.n], faults) && good;
		p.n++;
	}
	if (good)
		*out = p;
	return good;
}

struct retry_policy retry_policy_from_row(struct str json)
{
	struct retry_policy p = retry_policy_default();
	struct json_doc *doc = NULL;

	if (json.n == 0 ||
	    is_err(json_parse(json, (struct json_limits){ POLICY_BYTES_MAX, 8 }, &doc, NULL)))
		return p;
	struct arena *a = arena_new();
	struct json_faults faults = { .n = 0 };
	/* A fault leaves the defaults in p. */
	(void)retry_policy_decode(json_doc_root(doc), "", a, &p, &faults);
	arena_free(a);
	json_doc_free(doc);
	return p;
}
