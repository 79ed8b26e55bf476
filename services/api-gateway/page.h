/* Lists: limit and cursor in, one page and the next cursor out. A statement is asked for one row
 * more than the page holds, so that has_more needs no second query. */
#ifndef BELFRY_API_GATEWAY_PAGE_H
#define BELFRY_API_GATEWAY_PAGE_H

#include "request.h"

#define PAGE_DEFAULT 50
#define PAGE_MAX 200

struct page {
	int64_t limit;
	uint64_t filters;
	struct uuid before; /* rows after this key, downwards; the greatest key at the beginning */
	size_t shown;       /* rows that go out */
	bool has_more;
	struct json_out j;
};

/* Reads limit and cursor; answers and returns false at a fault, also at those collected before. */
bool page_begin(struct req *r, struct page *p);
/* Opens the answer for what a statement gave; p->shown rows are to be written to p->j. */
void page_open(struct req *r, struct page *p, const struct pg_result *rows);
/* `last` is the key of the last row shown. */
void page_reply(struct req *r, struct page *p, struct uuid last);

#endif
