/* The lines of the file of calls become calls again: what ended is told again, what rings or talks goes
 * on, and what was between the two is hung up, since nobody knows how far it came. */
#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"
#include "call.h"
#include "call_file.h"
#include "sys/clock.h"
#include "sys/log.h"

/* Calls that are being read back, before the desk holds them. */
struct revival {
	struct calls *cs;
	struct map lines; /* of struct revived */
};

struct revived {
	struct uuid id;
	size_t slot;
	char *op;
	struct call *c; /* NULL = no state yet */
	struct call_state state;
};

static struct revived *revived(struct revival *r, struct uuid id)
{
	struct revived *v = map_get(&r->lines, id);

	if (!v) {
		v = xcalloc(1, sizeof(*v));
		v->id = id;
		map_set(&r->lines, id, v);
	}
	return v;
}

static void on_dial_line(struct uuid id, size_t slot, struct str op, void *arg)
{
	struct revived *v = revived(arg, id);

	free(v->op);
	v->op = xstrndup(op);
	v->slot = slot;
}

static void on_at_line(struct uuid id, const struct json_value *state, void *arg)
{
	struct revival *r = arg;
	struct revived *v = revived(r, id);

	if (!v->c)
		v->c = call_new(r->cs);
	(void)call_file_read_state(state, v->c,
				   &v->state); /* what cannot be read changes nothing */
}

static void free_revived(struct revival *r, struct revived *v)
{
	if (v->c)
		call_free(v->c);
	(void)map_remove(&r->lines, v->id); /* it is there */
	free(v->op);
	free(v);
}

static void on_done_line(struct uuid id, void *arg)
{
	struct revival *r = arg;
	struct revived *v = map_get(&r->lines, id);

	if (v)
		free_revived(r, v);
}

static void take_up(struct calls *cs, struct call *c, const struct call_state *s)
{
	struct ua_tls tls;
	struct leg_options how = { .owner = call_leg_owner(c) };
	usec_t elapsed = clock_now() - c->held.dialed_at;
	bool is_good =
		s->has_callee && !is_err(leg_restore(calls_ua(cs), &s->callee, &how, &c->callee));

	c->step = (enum call_step)s->step;
	c->agent_step = (enum agent_step)s->agent_step;
	if (s->has_agent) {
		how.tls = call_agent_tls(c, &tls) ? &tls : NULL;
		is_good = !is_err(leg_restore(calls_ua(cs), &s->agent, &how, &c->agent)) && is_good;
	}
	c->answered_at = c->held.dialed_at + c->held.answered_us;
	if (c->step == CALL_BRIDGED && is_good && c->agent) {
		timer_start(c->timer,
			    max_i64(0, c->op.dial.max_us - (clock_now() - c->answered_at)));
	} else if (c->step == CALL_CALLING && is_good && !c->agent) {
		timer_start(c->timer, max_i64(0, c->op.dial.ring_us - elapsed));
	} else if (c->step >= CALL_BRIDGING) {
		call_end(c, 200,
			 (struct dialer_end){ .outcome = OUTCOME_AGENT_UNAVAILABLE,
					      .by = DIALER_BY_US });
	} else {
		c->step = CALL_CALLING;
		call_end(c, 0,
			 (struct dialer_end){ .outcome = OUTCOME_UNCERTAIN, .by = DIALER_BY_US });
	}
}

static void set_held_state(struct call *c, const struct call_state *s)
{
	c->held.state = s->step >= CALL_BRIDGING ? DIALER_STATE_ANSWERED
			: c->held.has_rung       ? DIALER_STATE_RINGING
						 : DIALER_STATE_DIALING;
}

/* False when it cannot be held: its journal line makes it `unknown`. */
static bool revive(struct calls *cs, struct revived *v)
{
	struct call *c = v->c;
	struct dialer_op op;
	struct arena *a;

	if (!c)
		return false;
	c->is_recorded = true;
	if (v->state.step == CALL_OVER) {
		c->held.id = v->id;
		c->step = CALL_OVER;
		desk_hold_ended(calls_desk(cs), desk_slot(calls_desk(cs), v->slot), &c->held);
		return true;
	}
	a = arena_new();
	bool is_good = v->op && !is_err(dialer_op_decode(str_from(v->op), a, &op)) &&
		       op.kind == DIALER_OP_DIAL;
	if (is_good)
		call_keep_dial(c, &op);
	arena_free(a);
	if (!is_good || !call_read_agent(c))
		return false;
	struct desk_attempt was = c->held;
	desk_hold(calls_desk(cs), desk_slot(calls_desk(cs), v->slot), &c->held, v->id,
		  was.dialed_at);
	set_held_state(c, &v->state);
	take_up(cs, c, &v->state);
	return true;
}

static void revive_all(struct revival *r)
{
	struct revived *v;
	size_t n = 0;

	for (size_t it = 0; (v = map_next(&r->lines, &it)) != NULL;) {
		if (revive(r->cs, v)) {
			v->c = NULL; /* the desk's */
			n++;
		}
		free_revived(r, v);
	}
	if (n > 0)
		log_info("calls_taken_up", LI("calls", n));
}

struct err revive_calls(struct calls *cs, const char *path, struct call_file **out)
{
	struct revival r = { .cs = cs };
	struct call_file_reader reader = {
		.dial = on_dial_line, .at = on_at_line, .done = on_done_line, .arg = &r
	};
	struct revived *v;

	map_init(&r.lines);
	struct err e = call_file_open(path, &reader, out);
	if (!is_err(e))
		revive_all(&r);
	for (size_t it = 0; (v = map_next(&r.lines, &it)) != NULL;)
		free_revived(&r, v);
	map_deinit(&r.lines);
	return e;
}
