/* Operations in, attempts through their states, one flush per turn of the loop:
 *
 *	dial ── journal "s" ── carrier ── dialing/ringing ── answered ── ended ── ack ── gone
 *
 * A flush writes the journal, then the carrier's file, then sends. So whatever a dispatcher has
 * heard is on the files, and an id that is missing in the journal was never dialed. */
#include "dial/desk.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/metrics.h"

struct desk {
	struct loop *loop;
	struct desk_options o;
	struct slot *slots[DESK_SLOTS_MAX];
	size_t slots_n;
	struct map attempts;
	int64_t *held, *ends[OUTCOME_COUNT];
	int64_t last_seq;
	bool is_flush_due;
	bool is_closed;
	bool has_failed;
};

/* --- flushing -------------------------------------------------------------------------------- */

static void flush(void *arg);

void desk_flush_soon(struct desk *d)
{
	if (d->is_flush_due)
		return;
	d->is_flush_due = true;
	loop_defer(d->loop, flush, d);
}

static struct err write_files(struct desk *d)
{
	TRY(journal_flush(d->o.journal, clock_now()));
	return d->o.carrier.write(d->o.carrier.arg);
}

void desk_fail(struct desk *d, struct err e)
{
	/* What was gathered may be half on the file. Only a new process that reads it back can say
	 * what was promised. */
	if (!d->has_failed)
		log_error("files_failed", LERR(e));
	d->has_failed = true;
	loop_stop(d->loop);
}

static void flush(void *arg)
{
	struct desk *d = arg;

	d->is_flush_due = false;
	if (d->has_failed || d->is_closed)
		return;
	struct err e = write_files(d);
	if (is_err(e)) {
		desk_fail(d, e);
		return;
	}
	if (d->o.carrier.written)
		d->o.carrier.written(d->o.carrier.arg);
	for (size_t i = 0; i < d->slots_n && !d->has_failed; i++) {
		if (slot_flush(d->slots[i]))
			desk_flush_soon(d);
	}
}

static void on_room(void *arg)
{
	desk_flush_soon(arg);
}

/* --- the course of a call -------------------------------------------------------------------- */

static void forget(struct desk *d, struct desk_attempt *a)
{
	(void)map_remove(&d->attempts, a->id); /* it is the one that was asked for */
	slot_leave(a);
	d->o.carrier.forget(a, d->o.carrier.arg);
}

size_t desk_count(const struct desk *d)
{
	return map_count(&d->attempts);
}

struct desk_attempt *desk_next(const struct desk *d, size_t *it)
{
	return map_next(&d->attempts, it);
}

struct slot *desk_slot(const struct desk *d, size_t i)
{
	return d->slots[i < d->slots_n ? i : 0];
}

size_t desk_slot_index(const struct desk *d, const struct slot *s)
{
	size_t i = 0;

	while (i < d->slots_n && d->slots[i] != s)
		i++;
	return i;
}

void desk_hold(struct desk *d, struct slot *home, struct desk_attempt *a, struct uuid id, usec_t at)
{
	a->id = id;
	a->slot = home;
	a->state = DIALER_STATE_DIALING;
	a->dialed_at = at;
	a->mono_dialed_at = clock_mono() - (clock_now() - at);
	map_set(&d->attempts, id, a);
}

void desk_hold_ended(struct desk *d, struct slot *home, struct desk_attempt *a)
{
	a->slot = home;
	a->state = DIALER_STATE_ENDED;
	d->last_seq = max_i64(d->last_seq, a->end.seq);
	map_set(&d->attempts, a->id, a);
	slot_keep_ended(a);
}

static usec_t since_dial(const struct desk_attempt *a)
{
	return max_i64(0, clock_mono() - a->mono_dialed_at);
}

void desk_ringing(struct desk *d, struct desk_attempt *a, int64_t sip)
{
	if (a->has_rung || a->state != DIALER_STATE_DIALING)
		return;
	a->state = DIALER_STATE_RINGING;
	a->has_rung = true;
	a->rang_us = since_dial(a);
	a->ringing_sip = sip;
	slot_tell(a, TELL_RINGING);
	desk_flush_soon(d);
}

