/* A unit of two statements, the campaigns' lock and the pause, which looks at the credit again. What
 * fails is not tried again: the calls fall due until their campaign is paused, and the next claim
 * comes here. */
#include "credit.h"

#include "base/mem.h"
#include "store_gen.h"
#include "sys/log.h"

#define CAMPAIGNS_MAX 256

struct broke {
	struct uuid workspace_id, campaign_id;
};

struct credit {
	struct app *app;
	struct broke waiting[CAMPAIGNS_MAX], asked[CAMPAIGNS_MAX]; /* asked: on their way */
	size_t n_waiting, n_asked;
	bool pump_is_due;
};

static void pump(void *arg);

struct credit *credit_new(struct app *app)
{
	struct credit *cr = xcalloc(1, sizeof(*cr));
	cr->app = app;
	return cr;
}

void credit_free(struct credit *cr)
{
	free(cr);
}

static void pump_soon(struct credit *cr)
{
	if (cr->pump_is_due || cr->n_asked > 0 || cr->n_waiting == 0 || cr->app->is_closing)
		return;
	cr->pump_is_due = true;
	loop_defer(cr->app->loop, pump, cr);
}

static const struct broke *find(const struct broke *v, size_t n, struct uuid campaign_id)
{
	for (size_t i = 0; i < n; i++)
		if (uuid_eq(v[i].campaign_id, campaign_id))
			return &v[i];
	return NULL;
}

void credit_ran_out(struct credit *cr, struct uuid workspace_id, struct uuid campaign_id)
{
	/* Full: those beyond come again with their next call. */
	if (cr->n_waiting == CAMPAIGNS_MAX ||
	    find(cr->waiting, cr->n_waiting, campaign_id) != NULL ||
	    find(cr->asked, cr->n_asked, campaign_id) != NULL)
		return;
	cr->waiting[cr->n_waiting++] =
		(struct broke){ .workspace_id = workspace_id, .campaign_id = campaign_id };
	pump_soon(cr);
}

/* The other dispatchers need not find out call by call. */
static void tell(struct credit *cr, struct uuid campaign_id)
{
	const struct broke *b = find(cr->asked, cr->n_asked, campaign_id);

	if (b == NULL)
		return;
	log_info("campaign_paused", LID("campaign", ID_CAMPAIGN, campaign_id),
		 LS("reason", "insufficient_credit"));
	control_publish(cr->app->redis, &(struct control_msg){ .kind = CONTROL_CAMPAIGN_HELD,
							       .workspace_id = b->workspace_id,
							       .campaign_id = campaign_id,
							       .at = app_now(cr->app) });
}

static void on_paused(struct err e, const struct pg_unit *u, void *arg)
{
	struct credit *cr = arg;
	int64_t deliveries = 0;

	if (is_err(e)) {
		log_warn("pause_failed", LI("campaigns", cr->n_asked), LERR(e),
			 LS("sqlstate", pg_unit_sqlstate(u)), LS("message", pg_unit_message(u)));
	} else {
		const struct pg_result *r = pg_unit_result(u, 1);
		for (size_t i = 0; i < pg_result_rows(r); i++) {
			struct campaign_hold_row row;
			get_campaign_hold(r, i, &row);
			tell(cr, row.campaign_id);
			deliveries = row.deliveries;
		}
	}
	if (deliveries > 0)
		control_wake_senders(cr->app->redis);
	cr->n_asked = 0;
	pump_soon(cr);
}

static void pump(void *arg)
{
	struct credit *cr = arg;
	struct uuid ids[CAMPAIGNS_MAX];

	cr->pump_is_due = false;
	for (size_t i = 0; i < cr->n_waiting; i++) {
		cr->asked[i] = cr->waiting[i];
		ids[i] = cr->waiting[i].campaign_id;
	}
	cr->n_asked = cr->n_waiting;
	cr->n_waiting = 0;
	struct pg_unit *u = pg_unit_new();
	struct pg_array campaigns = { ids, cr->n_asked };
	add_campaign_lock(u, &(struct campaign_lock_args){ .campaign_ids = campaigns });
	add_campaign_hold(u, &(struct campaign_hold_args){ .campaign_ids = campaigns,
							   .reason = STR("insufficient_credit") });
	struct err e = pg_submit(cr->app->record_pg, u, on_paused, cr);
	if (is_err(e)) {
		log_warn("pause_refused", LERR(e));
		cr->n_asked = 0;
	}
}
