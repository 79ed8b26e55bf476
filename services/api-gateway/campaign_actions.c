/* start, pause, resume, cancel: a lock on the campaign's row, the move in a statement of its own, and
 * the campaign as it is then, all in one unit. The lock's row says what was; the table of
 * domain/campaign says whether that is a move, a repetition or an error. */
#include "handlers.h"
#include "queue/control.h"
#include "render.h"

/* Calls and targets that a cancel takes along in its own transaction; the scheduler does the rest. */
#define CANCEL_BATCH 5000

struct action {
	enum campaign_action what;
	size_t n_moves; /* statements between the lock and the reading */
};

void campaigns_fail_state(struct req *r, struct str status, const char *detail)
{
	enum campaign_status now = CAMPAIGN_DRAFT, next;
	const char *allowed[CAMPAIGN_ACTION_COUNT];
	struct problem p = { .code = PROBLEM_INVALID_STATE_TRANSITION,
			     .detail = detail,
			     .allowed = allowed };
	ASSERT(!is_err(campaign_status_parse(status, &now)));
	p.current_status = campaign_status_name(now);
	for (unsigned a = 0; a < CAMPAIGN_ACTION_COUNT; a++) {
		if (campaign_decide(now, (enum campaign_action)a, &next) == CAMPAIGN_MOVES)
			allowed[p.n_allowed++] = campaign_action_name((enum campaign_action)a);
	}
	req_fail_with(r, &p);
}

void campaigns_tell(struct req *r, bool is_held)
{
	control_publish(r->app->redis,
			&(struct control_msg){ .kind = is_held ? CONTROL_CAMPAIGN_HELD
							       : CONTROL_CAMPAIGN_CHANGED,
					       .workspace_id = r->who.workspace_id,
					       .campaign_id = r->ids[0],
					       .at = r->now });
}

void campaigns_tell_dropped(struct req *r, const struct pg_array *call_ids)
{
	const struct str *calls = call_ids->v;
	for (size_t i = 0; i < call_ids->n; i++) {
		struct control_msg m = { .kind = CONTROL_CALLS_DROPPED,
					 .workspace_id = r->who.workspace_id,
					 .campaign_id = r->ids[0],
					 .at = r->now };
		if (!is_err(uuid_parse(calls[i], &m.call_id)))
			control_publish(r->app->redis, &m);
	}
}

/* After the commit: dispatchers, the scheduler and the senders hear of it. The calls of a recurring
 * campaign that is paused still fire: dispatchers keep them. */
static void tell(struct req *r, const struct action *a, const struct pg_unit *u, struct str kind)
{
	if (a->what != CAMPAIGN_PAUSE || str_eq(kind, STR("bulk")))
		campaigns_tell(r, a->what == CAMPAIGN_PAUSE || a->what == CAMPAIGN_CANCEL);
	if (a->what != CAMPAIGN_CANCEL)
		return;
	struct campaign_cancel_calls_row row;
	get_campaign_cancel_calls(req_result(r, u, a->n_moves), 0, &row);
	if (row.deliveries > 0)
		control_wake_senders(r->app->redis);
}

static void reply_campaign(struct req *r, const struct pg_result *found)
{
	struct json_out j;
	struct api_campaign_get_row row;
	get_api_campaign_get(found, 0, &row);
	req_json(r, &j);
	render_campaign(&j, &row, r->app->zones);
	req_reply_json(r, 200);
}

/* A start or a resume that the status allows did not happen. */
static void fail_move(struct req *r, const struct pg_unit *u)
{
	struct api_campaign_start_row row; /* a resume answers the same */
	get_api_campaign_start(req_result(r, u, 1), 0, &row);
	if (row.has_credit)
		req_fail(r, PROBLEM_NO_TARGETS, "A bulk campaign cannot start without targets.");
	else
		req_fail_credit(r);
}

