/* Attempts by id, a heap of deadlines, and the moves that a dialer's reports cause. */
#include "attempt.h"

#include "base/mem.h"
#include "intake.h"
#include "lane.h"
#include "link.h"
#include "measure.h"
#include "queue/bucket.h"
#include "record.h"
#include "sys/log.h"
#include "sys/random.h"
#include "wire/retry_policy.h"

#define PROBE_US (2 * USEC_PER_SEC)
/* A dialer that cannot be reached may still come back with the answer for this long. */
#define DIALER_AWAY_MAX_US (60 * USEC_PER_SEC)

struct attempts {
	struct app *app;
	struct map by_id;
	struct heap deadlines; /* monotonic */
	struct timer *timer;
};

static void on_timer(void *arg);

struct attempts *attempts_new(struct app *app)
{
	struct attempts *as = xcalloc(1, sizeof(*as));
	as->app = app;
	map_init(&as->by_id);
	heap_init(&as->deadlines);
	as->timer = timer_new(app->loop, on_timer, as);
	return as;
}

static void pending_free(struct attempt_pending *p)
{
	if (p == NULL)
		return;
	arena_free(p->arena);
	free(p);
}

static void attempt_free(struct attempt *a)
{
	free(a->policy);
	pending_free(a->pending);
	free(a->dial_text);
	free(a->provider_ref);
	free(a);
}

void attempts_free(struct attempts *as)
{
	if (as == NULL)
		return;
	struct attempt *a;
	timer_free(as->timer);
	heap_deinit(&as->deadlines); /* first: it touches the nodes inside the attempts */
	for (size_t it = 0; (a = map_next(&as->by_id, &it)) != NULL;)
		attempt_free(a);
	map_deinit(&as->by_id);
	free(as);
}

size_t attempts_count(const struct attempts *as)
{
	return map_count(&as->by_id);
}

bool attempt_is_held(const struct attempts *as, struct uuid attempt_id)
{
	return map_get(&as->by_id, attempt_id) != NULL;
}

static void arm(struct attempts *as)
{
	const struct heap_node *head = heap_min(&as->deadlines);
	if (head == NULL)
		timer_stop(as->timer);
	else
		timer_start_at(as->timer, head->at);
}

static void set_deadline(struct attempts *as, struct attempt *a, usec_t in_us)
{
	heap_push(&as->deadlines, &a->deadline, loop_mono(as->app->loop) + in_us);
	arm(as);
}

static void set_state(struct attempts *as, struct attempt *a, enum attempt_state s)
{
	if (s == a->state)
		return;
	a->state = s;
	if (s == ATTEMPT_ENDED) {
		heap_remove(&as->deadlines, &a->deadline);
		arm(as);
	} else if (s == ATTEMPT_DIALING || s == ATTEMPT_BRIDGED) {
		set_deadline(as, a, attempt_deadline_us(s, a->ring_us, a->max_us));
	}
}

static struct retry_policy *policy_of(struct str json)
{
	if (json.n == 0)
		return NULL;
	struct retry_policy *p = xmalloc(sizeof(*p));
	*p = retry_policy_from_row(json);
	return p;
}

static const struct retry_policy *policy(const struct attempt *a)
{
	static const struct retry_policy defaults = { .n = 0, .jitter_pct = RETRY_JITTER_PCT };
	return a->policy != NULL ? a->policy : &defaults;
}

static struct str or_empty(struct str json)
{
	return json.n > 0 ? json : STR("{}");
}

static struct dialer_op dial_op(const struct attempt *a, const struct claim_calls_row *row)
{
	return (struct dialer_op){ .kind = DIALER_OP_DIAL,
				   .id = a->id,
				   .dial = { .call = a->call_id,
					     .campaign = a->campaign_id,
					     .attempt = row->number,
					     .to = row->to_number,
					     .from = row->from_number,
					     .agent = or_empty(row->agent),
					     .trunk = row->trunk_id,
					     .ring_us = a->ring_us,
					     .max_us = a->max_us,
					     .variables = or_empty(row->variables),
					     .traceparent = str_from(a->traceparent) } };
}

/* A dial that waits for new tokens outlives the row that it was read from. */
static struct attempt_pending *keep(const struct dialer_op *op)
{
	struct attempt_pending *p = xcalloc(1, sizeof(*p));
	p->arena = arena_new();
	p->op = *op;
	p->op.dial.to = arena_str(p->arena, op->dial.to);
	p->op.dial.from = arena_str(p->arena, op->dial.from);
	p->op.dial.agent = arena_str(p->arena, op->dial.agent);
	p->op.dial.variables = arena_str(p->arena, op->dial.variables);
	p->op.dial.tracestate = arena_str(p->arena, op->dial.tracestate);
	return p;
}

