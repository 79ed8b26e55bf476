/* The endpoints that belong to this sender, and the deliveries of each that are in its hands.
 *
 * An endpoint is made when it was adopted and ends when it was released or lost; it can only end
 * without items. An item is one attempt at one delivery, from its claim to the commit of its
 * outcome. It is in exactly one place: waiting at its endpoint, on the wire, or with the recorder. */
#ifndef BELFRY_WEBHOOK_SENDER_ENDPOINT_H
#define BELFRY_WEBHOOK_SENDER_ENDPOINT_H

#include "base/list.h"
#include "base/map.h"
#include "domain/delivery.h"
#include "owed.h"
#include "wire/endpoint_secret.h"
#include "wire/trace.h"

struct app;
struct endpoint;
struct sender_endpoints_row;

#define ENDPOINTS_MAX 20000 /* owned at a time; more wait until idle ones were released */
#define ENDPOINT_WINDOW_MAX 512

enum item_result { ITEM_UNSENT = 0, ITEM_DELIVERED, ITEM_RETRY, ITEM_DEAD };

struct item {
	struct list_node node; /* waiting at its endpoint, or in the recorder's list */
	struct endpoint *endpoint;
	struct uuid id, event_id;
	struct uuid sender_id; /* the incarnation that claimed it */
	int attempt;
	usec_t due_at;
	struct trace trace;
	char *tracestate; /* NULL = none */
	bool is_test;     /* one attempt is all it has */
	/* Of what a range owes; NULL: it has a row in `delivery`. */
	struct owed_range *range;
	int64_t sequence;
	usec_t created_at;
	char *type;
	usec_t mono_lease_until;
	struct strbuf body;
	struct send_request *request; /* on the wire */
	/* The outcome. */
	enum item_result result;
	const char *reason;
	const char *word; /* "delivered", "timeout", "http_error", ...; NULL = nothing was sent */
	int status;       /* of HTTP; 0 = none */
	usec_t mono_started_at, duration_us, delay_us;
	struct strbuf excerpt;
};

struct endpoint {
	struct list_node ready_node; /* in one of the sender's queues of endpoints that can send */
	struct list_node hot_node;   /* in the list of those that should claim */
	struct list_node leave_node; /* in the list of those that are to be released */
	struct list_node used_node;  /* in the list of all, the one used last at its end */
	struct uuid id, workspace_id;
	char *url;
	struct endpoint_key key, key_old;
	struct strbuf sealed, sealed_old;
	usec_t old_until;        /* wall clock of Postgres */
	bool is_known;           /* its row was read since it was adopted: url and key are there */
	usec_t mono_known_at;    /* when the last answer about its row was asked for */
	usec_t mono_usable_from; /* given up: rows that were asked for before do not count */
	bool is_confirmed;       /* the claim that is being read says that it is ours */
	bool is_usable;          /* enabled, and its secret opens */
	bool is_leaving;         /* no claims; released when nothing is in hand */
	bool is_claiming;
	bool is_burying; /* its dead letters are being made: nothing is claimed meanwhile */
	bool may_have_more;
	bool is_slow; /* it has not answered quickly of late: counted in slow_in_flight */
	struct list waiting;
	int in_flight;
	int claimed; /* in the claim that is being read */
	int room;    /* of that claim */
	int items;   /* waiting, on the wire, being recorded or given back */
	struct owed owed;
	/* Claims ask for what fell due from here on; everything before is in hand or done, but for what
	 * a long transaction committed late or what was given back: a look of the finder asks from the
	 * beginning again. Wall clock of Postgres. */
	usec_t since;
	usec_t mono_from_start_at;
	int streak, proven;
	int window; /* items to hold */
	int sent_in_period;
	usec_t mono_gate_until, mono_period_at, mono_used_at;
	/* What the next record tells Postgres. */
	bool told_failing, is_dirty, succeeded, failed;
	const char *disable_reason; /* NULL, "gone" or "failing" */
	usec_t failing_since;       /* wall clock of Postgres; USEC_NEVER = it is not */
	int told_streak;
	usec_t gate_us, mono_success_told_at;
};

struct endpoints {
	struct map by_id;
	struct map items; /* by delivery id */
	struct list hot;  /* those that may have due deliveries, and room for them */
	struct list used;
	struct list leaving;
	int slow_in_flight, slow_items;
};

void endpoints_init(struct endpoints *es);
void endpoints_deinit(struct app *app);

struct endpoint *endpoint_find(const struct app *app, struct uuid id);
/* Up to that sequence of its workspace others may have sent to it. */
struct endpoint *endpoint_adopt(struct app *app, struct uuid workspace_id, struct uuid id,
				int64_t last_sequence);
/* Takes over what Postgres said of it when it was asked at that moment. */
void endpoint_learn(struct app *app, struct endpoint *ep, const struct sender_endpoints_row *row,
		    usec_t mono_asked_at);
/* It may have due deliveries: the next claim asks for it. */
void endpoint_heat(struct app *app, struct endpoint *ep);
/* The same, and once a second the claim asks from the beginning. */
void endpoint_heat_all(struct app *app, struct endpoint *ep);
/* It is not, or should not stay, this sender's: no more claims, what waits is given back, and once
 * nothing is in hand it is released. */
void endpoint_leave(struct app *app, struct endpoint *ep);
/* Gives back what waits for it. */
void endpoint_give_back(struct app *app, struct endpoint *ep);
void endpoint_free(struct app *app, struct endpoint *ep); /* without items */

/* Requests at a time it may have now. */
int endpoint_parallel(const struct endpoint *ep);
/* Deliveries it should claim now; 0 when it should not. */
int endpoint_room(const struct app *app, const struct endpoint *ep);
void endpoint_set_slow(struct app *app, struct endpoint *ep, bool is_slow);
/* Folds a verdict into its state and notes what Postgres should be told. */
void endpoint_judge(struct app *app, struct endpoint *ep, const struct delivery_verdict *v,
		    usec_t duration_us);

struct item *item_find(const struct app *app, struct uuid delivery_id);
struct item *item_new(struct app *app, struct endpoint *ep, struct uuid delivery_id);
/* The item goes back unsent: the recorder has it after this, or it is forgotten. */
void item_give_back(struct app *app, struct item *it);
/* Forgets the item; its endpoint may claim more by that, or be released. */
void item_free(struct app *app, struct item *it);

#endif
