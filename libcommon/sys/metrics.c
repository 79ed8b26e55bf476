/* Families in the order of their registration, each with its series in an array. */
#include "sys/metrics.h"

#include <string.h>

#include "base/mem.h"

#define FAMILIES_MAX 200
#define COLLECTORS_MAX 32

enum metric_kind { METRIC_COUNTER = 0, METRIC_GAUGE, METRIC_HISTOGRAM };

static const char *const kind_names[] = { "counter", "gauge", "histogram" };

static const usec_t short_bounds[] = { 500,     1000,     2500,     5000,    10000,   25000,
				       50000,   100000,   250000,   500000,  1000000, 2500000,
				       5000000, 10000000, 30000000, 60000000 };
static const usec_t long_bounds[] = { 100000,     250000,     500000,      1000000,
				      2500000,    5000000,    10000000,    30000000,
				      60000000,   120000000,  300000000,   600000000,
				      1800000000, 3600000000, 14400000000, 43200000000 };

struct series {
	struct metric_label labels[METRIC_LABELS_MAX];
	int64_t *cell; /* of a counter or gauge */
	struct histogram *histogram;
};

struct family {
	const char *name, *help;
	enum metric_kind kind;
	bool is_seconds;
	struct series *v;
	size_t n;
};

struct collector {
	void (*fn)(void *arg);
	void *arg;
};

struct metrics {
	struct family families[FAMILIES_MAX];
	size_t n;
	struct collector collectors[COLLECTORS_MAX];
	size_t n_collectors;
	void *kept[COLLECTORS_MAX];
	size_t n_kept;
};

struct metrics *metrics_new(void)
{
	return xcalloc(1, sizeof(struct metrics));
}

static void series_deinit(struct series *s)
{
	for (size_t i = 0; i < METRIC_LABELS_MAX; i++)
		free((void *)(uintptr_t)s->labels[i].value); /* our own copy */
	free(s->cell);
	free(s->histogram);
}

void metrics_free(struct metrics *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->n; i++) {
		for (size_t k = 0; k < m->families[i].n; k++)
			series_deinit(&m->families[i].v[k]);
		free(m->families[i].v);
	}
	for (size_t i = 0; i < m->n_kept; i++)
		free(m->kept[i]);
	free(m);
}

static struct family *find_family(struct metrics *m, const struct metric *d, enum metric_kind kind)
{
	for (size_t i = 0; i < m->n; i++) {
		if (strcmp(m->families[i].name, d->name) != 0)
			continue;
		ASSERT(m->families[i].kind == kind);
		return &m->families[i];
	}
	ASSERT(m->n < FAMILIES_MAX);
	struct family *f = &m->families[m->n++];
	struct str name = str_from(d->name);
	*f = (struct family){ .name = d->name, .help = d->help, .kind = kind };
	f->is_seconds = str_ends(name, STR("_seconds")) || str_ends(name, STR("_seconds_total"));
	return f;
}

static bool has_labels(const struct series *s, const struct metric *d)
{
	for (size_t i = 0; i < METRIC_LABELS_MAX; i++) {
		const struct metric_label *a = &s->labels[i], *b = &d->labels[i];
		if ((a->name == NULL) != (b->name == NULL))
			return false;
		if (a->name != NULL &&
		    (strcmp(a->name, b->name) != 0 || strcmp(a->value, b->value) != 0))
			return false;
	}
	return true;
}

static struct series *find_series(struct metrics *m, const struct metric *d, enum metric_kind kind)
{
	struct family *f = find_family(m, d, kind);

	for (size_t i = 0; i < f->n; i++)
		if (has_labels(&f->v[i], d))
			return &f->v[i];
	f->v = xrealloc(f->v, f->n + 1, sizeof(*f->v));
	struct series *s = &f->v[f->n++];
	*s = (struct series){ .cell = NULL };
	for (size_t i = 0; i < METRIC_LABELS_MAX && d->labels[i].name != NULL; i++)
		s->labels[i] =
			(struct metric_label){ d->labels[i].name, xstrdup(d->labels[i].value) };
	return s;
}

static int64_t *cell(struct metrics *m, const struct metric *d, enum metric_kind kind)
{
	struct series *s = find_series(m, d, kind);

	if (s->cell == NULL) {
		s->cell = xcalloc(1, sizeof(*s->cell));
		*s->cell = kind == METRIC_GAUGE ? METRIC_ABSENT : 0;
	}
	return s->cell;
}

