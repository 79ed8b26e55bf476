/* One state for all: which kind, and the page or the new id. */
#include "crud.h"

#include <string.h>

#include "store_gen.h"

struct crud_state {
	const struct crud *c;
	struct page page;
	struct uuid id;
	const char *in_use;
};

static struct crud_state *begin(struct req *r, const struct crud *c)
{
	struct crud_state *s = arena_alloc(r->arena, sizeof(*s));
	s->c = c;
	r->state = s;
	return s;
}

static void on_listed(struct req *r, const struct pg_unit *u)
{
	struct crud_state *s = r->state;
	const struct pg_result *rows = req_result(r, u, 0);
	struct uuid last = UUID_NIL;
	page_open(r, &s->page, rows);
	for (size_t i = 0; i < s->page.shown; i++)
		last = s->c->render(r, &s->page.j, rows, i);
	page_reply(r, &s->page, last);
}

void crud_list(struct req *r, const struct crud *c)
{
	struct crud_state *s = begin(r, c);
	if (!page_begin(r, &s->page))
		return;
	(void)req_read(r); /* it is r->unit */
	c->add_read(r, UUID_NIL, s->page.before, s->page.limit + 1);
	req_submit(r, on_listed);
}

static void add_one(struct req *r, const struct crud *c)
{
	struct uuid greatest;
	memset(greatest.b, 0xff, sizeof(greatest.b));
	c->add_read(r, r->ids[0], greatest, 1);
}

static void reply_one(struct req *r, const struct pg_result *rows)
{
	const struct crud_state *s = r->state;
	struct json_out j;
	req_json(r, &j);
	(void)s->c->render(r, &j, rows, 0); /* its id is the path's */
	req_reply_json(r, 200);
}

static void on_got(struct req *r, const struct pg_unit *u)
{
	const struct pg_result *rows = req_result(r, u, 0);
	if (pg_result_rows(rows) == 0)
		req_not_found(r);
	else
		reply_one(r, rows);
}

void crud_get(struct req *r, const struct crud *c)
{
	(void)begin(r, c); /* it is r->state */
	(void)req_read(r); /* it is r->unit */
	add_one(r, c);
	req_submit(r, on_got);
}

static void on_patched(struct req *r, const struct pg_unit *u)
{
	const struct crud_state *s = r->state;
	const struct pg_result *rows = req_result(r, u, 1);
	if (pg_result_rows(rows) == 0) {
		req_not_found(r);
		return;
	}
	if (s->c->after_patch != NULL)
		s->c->after_patch(r, rows);
	reply_one(r, rows);
}

void crud_patch(struct req *r, const struct crud *c)
{
	(void)begin(r, c); /* it is r->state */
	add_one(r, c);
	req_submit(r, on_patched);
}

static void on_created(struct req *r, const struct pg_unit *u)
{
	const struct crud_state *s = r->state;
	(void)u; /* the answer stands in r->out */
	req_reply_created(r, s->c->kind, s->id);
}

void crud_create(struct req *r, const struct crud *c, struct uuid id, bool is_secret)
{
	begin(r, c)->id = id;
	req_makes(r, c->kind, id);
	req_effect_keep(r, 201, is_secret);
	req_submit(r, on_created);
}

static void on_deleted(struct req *r, const struct pg_unit *u)
{
	const struct crud_state *s = r->state;
	struct api_agent_delete_row row; /* all of them have these columns */
	get_api_agent_delete(req_result(r, u, 0), 0, &row);
	if (row.found == 0)
		req_not_found(r);
	else if (row.deleted == 0)
		req_fail(r, PROBLEM_INVALID_STATE_TRANSITION, s->in_use);
	else
		req_reply(r, 204, NULL, STR_NONE);
}

void crud_delete(struct req *r, const char *in_use)
{
	begin(r, NULL)->in_use = in_use;
	req_submit(r, on_deleted);
}
