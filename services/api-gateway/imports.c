/* POST /v1/campaigns/{id}/imports: a file that comes in. Pieces of the body become rows, rows become
 * blocks, a block is one unit in Postgres; the next piece is asked for only while no full block
 * waits, so that a database that is slower than the client slows the client down.
 *
 *   check the campaign ──► header ──► create the import ──► blocks … ──► 202, importer.h goes on
 *
 * Whatever ends it before that (the client goes, the file is no CSV) fails the import, and nothing
 * of it becomes a target. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "base/mem.h"
#include "handlers.h"
#include "idempotency.h"
#include "import_render.h"
#include "import_rows.h"
#include "importer.h"
#include "sys/log.h"
#include "sys/random.h"
#include "transfers.h"

#define FLUSH_US (5 * USEC_PER_SEC)

struct upload {
	struct req *r;
	struct importer *m;
	struct list_node node;
	struct import_key key;
	struct csv *csv;
	struct import_rows *rows;
	struct str region;
	bool has_header, is_created, has_ended;
	bool is_asking;       /* for a piece */
	struct pg_unit *unit; /* on the wire */
	int64_t n_blocks, bytes;
	usec_t created_at, mono_stored;
	/* Set once, when it must end without a 202. */
	bool is_over;
	enum problem_code code;
	const char *detail, *reason;
	bool is_answered; /* by somebody else */
};

static void go_on(struct upload *u);

/* --- the end --------------------------------------------------------------------------------- */

static void upload_free(struct upload *u)
{
	list_remove(&u->m->uploads, &u->node);
	csv_free(u->csv);
	import_rows_free(u->rows);
	free(u);
}

/* The first reason counts. */
static void over(struct upload *u, enum problem_code code, const char *detail, const char *reason)
{
	if (u->is_over)
		return;
	u->is_over = true;
	u->code = code;
	u->detail = detail;
	u->reason = reason;
}

static void answer_over(struct upload *u)
{
	struct req *r = u->r;
	enum problem_code code = u->code;
	const char *detail = u->detail;
	bool is_answered = u->is_answered;
	upload_free(u);
	if (is_answered)
		return;
	if (code == PROBLEM_VALIDATION_ERROR) {
		req_fault(r, "", NULL, "validation_error", detail);
		req_fail_validation(r);
	} else {
		req_fail(r, code, detail);
	}
}

static void on_given_up(struct err e, const struct pg_unit *unit, void *arg)
{
	struct upload *u = arg;
	(void)unit;
	u->unit = NULL;
	if (is_err(e))
		log_warn("import_not_failed", LERR(e)); /* it falls silent, and is adopted */
	answer_over(u);
}

static bool submit(struct upload *u, struct pg_pool *pool, struct pg_unit *unit, pg_done_fn fn)
{
	struct err e = pg_submit(pool, unit, fn, u);
	if (is_err(e)) {
		over(u, PROBLEM_OVERLOADED, "Too many requests wait for the database.", "internal");
		return false;
	}
	u->unit = unit;
	return true;
}

static void give_up(struct upload *u)
{
	if (!u->is_created) {
		answer_over(u);
		return;
	}
	struct pg_unit *unit = pg_unit_new();
	add_api_import_fail(unit,
			    &(struct api_import_fail_args){ .workspace_id = u->key.workspace_id,
							    .import_id = u->key.id,
							    .owner = u->m->owner,
							    .reason = str_from(u->reason) });
	if (!submit(u, u->m->app->bulk, unit, on_given_up))
		answer_over(u);
}

static void on_gone(void *arg)
{
	struct upload *u = arg;
	if (u->has_ended)
		return; /* the file is in: perhaps the client only sends no more */
	u->is_asking = false;
	over(u, PROBLEM_REQUEST_TIMEOUT, "The client went.", "interrupted");
	go_on(u);
}

/* --- units ----------------------------------------------------------------------------------- */

/* What a failed unit of an upload means to the client. */
static void over_by_unit(struct upload *u, struct err e, const struct pg_unit *unit)
{
	log_warn("unit_failed", LS("request_id", u->r->request_id), LERR(e),
		 LS("sqlstate", pg_unit_sqlstate(unit)), LS("message", pg_unit_message(unit)));
	over(u, PROBLEM_UNAVAILABLE,
	     "The database could not take this in. Nothing was imported: send the file again.",
	     "internal");
}

static void on_stored(struct err e, const struct pg_unit *unit, void *arg)
{
	struct upload *u = arg;
	u->unit = NULL;
	if (is_err(e))
		over_by_unit(u, e, unit);
	else if (pg_result_rows(pg_unit_result(unit, 0)) == 0)
		over(u, PROBLEM_NOT_FOUND, "The campaign was deleted, or the import given up.",
		     "interrupted");
	go_on(u);
}

