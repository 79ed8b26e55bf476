/* The part of the specification that Belfry speaks: lines end in LF or CRLF, one data line or more,
 * id and event; comments and other fields are passed over. */
#include "sse.h"

#include <string.h>

void sse_init(struct sse *s, sse_event_fn fn, void *arg)
{
	*s = (struct sse){ .fn = fn, .arg = arg };
	strbuf_init(&s->line, SSE_LINE_MAX);
	strbuf_init(&s->data, SSE_LINE_MAX);
}

void sse_deinit(struct sse *s)
{
	strbuf_deinit(&s->line);
	strbuf_deinit(&s->data);
}

void sse_reset(struct sse *s)
{
	strbuf_reset(&s->line);
	strbuf_reset(&s->data);
	s->type[0] = '\0';
}

static void copy(struct str value, char *out, size_t size)
{
	size_t n = min_size(value.n, size - 1);

	if (n > 0)
		memcpy(out, value.p, n);
	out[n] = '\0';
}

static void dispatch(struct sse *s)
{
	struct sse_event e = { str_from(s->type), strbuf_str(&s->data) };

	if (e.data.n > 0 && e.data.p[e.data.n - 1] == '\n')
		e.data.n--;
	if (s->data.n > 0)
		s->fn(&e, s->arg);
	strbuf_reset(&s->data);
	s->type[0] = '\0';
}

static void take_line(struct sse *s, struct str line)
{
	struct str name, value;

	if (line.n == 0) {
		dispatch(s);
		return;
	}
	(void)str_split(line, ':', &name, &value); /* a field without a colon has no value */
	if (str_starts(value, STR(" ")))
		value = (struct str){ value.p + 1, value.n - 1 };
	if (str_eq(name, STR("data"))) {
		strbuf_add(&s->data, value);
		strbuf_add_c(&s->data, '\n');
	} else if (str_eq(name, STR("event"))) {
		copy(value, s->type, sizeof(s->type));
	} else if (str_eq(name, STR("id"))) {
		copy(value, s->id, sizeof(s->id));
	}
}

struct err sse_feed(struct sse *s, struct str piece)
{
	struct str part;

	while (piece.n > 0) {
		bool is_whole = str_split(piece, '\n', &part, &piece);
		strbuf_add(&s->line, part);
		if (strbuf_overflowed(&s->line) || strbuf_overflowed(&s->data))
			return ERR(ERR_TOO_LARGE, "an event of the stream is over 256 KiB");
		if (!is_whole)
			return OK;
		struct str line = strbuf_str(&s->line);
		if (str_ends(line, STR("\r")))
			line.n--;
		take_line(s, line);
		strbuf_reset(&s->line);
	}
	return OK;
}
