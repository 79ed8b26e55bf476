/* One pass finds the end of the header section, a second one over the complete block cuts it into
 * lines and judges each. Where RFC 9112 leaves a recipient free to be lenient, this one refuses:
 * what two programs can read in two ways is how requests are smuggled. */
#include "http/http_framing.h"

#include <string.h>

#include "base/parse.h"

#define NO_FAULT ((struct http_fault){ 0, NULL, NULL })
#define MALFORMED(text) ((struct http_fault){ 400, "malformed_request", (text) })

static bool is_token_char(char c)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	return c != '\0' && memchr(others, c, sizeof(others) - 1) != NULL;
}

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_token_char(s.p[i]))
			return false;
	}
	return s.n > 0;
}

enum http_scan http_head_scan(struct str in, size_t *line_at, size_t *size_out)
{
	if (in.n && !is_token_char(in.p[0]))
		return HTTP_SCAN_BAD;
	while (*line_at < in.n) {
		const char *line = in.p + *line_at;
		const char *lf = memchr(line, '\n', in.n - *line_at);
		if (!lf)
			return HTTP_SCAN_MORE;
		size_t n = (size_t)(lf - line);
		if (n == 0 || line[n - 1] != '\r')
			return HTTP_SCAN_BAD;
		*line_at += n + 1;
		if (n == 1) {
			*size_out = *line_at;
			return HTTP_SCAN_COMPLETE;
		}
	}
	return HTTP_SCAN_MORE;
}

/* Cuts the next line off; the scan has seen that each ends in CRLF. */
static struct str next_line(struct str *rest)
{
	struct str line;
	(void)str_split(*rest, '\n', &line, rest); /* there always is one */
	line.n--;
	return line;
}

static const struct {
	struct str name;
	enum http_method method;
} METHODS[] = {
	{ { "GET", 3 }, HTTP_GET },         { { "HEAD", 4 }, HTTP_HEAD },
	{ { "POST", 4 }, HTTP_POST },       { { "PUT", 3 }, HTTP_PUT },
	{ { "PATCH", 5 }, HTTP_PATCH },     { { "DELETE", 6 }, HTTP_DELETE },
	{ { "OPTIONS", 7 }, HTTP_OPTIONS },
};

static struct http_fault parse_method(struct str text, enum http_method *out)
{
	if (!is_token(text))
		return MALFORMED("the request line does not begin with a method");
	for (size_t i = 0; i < ARRAY_LEN(METHODS); i++) {
		if (str_eq(text, METHODS[i].name)) {
			*out = METHODS[i].method;
			return NO_FAULT;
		}
	}
	return (struct http_fault){ 501, "not_implemented", "this method is not known here" };
}

static struct http_fault parse_request_line(struct str line, struct http_head *out)
{
	struct str method, rest, version;
	if (!str_split(line, ' ', &method, &rest) || !str_split(rest, ' ', &out->uri, &version))
		return MALFORMED("the request line is not `METHOD target HTTP/1.1`");
	if (str_eq(version, STR("HTTP/1.1")))
		out->is_1_1 = true;
	else if (!str_eq(version, STR("HTTP/1.0")))
		return MALFORMED("only HTTP/1.1 and HTTP/1.0 are spoken here");
	return parse_method(method, &out->method);
}

static struct http_fault parse_field(struct str line, struct http_field *out)
{
	struct str value;
	if (!str_split(line, ':', &out->name, &value))
		return MALFORMED("a header line has no colon");
	if (!is_token(out->name))
		return MALFORMED("a header name is not a token");
	out->value = str_trim(value);
	for (size_t i = 0; i < out->value.n; i++) {
		unsigned char c = (unsigned char)out->value.p[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return MALFORMED("a header value has a control byte");
	}
	return NO_FAULT;
}

static bool is_host(struct str s)
{
	static const char others[] = "-._~%!$&'()*+;=:[]";
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool is_alnum =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
		if (!is_alnum && (c == '\0' || !memchr(others, c, sizeof(others) - 1)))
			return false;
	}
	return true;
}

static bool is_digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	}
	return s.n > 0;
}

