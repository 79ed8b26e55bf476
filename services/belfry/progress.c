/* Ten times a second at most: a terminal over ssh has better things to do. */
#include "progress.h"

#include <stdio.h>

#include "sys/clock.h"

#define DRAW_EVERY_US (100 * USEC_PER_MS)
#define LINE_MAX_BYTES ((size_t)4096)

void progress_begin(struct progress *p, struct terminal terminal, struct bar bar)
{
	*p = (struct progress){ .terminal = terminal, .bar = bar, .mono_began = clock_mono() };
	p->bar.width = terminal.width;
}

void progress_say(struct progress *p, struct str line)
{
	if (!p->terminal.is_tty)
		return;
	fprintf(stderr, "\r%.*s\033[K", STR_ARG(line));
	(void)fflush(stderr); /* it is a terminal, and only progress */
	p->is_drawn = true;
}

void progress_update(struct progress *p, int64_t done, int64_t total)
{
	struct strbuf line;
	usec_t mono_now = clock_mono();
	bool is_last = total >= 0 && done >= total;

	if (!p->terminal.is_tty ||
	    (p->is_drawn && !is_last && mono_now - p->mono_drawn < DRAW_EVERY_US))
		return;
	p->bar.done = done;
	p->bar.total = total;
	p->bar.elapsed_us = mono_now - p->mono_began;
	p->mono_drawn = mono_now;
	strbuf_init(&line, LINE_MAX_BYTES);
	bar_render(&p->bar, &line);
	progress_say(p, strbuf_str(&line));
	strbuf_deinit(&line);
}

void progress_end(struct progress *p)
{
	if (p->is_drawn)
		fputs("\r\033[K", stderr);
	p->is_drawn = false;
}
