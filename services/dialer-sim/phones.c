/* One heap of the next thing that happens to each call. */
#include "phones.h"

#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "base/mem.h"
#include "sys/clock.h"

#define DUE_BUDGET 1000
#define OVERLOAD_RETRY_US USEC_PER_SEC

struct phone_call {
	struct desk_attempt held; /* first */
	struct heap_node due;     /* on the monotonic clock */
	struct carrier_plan plan; /* sip and end: how it will end, or did */
};

struct phones {
	struct loop *loop;
	struct phones_options o;
	struct desk *desk;
	struct heap due;
	struct timer *timer;
};

static struct phone_call *call_of(struct desk_attempt *a)
{
	return CONTAINER_OF(a, struct phone_call, held);
}

/* --- the course of a call -------------------------------------------------------------------- */

static void arm(struct phones *p)
{
	const struct heap_node *next = heap_min(&p->due);

	if (next)
		timer_start_at(p->timer, next->at);
}

static void finish_call(struct phones *p, struct phone_call *c)
{
	ledger_outcome(p->o.ledger, clock_now(), c->held.id, c->plan.end.outcome, c->plan.sip);
	desk_ended(p->desk, &c->held, c->plan.sip, c->plan.end);
}

static void advance(struct phones *p, struct phone_call *c)
{
	if (!c->plan.has_answer || c->held.state == DIALER_STATE_ANSWERED) {
		finish_call(p, c);
		return;
	}
	desk_answered(p->desk, &c->held);
	if (c->plan.has_bridge)
		desk_bridged(p->desk, &c->held);
	/* From now on, and not from when it should have been answered: a machine that stood still in
	 * between would make it a conversation of no length. */
	heap_push(&p->due, &c->due, clock_mono() + c->plan.end_us - c->plan.answer_us);
}

static void run_due(void *arg)
{
	struct phones *p = arg;
	struct heap_node *n;

	for (int i = 0; i < DUE_BUDGET && (n = heap_min(&p->due)) != NULL; i++) {
		if (n->at > loop_mono(p->loop))
			break;
		heap_remove(&p->due, n);
		advance(p, CONTAINER_OF(n, struct phone_call, due));
	}
	arm(p);
}

/* --- what the desk asks ---------------------------------------------------------------------- */

static struct desk_attempt *make(void *arg)
{
	struct phone_call *c = xcalloc(1, sizeof(*c));

	(void)arg; /* calls know nothing of each other */
	return &c->held;
}

static void forget(struct desk_attempt *a, void *arg)
{
	struct phones *p = arg;
	struct phone_call *c = call_of(a);

	heap_remove(&p->due, &c->due);
	free(c);
}

static void dial(const struct dialer_op *op, struct slot *home, usec_t at, void *arg)
{
	struct phones *p = arg;
	struct carrier_request r = { .to = op->dial.to,
				     .attempt = op->dial.attempt,
				     .ring_limit_us = op->dial.ring_us,
				     .talk_limit_us = op->dial.max_us };
	struct carrier_plan plan;

	journal_sent(p->o.journal, op->id);
	ledger_dial(p->o.ledger, at, op);
	if (desk_count(p->desk) >= DESK_OPEN_MAX) {
		ledger_outcome(p->o.ledger, at, op->id, OUTCOME_RATE_LIMITED, 503);
		desk_end_at_once(p->desk, home, op->id, 503,
				 (struct dialer_end){ .outcome = OUTCOME_RATE_LIMITED,
						      .retry_after_us = OVERLOAD_RETRY_US,
						      .by = DIALER_BY_CARRIER });
		return;
	}
	carrier_plan(&p->o.carrier, &r, &plan);
	if (plan.is_silent)
		return;
	struct phone_call *c = call_of(make(p));
	c->plan = plan;
	desk_hold(p->desk, home, &c->held, op->id, at);
	if (plan.has_ringing)
		desk_ringing(p->desk, &c->held, 180);
	heap_push(&p->due, &c->due,
		  c->held.mono_dialed_at + (plan.has_answer ? plan.answer_us : plan.end_us));
	arm(p);
}