static void store_block(struct upload *u)
{
	struct import_block b = import_rows_block(u->rows);
	struct pg_unit *unit = pg_unit_new();
	add_api_import_block(
		unit, &(struct api_import_block_args){ .workspace_id = u->key.workspace_id,
						       .import_id = u->key.id,
						       .owner = u->m->owner,
						       .n = ++u->n_blocks,
						       .to_numbers = { b.to_numbers, b.n },
						       .names = { b.names, b.n },
						       .external_ids = { b.external_ids, b.n },
						       .timezones = { b.timezones, b.n },
						       .variables = { b.variables, b.n },
						       .lines = b.lines,
						       .received = import_rows_received(u->rows),
						       .rejected = import_rows_rejected(u->rows),
						       .bytes = u->bytes });
	import_rows_reset(u->rows); /* the unit has copies */
	u->mono_stored = loop_mono(u->m->app->loop);
	if (!submit(u, u->m->app->bulk, unit, on_stored))
		go_on(u);
}

static void on_created(struct err e, const struct pg_unit *unit, void *arg)
{
	struct upload *u = arg;
	u->unit = NULL;
	if (is_err(e)) {
		over_by_unit(u, e, unit);
	} else if (pg_result_rows(pg_unit_result(unit, 1)) == 0) {
		over(u, PROBLEM_INVALID_STATE_TRANSITION, "The campaign takes no more targets.",
		     "interrupted");
	} else {
		u->is_created = true;
		u->mono_stored = loop_mono(u->m->app->loop);
	}
	go_on(u);
}

static void create(struct upload *u)
{
	struct req *r = u->r;
	struct pg_unit *unit = req_read(r);
	req_makes(r, ID_IMPORT, u->key.id);
	add_api_campaign_lock_append(
		unit, &(struct api_campaign_lock_append_args){ .workspace_id = u->key.workspace_id,
							       .campaign_id = u->key.campaign_id });
	add_api_import_create(unit,
			      &(struct api_import_create_args){ .workspace_id = u->key.workspace_id,
								.campaign_id = u->key.campaign_id,
								.import_id = u->key.id,
								.owner = u->m->owner,
								.default_region = u->region,
								.at = u->created_at });
	audit_add(r);
	r->unit = NULL;
	if (!submit(u, r->app->pg, unit, on_created))
		go_on(u);
}

/* --- 202 ------------------------------------------------------------------------------------- */

static void on_sealed(struct err e, const struct pg_unit *unit, void *arg)
{
	struct upload *u = arg;
	struct req *r = u->r;
	char text[ID_TEXT_SIZE], location[64];
	u->unit = NULL;
	if (is_err(e)) {
		/* what the other request under this key did, idempotency.c finds out and answers */
		u->is_answered = r->has_guard && idempotency_lost(r, unit);
		if (u->is_answered)
			http_request_on_gone(r->http, NULL, NULL); /* the request outlives this */
		over_by_unit(u, e, unit);
		go_on(u);
		return;
	}
	(void)snprintf(location, sizeof(location), "/v1/imports/%s",
		       id_format(ID_IMPORT, u->key.id, text)); /* it fits */
	http_reply_header(r->http, "Location", location);
	importer_apply(u->m, &u->key);
	upload_free(u);
	req_reply_json(r, 202);
}

static void seal(struct upload *u)
{
	struct req *r = u->r;
	struct json_out j;
	usec_t now = loop_now(r->app->loop) + pg_pool_clock_correction(r->app->pg);
	struct api_import_get_row row = {
		.id = u->key.id,
		.campaign_id = u->key.campaign_id,
		.status = STR("running"),
		.received = import_rows_received(u->rows),
		.rejected = import_rows_rejected(u->rows),
		.bytes = u->bytes,
		.default_region = u->region,
		.created_at = u->created_at,
		.updated_at = now,
		.uploaded_at = now,
		.completed_at = USEC_NEVER,
	};
	req_json(r, &j);
	import_render(&j, &row);
	struct pg_unit *unit = req_effect(r);
	add_api_import_uploaded(
		unit, &(struct api_import_uploaded_args){ .workspace_id = u->key.workspace_id,
							  .import_id = u->key.id,
							  .owner = u->m->owner,
							  .received = row.received,
							  .rejected = row.rejected,
							  .bytes = u->bytes,
							  .at = now });
	req_effect_keep(r, 202, false);
	audit_add(r);
	r->unit = NULL;
	if (!submit(u, r->app->pg, unit, on_sealed))
		go_on(u);
}

/* --- the body -------------------------------------------------------------------------------- */

static void take_row(struct upload *u, const struct csv_row *row)
{
	if (row->fault == CSV_NO_END) {
		over(u, PROBLEM_VALIDATION_ERROR,
		     "The file ends inside quotes: an opening quote is never closed. Nothing was "
		     "imported.",
		     "malformed_csv");
	} else if (u->has_header) {
		import_rows_take(u->rows, row);
	} else {
		const char *wrong = import_rows_take_header(u->rows, row);
		u->has_header = true;
		if (wrong != NULL)
			over(u, PROBLEM_VALIDATION_ERROR, wrong, "malformed_csv");
	}
}

static void take_piece(struct upload *u, struct str data)
{
	struct csv_row row;
	size_t used;
	u->bytes += (int64_t)data.n;
	while (data.n > 0 && !u->is_over) {
		if (csv_next(u->csv, data, &used, &row))
			take_row(u, &row);
		data.p += used;
		data.n -= used;
	}
}

