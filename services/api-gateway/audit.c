/* Who did what to which object. Where the object is made, or the route says that its effect shows
 * elsewhere, a commit is the change; else the statement looks whether this transaction has touched
 * the object's row, so that a refused or repeated request leaves no line. */
#include "audit.h"

#include <string.h>

#include "handlers.h"
#include "page.h"
#include "route.h"
#include "sys/random.h"

struct subject {
	enum id_kind kind;
	struct uuid id;
};

/* The last id of the path; the workspace's where there is none. */
static struct subject find_subject(const struct req *r)
{
	struct subject s = { ID_WORKSPACE, r->who.workspace_id };
	size_t n = 0;
	if (!uuid_is_nil(r->made_id))
		return (struct subject){ r->made_kind, r->made_id };
	for (const char *p = r->route->pattern; (p = strchr(p, '{')) != NULL; p++) {
		struct str prefix = { p + 1, strcspn(p + 1, "}") };
		s.id = r->ids[n++];
		for (unsigned k = 0; k < ID_KIND_COUNT; k++) {
			if (str_eq(prefix, str_from(id_prefix((enum id_kind)k))))
				s.kind = (enum id_kind)k;
		}
	}
	return s;
}

void audit_add(struct req *r)
{
	char text[ID_TEXT_SIZE];
	if (r->route->action == NULL || pg_unit_writes(r->unit) <= r->n_kept)
		return;
	if (uuid_is_nil(r->audit_id))
		r->audit_id = random_id(r->now);
	struct subject s = find_subject(r);
	struct api_audit_add_changed_args line = {
		.workspace_id = r->who.workspace_id,
		.id = r->audit_id,
		.key_id = r->who.key_id,
		.action = str_from(r->route->action),
		.subject = str_from(id_format(s.kind, s.id, text)),
		.request_id = str_from(r->request_id),
		.kind = str_from(id_prefix(s.kind)),
		.subject_id = s.id,
	};
	if (uuid_is_nil(r->made_id) && !r->route->changes_others)
		add_api_audit_add_changed(r->unit, &line);
	else
		add_api_audit_add(r->unit,
				  &(struct api_audit_add_args){ .workspace_id = line.workspace_id,
								.id = line.id,
								.key_id = line.key_id,
								.action = line.action,
								.subject = line.subject,
								.request_id = line.request_id });
}

/* --- GET /v1/audit -------------------------------------------------------------------------- */

static void on_listed(struct req *r, const struct pg_unit *u)
{
	struct page *page = r->state;
	struct api_audit_list_row row = { .id = UUID_NIL };
	const struct pg_result *rows = req_result(r, u, 0);
	page_open(r, page, rows);
	for (size_t i = 0; i < page->shown; i++) {
		struct json_out *j = &page->j;
		get_api_audit_list(rows, i, &row);
		json_object_begin(j);
		json_kv_id(j, "id", ID_AUDIT, row.id);
		json_kv_time(j, "at", row.at);
		json_kv_str(j, "action", row.action);
		json_kv_str(j, "subject", row.subject);
		json_kv_id(j, "key_id", ID_KEY, row.key_id);
		json_kv_str(j, "request_id", row.request_id);
		json_object_end(j);
	}
	page_reply(r, page, row.id);
}

void audit_list(struct req *r)
{
	struct page *page = arena_alloc(r->arena, sizeof(*page));
	struct uuid key_id = UUID_NIL;
	struct str key = http_request_query(r->http, "key_id");
	struct str action = req_query_text(r, "action", 1);
	struct str subject = req_query_text(r, "subject", 1);
	if (key.p != NULL && is_err(id_parse(ID_KEY, key, &key_id)))
		req_query_fault(r, "key_id", "must be a key's id");
	r->state = page;
	if (!page_begin(r, page))
		return;
	add_api_audit_list(req_read(r),
			   &(struct api_audit_list_args){ .workspace_id = r->who.workspace_id,
							  .before = page->before,
							  .action = action,
							  .key_id = key_id,
							  .subject = subject,
							  .most = page->limit + 1 });
	req_submit(r, on_listed);
}
