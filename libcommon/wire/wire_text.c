/* Words of stream entries. Written by hand because tens of thousands pass in a second, and because
 * strictness is the point: what decodes encodes to the same bytes again. */
#include "wire/wire_text.h"

#include "base/parse.h"

void wire_out_init(struct wire_out *o, struct strbuf *b)
{
	*o = (struct wire_out){ .b = b };
}

void wire_put_word(struct wire_out *o, struct str word)
{
	if (o->is_begun)
		strbuf_add_c(o->b, ' ');
	o->is_begun = true;
	strbuf_add(o->b, word);
}

void wire_put_uuid(struct wire_out *o, struct uuid id)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * sizeof(id.b)];
	for (size_t i = 0; i < sizeof(id.b); i++) {
		text[2 * i] = digits[id.b[i] >> 4];
		text[2 * i + 1] = digits[id.b[i] & 15];
	}
	wire_put_word(o, (struct str){ text, sizeof(text) });
}

void wire_put_i64(struct wire_out *o, int64_t v, int64_t max)
{
	if (o->is_begun)
		strbuf_add_c(o->b, ' ');
	o->is_begun = true;
	strbuf_add_i64(o->b, min_i64(max_i64(v, 0), max));
}

void wire_in_init(struct wire_in *in, struct str text)
{
	*in = (struct wire_in){ .rest = text };
}

struct str wire_get_word(struct wire_in *in)
{
	struct str word, rest;
	if (in->is_bad || in->is_ended) {
		in->is_bad = true;
		return STR("");
	}
	in->is_ended = !str_split(in->rest, ' ', &word, &rest);
	in->rest = rest;
	in->is_bad = word.n == 0;
	return word;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

struct uuid wire_get_uuid(struct wire_in *in)
{
	struct str word = wire_get_word(in);
	struct uuid id = { { 0 } };
	if (word.n != 2 * sizeof(id.b)) {
		in->is_bad = true;
		return UUID_NIL;
	}
	for (size_t i = 0; i < sizeof(id.b); i++) {
		int high = hex_value(word.p[2 * i]), low = hex_value(word.p[2 * i + 1]);
		if (high < 0 || low < 0) {
			in->is_bad = true;
			return UUID_NIL;
		}
		id.b[i] = (uint8_t)(high << 4 | low);
	}
	return id;
}

int64_t wire_get_i64(struct wire_in *in, int64_t max)
{
	struct str word = wire_get_word(in);
	int64_t v = 0;
	bool is_canonical = word.n == 1 || (word.n > 1 && word.p[0] != '0');
	if (!is_canonical || word.p[0] == '-' || is_err(parse_i64(word, 0, max, &v))) {
		in->is_bad = true;
		return 0;
	}
	return v;
}

bool wire_in_is_done(const struct wire_in *in)
{
	return !in->is_bad && in->is_ended;
}
