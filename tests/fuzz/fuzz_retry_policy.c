/* A policy that is read stays within what the headers promise, and so does every decision by it;
 * one that is not read leaves a fault and nothing else. */
#include "base/str.h"
#include "wire/retry_policy.h"

#define TRIES 24

static void follow(const struct retry_policy *p, enum outcome o, double unit)
{
	struct retry_facts f = { .max_attempts = 10 };
	for (int i = 0; i < TRIES; i++) {
		struct retry_decision d = retry_decide(p, &f, o, 0, unit);
		ASSERT(d.next < RETRY_NEXT_COUNT);
		ASSERT(d.delay_us >= 0 && d.delay_us <= RETRY_DELAY_MAX_US * 3 / 2);
		ASSERT(d.delay_us % USEC_PER_MS == 0);
		if (d.next != RETRY_AGAIN)
			return;
		f.counted += d.is_counted ? 1 : 0;
		f.carrier_errors += o == OUTCOME_CARRIER_ERROR ? 1 : 0;
		f.rate_limited += o == OUTCOME_RATE_LIMITED ? 1 : 0;
		f.agent_unavailable += o == OUTCOME_AGENT_UNAVAILABLE ? 1 : 0;
	}
	assert_failed("a call is dialed for ever", __FILE__, __LINE__);
}

static void check_policy(const struct retry_policy *p)
{
	ASSERT(p->n <= RETRY_RULES_MAX && p->jitter_pct >= 0 && p->jitter_pct <= 50);
	for (size_t i = 0; i < p->n; i++) {
		const struct retry_rule *r = &p->rules[i];
		ASSERT(r->outcomes != 0 && r->outcomes >> OUTCOME_COUNT == 0);
		ASSERT(r->delay_us >= 0 && r->delay_us <= RETRY_DELAY_MAX_US);
		ASSERT(r->max_delay_us >= 0 && r->max_delay_us <= RETRY_DELAY_MAX_US);
	}
	for (int o = OUTCOME_NONE + 1; o < OUTCOME_COUNT; o++) {
		follow(p, (enum outcome)o, 0);
		follow(p, (enum outcome)o, 0.999999);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct json_doc *d = NULL;

	struct retry_policy stored = retry_policy_from_row(text);
	check_policy(&stored);
	if (is_err(json_parse(text, (struct json_limits){ 1 << 16, 16 }, &d, NULL)))
		return 0;
	struct arena *a = arena_new();
	struct json_faults faults = { .n = 0 };
	struct retry_policy p = { .n = SIZE_MAX };
	bool good = retry_policy_decode(json_doc_root(d), "/retry_policy", a, &p, &faults);
	ASSERT(good == (faults.total == 0) && good == (p.n != SIZE_MAX));
	if (good)
		check_policy(&p);
	arena_free(a);
	json_doc_free(d);
	return 0;
}
