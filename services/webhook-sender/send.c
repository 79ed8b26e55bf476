/* From a waiting item to a request on the wire and its verdict. */
#include "send.h"

#include <stdio.h>
#include <stdlib.h>

#include "app.h"
#include "base/mem.h"
#include "domain/url_policy.h"
#include "measure.h"
#include "sys/clock.h"
#include "sys/log.h"
#include "sys/random.h"

#define SIGNATURE_MAX 256 /* two of them, with a blank */
#define SLOW_IN_FLIGHT_MAX (APP_IN_FLIGHT_MAX / 2)

/* What http_post borrows until it is done. */
struct send_request {
	struct app *app;
	struct item *item;
	char *url;
	char webhook_id[ID_TEXT_SIZE], delivery_id[ID_TEXT_SIZE];
	char timestamp[24], attempt[8];
	struct strbuf signature;
	char traceparent[TRACEPARENT_SIZE];
	struct http_header headers[9];
	size_t n_headers;
};

static void run(void *arg);

void send_init(struct send *s)
{
	list_init(&s->quick);
	list_init(&s->slow);
}

void send_soon(struct app *app)
{
	if (app->is_closed || app->send.is_deferred)
		return;
	app->send.is_deferred = true;
	loop_defer(app->loop, run, app);
}

void send_unready(struct app *app, struct endpoint *ep)
{
	list_remove(ep->is_slow ? &app->send.slow : &app->send.quick, &ep->ready_node);
}

static bool can_send(const struct app *app, const struct endpoint *ep)
{
	return !list_is_empty(&ep->waiting) && ep->in_flight < endpoint_parallel(ep) &&
	       loop_mono(app->loop) >= ep->mono_gate_until && refresh_is_fresh(app, ep);
}

void send_ready(struct app *app, struct endpoint *ep)
{
	if (!can_send(app, ep)) {
		send_unready(app, ep);
		return;
	}
	if (!list_node_is_linked(&ep->ready_node))
		list_push_back(ep->is_slow ? &app->send.slow : &app->send.quick, &ep->ready_node);
	send_soon(app);
}

/* --- the answer ----------------------------------------------------------------------------- */

static enum delivery_answer answer_of(enum http_outcome o)
{
	switch (o) {
	case HTTP_OUT_RESPONSE:
		return DELIVERY_ANSWERED;
	case HTTP_OUT_TIMEOUT:
		return DELIVERY_TIMEOUT;
	case HTTP_OUT_DNS:
	case HTTP_OUT_CONNECT:
	case HTTP_OUT_TLS:
		return DELIVERY_NOT_CONNECTED;
	case HTTP_OUT_BLOCKED_IP:
		return DELIVERY_BLOCKED;
	case HTTP_OUT_RESET:
	case HTTP_OUT_BAD_RESPONSE:
	case HTTP_OUTCOME_COUNT:
		break;
	}
	return DELIVERY_BROKEN;
}

/* Judges the attempt and hands the item to the recorder. */
static void conclude(struct app *app, struct item *it, const struct delivery_facts *f,
		     const char *word)
{
	struct endpoint *ep = it->endpoint;
	struct delivery_verdict v =
		delivery_judge(&app->settings.schedule, f, loop_now(app->loop), random_unit());

	it->word = word;
	it->status = f->answer == DELIVERY_ANSWERED ? f->status : 0;
	it->duration_us = f->duration_us;
	it->delay_us = v.delay_us;
	it->reason = v.reason;
	switch (v.next) {
	case DELIVERY_DELIVERED:
		it->result = ITEM_DELIVERED;
		break;
	case DELIVERY_RETRY:
		/* Somebody waits for a test's answer; another attempt hours later would test nothing. */
		it->result = it->is_test ? ITEM_DEAD : ITEM_RETRY;
		if (it->is_test)
			it->reason = "test_failed";
		break;
	case DELIVERY_DEAD:
	case DELIVERY_NEXT_COUNT:
		it->result = ITEM_DEAD;
		break;
	}
	endpoint_judge(app, ep, &v, f->duration_us);
	record_add(app, it);
	send_ready(app, ep);
}

void send_request_free(struct send_request *r)
{
	if (r == NULL)
		return;
	strbuf_deinit(&r->signature);
	free(r->url);
	free(r);
}

static void on_answer(const struct http_answer *a, void *arg)
{
	struct send_request *r = arg;
	struct app *app = r->app;
	struct item *it = r->item;
	struct endpoint *ep = it->endpoint;
	struct delivery_facts f = {
		.number = it->attempt,
		.answer = answer_of(a->outcome),
		.status = a->status,
		.retry_after = a->retry_after,
		.duration_us = a->duration_us,
	};
	bool is_2xx = a->outcome == HTTP_OUT_RESPONSE && a->status >= 200 && a->status <= 299;
	const char *word = http_outcome_name(a->outcome);
	char trace[TRACE_TEXT_SIZE];

	if (a->outcome == HTTP_OUT_RESPONSE)
		word = is_2xx ? "delivered" : "http_error";
	strbuf_add(&it->excerpt, a->excerpt);
	ep->in_flight--;
	if (ep->is_slow)
		app->endpoints.slow_in_flight--;
	send_request_free(r);
	it->request = NULL;
	measure_request(app, a->duration_us);
	log_debug("webhook_sent", LID("delivery", ID_DELIVERY, it->id), LI("attempt", it->attempt),
		  LS("result", word), LS("trace", trace_text(it->trace.id, trace)),
		  LS("tracestate", it->tracestate));
	conclude(app, it, &f, word);
	send_soon(app);
}

