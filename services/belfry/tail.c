/* The pull log, followed. A page of a filtered list may be empty and still have a next one, so pages
 * are followed by their cursors; at the end the last page is asked for again and again, and what was
 * seen is passed over by its sequence. */
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "base/mem.h"
#include "base/parse.h"
#include "view.h"
#include "json/json_in.h"

#define POLL_US USEC_PER_SEC
#define PAGE "100"
#define BEGIN_BEFORE 10

struct tail {
	struct app *app;
	int64_t after, last; /* of the request; the greatest sequence that was seen */
	int64_t left;        /* events still to be printed; INT64_MAX: all */
	char *cursor;        /* of the page asked for; NULL = the first */
	bool has_failed;
};

static int64_t sequence_of(const struct json_value *event)
{
	const struct json_value *v =
		json_type(event) == JSON_OBJECT ? json_get(event, "sequence") : NULL;
	int64_t n = 0;

	return v != NULL && json_as_i64(v, &n) ? n : 0;
}

static bool on_element(struct str bytes, void *arg)
{
	struct tail *tail = arg;
	struct json_doc *d;
	struct strbuf line;

	if (tail->left == 0 ||
	    is_err(json_parse(bytes, (struct json_limits){ VIEW_MAX_BYTES, 64 }, &d, NULL)))
		return false;
	int64_t sequence = sequence_of(json_doc_root(d));
	if (sequence > tail->last) {
		strbuf_init(&line, VIEW_MAX_BYTES);
		if (app_is_json(tail->app)) {
			strbuf_add(&line, bytes);
			strbuf_add_c(&line, '\n');
		} else {
			view_event(json_doc_root(d), tail->app->out.coloured, &line);
		}
		tail->has_failed = !app_print(strbuf_str(&line));
		strbuf_deinit(&line);
		tail->last = sequence;
		tail->left -= tail->left == INT64_MAX ? 0 : 1;
	}
	json_doc_free(d);
	return !tail->has_failed;
}

/* The cursor of the next page; NULL at the end. */
static char *next_cursor(struct str page)
{
	struct json_doc *d;
	char *cursor = NULL;

	if (is_err(json_parse(page, (struct json_limits){ VIEW_MAX_BYTES, 64 }, &d, NULL)))
		return NULL;
	const struct json_value *root = json_doc_root(d);
	const struct json_value *v =
		json_type(root) == JSON_OBJECT ? json_get(root, "next_cursor") : NULL;
	if (v != NULL && json_type(v) == JSON_STRING)
		cursor = xstrndup(json_as_str(v));
	json_doc_free(d);
	return cursor;
}

/* One page. *more_out: another one is there already. */
static int take_page(struct tail *tail, bool *more_out)
{
	struct transfer t;
	char number[24];

	transfer_init(&t, "GET");
	(void)api_url(tail->app, "/v1/events", NULL, &t.url); /* it has no places */
	(void)snprintf(number, sizeof(number), "%" PRId64, tail->after);
	api_query(&t.url, "after", str_from(number));
	api_query(&t.url, "limit", STR(PAGE));
	api_query_options(tail->app, &t.url);
	if (tail->cursor != NULL)
		api_query(&t.url, "cursor", str_from(tail->cursor));
	int code = api_send(tail->app, &t);
	if (code == EXIT_DONE) {
		view_each_element(strbuf_str(&t.answer), on_element, tail);
		char *next = next_cursor(strbuf_str(&t.answer));
		*more_out = next != NULL;
		if (next != NULL) {
			free(tail->cursor);
			tail->cursor = next;
		} else if (tail->cursor == NULL) {
			tail->after = tail->last;
		}
		if (tail->has_failed || fflush(stdout) != 0)
			code = EXIT_REFUSED;
	}
	transfer_deinit(&t);
	return code;
}

/* --- where the log ends --------------------------------------------------------------------- */

struct first {
	int64_t sequence; /* 0: there is none */
};

static bool on_first(struct str bytes, void *arg)
{
	struct first *first = arg;
	struct json_doc *d;

	if (!is_err(json_parse(bytes, (struct json_limits){ VIEW_MAX_BYTES, 64 }, &d, NULL))) {
		first->sequence = sequence_of(json_doc_root(d));
		json_doc_free(d);
	}
	return false;
}

/* The first sequence greater than `after`; 0 when there is none. */
static int ask(struct app *app, int64_t after, int64_t *out)
{
	struct first first = { .sequence = 0 };
	struct transfer t;
	char number[24];

	transfer_init(&t, "GET");
	(void)api_url(app, "/v1/events?limit=1", NULL, &t.url); /* it has no places */
	(void)snprintf(number, sizeof(number), "%" PRId64, after);
	api_query(&t.url, "after", str_from(number));
	int code = api_send(app, &t);
	if (code == EXIT_DONE)
		view_each_element(strbuf_str(&t.answer), on_first, &first);
	transfer_deinit(&t);
	*out = first.sequence;
	return code;
}

/* The newest sequence: the API has no order of newest first here, and sequences have few gaps, so it
 * is found in some forty requests, however long the log is. */
static int find_newest(struct app *app, int64_t *out)
{
	int64_t low = 0, high = INT64_C(1) << 53, step = 1, found;
	int code;

	/* nothing is after `high`; something is at `low`, or it is 0 */
	while (low < high) {
		bool is_growing = high == INT64_C(1) << 53;
		int64_t at = is_growing ? low + step : low + (high - low) / 2;
		at = low == 0 && step == 1 ? 0 : at;
		code = ask(app, at, &found);
		if (code != EXIT_DONE)
			return code;
		if (found > 0)
			low = found;
		else
			high = at;
		step *= 2;
	}
	*out = low;
	return EXIT_DONE;
}

static int begin(struct app *app, struct tail *tail)
{
	int64_t newest = 0;

	if (app->args.given[OPT_AFTER_SEQUENCE]) {
		if (is_err(parse_i64(app->args.value[OPT_AFTER_SEQUENCE], 0, INT64_C(1) << 53,
				     &tail->after)))
			return app_fail(EXIT_USAGE, "--after: from 0 on");
	} else {
		int code = find_newest(app, &newest);
		if (code != EXIT_DONE)
			return code;
		tail->after = max_i64(newest - BEGIN_BEFORE, 0);
	}
	tail->last = tail->after;
	return EXIT_DONE;
}

int cmd_events_tail(struct app *app, const struct command *c)
{
	struct tail tail = { .app = app, .left = INT64_MAX };
	bool more = true;

	(void)c;
	if (app->args.given[OPT_EVENT_COUNT] &&
	    is_err(parse_i64(app->args.value[OPT_EVENT_COUNT], 1, INT64_MAX - 1, &tail.left)))
		return app_fail(EXIT_USAGE, "--count: from 1 on");
	int code = begin(app, &tail);
	while (code == EXIT_DONE && tail.left > 0) {
		code = take_page(&tail, &more);
		if (code != EXIT_DONE || (!more && app->args.given[OPT_NO_FOLLOW]))
			break;
		if (!more)
			app_wait(app, POLL_US);
	}
	free(tail.cursor);
	return code;
}
