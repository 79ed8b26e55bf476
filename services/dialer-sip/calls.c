/* What the desk asks, and what the clock does. */
#include "calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "call.h"
#include "call_file.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "trunk_test.h"

#define OVERLOAD_RETRY_US USEC_PER_SEC

struct calls {
	struct loop *loop;
	struct calls_options o;
	struct desk *desk;
	struct trunks *trunks;
	struct trunk_tests *tests;
	struct call_file *file;
};

static const char *const step_names[CALL_STEP_COUNT] = {
	[CALL_WAITING] = "waiting",   [CALL_CALLING] = "calling", [CALL_CANCELLING] = "cancelling",
	[CALL_BRIDGING] = "bridging", [CALL_BRIDGED] = "bridged", [CALL_OVER] = "over",
};

static struct call *call_of(struct desk_attempt *a)
{
	return CONTAINER_OF(a, struct call, held);
}

struct ua *calls_ua(const struct calls *cs)
{
	return cs->o.ua;
}

struct desk *calls_desk(const struct calls *cs)
{
	return cs->desk;
}

/* --- steps ----------------------------------------------------------------------------------- */

void call_free(struct call *c)
{
	timer_free(c->timer);
	free(c->callee_sdp);
	free(c->agent_uri);
	arena_free(c->arena);
	free(c);
}

void call_set_step(struct call *c, enum call_step s)
{
	ASSERT(c->step <= s);
	log_debug("call_step", LID("attempt", ID_ATTEMPT, c->held.id),
		  LS("from", step_names[c->step]), LS("to", step_names[s]));
	c->step = s;
	if (s == CALL_OVER) {
		timer_stop(c->timer);
	} else if (s == CALL_BRIDGED) {
		usec_t spent = clock_now() - c->answered_at;
		timer_start(c->timer, max_i64(0, c->op.dial.max_us - spent));
	}
}

static void on_timer(void *arg)
{
	struct call *c = arg;

	switch (c->step) {
	case CALL_WAITING:
		trunk_leave(&c->ticket);
		c->step = CALL_OVER;
		desk_take_back(c->calls->desk, &c->held, "trunk shut");
		break;
	case CALL_CALLING:
		call_ring_timeout(c);
		break;
	case CALL_BRIDGING:
		call_join_timeout(c);
		break;
	case CALL_BRIDGED:
		call_end(c, 200,
			 (struct dialer_end){
				 .outcome = OUTCOME_ANSWERED, .q850 = 16, .by = DIALER_BY_US });
		break;
	case CALL_CANCELLING:
	case CALL_OVER:
	case CALL_STEP_COUNT:
		break;
	}
}

/* --- the file of calls ----------------------------------------------------------------------- */

void call_record(struct call *c)
{
	if (!c->is_recorded)
		return;
	call_file_at(c->calls->file, c);
	desk_flush_soon(c->calls->desk);
}

static struct err write_now(struct calls *cs)
{
	TRY(journal_flush(cs->o.journal, clock_now()));
	return call_file_flush(cs->file);
}

bool call_record_sent(struct call *c)
{
	struct calls *cs = c->calls;

	if (!c->is_recorded) {
		journal_sent(cs->o.journal, c->held.id);
		call_file_dial(cs->file, c, desk_slot_index(cs->desk, c->held.slot));
		c->is_recorded = true;
	}
	call_file_at(cs->file, c);
	struct err e = write_now(cs);
	if (is_err(e))
		desk_fail(cs->desk, e);
	return !is_err(e);
}

static struct err write_anew(struct calls *cs)
{
	struct desk_attempt *a;

	TRY(call_file_begin(cs->file));
	for (size_t it = 0; (a = desk_next(cs->desk, &it)) != NULL;) {
		struct call *c = call_of(a);
		if (!c->is_recorded)
			continue;
		if (c->step != CALL_OVER)
			call_file_dial(cs->file, c, desk_slot_index(cs->desk, a->slot));
		call_file_at(cs->file, c);
	}
	return call_file_commit(cs->file);
}

