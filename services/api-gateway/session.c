/* The cookie, the token made from it, and the three routes. The token is an HMAC of the cookie: it
 * needs no place of its own, and who cannot read the cookie cannot make it. */
#include "session.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "handlers.h"
#include "render.h"
#include "sys/random.h"

#define SECRET_BYTES 32
#define SECRET_CHARS (2 * SECRET_BYTES)
#define COOKIE_MAX 128
#define SESSIONS_PER_KEY_MAX 100

enum origin {
	ORIGIN_FOREIGN = 0, /* another one, none, or one that no cookie may go to */
	ORIGIN_HTTPS,
	ORIGIN_LOCAL,
	ORIGIN_COUNT
};

/* As "name=", for a cookie begins with it. */
static const struct str cookie_names[ORIGIN_COUNT] = {
	[ORIGIN_HTTPS] = { "__Host-belfry_session=", 22 },
	[ORIGIN_LOCAL] = { "belfry_session=", 15 },
};

/* --- where the page is from ----------------------------------------------------------------- */

static bool is_local_host(struct str host)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct str name = str_from(names[i]);
		if (str_starts(host, name) && (host.n == name.n || host.p[name.n] == ':'))
			return true;
	}
	return false;
}

/* The gateway's own origin when the request names it; browsers send one with whatever is not GET. */
static enum origin judge_origin(struct req *r)
{
	struct str origin = http_request_header(r->http, "Origin");
	struct str host = http_request_header(r->http, "Host");
	struct str site = http_request_header(r->http, "Sec-Fetch-Site");
	struct str http = STR("http://"), https = STR("https://");
	if (site.p != NULL && !str_eq(site, STR("same-origin")))
		return ORIGIN_FOREIGN;
	if (str_starts(origin, https) &&
	    str_eq((struct str){ origin.p + https.n, origin.n - https.n }, host))
		return ORIGIN_HTTPS;
	if (str_starts(origin, http) && is_local_host(host) &&
	    str_eq((struct str){ origin.p + http.n, origin.n - http.n }, host))
		return ORIGIN_LOCAL;
	return ORIGIN_FOREIGN;
}

/* --- the cookie ------------------------------------------------------------------------------ */

static bool is_secret(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\0' || strchr("0123456789abcdef", s.p[i]) == NULL)
			return false;
	}
	return s.n == SECRET_CHARS;
}

/* "name=value" of the first cookie of that name, when the value has a session's form. */
static bool find_cookie(struct str header, struct str name, struct str *out)
{
	bool more = header.p != NULL;
	while (more) {
		struct str cookie;
		more = str_split(header, ';', &cookie, &header);
		cookie = str_trim(cookie);
		if (str_starts(cookie, name)) {
			*out = cookie;
			return is_secret((struct str){ cookie.p + name.n, cookie.n - name.n });
		}
	}
	return false;
}

/* The session's cookie and what kind it is. The plain name counts on this machine only: elsewhere
 * whoever can write one into a browser over http could sign its user in as somebody else. */
static enum origin find_session(struct req *r, struct str *cookie)
{
	struct str header = http_request_header(r->http, "Cookie");
	if (find_cookie(header, cookie_names[ORIGIN_HTTPS], cookie))
		return ORIGIN_HTTPS;
	if (is_local_host(http_request_header(r->http, "Host")) &&
	    find_cookie(header, cookie_names[ORIGIN_LOCAL], cookie))
		return ORIGIN_LOCAL;
	return ORIGIN_FOREIGN;
}

bool session_hash(struct req *r, uint8_t out[SHA256_SIZE])
{
	struct str cookie;
	if (find_session(r, &cookie) == ORIGIN_FOREIGN)
		return false;
	auth_hash(r->app->auth, cookie, out);
	return true;
}

/* --- the token ------------------------------------------------------------------------------- */

static void make_token(struct req *r, struct str cookie, char out[2 * SHA256_SIZE + 1])
{
	struct strbuf b;
	uint8_t hash[SHA256_SIZE];
	strbuf_init(&b, 2 * COOKIE_MAX);
	strbuf_add(&b, STR("token "));
	strbuf_add(&b, cookie);
	auth_hash(r->app->auth, strbuf_str(&b), hash);
	strbuf_reset(&b);
	sec_hex_encode(hash, sizeof(hash), &b);
	memcpy(out, b.p, 2 * SHA256_SIZE + 1);
	strbuf_deinit(&b);
}

bool session_is_own(struct req *r)
{
	struct str cookie, given = http_request_header(r->http, "X-Belfry-Token");
	char token[2 * SHA256_SIZE + 1];
	enum origin from = judge_origin(r);
	if (from == ORIGIN_FOREIGN || find_session(r, &cookie) != from ||
	    given.n != 2 * SHA256_SIZE)
		return false;
	make_token(r, cookie, token);
	return sec_equal(given.p, token, given.n);
}

/* --- answers --------------------------------------------------------------------------------- */

static void render_key(struct req *r, struct json_out *j, const struct api_session_get_row *row)
{
	const struct str *scopes = row->scopes.v;
	json_key(j, "key");
	json_object_begin(j);
	json_kv_id(j, "id", ID_KEY, r->who.key_id);
	json_kv_str(j, "name", row->key_name);
	json_kv_str(j, "prefix", row->prefix);
	json_kv_str(j, "last_four", row->last_four);
	json_key(j, "scopes");
	json_array_begin(j);
	for (size_t i = 0; i < row->scopes.n; i++)
		json_str(j, scopes[i]);
	json_array_end(j);
	json_object_end(j);
}

