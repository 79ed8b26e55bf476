/* Attempts as arrays, one per column. */
#include "record_unit.h"

#include "attempt.h"

#define SIP_UNWANTED 607 /* RFC 8197 */
#define NEW(a, n, type) ((type *)arena_array((a), (n), sizeof(type)))

static usec_t or_never(usec_t at)
{
	return at != 0 ? at : USEC_NEVER;
}

static int64_t or_null(int64_t v)
{
	return v != 0 ? v : PG_NULL_I64;
}

/* Campaigns first, then their counters, then the credit: the order of every transaction that takes
 * more than one. */
static void add_locks(struct pg_unit *u, const struct record_batch *b)
{
	size_t n = b->n_bridges + b->n_ends;
	struct uuid *ids = NEW(pg_unit_arena(u), n, struct uuid);
	struct uuid *ws = NEW(pg_unit_arena(u), n, struct uuid);
	for (size_t i = 0; i < n; i++) {
		const struct attempt *a =
			i < b->n_bridges ? b->bridges[i] : b->ends[i - b->n_bridges];
		ids[i] = a->campaign_id;
		ws[i] = a->workspace_id;
	}
	add_campaign_share(u, &(struct campaign_share_args){ .campaign_ids = { ids, n } });
	add_campaign_count_lock(u,
				&(struct campaign_count_lock_args){ .workspace_ids = { ws, n },
								    .campaign_ids = { ids, n } });
	add_workspace_credit_lock(
		u, &(struct workspace_credit_lock_args){ .workspace_ids = { ws, n } });
}

static size_t add_holds(struct pg_unit *u, const struct record_batch *b)
{
	struct uuid *ids = NEW(pg_unit_arena(u), b->n_ends + 1, struct uuid);
	size_t n = 0;
	for (size_t i = 0; i < b->n_ends; i++)
		if (b->ends[i]->decision.pause_campaign)
			ids[n++] = b->ends[i]->campaign_id;
	if (n > 0)
		add_campaign_hold(u, &(struct campaign_hold_args){ .campaign_ids = { ids, n },
								   .reason = STR("config_error") });
	return n;
}

static void add_bridges(struct pg_unit *u, const struct app *app, const struct record_batch *b)
{
	struct arena *m = pg_unit_arena(u);
	size_t n = b->n_bridges;
	struct uuid *ws = NEW(m, n, struct uuid), *ids = NEW(m, n, struct uuid);
	struct uuid *talks = NEW(m, n, struct uuid);
	usec_t *answered = NEW(m, n, usec_t), *bridged = NEW(m, n, usec_t);
	struct str *refs = NEW(m, n, struct str);

	for (size_t i = 0; i < n; i++) {
		const struct attempt *a = b->bridges[i];
		ws[i] = a->workspace_id;
		ids[i] = a->id;
		talks[i] = a->conversation_id;
		answered[i] = a->answered_at;
		bridged[i] = a->bridged_at;
		refs[i] = str_from(a->provider_ref);
	}
	add_attempt_bridged(u, &(struct attempt_bridged_args){ .dispatcher_id = app->incarnation,
							       .workspace_ids = { ws, n },
							       .attempt_ids = { ids, n },
							       .answered_at = { answered, n },
							       .bridged_at = { bridged, n },
							       .conversation_ids = { talks, n },
							       .provider_refs = { refs, n } });
}

/* Whether a statement was added: calls that are not refused in this way do not pay for it. */
static bool add_unwanted(struct pg_unit *u, const struct app *app, const struct record_batch *b)
{
	struct arena *m = pg_unit_arena(u);
	struct uuid *ws = NULL, *ids = NULL;
	size_t n = 0;
	for (size_t i = 0; i < b->n_ends; i++) {
		const struct attempt *a = b->ends[i];
		if (a->sip != SIP_UNWANTED)
			continue;
		if (ids == NULL) {
			ws = NEW(m, b->n_ends, struct uuid);
			ids = NEW(m, b->n_ends, struct uuid);
		}
		ws[n] = a->workspace_id;
		ids[n++] = a->id;
	}
	if (n > 0)
		add_suppress_unwanted(
			u, &(struct suppress_unwanted_args){ .dispatcher_id = app->incarnation,
							     .workspace_ids = { ws, n },
							     .attempt_ids = { ids, n } });
	return n > 0;
}

struct end_columns {
	struct uuid *ws, *ids, *talks;
	struct str *outcomes, *by, *decisions, *reasons, *refs;
	int64_t *sip, *q850, *talk_ms;
	usec_t *dialed, *answered, *ended, *due;
	bool *counted;
};

