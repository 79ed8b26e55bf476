/* The names of the time zone database, read once at start. */
#ifndef BELFRY_API_GATEWAY_ZONES_H
#define BELFRY_API_GATEWAY_ZONES_H

#include "base/err.h"
#include "base/str.h"

#define ZONE_NAME_MAX 64

struct zones;

struct err zones_load(const char *directory, struct zones **out) MUST_USE;
void zones_free(struct zones *z);
bool zones_has(const struct zones *z, struct str name); /* exact case, "Europe/Berlin" */

#endif
