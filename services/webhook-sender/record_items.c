/* Items become columns, and columns the arguments of statements. */
#include "record_items.h"

#include "app.h"
#include "store_gen.h"

/* Columns of one statement, an array each; those a statement does not take are left out. */
struct columns {
	struct uuid *workspace_ids, *endpoint_ids, *delivery_ids;
	int64_t *attempts, *delays_us, *ages_us, *http_statuses, *durations_ms;
	int64_t *sequences;
	usec_t *created_at;
	struct str *statuses, *reasons, *results, *excerpts, *types;
	size_t n;
};

static void columns_init(struct columns *c, struct arena *a, size_t n)
{
	*c = (struct columns){
		.workspace_ids = arena_array(a, n, sizeof(struct uuid)),
		.endpoint_ids = arena_array(a, n, sizeof(struct uuid)),
		.delivery_ids = arena_array(a, n, sizeof(struct uuid)),
		.attempts = arena_array(a, n, sizeof(int64_t)),
		.delays_us = arena_array(a, n, sizeof(int64_t)),
		.ages_us = arena_array(a, n, sizeof(int64_t)),
		.http_statuses = arena_array(a, n, sizeof(int64_t)),
		.durations_ms = arena_array(a, n, sizeof(int64_t)),
		.sequences = arena_array(a, n, sizeof(int64_t)),
		.created_at = arena_array(a, n, sizeof(usec_t)),
		.types = arena_array(a, n, sizeof(struct str)),
		.statuses = arena_array(a, n, sizeof(struct str)),
		.reasons = arena_array(a, n, sizeof(struct str)),
		.results = arena_array(a, n, sizeof(struct str)),
		.excerpts = arena_array(a, n, sizeof(struct str)),
	};
}

static void columns_add(struct columns *c, const struct item *it, usec_t mono)
{
	size_t i = c->n++;
	bool was_sent = it->word != NULL;

	c->workspace_ids[i] = it->endpoint->workspace_id;
	c->endpoint_ids[i] = it->endpoint->id;
	c->delivery_ids[i] = it->id;
	c->attempts[i] = it->attempt;
	c->sequences[i] = it->sequence;
	c->created_at[i] = it->created_at;
	c->types[i] = str_from(it->type);
	c->delays_us[i] = it->delay_us;
	c->ages_us[i] = was_sent ? mono - it->mono_started_at : PG_NULL_I64;
	c->http_statuses[i] = it->status > 0 ? it->status : PG_NULL_I64;
	c->durations_ms[i] = was_sent ? it->duration_us / USEC_PER_MS : PG_NULL_I64;
	c->statuses[i] = it->result == ITEM_DEAD ? STR("dead_letter") : STR("delivered");
	c->reasons[i] = str_from(it->reason);
	c->results[i] = str_from(it->word);
	c->excerpts[i] = it->excerpt.n > 0 ? strbuf_str(&it->excerpt) : STR_NONE;
}

#define COLUMN(c, name)                                                                            \
	(struct pg_array)                                                                          \
	{                                                                                          \
		(c)->name, (c)->n                                                                  \
	}

/* Members that the arguments of several statements have in common. */
#define ITEM_COLUMNS(c)                                                                            \
	.workspace_ids = COLUMN(c, workspace_ids), .endpoint_ids = COLUMN(c, endpoint_ids),        \
	.delivery_ids = COLUMN(c, delivery_ids), .attempts = COLUMN(c, attempts)
#define EVENT_COLUMNS(c)                                                                           \
	.sequences = COLUMN(c, sequences), .types = COLUMN(c, types),                              \
	.created_at = COLUMN(c, created_at)
#define FATE_COLUMNS(c) .statuses = COLUMN(c, statuses), .reasons = COLUMN(c, reasons)
#define ANSWER_COLUMNS(c)                                                                          \
	.ages_us = COLUMN(c, ages_us), .results = COLUMN(c, results),                              \
	.http_statuses = COLUMN(c, http_statuses), .durations_ms = COLUMN(c, durations_ms),        \
	.excerpts = COLUMN(c, excerpts)

static void add_finish(struct pg_unit *u, struct uuid sender_id, const struct columns *c)
{
	add_sender_finish(u, &(struct sender_finish_args){ .sender_id = sender_id,
							   ITEM_COLUMNS(c),
							   FATE_COLUMNS(c),
							   ANSWER_COLUMNS(c) });
}

static void add_retry(struct pg_unit *u, struct uuid sender_id, const struct columns *c)
{
	add_sender_retry(u, &(struct sender_retry_args){ .sender_id = sender_id,
							 ITEM_COLUMNS(c),
							 ANSWER_COLUMNS(c),
							 .delays_us = COLUMN(c, delays_us) });
}

static void add_give_back(struct pg_unit *u, struct uuid sender_id, const struct columns *c)
{
	add_sender_give_back(
		u, &(struct sender_give_back_args){ .sender_id = sender_id, ITEM_COLUMNS(c) });
}

static void add_owed_finish(struct pg_unit *u, struct uuid sender_id, const struct columns *c)
{
	add_sender_owed_finish(u, &(struct sender_owed_finish_args){ .sender_id = sender_id,
								     ITEM_COLUMNS(c),
								     EVENT_COLUMNS(c),
								     FATE_COLUMNS(c),
								     ANSWER_COLUMNS(c) });
}

static void add_owed_retry(struct pg_unit *u, struct uuid sender_id, const struct columns *c)
{
	add_sender_owed_retry(
		u, &(struct sender_owed_retry_args){ .sender_id = sender_id,
						     ITEM_COLUMNS(c),
						     EVENT_COLUMNS(c),
						     ANSWER_COLUMNS(c),
						     .delays_us = COLUMN(c, delays_us) });
}

/* A statement, and what it takes of the items: those with a row in `delivery`, or those that ranges
 * owe. */
struct kind {
	unsigned results; /* a bit each */
	bool is_owed;
	void (*add)(struct pg_unit *u, struct uuid sender_id, const struct columns *c);
};

static bool is_of_kind(const struct kind *k, const struct item *it)
{
	return (k->results >> it->result & 1) != 0 && (it->range != NULL) == k->is_owed;
}

static void collect(struct columns *c, struct arena *a, const struct kind *k,
		    const struct list *items, usec_t mono)
{
	size_t n = 0;

	for (struct list_node *at = list_first(items); at; at = list_next(items, at))
		n += is_of_kind(k, CONTAINER_OF(at, struct item, node));
	columns_init(c, a, n);
	for (struct list_node *at = list_first(items); at; at = list_next(items, at)) {
		const struct item *it = CONTAINER_OF(at, struct item, node);

		if (is_of_kind(k, it))
			columns_add(c, it, mono);
	}
}

void record_items_add(struct pg_unit *u, struct uuid sender_id, const struct list *items,
		      usec_t mono)
{
	static const struct kind kinds[] = {
		{ 1U << ITEM_DELIVERED | 1U << ITEM_DEAD, false, add_finish },
		{ 1U << ITEM_RETRY, false, add_retry },
		{ 1U << ITEM_UNSENT, false, add_give_back },
		{ 1U << ITEM_DELIVERED | 1U << ITEM_DEAD, true, add_owed_finish },
		{ 1U << ITEM_RETRY, true, add_owed_retry },
	};
	struct columns c;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		collect(&c, pg_unit_arena(u), &kinds[i], items, mono);
		if (c.n > 0)
			kinds[i].add(u, sender_id, &c);
	}
}
