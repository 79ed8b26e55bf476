/* What the command line makes of bytes from outside: nothing it prints moves a cursor, a cut text has
 * no more cells than asked for, a stream cut anywhere gives the same events, and the elements of a
 * page are the page's own bytes. */
#include <stdlib.h>
#include <string.h>

#include "../../services/belfry/problem.h"
#include "../../services/belfry/session.h"
#include "../../services/belfry/sse.h"
#include "../../services/belfry/text.h"
#include "../../services/belfry/view.h"

#define OUT_MAX ((size_t)8 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge_clean(struct str s)
{
	ASSERT(str_is_utf8(s));
	for (size_t i = 0; i < s.n; i++)
		ASSERT((unsigned char)s.p[i] >= 0x20 && s.p[i] != 0x7f);
}

static void judge_text(struct str input)
{
	struct strbuf clean, cut;

	strbuf_init(&clean, OUT_MAX);
	text_clean(input, &clean);
	judge_clean(strbuf_str(&clean));
	size_t whole = text_width(strbuf_str(&clean));
	for (size_t width = 0; width < 12; width++) {
		strbuf_init(&cut, OUT_MAX);
		size_t cells = text_cut(strbuf_str(&clean), width, &cut);
		ASSERT(cells <= width && cells == text_width(strbuf_str(&cut)));
		ASSERT(whole > width || cells == whole);
		judge_clean(strbuf_str(&cut));
		strbuf_deinit(&cut);
	}
	strbuf_deinit(&clean);
}

static void on_event(const struct sse_event *e, void *arg)
{
	struct strbuf *out = arg;

	strbuf_add(out, e->type);
	strbuf_add_c(out, '|');
	strbuf_add(out, e->data);
	strbuf_add_c(out, '\n');
}

/* The events of a stream that comes in pieces of `step` bytes. */
static void read_stream(struct str input, size_t step, struct strbuf *out)
{
	struct sse s;

	sse_init(&s, on_event, out);
	for (size_t at = 0; at < input.n; at += step) {
		struct str piece = { input.p + at, min_size(step, input.n - at) };
		if (is_err(sse_feed(&s, piece)))
			break;
	}
	sse_deinit(&s);
}

static void judge_stream(struct str input)
{
	struct strbuf whole, pieces;

	strbuf_init(&whole, OUT_MAX);
	strbuf_init(&pieces, OUT_MAX);
	read_stream(input, input.n + 1, &whole);
	read_stream(input, 1 + input.n % 7, &pieces);
	ASSERT(str_eq(strbuf_str(&whole), strbuf_str(&pieces)));
	strbuf_deinit(&whole);
	strbuf_deinit(&pieces);
}

struct page {
	struct str text;
	const struct json_value *next; /* the element that is due; NULL where it is no page */
};

static bool on_element(struct str bytes, void *arg)
{
	struct page *page = arg;

	ASSERT(bytes.p >= page->text.p && bytes.p + bytes.n <= page->text.p + page->text.n);
	if (page->next == NULL)
		return true;
	struct json_doc *d;
	struct strbuf own, expected;
	ASSERT(!is_err(json_parse(bytes, (struct json_limits){ OUT_MAX, 64 }, &d, NULL)));
	strbuf_init(&own, OUT_MAX);
	strbuf_init(&expected, OUT_MAX);
	json_print(json_doc_root(d), &own);
	json_print(page->next, &expected);
	ASSERT(str_eq(strbuf_str(&own), strbuf_str(&expected)));
	strbuf_deinit(&own);
	strbuf_deinit(&expected);
	json_doc_free(d);
	page->next = json_next(page->next);
	return true;
}

static void judge_json(struct str input)
{
	struct page page = { .text = input };
	struct json_doc *d;
	struct strbuf out;

	if (is_err(json_parse(input, (struct json_limits){ OUT_MAX, 32 }, &d, NULL))) {
		view_each_element(input, on_element, &page); /* stays inside, whatever it is */
		return;
	}
	const struct json_value *root = json_doc_root(d);
	const struct json_value *list =
		json_type(root) == JSON_OBJECT ? json_get(root, "data") : NULL;
	if (list != NULL && json_type(list) == JSON_ARRAY)
		page.next = json_first(list);
	view_each_element(input, on_element, &page);
	ASSERT(page.next == NULL); /* each of them came */
	strbuf_init(&out, OUT_MAX);
	view_object(root, (struct table_look){ .width = 40, .with_head = true }, &out);
	view_event(root, false, &out);
	strbuf_deinit(&out);
	json_doc_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum option options[] = { OPT_FROM, OPT_END };
	struct str input = { (const char *)data, size };
	struct session session = { .url = "" };
	struct strbuf out;

	judge_text(input);
	judge_stream(input);
	judge_json(input);
	struct err e = session_parse(input, &session);
	ASSERT(!is_err(e) || *session.url == '\0');
	strbuf_init(&out, OUT_MAX);
	problem_render(input, 422, options, &out);
	for (size_t i = 0; i < out.n; i++)
		ASSERT((unsigned char)out.p[i] >= 0x20 || out.p[i] == '\n');
	strbuf_deinit(&out);
	return 0;
}
