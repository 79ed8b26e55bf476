/* PATCH /v1/campaigns/{id}, of a recurring campaign in draft, active or paused: a lock on its row, the
 * change with all that follows from it in one statement, and the campaign as it is then, in one unit.
 * What is wrong with the campaign is told before what is wrong with the request: a bulk campaign
 * cannot be changed, whatever was asked for. */
#include <string.h>

#include "base/parse.h"
#include "campaign_input.h"
#include "handlers.h"
#include "queue/control.h"
#include "render.h"

#define TAGS_MAX 16

/* The versions that If-Match names; "*" is any. */
struct condition {
	bool is_given;
	usec_t versions[TAGS_MAX];
	size_t n;
};

/* Tags are compared strongly, so a weak one is no version, like one that is none of ours. */
static bool read_tag(struct str tag, usec_t *out)
{
	uint64_t v = 0;
	if (tag.n < 3 || tag.n > 18 || tag.p[0] != '"' || tag.p[tag.n - 1] != '"')
		return false;
	for (size_t i = 1; i + 1 < tag.n; i++) {
		char c = tag.p[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		v = v << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*out = (usec_t)v;
	return v <= INT64_MAX;
}

static void read_condition(struct req *r, struct condition *c)
{
	struct str rest = http_request_header(r->http, "If-Match"), tag;
	bool more = rest.p != NULL && !str_eq(str_trim(rest), STR("*"));
	c->is_given = more;
	while (more && c->n < TAGS_MAX) {
		more = str_split(rest, ',', &tag, &rest);
		if (read_tag(str_trim(tag), &c->versions[c->n]))
			c->n++;
	}
}

static bool is_met(const struct condition *c, usec_t version)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->versions[i] == version)
			return true;
	}
	return !c->is_given;
}

/* True when the campaign is none that can be changed so: it has answered. */
static bool refuse(struct req *r, const struct condition *c, const struct pg_result *found)
{
	struct api_campaign_get_row row;
	if (pg_result_rows(found) == 0) {
		req_not_found(r);
		return true;
	}
	get_api_campaign_get(found, 0, &row);
	if (!is_met(c, row.updated_at))
		req_fail(r, PROBLEM_PRECONDITION_FAILED,
			 "The campaign has changed; read it again.");
	else if (str_eq(row.kind, STR("bulk")))
		req_fail(r, PROBLEM_CAMPAIGN_IMMUTABLE, "A bulk campaign cannot be changed.");
	else if (str_eq(row.status, STR("completed")) || str_eq(row.status, STR("cancelled")))
		campaigns_fail_state(r, row.status, "The campaign is over.");
	else
		return false;
	return true;
}

static void reply(struct req *r, const struct pg_result *found)
{
	struct json_out j;
	struct api_campaign_get_row row;
	get_api_campaign_get(found, 0, &row);
	http_reply_header(r->http, "ETag", campaigns_etag(r, row.updated_at));
	req_json(r, &j);
	render_campaign(&j, &row, r->app->zones);
	req_reply_json(r, 200);
}

static void on_patched(struct req *r, const struct pg_unit *u)
{
	struct api_campaign_patch_row done = { .edited = 0 };
	const struct pg_result *patched = req_result(r, u, 1), *found = req_result(r, u, 2);
	if (pg_result_rows(patched) > 0)
		get_api_campaign_patch(patched, 0, &done, r->arena);
	if (done.edited == 0) {
		bool has_answered = refuse(r, r->state, found);
		ASSERT(has_answered); /* else it would have been changed, under the same lock */
		return;
	}
	campaigns_tell(r, false);
	campaigns_tell_dropped(r, &done.dropped);
	if (done.deliveries > 0)
		control_wake_senders(r->app->redis);
	reply(r, found);
}

static void on_looked(struct req *r, const struct pg_unit *u)
{
	if (!refuse(r, r->state, req_result(r, u, 0)))
		req_fail_validation(r);
}

static void add_get(struct req *r)
{
	add_api_campaign_get(r->unit,
			     &(struct api_campaign_get_args){ .workspace_id = r->who.workspace_id,
							      .ids = { r->ids, 1 } });
}

static void add_patch(struct req *r, const struct campaign_input *in, const struct condition *c)
{
	add_api_campaign_patch(
		r->unit, &(struct api_campaign_patch_args){ .workspace_id = r->who.workspace_id,
							    .campaign_id = r->ids[0],
							    .is_conditional = c->is_given,
							    .versions = { c->versions, c->n },
							    .sets = { in->sets, in->n_sets },
							    .name = in->name,
							    .description = in->description,
							    .variables = in->variables_text,
							    .cron = in->cron,
							    .timezone = in->timezone,
							    .end_at = in->end_at,
							    .max_concurrent = in->max_concurrent,
							    .max_attempts = in->max_attempts,
							    .retry_policy = in->retry_policy_text,
							    .ring_timeout_s = in->ring_timeout_s,
							    .max_duration_s = in->max_duration_s,
							    .calling_windows = in->windows_text });
}

void campaigns_patch(struct req *r)
{
	struct campaign_input in;
	struct condition *c = arena_alloc(r->arena, sizeof(*c));
	r->state = c;
	read_condition(r, c);
	campaign_input_read_patch(r, &in);
	struct pg_unit *u = req_read(r);
	if (req_has_faults(r)) {
		add_get(r);
		req_submit(r, on_looked);
		return;
	}
	add_api_campaign_lock(u,
			      &(struct api_campaign_lock_args){ .workspace_id = r->who.workspace_id,
								.campaign_id = r->ids[0] });
	add_patch(r, &in, c);
	add_get(r);
	req_submit(r, on_patched);
}