void desk_answered(struct desk *d, struct desk_attempt *a)
{
	if (a->state == DIALER_STATE_ANSWERED || a->state == DIALER_STATE_ENDED)
		return;
	a->answered_us = since_dial(a);
	a->state = DIALER_STATE_ANSWERED;
	slot_tell(a, TELL_ANSWERED);
	desk_flush_soon(d);
}

void desk_bridged(struct desk *d, struct desk_attempt *a)
{
	if (a->is_bridged || a->state != DIALER_STATE_ANSWERED)
		return;
	a->is_bridged = true;
	a->bridged_us = since_dial(a);
	slot_tell(a, TELL_BRIDGED);
	desk_flush_soon(d);
}

void desk_ended(struct desk *d, struct desk_attempt *a, int64_t sip, struct dialer_end end)
{
	bool was_answered = a->state == DIALER_STATE_ANSWERED;

	a->ended_us = since_dial(a);
	a->sip = sip;
	a->end = end;
	a->end.seq = ++d->last_seq;
	if (was_answered)
		a->end.talk_us = a->ended_us - a->answered_us;
	if (a->has_rung)
		a->end.ring_us = (was_answered ? a->answered_us : a->ended_us) - a->rang_us;
	a->state = DIALER_STATE_ENDED;
	if (d->held != NULL)
		++*d->ends[end.outcome];
	slot_keep_ended(a);
	slot_tell(a, TELL_ENDED);
	desk_flush_soon(d);
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
static void tell_again(struct slot *s, struct desk_attempt *a)
{
	slot_adopt(s, a);
	slot_tell(a, a->state == DIALER_STATE_ENDED ? TELL_STATE | TELL_ENDED : TELL_STATE);
}

void desk_end_at_once(struct desk *d, struct slot *home, struct uuid id, int64_t sip,
		      struct dialer_end end)
{
	if (map_count(&d->attempts) >= DESK_HELD_MAX) {
		say_ended(d, home, id, sip, end);
		return;
	}
	struct desk_attempt *a = d->o.carrier.make(d->o.carrier.arg);
	desk_hold(d, home, a, id, clock_now());
	desk_ended(d, a, sip, end);
}

void desk_refuse(struct desk *d, struct slot *home, struct uuid id, const char *reason)
{
	const struct dialer_end end = { .outcome = OUTCOME_NOT_SENT, .by = DIALER_BY_US };

	log_debug("dial_refused", LID("attempt", ID_ATTEMPT, id), LS("reason", reason));
	journal_void(d->o.journal, id);
	desk_end_at_once(d, home, id, 0, end);
}

void desk_take_back(struct desk *d, struct desk_attempt *a, const char *reason)
{
	const struct dialer_end end = { .outcome = OUTCOME_NOT_SENT, .by = DIALER_BY_US };

	log_debug("dial_refused", LID("attempt", ID_ATTEMPT, a->id), LS("reason", reason));
	journal_void(d->o.journal, a->id);
	desk_ended(d, a, 0, end);
}

void desk_reply(struct desk *d, struct slot *s, const struct dialer_event *ev)
{
	slot_reply(s, ev);
	desk_flush_soon(d);
}

void desk_tell_all(struct desk *d, const struct dialer_event *ev)
{
	for (size_t i = 0; i < d->slots_n; i++)
		desk_reply(d, d->slots[i], ev);
}

static void on_dial(struct desk *d, struct slot *s, const struct dialer_op *op)
{
	usec_t at = clock_now();
	bool is_late = at > op->dial.expires_at;
	struct desk_attempt *held = map_get(&d->attempts, op->id);

	if (held) {
		tell_again(s, held);
		return;
	}
	switch (journal_look_up(d->o.journal, op->id)) {
	case JOURNAL_NEW:
		if (is_late)
			desk_refuse(d, s, op->id, "expired");
		else
			d->o.carrier.dial(op, s, at, d->o.carrier.arg);
		break;
	case JOURNAL_VOID:
		desk_refuse(d, s, op->id, "void");
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
			desk_refuse(d, s, op->id, "forgotten");
		break;
	}
}

static void on_query(struct desk *d, struct slot *s, struct uuid id)
{
	struct desk_attempt *held = map_get(&d->attempts, id);

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
	struct desk_attempt *a = map_get(&d->attempts, id);

	if (!a || a->state == DIALER_STATE_ENDED)
		return;
	d->o.carrier.hangup(a, d->o.carrier.arg);
}

static void on_ack(struct desk *d, struct uuid id, int64_t seq)
{
	struct desk_attempt *a = map_get(&d->attempts, id);

	if (a && a->state == DIALER_STATE_ENDED && a->end.seq == seq)
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
		d->o.carrier.trunk(op, s, d->o.carrier.arg);
		break;
	case DIALER_OP_TEST:
		d->o.carrier.test(op, s, d->o.carrier.arg);
		break;
	case DIALER_OP_CALLBACK:
		/* No carrier of this desk calls back. */
		break;
	case DIALER_OP_KIND_COUNT:
		break;
	}
	desk_flush_soon(d);
}