static void end(struct attempts *as, struct attempt *a, enum outcome o, usec_t retry_after_us);

/* The dial is good no longer than its tokens: a dialer that comes to it later refuses, so that what
 * piled up in a stall does not reach the carrier all at once. */
static void dial(struct attempts *as, struct attempt *a, struct dialer_op *op,
		 usec_t mono_good_until)
{
	struct app *app = as->app;

	if (mono_good_until != USEC_NEVER) {
		usec_t left = mono_good_until + BUCKET_CARRY_US - loop_mono(app->loop);
		a->expires_at = min_i64(a->expires_at, app_now(app) + left);
	}
	if (app_now(app) >= a->expires_at) {
		attempt_give_up(as, a, OUTCOME_NOT_SENT);
		return;
	}
	op->dial.expires_at = a->expires_at;
	a->dialed_at = app_now(app);
	measure_dial(app->measures, a);
	set_state(as, a, ATTEMPT_DIALING);
	log_debug("dial", LID("attempt", ID_ATTEMPT, a->id), LID("call", ID_CALL, a->call_id),
		  LPHONE("to", op->dial.to), LS("traceparent", a->traceparent),
		  LT("tracestate", op->dial.tracestate));
	link_dial(a->link, a, op);
}

void attempt_open(struct attempts *as, struct call *c, const struct claim_calls_row *row,
		  usec_t expires_at, struct str tracestate)
{
	/* An earlier claim of it took effect unheard, and its attempt was found under our name. */
	if (attempt_is_held(as, c->attempt_id)) {
		intake_settle(as->app->intake, c);
		return;
	}
	struct attempt *a = xcalloc(1, sizeof(*a));
	*a = (struct attempt){ .id = c->attempt_id,
			       .workspace_id = c->entry.workspace_id,
			       .call_id = c->entry.call_id,
			       .campaign_id = c->entry.campaign_id,
			       .number_id = c->entry.number_id,
			       .shard = c->ticket.shard,
			       .entry = c->entry,
			       .ring_us = row->ring_timeout_s * USEC_PER_SEC,
			       .max_us = row->max_duration_s * USEC_PER_SEC,
			       .claimed_at = row->claimed_at,
			       .expires_at = expires_at,
			       .policy = policy_of(row->retry_policy),
			       .facts = { .max_attempts = (int)row->max_attempts,
					  .counted = (int)row->counted,
					  .rate_limited = (int)row->rate_limited,
					  .carrier_errors = (int)row->carrier_errors,
					  .agent_unavailable = (int)row->agent_unavailable,
					  .is_ad_hoc = uuid_is_nil(c->entry.campaign_id),
					  .retry_before = row->retry_before },
			       .link = links_find(as->app->links, row->dialer) };
	a->is_held_back = retry_policy_names(policy(a), OUTCOME_ANSWERED_MACHINE);
	map_set(&as->by_id, a->id, a);
	(void)trace_format(c->trace, a->id, a->traceparent); /* returns it */
	struct dialer_op op = dial_op(a, row);
	op.dial.tracestate = tracestate;
	if (lane_is_paced(c->lane) && loop_mono(as->app->loop) > c->mono_good_until) {
		/* The commit took longer than the tokens are good for: dialing now could break the
		 * rate at the carrier. The call keeps its claim and asks again, first in line. */
		c->attempt = a;
		a->pending = keep(&op);
		lane_push_back(as->app->lanes, &c, 1, 0);
		return;
	}
	usec_t good_until = lane_is_paced(c->lane) ? c->mono_good_until : USEC_NEVER;
	intake_settle(as->app->intake, c);
	dial(as, a, &op, good_until);
}

void attempt_has_tokens(struct attempts *as, struct call *c)
{
	struct attempt *a = c->attempt;
	struct attempt_pending *p = a->pending;
	usec_t good_until = c->mono_good_until;

	c->state = CALL_GRANTED;
	a->pending = NULL;
	intake_settle(as->app->intake, c);
	dial(as, a, &p->op, good_until);
	pending_free(p);
}

void attempt_give_up(struct attempts *as, struct attempt *a, enum outcome o)
{
	a->dialed_at = 0;
	end(as, a, o, 0);
}

void attempt_forget(struct attempts *as, struct attempt *a)
{
	heap_remove(&as->deadlines, &a->deadline);
	(void)map_remove(&as->by_id, a->id); /* it is a */
	link_forget(a->link, a);
	attempt_free(a);
}

