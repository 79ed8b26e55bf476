/* Campaigns by id, as once read; when there are too many, all are forgotten and read again as they
 * come. */
#include "traces.h"

#include "base/map.h"
#include "base/mem.h"
#include "store_gen.h"

#define KNOWN_MAX 4096
#define NOT_ASKED SIZE_MAX

struct traces {
	struct map links; /* by campaign: its tracestate, "" = none */
	struct str *states;
	size_t calls_at, links_at; /* where in the unit the answers stand */
};

struct traces *traces_new(size_t most)
{
	struct traces *ts = xcalloc(1, sizeof(*ts));

	map_init(&ts->links);
	ts->states = xcalloc(most, sizeof(*ts->states));
	return ts;
}

static void forget_all(struct traces *ts)
{
	char *link;

	for (size_t it = 0; (link = map_next(&ts->links, &it)) != NULL;)
		free(link);
	map_deinit(&ts->links);
	map_init(&ts->links);
}

void traces_free(struct traces *ts)
{
	if (ts == NULL)
		return;
	forget_all(ts);
	map_deinit(&ts->links);
	free(ts->states);
	free(ts);
}

void traces_ask(struct traces *ts, struct pg_unit *u, size_t at, struct call *const *calls,
		size_t n)
{
	struct arena *a = pg_unit_arena(u);
	struct uuid *ws[2], *ids[2]; /* of ad hoc calls, of campaigns */
	size_t counts[2] = { 0, 0 };

	if (map_count(&ts->links) >= KNOWN_MAX)
		forget_all(ts);
	for (size_t k = 0; k < 2; k++) {
		ws[k] = arena_array(a, n, sizeof(struct uuid));
		ids[k] = arena_array(a, n, sizeof(struct uuid));
	}
	for (size_t i = 0; i < n; i++) {
		const struct due_entry *e = &calls[i]->entry;
		size_t k = uuid_is_nil(e->campaign_id) ? 0 : 1;

		if (k == 1 && map_get(&ts->links, e->campaign_id) != NULL)
			continue;
		ws[k][counts[k]] = e->workspace_id;
		ids[k][counts[k]++] = k == 0 ? e->call_id : e->campaign_id;
	}
	ts->calls_at = ts->links_at = NOT_ASKED;
	if (counts[0] > 0) {
		ts->calls_at = at++;
		add_claim_traces(u,
				 &(struct claim_traces_args){ .workspace_ids = { ws[0], counts[0] },
							      .call_ids = { ids[0], counts[0] } });
	}
	if (counts[1] > 0) {
		ts->links_at = at;
		add_claim_links(
			u, &(struct claim_links_args){ .workspace_ids = { ws[1], counts[1] },
						       .campaign_ids = { ids[1], counts[1] } });
	}
}

static void learn_links(struct traces *ts, const struct pg_result *r)
{
	for (size_t k = 0; k < pg_result_rows(r); k++) {
		struct claim_links_row row;
		get_claim_links(r, k, &row);
		free(map_remove(&ts->links, row.campaign_id));
		map_set(&ts->links, row.campaign_id, xstrndup(row.tracestate));
	}
}

static void take_calls(struct traces *ts, const struct pg_result *r, struct call *const *calls,
		       size_t n)
{
	for (size_t k = 0; k < pg_result_rows(r); k++) {
		struct claim_traces_row row;
		get_claim_traces(r, k, &row);
		for (size_t i = 0; i < n; i++) {
			if (!uuid_eq(calls[i]->entry.call_id, row.call_id))
				continue;
			calls[i]->trace = (struct trace){ row.trace_id, (uint8_t)row.flags };
			ts->states[i] = row.tracestate;
		}
	}
}

void traces_take(struct traces *ts, const struct pg_unit *u, struct call *const *calls, size_t n)
{
	if (ts->links_at != NOT_ASKED)
		learn_links(ts, pg_unit_result(u, ts->links_at));
	for (size_t i = 0; i < n; i++)
		ts->states[i] = str_from(map_get(&ts->links, calls[i]->entry.campaign_id));
	if (ts->calls_at != NOT_ASKED)
		take_calls(ts, pg_unit_result(u, ts->calls_at), calls, n);
}

struct str traces_state(const struct traces *ts, size_t i)
{
	return ts->states[i];
}
