/* Static files with the headers that keep a page to itself: no script, style or connection but this
 * origin's, nothing inline, no frame around it. */
#include "dashboard.h"

#include <stdio.h>
#include <string.h>

#include "base/embed.h"

#define TAG_SIZE 32
#define FOR_EVER "public, max-age=31536000, immutable"

static const char policy[] =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

static const struct web_file *find(struct str path)
{
	for (const struct web_file *f = web_files; f->path != NULL; f++) {
		if (str_eq(path, str_from(f->path)))
			return f;
	}
	return NULL;
}

/* The file below the base; NULL for another build's, too: a page of before asks for its own files. */
static const struct web_file *find_asset(struct str path)
{
	struct str base = str_from(web_base);
	if (!str_starts(path, base) || path.n == base.n || path.p[base.n] != '/')
		return NULL;
	return find((struct str){ path.p + base.n + 1, path.n - base.n - 1 });
}

/* Whether the list names the word, without the weight 0 that would forbid it. */
static bool accepts(struct str list, struct str word)
{
	bool more = list.p != NULL;
	while (more) {
		struct str item, name, weight;
		more = str_split(list, ',', &item, &list);
		bool has_weight = str_split(item, ';', &name, &weight);
		if (str_eq_nocase(str_trim(name), word))
			return !has_weight || !str_starts(str_trim(weight), STR("q=0")) ||
			       str_starts(str_trim(weight), STR("q=0."));
	}
	return false;
}

static bool has_tag(struct str list, struct str tag)
{
	bool more = list.p != NULL;
	while (more) {
		struct str item;
		more = str_split(list, ',', &item, &list);
		item = str_trim(item);
		if (str_starts(item, STR("W/")))
			item = (struct str){ item.p + 2, item.n - 2 };
		if (str_eq(item, tag) || str_eq(item, STR("*")))
			return true;
	}
	return false;
}

static void put_headers(struct req *r, bool is_page)
{
	http_reply_header(r->http, "Vary", "Accept-Encoding");
	http_reply_header(r->http, "Referrer-Policy", "no-referrer");
	http_reply_header(r->http, "Cross-Origin-Resource-Policy", "same-origin");
	if (!is_page)
		return;
	http_reply_header(r->http, "Content-Security-Policy", policy);
	http_reply_header(r->http, "Cross-Origin-Opener-Policy", "same-origin");
}

static void give(struct req *r, const struct web_file *f, bool is_page)
{
	const char *keep = is_page ? "no-cache" : FOR_EVER;
	bool is_packed = f->gzip.n > 0 &&
			 accepts(http_request_header(r->http, "Accept-Encoding"), STR("gzip"));
	char tag[TAG_SIZE];
	(void)snprintf(tag, sizeof(tag), "\"%s%s\"", f->tag, is_packed ? "-gz" : ""); /* 21 */
	http_reply_header(r->http, "ETag", tag);
	put_headers(r, is_page);
	if (has_tag(http_request_header(r->http, "If-None-Match"), str_from(tag))) {
		req_reply_public(r, NULL, STR_NONE, keep);
		return;
	}
	if (is_packed)
		http_reply_header(r->http, "Content-Encoding", "gzip");
	req_reply_public(r, f->type, is_packed ? f->gzip : f->text, keep);
}

bool dashboard_serve(struct req *r)
{
	enum http_method method = http_request_method(r->http);
	struct str path = http_request_path(r->http);
	bool is_page = str_eq(path, STR("/"));
	const struct web_file *f = is_page ? find(STR("index.html")) : find_asset(path);
	if (f == NULL)
		return false;
	if (method == HTTP_GET || method == HTTP_HEAD) {
		give(r, f, is_page);
		return true;
	}
	http_reply_header(r->http, "Allow", "GET, HEAD");
	req_fail(r, PROBLEM_METHOD_NOT_ALLOWED, "This path does not take this method; see Allow.");
	return true;
}