void attempt_adopt(struct attempts *as, const struct attempt_adopt_row *row)
{
	if (map_get(&as->by_id, row->attempt_id) != NULL)
		return;
	struct attempt *a = xcalloc(1, sizeof(*a));
	*a = (struct attempt){ .id = row->attempt_id,
			       .workspace_id = row->workspace_id,
			       .call_id = row->call_id,
			       .campaign_id = row->campaign_id,
			       .number_id = row->number_id,
			       .shard = (int)row->shard,
			       .ring_us = row->ring_timeout_s * USEC_PER_SEC,
			       .max_us = row->max_duration_s * USEC_PER_SEC,
			       .claimed_at = row->claimed_at,
			       .policy = policy_of(row->retry_policy),
			       .facts = { .max_attempts = (int)row->max_attempts,
					  .counted = (int)row->counted,
					  .rate_limited = (int)row->rate_limited,
					  .carrier_errors = (int)row->carrier_errors,
					  .agent_unavailable = (int)row->agent_unavailable,
					  .is_ad_hoc = uuid_is_nil(row->campaign_id),
					  .retry_before = row->retry_before },
			       .link = links_find(as->app->links, row->dialer) };
	a->is_held_back = retry_policy_names(policy(a), OUTCOME_ANSWERED_MACHINE);
	map_set(&as->by_id, a->id, a);
	if (row->bridged_at != USEC_NEVER) {
		a->answered_at = row->answered_at;
		a->bridged_at = row->bridged_at;
		a->facts.has_talked = true;
		set_state(as, a, ATTEMPT_BRIDGED);
	} else {
		set_state(as, a, ATTEMPT_DIALING);
	}
	/* Time that passed before the adoption counts too; the query brings the facts anyway. */
	usec_t since = a->bridged_at != 0 ? a->bridged_at : a->claimed_at;
	usec_t left =
		attempt_deadline_us(a->state, a->ring_us, a->max_us) - (app_now(as->app) - since);
	set_deadline(as, a, max_i64(left, PROBE_US));
	link_query(a->link, a);
}

static void bridged(struct attempts *as, struct attempt *a, usec_t at)
{
	if (a->state >= ATTEMPT_BRIDGED)
		return;
	if (a->answered_at == 0)
		a->answered_at = at;
	a->bridged_at = at;
	set_state(as, a, ATTEMPT_BRIDGED);
	if (a->is_held_back)
		return;
	a->facts.has_talked = true;
	a->conversation_id = random_id(at);
	record_bridge(as->app->records, a);
}

static void end(struct attempts *as, struct attempt *a, enum outcome o, usec_t retry_after_us)
{
	struct app *app = as->app;
	bool has_bridged = a->bridged_at != 0;

	if (a->state == ATTEMPT_ENDED)
		return;
	set_state(as, a, ATTEMPT_ENDED);
	link_forget(a->link, a);
	/* Answered beats all: whatever ended it, a conversation took place. */
	if (has_bridged && o != OUTCOME_ANSWERED && o != OUTCOME_ANSWERED_MACHINE) {
		a->is_lost = o == OUTCOME_UNCERTAIN;
		o = OUTCOME_ANSWERED;
	}
	if (a->ended_at == 0)
		a->ended_at = app_now(app);
	if (a->is_lost)
		a->talk_us = max_i64(0, a->ended_at - a->bridged_at);
	a->outcome = o;
	a->facts.now = app_now(app);
	a->decision = retry_decide(policy(a), &a->facts, o, retry_after_us, random_unit());
	a->due_at = (a->facts.now + a->decision.delay_us) / USEC_PER_MS * USEC_PER_MS;
	if (uuid_is_nil(a->conversation_id) && a->decision.next == RETRY_DONE)
		a->conversation_id = random_id(a->ended_at);
	log_debug("attempt_ended", LID("attempt", ID_ATTEMPT, a->id),
		  LS("traceparent", a->traceparent), LS("outcome", outcome_name(o)),
		  LS("next", retry_next_name(a->decision.next)));
	record_end(app->records, a);
}

/* The dialer's final word, from `ended` or from the answer to a query. */
static void take_end(struct attempts *as, struct attempt *a, const struct dialer_event *ev)
{
	const struct dialer_end *x = &ev->end;

	if (a->state == ATTEMPT_ENDED) {
		a->end_seq = x->seq; /* acknowledged with the record, or with the repetition */
		return;
	}
	a->end_seq = x->seq;
	a->sip = ev->sip;
	a->q850 = x->q850;
	a->by = x->by;
	a->talk_us = x->talk_us;
	a->ended_at = ev->t_us != 0 ? ev->t_us : app_now(as->app);
	bool talked = x->outcome == OUTCOME_ANSWERED || x->outcome == OUTCOME_ANSWERED_MACHINE;
	if (talked && a->answered_at == 0)
		a->answered_at = a->ended_at - a->talk_us;
	/* We hung up what was past its ring time-out: for the callee that is no answer. */
	bool rang_out = a->is_probed && x->outcome == OUTCOME_CANCELLED;
	end(as, a, rang_out ? OUTCOME_NO_ANSWER : x->outcome, x->retry_after_us);
}

