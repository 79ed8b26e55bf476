/* The handlers of what is larger than a request or an answer in memory: imports, exports, streams of
 * events. */
#ifndef BELFRY_API_GATEWAY_TRANSFERS_H
#define BELFRY_API_GATEWAY_TRANSFERS_H

#include "request.h"

void imports_create(struct req *r);
void imports_list(struct req *r);
void imports_get(struct req *r);
void imports_errors(struct req *r);

void campaigns_export(struct req *r);

void campaigns_watch(struct req *r);

/* --- answers in pieces ------------------------------------------------------------------------ */

/* Begins a 200; `drained` as in http_reply_begin, with r. */
void req_stream_begin(struct req *r, const char *content_type, loop_fn drained, void *arg);
/* Ends it, whole or cut; r is gone afterwards. */
void req_stream_end(struct req *r, bool is_whole);

/* --- files out of Postgres, page by page ------------------------------------------------------ */

/* Each page is a unit of its own: a slow reader holds neither a connection nor a snapshot. */
struct download_source {
	/* Adds the statement that reads what follows `after`. */
	void (*add)(struct req *r, struct pg_unit *u, int64_t after);
	/* Writes the page; where it ended into *after. False: that was the last one. */
	bool (*write)(struct req *r, const struct pg_result *rows, struct strbuf *b,
		      int64_t *after);
	const char *header;   /* the first line */
	const char *filename; /* to save it under */
};

/* Answers r with the file. */
void download_start(struct req *r, const struct download_source *source);
/* The process ends: forgets all of them. */
void downloads_drop(struct app *app);

#endif
