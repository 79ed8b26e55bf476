/* Line by line; CRLF or LF in, CRLF out. */
#include "sdp.h"

#include "base/err.h"

static bool next_line(struct str *rest, struct str *line)
{
	if (rest->n == 0)
		return false;
	(void)str_split(*rest, '\n', line, rest); /* the last one may lack its end */
	if (line->n > 0 && line->p[line->n - 1] == '\r')
		line->n--;
	return true;
}

static const char *family(const char *ip)
{
	for (const char *p = ip; *p; p++) {
		if (*p == ':')
			return "IP6";
	}
	return "IP4";
}

static void add_origin(struct sdp_origin *o, struct strbuf *out)
{
	strbuf_addf(out, "o=- %" PRIu64 " %u IN %s %s\r\n", o->session, ++o->version, family(o->ip),
		    o->ip);
}

void sdp_black_hole(struct sdp_origin *o, struct strbuf *out)
{
	strbuf_add(out, STR("v=0\r\n"));
	add_origin(o, out);
	strbuf_addf(out, "s=-\r\nc=IN %s %s\r\nt=0 0\r\n", family(o->ip), o->ip);
	strbuf_add(out, STR("m=audio 9 RTP/AVP 0 8 101\r\n"
			    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
			    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"));
}

void sdp_relay(struct sdp_origin *o, struct str sdp, struct strbuf *out)
{
	struct str line;

	while (next_line(&sdp, &line)) {
		if (str_starts(line, STR("o="))) {
			add_origin(o, out);
			continue;
		}
		strbuf_add(out, line);
		strbuf_add(out, STR("\r\n"));
	}
}

static bool next_media_line(struct str *rest, struct str *line)
{
	while (next_line(rest, line)) {
		if (line->n > 0 && !str_starts(*line, STR("o=")) && !str_starts(*line, STR("s=")) &&
		    !str_starts(*line, STR("t=")))
			return true;
	}
	return false;
}

bool sdp_is_same_media(struct str a, struct str b)
{
	struct str x, y;

	for (;;) {
		bool has_x = next_media_line(&a, &x), has_y = next_media_line(&b, &y);
		if (!has_x || !has_y)
			return has_x == has_y;
		if (!str_eq(x, y))
			return false;
	}
}