static struct err on_write(void *arg)
{
	struct calls *cs = arg;

	TRY(call_file_flush(cs->file));
	return call_file_is_old(cs->file, desk_count(cs->desk)) ? write_anew(cs) : OK;
}

/* --- what the desk asks ---------------------------------------------------------------------- */

struct call *call_new(struct calls *cs)
{
	struct call *c = xcalloc(1, sizeof(*c));

	c->calls = cs;
	c->timer = timer_new(cs->loop, on_timer, c);
	c->callee_origin.ip = c->agent_origin.ip = ua_address(cs->o.ua);
	return c;
}

static struct desk_attempt *make(void *arg)
{
	struct call *c = call_new(arg);

	c->step = CALL_OVER;
	return &c->held;
}

static void forget(struct desk_attempt *a, void *arg)
{
	struct calls *cs = arg;
	struct call *c = call_of(a);

	if (c->is_recorded && c->step == CALL_OVER)
		call_file_done(cs->file, a->id);
	trunk_leave(&c->ticket);
	call_free(c);
}

static void on_entered(struct trunk_ticket *k)
{
	struct call *c = CONTAINER_OF(k, struct call, ticket);
	const struct sip_trunk *t = trunk_settings(k->trunk);

	timer_stop(c->timer);
	if (t) {
		call_place(c, t);
		return;
	}
	call_end(c, 0, (struct dialer_end){ .outcome = OUTCOME_CONFIG_ERROR, .by = DIALER_BY_US });
}

static struct str copy(struct call *c, struct str s)
{
	return arena_str(c->arena, s);
}

void call_keep_dial(struct call *c, const struct dialer_op *op)
{
	c->arena = arena_new();
	c->op = *op;
	c->op.dial.to = copy(c, op->dial.to);
	c->op.dial.from = copy(c, op->dial.from);
	c->op.dial.agent = copy(c, op->dial.agent);
	c->op.dial.variables = copy(c, op->dial.variables);
	c->op.dial.traceparent = copy(c, op->dial.traceparent);
	c->op.dial.tracestate = copy(c, op->dial.tracestate);
	c->callee_origin.session = c->agent_origin.session = uuid_hash(op->id) >> 1;
}

bool call_read_agent(struct call *c)
{
	struct json_faults *faults = xcalloc(1, sizeof(*faults));
	struct json_limits limits = { .max_bytes = DIALER_MSG_MAX, .max_depth = 32 };
	struct json_doc *doc = NULL;
	struct str uri = STR_NONE;
	bool is_good = !is_err(json_parse(c->op.dial.agent, limits, &doc, NULL)) &&
		       sip_agent_decode(json_doc_root(doc), "", c->arena, faults, &uri);

	if (is_good && str_starts(uri, STR("sips:"))) {
		struct strbuf b;
		strbuf_init(&b, LEG_TEXT_MAX);
		strbuf_addf(&b, "sip:%.*s;transport=tls", (int)(uri.n - 5), uri.p + 5);
		c->agent_uri = strbuf_detach(&b);
	} else if (is_good) {
		c->agent_uri = xstrndup(uri);
	}
	json_doc_free(doc);
	free(faults);
	return is_good;
}

static void on_dial(const struct dialer_op *op, struct slot *home, usec_t at, void *arg)
{
	struct calls *cs = arg;
	struct trunk *t = trunks_get(cs->trunks, op->dial.trunk);

	if (!t || desk_count(cs->desk) >= DESK_OPEN_MAX) {
		desk_end_at_once(cs->desk, home, op->id, 0,
				 (struct dialer_end){ .outcome = OUTCOME_RATE_LIMITED,
						      .retry_after_us = OVERLOAD_RETRY_US,
						      .by = DIALER_BY_US });
		return;
	}
	struct call *c = call_new(cs);
	call_keep_dial(c, op);
	desk_hold(cs->desk, home, &c->held, op->id, at);
	if (!call_read_agent(c)) {
		log_warn("agent_refused", LID("attempt", ID_ATTEMPT, op->id),
			 LS("reason", "its endpoint has no usable sip_uri"));
		call_end(
			c, 0,
			(struct dialer_end){ .outcome = OUTCOME_CONFIG_ERROR, .by = DIALER_BY_US });
		return;
	}
	timer_start(c->timer, op->dial.expires_at - at);
	trunk_enter(t, &c->ticket, on_entered);
}