/* The i-th result is of api_session_get; a key without a session has no cookie. */
static void reply(struct req *r, const struct pg_result *found, int status, struct str cookie)
{
	struct json_out j;
	struct api_session_get_row row;
	char token[2 * SHA256_SIZE + 1] = "";
	get_api_session_get(found, 0, &row, r->arena);
	if (cookie.p != NULL)
		make_token(r, cookie, token);
	req_json(r, &j);
	json_object_begin(&j);
	json_kv_id(&j, "id", ID_SESSION, r->who.session_id);
	json_kv_str(&j, "token", cookie.p == NULL ? STR_NONE : str_from(token));
	json_kv_time(&j, "expires_at",
		     cookie.p == NULL ? row.key_expires_at : row.session_expires_at);
	render_key(r, &j, &row);
	json_key(&j, "workspace");
	json_object_begin(&j);
	json_kv_id(&j, "id", ID_WORKSPACE, r->who.workspace_id);
	json_kv_str(&j, "name", row.workspace_name);
	json_kv_str(&j, "timezone", row.timezone);
	json_object_end(&j);
	json_object_end(&j);
	req_reply_json(r, status);
}

static void add_get(struct req *r)
{
	add_api_session_get(r->unit,
			    &(struct api_session_get_args){ .workspace_id = r->who.workspace_id,
							    .key_id = r->who.key_id,
							    .session_id = r->who.session_id });
}

static void on_got(struct req *r, const struct pg_unit *u)
{
	struct str cookie = STR_NONE;
	if (pg_result_rows(req_result(r, u, 0)) == 0) { /* gone since it was looked up */
		req_not_found(r);
		return;
	}
	if (!uuid_is_nil(r->who.session_id))
		(void)find_session(r, &cookie); /* it was let in with it */
	reply(r, req_result(r, u, 0), 200, cookie);
}

void sessions_get(struct req *r)
{
	(void)req_read(r); /* r->unit */
	add_get(r);
	req_submit(r, on_got);
}

/* --- signing in and out ------------------------------------------------------------------------ */

static void set_cookie(struct req *r, enum origin from, struct str cookie, int64_t max_age_s)
{
	struct strbuf b;
	strbuf_init(&b, 2 * COOKIE_MAX);
	strbuf_add(&b, cookie);
	strbuf_addf(&b, "; Path=/; Max-Age=%" PRId64 "; HttpOnly; SameSite=Strict%s", max_age_s,
		    from == ORIGIN_HTTPS ? "; Secure" : "");
	http_reply_header(r->http, "Set-Cookie", strbuf_str(&b).p);
	strbuf_deinit(&b);
}

struct made {
	enum origin from;
	struct str cookie;
};

static void on_made(struct req *r, const struct pg_unit *u)
{
	const struct made *m = r->state;
	if (pg_result_rows(req_result(r, u, 1)) == 0) {
		req_not_found(r);
		return;
	}
	set_cookie(r, m->from, m->cookie, r->app->settings.session_us / USEC_PER_SEC);
	reply(r, req_result(r, u, 1), 201, m->cookie);
}

static struct str make_cookie(struct req *r, enum origin from)
{
	struct strbuf b;
	uint8_t secret[SECRET_BYTES];
	random_bytes(secret, sizeof(secret));
	strbuf_init(&b, COOKIE_MAX);
	strbuf_add(&b, cookie_names[from]);
	sec_hex_encode(secret, sizeof(secret), &b);
	mem_wipe(secret, sizeof(secret));
	struct str cookie = arena_str(r->arena, strbuf_str(&b));
	strbuf_deinit(&b);
	return cookie;
}

void sessions_create(struct req *r)
{
	struct made *m = arena_alloc(r->arena, sizeof(*m));
	uint8_t hash[SHA256_SIZE];
	if (!uuid_is_nil(r->who.session_id)) { /* lest one prolong itself for ever */
		req_fail(r, PROBLEM_UNAUTHORIZED,
			 "Send the API key itself: Authorization: Bearer bf_...");
		return;
	}
	m->from = judge_origin(r);
	if (m->from == ORIGIN_FOREIGN) {
		req_fail(r, PROBLEM_CROSS_SITE,
			 "The dashboard is open over https, or over http on localhost and "
			 "127.0.0.1, to pages of its own only.");
		return;
	}
	m->cookie = make_cookie(r, m->from);
	r->state = m;
	auth_hash(r->app->auth, m->cookie, hash);
	struct uuid id = random_id(r->now);
	req_makes(r, ID_SESSION, id);
	add_api_session_create(req_read(r),
			       &(struct api_session_create_args){
				       .workspace_id = r->who.workspace_id,
				       .id = id,
				       .key_id = r->who.key_id,
				       .hash = { (const char *)hash, sizeof(hash) },
				       .expires_at = r->now + r->app->settings.session_us,
				       .most = SESSIONS_PER_KEY_MAX - 1 });
	r->who.session_id = id;
	add_get(r);
	req_submit(r, on_made);
}

static void on_ended(struct req *r, const struct pg_unit *u)
{
	struct str cookie;
	(void)u;
	enum origin from = find_session(r, &cookie);
	auth_drop(r->app->auth, r->key_hash);
	if (from != ORIGIN_FOREIGN)
		set_cookie(r, from, cookie_names[from], 0);
	req_reply(r, 204, NULL, STR_NONE);
}

void sessions_end(struct req *r)
{
	if (uuid_is_nil(r->who.session_id)) {
		req_not_found(r);
		return;
	}
	req_makes(r, ID_SESSION, r->who.session_id); /* the audit trail's subject */
	add_api_session_end(req_read(r),
			    &(struct api_session_end_args){ .workspace_id = r->who.workspace_id,
							    .id = r->who.session_id });
	req_submit(r, on_ended);
}
