/* The unit of an effect begins with the guard (api_idempotency_begin: an advisory lock, or the unit
 * fails) and ends with storing the answer. So of two requests under one key at most one has an
 * effect, and whoever fails looks again: the stored answer is there, or the other is still at it. */
#include "idempotency.h"

#include <string.h>

#include "route.h"
#include "sec/sec.h"
#include "store_gen.h"

#define KEY_MAX 255

static bool is_printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < 0x20 || (unsigned char)s.p[i] > 0x7e)
			return false;
	}
	return true;
}

/* Of a body that its handler reads nobody knows more yet than its length. */
static void hash_request(struct req *r)
{
	struct strbuf b;
	struct str uri = http_request_uri(r->http), body = http_request_body(r->http);
	if (r->route->body == BODY_CSV)
		body = http_request_header(r->http, "Content-Length");
	strbuf_init(&b, uri.n + body.n + 16);
	strbuf_add(&b, str_from(route_method_name(http_request_method(r->http))));
	strbuf_add_c(&b, '\n');
	strbuf_add(&b, uri);
	strbuf_add_c(&b, '\n');
	strbuf_add(&b, body);
	sec_sha256(strbuf_str(&b), r->idem_hash);
	strbuf_deinit(&b);
}

struct str idempotency_identity(struct req *r)
{
	struct strbuf b;
	char ws[ID_TEXT_SIZE];
	strbuf_init(&b, KEY_MAX + ID_TEXT_SIZE + 1);
	strbuf_add(&b, str_from(id_format(ID_WORKSPACE, r->who.workspace_id, ws)));
	strbuf_add_c(&b, ' ');
	strbuf_add(&b, r->idem_key);
	struct str identity = arena_str(r->arena, strbuf_str(&b));
	strbuf_deinit(&b);
	return identity;
}

static struct err open_body(struct req *r, const struct api_idempotency_get_row *row)
{
	strbuf_deinit(&r->out);
	strbuf_init(&r->out, RESPONSE_MAX);
	if (row->is_sealed)
		return secretbox_open(r->app->box, idempotency_identity(r), row->body, &r->out);
	strbuf_add(&r->out, row->body);
	return OK;
}

/* What was made carries the Location of the object in its body. */
static void add_location(struct req *r)
{
	struct json_doc *doc = NULL;
	if (is_err(json_parse(strbuf_str(&r->out),
			      (struct json_limits){ .max_bytes = RESPONSE_MAX, .max_depth = 64 },
			      &doc, NULL)))
		return;
	struct strbuf b;
	strbuf_init(&b, 256);
	strbuf_add(&b, str_from(r->route->made_at != NULL ? r->route->made_at : r->route->pattern));
	strbuf_add_c(&b, '/');
	strbuf_add(&b, json_as_str(json_get(json_doc_root(doc), "id")));
	http_reply_header(r->http, "Location", strbuf_str(&b).p);
	strbuf_deinit(&b);
	json_doc_free(doc);
}

static void replay(struct req *r, const struct api_idempotency_get_row *row)
{
	if (row->request_hash.n != SHA256_SIZE ||
	    !sec_equal(row->request_hash.p, r->idem_hash, SHA256_SIZE)) {
		req_fail(r, PROBLEM_IDEMPOTENCY_KEY_REUSED,
			 "This Idempotency-Key was used for another request.");
		return;
	}
	http_reply_header(r->http, "Idempotent-Replayed", "true");
	if (r->route->replay != NULL) {
		r->route->replay(r);
		return;
	}
	struct err e = open_body(r, row);
	if (is_err(e)) {
		req_fail(r, PROBLEM_INTERNAL, "The stored answer cannot be read.");
		return;
	}
	if (row->status == 201 || r->route->made_at != NULL)
		add_location(r);
	req_reply_json(r, (int)row->status);
}

static bool give_stored(struct req *r, const struct pg_unit *u)
{
	struct api_idempotency_get_row row;
	const struct pg_result *found = pg_unit_result(u, 0);
	if (pg_result_rows(found) == 0)
		return false;
	get_api_idempotency_get(found, 0, &row);
	replay(r, &row);
	return true;
}

static void on_looked(struct req *r, const struct pg_unit *u)
{
	if (give_stored(r, u))
		return;
	r->looked = u;
	r->after_look(r);
}

static void look(struct req *r, req_unit_fn fn)
{
	struct pg_unit *u = req_read(r);
	add_api_idempotency_get(
		u, &(struct api_idempotency_get_args){ .workspace_id = r->who.workspace_id,
						       .key = r->idem_key });
	if (fn == on_looked && r->route->prepare != NULL)
		r->route->prepare(r);
	req_submit(r, fn);
}

static void on_looked_again(struct req *r, const struct pg_unit *u)
{
	if (!give_stored(r, u))
		req_fail(r, PROBLEM_IDEMPOTENCY_IN_PROGRESS,
			 "A request with this Idempotency-Key is still in progress.");
}

void idempotency_check(struct req *r, req_fn next)
{
	struct str key = http_request_header(r->http, "Idempotency-Key");
	if (key.p == NULL && r->route->needs_key) {
		req_fail(r, PROBLEM_IDEMPOTENCY_KEY_REQUIRED,
			 "Send an Idempotency-Key, so that a repeated request makes no second "
			 "call.");
		return;
	}
	if (key.p == NULL || http_request_method(r->http) != HTTP_POST) {
		next(r);
		return;
	}
	if (key.n == 0 || key.n > KEY_MAX || !is_printable(key)) {
		req_fail(r, PROBLEM_MALFORMED_REQUEST,
			 "Idempotency-Key must be 1 to 255 printable ASCII characters.");
		return;
	}
	r->idem_key = arena_str(r->arena, key);
	hash_request(r);
	r->after_look = next;
	look(r, on_looked);
}

bool idempotency_lost(struct req *r, const struct pg_unit *u)
{
	const char *state = pg_unit_sqlstate(u);
	bool was_guard = strcmp(state, "22012") == 0;
	bool was_second = strcmp(state, "23505") == 0 &&
			  strcmp(pg_unit_constraint(u), "idempotency_pkey") == 0;
	if (r->idem_key.p == NULL || !(was_guard || was_second))
		return false;
	look(r, on_looked_again);
	return true;
}