static void take_end(struct upload *u)
{
	struct csv_row row;
	u->has_ended = true;
	if (csv_end(u->csv, &row))
		take_row(u, &row);
	if (!u->has_header)
		over(u, PROBLEM_VALIDATION_ERROR, "The file has no header row.", "malformed_csv");
}

static void on_piece(struct http_request *http, const struct http_body *b, void *arg)
{
	struct upload *u = arg;
	(void)http;
	u->is_asking = false;
	switch (b->event) {
	case HTTP_BODY_DATA:
		take_piece(u, b->data);
		break;
	case HTTP_BODY_END:
		take_end(u);
		break;
	case HTTP_BODY_FAILED:
		over(u, problem_from_name(b->code, PROBLEM_MALFORMED_REQUEST), b->detail,
		     b->status == 408 ? "interrupted" : b->code);
		break;
	case HTTP_BODY_EVENT_COUNT:
		break;
	}
	go_on(u);
}

/* The next thing to be done, if nothing is being waited for. */
static void go_on(struct upload *u)
{
	bool is_waiting = u->unit != NULL;
	if (u->is_over) {
		if (!is_waiting && !u->is_asking)
			give_up(u);
		return;
	}
	if (u->has_header && !is_waiting) {
		struct import_block b = import_rows_block(u->rows);
		bool has_rows = b.n > 0 || b.lines.n > 0;
		if (!u->is_created) {
			create(u);
			return;
		}
		if (import_rows_is_full(u->rows) || (u->has_ended && has_rows)) {
			store_block(u);
		} else if (u->has_ended) {
			seal(u);
			return;
		}
	}
	if (!u->has_ended && !u->is_asking && !u->is_over && !import_rows_is_full(u->rows)) {
		u->is_asking = true;
		http_body_read(u->r->http, on_piece, u);
	}
}

void imports_upload_tick(struct list_node *node)
{
	struct upload *u = CONTAINER_OF(node, struct upload, node);
	usec_t since = loop_mono(u->m->app->loop) - u->mono_stored;
	if (u->is_created && u->unit == NULL && !u->is_over && since >= FLUSH_US)
		store_block(u);
}

void imports_upload_drop(struct list_node *node)
{
	struct upload *u = CONTAINER_OF(node, struct upload, node);
	struct req *r = u->r;
	if (u->unit != NULL)
		pg_cancel(u->unit);
	upload_free(u);
	req_fail(r, PROBLEM_UNAVAILABLE, "The server is going down.");
}

/* --- the beginning --------------------------------------------------------------------------- */

static void begin(struct req *r)
{
	struct importer *m = r->app->importer;
	struct upload *u = xcalloc(1, sizeof(*u));
	u->r = r;
	u->m = m;
	u->key = (struct import_key){ r->who.workspace_id, random_id(r->now), r->ids[0] };
	u->created_at = r->now;
	u->region = http_request_query(r->http, "default_region");
	u->csv = csv_new(
		(struct csv_limits){ IMPORT_FIELD_MAX, IMPORT_ROW_MAX, IMPORT_COLUMNS_MAX });
	u->rows = import_rows_new(r->app->zones, region_find(u->region));
	list_push_back(&m->uploads, &u->node);
	http_request_on_gone(r->http, on_gone, u);
	if (http_request_is_gone(r->http)) {
		on_gone(u);
	} else if (!http_request_is_streamed(r->http)) {
		take_end(u); /* there is no body */
		go_on(u);
	} else {
		go_on(u);
	}
}

static void on_checked(struct req *r, const struct pg_unit *u)
{
	struct api_campaign_lock_append_row was;
	const struct pg_result *found = req_result(r, u, 0);
	if (pg_result_rows(found) == 0) {
		req_not_found(r);
		return;
	}
	get_api_campaign_lock_append(found, 0, &was);
	if (!str_eq(was.kind, STR("bulk")))
		req_fail(r, PROBLEM_CAMPAIGN_IMMUTABLE, "A recurring campaign takes no targets.");
	else if (str_eq(was.status, STR("completed")) || str_eq(was.status, STR("cancelled")))
		campaigns_fail_state(r, was.status, "The campaign takes no more targets.");
	else if (r->app->importer->uploads.n >= UPLOADS_MAX)
		req_fail(r, PROBLEM_OVERLOADED, "Too many imports come in at this time.");
	else
		begin(r);
}

void imports_create(struct req *r)
{
	struct str region = http_request_query(r->http, "default_region");
	if (region.p != NULL && region_find(region) == NULL)
		req_query_fault(r, "default_region",
				"must be the ISO 3166 code of a region that is known, such as US");
	if (req_has_faults(r)) {
		req_fail_validation(r);
		return;
	}
	add_api_campaign_lock_append(req_read(r), &(struct api_campaign_lock_append_args){
							  .workspace_id = r->who.workspace_id,
							  .campaign_id = r->ids[0] });
	req_submit(r, on_checked);
}