/* `close` and `keep-alive` in a comma list; close wins. */
static void read_connection(struct str value, bool *close, bool *keep)
{
	bool more = true;
	while (more) {
		struct str word;
		more = str_split(value, ',', &word, &value);
		word = str_trim(word);
		if (str_eq_nocase(word, STR("close")))
			*close = true;
		else if (str_eq_nocase(word, STR("keep-alive")))
			*keep = true;
	}
}

/* How often the fields that frame a message were seen, and what they said. */
struct framing {
	int hosts, lengths, codings;
	bool close, keep;
};

static struct http_fault judge_field(const struct http_field *f, struct framing *seen,
				     struct http_head *out)
{
	if (str_eq_nocase(f->name, STR("host"))) {
		seen->hosts++;
		if (!is_host(f->value))
			return MALFORMED("the Host header is not a host");
	} else if (str_eq_nocase(f->name, STR("content-length"))) {
		seen->lengths++;
		if (!is_digits(f->value))
			return MALFORMED("Content-Length is not a number");
		/* a number that does not fit is too large for any limit */
		if (is_err(parse_u64(f->value, 0, UINT64_MAX, &out->content_length)))
			out->content_length = UINT64_MAX;
	} else if (str_eq_nocase(f->name, STR("transfer-encoding"))) {
		seen->codings++;
		if (!str_eq_nocase(f->value, STR("chunked")))
			return MALFORMED("the only Transfer-Encoding known here is chunked");
		out->is_chunked = true;
	} else if (str_eq_nocase(f->name, STR("connection"))) {
		read_connection(f->value, &seen->close, &seen->keep);
	} else if (str_eq_nocase(f->name, STR("expect"))) {
		out->expects_continue = str_eq_nocase(f->value, STR("100-continue"));
	}
	return NO_FAULT;
}

static struct http_fault judge_framing(const struct framing *seen, struct http_head *out)
{
	if (seen->hosts != 1)
		return MALFORMED("there must be exactly one Host header");
	if (seen->lengths > 1)
		return MALFORMED("there is more than one Content-Length");
	if (seen->codings > 1)
		return MALFORMED("there is more than one Transfer-Encoding");
	if (seen->codings && seen->lengths)
		return MALFORMED("Transfer-Encoding and Content-Length exclude each other");
	if (seen->codings && !out->is_1_1)
		return MALFORMED("HTTP/1.0 has no Transfer-Encoding");
	out->wants_keep_alive = !seen->close && (out->is_1_1 || seen->keep);
	out->expects_continue = out->expects_continue && out->is_1_1;
	return NO_FAULT;
}

static size_t count_lines(struct str block)
{
	size_t n = 0;
	for (size_t i = 0; i < block.n; i++)
		n += block.p[i] == '\n';
	return n;
}

struct http_fault http_head_parse(struct str block, struct arena *a, struct http_head *out)
{
	struct framing seen = { .hosts = 0 };
	size_t n_lines = count_lines(block);
	*out = (struct http_head){ .method = HTTP_GET };
	if (n_lines < 2)
		return MALFORMED("the header section is not complete");
	out->n_fields = n_lines - 2; /* less the request line and the empty one */
	if (out->n_fields > HTTP_MAX_FIELDS)
		return (struct http_fault){ 431, "headers_too_large", "too many header lines" };
	out->fields = arena_array(a, out->n_fields, sizeof(*out->fields));

	struct http_fault fault = parse_request_line(next_line(&block), out);
	for (size_t i = 0; i < out->n_fields && !fault.status; i++) {
		fault = parse_field(next_line(&block), &out->fields[i]);
		if (!fault.status)
			fault = judge_field(&out->fields[i], &seen, out);
	}
	if (!fault.status)
		fault = judge_framing(&seen, out);
	if (!fault.status)
		fault = http_uri_parse(out->uri, a, &out->path, &out->query);
	return fault;
}

struct str http_head_field(const struct http_head *h, struct str name)
{
	for (size_t i = 0; i < h->n_fields; i++) {
		if (str_eq_nocase(h->fields[i].name, name))
			return h->fields[i].value;
	}
	return STR_NONE;
}
