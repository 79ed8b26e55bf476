/* What ranges owe to an endpoint (proto/schema/0008_delivery_ranges.sql), as far as this sender has read
 * them. An endpoint belongs to one sender, and sequences rise in the order of commits, so a place among
 * them is all that is to be known: every delivery up to it is in hand or recorded. Reading writes
 * nothing, and what is given back is forgotten: the place goes back before it.
 *
 * Where the place went back, what is read again could be in hand still, or be recorded while the answer
 * is on its way. So nothing is read then until nothing is in hand, and up to the highest place ever
 * reached, or what a sender before this one may have reached, what is recorded is left out. */
#ifndef BELFRY_WEBHOOK_SENDER_OWED_H
#define BELFRY_WEBHOOK_SENDER_OWED_H

#include "base/list.h"
#include "base/uuid.h"

struct app;
struct endpoint;
struct item;

/* One range of which something is in hand, or that is to be deleted. */
struct owed_range {
	struct list_node node; /* in its endpoint's list, or in the recorder's of those to delete */
	struct endpoint *endpoint;
	struct uuid sender_id; /* the incarnation that read it */
	int64_t to_sequence;
	int items;    /* in hand */
	bool is_read; /* to its end: once nothing of it is in hand, it is deleted */
};

struct owed {
	int64_t after;      /* the place */
	int64_t check_upto; /* up to here somebody may have sent already */
	int items;          /* in hand */
	int closing;        /* ranges on their way to be deleted */
	unsigned turns;     /* how often the place went back: answers to older questions are void */
	bool is_behind;     /* it went back, and something is in hand that comes after it */
	bool is_cut;        /* the rest of the answer that is being read is void */
	struct list ranges;
};

void owed_init(struct owed *o);
void owed_deinit(struct owed *o);
/* The endpoint was adopted: reads from the beginning. Up to that sequence others may have sent. */
void owed_begin(struct endpoint *ep, int64_t last_sequence);
/* What has this sequence, and what comes after it, is to be read again. */
void owed_go_back(struct endpoint *ep, int64_t sequence);
/* How many may be read, of so many: none while the place is behind what is in hand. */
int owed_room(struct endpoint *ep, int room);
/* The item is of the range that ends there. Moves the place. */
void owed_take(struct app *app, struct item *it, int64_t sequence, int64_t to_sequence);
/* There is nothing more in the range that ends there. */
void owed_read(struct app *app, struct endpoint *ep, int64_t to_sequence);
/* The item, recorded or given back, is no more. */
void owed_drop(struct app *app, struct item *it);

#endif