static void hangup(struct desk_attempt *a, void *arg)
{
	struct phones *p = arg;
	struct phone_call *c = call_of(a);

	ledger_hangup(p->o.ledger, clock_now(), a->id);
	heap_remove(&p->due, &c->due);
	if (a->state != DIALER_STATE_ANSWERED) {
		c->plan.sip = 487;
		c->plan.end = (struct dialer_end){ .outcome = OUTCOME_CANCELLED };
	}
	c->plan.end.by = DIALER_BY_US;
	finish_call(p, c);
}

/* Every trunk of this carrier is up. */
static void trunk(const struct dialer_op *op, struct slot *from, void *arg)
{
	const struct phones *p = arg;
	struct dialer_event ev = { .kind = DIALER_EV_TRUNK,
				   .id = op->id,
				   .trunk = { .state = DIALER_TRUNK_UP } };

	desk_reply(p->desk, from, &ev);
}

/* And answers who asks. */
static void test(const struct dialer_op *op, struct slot *from, void *arg)
{
	const struct phones *p = arg;
	struct dialer_event ev = { .kind = DIALER_EV_TESTED,
				   .id = op->id,
				   .t_us = clock_now(),
				   .sip = 200,
				   .tested = { .trunk = op->test_trunk,
					       .is_ok = true,
					       .reason = STR("OK"),
					       .state = DIALER_TRUNK_UP } };

	desk_reply(p->desk, from, &ev);
}

static struct err write_ledger(void *arg)
{
	const struct phones *p = arg;

	return ledger_flush(p->o.ledger);
}

/* The carrier's own name of the call: the attempt id under another prefix. */
static void ref(const struct desk_attempt *a, char out[DIALER_REF_MAX + 1])
{
	char text[ID_TEXT_SIZE];

	memcpy(id_format(ID_ATTEMPT, a->id, text), "sim", 3);
	memcpy(out, text, sizeof(text));
}

static size_t list_events(const struct desk_attempt *a, enum dialer_event_kind v[SLOT_EVENTS_MAX])
{
	static const enum dialer_event_kind garbled_answer[] = {
		DIALER_EV_BRIDGED, DIALER_EV_ANSWERED, DIALER_EV_BRIDGED, DIALER_EV_ANSWERED
	};
	static const enum dialer_event_kind garbled_end[] = { DIALER_EV_ENDED, DIALER_EV_RINGING,
							      DIALER_EV_ANSWERED, DIALER_EV_ENDED };
	const struct phone_call *c = (const struct phone_call *)(const void *)a;
	size_t n = 0;

	if (!c->plan.is_garbled)
		return slot_list_events(a, v);
	if (a->tell & TELL_STATE)
		v[n++] = DIALER_EV_STATE;
	bool is_end = (a->tell & TELL_ENDED) != 0;
	if (is_end || (a->tell & (TELL_ANSWERED | TELL_BRIDGED))) {
		memcpy(v + n, is_end ? garbled_end : garbled_answer, sizeof(garbled_end));
		n += ARRAY_LEN(garbled_end);
	}
	return n;
}

struct phones *phones_new(struct loop *l, const struct phones_options *o)
{
	struct phones *p = xcalloc(1, sizeof(*p));

	p->loop = l;
	p->o = *o;
	heap_init(&p->due);
	p->timer = timer_new(l, run_due, p);
	p->desk = desk_new(l, &(struct desk_options){
				      .journal = o->journal,
				      .metrics = o->metrics,
				      .carrier = { .name = "sim",
						   .caps = DIALER_CAP_QUERY | DIALER_CAP_HANGUP |
							   DIALER_CAP_RINGING | DIALER_CAP_TEST,
						   .make = make,
						   .dial = dial,
						   .hangup = hangup,
						   .trunk = trunk,
						   .test = test,
						   .forget = forget,
						   .write = write_ledger,
						   .ref = ref,
						   .events = list_events,
						   .arg = p } });
	return p;
}

void phones_free(struct phones *p)
{
	if (!p)
		return;
	desk_free(p->desk);
	timer_free(p->timer);
	heap_deinit(&p->due);
	free(p);
}

struct desk *phones_desk(const struct phones *p)
{
	return p->desk;
}
