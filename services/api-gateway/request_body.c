/* A request's body as text becomes JSON. */
#include "request.h"

#define BODY_MAX ((size_t)8 * 1024 * 1024)
#define BODY_DEPTH_MAX 32

bool req_content_is(struct req *r, const char *type)
{
	struct str head, rest;
	struct str content_type = http_request_header(r->http, "Content-Type");
	(void)str_split(content_type, ';', &head, &rest); /* parameters do not matter */
	return str_eq_nocase(str_trim(head), str_from(type));
}

bool req_parse(struct req *r, struct str text)
{
	struct err e = json_parse(
		text, (struct json_limits){ .max_bytes = BODY_MAX, .max_depth = BODY_DEPTH_MAX },
		&r->doc, NULL);
	if (!is_err(e)) {
		r->body = json_doc_root(r->doc);
		return true;
	}
	if (e.code == ERR_TOO_LARGE)
		req_fail(r, PROBLEM_PAYLOAD_TOO_LARGE, e.what);
	else if (e.code == ERR_DENIED)
		req_fail(r, PROBLEM_VALIDATION_ERROR, e.what);
	else
		req_fail(r, PROBLEM_MALFORMED_JSON, e.what);
	return false;
}
