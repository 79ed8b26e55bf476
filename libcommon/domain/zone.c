/* A sorted table of the changes of offset. The footer's rule is written out into it for the next
 * decades, so that nearly every question is one binary search; beyond, the rule is asked. */
#include "domain/zone.h"

#include "base/mem.h"
#include "domain/zone_rule.h"
#include "domain/zone_tzif.h"

#define WRITTEN_OUT_FROM_S (-INT64_C(2208988800)) /* 1900-01-01 */
#define WRITTEN_OUT_TO_S INT64_C(4102444800)      /* 2100-01-01 */
#define WRITTEN_OUT_MAX ((size_t)2 * 204)         /* a change may stand outside of its year */

struct zone_change {
	int64_t at_s;
	int32_t offset_s;
};

struct zone {
	bool has_rule; /* an alternating one; it holds from the last change on */
	struct zone_rule rule;
	int32_t first_s; /* the offset before the first change */
	size_t n;
	struct zone_change changes[];
};

static int32_t last_offset_s(const struct zone *z)
{
	return z->n > 0 ? z->changes[z->n - 1].offset_s : z->first_s;
}

static void add(struct zone *z, int64_t at_s, int32_t offset_s)
{
	z->changes[z->n++] = (struct zone_change){ at_s, offset_s };
}

static void add_if_new(struct zone *z, int64_t at_s, int32_t offset_s)
{
	if (offset_s != last_offset_s(z))
		add(z, at_s, offset_s);
}

/* The changes of the table, the last one aside: to it belongs what the footer says. Returns the
 * instant of the last, or ZONE_FIRST_S. */
static int64_t add_table(struct zone *z, const struct tzif *t)
{
	int64_t at_s = ZONE_FIRST_S;

	for (size_t i = 0; i < t->n; i++) {
		if (at_s > ZONE_FIRST_S)
			add_if_new(z, at_s, tzif_offset_s(t, i - 1));
		at_s = max_i64(tzif_time_s(t, i), ZONE_FIRST_S);
		if (at_s == ZONE_FIRST_S) /* so long ago that it has always been so */
			z->first_s = tzif_offset_s(t, i);
		if (at_s >= ZONE_LAST_S)
			return ZONE_LAST_S;
	}
	return at_s;
}

static void write_out(struct zone *z, int64_t from_s)
{
	struct zone_segment s;

	if (from_s < WRITTEN_OUT_FROM_S)
		return;
	for (int64_t at_s = from_s; at_s < WRITTEN_OUT_TO_S; at_s = s.end_s) {
		zone_rule_segment(&z->rule, at_s, &s);
		if (at_s > from_s)
			add_if_new(z, at_s, s.offset_s);
	}
}

/* From the last transition on the footer's rule holds, from ever if there is no transition. */
static void add_rule(struct zone *z, int64_t from_s)
{
	struct zone_segment s;

	zone_rule_segment(&z->rule, from_s, &s);
	z->has_rule = z->rule.has_dst;
	if (from_s == ZONE_FIRST_S) {
		z->first_s = s.offset_s;
		return;
	}
	add_if_new(z, from_s, s.offset_s);
	if (!z->has_rule)
		return;
	size_t n = z->n;
	write_out(z, from_s);
	/* with nothing of the rule written out, where it begins must be known all the same */
	if (z->n == n && (n == 0 || z->changes[n - 1].at_s != from_s))
		add(z, from_s, s.offset_s);
}

struct err zone_read(struct str bytes, struct zone **out)
{
	struct tzif t;
	struct zone_rule rule = { .has_dst = false };

	TRY(tzif_read(bytes, &t));
	if (t.footer.n > 0)
		TRY(zone_rule_parse(t.footer, &rule));
	size_t most = t.n + 1 + WRITTEN_OUT_MAX;
	struct zone *z = xcalloc(1, sizeof(*z) + most * sizeof(z->changes[0]));
	z->rule = rule;
	z->first_s = tzif_first_offset_s(&t);
	int64_t last_s = add_table(z, &t);
	if (last_s < ZONE_LAST_S) {
		if (t.footer.n > 0)
			add_rule(z, last_s);
		else if (last_s > ZONE_FIRST_S)
			add_if_new(z, last_s, tzif_offset_s(&t, t.n - 1));
	}
	ASSERT(z->n <= most);
	*out = xrealloc(z, 1, sizeof(*z) + z->n * sizeof(z->changes[0]));
	return OK;
}

void zone_free(struct zone *z)
{
	free(z);
}

/* How many changes are not after the instant. */
static size_t count_until(const struct zone *z, int64_t at_s)
{
	size_t low = 0, high = z->n;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (z->changes[middle].at_s <= at_s)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void zone_segment_at(const struct zone *z, int64_t at_s, struct zone_segment *out)
{
	size_t n = count_until(z, at_s);
	int32_t before_s = n > 1 ? z->changes[n - 2].offset_s : z->first_s;

	if (n == z->n && z->has_rule) {
		zone_rule_segment(&z->rule, at_s, out);
		if (n > 0 && out->start_s <= z->changes[n - 1].at_s) {
			out->start_s = z->changes[n - 1].at_s;
			out->before_s = before_s;
		}
		return;
	}
	*out = (struct zone_segment){
		.start_s = n > 0 ? z->changes[n - 1].at_s : ZONE_FIRST_S,
		.end_s = n < z->n ? z->changes[n].at_s : ZONE_LAST_S,
		.offset_s = n > 0 ? z->changes[n - 1].offset_s : z->first_s,
		.before_s = before_s,
	};
}

int32_t zone_offset_s(const struct zone *z, usec_t at)
{
	struct zone_segment s;
	usec_t seconds = at / USEC_PER_SEC;

	zone_segment_at(z, at % USEC_PER_SEC < 0 ? seconds - 1 : seconds, &s);
	return s.offset_s;
}
