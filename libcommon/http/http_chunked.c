/* The chunked coding (RFC 9112, section 7.1) as a machine that eats bytes:
 *
 *   SIZE ──CR──► SIZE_LF ──► DATA ──► DATA_CR ──► DATA_LF ──► SIZE …
 *    │ ';'▲         │ size 0
 *    ▼    │CR       ▼
 *   EXTENSION    TRAILER ⇄ TRAILER_LINE, TRAILER_LF;  an empty line ends all: END_LF ──► END
 */
#include "http/http_framing.h"

#define SIZE_LINE_MAX 256
#define SIZE_DIGITS_MAX 12 /* no body of 2^48 bytes passes any limit here */
#define TRAILERS_MAX ((size_t)4096)

enum {
	SIZE = 0,
	EXTENSION,
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER,
	TRAILER_LINE,
	TRAILER_LF,
	END_LF,
	END,
	BROKEN
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool is_line_text(char c)
{
	unsigned char u = (unsigned char)c;
	return u == '\t' || (u >= 0x20 && u != 0x7f);
}

static int in_size(struct http_chunked *d, char c)
{
	int digit = hex_digit(c);
	if (digit >= 0) {
		d->left = d->left * 16 + (uint64_t)digit;
		return ++d->n_digits > SIZE_DIGITS_MAX ? BROKEN : SIZE;
	}
	if (d->n_digits == 0)
		return BROKEN;
	if (c == '\r')
		return SIZE_LF;
	return c == ';' || c == ' ' || c == '\t' ? EXTENSION : BROKEN;
}

static int after_size(struct http_chunked *d, char c)
{
	if (c != '\n')
		return BROKEN;
	d->n_line = 0;
	return d->left ? DATA : TRAILER;
}

static int after_data(struct http_chunked *d, char c)
{
	d->n_digits = 0;
	return c == '\n' ? SIZE : BROKEN;
}

/* The state after one byte that is not data. */
static int step(struct http_chunked *d, char c)
{
	switch (d->state) {
	case SIZE:
		return ++d->n_line > SIZE_LINE_MAX ? BROKEN : in_size(d, c);
	case EXTENSION:
		if (c == '\r')
			return SIZE_LF;
		return is_line_text(c) && ++d->n_line <= SIZE_LINE_MAX ? EXTENSION : BROKEN;
	case SIZE_LF:
		return after_size(d, c);
	case DATA_CR:
		return c == '\r' ? DATA_LF : BROKEN;
	case DATA_LF:
		return after_data(d, c);
	case TRAILER:
		if (c == '\r')
			return END_LF;
		return is_line_text(c) && ++d->n_line <= TRAILERS_MAX ? TRAILER_LINE : BROKEN;
	case TRAILER_LINE:
		if (c == '\r')
			return TRAILER_LF;
		return is_line_text(c) && ++d->n_line <= TRAILERS_MAX ? TRAILER_LINE : BROKEN;
	case TRAILER_LF:
		return c == '\n' ? TRAILER : BROKEN;
	case END_LF:
		return c == '\n' ? END : BROKEN;
	default:
		return BROKEN;
	}
}

enum http_scan http_chunked_next(struct http_chunked *d, struct str in, size_t *used,
				 struct str *data)
{
	size_t at = 0;
	*data = STR_NONE;
	while (at < in.n && d->state != END && d->state != BROKEN) {
		if (d->state != DATA) {
			d->state = step(d, in.p[at++]);
			continue;
		}
		size_t room = in.n - at;
		size_t n = d->left < room ? (size_t)d->left : room;
		*data = (struct str){ in.p + at, n };
		d->left -= n;
		if (d->left == 0)
			d->state = DATA_CR;
		at += n;
		break;
	}
	*used = at;
	if (d->state == BROKEN)
		return HTTP_SCAN_BAD;
	return d->state == END ? HTTP_SCAN_COMPLETE : HTTP_SCAN_MORE;
}