/* --- the request ---------------------------------------------------------------------------- */

static void sign(struct app *app, const struct endpoint *ep, const struct item *it,
		 struct send_request *r)
{
	/* By the database's clock: with a host's that is wrong, receivers would take it for a replay. */
	usec_t now = clock_now() + pg_pool_clock_correction(app->pg);
	struct str id = str_from(r->webhook_id);
	struct str body = strbuf_str(&it->body);
	int64_t seconds = now / USEC_PER_SEC;

	(void)snprintf(r->timestamp, sizeof(r->timestamp), "%" PRId64, seconds); /* fits */
	webhook_sign((struct str){ (const char *)ep->key.b, ep->key.n }, id, seconds, body,
		     &r->signature);
	if (ep->key_old.n > 0 && now < ep->old_until) {
		strbuf_add_c(&r->signature, ' ');
		webhook_sign((struct str){ (const char *)ep->key_old.b, ep->key_old.n }, id,
			     seconds, body, &r->signature);
	}
}

static struct send_request *request_new(struct app *app, const struct endpoint *ep, struct item *it)
{
	struct send_request *r = xcalloc(1, sizeof(*r));

	r->app = app;
	r->item = it;
	r->url = xstrdup(ep->url);
	strbuf_init(&r->signature, SIGNATURE_MAX);
	(void)id_format(ID_EVENT, it->event_id, r->webhook_id);
	(void)id_format(ID_DELIVERY, it->id, r->delivery_id);
	(void)snprintf(r->attempt, sizeof(r->attempt), "%d", it->attempt); /* fits */
	sign(app, ep, it, r);
	r->headers[0] = (struct http_header){ "content-type", STR("application/json") };
	r->headers[1] = (struct http_header){ "user-agent", STR("Belfry-Webhooks/1") };
	r->headers[2] = (struct http_header){ "webhook-id", str_from(r->webhook_id) };
	r->headers[3] = (struct http_header){ "webhook-timestamp", str_from(r->timestamp) };
	r->headers[4] = (struct http_header){ "webhook-signature", strbuf_str(&r->signature) };
	r->headers[5] = (struct http_header){ "belfry-delivery", str_from(r->delivery_id) };
	r->headers[6] = (struct http_header){ "belfry-attempt", str_from(r->attempt) };
	r->headers[7] =
		(struct http_header){ "traceparent",
				      str_from(trace_format(it->trace, it->id, r->traceparent)) };
	r->n_headers = 8;
	if (it->tracestate != NULL)
		r->headers[r->n_headers++] =
			(struct http_header){ "tracestate", str_from(it->tracestate) };
	return r;
}

/* What cannot be sent by its form fails like a denied address: no packet left. */
static void refuse(struct app *app, struct item *it, const char *word)
{
	struct delivery_facts f = { .number = it->attempt, .answer = DELIVERY_BLOCKED };

	conclude(app, it, &f, word);
}

static void send_item(struct app *app, struct endpoint *ep, struct item *it)
{
	struct url_parts parts;
	struct send_request *r;

	it->mono_started_at = clock_mono();
	/* What a range owes is this sender's as long as the endpoint is. */
	if (it->range != NULL)
		it->mono_lease_until = it->mono_started_at + APP_ITEM_LEASE_US;
	if (it->mono_started_at + APP_SEND_MARGIN_US > it->mono_lease_until) {
		item_give_back(app, it);
		return;
	}
	if (is_err(url_policy_check(str_from(ep->url), app->settings.allow_http, &parts))) {
		refuse(app, it, "blocked_url");
		return;
	}
	r = request_new(app, ep, it);
	if (is_err(http_post(app->http,
			     &(struct http_post){ .url = r->url,
						  .headers = r->headers,
						  .n_headers = r->n_headers,
						  .body = strbuf_str(&it->body) },
			     on_answer, r))) {
		send_request_free(r);
		refuse(app, it, "blocked_url");
		return;
	}
	it->request = r;
	measure_send(app, it);
	ep->in_flight++;
	if (ep->is_slow)
		app->endpoints.slow_in_flight++;
}

/* The endpoint whose turn it is: quick and slow ones alternate while both may send. */
static struct endpoint *next_endpoint(struct app *app)
{
	struct send *s = &app->send;
	bool may_slow =
		!list_is_empty(&s->slow) && app->endpoints.slow_in_flight < SLOW_IN_FLIGHT_MAX;
	bool take_slow = may_slow && (s->is_slow_next || list_is_empty(&s->quick));
	struct list_node *node = list_pop_front(take_slow ? &s->slow : &s->quick);

	s->is_slow_next = !take_slow;
	return node != NULL ? CONTAINER_OF(node, struct endpoint, ready_node) : NULL;
}

static void run(void *arg)
{
	struct app *app = arg;
	struct endpoint *ep;
	struct list_node *node;

	app->send.is_deferred = false;
	/* A sender that lost its lease holds still: another may have what it holds. */
	if (app->is_closed || !registry_is_alive(app))
		return;
	while (http_client_in_flight(app->http) < APP_IN_FLIGHT_MAX &&
	       (ep = next_endpoint(app)) != NULL) {
		/* Its knowledge may have aged in the queue; the next answer queues it again. */
		if (!can_send(app, ep))
			continue;
		node = list_pop_front(&ep->waiting);
		ASSERT(node != NULL);
		send_item(app, ep, CONTAINER_OF(node, struct item, node));
		send_ready(app, ep);
	}
}
