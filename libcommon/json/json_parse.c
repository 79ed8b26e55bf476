/* A strict recursive scanner that hands cJSON finished nodes. cJSON's own parser is not used: it
 * accepts trailing bytes and duplicate keys, cuts at \u0000 and rounds integers.
 *
 * All text is decoded into one buffer as long as the input: a token never gets longer by losing its
 * quotes and gaining a NUL, and a number is followed by at least one byte that is not copied. */
#include "json/json_tree.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"

#define DEPTH_MAX 64     /* the C stack, here and in cJSON_Delete */
#define NUMBER_MAX 128   /* characters of one number */
#define EXPONENT_MAX 308 /* what a double, and so any reader, can hold */
#define PAIRWISE_MAX 8   /* members that are compared each with each */

struct scan {
	const char *begin, *p, *end;
	char *write;
	unsigned depth, max_depth;
	size_t nodes;
	cJSON *root;
	const char *nul_at; /* the first \u0000 */
	const char *why;    /* the first fault, at bad_at */
	const char *bad_at;
};

static bool scan_value(struct scan *s, cJSON *parent, const char *key);

static bool fail(struct scan *s, const char *at, const char *why)
{
	if (!s->why) {
		s->why = why;
		s->bad_at = at;
	}
	return false;
}

static void skip_blanks(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

static bool take(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

/* --- strings ------------------------------------------------------------------------------ */

static bool take_hex4(struct scan *s, unsigned *out)
{
	unsigned v = 0;
	if (s->end - s->p < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char c = s->p[i];
		if (c >= '0' && c <= '9')
			v = v << 4 | (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v << 4 | (unsigned)(c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			v = v << 4 | (unsigned)(c - 'A' + 10);
		else
			return false;
	}
	s->p += 4;
	*out = v;
	return true;
}

static void write_utf8(struct scan *s, unsigned c)
{
	if (c < 0x80) {
		*s->write++ = (char)c;
	} else if (c < 0x800) {
		*s->write++ = (char)(0xc0 | c >> 6);
		*s->write++ = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		*s->write++ = (char)(0xe0 | c >> 12);
		*s->write++ = (char)(0x80 | (c >> 6 & 63));
		*s->write++ = (char)(0x80 | (c & 63));
	} else {
		*s->write++ = (char)(0xf0 | c >> 18);
		*s->write++ = (char)(0x80 | (c >> 12 & 63));
		*s->write++ = (char)(0x80 | (c >> 6 & 63));
		*s->write++ = (char)(0x80 | (c & 63));
	}
}

/* After "\u". */
static bool scan_unicode_escape(struct scan *s)
{
	const char *at = s->p - 2;
	unsigned c, low;
	if (!take_hex4(s, &c))
		return fail(s, at, "\\u needs four hexadecimal digits");
	if (c == 0) {
		/* told apart from other faults at the end; any character will do until then */
		s->nul_at = s->nul_at ? s->nul_at : at;
		c = '?';
	}
	if (c >= 0xdc00 && c <= 0xdfff)
		return fail(s, at, "a low surrogate without its high one");
	if (c >= 0xd800 && c <= 0xdbff) {
		if (!take(s, '\\') || !take(s, 'u') || !take_hex4(s, &low) || low < 0xdc00 ||
		    low > 0xdfff)
			return fail(s, at, "a high surrogate without its low one");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	write_utf8(s, c);
	return true;
}

/* After the backslash. */
static bool scan_escape(struct scan *s)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	if (take(s, 'u'))
		return scan_unicode_escape(s);
	const char *found = s->p < s->end ? memchr(from, *s->p, sizeof(from) - 1) : NULL;
	if (!found)
		return fail(s, s->p - 1, "an unknown escape in a string");
	*s->write++ = to[found - from];
	s->p++;
	return true;
}

static bool is_plain(char c)
{
	return (unsigned char)c >= ' ' && c != '"' && c != '\\';
}

/* The decoded text, NUL-terminated; UTF-8 was checked before. */
static bool scan_string(struct scan *s, const char **out)
{
	const char *at = s->p;
	*out = s->write;
	if (!take(s, '"'))
		return fail(s, at, "a string was expected");
	for (;;) {
		const char *run = s->p;
		while (s->p < s->end && is_plain(*s->p))
			s->p++;
		size_t n = (size_t)(s->p - run);
		memcpy(s->write, run, n);
		s->write += n;
		if (take(s, '"'))
			break;
		if (s->p == s->end)
			return fail(s, at, "a string does not end");
		if (!take(s, '\\'))
			return fail(s, s->p, "a control character in a string");
		if (!scan_escape(s))
			return false;
	}
	*s->write++ = '\0';
	return true;
}

/* --- scalars ------------------------------------------------------------------------------ */

static bool skip_digits(struct scan *s)
{
	const char *from = s->p;
	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return s->p > from;
}

/* e[+-]digits. Postgres and every client that reads doubles must be able to hold the number. */
static bool scan_exponent(struct scan *s, const char *number)
{
	int64_t exponent;
	double v;
	s->p++;
	if (!take(s, '+'))
		(void)take(s, '-'); /* either sign, or none */
	const char *digits = s->p;
	if (!skip_digits(s))
		return fail(s, number, "a malformed number");
	struct str text = { digits, (size_t)(s->p - digits) };
	struct str whole = { number, (size_t)(s->p - number) };
	if (is_err(parse_i64(text, 0, EXPONENT_MAX, &exponent)) ||
	    is_err(parse_double(whole, -HUGE_VAL, HUGE_VAL, &v)))
		return fail(s, number, "a number is out of range");
	return true;
}

static bool scan_number(struct scan *s, const char **out)
{
	const char *at = s->p;
	(void)take(s, '-'); /* optional */
	if (!take(s, '0') && !skip_digits(s))
		return fail(s, at, "a value was expected");
	if (take(s, '.') && !skip_digits(s))
		return fail(s, at, "a malformed number");
	if (s->p - at > NUMBER_MAX)
		return fail(s, at, "a number is longer than 128 characters");
	if (s->p < s->end && (*s->p == 'e' || *s->p == 'E') && !scan_exponent(s, at))
		return false;
	if (s->p < s->end && ((*s->p >= '0' && *s->p <= '9') || *s->p == '.'))
		return fail(s, at, "a malformed number");
	size_t n = (size_t)(s->p - at);
	*out = s->write;
	memcpy(s->write, at, n);
	s->write[n] = '\0';
	s->write += n + 1;
	return true;
}

static bool take_word(struct scan *s, const char *word)
{
	size_t n = strlen(word);
	if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
		return false;
	s->p += n;
	return true;
}

/* NULL with a fault set. */
static cJSON *scan_scalar(struct scan *s)
{
	const char *text = NULL;
	cJSON *node;
	if (*s->p == '"') {
		if (!scan_string(s, &text))
			return NULL;
		node = cJSON_CreateStringReference(text);
	} else if (take_word(s, "true")) {
		node = cJSON_CreateTrue();
	} else if (take_word(s, "false")) {
		node = cJSON_CreateFalse();
	} else if (take_word(s, "null")) {
		node = cJSON_CreateNull();
	} else {
		if (!scan_number(s, &text))
			return NULL;
		node = cJSON_CreateStringReference(text);
		if (node)
			node->type = cJSON_Raw | cJSON_IsReference;
	}
	if (!node)
		abort();
	return node;
}

/* --- objects and arrays ------------------------------------------------------------------- */

struct key {
	uint64_t hash;
	const char *text;
};

static int compare_keys(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return strcmp(x->text, y->text);
}

static uint64_t hash_text(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return h;
}

/* n log n whatever the keys: the order is total, so keys made to collide in the hash only cost a
 * longer comparison. */
static bool has_duplicate_sorted(const cJSON *object, size_t n)
{
	struct key *keys = xcalloc(n, sizeof(*keys));
	bool found = false;
	size_t i = 0;
	for (const cJSON *m = object->child; m; m = m->next)
		keys[i++] = (struct key){ hash_text(m->string), m->string };
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (i = 1; i < n && !found; i++)
		found = compare_keys(&keys[i - 1], &keys[i]) == 0;
	free(keys);
	return found;
}

static bool has_duplicate(const cJSON *object, size_t n)
{
	if (n > PAIRWISE_MAX)
		return has_duplicate_sorted(object, n);
	for (const cJSON *a = object->child; a; a = a->next) {
		for (const cJSON *b = a->next; b; b = b->next) {
			if (strcmp(a->string, b->string) == 0)
				return true;
		}
	}
	return false;
}

static bool scan_array(struct scan *s, cJSON *array)
{
	skip_blanks(s);
	if (take(s, ']'))
		return true;
	do {
		if (!scan_value(s, array, NULL))
			return false;
		skip_blanks(s);
	} while (take(s, ','));
	return take(s, ']') || fail(s, s->p, "',' or ']' was expected");
}

static bool scan_object(struct scan *s, cJSON *object)
{
	const char *at = s->p - 1, *key;
	size_t n = 0;
	skip_blanks(s);
	if (take(s, '}'))
		return true;
	do {
		skip_blanks(s);
		if (!scan_string(s, &key))
			return false;
		skip_blanks(s);
		if (!take(s, ':'))
			return fail(s, s->p, "':' was expected");
		if (!scan_value(s, object, key))
			return false;
		n++;
		skip_blanks(s);
	} while (take(s, ','));
	if (!take(s, '}'))
		return fail(s, s->p, "',' or '}' was expected");
	return !has_duplicate(object, n) || fail(s, at, "an object has the same key twice");
}

/* A node belongs to its parent before it is filled, so that a fault leaves one tree to delete. */
static void attach(struct scan *s, cJSON *parent, const char *key, cJSON *node)
{
	if (!node)
		abort();
	if (!parent)
		s->root = node;
	else if (key)
		(void)cJSON_AddItemToObjectCS(parent, key, node); /* fails on NULL only */
	else
		(void)cJSON_AddItemToArray(parent, node); /* fails on NULL only */
}

static bool scan_value(struct scan *s, cJSON *parent, const char *key)
{
	skip_blanks(s);
	if (s->p == s->end)
		return fail(s, s->p, "the document ends too early");
	if (++s->nodes > JSON_NODES_MAX)
		return fail(s, s->p, "too many values");
	bool is_object = *s->p == '{';
	if (!is_object && *s->p != '[') {
		cJSON *scalar = scan_scalar(s);
		if (scalar)
			attach(s, parent, key, scalar);
		return scalar != NULL;
	}
	if (s->depth == s->max_depth)
		return fail(s, s->p, "nested too deeply");
	cJSON *node = is_object ? cJSON_CreateObject() : cJSON_CreateArray();
	attach(s, parent, key, node);
	s->p++;
	s->depth++;
	bool ok = is_object ? scan_object(s, node) : scan_array(s, node);
	s->depth--;
	return ok;
}

/* The verdict on a whole document; `bad_at` is set with it. */
static struct err scan_document(struct scan *s)
{
	size_t good = str_utf8_prefix((struct str){ s->begin, (size_t)(s->end - s->begin) });
	if (s->begin + good < s->end) {
		s->bad_at = s->begin + good;
		return ERR(ERR_INVALID, "not valid UTF-8");
	}
	bool ok = scan_value(s, NULL, NULL);
	skip_blanks(s);
	if (ok && s->p < s->end)
		ok = fail(s, s->p, "something follows the value");
	if (!ok)
		return ERR(s->nodes > JSON_NODES_MAX ? ERR_TOO_LARGE : ERR_INVALID, s->why);
	if (s->nul_at) {
		s->bad_at = s->nul_at;
		return ERR(ERR_DENIED, "\\u0000 is not allowed in a string");
	}
	return OK;
}

struct err json_parse(struct str text, struct json_limits limits, struct json_doc **out,
		      size_t *at_out)
{
	ASSERT(limits.max_depth <= DEPTH_MAX);
	if (text.n > limits.max_bytes) {
		if (at_out)
			*at_out = limits.max_bytes;
		return ERR(ERR_TOO_LARGE, "the JSON text is too long");
	}
	const char *begin = text.n ? text.p : "";
	struct json_doc *d = xcalloc(1, sizeof(*d));
	d->text = xmalloc(text.n + 1);
	struct scan s = { .begin = begin,
			  .p = begin,
			  .end = begin + text.n,
			  .write = d->text,
			  .max_depth = limits.max_depth };
	struct err e = scan_document(&s);
	d->root = s.root;
	if (is_err(e)) {
		if (at_out)
			*at_out = (size_t)(s.bad_at - s.begin);
		json_doc_free(d);
		return e;
	}
	*out = d;
	return OK;
}

void json_doc_free(struct json_doc *d)
{
	if (!d)
		return;
	cJSON_Delete(d->root);
	free(d->text);
	free(d);
}
