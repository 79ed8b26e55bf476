/* A series for each version that was in use, of which only the newest is told. */
#include "base/mem.h"
#include "sys/metrics.h"
#include "sys/zone_table.h"

struct zone_measure {
	struct zone_table *table;
	struct metrics *metrics;
	int64_t *cell;
};

static void collect(void *arg)
{
	struct zone_measure *z = arg;

	if (z->cell != NULL)
		*z->cell = METRIC_ABSENT;
	z->cell = metrics_gauge(
		z->metrics,
		&(struct metric){ .name = "belfry_tzdata_info",
				  .help = "The version of the time zone database in use.",
				  .labels = { { "version", zone_table_version(z->table) } } });
	*z->cell = 1;
}

void zone_table_measure(struct zone_table *t, struct metrics *m)
{
	struct zone_measure *z = metrics_keep(m, xcalloc(1, sizeof(*z)));

	*z = (struct zone_measure){ .table = t, .metrics = m };
	metrics_on_collect(m, collect, z);
}
