/* The statements that record what became of items. */
#ifndef BELFRY_WEBHOOK_SENDER_RECORD_ITEMS_H
#define BELFRY_WEBHOOK_SENDER_RECORD_ITEMS_H

#include "base/list.h"
#include "base/uuid.h"

struct pg_unit;

/* Adds what the outcomes of these items take, all claimed by one incarnation, to the unit. */
void record_items_add(struct pg_unit *u, struct uuid sender_id, const struct list *items,
		      usec_t mono);

#endif