static void on_hangup(struct desk_attempt *a, void *arg)
{
	struct call *c = call_of(a);
	struct dialer_end end = { .outcome = OUTCOME_CANCELLED, .by = DIALER_BY_US };

	(void)arg;
	c->is_hungup = true;
	if (c->step == CALL_BRIDGED) {
		end.outcome = OUTCOME_ANSWERED;
		end.q850 = 16;
	} else if (c->step == CALL_BRIDGING) {
		end.outcome = OUTCOME_AGENT_UNAVAILABLE;
	}
	call_end(c, c->step >= CALL_BRIDGING ? 200 : 487, end);
}

static void on_trunk(const struct dialer_op *op, struct slot *from, void *arg)
{
	struct calls *cs = arg;

	(void)from; /* its state goes to everyone */
	trunks_set(cs->trunks, op->id, op->trunk_settings);
}

static void on_trunk_state(const struct dialer_event *ev, void *arg)
{
	struct calls *cs = arg;

	desk_tell_all(cs->desk, ev);
}

static void on_test(const struct dialer_op *op, struct slot *from, void *arg)
{
	struct calls *cs = arg;

	trunk_tests_begin(cs->tests, op->id, op->test_trunk, from);
}

static void on_tested(const struct dialer_event *ev, void *asker, void *arg)
{
	struct calls *cs = arg;

	desk_reply(cs->desk, asker, ev);
}

/* The carrier knows the call by the Call-ID of the callee's leg. */
static void ref(const struct desk_attempt *a, char out[DIALER_REF_MAX + 1])
{
	char text[ID_TEXT_SIZE];

	(void)snprintf(out, DIALER_REF_MAX + 1, "%s.c", id_format(ID_ATTEMPT, a->id, text));
}

/* --- life ------------------------------------------------------------------------------------ */

static struct desk_carrier carrier(struct calls *cs)
{
	return (struct desk_carrier){ .name = "sip",
				      .caps = DIALER_CAP_QUERY | DIALER_CAP_HANGUP |
					      DIALER_CAP_RINGING | DIALER_CAP_TRUNKS |
					      DIALER_CAP_TEST,
				      .make = make,
				      .dial = on_dial,
				      .hangup = on_hangup,
				      .trunk = on_trunk,
				      .test = on_test,
				      .forget = forget,
				      .write = on_write,
				      .ref = ref,
				      .events = slot_list_events,
				      .arg = cs };
}

struct err calls_open(struct loop *l, const struct calls_options *o, struct calls **out)
{
	struct calls *cs = xcalloc(1, sizeof(*cs));

	cs->loop = l;
	cs->o = *o;
	cs->trunks = trunks_new(l, o->ua, on_trunk_state, cs, o->metrics);
	cs->tests = trunk_tests_new(l, o->ua, cs->trunks, on_tested, cs);
	cs->desk = desk_new(l, &(struct desk_options){ .carrier = carrier(cs),
						       .journal = o->journal,
						       .metrics = o->metrics });
	struct err e = desk_add_slots(cs->desk, o->listen);
	if (!is_err(e))
		e = revive_calls(cs, o->path, &cs->file);
	if (!is_err(e))
		e = write_anew(cs);
	if (is_err(e)) {
		calls_close(cs);
		return e;
	}
	*out = cs;
	return OK;
}

void calls_close(struct calls *cs)
{
	if (!cs)
		return;
	trunk_tests_free(cs->tests);
	desk_free(cs->desk);
	trunks_free(cs->trunks);
	call_file_close(cs->file);
	free(cs);
}
