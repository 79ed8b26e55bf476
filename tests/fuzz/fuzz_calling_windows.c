/* Windows that are read stay within what the headers promise, are read again from a row, and give
 * states that join; those that are not read leave a fault and nothing else. */
#include "wire/calling_windows.h"

#define STEPS 24
#define HEADER "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ONE_TYPE "\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0"
#define NEW_YORK HEADER ONE_TYPE HEADER ONE_TYPE "\nEST5EDT,M3.2.0,M11.1.0\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_windows(const struct calling_windows *c)
{
	const struct window *w = &c->window;

	ASSERT(!c->is_by_target || c->timezone.p == NULL);
	ASSERT(c->timezone.n <= 64);
	ASSERT(w->n_spans <= WINDOW_SPANS_MAX && w->n_blackouts <= WINDOW_BLACKOUTS_MAX);
	for (size_t i = 0; i < w->n_spans; i++) {
		const struct window_span *s = &w->spans[i];
		ASSERT(s->days != 0 && s->days <= 127);
		ASSERT(s->start_min >= 0 && s->start_min < s->end_min && s->end_min <= 1440);
	}
	for (size_t i = 0; i < w->n_blackouts; i++) {
		ASSERT(w->blackouts[i] >= 0 && w->blackouts[i] <= 2932896);
		ASSERT(i == 0 || w->blackouts[i - 1] < w->blackouts[i]);
	}
}

static void check_same(const struct calling_windows *a, const struct calling_windows *b)
{
	ASSERT(a->is_by_target == b->is_by_target && str_eq(a->timezone, b->timezone));
	ASSERT(a->window.n_spans == b->window.n_spans);
	for (size_t i = 0; i < a->window.n_spans; i++) {
		const struct window_span *s = &a->window.spans[i], *t = &b->window.spans[i];
		ASSERT(s->days == t->days);
		ASSERT(s->start_min == t->start_min && s->end_min == t->end_min);
	}
	ASSERT(a->window.n_blackouts == b->window.n_blackouts);
	for (size_t i = 0; i < a->window.n_blackouts; i++)
		ASSERT(a->window.blackouts[i] == b->window.blackouts[i]);
}

static void check_states(const struct window *w)
{
	usec_t at = INT64_C(1770000000) * USEC_PER_SEC;
	struct zone *z = NULL;

	ASSERT(!is_err(zone_read(STR(NEW_YORK), &z)));
	for (int i = 0; i < STEPS; i++) {
		struct window_state s = window_at(w, z, at), next;
		ASSERT(s.until > at);
		if (s.until == USEC_NEVER)
			break;
		ASSERT(window_at(w, z, s.until - 1).is_open == s.is_open);
		next = window_at(w, z, s.until);
		ASSERT(s.is_open || next.is_open);
		at = s.until;
	}
	zone_free(z);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	struct calling_windows c = { .window = { .n_spans = SIZE_MAX } }, stored;
	struct json_faults faults = { .n = 0 };
	struct json_doc *d = NULL;

	if (is_err(json_parse(text, (struct json_limits){ 1 << 16, 16 }, &d, NULL)))
		return 0;
	struct arena *a = arena_new();
	bool good = calling_windows_decode(json_doc_root(d), "/calling_windows", a, &c, &faults);
	ASSERT(good == (faults.total == 0) && good == (c.window.n_spans != SIZE_MAX));
	ASSERT(good == !is_err(calling_windows_from_row(text, a, &stored)));
	if (good) {
		check_windows(&c);
		check_same(&c, &stored);
		check_states(&c.window);
	}
	arena_free(a);
	json_doc_free(d);
	return 0;
}
