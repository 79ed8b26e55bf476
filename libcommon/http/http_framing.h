/* The bytes of one HTTP/1.1 request, judged before anything believes them (RFC 9112, strict side):
 * lines end in CRLF, names are tokens, no folding, exactly one Host, one length or one `chunked`.
 * Pure: bytes in, slices of them out. The connection decides when to call and what to answer. */
#ifndef BELFRY_HTTP_HTTP_FRAMING_H
#define BELFRY_HTTP_HTTP_FRAMING_H

#include "base/arena.h"
#include "base/str.h"
#include "http/http_server.h"

#define HTTP_MAX_FIELDS 100

/* A violation as it is answered; status 0 = none. All three texts are literals. */
struct http_fault {
	int status;
	const char *code, *detail;
};

enum http_scan { HTTP_SCAN_MORE = 0, HTTP_SCAN_COMPLETE, HTTP_SCAN_BAD, HTTP_SCAN_COUNT };

/* Looks for the end of the header section. *line_at is the start of the line being looked at: 0
 * at first, kept by the caller while more bytes are appended. COMPLETE sets *size_out to the size
 * of the section with its empty line. BAD: a bare LF, or what does not begin like a request. */
enum http_scan http_head_scan(struct str in, size_t *line_at, size_t *size_out);

struct http_field {
	struct str name, value;
};

struct http_head {
	enum http_method method;
	struct str uri;   /* as sent */
	struct str path;  /* decoded */
	struct str query; /* as sent, without the question mark */
	struct http_field *fields;
	size_t n_fields;
	uint64_t content_length; /* 0 when none was declared */
	bool is_chunked, is_1_1, wants_keep_alive, expects_continue;
};

/* `block` is a complete header section as found by the scan and outlives *out. Fields and the
 * decoded path live in the arena. *out is complete only when the fault's status is 0; its method
 * is right as soon as the method was. */
struct http_fault http_head_parse(struct str block, struct arena *a, struct http_head *out);
/* The value of the first field of that name (any case), or STR_NONE. */
struct str http_head_field(const struct http_head *h, struct str name);

/* --- the request target ------------------------------------------------------------------- */

/* Splits and decodes the target. Refused: no leading slash, broken escapes, NUL or control bytes,
 * `//` or `..` in the decoded path, a fragment, and what does not decode to UTF-8. */
struct http_fault http_uri_parse(struct str uri, struct arena *a, struct str *path,
				 struct str *query);
/* The next parameter of a query that http_uri_parse accepted; false at the end. *rest starts as
 * the query and shrinks. */
bool http_query_next(struct str *rest, struct arena *a, struct str *name, struct str *value);

/* --- a chunked body ----------------------------------------------------------------------- */

struct http_chunked {
	int state;
	uint64_t left; /* of the chunk being read */
	size_t n_line; /* bytes of the size line, or of all trailers, so far */
	size_t n_digits;
};

/* Starts zeroed. Consumes *used bytes of `in`, of which *data is the next piece of the body,
 * perhaps empty. MORE: call again, with more bytes once all were used. Extensions and trailers
 * are checked for form and dropped. */
enum http_scan http_chunked_next(struct http_chunked *d, struct str in, size_t *used,
				 struct str *data);

#endif
