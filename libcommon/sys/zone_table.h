/* The zones of a time zone tree by name, read when first asked for and kept. When the tree changes
 * (an update of tzdata, a link that leads to another tree) zone_table_refresh() takes the new rules
 * for all of them at once.
 *
 * Order of calls: open; then find and refresh as often as wanted, from one thread; free. */
#ifndef BELFRY_SYS_ZONE_TABLE_H
#define BELFRY_SYS_ZONE_TABLE_H

#include "domain/zone.h"

#define ZONE_TABLE_MAX 2048 /* zones kept; tzdata has about 600 */
#define ZONE_VERSION_SIZE 32

struct metrics;
struct zone_table;

/* ERR_NOT_FOUND when the directory has no zones (UTC is looked for). */
struct err zone_table_open(const char *directory, struct zone_table **out) MUST_USE;
void zone_table_free(struct zone_table *t);

/* NULL when there is no such zone (names: sys/zoneinfo.h). The zone stands until the next
 * zone_table_refresh that answers true. Names that are no zone are not kept. */
const struct zone *zone_table_find(struct zone_table *t, struct str name);

/* Looks at the tree: at its version and at each file in use. True when rules were taken anew; what
 * cannot be read then keeps the rules it had. */
bool zone_table_refresh(struct zone_table *t);

/* The database's version, "2025b", from the first line of tzdata.zi; "unknown" without that file.
 * Points into the table, until the next refresh. */
const char *zone_table_version(const struct zone_table *t);

/* belfry_tzdata_info names the version in use. The registry's texts end before the table does. */
void zone_table_measure(struct zone_table *t, struct metrics *m);

#endif