static struct str end_reason(const struct attempt *a)
{
	if (a->is_lost)
		return STR("lost");
	return str_from(dialer_by_name(a->by));
}

static void fill_end(const struct end_columns *c, size_t i, const struct attempt *a)
{
	bool is_done = a->decision.next == RETRY_DONE;

	c->ws[i] = a->workspace_id;
	c->ids[i] = a->id;
	c->talks[i] = is_done ? a->conversation_id : UUID_NIL;
	c->outcomes[i] = str_from(outcome_name(a->outcome));
	c->by[i] = str_from(dialer_by_name(a->by));
	c->decisions[i] = str_from(retry_next_name(a->decision.next));
	c->reasons[i] = is_done ? end_reason(a) : STR_NONE;
	c->refs[i] = str_from(a->provider_ref);
	c->sip[i] = or_null(a->sip);
	c->q850[i] = or_null(a->q850);
	c->talk_ms[i] = a->talk_us / USEC_PER_MS;
	c->dialed[i] = or_never(a->dialed_at);
	c->answered[i] = or_never(a->answered_at);
	c->ended[i] = a->ended_at;
	c->due[i] = a->due_at;
	c->counted[i] = a->decision.is_counted;
}

static void add_ends(struct pg_unit *u, const struct app *app, const struct record_batch *b)
{
	struct arena *m = pg_unit_arena(u);
	size_t n = b->n_ends;
	struct end_columns c = {
		.ws = NEW(m, n, struct uuid),
		.ids = NEW(m, n, struct uuid),
		.talks = NEW(m, n, struct uuid),
		.outcomes = NEW(m, n, struct str),
		.by = NEW(m, n, struct str),
		.decisions = NEW(m, n, struct str),
		.reasons = NEW(m, n, struct str),
		.refs = NEW(m, n, struct str),
		.sip = NEW(m, n, int64_t),
		.q850 = NEW(m, n, int64_t),
		.talk_ms = NEW(m, n, int64_t),
		.dialed = NEW(m, n, usec_t),
		.answered = NEW(m, n, usec_t),
		.ended = NEW(m, n, usec_t),
		.due = NEW(m, n, usec_t),
		.counted = NEW(m, n, bool),
	};
	for (size_t i = 0; i < n; i++)
		fill_end(&c, i, b->ends[i]);
	add_attempt_ended(u, &(struct attempt_ended_args){ .dispatcher_id = app->incarnation,
							   .workspace_ids = { c.ws, n },
							   .attempt_ids = { c.ids, n },
							   .outcomes = { c.outcomes, n },
							   .sip_codes = { c.sip, n },
							   .q850 = { c.q850, n },
							   .ended_by = { c.by, n },
							   .dialed_at = { c.dialed, n },
							   .answered_at = { c.answered, n },
							   .ended_at = { c.ended, n },
							   .talk_ms = { c.talk_ms, n },
							   .decisions = { c.decisions, n },
							   .due_at = { c.due, n },
							   .counted = { c.counted, n },
							   .conversation_ids = { c.talks, n },
							   .end_reasons = { c.reasons, n },
							   .provider_refs = { c.refs, n } });
}

void record_unit_build(struct pg_unit *u, const struct app *app, struct record_batch *b)
{
	size_t next = 3;

	b->held_at = b->bridged_at = b->ended_at = SIZE_MAX;
	add_locks(u, b);
	if (add_holds(u, b) > 0)
		b->held_at = next++;
	if (b->n_bridges > 0) {
		add_bridges(u, app, b);
		b->bridged_at = next++;
	}
	if (add_unwanted(u, app, b))
		next++;
	if (b->n_ends > 0) {
		add_ends(u, app, b);
		b->ended_at = next;
	}
}

int64_t record_unit_deliveries(const struct pg_unit *u, const struct record_batch *b)
{
	int64_t n = 0;

	if (b->held_at != SIZE_MAX && pg_result_rows(pg_unit_result(u, b->held_at)) > 0) {
		struct campaign_hold_row row;
		get_campaign_hold(pg_unit_result(u, b->held_at), 0, &row);
		n += max_i64(0, row.deliveries);
	}
	if (b->bridged_at != SIZE_MAX) {
		struct attempt_bridged_row row;
		get_attempt_bridged(pg_unit_result(u, b->bridged_at), 0, &row);
		n += max_i64(0, row.deliveries);
	}
	if (b->ended_at != SIZE_MAX) {
		struct attempt_ended_row row;
		get_attempt_ended(pg_unit_result(u, b->ended_at), 0, &row);
		n += max_i64(0, row.deliveries);
	}
	return n;
}
