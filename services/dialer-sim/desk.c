/* Operations in, attempts through their states, one flush per turn of the loop:
 *
 *	dial ── journal "s" ── ledger "dial" ── dialing/ringing ── answered ── ended ── ack ── gone
 *
 * A flush writes the journal, then the ledger, then sends. So whatever a dispatcher has heard is
 * on the files, and an id that is missing in the journal was never dialed. */
#include "desk.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "slot.h"
#include "sys/clock.h"
#include "sys/log.h"

#define DUE_BUDGET 1000
#define OVERLOAD_RETRY_US USEC_PER_SEC

struct desk {
	struct loop *loop;
	struct desk_options o;
	struct slot *slots[DESK_SLOTS_MAX];
	size_t slots_n;
	struct map attempts;
	struct heap due;
	struct timer *timer;
	int64_t last_seq;
	bool is_flush_due;
	bool is_closed;
	bool has_failed;
};

/* --- flushing -------------------------------------------------------------------------------- */

static void flush(void *arg);

static void flush_soon(struct desk *d)
{
	if (d->is_flush_due)
		return;
	d->is_flush_due = true;
	loop_defer(d->loop, flush, d);
}

static struct err write_files(struct desk *d)
{
	TRY(journal_flush(d->o.journal, clock_now()));
	return ledger_flush(d->o.ledger);
}

static void flush(void *arg)
{
	struct desk *d = arg;

	d->is_flush_due = false;
	if (d->has_failed || d->is_closed)
		return;
	struct err e = write_files(d);
	if (is_err(e)) {
		/* What was gathered may be half on the file. Only a new process that reads it back
		 * can say what was promised. */
		log_error("files_failed", LERR(e));
		d->has_failed = true;
		loop_stop(d->loop);
		return;
	}
	for (size_t i = 0; i < d->slots_n; i++) {
		if (slot_flush(d->slots[i]))
			flush_soon(d);
	}
	const struct heap_node *next = heap_min(&d->due);
	if (next)
		timer_start_at(d->timer, next->at);
}

static void on_room(void *arg)
{
	flush_soon(arg);
}

/* --- the course of a call -------------------------------------------------------------------- */

static void forget(struct desk *d, struct attempt *a)
{
	(void)map_remove(&d->attempts, a->id); /* it is the one that was asked for */
	heap_remove(&d->due, &a->due);
	slot_leave(a);
	free(a);
}

static struct attempt *hold(struct desk *d, struct slot *s, struct uuid id, usec_t at)
{
	struct attempt *a = xcalloc(1, sizeof(*a));

	a->id = id;
	a->slot = s;
	a->state = DIALER_STATE_DIALING;
	a->dialed_at = at;
	a->mono_dialed_at = clock_mono();
	map_set(&d->attempts, id, a);
	return a;
}

/* By plan.sip and plan.end, at this moment. */
static void end_attempt(struct desk *d, struct attempt *a)
{
	bool was_answered = a->state == DIALER_STATE_ANSWERED;

	a->ended_us = clock_mono() - a->mono_dialed_at;
	a->plan.end.seq = ++d->last_seq;
	if (was_answered)
		a->plan.end.talk_us = a->ended_us - a->answered_us;
	if (a->plan.has_ringing)
		a->plan.end.ring_us = was_answered ? a->answered_us : a->ended_us;
	a->state = DIALER_STATE_ENDED;
	slot_keep_ended(a);
	slot_tell(a, TELL_ENDED);
}

static void finish_call(struct desk *d, struct attempt *a)
{
	ledger_outcome(d->o.ledger, clock_now(), a->id, a->plan.end.outcome, a->plan.sip);
	end_attempt(d, a);
}

static void advance(struct desk *d, struct attempt *a)
{
	if (!a->plan.has_answer || a->state == DIALER_STATE_ANSWERED) {
		finish_call(d, a);
		return;
	}
	a->answered_us = clock_mono() - a->mono_dialed_at;
	a->state = DIALER_STATE_ANSWERED;
	slot_tell(a, TELL_ANSWERED | (a->plan.has_bridge ? (unsigned)TELL_BRIDGED : 0));
	heap_push(&d->due, &a->due, a->mono_dialed_at + a->plan.end_us);
}

static void run_due(void *arg)
{
	struct desk *d = arg;
	struct heap_node *n;

	for (int i = 0; i < DUE_BUDGET && (n = heap_min(&d->due)) != NULL; i++) {
		if (n->at > loop_mono(d->loop))
			break;
		heap_remove(&d->due, n);
		advance(d, CONTAINER_OF(n, struct attempt, due));
	}
	flush_soon(d);
}

