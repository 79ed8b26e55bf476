/* What a process counts, told in Prometheus' text format (version 0.0.4).
 *
 * Series are registered at start; each is a cell that the hot path adds to: no lookup, no memory, no
 * system call. What is cheaper to ask than to keep is filled in by a collector right before the text
 * is written.
 *
 *   int64_t *busy = metrics_counter(m, &(struct metric){ .name = "belfry_attempts_total",
 *                                    .help = "Attempts.", .labels = { { "outcome", "busy" } } });
 *   ++*busy;
 *
 * Series of one name are one family: its first registration gives type and help. Names follow
 * Prometheus' conventions, which also give the unit: the cells of a name that ends in `_seconds` or
 * `_seconds_total` hold microseconds and are shown as seconds. */
#ifndef BELFRY_SYS_METRICS_H
#define BELFRY_SYS_METRICS_H

#include "base/str.h"

struct metrics;

#define METRIC_LABELS_MAX 2
/* A gauge with this value is left out: nothing is known of it now. */
#define METRIC_ABSENT INT64_MIN

struct metric_label {
	const char *name, *value;
};

struct metric {
	const char *name, *help;                       /* literals */
	struct metric_label labels[METRIC_LABELS_MAX]; /* the values are copied */
};

struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);

/* The cell lives as long as the registry. A name and labels that are there already give the same. */
int64_t *metrics_counter(struct metrics *m, const struct metric *d);
int64_t *metrics_gauge(struct metrics *m, const struct metric *d); /* absent until it is set */

#define HISTOGRAM_BOUNDS_MAX 16

/* Durations; `counts` by bucket, the last one for what is over every bound. */
struct histogram {
	const usec_t *bounds;
	size_t n;
	int64_t counts[HISTOGRAM_BOUNDS_MAX + 1];
	int64_t sum_us;
};

enum histogram_range {
	HISTOGRAM_SHORT = 0, /* 0.5 ms to a minute: work, waits, lateness */
	HISTOGRAM_LONG       /* 0.1 s to 12 hours: calls, talks, passes */
};

struct histogram *metrics_histogram(struct metrics *m, const struct metric *d,
				    enum histogram_range range);

/* What lies before its beginning counts as nothing. */
static inline void histogram_observe(struct histogram *h, usec_t us)
{
	size_t i = 0;

	us = us < 0 ? 0 : us;
	while (i < h->n && us > h->bounds[i])
		i++;
	h->counts[i]++;
	h->sum_us += us;
}

/* Called in order of registration each time before the text is written; it sets gauges. Who registers
 * one sees to it that no text is asked for once `arg` is gone. */
void metrics_on_collect(struct metrics *m, void (*fn)(void *arg), void *arg);

/* Memory of a collector, freed with the registry. */
void *metrics_keep(struct metrics *m, void *p);

#define METRICS_TEXT_MAX ((size_t)4 * 1024 * 1024)
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Collects, then writes every family. */
void metrics_write(struct metrics *m, struct strbuf *out);

/* The process itself, by the names that Prometheus' own clients use (process_cpu_seconds_total,
 * process_resident_memory_bytes, process_open_fds, process_start_time_seconds), and
 * belfry_build_info. */
void metrics_add_process(struct metrics *m, const char *service);

#endif
