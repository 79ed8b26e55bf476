/* A job has one unit on the wire at a time. Each unit is a block: locked, inserted, counted, deleted;
 * so whoever carries on begins where the last commit ended. */
#include "importer.h"

#include <string.h>

#include "base/mem.h"
#include "queue/control.h"
#include "store_gen.h"
#include "sys/log.h"
#include "sys/random.h"

#define TICK_US (5 * USEC_PER_SEC)
#define SILENT_S 30 /* six ticks: then its gateway is gone */
#define JOBS_MAX 8

struct job {
	struct importer *m;
	struct list_node node;
	struct import_key key;
	struct pg_unit *unit;
	bool has_told; /* the scheduler knows that there are new targets */
};

static void step(struct job *j);

static void end_job(struct job *j)
{
	list_remove(&j->m->jobs, &j->node);
	free(j);
}

static void log_job(const struct job *j, const char *status)
{
	char import[ID_TEXT_SIZE], ws[ID_TEXT_SIZE];
	log_info("import_applied",
		 LS("workspace", id_format(ID_WORKSPACE, j->key.workspace_id, ws)),
		 LS("import", id_format(ID_IMPORT, j->key.id, import)), LS("status", status));
}

static void tell(struct job *j)
{
	j->has_told = true;
	control_publish(j->m->app->redis,
			&(struct control_msg){ .kind = CONTROL_CAMPAIGN_CHANGED,
					       .workspace_id = j->key.workspace_id,
					       .campaign_id = j->key.campaign_id,
					       .at = loop_now(j->m->app->loop) });
}

static void on_given_up(struct err e, const struct pg_unit *u, void *arg)
{
	(void)e; /* then it is adopted, and given up again */
	(void)u;
	end_job(arg);
}

/* A block that Postgres refuses would be refused for ever. */
static void give_up(struct job *j)
{
	struct pg_unit *u = pg_unit_new();
	add_api_import_fail(u, &(struct api_import_fail_args){ .workspace_id = j->key.workspace_id,
							       .import_id = j->key.id,
							       .owner = j->m->owner,
							       .reason = STR("internal") });
	if (is_err(pg_submit(j->m->app->bulk, u, on_given_up, j)))
		end_job(j);
	else
		j->unit = u;
}

static void on_applied(struct err e, const struct pg_unit *u, void *arg)
{
	struct job *j = arg;
	struct api_import_apply_row row;
	char status[16];
	j->unit = NULL;
	if (is_err(e)) {
		log_warn("import_unit_failed", LERR(e), LS("sqlstate", pg_unit_sqlstate(u)),
			 LS("message", pg_unit_message(u)));
		if (e.code == ERR_INVALID || e.code == ERR_CONFLICT || e.code == ERR_INTERNAL)
			give_up(j);
		else
			end_job(j);
		return;
	}
	const struct pg_result *done = pg_unit_result(u, 1);
	if (pg_result_rows(done) == 0) {
		end_job(j); /* somebody else's by now, or deleted with its campaign */
		return;
	}
	get_api_import_apply(done, 0, &row);
	bool is_over = !str_eq(row.status, STR("running"));
	if (row.is_active && ((row.inserted > 0 && !j->has_told) || is_over))
		tell(j);
	if (!is_over) {
		step(j);
		return;
	}
	memcpy(status, row.status.p, min_size(row.status.n, sizeof(status) - 1));
	status[min_size(row.status.n, sizeof(status) - 1)] = '\0';
	log_job(j, status);
	end_job(j);
}

static void step(struct job *j)
{
	struct pg_unit *u = pg_unit_new();
	add_api_campaign_lock_append(
		u, &(struct api_campaign_lock_append_args){ .workspace_id = j->key.workspace_id,
							    .campaign_id = j->key.campaign_id });
	add_api_import_apply(u,
			     &(struct api_import_apply_args){ .workspace_id = j->key.workspace_id,
							      .import_id = j->key.id,
							      .owner = j->m->owner });
	struct err e = pg_submit(j->m->app->bulk, u, on_applied, j);
	if (is_err(e)) {
		log_warn("import_unit_failed", LERR(e));
		end_job(j);
		return;
	}
	j->unit = u;
}

void importer_apply(struct importer *m, const struct import_key *key)
{
	if (m->jobs.n == JOBS_MAX || loop_is_draining(m->app->loop))
		return;
	struct job *j = xcalloc(1, sizeof(*j));
	j->m = m;
	j->key = *key;
	list_push_back(&m->jobs, &j->node);
	step(j);
}

/* --- imports of gateways that are gone ------------------------------------------------------- */

static void on_adopted(struct err e, const struct pg_unit *u, void *arg)
{
	struct importer *m = arg;
	struct api_import_adopt_row row;
	char text[ID_TEXT_SIZE];
	m->adopting = NULL;
	if (is_err(e) || pg_result_rows(pg_unit_result(u, 0)) == 0)
		return; /* the next tick looks again */
	get_api_import_adopt(pg_unit_result(u, 0), 0, &row);
	log_warn("import_adopted", LS("import", id_format(ID_IMPORT, row.id, text)),
		 LI("is_uploaded", row.is_uploaded));
	if (row.is_uploaded)
		importer_apply(m,
			       &(struct import_key){ row.workspace_id, row.id, row.campaign_id });
	timer_start(m->timer, 0); /* there may be more */
}

static void adopt(struct importer *m)
{
	if (m->adopting != NULL || m->jobs.n == JOBS_MAX || !pg_pool_is_ready(m->app->bulk))
		return;
	struct pg_unit *u = pg_unit_new();
	add_api_import_adopt(
		u, &(struct api_import_adopt_args){ .owner = m->owner, .silent_s = SILENT_S });
	if (!is_err(pg_submit(m->app->bulk, u, on_adopted, m)))
		m->adopting = u;
}

static void on_tick(void *arg)
{
	struct importer *m = arg;
	struct list_node *next = NULL;
	if (loop_is_draining(m->app->loop))
		return;
	timer_start(m->timer, TICK_US);
	for (struct list_node *n = list_first(&m->uploads); n != NULL; n = next) {
		next = list_next(&m->uploads, n);
		imports_upload_tick(n);
	}
	adopt(m);
}

struct importer *importer_new(struct app *app)
{
	struct importer *m = xcalloc(1, sizeof(*m));
	m->app = app;
	m->owner = random_id(loop_now(app->loop));
	list_init(&m->uploads);
	list_init(&m->jobs);
	m->timer = timer_new(app->loop, on_tick, m);
	timer_start(m->timer, TICK_US);
	return m;
}

void importer_free(struct importer *m)
{
	struct list_node *n;
	if (m == NULL)
		return;
	if (m->adopting != NULL)
		pg_cancel(m->adopting);
	while ((n = list_first(&m->uploads)) != NULL)
		imports_upload_drop(n);
	while ((n = list_first(&m->jobs)) != NULL) {
		struct job *j = CONTAINER_OF(n, struct job, node);
		if (j->unit != NULL)
			pg_cancel(j->unit);
		end_job(j);
	}
	timer_free(m->timer);
	free(m);
}