/* --- operations ------------------------------------------------------------------------------ */

static void say_state(struct slot *s, struct uuid id, enum dialer_state state)
{
	struct dialer_event ev = { .kind = DIALER_EV_STATE, .id = id, .state = state };

	slot_reply(s, &ev);
}

/* Says how an attempt ended that is not held: once, without waiting for an ack. */
static void say_ended(struct desk *d, struct slot *s, struct uuid id, int64_t sip,
		      struct dialer_end end)
{
	struct dialer_event ev = {
		.kind = DIALER_EV_ENDED, .id = id, .t_us = clock_now(), .sip = sip, .end = end
	};

	ev.end.seq = ++d->last_seq;
	slot_reply(s, &ev);
}

/* A query or a repeated dial: where the attempt stands, and from now on at this slot. */
static void tell_again(struct slot *s, struct attempt *a)
{
	slot_adopt(s, a);
	slot_tell(a, a->state == DIALER_STATE_ENDED ? TELL_STATE | TELL_ENDED : TELL_STATE);
}

/* Held like any other that has ended, as long as there is room. */
static void end_at_once(struct desk *d, struct slot *s, struct uuid id, int64_t sip,
			struct dialer_end end)
{
	if (map_count(&d->attempts) >= DESK_HELD_MAX) {
		say_ended(d, s, id, sip, end);
		return;
	}
	struct attempt *a = hold(d, s, id, clock_now());
	a->plan.sip = sip;
	a->plan.end = end;
	end_attempt(d, a);
}

static void refuse(struct desk *d, struct slot *s, struct uuid id, const char *reason)
{
	const struct dialer_end end = { .outcome = OUTCOME_NOT_SENT, .by = DIALER_BY_US };

	log_debug("dial_refused", LID("attempt", ID_ATTEMPT, id), LS("reason", reason));
	journal_void(d->o.journal, id);
	end_at_once(d, s, id, 0, end);
}

/* The request reaches the carrier. */
static void place_call(struct desk *d, struct slot *s, const struct dialer_op *op, usec_t at)
{
	const struct dialer_op_dial *dial = &op->dial;
	struct carrier_request r = { .to = dial->to,
				     .attempt = dial->attempt,
				     .ring_limit_us = dial->ring_us,
				     .talk_limit_us = dial->max_us };
	struct carrier_plan plan;

	journal_sent(d->o.journal, op->id);
	ledger_dial(d->o.ledger, at, op);
	if (map_count(&d->attempts) >= DESK_OPEN_MAX) {
		ledger_outcome(d->o.ledger, at, op->id, OUTCOME_RATE_LIMITED, 503);
		end_at_once(d, s, op->id, 503,
			    (struct dialer_end){ .outcome = OUTCOME_RATE_LIMITED,
						 .retry_after_us = OVERLOAD_RETRY_US,
						 .by = DIALER_BY_CARRIER });
		return;
	}
	carrier_plan(&d->o.carrier, &r, &plan);
	if (plan.is_silent)
		return;
	struct attempt *a = hold(d, s, op->id, at);
	a->plan = plan;
	if (plan.has_ringing) {
		a->state = DIALER_STATE_RINGING;
		slot_tell(a, TELL_RINGING);
	}
	heap_push(&d->due, &a->due,
		  a->mono_dialed_at + (plan.has_answer ? plan.answer_us : plan.end_us));
}

static void on_dial(struct desk *d, struct slot *s, const struct dialer_op *op)
{
	usec_t at = clock_now();
	bool is_late = at > op->dial.expires_at;
	struct attempt *held = map_get(&d->attempts, op->id);

	if (held) {
		tell_again(s, held);
		return;
	}
	switch (journal_look_up(d->o.journal, op->id)) {
	case JOURNAL_NEW:
		if (is_late)
			refuse(d, s, op->id, "expired");
		else
			place_call(d, s, op, at);
		break;
	case JOURNAL_VOID:
		refuse(d, s, op->id, "void");
		break;
	case JOURNAL_SENT:
		say_state(s, op->id, DIALER_STATE_UNKNOWN);
		break;
	case JOURNAL_FORGOTTEN:
		/* In time, and yet as old as what was forgotten: a clock was set back. It is not
		 * dialed, since nothing else stands between it and a second ring. */
		if (is_late)
			say_state(s, op->id, DIALER_STATE_UNKNOWN);
		else
			refuse(d, s, op->id, "forgotten");
		break;
	}
}