/* --- life ------------------------------------------------------------------------------------ */

static void collect(void *arg)
{
	const struct desk *d = arg;

	*d->held = (int64_t)map_count(&d->attempts);
}

static void measure(struct desk *d, struct metrics *m)
{
	d->held = metrics_gauge(m, &(struct metric){ .name = "belfry_dialer_attempts",
						     .help = "Attempts held: open, or not yet "
							     "acknowledged." });
	for (enum outcome o = OUTCOME_ANSWERED; o < OUTCOME_COUNT; o++)
		d->ends[o] = metrics_counter(
			m, &(struct metric){ .name = "belfry_dialer_ends_total",
					     .help = "Attempts that ended here, by outcome.",
					     .labels = { { "outcome", outcome_name(o) } } });
	metrics_on_collect(m, collect, d);
}

struct desk *desk_new(struct loop *l, const struct desk_options *o)
{
	struct desk *d = xcalloc(1, sizeof(*d));

	d->loop = l;
	d->o = *o;
	map_init(&d->attempts);
	if (o->metrics != NULL)
		measure(d, o->metrics);
	return d;
}

struct err desk_add_slot(struct desk *d, const char *address)
{
	struct slot_options o = { .address = address,
				  .dialer = d->o.carrier.name,
				  .instance = journal_instance(d->o.journal),
				  .caps = d->o.carrier.caps,
				  .on_op = on_op,
				  .on_room = on_room,
				  .ref = d->o.carrier.ref,
				  .events = d->o.carrier.events,
				  .arg = d };

	if (d->slots_n == DESK_SLOTS_MAX)
		return ERR(ERR_TOO_LARGE, "more addresses than a dialer has slots");
	TRY(slot_open(d->loop, &o, &d->slots[d->slots_n]));
	d->slots_n++;
	return OK;
}

struct err desk_add_slots(struct desk *d, const char *addresses)
{
	struct str rest = str_from(addresses), address;
	struct err e = OK;

	while (rest.n > 0 && !is_err(e)) {
		(void)str_split(rest, ',', &address, &rest); /* the last one has no comma */
		char *text = xstrndup(address);
		e = desk_add_slot(d, text);
		if (!is_err(e))
			log_info("listening", LS("address", text));
		free(text);
	}
	return e;
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
	struct desk_attempt *a;

	if (!d)
		return;
	for (size_t it = 0; (a = map_next(&d->attempts, &it)) != NULL;)
		forget(d, a);
	for (size_t i = 0; i < d->slots_n; i++)
		slot_close(d->slots[i]);
	map_deinit(&d->attempts);
	/* A flush may stand in the loop's queue, before this. */
	d->is_closed = true;
	loop_defer_free(d->loop, d, free);
}
