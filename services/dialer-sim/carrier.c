/* Magic numbers, the mix, and the course of a call under each behaviour. */
#include "carrier.h"

#include "base/parse.h"

#define SHORT_US (50 * USEC_PER_MS)   /* the carrier refuses by itself */
#define PERSON_US (200 * USEC_PER_MS) /* somebody's phone decides */
#define RETRY_AFTER_US (2 * USEC_PER_SEC)

static const struct {
	const char *ending;
	enum carrier_behaviour behaviour;
	int64_t until_attempt; /* and answers after it */
} magic[] = {
	{ "0001", CARRIER_BUSY, INT64_MAX },
	{ "0002", CARRIER_NO_ANSWER, INT64_MAX },
	{ "0003", CARRIER_REJECTS, INT64_MAX },
	{ "0004", CARRIER_INVALID, INT64_MAX },
	{ "0005", CARRIER_FAILS, INT64_MAX },
	{ "0006", CARRIER_MACHINE, INT64_MAX },
	{ "0007", CARRIER_BUSY, 1 },
	{ "0008", CARRIER_NO_ANSWER, 2 },
	{ "0009", CARRIER_SILENT, INT64_MAX },
	{ "0010", CARRIER_GARBLED, INT64_MAX },
	{ "0011", CARRIER_THROTTLES, 2 },
	{ "0012", CARRIER_NO_AGENT, INT64_MAX },
};

/* What a mix may name, by the outcome that it leads to. */
static const struct {
	enum outcome outcome;
	enum carrier_behaviour behaviour;
} mixable[] = {
	{ OUTCOME_BUSY, CARRIER_BUSY },
	{ OUTCOME_NO_ANSWER, CARRIER_NO_ANSWER },
	{ OUTCOME_REJECTED, CARRIER_REJECTS },
	{ OUTCOME_INVALID_NUMBER, CARRIER_INVALID },
	{ OUTCOME_CARRIER_ERROR, CARRIER_FAILS },
	{ OUTCOME_ANSWERED_MACHINE, CARRIER_MACHINE },
	{ OUTCOME_RATE_LIMITED, CARRIER_THROTTLES },
	{ OUTCOME_AGENT_UNAVAILABLE, CARRIER_NO_AGENT },
};

static struct err add_share(struct str item, struct carrier_mix *mix)
{
	struct str name, percent;
	enum outcome outcome;
	int64_t n;

	if (!str_split(item, '=', &name, &percent) || is_err(outcome_parse(name, &outcome)))
		return ERR(ERR_INVALID, "a share of the mix is outcome=percent");
	TRY(parse_i64(percent, 0, 100, &n));
	for (size_t i = 0; i < ARRAY_LEN(mixable); i++) {
		if (mixable[i].outcome == outcome) {
			mix->percent[mixable[i].behaviour] += (unsigned)n;
			return OK;
		}
	}
	return ERR(ERR_INVALID, "the simulated carrier cannot mix in this outcome");
}

struct err carrier_mix_parse(struct str s, struct carrier_mix *out)
{
	struct carrier_mix mix = { .percent = { 0 } };
	unsigned sum = 0;

	while (s.n > 0) {
		struct str item;
		/* The last share has no comma after it. */
		(void)str_split(s, ',', &item, &s);
		TRY(add_share(item, &mix));
	}
	for (size_t i = 0; i < CARRIER_BEHAVIOUR_COUNT; i++)
		sum += mix.percent[i];
	if (sum > 100)
		return ERR(ERR_INVALID, "the shares of the mix are more than 100 percent");
	*out = mix;
	return OK;
}

/* FNV-1a: the same number behaves the same in every run and on every machine. */
static unsigned percentile(struct str number)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < number.n; i++)
		h = (h ^ (unsigned char)number.p[i]) * UINT64_C(0x100000001b3);
	return (unsigned)((h ^ h >> 32) % 100);
}

static enum carrier_behaviour from_mix(const struct carrier_mix *mix,
				       const struct carrier_request *r)
{
	unsigned at = percentile(r->to);

	for (size_t i = 0; i < CARRIER_BEHAVIOUR_COUNT; i++) {
		if (at < mix->percent[i]) {
			/* As with 0011: a carrier that throttles for ever would teach nothing. */
			bool is_over = i == CARRIER_THROTTLES && r->attempt > 2;
			return is_over ? CARRIER_ANSWERS : (enum carrier_behaviour)i;
		}
		at -= mix->percent[i];
	}
	return CARRIER_ANSWERS;
}