static void take_state(struct attempts *as, struct attempt *a, const struct dialer_event *ev)
{
	usec_t at = ev->t_us != 0 ? ev->t_us : app_now(as->app);

	switch (ev->state) {
	case DIALER_STATE_NEVER_SENT:
		end(as, a, OUTCOME_NOT_SENT, 0);
		break;
	case DIALER_STATE_DIALING:
		set_state(as, a, attempt_advance(a->state, ATTEMPT_DIALING));
		break;
	case DIALER_STATE_RINGING:
		set_state(as, a, attempt_advance(a->state, ATTEMPT_RINGING));
		break;
	case DIALER_STATE_ANSWERED:
		if (a->answered_at == 0)
			a->answered_at = at;
		if (ev->is_bridged)
			bridged(as, a, at);
		else
			set_state(as, a, attempt_advance(a->state, ATTEMPT_ANSWERED));
		break;
	case DIALER_STATE_ENDED:
		take_end(as, a, ev);
		break;
	case DIALER_STATE_UNKNOWN:
		end(as, a, OUTCOME_UNCERTAIN, 0);
		break;
	case DIALER_STATE_COUNT:
		break;
	}
}

bool attempt_report(struct attempts *as, const struct dialer_event *ev)
{
	struct attempt *a = map_get(&as->by_id, ev->id);
	if (a == NULL)
		return false;
	if (ev->provider_ref.n > 0 && a->provider_ref == NULL)
		a->provider_ref = xstrndup(ev->provider_ref);
	switch (ev->kind) {
	case DIALER_EV_DIALING:
		set_state(as, a, attempt_advance(a->state, ATTEMPT_DIALING));
		break;
	case DIALER_EV_RINGING:
		set_state(as, a, attempt_advance(a->state, ATTEMPT_RINGING));
		break;
	case DIALER_EV_ANSWERED:
		if (a->answered_at == 0)
			a->answered_at = ev->t_us != 0 ? ev->t_us : app_now(as->app);
		set_state(as, a, attempt_advance(a->state, ATTEMPT_ANSWERED));
		break;
	case DIALER_EV_BRIDGED:
		bridged(as, a, ev->t_us != 0 ? ev->t_us : app_now(as->app));
		break;
	case DIALER_EV_ENDED:
		take_end(as, a, ev);
		break;
	case DIALER_EV_STATE:
		take_state(as, a, ev);
		break;
	case DIALER_EV_HELLO:
	case DIALER_EV_TRUNK:
	case DIALER_EV_TESTED:
	case DIALER_EVENT_KIND_COUNT:
		break;
	}
	return true;
}

void attempts_query_all(struct attempts *as, struct link *link)
{
	struct attempt *a;
	for (size_t it = 0; (a = map_next(&as->by_id, &it)) != NULL;)
		if (a->link == link && a->state != ATTEMPT_CLAIMED && a->state != ATTEMPT_ENDED &&
		    !list_node_is_linked(&a->send_node))
			link_query(link, a);
}

void attempt_hang_up(struct attempts *as, struct uuid attempt_id)
{
	struct attempt *a = map_get(&as->by_id, attempt_id);

	if (a != NULL && a->state != ATTEMPT_ENDED)
		link_hangup(a->link, a, "requested");
}

static void on_deadline(struct attempts *as, struct attempt *a)
{
	usec_t since = a->bridged_at != 0 ? a->bridged_at : a->claimed_at;
	usec_t limit = attempt_deadline_us(a->state, a->ring_us, a->max_us) + DIALER_AWAY_MAX_US;

	if (!link_is_up(a->link) && app_now(as->app) - since < limit) {
		set_deadline(as, a, PROBE_US);
		return;
	}
	if (!a->is_probed) {
		a->is_probed = true;
		link_query(a->link, a);
		link_hangup(a->link, a, "deadline");
		set_deadline(as, a, PROBE_US);
		return;
	}
	log_warn("attempt_unheard", LID("attempt", ID_ATTEMPT, a->id),
		 LS("traceparent", a->traceparent), LS("state", attempt_state_name(a->state)));
	end(as, a, OUTCOME_UNCERTAIN, 0);
}

static void on_timer(void *arg)
{
	struct attempts *as = arg;
	struct heap_node *head;
	usec_t mono = loop_mono(as->app->loop);

	while ((head = heap_min(&as->deadlines)) != NULL && head->at <= mono) {
		struct attempt *a = CONTAINER_OF(head, struct attempt, deadline);
		heap_remove(&as->deadlines, head);
		on_deadline(as, a);
	}
	arm(as);
}
