/* Cursors are bound to the path and to every filter of the route. */
#include "page.h"

#include <string.h>

#include "base/parse.h"
#include "domain/cursor.h"
#include "route.h"

static uint64_t filters_of(struct req *r)
{
	uint64_t f = cursor_filters_add(cursor_filters(), http_request_path(r->http));
	for (size_t i = 0; i < ROUTE_FILTERS_MAX && r->route->filters[i] != NULL; i++)
		f = cursor_filters_add(f, http_request_query(r->http, r->route->filters[i]));
	return f;
}

bool page_begin(struct req *r, struct page *p)
{
	struct str limit = http_request_query(r->http, "limit");
	struct str cursor = http_request_query(r->http, "cursor");
	*p = (struct page){ .limit = PAGE_DEFAULT, .filters = filters_of(r) };
	memset(p->before.b, 0xff, sizeof(p->before.b));
	if (limit.p != NULL && is_err(parse_i64(limit, 1, PAGE_MAX, &p->limit)))
		req_query_fault(r, "limit", "must be a number from 1 to 200");
	if (req_has_faults(r)) {
		req_fail_validation(r);
		return false;
	}
	if (cursor.p == NULL)
		return true;
	struct err e = cursor_decode(cursor, p->filters, &p->before);
	if (!is_err(e))
		return true;
	if (e.code == ERR_CONFLICT)
		req_fail(r, PROBLEM_CURSOR_MISMATCH, "The cursor belongs to other filters.");
	else
		req_fail(r, PROBLEM_MALFORMED_REQUEST, "The cursor is not one of this API's.");
	return false;
}

void page_open(struct req *r, struct page *p, const struct pg_result *rows)
{
	size_t n = pg_result_rows(rows);
	p->has_more = n > (size_t)p->limit;
	p->shown = p->has_more ? (size_t)p->limit : n;
	req_json(r, &p->j);
	json_object_begin(&p->j);
	json_key(&p->j, "data");
	json_array_begin(&p->j);
}

void page_reply(struct req *r, struct page *p, struct uuid last)
{
	char text[CURSOR_TEXT_SIZE];
	json_array_end(&p->j);
	json_kv_cstr(&p->j, "next_cursor",
		     p->has_more ? cursor_encode(p->filters, last, text) : NULL);
	json_kv_bool(&p->j, "has_more", p->has_more);
	json_object_end(&p->j);
	req_reply_json(r, 200);
}