static enum carrier_behaviour behaviour_of(const struct carrier_mix *mix,
					   const struct carrier_request *r)
{
	for (size_t i = 0; i < ARRAY_LEN(magic); i++) {
		if (str_ends(r->to, str_from(magic[i].ending)))
			return r->attempt <= magic[i].until_attempt ? magic[i].behaviour
								    : CARRIER_ANSWERS;
	}
	return from_mix(mix, r);
}

static void refuse(struct carrier_plan *p, usec_t after_us, int64_t sip, struct dialer_end end)
{
	p->end_us = after_us;
	p->sip = sip;
	p->end = end;
}

static void ring_out(struct carrier_plan *p, const struct carrier_request *r)
{
	p->has_ringing = true;
	refuse(p, r->ring_limit_us, 487,
	       (struct dialer_end){ .outcome = OUTCOME_NO_ANSWER, .q850 = 19, .by = DIALER_BY_US });
}

static void converse(struct carrier_plan *p, usec_t talk_us, const struct carrier_request *r,
		     struct dialer_end end)
{
	bool is_cut = talk_us > r->talk_limit_us;

	p->has_answer = true;
	p->has_bridge = end.outcome != OUTCOME_AGENT_UNAVAILABLE;
	p->end_us = p->answer_us + min_i64(talk_us, r->talk_limit_us);
	p->sip = 200;
	p->end = end;
	p->end.q850 = 16;
	if (is_cut)
		p->end.by = DIALER_BY_US;
}

/* Somebody or something picks up, unless our patience ends before. */
static void pick_up(struct carrier_plan *p, enum carrier_behaviour b,
		    const struct carrier_settings *s, const struct carrier_request *r)
{
	struct dialer_end end = { .outcome = OUTCOME_ANSWERED, .by = DIALER_BY_CALLEE };
	usec_t talk_us = s->talk_us;

	if (s->ring_us >= r->ring_limit_us) {
		ring_out(p, r);
		return;
	}
	if (b == CARRIER_MACHINE)
		end = (struct dialer_end){ .outcome = OUTCOME_ANSWERED_MACHINE,
					   .by = DIALER_BY_AGENT };
	if (b == CARRIER_NO_AGENT) {
		end = (struct dialer_end){ .outcome = OUTCOME_AGENT_UNAVAILABLE,
					   .by = DIALER_BY_AGENT };
		talk_us = PERSON_US;
	}
	p->is_garbled = b == CARRIER_GARBLED;
	p->has_ringing = true;
	p->answer_us = s->ring_us;
	converse(p, talk_us, r, end);
}

static usec_t scaled(usec_t span, double scale)
{
	/* Limits of settings and protocol keep the product far below the end of the range. */
	return (usec_t)((double)span * scale);
}

void carrier_plan(const struct carrier_settings *s, const struct carrier_request *r,
		  struct carrier_plan *out)
{
	struct carrier_plan p = { .is_silent = false };
	enum carrier_behaviour b = behaviour_of(&s->mix, r);

	switch (b) {
	case CARRIER_ANSWERS:
	case CARRIER_MACHINE:
	case CARRIER_GARBLED:
	case CARRIER_NO_AGENT:
		pick_up(&p, b, s, r);
		break;
	case CARRIER_NO_ANSWER:
		ring_out(&p, r);
		break;
	case CARRIER_BUSY:
		refuse(&p, PERSON_US, 486,
		       (struct dialer_end){
			       .outcome = OUTCOME_BUSY, .q850 = 17, .by = DIALER_BY_CALLEE });
		break;
	case CARRIER_REJECTS:
		p.has_ringing = true;
		refuse(&p, PERSON_US, 603,
		       (struct dialer_end){
			       .outcome = OUTCOME_REJECTED, .q850 = 21, .by = DIALER_BY_CALLEE });
		break;
	case CARRIER_INVALID:
		refuse(&p, SHORT_US, 404,
		       (struct dialer_end){ .outcome = OUTCOME_INVALID_NUMBER,
					    .q850 = 1,
					    .by = DIALER_BY_CARRIER });
		break;
	case CARRIER_FAILS:
		refuse(&p, SHORT_US, 503,
		       (struct dialer_end){ .outcome = OUTCOME_CARRIER_ERROR,
					    .q850 = 34,
					    .by = DIALER_BY_CARRIER });
		break;
	case CARRIER_THROTTLES:
		refuse(&p, SHORT_US, 503,
		       (struct dialer_end){ .outcome = OUTCOME_RATE_LIMITED,
					    .retry_after_us = RETRY_AFTER_US,
					    .by = DIALER_BY_CARRIER });
		break;
	case CARRIER_SILENT:
		p.is_silent = true;
		break;
	case CARRIER_BEHAVIOUR_COUNT:
		break;
	}
	p.answer_us = scaled(p.answer_us, s->time_scale);
	p.end_us = scaled(p.end_us, s->time_scale);
	*out = p;
}