int64_t *metrics_counter(struct metrics *m, const struct metric *d)
{
	return cell(m, d, METRIC_COUNTER);
}

int64_t *metrics_gauge(struct metrics *m, const struct metric *d)
{
	return cell(m, d, METRIC_GAUGE);
}

struct histogram *metrics_histogram(struct metrics *m, const struct metric *d,
				    enum histogram_range range)
{
	struct series *s = find_series(m, d, METRIC_HISTOGRAM);

	if (s->histogram != NULL)
		return s->histogram;
	s->histogram = xcalloc(1, sizeof(*s->histogram));
	s->histogram->bounds = range == HISTOGRAM_LONG ? long_bounds : short_bounds;
	s->histogram->n = HISTOGRAM_BOUNDS_MAX;
	return s->histogram;
}

void metrics_on_collect(struct metrics *m, void (*fn)(void *arg), void *arg)
{
	ASSERT(m->n_collectors < COLLECTORS_MAX);
	m->collectors[m->n_collectors++] = (struct collector){ fn, arg };
}

void *metrics_keep(struct metrics *m, void *p)
{
	ASSERT(m->n_kept < COLLECTORS_MAX);
	m->kept[m->n_kept++] = p;
	return p;
}

/* --- text ----------------------------------------------------------------------------------- */

static void write_label_value(const char *value, struct strbuf *out)
{
	for (; *value != '\0'; value++) {
		if (*value == '\\' || *value == '"')
			strbuf_add_c(out, '\\');
		if (*value == '\n')
			strbuf_add(out, STR("\\n"));
		else
			strbuf_add_c(out, *value);
	}
}

/* The name with its labels and, of a histogram's bucket, the bound. */
static void write_name(const struct family *f, const char *suffix, const struct series *s,
		       const char *le, struct strbuf *out)
{
	char next = '{';

	strbuf_addf(out, "%s%s", f->name, suffix);
	for (size_t i = 0; i < METRIC_LABELS_MAX && s->labels[i].name != NULL; i++) {
		strbuf_addf(out, "%c%s=\"", next, s->labels[i].name);
		write_label_value(s->labels[i].value, out);
		strbuf_add_c(out, '"');
		next = ',';
	}
	if (le != NULL) {
		strbuf_addf(out, "%cle=\"%s\"", next, le);
		next = ',';
	}
	if (next == ',')
		strbuf_add_c(out, '}');
	strbuf_add_c(out, ' ');
}

static void write_number(int64_t v, bool is_seconds, struct strbuf *out)
{
	if (is_seconds)
		strbuf_addf(out, "%s%" PRId64 ".%06" PRId64 "\n", v < 0 ? "-" : "",
			    (v < 0 ? -v : v) / USEC_PER_SEC, (v < 0 ? -v : v) % USEC_PER_SEC);
	else
		strbuf_addf(out, "%" PRId64 "\n", v);
}

static void write_histogram(const struct family *f, const struct series *s, struct strbuf *out)
{
	const struct histogram *h = s->histogram;
	int64_t count = 0;

	for (size_t i = 0; i <= h->n; i++) {
		struct strbuf le;
		strbuf_init(&le, 32);
		if (i < h->n)
			strbuf_addf(&le, "%g", (double)h->bounds[i] / 1e6);
		count += h->counts[i];
		write_name(f, "_bucket", s, i < h->n ? strbuf_str(&le).p : "+Inf", out);
		write_number(count, false, out);
		strbuf_deinit(&le);
	}
	write_name(f, "_sum", s, NULL, out);
	write_number(h->sum_us, true, out);
	write_name(f, "_count", s, NULL, out);
	write_number(count, false, out);
}

static void write_family(const struct family *f, struct strbuf *out)
{
	strbuf_addf(out, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help, f->name,
		    kind_names[f->kind]);
	for (size_t i = 0; i < f->n; i++) {
		const struct series *s = &f->v[i];
		if (f->kind == METRIC_HISTOGRAM) {
			write_histogram(f, s, out);
		} else if (*s->cell != METRIC_ABSENT) {
			write_name(f, "", s, NULL, out);
			write_number(*s->cell, f->is_seconds, out);
		}
	}
}

void metrics_write(struct metrics *m, struct strbuf *out)
{
	for (size_t i = 0; i < m->n_collectors; i++)
		m->collectors[i].fn(m->collectors[i].arg);
	for (size_t i = 0; i < m->n; i++)
		write_family(&m->families[i], out);
}