static void on_acted(struct req *r, const struct pg_unit *u)
{
	const struct action *a = r->state;
	struct api_campaign_lock_row was;
	struct api_campaign_get_row row;
	enum campaign_status before = CAMPAIGN_DRAFT, next = CAMPAIGN_DRAFT;
	const struct pg_result *locked = req_result(r, u, 0);
	const struct pg_result *found = req_result(r, u, a->n_moves + 1);
	if (pg_result_rows(locked) == 0) {
		req_not_found(r);
		return;
	}
	get_api_campaign_lock(locked, 0, &was);
	get_api_campaign_get(found, 0, &row);
	ASSERT(!is_err(campaign_status_parse(was.status, &before)));
	switch (campaign_decide(before, a->what, &next)) {
	case CAMPAIGN_FORBIDDEN:
		campaigns_fail_state(r, was.status, "The campaign's status forbids this.");
		return;
	case CAMPAIGN_REPEATED:
		break;
	case CAMPAIGN_MOVES:
		if (!str_eq(row.status, str_from(campaign_status_name(next)))) {
			fail_move(r, u);
			return;
		}
		tell(r, a, u, was.kind);
		break;
	}
	reply_campaign(r, found);
}

static void add_move(struct req *r, struct action *a, struct pg_unit *u)
{
	struct uuid ws = r->who.workspace_id, id = r->ids[0];
	char link[TRACE_LINK_SIZE];
	a->n_moves = 1;
	switch (a->what) {
	case CAMPAIGN_START:
		add_api_campaign_start(
			u,
			&(struct api_campaign_start_args){
				.workspace_id = ws,
				.campaign_id = id,
				.tracestate = str_from(trace_link(r->trace.id, r->span, link)) });
		return;
	case CAMPAIGN_PAUSE:
		add_api_campaign_pause(u, &(struct api_campaign_pause_args){ .workspace_id = ws,
									     .campaign_id = id });
		return;
	case CAMPAIGN_RESUME:
		add_api_campaign_resume(u, &(struct api_campaign_resume_args){ .workspace_id = ws,
									       .campaign_id = id });
		return;
	case CAMPAIGN_CANCEL:
		a->n_moves = 3;
		add_api_campaign_cancel(u, &(struct api_campaign_cancel_args){ .workspace_id = ws,
									       .campaign_id = id });
		add_campaign_cancel_targets(
			u, &(struct campaign_cancel_targets_args){
				   .workspace_id = ws, .campaign_id = id, .most = CANCEL_BATCH });
		add_campaign_cancel_calls(
			u, &(struct campaign_cancel_calls_args){
				   .workspace_id = ws, .campaign_id = id, .most = CANCEL_BATCH });
		return;
	case CAMPAIGN_ACTION_COUNT:
		break;
	}
	ASSERT(false);
}

static void act(struct req *r, enum campaign_action what)
{
	struct action *a = arena_alloc(r->arena, sizeof(*a));
	a->what = what;
	r->state = a;
	struct pg_unit *u = req_effect(r);
	add_api_campaign_lock(u,
			      &(struct api_campaign_lock_args){ .workspace_id = r->who.workspace_id,
								.campaign_id = r->ids[0] });
	add_move(r, a, u);
	add_api_campaign_get(u,
			     &(struct api_campaign_get_args){ .workspace_id = r->who.workspace_id,
							      .ids = { r->ids, 1 } });
	if (r->idem_key.p != NULL) {
		add_api_idempotency_put_campaign(
			u, &(struct api_idempotency_put_campaign_args){
				   .workspace_id = r->who.workspace_id,
				   .campaign_id = r->ids[0],
				   .key = r->idem_key,
				   .request_hash = { (const char *)r->idem_hash, SHA256_SIZE },
				   .status = str_from(
					   campaign_status_name(campaign_action_target(what))) });
	}
	req_submit(r, on_acted);
}

void campaigns_start(struct req *r)
{
	act(r, CAMPAIGN_START);
}

void campaigns_pause(struct req *r)
{
	act(r, CAMPAIGN_PAUSE);
}

void campaigns_resume(struct req *r)
{
	act(r, CAMPAIGN_RESUME);
}

void campaigns_cancel(struct req *r)
{
	act(r, CAMPAIGN_CANCEL);
}

/* An action under an idempotency key stored the campaign's row, not its JSON. */
static void on_replayed(struct req *r, const struct pg_unit *u)
{
	const struct pg_result *found = req_result(r, u, 0);
	if (pg_result_rows(found) == 0)
		req_fail(r, PROBLEM_INTERNAL, "The stored answer cannot be read.");
	else
		reply_campaign(r, found);
}

void campaigns_replay(struct req *r)
{
	struct pg_unit *u = req_read(r);
	add_api_campaign_replay(
		u, &(struct api_campaign_replay_args){ .workspace_id = r->who.workspace_id,
						       .key = r->idem_key });
	req_submit(r, on_replayed);
}