static void on_query(struct desk *d, struct slot *s, struct uuid id)
{
	struct attempt *held = map_get(&d->attempts, id);

	if (held) {
		tell_again(s, held);
		return;
	}
	switch (journal_look_up(d->o.journal, id)) {
	case JOURNAL_NEW:
		journal_void(d->o.journal, id);
		say_state(s, id, DIALER_STATE_NEVER_SENT);
		break;
	case JOURNAL_VOID:
		say_state(s, id, DIALER_STATE_NEVER_SENT);
		break;
	case JOURNAL_SENT:
	case JOURNAL_FORGOTTEN:
		say_state(s, id, DIALER_STATE_UNKNOWN);
		break;
	}
}

static void on_hangup(struct desk *d, struct uuid id)
{
	struct attempt *a = map_get(&d->attempts, id);

	if (!a || a->state == DIALER_STATE_ENDED)
		return;
	ledger_hangup(d->o.ledger, clock_now(), id);
	heap_remove(&d->due, &a->due);
	if (a->state != DIALER_STATE_ANSWERED) {
		a->plan.sip = 487;
		a->plan.end = (struct dialer_end){ .outcome = OUTCOME_CANCELLED };
	}
	a->plan.end.by = DIALER_BY_US;
	finish_call(d, a);
}

static void on_ack(struct desk *d, struct uuid id, int64_t seq)
{
	struct attempt *a = map_get(&d->attempts, id);

	if (a && a->state == DIALER_STATE_ENDED && a->plan.end.seq == seq)
		forget(d, a);
}

static void on_hello(struct slot *s, const struct dialer_op_hello *hello)
{
	if (slot_greet(s, hello->incarnation))
		log_info("dispatcher_hello", LT("dispatcher", hello->dispatcher),
			 LT("incarnation", hello->incarnation), LI("version", hello->version));
}

static void on_op(struct slot *s, const struct dialer_op *op, void *arg)
{
	struct desk *d = arg;
	struct dialer_event trunk = { .kind = DIALER_EV_TRUNK,
				      .id = op->id,
				      .trunk = { .state = DIALER_TRUNK_UP } };

	switch (op->kind) {
	case DIALER_OP_HELLO:
		on_hello(s, &op->hello);
		break;
	case DIALER_OP_DIAL:
		on_dial(d, s, op);
		break;
	case DIALER_OP_ACK:
		on_ack(d, op->id, op->ack_seq);
		break;
	case DIALER_OP_QUERY:
		on_query(d, s, op->id);
		break;
	case DIALER_OP_HANGUP:
		on_hangup(d, op->id);
		break;
	case DIALER_OP_TRUNK:
		slot_reply(s, &trunk);
		break;
	case DIALER_OP_CALLBACK:
		/* This carrier calls nobody back. */
		break;
	case DIALER_OP_KIND_COUNT:
		break;
	}
	flush_soon(d);
}

/* --- life ------------------------------------------------------------------------------------ */

struct desk *desk_new(struct loop *l, const struct desk_options *o)
{
	struct desk *d = xcalloc(1, sizeof(*d));

	d->loop = l;
	d->o = *o;
	map_init(&d->attempts);
	heap_init(&d->due);
	d->timer = timer_new(l, run_due, d);
	return d;
}

struct err desk_add_slot(struct desk *d, const char *address)
{
	struct slot_options o = { .address = address,
				  .instance = journal_instance(d->o.journal),
				  .on_op = on_op,
				  .on_room = on_room,
				  .arg = d };

	if (d->slots_n == DESK_SLOTS_MAX)
		return ERR(ERR_TOO_LARGE, "more addresses than a dialer has slots");
	TRY(slot_open(d->loop, &o, &d->slots[d->slots_n]));
	d->slots_n++;
	return OK;
}

void desk_finish(struct desk *d)
{
	flush(d);
}

bool desk_has_failed(const struct desk *d)
{
	return d->has_failed;
}

void desk_free(struct desk *d)
{
	struct attempt *a;

	if (!d)
		return;
	for (size_t it = 0; (a = map_next(&d->attempts, &it)) != NULL;)
		forget(d, a);
	for (size_t i = 0; i < d->slots_n; i++)
		slot_close(d->slots[i]);
	timer_free(d->timer);
	map_deinit(&d->attempts);
	heap_deinit(&d->due);
	/* A flush may stand in the loop's queue, before this. */
	d->is_closed = true;
	loop_defer_free(d->loop, d, free);
}
