/* The use of a pool, by its name: connections, units in the queue and on the wire, how long they took
 * from the submit to the callback, how many failed. */
#include "pg/pg_impl.h"
#include "sys/metrics.h"

static void collect(void *arg)
{
	const struct pg_pool *p = arg;

	*p->measures.ready = p->n_ready;
	*p->measures.waiting = (int64_t)p->waiting.n;
	*p->measures.sent = (int64_t)(pg_pool_pending(p) - p->waiting.n);
}

void pg_pool_measure(struct pg_pool *p)
{
	struct metrics *m = p->o.metrics;
	const struct metric_label pool = { "pool", p->o.pool };

	if (m == NULL)
		return;
	*metrics_gauge(m, &(struct metric){ .name = "belfry_pg_connections_max",
					    .help = "Connections that a pool may have.",
					    .labels = { pool } }) = p->o.connections;
	p->measures = (struct pg_measures){
		.ready = metrics_gauge(m,
				       &(struct metric){ .name = "belfry_pg_connections_up",
							 .help = "Usable connections to Postgres.",
							 .labels = { pool } }),
		.waiting = metrics_gauge(
			m, &(struct metric){ .name = "belfry_pg_units_waiting",
					     .help = "Transactions waiting for a connection.",
					     .labels = { pool } }),
		.sent = metrics_gauge(m, &(struct metric){ .name = "belfry_pg_units_sent",
							   .help = "Transactions on the wire.",
							   .labels = { pool } }),
		.failed =
			metrics_counter(m, &(struct metric){ .name = "belfry_pg_units_failed_total",
							     .help = "Transactions that failed.",
							     .labels = { pool } }),
		.resent = metrics_counter(
			m, &(struct metric){ .name = "belfry_pg_units_resent_total",
					     .help = "Transactions undone with one beside them, "
						     "and sent again.",
					     .labels = { pool } }),
		.seconds = metrics_histogram(
			m,
			&(struct metric){ .name = "belfry_pg_unit_seconds",
					  .help = "Transactions, from the submit to the answer.",
					  .labels = { pool } },
			HISTOGRAM_SHORT)
	};
	metrics_on_collect(m, collect, p);
}

void pg_pool_note_unit(struct pg_pool *p, const struct pg_unit *u, bool failed)
{
	if (p->measures.seconds == NULL)
		return;
	histogram_observe(p->measures.seconds,
			  loop_mono(p->loop) - (u->mono_deadline - p->o.unit_timeout_us));
	if (failed)
		++*p->measures.failed;
}
