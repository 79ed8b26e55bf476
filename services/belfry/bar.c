/* The facts first; the bar takes what is left of the width. */
#include "bar.h"

#include <string.h>

#define BAR_MIN ((size_t)10)
#define BAR_MAX ((size_t)40)
#define TEXT_MAX ((size_t)512)
#define RATE_AFTER_US (500 * USEC_PER_MS) /* before that a rate is noise */
#define LEFT_MAX_S ((int64_t)100 * 3600)

void bar_bytes(int64_t n, struct strbuf *out)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double v = (double)n / 1024;
	size_t unit = 0;

	if (n < 1024) {
		strbuf_addf(out, "%d B", (int)n);
		return;
	}
	for (; v >= 1024 && unit + 1 < ARRAY_LEN(units); unit++)
		v /= 1024;
	strbuf_addf(out, "%.1f %s", v, units[unit]);
}

static void add_amount(const struct bar *b, int64_t n, struct strbuf *out)
{
	if (b->unit == BAR_BYTES)
		bar_bytes(n, out);
	else
		strbuf_add_i64(out, n);
}

static void add_rate(const struct bar *b, struct strbuf *out)
{
	double seconds = (double)b->elapsed_us / 1e6;

	if (b->elapsed_us < RATE_AFTER_US || b->done <= 0)
		return;
	double rate = (double)b->done / seconds;
	strbuf_add(out, STR("  "));
	if (b->unit == BAR_BYTES)
		bar_bytes((int64_t)rate, out);
	else
		strbuf_addf(out, rate < 10 ? "%.1f" : "%.0f", rate);
	strbuf_add(out, STR("/s"));
	if (b->total <= b->done)
		return;
	double left = (double)(b->total - b->done) / rate;
	if (left >= (double)LEFT_MAX_S)
		return;
	int64_t s = (int64_t)left + 1;
	if (s < 120)
		strbuf_addf(out, "  %d s left", (int)s);
	else if (s < 7200)
		strbuf_addf(out, "  %d min left", (int)(s / 60));
	else
		strbuf_addf(out, "  %d h left", (int)(s / 3600));
}

static void add_bar(const struct bar *b, size_t cells, struct strbuf *out)
{
	size_t full =
		b->total > 0 ? (size_t)((double)b->done / (double)b->total * (double)cells) : cells;

	full = min_size(full, cells);
	strbuf_add_c(out, '[');
	for (size_t i = 0; i < cells; i++)
		strbuf_add_c(out, i < full ? '=' : i == full ? '>' : ' ');
	strbuf_add(out, STR("]  "));
}

void bar_render(const struct bar *b, struct strbuf *out)
{
	struct strbuf facts;
	size_t label = strlen(b->label) + 2;

	strbuf_init(&facts, TEXT_MAX);
	if (b->total >= 0) {
		int64_t part =
			b->total == 0 ? 100 : (int64_t)((double)b->done * 100 / (double)b->total);
		strbuf_addf(&facts, "%3d %%  ", (int)min_i64(part, 100));
	}
	add_amount(b, b->done, &facts);
	if (b->total >= 0) {
		strbuf_add(&facts, STR(" of "));
		add_amount(b, b->total, &facts);
	}
	add_rate(b, &facts);
	strbuf_addf(out, "%s  ", b->label);
	/* the last cell stays free: some terminals break the line at it */
	size_t used = label + facts.n + 4 + 1;
	if (b->total >= 0 && b->width >= used + BAR_MIN)
		add_bar(b, min_size(b->width - used, BAR_MAX), out);
	size_t room = b->width > label + 1 ? b->width - label - 1 : 0;
	strbuf_add_bytes(out, facts.p, min_size(facts.n, room));
	strbuf_deinit(&facts);
}
